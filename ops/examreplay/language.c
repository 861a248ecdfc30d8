#include "language.h"

#include <ctype.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 16 };

static char tag[NAME_BYTES] = "en";

const char *language_tag(void)
{
    return tag;
}

/* A name goes into a path. */
static bool is_name(const char *name)
{
    size_t n = strlen(name);
    if (n < 2 || n >= NAME_BYTES)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalpha((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

static bool has_catalogue(const char *folder, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s/LC_MESSAGES/%s.mo", folder, name, LANGUAGE_DOMAIN);
    return n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0;
}

/* Beside the program, wherever it was put: PREFIX/bin and PREFIX/share/locale when installed,
 * BUILD/bin and BUILD/locale when built. */
static bool find_folder(const char *name, char out[PATH_MAX])
{
    static const char *const places[] = {"/../share/locale", "/../locale"};
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = n > 0 ? (program[n] = '\0', strrchr(program, '/')) : NULL;
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int len = snprintf(out, PATH_MAX, "%s%s", program, places[i]);
        if (len > 0 && len < PATH_MAX && has_catalogue(out, name))
            return true;
    }
    return false;
}

/* gettext takes no catalogue while the locale is "C": a machine without the language's own locale
 * has C.UTF-8, with which LANGUAGE counts. */
static void use_catalogue(const char *folder, const char *name)
{
    if (!setlocale(LC_MESSAGES, "C.UTF-8"))
        (void)setlocale(LC_MESSAGES, "");
    (void)setenv("LANGUAGE", name, 1);
    (void)bindtextdomain(LANGUAGE_DOMAIN, folder);
    (void)bind_textdomain_codeset(LANGUAGE_DOMAIN, "UTF-8");
}

exam_err language_begin(const char *name, const char *folder)
{
    char found[PATH_MAX];
    bool english = strcmp(name, "en") == 0;
    if (!is_name(name) ||
        (!english && (folder ? !has_catalogue(folder, name) : !find_folder(name, found))))
        return EXAM_NOT_FOUND;
    if (english)
        (void)setlocale(LC_MESSAGES, "C");
    else
        use_catalogue(folder ? folder : found, name);
    snprintf(tag, sizeof tag, "%s", name);
    for (char *c = tag; *c; c++)
        *c = *c == '_' ? '-' : *c;
    return EXAM_OK;
}
