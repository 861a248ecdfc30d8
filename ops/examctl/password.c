#include "password.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "report.h"

void password_wipe(struct password *p)
{
    sodium_memzero(p, sizeof *p);
}

/* Its first line, byte by byte: no buffer of stdio keeps a copy. */
static exam_err line_read(int fd, const char *path, struct password *out)
{
    size_t n = 0;

    for (;;) {
        ssize_t got = read(fd, out->text + n, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            report_error("%s: %s", path, strerror(errno));
            return EXAM_IO;
        }
        if (got == 0 || out->text[n] == '\n')
            break;
        if (++n == sizeof out->text) {
            report_error("%s: its first line is longer than a password", path);
            return EXAM_TOO_BIG;
        }
    }
    out->text[n] = '\0';
    return EXAM_OK;
}

static exam_err file_read(const char *path, struct password *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    exam_err err = EXAM_OK;

    if (fd < 0 || fstat(fd, &st) != 0) {
        report_error("%s: %s", path, strerror(errno));
        err = EXAM_IO;
    } else if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        report_error("%s: others may read this password: choose another one, and `chmod 600` it",
                     path);
        err = EXAM_REFUSED;
    } else {
        err = line_read(fd, path, out);
    }
    if (fd >= 0)
        close(fd);
    return err;
}

static exam_err terminal_read(const struct password_source *from, const char *prompt,
                              struct password *out)
{
    if (readpassphrase(prompt, out->text, sizeof out->text, RPP_REQUIRE_TTY) != NULL)
        return EXAM_OK;
    report_error("a password is needed, and there is no terminal to ask at%s%s",
                 from->option != NULL ? "; give --" : "", from->option != NULL ? from->option : "");
    return EXAM_REFUSED;
}

static exam_err text_check(const struct password *p)
{
    size_t n = strlen(p->text);

    if (n > 0 && codec_text_ok(p->text, n))
        return EXAM_OK;
    report_error(n == 0 ? "no password was given"
                        : "a password is text without control characters");
    return EXAM_INVALID;
}

static exam_err take(const struct password_source *from, const char *prompt, struct password *out)
{
    exam_err err =
        from->file != NULL ? file_read(from->file, out) : terminal_read(from, prompt, out);

    if (err == EXAM_OK)
        err = text_check(out);
    return err;
}

exam_err password_ask(const struct password_source *from, const char *prompt, struct password *out)
{
    struct password p = {.text = ""};
    exam_err err = take(from, prompt, &p);

    if (err == EXAM_OK)
        *out = p;
    password_wipe(&p);
    return err;
}

static size_t chars_count(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80; /* UTF-8 */
    return n;
}

/* A file has it once; a person may have mistyped it, and sees nothing of it. */
static exam_err take_again(const struct password_source *from, const struct password *first)
{
    struct password p = {.text = ""};
    exam_err err = EXAM_OK;

    if (from->file == NULL)
        err = take(from, "The same again: ", &p);
    if (err == EXAM_OK && from->file == NULL && strcmp(p.text, first->text) != 0) {
        report_error("these were two different passwords");
        err = EXAM_INVALID;
    }
    password_wipe(&p);
    return err;
}

exam_err password_choose(const struct password_source *from, const char *prompt,
                         struct password *out)
{
    struct password p = {.text = ""};
    exam_err err = take(from, prompt, &p);

    if (err == EXAM_OK && chars_count(p.text) < PASSWORD_CHARS_MIN) {
        report_error("a password has at least %d characters: some words that belong together are "
                     "easy to remember",
                     PASSWORD_CHARS_MIN);
        err = EXAM_INVALID;
    }
    if (err == EXAM_OK)
        err = take_again(from, &p);
    if (err == EXAM_OK)
        *out = p;
    password_wipe(&p);
    return err;
}

exam_err password_of_key(void *ctx, enum key_kind kind, const char *name,
                         char out[KEY_PASSWORD_BYTES])
{
    const struct password_source *from = ctx;
    struct password p;
    char prompt[64 + KEY_NAME_BYTES];
    exam_err err;

    if (kind == KEY_AUTHORITY)
        snprintf(prompt, sizeof prompt, "Password of the site's authority (it takes a moment): ");
    else
        snprintf(prompt, sizeof prompt,
                 "Password of %s %s (it takes a moment): ", key_kind_name(kind), name);
    err = password_ask(from, prompt, &p);
    if (err == EXAM_OK) {
        memcpy(out, p.text, KEY_PASSWORD_BYTES);
        password_wipe(&p);
    }
    return err;
}
