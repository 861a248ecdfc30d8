#include "site_rooms.h"

#include <stdio.h>
#include <stdlib.h>

#include "input_file.h"
#include "report.h"

enum exit_code site_rooms_read(const char *path, struct room_list *rooms)
{
    struct problems problems;
    struct source_text source = {.file = path};
    char *bytes;
    exam_err err;

    problems_init(&problems);
    err = input_file_read(path, ROSTER_FILE_BYTES_MAX, &problems, &bytes, &source.bytes);
    if (err == EXAM_OK) {
        source.text = bytes;
        err = room_list_read(&source, &problems, rooms);
        free(bytes);
    }
    if (err == EXAM_OK && problems.n == 0)
        return EXIT_CODE_DONE;
    problems_print(&problems, stderr);
    report_error("no key was made");
    return err == EXAM_NOMEM ? EXIT_CODE_INTERNAL : EXIT_CODE_BAD_INPUT;
}
