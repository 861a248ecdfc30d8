/* samplesite - writes an invented exam site: rooms.csv, roster.csv, paper.json.
 * The same options and seed give the same bytes on every machine. Nobody in it exists: the ID
 * numbers begin with 99, which is the code of no region, and their last place is random. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chance.h"
#include "exam_limits.h"
#include "questions.h"

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_CANNOT_WRITE = 73, PATH_BYTES = 4096 };

struct site {
    const char *out;
    unsigned rooms;
    unsigned seats;      /* of a room */
    unsigned candidates; /* of a room */
    unsigned items;
    uint64_t seed;
};

static unsigned random_below(uint64_t *state, unsigned n)
{
    return (unsigned)(chance_next(state) % n);
}

static FILE *file_open(const struct site *s, const char *name, char path[PATH_BYTES])
{
    int n = snprintf(path, PATH_BYTES, "%s/%s", s->out, name);
    FILE *f = n > 0 && n < PATH_BYTES ? fopen(path, "w") : NULL;

    if (f == NULL)
        fprintf(stderr, "samplesite: cannot write %s/%s: %s\n", s->out, name, strerror(errno));
    return f;
}

static bool file_close(FILE *f, const char *path)
{
    bool failed = ferror(f) != 0;

    if (fclose(f) == 0 && !failed)
        return true;
    fprintf(stderr, "samplesite: cannot write %s: %s\n", path, strerror(errno));
    return false;
}

/* ---------------------------------------------------------------- rooms and candidates */

static bool rooms_write(const struct site *s)
{
    char path[PATH_BYTES];
    FILE *f = file_open(s, "rooms.csv", path);

    if (f == NULL)
        return false;
    fputs("room,seats\n", f);
    for (unsigned room = 1; room <= s->rooms; room++)
        fprintf(f, "R%02u,%u\n", room, s->seats);
    return file_close(f, path);
}

static void name_write(FILE *f, uint64_t *random)
{
    static const char *const family[] = {
        "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙",   "马",
        "朱", "胡", "郭", "何", "林", "高", "罗", "郑", "梁", "谢", "宋", "唐",   "许",
        "邓", "冯", "韩", "曹", "曾", "彭", "萧", "蔡", "潘", "田", "董", "袁",   "于",
        "余", "叶", "蒋", "杜", "苏", "魏", "程", "吕", "丁", "沈", "任", "欧阳", "司徒",
    };
    static const char *const given[] = {
        "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛",
        "明", "超", "霞", "平", "刚", "桂", "英", "华", "玉", "建", "国", "文", "志", "秀", "兰",
        "海", "燕", "红", "梅", "鑫", "宇", "浩", "晨", "雨", "轩", "欣", "怡", "嘉", "俊", "辉",
        "峰", "春", "立", "新", "庆", "云", "飞", "龙", "松", "凯", "帆", "琳", "颖", "璐", "博",
    };
    enum { FAMILY_N = sizeof family / sizeof family[0], GIVEN_N = sizeof given / sizeof given[0] };

    fputs(family[random_below(random, FAMILY_N)], f);
    fputs(given[random_below(random, GIVEN_N)], f);
    if (random_below(random, 3) > 0)
        fputs(given[random_below(random, GIVEN_N)], f);
}

/* Different for each n, because n is in it. */
static void id_no_write(FILE *f, unsigned n, uint64_t *random)
{
    unsigned year = 1966 + random_below(random, 38);
    unsigned month = 1 + random_below(random, 12);
    unsigned day = 1 + random_below(random, 28);
    unsigned last = random_below(random, 11);

    fprintf(f, "99%04u%04u%02u%02u%03u", n / 1000, year, month, day, n % 1000);
    if (last < 10)
        fprintf(f, "%u", last);
    else
        fputc('X', f);
}

static bool roster_write(const struct site *s)
{
    uint64_t random = s->seed;
    char path[PATH_BYTES];
    FILE *f = file_open(s, "roster.csv", path);
    unsigned n = 0;

    if (f == NULL)
        return false;
    fputs("admission_no,id_no,name,seat,paper,extra_minutes\n", f);
    for (unsigned room = 1; room <= s->rooms; room++) {
        for (unsigned seat = 1; seat <= s->candidates; seat++) {
            n++;
            fprintf(f, "%u,", 2026010000u + n);
            id_no_write(f, n, &random);
            fputc(',', f);
            name_write(f, &random);
            fprintf(f, ",R%02u-%02u,ELEC-3,%u\n", room, seat,
                    random_below(&random, 80) == 0 ? 15u : 0u);
        }
    }
    return file_close(f, path);
}

/* ---------------------------------------------------------------- paper */

/* Marks in hundredths, so that any number of items adds up to exactly 100. */
static json_t *marks_of(unsigned i, unsigned n)
{
    unsigned hundredths = 10000 / n + (i < 10000 % n ? 1 : 0);

    if (hundredths % 100 == 0)
        return json_integer(hundredths / 100);
    return json_real(hundredths / 100.0);
}

/* Beyond the invented questions they come again as variants, marked as such. */
static json_t *item_make(const struct subject *subject, unsigned i, unsigned n, unsigned number)
{
    const struct question *q = &subject->questions[i % subject->questions_n];
    unsigned variant = i / (unsigned)subject->questions_n;
    json_t *item = json_object();
    char text[1024];
    char id[16];

    snprintf(id, sizeof id, "q%u", number);
    if (variant == 0)
        snprintf(text, sizeof text, "%s", q->text);
    else
        snprintf(text, sizeof text, "（变式 %u）%s", variant, q->text);
    (void)json_object_set_new(item, "id", json_string(id));
    (void)json_object_set_new(item, "kind", json_string(q->kind));
    (void)json_object_set_new(item, "text", json_string(text));
    if (q->options[0] != NULL) {
        json_t *options = json_object();

        for (int k = 0; k < QUESTION_OPTIONS_MAX && q->options[k] != NULL; k++) {
            const char letter[] = {(char)('A' + k), '\0'};

            (void)json_object_set_new(options, letter, json_string(q->options[k]));
        }
        (void)json_object_set_new(item, "options", options);
    }
    (void)json_object_set_new(item, "marks", marks_of(i, n));
    return item;
}

static json_t *paper_make(const struct site *s)
{
    json_t *list = json_array();
    unsigned number = 0;

    for (unsigned k = 0; k < SUBJECTS_N; k++) {
        unsigned n = s->items / SUBJECTS_N + (k < s->items % SUBJECTS_N ? 1 : 0);
        json_t *items = json_array();

        for (unsigned i = 0; i < n; i++)
            (void)json_array_append_new(items, item_make(&subjects[k], i, n, ++number));
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:i, s:o}", "id", subjects[k].id, "title",
                                              subjects[k].title, "marks", 100, "items", items));
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:o}", "format", "shunyan-paper-1", "id", "ELEC-3",
                     "title", "电工（三级）技能等级认定 人机对话样卷", "minutes", 60, "subjects",
                     list);
}

static bool paper_write(const struct site *s)
{
    json_t *paper = paper_make(s);
    char path[PATH_BYTES];
    FILE *f;
    bool ok;

    if (paper == NULL) {
        fputs("samplesite: out of memory\n", stderr);
        return false;
    }
    f = file_open(s, "paper.json", path);
    if (f == NULL) {
        json_decref(paper);
        return false;
    }
    ok = json_dumpf(paper, f, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
    fputc('\n', f);
    json_decref(paper);
    return file_close(f, path) && ok;
}

/* ---------------------------------------------------------------- command line */

static void usage(FILE *to)
{
    fputs("Usage: samplesite --out DIR [--rooms 12] [--seats 48] [--candidates-per-room 40]\n"
          "                  [--items 60] [--seed 1]\n"
          "Writes an invented site to DIR: rooms.csv, roster.csv, paper.json, ready for\n"
          "`examctl import`. The same options give the same files.\n"
          "\n"
          "  samplesite --out /tmp/site\n"
          "  samplesite --out /tmp/big --rooms 20 --seats 110 --candidates-per-room 100\n",
          to);
}

static bool take_number(const char *option, const char *text, unsigned min, unsigned max,
                        unsigned *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && value >= min && value <= max) {
        *out = (unsigned)value;
        return true;
    }
    fprintf(stderr, "samplesite: --%s '%s' is no number from %u to %u\n", option, text, min, max);
    return false;
}

static bool take_seed(const char *text, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0')
        return true;
    fprintf(stderr, "samplesite: --seed '%s' is no number\n", text);
    return false;
}

static int options_parse(int argc, char **argv, struct site *s, bool *help)
{
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},
        {"rooms", required_argument, NULL, 'r'},
        {"seats", required_argument, NULL, 's'},
        {"candidates-per-room", required_argument, NULL, 'c'},
        {"items", required_argument, NULL, 'i'},
        {"seed", required_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool ok = true;
    int code;

    while (ok && (code = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (code == 'o')
            s->out = optarg;
        else if (code == 'r')
            ok = take_number("rooms", optarg, 1, ROOMS_MAX, &s->rooms);
        else if (code == 's')
            ok = take_number("seats", optarg, 1, ROOM_SEATS_MAX, &s->seats);
        else if (code == 'c')
            ok = take_number("candidates-per-room", optarg, 1, ROOM_SEATS_MAX, &s->candidates);
        else if (code == 'i')
            ok = take_number("items", optarg, SUBJECTS_N, PAPER_ITEMS_MAX, &s->items);
        else if (code == 'S')
            ok = take_seed(optarg, &s->seed);
        else if (code == 'h')
            *help = true;
        else
            ok = false;
    }
    if (ok && !*help && (s->out == NULL || optind < argc)) {
        usage(stderr);
        ok = false;
    }
    if (ok && !*help && s->candidates > s->seats) {
        fprintf(stderr, "samplesite: %u candidates do not fit on the %u seats of a room\n",
                s->candidates, s->seats);
        ok = false;
    }
    return ok ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct site site = {.rooms = 12, .seats = 48, .candidates = 40, .items = 60, .seed = 1};
    bool help = false;
    int exit_code = options_parse(argc, argv, &site, &help);

    if (exit_code != EXIT_DONE)
        return exit_code;
    if (help) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (mkdir(site.out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "samplesite: cannot make the folder %s: %s\n", site.out, strerror(errno));
        return EXIT_CANNOT_WRITE;
    }
    if (!rooms_write(&site) || !roster_write(&site) || !paper_write(&site))
        return EXIT_CANNOT_WRITE;
    printf("%s: %u rooms of %u seats, %u candidates, a paper with %u items\n", site.out, site.rooms,
           site.seats, site.rooms * site.candidates, site.items);
    return EXIT_DONE;
}
