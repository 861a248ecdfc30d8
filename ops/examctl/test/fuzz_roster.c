/* fuzz_roster.c - whatever is in the files of rooms and candidates, something is noted or the lists
 * are sound; and lists without a problem, written out again, are read as the same. The two files
 * stand behind each other, with a zero byte between them. */
#include <string.h>

#include "codec.h"
#include "fuzz.h"
#include "roster_file.h"

static const struct room *room_of(const struct room_list *rooms, const char *seat)
{
    const char *dash = strrchr(seat, '-');

    require(dash != NULL);
    for (size_t i = 0; i < rooms->n; i++)
        if (strlen(rooms->rooms[i].name) == (size_t)(dash - seat) &&
            strncmp(rooms->rooms[i].name, seat, (size_t)(dash - seat)) == 0)
            return &rooms->rooms[i];
    return NULL;
}

static void expect_sound(const struct room_list *rooms, const struct roster *roster)
{
    require(rooms->n > 0 && rooms->n <= ROOMS_MAX && roster->n > 0 && roster->n <= SITTINGS_MAX);
    for (size_t i = 0; i < rooms->n; i++)
        require(codec_name_ok(rooms->rooms[i].name) && rooms->rooms[i].seats > 0 &&
                rooms->rooms[i].seats <= ROOM_SEATS_MAX);
    for (size_t i = 0; i < roster->n; i++) {
        const struct candidate *c = &roster->candidates[i];
        const struct room *room = room_of(rooms, c->seat);

        require(codec_name_ok(c->admission_no) && codec_name_ok(c->id_no) &&
                codec_name_ok(c->seat) && codec_name_ok(c->paper));
        require(codec_text_ok(c->name, strlen(c->name)));
        require(room != NULL && c->extra_minutes <= ROSTER_EXTRA_MINUTES_MAX);
        for (size_t k = 0; k < i; k++)
            require(strcmp(roster->candidates[k].seat, c->seat) != 0 &&
                    strcmp(roster->candidates[k].admission_no, c->admission_no) != 0);
    }
}

/* Every cell in quotes: a name may have a comma or a quote in it. */
static void put_cell(FILE *f, const char *cell)
{
    fputc('"', f);
    for (; *cell; cell++) {
        if (*cell == '"')
            fputc('"', f);
        fputc(*cell, f);
    }
    fputs("\",", f);
}

static char *rooms_text(const struct room_list *rooms, size_t *n)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, n);

    require(f != NULL);
    fputs("room,seats\n", f);
    for (size_t i = 0; i < rooms->n; i++) {
        put_cell(f, rooms->rooms[i].name);
        fprintf(f, "%u\n", rooms->rooms[i].seats);
    }
    require(fclose(f) == 0);
    return text;
}

static char *roster_text(const struct roster *roster, size_t *n)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, n);

    require(f != NULL);
    fputs("admission_no,id_no,name,seat,paper,extra_minutes\n", f);
    for (size_t i = 0; i < roster->n; i++) {
        const struct candidate *c = &roster->candidates[i];
        put_cell(f, c->admission_no);
        put_cell(f, c->id_no);
        put_cell(f, c->name);
        put_cell(f, c->seat);
        put_cell(f, c->paper);
        fprintf(f, "%u\n", c->extra_minutes);
    }
    require(fclose(f) == 0);
    return text;
}

static void read_both(const char *rooms_csv, size_t rooms_n, const char *roster_csv,
                      size_t roster_n, struct problems *p, struct room_list *rooms,
                      struct roster *roster)
{
    struct source_text a = {.file = "rooms.csv", .text = rooms_csv, .bytes = rooms_n};
    struct source_text b = {.file = "roster.csv", .text = roster_csv, .bytes = roster_n};

    problems_init(p);
    require(room_list_read(&a, p, rooms) == EXAM_OK);
    require(roster_read(&b, rooms, p, roster) == EXAM_OK);
}

static void expect_same_again(const struct room_list *rooms, const struct roster *roster)
{
    static struct problems problems;
    struct room_list rooms_again;
    struct roster again;
    size_t rooms_n, roster_n;
    char *a = rooms_text(rooms, &rooms_n), *b = roster_text(roster, &roster_n);

    read_both(a, rooms_n, b, roster_n, &problems, &rooms_again, &again);
    require(problems.n == 0 && rooms_again.n == rooms->n && again.n == roster->n);
    for (size_t i = 0; i < again.n; i++) {
        const struct candidate *c = &again.candidates[i], *d = &roster->candidates[i];
        require(strcmp(c->admission_no, d->admission_no) == 0 && strcmp(c->id_no, d->id_no) == 0 &&
                strcmp(c->name, d->name) == 0 && strcmp(c->seat, d->seat) == 0 &&
                strcmp(c->paper, d->paper) == 0 && c->extra_minutes == d->extra_minutes);
    }
    room_list_free(&rooms_again);
    roster_free(&again);
    free(a);
    free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct problems problems;
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t rooms_n = zero != NULL ? (size_t)(zero - data) : size;
    const char *text = (const char *)data;
    struct room_list rooms;
    struct roster roster;

    if (zero == NULL)
        read_both(text, size, text, size, &problems, &rooms, &roster);
    else
        read_both(text, rooms_n, text + rooms_n + 1, size - rooms_n - 1, &problems, &rooms,
                  &roster);
    if (problems.n == 0) {
        expect_sound(&rooms, &roster);
        expect_same_again(&rooms, &roster);
    }
    room_list_free(&rooms);
    roster_free(&roster);
    return 0;
}
