/* Wrong variants of weak references, finalizers and ephemerons (docs/design.md, sections 6 and 9): each is switched on at run time and
 * caught by a scenario that passes without it. A's loads happen in e+1 while the collector processes e, after the
 * drain: their incs are applied in the next epoch only. */
#include "tests/caught.h"
#include "tests/weak_lab.h"

static eddy_weak *weak, *other;
static void *loaded;

static void load_it(void)
{
    loaded = load_weak(A, 0, weak);
}

/* I9. The object dies young; nobody notices. */
static enum verdict attached_to_private(void)
{
    lab_open(1);
    struct node *x = make(A, 0);
    weak = weak_of(A, x);
    forget_all(A);
    epochs(4);
    SET_UP(!alive(x));
    MUST(load_weak(A, 0, weak) == NULL, FREED_LIVE);
    drop_weak(A, weak);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* What A has loaded once has died since. */
static enum verdict loaded_long_ago(void)
{
    lab_open(1);
    struct node *x = make(A, 0);
    weak = weak_of(A, x);
    put_root(A, 0, x);
    forget_all(A);
    SET_UP(load_weak(A, 0, weak) == x && load_weak(A, 1, weak) == x);
    forget_all(A);
    SET_UP(settle());
    put_root(A, 0, NULL);
    epochs(4);
    SET_UP(!alive(x));
    MUST(load_weak(A, 0, weak) == NULL, FREED_LIVE);
    drop_weak(A, weak);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* The last count goes while A has just found the cell LIVE. */
static enum verdict decided_at_once(void)
{
    lab_open(1);
    struct node *x = make(A, 0);
    weak = weak_of(A, x);
    put_root(A, 0, x);
    forget_all(A);
    SET_UP(settle());
    put_root(A, 0, NULL);
    epoch_pass();
    at_point(HOOK_STEP_DECS, 0, load_it);
    epoch_pass();
    SET_UP(lab.act == NULL && loaded == x);
    MUST(alive(x), FREED_LIVE);
    epochs(3);
    MUST(alive(x), FREED_LIVE);
    drop_weak(A, weak);
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A has seen PENDING and stops, having pushed already in the wrong variant; the cell is cleared, the object freed. What A
 * pushed brings it back to be freed once more, and its child, which a root slot holds, is decremented twice. */
static void stop_in_load(void)
{
    stop_at(A, HOOK_WEAK_RESCUED);
    load_it();
}

static enum verdict pushed_before_rescue(void)
{
    lab_open(1);
    struct node *x = make(A, 0), *y = make(A, 1), *z = make(A, 2);
    put(A, x, 0, y);
    put_root(A, 1, y);
    put_root(A, 2, z); /* keeps their block */
    weak = weak_of(A, x);
    put_root(A, 0, x);
    forget_all(A);
    SET_UP(settle());
    put_root(A, 0, NULL);
    epoch_pass();
    if (eddy__mutant == MUTANT_WEAK_LATE_PUSH)
        at_point(HOOK_STEP_DECS, 0, stop_in_load);
    epoch_pass();
    SET_UP(lab.act == NULL && !alive(x));
    x->f[0] = y; /* what it held before, as in builds that do not fill freed cells */
    if (stopped(A))
        resume(A);
    else
        load_it();
    SET_UP(loaded == NULL);
    forget_all(A);
    epochs(4);
    MUST(alive(y), FREED_LIVE);
    drop_weak(A, weak);
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* x <-> y, both with cells: weak is y's, other x's. */
static void make_cycle(void)
{
    struct node *x = make(A, 0), *y = make(A, 1);
    put(A, x, 0, y);
    put(A, y, 0, x);
    other = weak_of(A, x);
    weak = weak_of(A, y);
    put_root(A, 0, x);
    put_root(A, 3, x);
    put_root(A, 3, NULL);
    forget_all(A);
}

static void load_either(void)
{
    load_it();
    if (loaded == NULL)
        loaded = load_weak(A, 0, other);
}

/* While the cells are being taken over A loads one: both stay. */
static enum verdict cells_one_by_one(void)
{
    for (unsigned arrival = 0; arrival < 3; arrival++) {
        lab_open(1);
        make_cycle();
        SET_UP(settle());
        put_root(A, 0, NULL);
        epochs(2);
        want_cycles();
        epoch_pass();
        at_point(HOOK_WEAK_MOVE, arrival, load_either);
        loaded = NULL;
        epoch_pass();
        SET_UP(lab.act == NULL);
        for (unsigned i = 0; i < 4; i++) {
            bool both = (load_weak(A, 1, weak) != NULL) == (load_weak(A, 2, other) != NULL);
            MUST(both, FREED_LIVE);
            epoch_pass();
        }
        SET_UP(loaded != NULL);
        MUST(alive(loaded), FREED_LIVE);
        drop_weak(A, weak);
        drop_weak(A, other);
        if (!lab_close())
            return LEFT_GARBAGE;
    }
    return PASSED;
}

/* Both tests pass while A has just found a cell LIVE. */
static enum verdict candidate_at_once(void)
{
    lab_open(1);
    make_cycle();
    SET_UP(settle());
    put_root(A, 0, NULL);
    epochs(2);
    want_cycles();
    epoch_pass();
    at_point(HOOK_STEP_DECS, 0, load_it);
    epoch_pass();
    SET_UP(lab.act == NULL && loaded != NULL);
    MUST(alive(loaded), FREED_LIVE);
    epochs(3);
    MUST(alive(loaded), FREED_LIVE);
    drop_weak(A, weak);
    drop_weak(A, other);
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* ---- finalizers ---- */

static eddy_finalizer_queue *queue;

static void job_attach_finalizer(struct actor *self)
{
    if (eddy_finalizer_attach(self->t, self->object, queue, NULL, NULL) != EDDY_OK)
        abort();
}
static void job_run_finalizers(struct actor *self)
{
    self->index = eddy_finalizers_run(self->t, queue, 10);
}

static enum verdict finalized_before_cleared(void)
{
    lab_open(1);
    SET_UP(eddy_finalizer_queue_create(lab.heap, &queue) == EDDY_OK);
    make_cycle();
    A->object = lab.slots[0];
    perform(A, job_attach_finalizer);
    SET_UP(settle());
    put_root(A, 0, NULL);
    epochs(2);
    want_cycles();
    epochs(2);
    SET_UP(eddy_finalizers_pending(queue) == 1);
    MUST(load_weak(A, 0, weak) == NULL && load_weak(A, 0, other) == NULL, FREED_LIVE);
    perform(A, job_run_finalizers);
    SET_UP(A->index == 1 && settle());
    drop_weak(A, weak);
    drop_weak(A, other);
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* ---- ephemerons ---- */

static eddy_ephemeron *ephemeron;

static void get_and_drop(void)
{
    loaded = get_ephemeron(A, 1, ephemeron);
    drop_ephemeron(A, ephemeron);
}

/* A, in e+1, loads the value and drops the ephemeron while e is processed: A's handle is among the roots of e+1 only. */
static enum verdict dropped_now(void)
{
    lab_open(1);
    struct node *key = make(A, 0);
    put_root(A, 0, key);
    ephemeron = ephemeron_of(A, key, make(A, 1));
    forget_all(A);
    SET_UP(settle());
    at_point(HOOK_STEP_INCS, 0, get_and_drop);
    epoch_pass();
    SET_UP(lab.act == NULL && loaded != NULL);
    MUST(alive(loaded), FREED_LIVE);
    epochs(3);
    MUST(alive(loaded), FREED_LIVE);
    forget_all(A);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    MUST(live_objects() == 1, LEFT_GARBAGE);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* A dead cycle of key and value has been prepared for the tests when the ephemeron is dropped: its dec, which comes an epoch
 * later, must find the value. */
static enum verdict dropped_from_candidate(void)
{
    lab_open(1);
    struct node *key = make(A, 0), *value = make(A, 1), *neighbour = make(A, 2);
    put(A, value, 0, key);
    put_root(A, 0, key);
    put_root(A, 1, neighbour); /* keeps their block */
    ephemeron = ephemeron_of(A, key, value);
    forget_all(A);
    SET_UP(settle());
    put_root(A, 0, NULL);
    epochs(2);
    SET_UP(live_objects() == 3);
    want_cycles();
    epoch_pass();
    SET_UP(lab.heap->collector->cycles.phase == CYCLE_ARMED);
    drop_ephemeron(A, ephemeron);
    epochs(3);
    SET_UP(settle());
    MUST(verified(), MISCOUNTED);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

static enum verdict value_not_released(void)
{
    lab_open(1);
    struct node *key = make(A, 0);
    ephemeron = ephemeron_of(A, key, make(A, 1));
    put_root(A, 0, key);
    forget_all(A);
    SET_UP(settle() && live_objects() == 2);
    put_root(A, 0, NULL);
    epochs(3);
    MUST(live_objects() == 0, LEFT_GARBAGE);
    drop_ephemeron(A, ephemeron);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

/* The key has no fields of its own, and the value refers to it. */
static enum verdict leaf_not_entered(void)
{
    lab_open(1);
    A->index = 0;
    perform(A, job_bytes);
    void *key = A->value;
    struct node *value = make(A, 1);
    put(A, value, 0, key);
    ephemeron = ephemeron_of(A, key, value);
    forget_all(A);
    SET_UP(collect_all());
    MUST(live_objects() == 0, LEFT_GARBAGE);
    drop_ephemeron(A, ephemeron);
    return lab_close() ? PASSED : LEFT_GARBAGE;
}

CAUGHT(EDGE_NOW, dropped_now, FREED_LIVE)
CAUGHT(EDGE_NO_TOUCH, dropped_from_candidate, MISUSE)
CAUGHT(EDGE_UNRELEASED, value_not_released, LEFT_GARBAGE)
CAUGHT(EDGE_UNSEEN, leaf_not_entered, LEFT_GARBAGE)
CAUGHT(ATTACH_PRIVATE, attached_to_private, FREED_LIVE)
CAUGHT(WEAK_SEEN_EVER, loaded_long_ago, FREED_LIVE)
CAUGHT(WEAK_AT_ONCE, decided_at_once, FREED_LIVE)
CAUGHT(WEAK_LATE_PUSH, pushed_before_rescue, FREED_LIVE)
CAUGHT(WEAK_EACH, cells_one_by_one, FREED_LIVE)
CAUGHT(WEAK_NO_WINDOW, candidate_at_once, FREED_LIVE)
CAUGHT(FINALIZE_EARLY, finalized_before_cleared, FREED_LIVE)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attached_to_private),      cmocka_unit_test(test_loaded_long_ago),
        cmocka_unit_test(test_decided_at_once),          cmocka_unit_test(test_pushed_before_rescue),
        cmocka_unit_test(test_cells_one_by_one),         cmocka_unit_test(test_candidate_at_once),
        cmocka_unit_test(test_finalized_before_cleared), cmocka_unit_test(test_dropped_now),
        cmocka_unit_test(test_dropped_from_candidate),   cmocka_unit_test(test_value_not_released),
        cmocka_unit_test(test_leaf_not_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
