/* folder.h - a fresh data folder for a test, and its removal. Test code only. */
#ifndef EXAM_TEST_FOLDER_H
#define EXAM_TEST_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDER_PATH_BYTES = 64 };

static inline void folder_make(char out[FOLDER_PATH_BYTES])
{
    strcpy(out, "/tmp/test-engine-XXXXXX");
    assert_non_null(mkdtemp(out));
}

/* Removes the plain files in it, then the folder: a data folder has no folders of its own. */
static inline void folder_remove(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    struct dirent *f;
    while ((f = readdir(d))) {
        char path[FOLDER_PATH_BYTES + 260];
        snprintf(path, sizeof path, "%s/%s", dir, f->d_name);
        if (f->d_name[0] != '.')
            unlink(path);
    }
    closedir(d);
    assert_int_equal(rmdir(dir), 0);
}

#endif
