/* Wrong variants of counting, promotion and publishing (docs/design.md, sections 3, 4 and 9): each is switched on
 * at run time and caught by a scenario that passes without it. A and B are mutators; "in e" says which epoch a
 * mutator is in while the collector waits for the handshakes out of e, or processes e. */
#include "tests/caught.h"

#define A (&lab.actors[0])
#define B (&lab.actors[1])

_Static_assert(MUTANT_SWEEP_EARLY == 16,
               "a wrong variant of the design's list needs a scenario; eddy-fuzz finds the others");

/* I5. B is in e+1 and loads x, which only a root slot holds; A, still in e, clears the slot. That dec is in log(e):
 * B's handle is among the roots of e+1 only. */
static enum verdict dec_in_its_own_epoch(void)
{
    lab_open(2);
    struct node *x = make(A, 0);
    put_root(A, 0, x);
    hold(A, 0, NULL);
    SET_UP(settle() && alive(x));
    epoch_begin();
    handshake(B);
    hold(B, 0, lab.slots[0]);
    put_root(A, 0, NULL);
    handshake(A);
    epoch_end();
    MUST(alive(x), FREED_LIVE);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* p was born in e and is among the roots of e; c is reachable through p only. While the collector reads p's
 * fields, A, in e+1 already, promotes p first: the inc of c is in A's log, which the drain must look at. */
static struct node *promoted;

static void mutator_promotes_first(void)
{
    put(A, promoted, 1, NULL);
}

static enum verdict drain_left_out(void)
{
    lab_open(1);
    struct node *p = promoted = make(A, 0), *c = make(A, 1);
    put(A, p, 0, c);
    hold(A, 1, NULL);
    epoch_begin();
    handshake(A);
    at_point(HOOK_COLLECTOR_PROMOTE, 0, mutator_promotes_first);
    epoch_end();
    SET_UP(lab.act == NULL && alive(p));
    MUST(alive(c), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A, in e+1, promotes p and stops between its header and the rest of what it does; the collector sees a counted
 * object and must find the incs of p's fields in A's log already. */
static enum verdict header_before_incs(void)
{
    lab_open(1);
    struct node *p = make(A, 0), *c = make(A, 1);
    put(A, p, 0, c);
    hold(A, 1, NULL);
    epoch_begin();
    handshake(A);
    stop_at(A, HOOK_STORE_PUSHED);
    put(A, p, 1, NULL);
    SET_UP(stopped(A) && eddy_object_type(lab.heap, p) == lab.node);
    epoch_end();
    MUST(alive(c), FREED_LIVE);
    resume(A);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A has pushed the incs of p's fields; the collector promotes p before A's compare-and-swap. */
static enum verdict lost_promotion_not_compensated(void)
{
    lab_open(1);
    struct node *p = make(A, 0), *c = make(A, 1);
    put(A, p, 0, c);
    hold(A, 1, NULL);
    epoch_begin();
    handshake(A);
    stop_at(A, HOOK_PROMOTE_READ);
    put(A, p, 1, NULL);
    SET_UP(stopped(A));
    epoch_end();
    resume(A);
    SET_UP(alive(p) && alive(c) && settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* I1. A, in e, publishes x, which refers to y. B, in e+1, loads y through x; then A clears x's field: if it still
 * takes x for its own, that store is not logged, and nothing counts y in e. */
static enum verdict publish_without_bump(void)
{
    lab_open(2);
    struct node *x = make(A, 0), *y = make(A, 1);
    put(A, x, 0, y);
    hold(A, 1, NULL);
    epoch_begin();
    handshake(B);
    put_root(A, 0, x);
    hold(B, 0, ((struct node *)lab.slots[0])->f[0]);
    put(A, x, 0, NULL);
    handshake(A);
    epoch_end();
    SET_UP(B->roots[0] == y && alive(x));
    MUST(alive(y), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* I6. q becomes private-old by a bump and counted by a store; A then forgets it before any handshake has recorded
 * it. The pair that its promotion logged is all that ever finds it dead, and its field is counted. */
static enum verdict promotion_without_first_inc(void)
{
    lab_open(1);
    struct node *q = make(A, 0);
    bump(A, 0);
    struct node *z = make(A, 1);
    put(A, q, 0, z);
    forget_all(A);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    MUST(!alive(z), LEFT_GARBAGE);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* The young blocks that an epoch hands over are swept before its roots have been counted. */
static enum verdict young_swept_early(void)
{
    lab_open(1);
    struct node *x = make(A, 0);
    epoch_pass();
    MUST(alive(x), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A log chunk is full in the middle of what one store pushes: the incs of a promotion. */
static enum verdict inc_dropped_when_log_is_full(void)
{
    eddy_config config = lab_config();
    config.log_chunk_entries = 2;
    lab_open_with(&config, 1);
    struct node *p = make(A, 0);
    for (unsigned i = 0; i < FIELDS; i++)
        put(A, p, i, make(A, 1));
    hold(A, 1, NULL);
    struct node *last = p->f[FIELDS - 1];
    epoch_begin();
    handshake(A);
    put(A, p, 0, NULL);
    epoch_end();
    SET_UP(alive(p));
    MUST(alive(last), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* More references to x than a count byte holds; then some are dropped, but not all: exactly as many as a byte
 * that went from 124 back to 1 would show. */
static enum verdict count_wraps(void)
{
    const size_t many = 200, dropped = many - (COUNT_OVERFLOW - 1);
    lab_open(1);
    eddy_array *array = make_array(A, 0, many);
    struct node *x = make(A, 1);
    for (size_t i = 0; i < many; i++)
        put_element(A, array, i, x);
    hold(A, 1, NULL);
    SET_UP(settle());
    for (size_t i = 0; i < dropped; i++)
        put_element(A, array, i, NULL);
    epochs(3);
    MUST(alive(x), FREED_LIVE);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(DEC_NOW, dec_in_its_own_epoch, FREED_LIVE)
CAUGHT(NO_DRAIN, drain_left_out, FREED_LIVE)
CAUGHT(CAS_FIRST, header_before_incs, FREED_LIVE)
CAUGHT(NO_COMPENSATION, lost_promotion_not_compensated, MISCOUNTED)
CAUGHT(NO_BUMP, publish_without_bump, FREED_LIVE)
CAUGHT(NO_FIRST_INC, promotion_without_first_inc, MISCOUNTED)
CAUGHT(SWEEP_EARLY, young_swept_early, FREED_LIVE)
CAUGHT(DROP_ON_OVERFLOW, inc_dropped_when_log_is_full, FREED_LIVE)
CAUGHT(STICKY_COUNT, count_wraps, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dec_in_its_own_epoch), cmocka_unit_test(test_drain_left_out),
        cmocka_unit_test(test_header_before_incs),   cmocka_unit_test(test_lost_promotion_not_compensated),
        cmocka_unit_test(test_publish_without_bump), cmocka_unit_test(test_promotion_without_first_inc),
        cmocka_unit_test(test_young_swept_early),    cmocka_unit_test(test_inc_dropped_when_log_is_full),
        cmocka_unit_test(test_count_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
