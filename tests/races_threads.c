/* Races of threads with epochs: attaching, detaching and ending at every stage of an epoch; waking from a native
 * region while the collector performs the handshake; sleeping through epochs. What a thread holds stays alive, what it
 * logged is counted, and its end leaves nothing behind. */
#include "tests/lab.h"

#define A (&lab.actors[0])
#define C (&lab.actors[1])

static void assert_exact(void)
{
    assert_true(sound());
    assert_true(settle());
    assert_true(sound());
    assert_true(verified());
    assert_int_equal(live_objects(), lab.walked);
}

/* ---- stages of an epoch ---- */

enum stage { BEFORE, BEGUN, PASSED_BY_A, IN_INCS, IN_DRAIN, IN_DECS, IN_SWEEP, AFTER, STAGES };

/* One epoch, in which act() runs at the given stage. */
static void epoch_with(enum stage stage, void (*act)(void))
{
    static const enum eddy__hook_point points[] = {HOOK_STEP_INCS, HOOK_STEP_DRAIN, HOOK_STEP_DECS, HOOK_STEP_SWEEP};
    if (stage == BEFORE)
        act();
    epoch_begin();
    if (stage == BEGUN)
        act();
    if (behind(A))
        handshake(A);
    if (stage == PASSED_BY_A)
        act();
    handshakes();
    if (stage >= IN_INCS && stage <= IN_SWEEP)
        at_point(points[stage - IN_INCS], 0, act);
    assert_true(epoch_end());
    assert_null(lab.act);
    if (stage == AFTER)
        act();
}

/* x in root slot 0, held by nothing else. */
static struct node *x;

static void make_x(void)
{
    x = make(A, 0);
    put(A, x, 0, make(A, 1));
    put_root(A, 0, x);
    forget_all(A);
    assert_true(settle());
}

/* ---- attaching ---- */

/* C comes, takes x from the slot, publishes something of its own; A then clears the slot. */
static void attach_and_take(void)
{
    attach(C);
    assert_non_null(C->t);
    hold(C, 0, lab.slots[0]);
    struct node *own = make(C, 1);
    put(C, own, 0, C->roots[0]);
    put_root(C, 1, own);
    hold(C, 1, NULL);
    put_root(A, 0, NULL);
}

/* `rest`: epochs between the end of C's first attachment and the next one, after which its record is used again, by
 * C or not at all. */
static void test_attach(void **state)
{
    (void)state;
    for (enum stage stage = BEFORE; stage < STAGES; stage++)
        for (unsigned rest = 0; rest < 6; rest++) {
            lab_open(2);
            detach(C);
            make_x();
            epochs(rest);
            epoch_with(stage, attach_and_take);
            assert_true(alive(x));
            assert_exact();
            put_root(A, 1, NULL);
            epochs(3);
            assert_true(alive(x));
            assert_exact();
            assert_true(lab_close());
        }
}

/* ---- detaching ---- */

/* C leaves with private objects, handles, and logs that nobody has read. */
static void detach_with_logs(void)
{
    if (C->native)
        leave(C);
    struct node *own = make(C, 1);
    put(C, own, 0, C->roots[0]);
    put(C, own, 1, own);
    put_root(C, 1, own);
    put(C, make(C, 2), 0, own);
    put(C, own, 2, C->roots[2]);
    detach(C);
    assert_int_equal(C->index, EDDY_OK);
}

static void test_detach(void **state)
{
    (void)state;
    for (enum stage stage = BEFORE; stage < STAGES; stage++)
        for (int native = 0; native < 2; native++) {
            lab_open(2);
            make_x();
            hold(C, 0, x);
            if (native)
                enter(C);
            epoch_with(stage, detach_with_logs);
            assert_true(sound());
            put_root(A, 0, NULL);
            epochs(3);
            assert_true(alive(x));
            assert_exact();
            assert_int_equal(eddy_heap_threads(lab.heap), 1);
            assert_true(lab_close());
        }
}

/* ---- threads that come and go ---- */

static void *visitor_main(void *how)
{
    eddy_thread *t;
    if (eddy_thread_attach(lab.heap, &t) != EDDY_OK)
        return NULL;
    void *handles[2] = {lab.slots[0], NULL};
    eddy_frame frame;
    eddy_frame_push(t, &frame, handles, 2);
    struct node *own = handles[1] = eddy_alloc(t, lab.node);
    own->canary = (uintptr_t)own ^ CANARY;
    eddy_store(t, own, (void **)&own->f[0], handles[0]);
    eddy_root_store(t, &lab.slots[1], own);
    eddy_frame_pop(t, &frame);
    if (*(const int *)how == 1)
        eddy_native_enter(t); /* and ends without leaving it */
    else if (*(const int *)how == 2)
        eddy_thread_detach(t);
    return how;
}

static int visit_how;

static void visit(void)
{
    pthread_t visitor;
    void *result = NULL;
    assert_int_equal(pthread_create(&visitor, NULL, visitor_main, &visit_how), 0);
    assert_int_equal(pthread_join(visitor, &result), 0);
    assert_non_null(result);
}

static void test_visitors(void **state)
{
    (void)state;
    for (enum stage stage = BEFORE; stage < STAGES; stage++)
        for (visit_how = 0; visit_how < 3; visit_how++) {
            lab_open(1);
            make_x();
            for (int i = 0; i < 3; i++) {
                epoch_with(stage, visit);
                assert_true(sound());
            }
            put_root(A, 0, NULL);
            assert_exact();
            assert_true(alive(x));
            assert_int_equal(eddy_heap_threads(lab.heap), 1);
            assert_true(lab_close());
        }
}

/* ---- native regions ---- */

static bool again;

/* C wakes after the collector has read what it would hand over for it, and changes all of that. */
static void wake_and_change(void)
{
    leave(C);
    struct node *own = make(C, 1);
    put(C, own, 0, C->roots[0]);
    hold(C, 0, lab.slots[1]);
    put_root(C, 2, own);
    forget_all(A);
    put_root(C, 1, NULL);
    if (again)
        enter(C);
}

static void test_wake_while_acted_for(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        for (unsigned slept = 0; slept < 4; slept++) {
            again = i != 0;
            lab_open(2);
            make_x();
            struct node *y = make(A, 0);
            put_root(A, 1, y);
            forget_all(A);
            hold(C, 0, make(C, 1));
            hold(C, 1, NULL);
            struct node *first = C->roots[0];
            enter(C);
            epochs(slept);
            at_point(HOOK_NATIVE_CAPTURED, 0, wake_and_change);
            epoch_begin();
            assert_null(lab.act);
            handshakes();
            assert_true(epoch_end());
            assert_true(alive(y) && alive(first));
            epochs(2);
            assert_true(alive(y) && alive(first));
            assert_exact();
            assert_true(lab_close());
        }
}

/* C has recorded its roots but still counts as running while the collector begins an epoch: it is waited for until
 * the word says native, and then acted for with those roots. */
static void test_epoch_while_entering(void **state)
{
    (void)state;
    for (int deferred = 0; deferred < 2; deferred++) {
        lab_open(2);
        make_x();
        hold(C, 0, lab.slots[0]);
        hold(C, 1, make(C, 2));
        hold(C, 2, NULL);
        struct node *own = C->roots[1];
        stop_at(C, HOOK_NATIVE_ENTERING);
        C->native = true;
        perform(C, job_enter);
        assert_true(stopped(C));
        epoch_begin();
        assert_true(lab.begun);
        if (!deferred)
            put_root(A, 0, NULL);
        handshake(A);
        assert_false(eddy__collector_epoch(lab.heap, 0, NULL)); /* C has not passed */
        if (deferred)
            put_root(A, 0, NULL);
        resume(C);
        assert_true(epoch_end());
        epochs(4);
        assert_true(alive(x) && alive(own));
        leave(C);
        assert_exact();
        assert_true(lab_close());
    }
}

/* C has slept through epochs and counts as running again, but has not caught up: the next epoch waits for it, and its old
 * roots stand for it until it has passed. */
static void test_epoch_while_leaving(void **state)
{
    (void)state;
    for (unsigned slept = 0; slept < 4; slept++)
        for (unsigned begun = 0; begun < 2; begun++) {
            lab_open(2);
            make_x();
            hold(C, 0, lab.slots[0]);
            hold(C, 1, make(C, 2));
            hold(C, 2, NULL);
            struct node *own = C->roots[1];
            put(C, own, 0, own);
            enter(C);
            put_root(A, 0, NULL);
            epochs(slept);
            stop_at(C, HOOK_NATIVE_LEFT);
            C->native = false;
            perform(C, job_leave);
            assert_true(stopped(C));
            if (begun) {
                epoch_begin();
                handshake(A);
                assert_false(eddy__collector_epoch(lab.heap, 0, NULL));
            }
            resume(C);
            put(C, own, 1, C->roots[0]);
            hold(C, 0, NULL);
            handshakes();
            assert_true(epoch_end());
            assert_true(alive(x) && alive(own));
            assert_exact();
            hold(C, 1, NULL);
            assert_true(collect_all());
            assert_int_equal(live_objects(), 0);
            assert_true(lab_close());
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_detach),
        cmocka_unit_test(test_visitors),
        cmocka_unit_test(test_wake_while_acted_for),
        cmocka_unit_test(test_epoch_while_entering),
        cmocka_unit_test(test_epoch_while_leaving),
    };
    return LAB_RUN(tests);
}
