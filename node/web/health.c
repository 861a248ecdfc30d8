#include "health.h"

#include <jansson.h>

/* As Admin__Power numbers them. */
enum { POWER_UNKNOWN, POWER_MAINS };

static void trouble(struct health *h, bool holds, const char *word)
{
    if (holds && h->troubles_n < HEALTH_TROUBLES_MAX)
        h->troubles[h->troubles_n++] = word;
}

static void warning(struct health *h, bool holds, const char *word)
{
    if (holds && h->warnings_n < HEALTH_TROUBLES_MAX)
        h->warnings[h->warnings_n++] = word;
}

void health_judge(const struct metrics *m, uint64_t age_ms, struct health *out)
{
    struct health h = {.troubles_n = 0};
    trouble(&h, age_ms > HEALTH_SILENT_MS, "silent");
    trouble(&h, !m->founded, "empty");
    trouble(&h, m->locked, "locked");
    trouble(&h, m->learning, "learning");
    trouble(&h, m->waiting, "waiting");
    trouble(&h, m->needs_person, "needs-person");
    trouble(&h, !m->serving && !m->in_sync, "not-in-sync");
    trouble(&h, m->going_down, "going-down");
    trouble(&h, m->disk_reserved, "disk-full");
    trouble(&h, m->rotten, "log-rotten");
    trouble(&h, m->contradicted, "log-contradicted");
    warning(&h, m->solo && m->peers_n, "solo");
    warning(&h, m->disk_low, "disk-low");
    warning(&h, m->ups && m->power == POWER_UNKNOWN, "power-unknown");
    warning(&h, m->ups && m->power > POWER_MAINS, "on-battery");
    *out = h;
}

static json_t *words(const char *const *at, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(at[i]));
    return array;
}

exam_err health_text(const struct metrics *m, const struct health *h, uint64_t age_ms, char **out)
{
    json_t *root =
        json_pack("{s:b, s:s, s:s, s:I, s:b, s:b, s:b, s:b, s:I, s:o, s:o}", "well",
                  h->troubles_n == 0, "node", m->node, "role", metrics_role_text(m->role), "epoch",
                  (json_int_t)m->epoch, "serving", m->serving, "in_sync", m->in_sync, "solo",
                  m->solo, "locked", m->locked, "age_ms", (json_int_t)age_ms, "troubles",
                  words(h->troubles, h->troubles_n), "warnings", words(h->warnings, h->warnings_n));
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    if (!text)
        return EXAM_NOMEM;
    *out = text;
    return EXAM_OK;
}
