#include "outputs.h"

#include <csv.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "boot_clock.h"

static exam_err file_open(const char *path, FILE **out)
{
    if (path == NULL) {
        *out = NULL;
        return EXAM_OK;
    }
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        fprintf(stderr, "seatsim: %s: cannot be written: %s\n", path, strerror(errno));
        return EXAM_IO;
    }
    *out = f;
    return EXAM_OK;
}

exam_err outputs_open(struct outputs *o, const char *acked_path, const char *events_path)
{
    *o = (struct outputs){0};
    exam_err err = file_open(acked_path, &o->acked);
    if (err == EXAM_OK)
        err = file_open(events_path, &o->events);
    if (err == EXAM_OK && o->acked != NULL)
        fputs("admission_no,item,made,seq,value,durability\n", o->acked);
    if (err != EXAM_OK && o->acked != NULL) {
        fclose(o->acked);
        o->acked = NULL;
    }
    return err;
}

void outputs_flush(struct outputs *o)
{
    if (o->acked != NULL)
        fflush(o->acked);
    if (o->events != NULL)
        fflush(o->events);
}

exam_err outputs_close(struct outputs *o)
{
    FILE *file[2] = {o->acked, o->events};
    exam_err err = EXAM_OK;
    for (int i = 0; i < 2; i++) {
        if (file[i] == NULL)
            continue;
        bool failed = ferror(file[i]) != 0;
        if (fclose(file[i]) != 0 || failed)
            err = EXAM_IO;
    }
    *o = (struct outputs){0};
    if (err != EXAM_OK)
        fprintf(stderr, "seatsim: the files of this run are not whole: writing failed\n");
    return err;
}

void outputs_acked(struct outputs *o, const struct swarm_seat *s, const char *item, uint64_t made,
                   uint64_t seq, const char *value, bool dual)
{
    if (o->acked == NULL)
        return;
    fprintf(o->acked, "%s,%s,%" PRIu64 ",%" PRIu64 ",", s->row->admission_no, item, made, seq);
    csv_fwrite(o->acked, value, strlen(value));
    fputs(dual ? ",dual\n" : ",solo\n", o->acked);
}

void outputs_event(struct outputs *o, const struct swarm_seat *s, const char *name,
                   const char *format, ...)
{
    if (o->events == NULL)
        return;
    /* Seats and admission numbers are names (codec_name_ok): no quotes, no control characters. */
    fprintf(o->events,
            "{\"ms\":%" PRIu64 ",\"event\":\"%s\",\"seat\":\"%s\",\"admission_no\":\"%s\"",
            wall_clock_ms(), name, s->row->seat, s->row->admission_no);
    va_list args;
    va_start(args, format);
    vfprintf(o->events, format, args);
    va_end(args);
    fputs("}\n", o->events);
}
