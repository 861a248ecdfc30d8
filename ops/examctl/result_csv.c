#include "result_csv.h"

#include <csv.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* = + - @, their full-width forms, and blanks before which spreadsheets look on. */
static bool runs_as_formula(const char *text, size_t n)
{
    static const char *const starts[] = {"=",  "+",  "-",  "@",  "\t", "\r",
                                         "\n", "＝", "＋", "－", "＠", "'"};

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t start_bytes = strlen(starts[i]);

        if (n >= start_bytes && memcmp(text, starts[i], start_bytes) == 0)
            return true;
    }
    return false;
}

void result_csv_text(FILE *to, const void *text, size_t bytes)
{
    const char *at = text;

    if (bytes == 0 || !runs_as_formula(at, bytes)) {
        csv_fwrite(to, text, bytes);
        return;
    }
    /* csv_fwrite writes whole cells only, so a quoted one with something in front is spelt out. */
    fputs("\"'", to);
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] == '"')
            fputc('"', to);
        fputc(at[i], to);
    }
    fputc('"', to);
}

static void text_cell(FILE *to, const char *text)
{
    result_csv_text(to, text, strlen(text));
    fputc(',', to);
}

void result_csv_sitting_header(FILE *to)
{
    fputs("admission_no,name,room,seat,paper,state,finish,allot_ms,grants_ms,used_ms,left_ms,"
          "lost_ms,answers,late,interruptions\n",
          to);
}

void result_csv_sitting(FILE *to, const Admin__SittingResult *s)
{
    text_cell(to, s->admission_no);
    text_cell(to, s->name);
    text_cell(to, s->room);
    text_cell(to, s->seat);
    text_cell(to, s->paper);
    text_cell(to, s->state);
    text_cell(to, s->finish);
    fprintf(to, "%" PRIu64 ",%" PRId64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, s->allot_ms,
            s->grants_ms, s->used_ms, s->left_ms, s->lost_ms);
    fprintf(to, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "\n", s->answers, s->late, s->interruptions);
}

void result_csv_answer_header(FILE *to)
{
    fputs("admission_no,item,subject,value,seq,made_at_ms,late\n", to);
}

void result_csv_answers(FILE *to, const Admin__AnswerRows *rows)
{
    for (size_t i = 0; i < rows->n_rows; i++) {
        const Admin__AnswerRow *row = rows->rows[i];

        text_cell(to, rows->admission_no);
        text_cell(to, row->item);
        text_cell(to, row->subject);
        result_csv_text(to, row->value.data, row->value.len);
        fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%d\n", row->seq, row->made_at_ms, row->late ? 1 : 0);
    }
}
