/* The soft limit makes the collector work harder and nothing fail; memory_low and out_of_memory are called on the
 * allocating thread, may drop caches, allocate, collect and raise limits, and save an allocation from failing. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

/* Nodes of half a KiB, so that few of them fill a heap. */
#define CELL 512

static struct world big_world(const eddy_config *config)
{
    struct world w = world_open_with(config);
    const size_t offsets[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc desc = {.name = "big", .size = CELL - 8, .ref_offsets = offsets, .ref_count = 2};
    assert_int_equal(eddy_type_register(w.heap, &desc, &w.node), EDDY_OK);
    return w;
}

static void test_invalid(void **state)
{
    (void)state;
    struct world w = world_open(0);
    assert_int_equal(eddy_heap_set_soft_limit(w.heap, 1), EDDY_EINVAL);
    assert_int_equal(eddy_heap_set_soft_limit(w.heap, MIB - 1), EDDY_EINVAL);
    assert_int_equal(eddy_heap_set_soft_limit(w.heap, MIB), EDDY_OK);
    assert_int_equal(eddy_heap_set_soft_limit(w.heap, 0), EDDY_OK);
    world_close(&w);
    eddy_config config = support_config(0);
    config.soft_limit = 1000;
    eddy_heap *heap;
    assert_int_equal(eddy_heap_create(&config, &heap), EDDY_EINVAL);
}

/* ---- the collector works harder ---- */

/* Rings that live for an epoch and then are garbage, an epoch for each MiB of them, beside a list of live objects. */
static eddy_stats churn_rings(size_t soft_limit)
{
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.soft_limit = soft_limit;
    config.epoch_bytes = 8 * MIB;
    config.epoch_bytes_min = MIB;
    struct world w = big_world(&config);
    ROOTS_PUSH(w.t, 3);
    for (size_t i = 0; i < 8 * MIB / CELL; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    world_step(&w, 3);
    eddy_stats stats;
    for (int round = 0; round < SUPPORT_SCALE(40, 20); round++) {
        for (size_t i = 0; i < MIB / CELL; i++) {
            struct node *n = node_new(&w);
            EDDY_SET(w.t, n, left, n);
            EDDY_SET(w.t, n, right, roots[1]);
            roots[1] = n;
        }
        world_step(&w, 1);
        roots[1] = NULL;
    }
    eddy_heap_stats(w.heap, &stats);
    ROOTS_POP(w.t);
    world_close(&w);
    return stats;
}

static void test_above_it_the_collector_works_harder(void **state)
{
    (void)state;
    eddy_stats without = churn_rings(0), below = churn_rings(900 * MIB), above = churn_rings(4 * MIB);
    assert_int_equal(without.cycle_passes, below.cycle_passes); /* no effect before it is reached */
    assert_true(above.cycle_passes > without.cycle_passes + 2);
    assert_true(above.live_bytes + MIB < without.live_bytes);
    assert_true(above.peak_committed_bytes < without.peak_committed_bytes);
#ifndef EDDY_STRESS
    assert_int_equal(above.epoch_bytes, MIB);
    assert_true(without.epoch_bytes > MIB);
#endif
}

static void test_nothing_fails_or_waits(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.soft_limit = 2 * MIB;
    struct world w = big_world(&config);
    ROOTS_PUSH(w.t, 1);
    size_t count = 20 * MIB / CELL;
    for (size_t i = 0; i < count; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    assert_int_equal(live_after_collect(&w), count);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- helpers ---- */

struct cache {
    eddy_listener listener;
    struct world *w;
    void **roots; /* the test's handles: roots[0] is a cache */
    int low, out;
    int wrong;
    size_t raise_to; /* what out_of_memory raises the limit to, if not 0 */
    bool drop;       /* whether it drops the cache */
    uint64_t last_epoch;
    void *held; /* what the interrupted operation holds */
    eddy_memory_report report;
};

#define LIMIT (8 * MIB)

static struct world cached_world(struct cache *cache, size_t heap_limit, size_t soft_limit, unsigned flags)
{
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | flags);
    config.heap_limit = heap_limit;
    config.soft_limit = soft_limit;
    cache->listener.context = cache;
    return big_world(&config);
}

static void drop_when_low(void *context, eddy_heap *heap, eddy_thread *t, const eddy_memory_report *report)
{
    struct cache *cache = context;
    cache->low++;
    cache->wrong += heap != cache->w->heap || t != cache->w->t || t != eddy_thread_current(heap);
    cache->wrong += t->epoch <= cache->last_epoch; /* at most once per epoch */
    cache->last_epoch = t->epoch;
    cache->report = *report;
    cache->roots[0] = NULL;
}

static bool help_out(void *context, eddy_heap *heap, eddy_thread *t)
{
    struct cache *cache = context;
    cache->out++;
    cache->wrong += t != cache->w->t || t != eddy_thread_current(heap);
    if (cache->raise_to != 0 && eddy_heap_set_limit(heap, cache->raise_to) != EDDY_OK)
        cache->wrong++;
    if (cache->drop)
        cache->roots[0] = NULL;
    return cache->drop || (cache->raise_to != 0 && cache->out == 1); /* raised once only */
}

/* An allocation that goes into the cache. */
static bool cache_one(const struct world *w, void **roots, uint64_t value)
{
    struct node *n = eddy_alloc(w->t, w->node);
    if (n == NULL)
        return false;
    n->value = value;
    EDDY_SET(w->t, n, left, roots[0]);
    roots[0] = n;
    return true;
}

static void dropping_in_time(size_t heap_limit, size_t soft_limit, unsigned flags)
{
    struct cache cache = {.listener = {.memory_low = drop_when_low}};
    struct world w = cached_world(&cache, heap_limit, soft_limit, flags);
    ROOTS_PUSH(w.t, 1);
    cache.w = &w;
    cache.roots = roots;
    assert_int_equal(eddy_listener_add(w.heap, &cache.listener), EDDY_OK);
    for (size_t i = 0; i < SUPPORT_SCALE(8, 2) * LIMIT / CELL; i++)
        if (!cache_one(&w, roots, i))
            fail_msg("out of memory after %zu objects, %d times low", i, cache.low);
    assert_true(cache.low >= 1);
    assert_int_equal(cache.wrong, 0);
    assert_int_equal(cache.report.heap_limit, heap_limit);
    assert_int_equal(cache.report.soft_limit, soft_limit);
    assert_true(cache.report.used_bytes > LIMIT / 2);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(eddy_listener_remove(w.heap, &cache.listener), EDDY_OK);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_a_cache_is_dropped_in_time(void **state)
{
    (void)state;
    dropping_in_time(LIMIT, 0, 0);
    dropping_in_time(LIMIT, 0, EDDY_HEAP_MANUAL);
    dropping_in_time(0, LIMIT, 0);
    dropping_in_time(64 * MIB, LIMIT, 0);
}

/* The last moment is early enough, too. */
static void out_of_memory_helped(bool drop, bool raise, unsigned flags)
{
    struct cache cache = {.listener = {.out_of_memory = help_out}, .drop = drop, .raise_to = raise ? 2 * LIMIT : 0};
    struct world w = cached_world(&cache, LIMIT, 0, flags);
    ROOTS_PUSH(w.t, 1);
    cache.w = &w;
    cache.roots = roots;
    assert_int_equal(eddy_listener_add(w.heap, &cache.listener), EDDY_OK);
    size_t i = 0, most = drop ? 2 * LIMIT / CELL : SIZE_MAX;
    while (i < most && cache.out < 2 && cache_one(&w, roots, i))
        i++;
    assert_true(cache.out >= 1);
    assert_int_equal(cache.wrong, 0);
    if (raise) /* more than the first limit allowed, in order */
        assert_true(i * CELL > LIMIT);
    else if (!drop)
        assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    if (!drop && !raise)
        assert_int_equal(cache.out, 1); /* asked once per failing allocation */
    if (!drop) {
        const struct node *n = roots[0];
        for (uint64_t value = i; n != NULL; n = n->left)
            assert_int_equal(n->value, --value);
    }
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_the_last_resort(void **state)
{
    (void)state;
    for (unsigned manual = 0; manual < 2; manual++) {
        unsigned flags = manual ? EDDY_HEAP_MANUAL : 0;
        out_of_memory_helped(false, false, flags);
        out_of_memory_helped(true, false, flags);
        out_of_memory_helped(false, true, flags);
    }
}

/* A helper that does what a thread may do: allocate, store, sleep, collect. */
static void busy_when_low(void *context, eddy_heap *heap, eddy_thread *t, const eddy_memory_report *report)
{
    struct cache *cache = context;
    (void)report;
    cache->low++;
    ROOTS_PUSH(t, 2);
    for (int i = 0; i < 100; i++) {
        struct node *n = roots[0] = eddy_alloc(t, cache->w->node);
        cache->wrong += n == NULL;
        if (n != NULL)
            EDDY_SET(t, n, left, roots[1]);
        roots[1] = n;
    }
    eddy_array *counted = roots[0] = eddy_alloc_array(t, 40); /* born counted */
    cache->wrong += counted == NULL || !eddy_compare_and_swap(t, counted, &counted->slots[0], NULL, roots[1]);
    cache->wrong += eddy_compare_and_swap(t, counted, &counted->slots[0], counted, NULL); /* uses what an operation holds */
    cache->wrong += eddy_alloc_bytes(t, 20000) == NULL;
    eddy_native_enter(t);
    eddy_native_leave(t);
    if (cache->low % 8 == 1)
        cache->wrong += eddy_collect(t, 0, NULL) != EDDY_OK || eddy_object_at(heap, cache->held) != cache->held;
    cache->wrong += eddy_listener_remove(heap, &cache->listener) != EDDY_EBUSY;
    cache->wrong += eddy_thread_detach(t) != EDDY_EBUSY;
    ROOTS_POP(t);
}

static void test_helpers_may_do_what_threads_may(void **state)
{
    (void)state;
    struct cache cache = {.listener = {.memory_low = busy_when_low}};
    struct world w = cached_world(&cache, 0, 2 * MIB, EDDY_HEAP_MANUAL);
    ROOTS_PUSH(w.t, 1);
    cache.w = &w;
    for (size_t i = 0; i < 4 * MIB / CELL; i++)
        assert_true(cache_one(&w, roots, i));
    assert_int_equal(eddy_listener_add(w.heap, &cache.listener), EDDY_OK);
    struct node *held = node_new(&w); /* by the operation that is interrupted, and by nothing else */
    held->value = 4711;
    thread_of(w.t)->held[2] = cache.held = held;
    for (int i = 0; i < 30; i++) {
        for (int k = 0; k < 200; k++)
            assert_true(cache_one(&w, roots, 0));
        assert_non_null(eddy_alloc_bytes(w.t, 30000));
        eddy_array *array = eddy_alloc_array(w.t, 3000); /* large, born counted */
        assert_non_null(array);
        array_put(w.t, array, 0, roots[0]);
        world_step(&w, 1);
    }
    assert_true(cache.low >= 10);
    assert_int_equal(cache.wrong, 0);
    assert_ptr_equal(thread_of(w.t)->held[2], held);
    assert_ptr_equal(eddy_object_at(w.heap, held), held);
    assert_int_equal(held->value, 4711);
    thread_of(w.t)->held[2] = NULL;
    assert_int_equal(live_after_collect(&w), 4 * MIB / CELL + 30 * 200);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_above_it_the_collector_works_harder),
        cmocka_unit_test(test_nothing_fails_or_waits),
        cmocka_unit_test(test_a_cache_is_dropped_in_time),
        cmocka_unit_test(test_the_last_resort),
        cmocka_unit_test(test_helpers_may_do_what_threads_may),
    };
    return RUN_TESTS("soft_limit", tests);
}
