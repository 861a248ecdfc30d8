/* campaign.h - cuts the power at every operation of a recorded workload, in many ways each.
 * Shell: several processes, so that a store that dies of what it finds is a finding, too. */
#ifndef EXAM_CAMPAIGN_H
#define EXAM_CAMPAIGN_H

#include "disk_model.h"
#include "judge.h"

struct campaign_options {
    const char *dir; /* for the folders of the processes */
    unsigned jobs;
    uint64_t samples; /* random outcomes a cut (disk_model.h) */
    uint64_t seed;
    enum disk_lies lies;
    uint64_t first_op; /* where the cuts begin, and the lies */
};

struct campaign_result {
    uint64_t cuts;      /* instants: within every write and flush */
    uint64_t outcomes;  /* files opened */
    uint64_t exhausted; /* cuts of which every outcome was tried */
    uint64_t judged[JUDGEMENTS];
    bool broken;
    char
        why[JUDGE_TEXT_BYTES + 128]; /* the first promise broken, at which cut; the file's folder */
};

/* Stops at the first broken promise. Ends the program when a process cannot be made. */
void campaign_run(const struct campaign_options *o, const struct workload *w,
                  struct campaign_result *out);

#endif
