/* cmd_step.c - `examreplay step FOLDER`: forward and back through a log, in a terminal (ncurses).
 * Going back replays from the first record: the state is a function of the log (D4). */
#include <inttypes.h>
#include <ncurses.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "command.h"
#include "language.h"
#include "log_reader.h"
#include "report.h"
#include "step_model.h"

enum { KEY_REDRAW = 'L' & 0x1f, ANSWER_BYTES = 64 };

struct stepping {
    const struct options *o;
    store *s;
    struct step step;
    struct replay replay; /* stands at the record that is shown */
    struct roles roles;
    struct findings findings;
    struct event_words words;
    char note[256]; /* for the person, until the next key */
    exam_err err;
};

/* ---------------------------------------------------------------- reading */

static void note_all(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct stepping *w = ctx;
    event_tell(p->x, at->event, &w->words);
    step_note(&w->step, at, w->words.kind);
}

static void note_own(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct stepping *w = ctx;
    (void)p;
    step_note_own(&w->step, at);
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct stepping *w = ctx;
    roles_note(&w->roles, at);
    event_tell(p->x, at->event, &w->words);
}

static void begin_anew(struct stepping *w)
{
    replay_close(&w->replay);
    roles_fini(&w->roles);
    w->roles = (struct roles){.epochs_n = 0};
    replay_open(&w->replay, w->s, &w->findings, w->o->reached);
}

static void go_to(struct stepping *w, uint64_t lsn)
{
    const struct replay_hooks hooks = {.ctx = w, .seen = seen};
    if (lsn < w->replay.lsn)
        begin_anew(w);
    w->err = replay_to(&w->replay, lsn, &hooks);
}

static bool is_not_after(void *ctx, const struct replay_record *at)
{
    const struct moment *m = ctx;
    return !moment_is_after(m, at);
}

/* The last record at or before the moment; 0: the log begins after it. */
static uint64_t lsn_of(struct stepping *w, const struct moment *m)
{
    struct moment until = *m;
    struct replay p;
    struct findings findings = {.n = 0};
    const struct replay_hooks hooks = {.ctx = &until, .wants = is_not_after};
    replay_open(&p, w->s, &findings, w->o->reached);
    w->err = replay_to(&p, w->step.last_lsn, &hooks);
    uint64_t lsn = p.lsn;
    replay_close(&p);
    return lsn;
}

/* ---------------------------------------------------------------- drawing */

static const short colours[STEP_LOOKS] = {
    [STEP_PLAIN] = -1,
    [STEP_HEAD] = COLOR_CYAN,
    [STEP_ANSWERING] = COLOR_GREEN,
    [STEP_PAUSED] = COLOR_YELLOW,
    [STEP_LOST] = COLOR_RED,
    [STEP_EXPECTED] = -1,
    [STEP_FINISHED] = COLOR_BLUE,
    [STEP_EMPTY] = -1,
};

static void put(void *ctx, int row, int column, enum step_look look, bool marked, const char *text)
{
    (void)ctx;
    attr_t attributes = marked ? A_REVERSE : look == STEP_EXPECTED ? A_DIM : A_NORMAL;
    if (has_colors())
        attributes |= (attr_t)COLOR_PAIR(look + 1);
    (void)attrset((int)attributes);
    (void)mvaddnstr(row, column, text, -1);
    (void)attrset(A_NORMAL);
}

static void draw(struct stepping *w)
{
    const struct step_canvas canvas = {.rows = LINES, .columns = COLS, .put = put};
    const struct step_view view = {.x = w->replay.x,
                                   .roles = &w->roles,
                                   .lsn = w->replay.lsn,
                                   .site_ms = w->replay.site_ms,
                                   .wall_ms = w->replay.wall_ms,
                                   .text = w->words.text,
                                   .vault = w->o->shown.vault};
    erase();
    step_draw(&w->step, &view, &canvas);
    if (w->note[0] != '\0')
        put(NULL, LINES - 2, 0, STEP_LOST, false, w->note);
    refresh();
    w->note[0] = '\0';
}

/* ---------------------------------------------------------------- keys */

static void ask(const char *question, char out[ANSWER_BYTES])
{
    put(NULL, LINES - 1, 0, STEP_HEAD, false, question);
    clrtoeol();
    echo();
    (void)curs_set(1);
    if (getnstr(out, ANSWER_BYTES - 1) == ERR)
        out[0] = '\0';
    (void)curs_set(0);
    noecho();
}

static void follow(struct stepping *w)
{
    char answer[ANSWER_BYTES];
    struct replay p;
    struct findings findings = {.n = 0};
    const struct replay_hooks hooks = {.ctx = w, .seen = note_own};
    ask(_("follow which admission number (empty: nobody)? "), answer);
    w->step.own.n = 0;
    w->step.followed = 0;
    if (answer[0] == '\0')
        return;
    if (exam_find_sitting(w->replay.x, answer, &w->step.followed)) {
        codec_text_mend(answer, sizeof answer - 1);
        snprintf(w->note, sizeof w->note, _("no candidate %s, up to this record"), answer);
        return;
    }
    replay_open(&p, w->s, &findings, w->o->reached);
    w->err = replay_to(&p, w->step.last_lsn, &hooks);
    replay_close(&p);
    step_room_of_followed(&w->step, w->replay.x);
}

static void go_to_moment(struct stepping *w)
{
    char answer[ANSWER_BYTES];
    struct moment m;
    ask(_("go to which moment (812, +1:12:03, 2026-05-16 10:30)? "), answer);
    if (answer[0] == '\0')
        return;
    uint64_t lsn = moment_parse(answer, &m) ? 0 : lsn_of(w, &m);
    if (lsn == 0)
        snprintf(w->note, sizeof w->note, "%s", _("that is no moment of this log"));
    else
        go_to(w, lsn);
}

static void move_by(struct stepping *w, enum step_move move)
{
    uint64_t to = step_target(&w->step, move, w->replay.lsn);
    if (to == w->replay.lsn)
        snprintf(w->note, sizeof w->note, "%s", _("nothing further that way"));
    else
        go_to(w, to);
    if (w->step.followed != 0)
        step_room_of_followed(&w->step, w->replay.x);
    else if (w->step.room[0] == '\0')
        step_room(&w->step, w->replay.x, false);
}

static bool move_of(int key, enum step_move *out)
{
    static const struct {
        int key;
        enum step_move move;
    } moves[] = {
        {KEY_RIGHT, STEP_NEXT},
        {' ', STEP_NEXT},
        {'l', STEP_NEXT},
        {KEY_LEFT, STEP_PREVIOUS},
        {'h', STEP_PREVIOUS},
        {'n', STEP_NEXT_NEWS},
        {KEY_DOWN, STEP_NEXT_NEWS},
        {'N', STEP_PREVIOUS_NEWS},
        {KEY_UP, STEP_PREVIOUS_NEWS},
        {'i', STEP_NEXT_INCIDENT},
        {'I', STEP_PREVIOUS_INCIDENT},
        {KEY_HOME, STEP_FIRST},
        {'0', STEP_FIRST},
        {KEY_END, STEP_LAST},
        {'$', STEP_LAST},
    };
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (moves[i].key == key) {
            *out = moves[i].move;
            return true;
        }
    return false;
}

static void act(struct stepping *w, int key)
{
    enum step_move move;
    if (move_of(key, &move))
        move_by(w, move);
    else if (key == ']' || key == '[')
        step_room(&w->step, w->replay.x, key == '[');
    else if (key == 'f')
        follow(w);
    else if (key == 'g')
        go_to_moment(w);
    else if (key == KEY_REDRAW)
        clearok(curscr, TRUE);
}

static void interact(struct stepping *w)
{
    int key = 0;
    do {
        draw(w);
        key = getch();
        act(w, key);
    } while (key != 'q' && key != ERR && !w->err);
}

static bool screen_begin(void)
{
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return false;
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    (void)curs_set(0);
    if (has_colors()) {
        start_color();
        (void)use_default_colors();
        for (short i = 0; i < STEP_LOOKS; i++)
            (void)init_pair((short)(i + 1), colours[i], -1);
    }
    return true;
}

/* ---------------------------------------------------------------- the command */

static enum exit_code step_through(struct stepping *w)
{
    replay_open(&w->replay, w->s, &w->findings, w->o->reached);
    go_to(w, 1);
    if (!screen_begin()) {
        report_error(_("this terminal (TERM) is not known"));
        return EXIT_CODE_USAGE;
    }
    interact(w);
    endwin();
    if (!w->err)
        return EXIT_CODE_DONE;
    report_error(_("the log cannot be read after record %" PRIu64 ": %s"), w->replay.lsn,
                 exam_err_text(w->err));
    return EXIT_CODE_INTERNAL;
}

enum exit_code cmd_step(const struct options *o)
{
    static struct log_reader r;
    static struct stepping w;
    const struct replay_hooks hooks = {.ctx = &w, .seen = note_all};
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        report_error(_("step is a view for a terminal; see `examreplay timeline` and `at`"));
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = log_reader_open(&r, o->folder, o);
    if (code != EXIT_CODE_DONE)
        return code;
    w = (struct stepping){.o = o, .s = r.s};
    code = log_reader_show(&r, UINT64_MAX, &hooks);
    if (code == EXIT_CODE_DONE) {
        code = step_through(&w);
        replay_close(&w.replay);
    }
    roles_fini(&w.roles);
    step_fini(&w.step);
    log_reader_close(&r);
    return code;
}
