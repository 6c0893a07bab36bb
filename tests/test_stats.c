/* Statistics: counters that follow what was done, gauges that agree with each other, histograms of stalls. */
#include "tests/support.h"

#include <dirent.h>

#include "runtime/heap/heap.h"

/* ---- counters ---- */

static void test_counters_follow_what_is_done(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    eddy_stats s = world_stats(&w);
    assert_int_equal(s.epochs + s.incs + s.decs + s.promotions + s.live_objects + s.live_bytes, 0);
    assert_int_equal(s.collector_wakeups + s.misused_releases + s.cycle_passes + s.overflowed_counts, 0);

    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w);
    for (int i = 0; i < 10; i++)
        eddy_retain(w.t, n);
    world_step(&w, 1);
    s = world_stats(&w);
    assert_int_equal(s.epochs, 1);
    assert_int_equal(s.incs, 10); /* roots are counted by nobody's log */
    assert_int_equal(s.decs, 0);
    assert_int_equal(s.live_objects, 1);
    assert_int_equal(s.live_bytes, 32);
    assert_int_equal(s.log_bytes_total, 10 * sizeof(uintptr_t));
    for (int i = 0; i < 10; i++)
        eddy_release(w.t, n);
    world_step(&w, 1);
    assert_int_equal(world_stats(&w).decs, 0); /* an epoch late */
    world_step(&w, 1);
    assert_int_equal(world_stats(&w).decs, 10);
    roots[0] = NULL;
    world_step(&w, 3);
    s = world_stats(&w);
    assert_int_equal(s.objects_freed, 1);
    assert_int_equal(s.live_objects, 0);
    assert_int_equal(s.live_bytes, 0);
    assert_int_equal(s.epochs, 6);
    assert_true(s.handshakes + s.handshakes_native == 6);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_cycle_counters(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    for (int i = 0; i < 7; i++) {
        struct node *a = roots[0] = node_new(&w), *b = node_new(&w);
        EDDY_SET(w.t, a, left, b);
        EDDY_SET(w.t, b, left, a);
        world_step(&w, 2);
        roots[0] = NULL;
    }
    assert_int_equal(live_after_collect(&w), 0);
    eddy_stats s = world_stats(&w);
    assert_int_equal(s.cycles_freed, 7);
    assert_int_equal(s.cycle_objects_freed, 14);
    assert_int_equal(s.objects_freed, 14);
    assert_true(s.cycles_found >= 7 && s.cycle_nodes >= 14 && s.cycle_passes >= 1);
    assert_int_equal(s.cycles_found, s.cycles_freed + s.cycles_rejected_sigma + s.cycles_rejected_delta);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- gauges ---- */

static void assert_gauges(const struct world *w)
{
    eddy_stats s = world_stats(w);
    assert_true(s.live_bytes >= s.live_objects * 16);
    assert_true(s.committed_bytes >= s.live_bytes);
    assert_true(s.peak_committed_bytes >= s.committed_bytes);
    assert_true(s.committed_bytes >= s.overhead_bytes + s.free_bytes);
    assert_true(s.overhead_bytes >= s.log_bytes);
    assert_true(s.allocated_bytes >= s.live_bytes);
    assert_true(s.epoch_bytes > 0);
}

static void test_gauges_agree(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 256 << 10;
    struct world w = world_open_with(&config);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 2);
    uint64_t allocated = 0, random = support_seed(__func__);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 10000; i++) {
            struct node *n = node_new(&w);
            EDDY_SET(w.t, n, left, i % 5 ? NULL : roots[0]);
            if (i % 5 == 0)
                roots[0] = n;
            if (i % 3 == 0)
                eddy_root_store(w.t, &slot, roots[0]);
            if (support_random(&random) % 1000 == 0)
                roots[1] = eddy_alloc_bytes(w.t, 50000);
        }
        /* the collector must not be at work while one counter after another is read */
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        assert_gauges(&w);
        assert_true(world_stats(&w).allocated_bytes >= allocated + 10000 * 32);
        allocated = world_stats(&w).allocated_bytes;
        if (round % 4 == 3)
            roots[0] = NULL;
    }
    ROOTS_POP(w.t);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 0);
    assert_gauges(&w);
    world_close(&w);
}

static void test_collector_time(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    uint64_t cpu = 0;
    ROOTS_PUSH(w.t, 1);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 20000; i++) {
            struct node *n = node_new(&w);
            EDDY_SET(w.t, n, left, roots[0]);
            roots[0] = n;
        }
        assert_int_equal(live_after_collect(&w), 20000 * (round + 1));
        assert_true(world_stats(&w).collector_cpu_ns > cpu);
        cpu = world_stats(&w).collector_cpu_ns;
    }
    ROOTS_POP(w.t);
    world_close(&w);
    w = world_open(EDDY_HEAP_MANUAL);
    world_step(&w, 10);
    assert_int_equal(world_stats(&w).collector_cpu_ns, 0); /* has no thread */
    world_close(&w);
}

/* ---- stalls ---- */

struct histogram {
    uint64_t count, last;
    double sum;
};

static void add_bucket(void *context, uint64_t ns, uint64_t count)
{
    struct histogram *h = context;
    assert_true(h->count == 0 || ns > h->last);
    assert_true(count > 0);
    h->last = ns;
    h->count += count;
    h->sum += (double)ns * (double)count;
}

static eddy_stall_summary assert_plausible(eddy_heap *heap, eddy_thread *t, eddy_stall_kind kind)
{
    eddy_stall_summary s;
    assert_int_equal(eddy_stall_stats(heap, t, kind, &s), EDDY_OK);
    struct histogram h = {0};
    assert_int_equal(eddy_stall_each(heap, t, kind, add_bucket, &h), EDDY_OK);
    assert_int_equal(h.count, s.count);
    assert_true(s.p50_ns <= s.p99_ns && s.p99_ns <= s.p999_ns && s.p999_ns <= s.p9999_ns && s.p9999_ns <= s.max_ns);
    assert_true(s.max_cost_ns <= s.max_ns);
    assert_true(s.total_ns <= s.count * s.max_ns);
    assert_true((double)s.total_ns <= h.sum); /* a bucket is named by its highest value */
    assert_true(s.total_ns >= h.sum * 0.97 - (double)s.count);
    assert_true(s.mmu_1ms >= 0 && s.mmu_1ms <= 1);
    assert_int_equal(h.last, s.max_ns);
    return s;
}

static void test_stalls(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 256 << 10;
    config.log_bytes_epoch = 256 << 10;
    struct world w = world_open_with(&config);
    eddy_stall_summary all, kinds[EDDY_STALL_KINDS];
    assert_int_equal(eddy_stall_stats(w.heap, w.t, EDDY_STALL_KINDS, &all), EDDY_OK);
    assert_int_equal(all.count, 0);
    assert_true(all.mmu_1ms == 1);

    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    for (int i = 0; i < SUPPORT_SCALE(300000, 30000); i++)
        eddy_root_store(w.t, &slot, node_new(&w));
    for (int i = 0; i < 20; i++)
        assert_non_null(eddy_alloc_bytes(w.t, 200000));
    for (int i = 0; i < 5; i++) {
        uint64_t epoch = w.t->epoch;
        eddy_collect_hint(w.heap);
        WAIT_UNTIL((eddy_safepoint(w.t), w.t->epoch != epoch));
    }

    uint64_t count = 0, total = 0;
    for (int kind = 0; kind < EDDY_STALL_KINDS; kind++) {
        kinds[kind] = assert_plausible(w.heap, w.t, (eddy_stall_kind)kind);
        count += kinds[kind].count;
        total += kinds[kind].total_ns;
    }
    all = assert_plausible(w.heap, w.t, EDDY_STALL_KINDS);
    assert_int_equal(all.count, count);
    assert_int_equal(all.total_ns, total);
    assert_int_equal(all.wait_ns, kinds[EDDY_STALL_WAIT].total_ns);
    assert_true(kinds[EDDY_STALL_HANDSHAKE].count >= 5);
    assert_true(kinds[EDDY_STALL_SLOW_PATH].count >= 20);

    eddy_stall_summary heap_wide = assert_plausible(w.heap, NULL, EDDY_STALL_KINDS);
    assert_int_equal(heap_wide.count, all.count); /* there is but one thread */
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    heap_wide = assert_plausible(w.heap, NULL, EDDY_STALL_KINDS); /* past threads are included */
    assert_true(heap_wide.count >= all.count && heap_wide.total_ns >= all.total_ns);
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    assert_int_equal(eddy_stall_stats(w.heap, w.t, EDDY_STALL_KINDS, &all), EDDY_OK);
    assert_int_equal(all.count, 0); /* but a record's next user begins anew */
    world_close(&w);
}

static void test_unknown_kinds(void **state)
{
    (void)state;
    struct world w = world_open(0);
    eddy_stall_summary s;
    struct histogram h = {0};
    static const int unknown[] = {-1, EDDY_STALL_KINDS + 1, 1000};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(eddy_stall_stats(w.heap, w.t, (eddy_stall_kind)unknown[i], &s), EDDY_EINVAL);
        assert_int_equal(eddy_stall_stats(w.heap, NULL, (eddy_stall_kind)unknown[i], &s), EDDY_EINVAL);
        assert_int_equal(eddy_stall_each(w.heap, w.t, (eddy_stall_kind)unknown[i], add_bucket, &h), EDDY_EINVAL);
    }
    assert_int_equal(h.count, 0);
    world_close(&w);
}

/* Waits for memory and for log space are counted and timed; a wait that was asked for is none. */
static void test_waits(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    config.heap_limit = 4 * MIB;
    struct world w = world_open_with(&config);
    eddy_stall_summary s;
    for (int i = 0; i < 10; i++)
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    assert_int_equal(eddy_stall_stats(w.heap, w.t, EDDY_STALL_WAIT, &s), EDDY_OK);
    assert_int_equal(s.count, 0);
    assert_int_equal(s.wait_ns, 0);
    for (int i = 0; i < 50; i++)
        assert_non_null(eddy_alloc_bytes(w.t, MIB));
    s = assert_plausible(w.heap, w.t, EDDY_STALL_WAIT);
    assert_true(s.count > 0);
    assert_true(s.wait_ns > 0);
    assert_int_equal(s.wait_ns, s.total_ns);
    world_close(&w);
}

/* ---- many threads' records ---- */

static unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    unsigned count = 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void *short_lived_main(void *argument)
{
    struct world mine = *(struct world *)argument;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    for (int i = 0; i < 100; i++)
        CHECK(eddy_alloc_bytes(mine.t, 20000) != NULL); /* stalls, if short ones */
    eddy_native_enter(mine.t);
    eddy_native_leave(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

/* What a thread needs to tell its time in the run queue ends with it. */
static void test_ended_threads_leave_no_descriptors(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_non_null(eddy_alloc_bytes(w.t, 20000)); /* this thread's own is open from here on */
    unsigned before = open_descriptors();
    for (int wave = 0; wave < 3; wave++) {
        pthread_t ids[8];
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&ids[i], NULL, short_lived_main, &w), 0);
        eddy_native_enter(w.t);
        for (int i = 0; i < 8; i++)
            pthread_join(ids[i], NULL);
        eddy_native_leave(w.t);
    }
    assert_checks_passed();
    assert_int_equal(open_descriptors(), before);
    eddy_stall_summary s = assert_plausible(w.heap, NULL, EDDY_STALL_SLOW_PATH);
    assert_true(s.count >= 24 * 100);
    world_close(&w);
}

/* Readers beside writers: whatever they see is plausible. */
struct watched {
    struct world w;
    int stop;
};

static void *watched_main(void *argument)
{
    struct watched *watched = argument;
    struct world mine = watched->w;
    while (!EDDY_LOAD_RELAXED(&watched->stop)) {
        CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
        for (int i = 0; i < 20; i++) {
            CHECK(eddy_alloc_bytes(mine.t, 10000) != NULL);
            eddy_safepoint(mine.t);
        }
        CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    }
    return NULL;
}

static void test_reading_beside_stalls(void **state)
{
    (void)state;
    struct watched watched = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, watched_main, &watched), 0);
    eddy_native_enter(watched.w.t);
    eddy_stall_summary before = {0};
    for (int i = 0; i < 100; i++) {
        eddy_stall_summary s;
        assert_int_equal(eddy_stall_stats(watched.w.heap, NULL, EDDY_STALL_KINDS, &s), EDDY_OK);
        assert_true(s.count >= before.count && s.total_ns >= before.total_ns && s.max_ns >= before.max_ns);
        assert_true(s.mmu_1ms <= 1 && s.mmu_1ms >= 0);
        before = s;
    }
    EDDY_STORE_RELAXED(&watched.stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(watched.w.t);
    assert_checks_passed();
    world_close(&watched.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_follow_what_is_done),
        cmocka_unit_test(test_cycle_counters),
        cmocka_unit_test(test_gauges_agree),
        cmocka_unit_test(test_collector_time),
        cmocka_unit_test(test_stalls),
        cmocka_unit_test(test_unknown_kinds),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_ended_threads_leave_no_descriptors),
        cmocka_unit_test(test_reading_beside_stalls),
    };
    return RUN_TESTS("stats", tests);
}
