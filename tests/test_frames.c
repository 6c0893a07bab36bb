/* Frames of handles: what a handshake looks at, what it may leave out, and that nothing is lost by that. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

#define DEPTH 100000
#define HANDLES 3

struct call {
    eddy_frame frame;
    void *slots[HANDLES];
};

static struct call *calls_new(size_t n)
{
    struct call *calls = calloc(n, sizeof *calls);
    assert_non_null(calls);
    return calls;
}

static void call_push(struct world *w, struct call *call)
{
    memset(call->slots, 0, sizeof call->slots);
    eddy_frame_push(w->t, &call->frame, call->slots, HANDLES);
}

/* Words that the thread recorded for the epoch that was processed last. */
static size_t recorded(const struct world *w)
{
    return thread_of(w->t)->roots[w->heap->processed & 1].count;
}

static size_t counted(const struct world *w)
{
    return thread_of(w->t)->stable.count;
}

/* ---- cost ---- */

static void test_unchanged_frames_are_not_looked_at(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct call *calls = calls_new(DEPTH + 1);
    for (size_t i = 0; i < DEPTH; i++) {
        call_push(&w, &calls[i]);
        if (i % 1000 == 0)
            calls[i].slots[0] = node_new(&w);
    }
    world_step(&w, 1);
    assert_int_equal(counted(&w), (DEPTH - 1) * HANDLES);
    for (int i = 0; i < 5; i++) {
        calls[DEPTH - 1].slots[i % HANDLES] = node_new(&w); /* the top frame is free to change */
        world_step(&w, 1);
        assert_true(recorded(&w) <= HANDLES + 1);
        assert_int_equal(counted(&w), (DEPTH - 1) * HANDLES);
    }
    call_push(&w, &calls[DEPTH]); /* one more is one more to look at */
    world_step(&w, 1);
    assert_true(recorded(&w) <= 2 * HANDLES + 1);
    assert_int_equal(counted(&w), DEPTH * HANDLES);
    for (size_t i = DEPTH + 1; i-- > DEPTH - 10;) /* ten returns, and three calls */
        eddy_frame_pop(w.t, &calls[i].frame);
    for (size_t i = DEPTH - 10; i < DEPTH - 7; i++)
        call_push(&w, &calls[i]);
    world_step(&w, 1);
    assert_true(recorded(&w) <= 4 * HANDLES + 1);
    assert_int_equal(counted(&w), (DEPTH - 8) * HANDLES);
    eddy_frame_set(w.t, &calls[DEPTH - 20].frame, 1, node_new(&w)); /* all from there on */
    world_step(&w, 1);
    assert_true(recorded(&w) <= 14 * HANDLES + 1);
    assert_int_equal(live_after_collect(&w), DEPTH / 1000 + 1);
    assert_verifies(&w);
    for (size_t i = DEPTH - 7; i-- > 0;)
        eddy_frame_pop(w.t, &calls[i].frame);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(counted(&w), 0);
    free(calls);
    world_close(&w);
}

/* The collector, too, leaves them alone: counts of what they hold are not touched by an epoch. */
static void test_unchanged_frames_cost_the_collector_nothing(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct call *calls = calls_new(100);
    for (size_t i = 0; i < 100; i++) {
        call_push(&w, &calls[i]);
        for (int k = 0; k < HANDLES; k++)
            calls[i].slots[k] = node_new(&w);
    }
    world_step(&w, 3);
    uint64_t decs = world_stats(&w).decs;
    world_step(&w, 10);
    assert_int_equal(world_stats(&w).decs, decs);
    assert_int_equal(world_stats(&w).live_objects, 100 * HANDLES);
    for (size_t i = 100; i-- > 0;)
        eddy_frame_pop(w.t, &calls[i].frame);
    assert_int_equal(live_after_collect(&w), 0);
    free(calls);
    world_close(&w);
}

/* ---- nothing is lost ---- */

static void test_a_frame_uncovered_by_a_return_may_be_written(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct call *calls = calls_new(4);
    for (int covered = 0; covered < 4; covered++) /* epochs while the callee is on top */
        for (int after = 0; after < 4; after++) {
            call_push(&w, &calls[0]);
            call_push(&w, &calls[1]);
            calls[1].slots[0] = node_new(&w);
            call_push(&w, &calls[2]);
            world_step(&w, (unsigned)covered);
            eddy_frame_pop(w.t, &calls[2].frame);
            calls[1].slots[0] = node_new(&w);
            call_push(&w, &calls[2]);
            call_push(&w, &calls[3]);
            world_step(&w, (unsigned)after);
            assert_int_equal(live_after_collect(&w), 1);
            assert_ptr_equal(eddy_object_at(w.heap, calls[1].slots[0]), calls[1].slots[0]);
            for (size_t i = 4; i-- > 0;)
                eddy_frame_pop(w.t, &calls[i].frame);
        }
    assert_int_equal(live_after_collect(&w), 0);
    free(calls);
    world_close(&w);
}

static void test_setting_a_handle_of_an_older_frame(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct call *calls = calls_new(20);
    for (int i = 0; i < 20; i++)
        call_push(&w, &calls[i]);
    for (int i = 0; i < 20; i++) {
        world_step(&w, 2);
        struct node *n = node_new(&w);
        n->value = (uint64_t)i;
        eddy_frame_set(w.t, &calls[(i * 7) % 20].frame, (size_t)i % HANDLES, n);
        eddy_frame_set(w.t, &calls[(i * 7) % 20].frame, (size_t)(i + 1) % HANDLES, NULL);
        assert_int_equal(live_after_collect(&w), i + 1);
        assert_ptr_equal(calls[(i * 7) % 20].slots[i % HANDLES], n);
        assert_int_equal(n->value, i);
    }
    assert_verifies(&w);
    for (int i = 20; i-- > 0;)
        eddy_frame_pop(w.t, &calls[i].frame);
    assert_int_equal(live_after_collect(&w), 0);
    const char *text;
    call_push(&w, &calls[0]);
    CATCH_MISUSE(eddy_frame_set(w.t, &calls[0].frame, HANDLES, NULL), text);
    assert_non_null(strstr(text, "no such slot"));
    eddy_frame_pop(w.t, &calls[0].frame);
    free(calls);
    world_close(&w);
}

/* ---- random schedules ---- */

#define RANDOM_DEPTH 60

struct machine {
    struct world w;
    struct call *calls;
    size_t depth;
    uint64_t made;
};

static void put_new(struct machine *m, size_t call, size_t slot)
{
    struct node *n = node_new(&m->w);
    n->value = ++m->made;
    eddy_frame_set(m->w.t, &m->calls[call].frame, slot, n);
}

static size_t handles_in_use(const struct machine *m)
{
    size_t used = 0;
    for (size_t i = 0; i < m->depth; i++)
        for (size_t k = 0; k < HANDLES; k++)
            used += m->calls[i].slots[k] != NULL;
    return used;
}

static void step(struct machine *m, uint64_t random)
{
    size_t any = (size_t)(random >> 32), slot = (random >> 8) % HANDLES;
    unsigned what = (unsigned)(random % 16);
    if (what < 5 && m->depth < RANDOM_DEPTH) {
        call_push(&m->w, &m->calls[m->depth++]);
    } else if (what < 10 && m->depth > 0) {
        for (size_t n = what == 9 ? any % m->depth + 1 : 1; n > 0; n--)
            eddy_frame_pop(m->w.t, &m->calls[--m->depth].frame);
    } else if (what < 12 && m->depth > 0) {
        struct node *n = node_new(&m->w);
        n->value = ++m->made;
        m->calls[m->depth - 1].slots[slot] = n;
    } else if (what == 12 && m->depth > 0) {
        put_new(m, any % m->depth, slot);
    } else if (what == 13) {
        eddy_native_enter(m->w.t);
        eddy_native_leave(m->w.t);
    } else if (what == 14) {
        eddy_safepoint(m->w.t);
    } else {
        eddy_collect_hint(m->w.heap);
    }
}

static void run_machine(struct machine *m, uint64_t *seed, int steps)
{
    m->calls = calls_new(RANDOM_DEPTH);
    for (int i = 1; i <= steps; i++) {
        step(m, support_random(seed));
        if (i % (steps / 10) == 0) { /* all objects are distinct and refer to nothing */
            assert_int_equal(live_after_collect(&m->w), handles_in_use(m));
            assert_verifies(&m->w);
        }
    }
    while (m->depth > 0)
        eddy_frame_pop(m->w.t, &m->calls[--m->depth].frame);
    assert_int_equal(live_after_collect(&m->w), 0);
    free(m->calls);
}

static void test_random_calls_and_returns(void **state)
{
    (void)state;
    uint64_t seed = support_seed("test_random_calls_and_returns");
    struct machine m = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    run_machine(&m, &seed, SUPPORT_SCALE(20000, 2000));
    world_close(&m.w);
}

static void test_random_calls_and_returns_epoch_by_epoch(void **state)
{
    (void)state;
    uint64_t seed = support_seed("test_random_calls_and_returns_epoch_by_epoch");
    struct machine m = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL), .calls = calls_new(RANDOM_DEPTH)};
    for (int i = 0; i < SUPPORT_SCALE(5000, 1000); i++) {
        uint64_t random = support_random(&seed);
        step(&m, random);
        if (random >> 60 < 4) {
            world_step(&m.w, 1);
            for (size_t k = 0; k < m.depth; k++)
                for (size_t slot = 0; slot < HANDLES; slot++)
                    if (m.calls[k].slots[slot] != NULL)
                        assert_ptr_equal(eddy_object_at(m.w.heap, m.calls[k].slots[slot]), m.calls[k].slots[slot]);
        }
    }
    assert_int_equal(live_after_collect(&m.w), handles_in_use(&m));
    while (m.depth > 0)
        eddy_frame_pop(m.w.t, &m.calls[--m.depth].frame);
    assert_int_equal(live_after_collect(&m.w), 0);
    free(m.calls);
    world_close(&m.w);
}

/* ---- threads ---- */

/* Sleeps deep in calls, through epochs that others need; then returns. */
static void *sleeper_main(void *argument)
{
    struct world mine = *(struct world *)argument;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    struct call calls[30];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 30; i++) {
            call_push(&mine, &calls[i]);
            struct node *n = calls[i].slots[0] = node_new(&mine);
            n->value = (uint64_t)(round * 30 + i);
            eddy_safepoint(mine.t);
        }
        eddy_stats before, now;
        eddy_heap_stats(mine.heap, &before);
        eddy_native_enter(mine.t);
        WAIT_UNTIL((eddy_collect_hint(mine.heap), eddy_heap_stats(mine.heap, &now),
                    now.epochs >= before.epochs + (uint64_t)round % 5));
        eddy_native_leave(mine.t);
        for (int i = 30; i-- > 0;) {
            struct node *n = calls[i].slots[0];
            CHECK(n->value == (uint64_t)(round * 30 + i) && eddy_object_at(mine.heap, n) == n);
            calls[i].slots[0] = node_new(&mine);
            eddy_frame_pop(mine.t, &calls[i].frame);
        }
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_sleeping_deep_in_calls(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    for (int round = 0; round < 2; round++) { /* the second time, records are used again */
        pthread_t ids[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&ids[i], NULL, sleeper_main, &w), 0);
        eddy_native_enter(w.t);
        for (int i = 0; i < 2; i++)
            pthread_join(ids[i], NULL);
        eddy_native_leave(w.t);
        assert_checks_passed();
        assert_verifies(&w);
        assert_int_equal(live_after_collect(&w), 0);
    }
    world_close(&w);
}

/* ---- misuse ---- */

static void test_a_write_to_an_older_frame_is_noticed(void **state)
{
    (void)state;
#ifdef EDDY_DEBUG
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    struct call *calls = calls_new(3);
    for (int i = 0; i < 3; i++)
        call_push(&w, &calls[i]);
    world_step(&w, 1);
    struct node *n = node_new(&w);
    calls[2].slots[0] = n;
    calls[0].slots[1] = n;
    const char *text;
    CATCH_MISUSE(world_step(&w, 1), text);
    assert_non_null(strstr(text, "without eddy_frame_set"));
    calls[0].slots[1] = NULL;
    eddy_frame_set(w.t, &calls[0].frame, 1, n);
    world_step(&w, 1);
    for (int i = 3; i-- > 0;)
        eddy_frame_pop(w.t, &calls[i].frame);
    free(calls);
    world_close(&w);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unchanged_frames_are_not_looked_at),
        cmocka_unit_test(test_unchanged_frames_cost_the_collector_nothing),
        cmocka_unit_test(test_a_frame_uncovered_by_a_return_may_be_written),
        cmocka_unit_test(test_setting_a_handle_of_an_older_frame),
        cmocka_unit_test(test_random_calls_and_returns),
        cmocka_unit_test(test_random_calls_and_returns_epoch_by_epoch),
        cmocka_unit_test(test_sleeping_deep_in_calls),
        cmocka_unit_test(test_a_write_to_an_older_frame_is_noticed),
    };
    return RUN_TESTS("frames", tests);
}
