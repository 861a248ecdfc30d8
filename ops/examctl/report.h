/* report.h - what examctl tells the person, on stderr, and a command's outcome, on stdout. */
#ifndef EXAMCTL_REPORT_H
#define EXAMCTL_REPORT_H

#include <stdbool.h>

#include "admin.pb-c.h"
#include "exit_code.h"

/* "examctl: ..." on stderr, with the name of the program that runs. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A node's refusal with its rule. `roster` is the file that a line belongs to, NULL without one. */
enum exit_code report_refusal(const char *node, const Admin__Refused *refused, const char *roster);

/* What a node has done: its text, or with `json` {"done":true,"node":...,"text":...,"lsn":...}. */
enum exit_code report_done(const char *node, const Admin__Done *done, bool json);

#endif
