/* json_output.h - what nodes report, as JSON for scripts. Names are those of admin.proto; enums are
 * the words of words.h; bytes are lower-case hex. Pure but for json_output_print. Objects returned
 * are the caller's; NULL: out of memory. */
#ifndef EXAMCTL_JSON_OUTPUT_H
#define EXAMCTL_JSON_OUTPUT_H

#include <jansson.h>

#include "admin.pb-c.h"
#include "exit_code.h"
#include "seat_list.h"

/* {"address":...,"reachable":true,"node":"A","role":"primary",...} */
json_t *json_of_node(const char *address, const Admin__NodeStatus *s);
/* {"address":...,"reachable":false,"error":"..."} */
json_t *json_of_unreachable(const char *address, const char *why);
json_t *json_of_batch(const Admin__BatchInfo *b);
/* The fields of SittingResult, without the ID number. */
json_t *json_of_result(const Admin__SittingResult *r);
/* Those and SittingDetail's own, in one object. */
json_t *json_of_sitting(const Admin__SittingDetail *d);
/* When, not what: answers are sealed. */
json_t *json_of_answer_time(const Admin__AnswerRow *row);
json_t *json_of_incident(const Admin__IncidentRow *row);
json_t *json_of_seat(const struct seat_line *line);

/* Prints on stdout with a line's end, and frees. */
enum exit_code json_output_print(json_t *json);

enum { HEX_BYTES_MAX = 64 };
/* Lower-case hex of at most HEX_BYTES_MAX bytes. */
void hex_format(const uint8_t *bytes, size_t n, char out[2 * HEX_BYTES_MAX + 1]);

#endif
