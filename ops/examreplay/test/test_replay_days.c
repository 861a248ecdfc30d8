/* test_replay_days.c - random exam days, in which everything breaks: what they leave on the disks
 * is proven, told as it is accounted, and read back from an export as it was. */
#include "exported.h"
#include "told.h"

#include "history.h"

static bool has_rot(const struct plan *p)
{
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (p->acts[i].kind == ACT_ROT)
            return true;
    return false;
}

static void look_at_world(void *ctx, struct world *w)
{
    for (uint32_t i = 0; i < world_nodes(w); i++)
        if (store_image_records(world_disk(w, i), false) > 0) {
            told_check_disk(world_disk(w, i), ctx);
            exported_check_disk(world_disk(w, i));
        }
}

/* D4, D8, T14: what a random day leaves on the disks is proven, told as it is accounted, and read
 * back from an export as it was. */
static void test_replay_days__are_told_as_accounted(void **state)
{
    enum { DAYS = 8 };
    static struct plan plan;
    uint64_t seed = fixture_seed_of("random days"), interruptions = 0;
    (void)state;
    for (int days = 0; days < DAYS; seed++) {
        struct verdict_of_history v;
        plan_make(seed, &plan);
        if (has_rot(&plan)) /* then the log is not what was written */
            continue;
        print_message("day REPLAY_SEED=%llu\n", (unsigned long long)seed);
        history_play_and_look(&plan, look_at_world, &interruptions, &v);
        if (v.violation.rule[0] != '\0')
            fail_msg("seed %llu: %s", (unsigned long long)seed, v.violation.text);
        days++;
    }
    print_message("%d days up to seed %llu: %llu interruptions\n", DAYS,
                  (unsigned long long)seed - 1, (unsigned long long)interruptions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_days__are_told_as_accounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
