/* Wrong variants of cycle detection (docs/design.md, sections 5 and 9): each is switched on at run time and caught
 * by a scenario that passes without it. A candidate's edges are read at once, its counts are as of the epoch
 * that was processed: a store between the two, whose inc has not been applied, makes a live object look like
 * garbage. That is what the two tests are there for. */
#include "tests/caught.h"

#define A (&lab.actors[0])

/* x <-> y, counted, with one reference from root slot `slot` to x; a candidate root. No handles. */
static struct node *make_pair(unsigned slot)
{
    struct node *x = make(A, 0), *y = make(A, 1);
    put(A, x, 0, y);
    put(A, y, 0, x);
    put_root(A, slot, x);
    put_root(A, 3, x); /* one reference less: above zero, and perhaps on a cycle */
    put_root(A, 3, NULL);
    forget_all(A);
    return x;
}

static struct node *live;

/* x.f[0].f[1] = x: the inc is applied in the next epoch, the edge is seen by the search of this one. */
static void add_inner_reference(void)
{
    put(A, live->f[0], 1, live);
}

/* One epoch at whose end a search begins, and to whose search live looks like garbage. */
static bool search_is_deceived(uint64_t expected)
{
    uint64_t before = stats_now().cycles_found;
    want_cycles();
    at_point(HOOK_STEP_SWEEP, 0, add_inner_reference);
    epoch_pass();
    return lab.act == NULL && stats_now().cycles_found - before == expected;
}

static enum verdict delta_left_out(void)
{
    lab_open(1);
    live = make_pair(0);
    SET_UP(settle());
    SET_UP(search_is_deceived(1));
    MUST(alive(live), FREED_LIVE);
    epoch_pass();
    MUST(alive(live), FREED_LIVE);
    SET_UP(stats_now().cycles_rejected_delta == 1 && settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* The deceiving pair refers to another pair, which nobody touches: that one passes the delta test, and only the
 * count from outside speaks for it. */
static enum verdict sigma_left_out(void)
{
    lab_open(1);
    live = make_pair(0);
    struct node *other = make_pair(1);
    put(A, live, 1, other);
    put_root(A, 1, NULL);
    SET_UP(settle());
    SET_UP(search_is_deceived(2));
    epoch_pass();
    MUST(alive(other), FREED_LIVE);
    SET_UP(stats_now().cycles_rejected_delta == 1 && stats_now().cycles_rejected_sigma == 1 && settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A chain of garbage pairs, each referred to by the one before: one search reclaims them all, because the first is
 * freed first, which takes the reference from outside away from the next. */
static enum verdict freed_in_forward_order(void)
{
    const unsigned pairs = 10;
    lab_open(1);
    struct node *next = NULL;
    for (unsigned i = 0; i < pairs; i++) {
        struct node *pair = make_pair(i % 2);
        put(A, pair, 1, next);
        put_root(A, (i + 1) % 2, NULL);
        next = pair;
    }
    SET_UP(settle());
    put_root(A, (pairs - 1) % 2, NULL);
    epochs(2);
    SET_UP(live_objects() == 2 * pairs);
    want_cycles();
    epochs(2);
    SET_UP(stats_now().cycle_passes == 1 && stats_now().cycles_found == pairs);
    MUST(live_objects() == 0 && stats_now().cycles_rejected_sigma == 0, LEFT_GARBAGE);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* Once candidates have been found, the search takes one step an epoch. */
static bool slow_from_split(enum eddy__hook_point point)
{
    if (point == HOOK_SLICE && lab.heap->collector->cycles.phase == CYCLE_SPLIT)
        eddy__slice_steps = 1;
    return false;
}

/* Pair c is alive through a root slot, but looks like garbage; it is a candidate, and so is the true garbage a, which
 * refers to c. While the search prepares its tests the mutator breaks c up: then only a refers to c. Freeing a
 * takes c, a member of a candidate that fails, to count zero. */
static enum verdict failed_candidate_not_released(void)
{
    lab_open(1);
    const struct cycles *search = &lab.heap->collector->cycles;
    struct node *a = make_pair(0), *c = live = make_pair(1), *d = c->f[0];
    put(A, a, 1, c);
    SET_UP(settle());
    put_root(A, 0, NULL);
    epochs(2);
    lab.each = slow_from_split;
    SET_UP(search_is_deceived(0));
    for (unsigned i = 0; i < 1000 && search->phase != CYCLE_PREPARE; i++)
        epoch_pass();
    SET_UP(search->phase == CYCLE_PREPARE && search->candidates.count == 2);
    put_root(A, 2, d);
    put(A, d, 0, NULL);
    put(A, d, 1, NULL);
    put_root(A, 1, NULL);
    uint64_t passes = stats_now().cycle_passes;
    for (unsigned i = 0; i < 1000 && stats_now().cycle_passes == passes; i++)
        epoch_pass();
    SET_UP(stats_now().cycles_freed == 1);
    lab.each = NULL;
    eddy__slice_steps = 0;
    SET_UP(settle() && alive(d));
    MUST(verified(), MISCOUNTED);
    MUST(live_objects() == 1, LEFT_GARBAGE);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(NO_DELTA, delta_left_out, FREED_LIVE)
CAUGHT(NO_SIGMA, sigma_left_out, FREED_LIVE)
CAUGHT(FORWARD_ORDER, freed_in_forward_order, LEFT_GARBAGE)
CAUGHT(NO_RELEASE, failed_candidate_not_released, MISCOUNTED)

/* The same deception as for the delta test: it is the next epoch that brings the inc which gives it away. */
static void test_tests_at_once(void **state)
{
    (void)state;
    assert_caught(delta_left_out, MUTANT_TEST_NOW, "TEST_NOW", FREED_LIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_left_out),
        cmocka_unit_test(test_tests_at_once),
        cmocka_unit_test(test_sigma_left_out),
        cmocka_unit_test(test_freed_in_forward_order),
        cmocka_unit_test(test_failed_candidate_not_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
