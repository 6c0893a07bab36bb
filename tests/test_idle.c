/* An idle program: after a few trailing epochs the collector sleeps until it is woken, and nothing wakes it. Time is
 * told by another heap's timed epochs, so nothing here depends on how long a sleep takes. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

static struct world quick_world(unsigned flags)
{
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | flags);
    config.idle_ms = 1;
    return world_open_with(&config);
}

/* Until the collector is about to sleep without a timer; the calling thread is in a native region of the heap. */
static void wait_until_asleep(const struct world *w)
{
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&w->heap->asleep) == 2 && EDDY_LOAD_SEQ_CST(&w->heap->active) == 0
               && EDDY_LOAD_SEQ_CST(&w->heap->request) == 0);
}

/* Lets so many idle periods pass: each makes the other heap's collector run a timed epoch. */
static void let_time_pass(struct world *clock, int periods)
{
    for (int i = 0; i < periods; i++) {
        uint64_t before = world_stats(clock).epochs;
        node_new(clock);
        WAIT_UNTIL((eddy_safepoint(clock->t), world_stats(clock).epochs > before));
    }
}

/* The collector has said that it sleeps before it does: its processor clock may go on until it has reached the call. */
static void wait_until_its_clock_stands(const struct world *w, struct world *clock)
{
    for (int i = 0; i < 100; i++) {
        uint64_t cpu = world_stats(w).collector_cpu_ns;
        let_time_pass(clock, 1);
        if (world_stats(w).collector_cpu_ns == cpu)
            return;
    }
    fail_msg("the collector works on");
}

static void assert_stays_asleep(const struct world *w, struct world *clock)
{
    wait_until_its_clock_stands(w, clock);
    eddy_stats before = world_stats(w);
    let_time_pass(clock, 30);
    eddy_stats after = world_stats(w);
    assert_int_equal(after.collector_wakeups, before.collector_wakeups);
    assert_int_equal(after.epochs, before.epochs);
    assert_int_equal(after.collector_cpu_ns, before.collector_cpu_ns);
}

typedef void work(struct world *w, void **roots, void **slot);

static void make_young_garbage(struct world *w, void **roots, void **slot)
{
    (void)roots, (void)slot;
    for (int i = 0; i < 100; i++)
        node_new(w);
}

static void make_survivors(struct world *w, void **roots, void **slot)
{
    (void)slot;
    for (int i = 0; i < 100; i++) {
        struct node *n = node_new(w);
        EDDY_SET(w->t, n, left, roots[0]);
        roots[0] = n;
    }
}

static void drop_old_objects(struct world *w, void **roots, void **slot)
{
    (void)w, (void)slot;
    roots[0] = NULL;
}

static void store_counted(struct world *w, void **roots, void **slot)
{
    eddy_root_store(w->t, slot, roots[0]);
    eddy_root_store(w->t, slot, NULL);
}

static void retain_and_release(struct world *w, void **roots, void **slot)
{
    (void)slot;
    eddy_retain(w->t, roots[0]);
    eddy_release(w->t, roots[0]);
}

static void allocate_large(struct world *w, void **roots, void **slot)
{
    (void)slot;
    roots[1] = eddy_alloc_bytes(w->t, 100000);
    roots[1] = NULL;
}

static void do_nothing(struct world *w, void **roots, void **slot)
{
    (void)roots, (void)slot;
    eddy_safepoint(w->t);
    eddy_native_enter(w->t);
    eddy_native_leave(w->t);
}

static void test_few_trailing_epochs_then_silence(void **state)
{
    (void)state;
    static work *const works[] = {do_nothing, make_young_garbage, make_survivors,   store_counted, retain_and_release,
                                  do_nothing, allocate_large,     drop_old_objects, make_survivors};
    struct world w = quick_world(0), clock = quick_world(0);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 2);
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        eddy_native_enter(w.t);
        wait_until_asleep(&w);
        eddy_native_leave(w.t);
        works[i](&w, roots, &slot);
        eddy_native_enter(w.t);
        uint64_t epochs = world_stats(&w).epochs;
        wait_until_asleep(&w);
        uint64_t trailing = world_stats(&w).epochs - epochs;
        if (trailing > 5)
            fail_msg("%llu epochs after work number %zu", (unsigned long long)trailing, i);
        assert_stays_asleep(&w, &clock);
        eddy_native_leave(w.t);
    }
    ROOTS_POP(w.t);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&clock);
    world_close(&w);
}

/* Little work still gets its epoch, though it is far from what triggers one. */
static void test_little_work_gets_an_epoch(void **state)
{
    (void)state;
    struct world w = quick_world(0);
    uint64_t freed = 0;
    for (uint64_t i = 1; i <= 20; i++) {
        eddy_retain(w.t, node_new(&w));
        struct node *n = node_new(&w);
        eddy_retain(w.t, n);
        eddy_release(w.t, n);
        WAIT_UNTIL((eddy_safepoint(w.t), world_stats(&w).live_objects == i && world_stats(&w).objects_freed == i));
        freed = i;
    }
    assert_int_equal(freed, 20);
    world_close(&w);
}

static void test_idle_from_the_beginning_and_with_nobody_attached(void **state)
{
    (void)state;
    struct world clock = quick_world(0);
    eddy_config config = support_config(0);
    config.idle_ms = 1;
    struct world w = {0};
    assert_int_equal(eddy_heap_create(&config, &w.heap), EDDY_OK);
    wait_until_asleep(&w);
    assert_stays_asleep(&w, &clock);
    assert_int_equal(world_stats(&w).epochs, 0);
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    wait_until_asleep(&w);
    assert_stays_asleep(&w, &clock);
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    for (int i = 0; i < 100; i++)
        assert_non_null(eddy_alloc_bytes(w.t, 10000));
    uint64_t epochs = world_stats(&w).epochs;
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    wait_until_asleep(&w);
    assert_true(world_stats(&w).epochs - epochs <= 5);
    assert_stays_asleep(&w, &clock);
    assert_int_equal(eddy_heap_destroy(w.heap), EDDY_OK);
    world_close(&clock);
}

/* Woken by a request, it works and sleeps again. */
static void test_a_sleeping_collector_can_be_woken(void **state)
{
    (void)state;
    struct world w = quick_world(0), clock = quick_world(0);
    for (int i = 0; i < 10; i++) {
        eddy_native_enter(w.t);
        wait_until_asleep(&w);
        uint64_t epochs = world_stats(&w).epochs;
        eddy_collect_hint(w.heap);
        WAIT_UNTIL(world_stats(&w).epochs > epochs);
        wait_until_asleep(&w);
        assert_true(world_stats(&w).epochs - epochs <= 5);
        eddy_native_leave(w.t);
        assert_int_equal(live_after_collect(&w), 0);
    }
    eddy_native_enter(w.t);
    wait_until_asleep(&w);
    assert_stays_asleep(&w, &clock);
    eddy_native_leave(w.t);
    world_close(&clock);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_trailing_epochs_then_silence),
        cmocka_unit_test(test_little_work_gets_an_epoch),
        cmocka_unit_test(test_idle_from_the_beginning_and_with_nobody_attached),
        cmocka_unit_test(test_a_sleeping_collector_can_be_woken),
    };
    return RUN_TESTS("idle", tests);
}
