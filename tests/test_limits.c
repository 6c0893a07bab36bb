/* Limits: out of memory is NULL and a status, and the heap works on; garbage, cyclic garbage too, never runs into the
 * limit; the limit can be changed; stores alone stay within the log limit and lose nothing. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

#define LIMIT (8 * MIB)

static struct world limited_world(size_t limit, unsigned flags)
{
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | flags);
    config.heap_limit = limit;
    return world_open_with(&config);
}

/* Conses a list onto *list until memory has run out; its length. */
static uint64_t fill(const struct world *w, void **list)
{
    for (uint64_t length = 0;; length++) {
        struct node *n = eddy_alloc(w->t, w->node);
        if (n == NULL)
            return length;
        n->value = length;
        EDDY_SET(w->t, n, left, *list);
        *list = n;
    }
}

/* Objects never exceed the limit; tables of a search for cycles may, while it lasts. */
static void assert_objects_within(const struct world *w, uint64_t limit)
{
    eddy_stats stats = world_stats(w);
    uint64_t objects = stats.committed_bytes - stats.overhead_bytes;
    if (objects > limit)
        fail_msg("%llu bytes in blocks, the limit is %llu", (unsigned long long)objects, (unsigned long long)limit);
}

static void assert_peak_within(const struct world *w, uint64_t limit)
{
    uint64_t peak = world_stats(w).peak_committed_bytes;
    if (peak > limit)
        fail_msg("%llu bytes committed, the limit is %llu", (unsigned long long)peak, (unsigned long long)limit);
}

/* ---- out of memory ---- */

static void out_of_memory(unsigned flags)
{
    struct world w = limited_world(LIMIT, flags);
    ROOTS_PUSH(w.t, 2);
    uint64_t first = 0;
    for (int round = 0; round < 4; round++) {
        uint64_t length = fill(&w, &roots[0]);
        assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
        assert_true(length * 32 > LIMIT / 2);
        if (round == 0)
            first = length;
        assert_true(length * 10 > first * 8); /* what was dropped could be used again */
        assert_null(eddy_alloc_bytes(w.t, 100000));
        assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
        assert_objects_within(&w, LIMIT);
        /* full, but in order */
        uint64_t expected = length;
        for (const struct node *n = roots[0]; n != NULL; n = n->left)
            assert_int_equal(n->value, --expected);
        assert_int_equal(expected, 0);
        assert_int_equal(live_after_collect(&w), length);
        assert_true(world_stats(&w).committed_bytes <= LIMIT);
        roots[0] = NULL; /* found by the last collection before an allocation fails */
    }
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    out_of_memory(0);
    out_of_memory(EDDY_HEAP_MANUAL);
}

static void test_reserve_used_up(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.reserve_bytes = 16 * MIB;
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 1);
    for (int round = 0; round < 3; round++) {
        uint64_t length = fill(&w, &roots[0]);
        assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
        assert_true(length * 32 > 8 * MIB);
        assert_true(length * 32 <= 16 * MIB);
        roots[0] = NULL;
    }
    assert_int_equal(live_after_collect(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_large_objects_at_the_limit(void **state)
{
    (void)state;
    struct world w = limited_world(LIMIT, 0);
    ROOTS_PUSH(w.t, 3);
    roots[0] = eddy_alloc_bytes(w.t, 3 * MIB);
    roots[1] = eddy_alloc_bytes(w.t, 3 * MIB);
    assert_non_null(roots[0]);
    assert_non_null(roots[1]);
    assert_null(eddy_alloc_bytes(w.t, 3 * MIB));
    assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    assert_null(eddy_alloc_bytes(w.t, 100 * MIB));
    for (int i = 0; i < 30; i++) {
        roots[i % 2] = NULL;
        roots[i % 2] = eddy_alloc_bytes(w.t, 3 * MIB);
        assert_non_null(roots[i % 2]);
    }
    assert_peak_within(&w, LIMIT);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- garbage is never what fills a heap ---- */

static void test_young_garbage_never_runs_out(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++) {
        struct world w = limited_world(LIMIT, manual ? EDDY_HEAP_MANUAL : 0);
        for (size_t i = 0; i < SUPPORT_SCALE(20, 4) * LIMIT / 32; i++)
            if (eddy_alloc(w.t, w.node) == NULL)
                fail_msg("out of memory after %zu objects of garbage", i);
        for (size_t i = 0; i < 200; i++)
            assert_non_null(eddy_alloc_bytes(w.t, MIB));
        assert_peak_within(&w, LIMIT);
        world_close(&w);
    }
}

/* Rings that have become old, and are then dropped: a search for cycles has to come in time, though what is alive
 * leaves little room for its tables. */
static void old_rings(size_t live, unsigned flags)
{
    struct world w = limited_world(LIMIT, flags);
    ROOTS_PUSH(w.t, 3);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, live);
    size_t rings = SUPPORT_SCALE(500000, 100000);
    for (size_t i = 0; i < rings; i++) {
        roots[1] = eddy_alloc(w.t, w.node);
        roots[2] = eddy_alloc(w.t, w.node);
        if (roots[1] == NULL || roots[2] == NULL)
            fail_msg("out of memory after %zu rings, of which %zu are live", i, live);
        struct node *a = roots[1], *b = roots[2];
        eddy_store(w.t, a, (void **)&a->left, b);
        eddy_store(w.t, b, (void **)&b->left, a);
        array_put(w.t, array, i * 7919 % live, a);
        if (i % 1000 == 0)
            assert_objects_within(&w, LIMIT);
    }
    roots[1] = roots[2] = NULL;
    assert_int_equal(live_after_collect(&w), 1 + 2 * live);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_old_cyclic_garbage_never_runs_out(void **state)
{
    (void)state;
    static const size_t live[] = {1000, 20000, 50000, 70000};
    for (size_t i = 0; i < sizeof live / sizeof live[0]; i++) {
        old_rings(live[i], 0);
        old_rings(live[i], EDDY_HEAP_MANUAL);
    }
}

/* ---- several threads at the limit ---- */

struct crowd {
    struct world w;
    void *shared;     /* root slot: an array */
    int ready, go;    /* atomic: threads attached; they may begin */
    uint64_t highest; /* log bytes seen */
};

static void *filling_main(void *argument)
{
    struct crowd *crowd = argument;
    struct world mine = crowd->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 1);
    for (int round = 0; round < 3; round++) {
        uint64_t length = fill(&mine, &roots[0]);
        CHECK(eddy_thread_error(mine.t) == EDDY_ENOMEM);
        for (const struct node *n = roots[0]; n != NULL; n = n->left)
            CHECK(n->value == --length);
        CHECK(length == 0);
        roots[0] = NULL;
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

#define THREADS 3

static void start_crowd(struct crowd *crowd, pthread_t ids[THREADS], void *(*main_of_thread)(void *))
{
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, main_of_thread, crowd), 0);
}

static void finish_crowd(struct crowd *crowd, pthread_t ids[THREADS])
{
    eddy_native_enter(crowd->w.t);
    EDDY_STORE_SEQ_CST(&crowd->go, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(crowd->w.t);
    assert_checks_passed();
}

static void run_crowd(struct crowd *crowd, void *(*main_of_thread)(void *))
{
    pthread_t ids[THREADS];
    start_crowd(crowd, ids, main_of_thread);
    finish_crowd(crowd, ids);
}

static void test_several_threads_run_out(void **state)
{
    (void)state;
    struct crowd crowd = {.w = limited_world(LIMIT, 0)};
    run_crowd(&crowd, filling_main);
    assert_int_equal(live_after_collect(&crowd.w), 0);
    ROOTS_PUSH(crowd.w.t, 1);
    assert_true(fill(&crowd.w, &roots[0]) * 32 > LIMIT / 2); /* none of it is lost */
    ROOTS_POP(crowd.w.t);
    world_close(&crowd.w);
}

/* ---- changing the limit ---- */

static void test_set_limit(void **state)
{
    (void)state;
    struct world w = limited_world(4 * MIB, 0);
    assert_int_equal(eddy_heap_set_limit(w.heap, 1), EDDY_EINVAL);
    assert_int_equal(eddy_heap_set_limit(w.heap, MIB - 1), EDDY_EINVAL);
    ROOTS_PUSH(w.t, 2);
    uint64_t at_four = fill(&w, &roots[0]);
    assert_int_equal(eddy_heap_set_limit(w.heap, 12 * MIB), EDDY_OK);
    uint64_t more = fill(&w, &roots[1]);
    assert_true(more > at_four && (at_four + more) * 32 < 12 * MIB);
    assert_int_equal(eddy_heap_set_limit(w.heap, 6 * MIB), EDDY_OK);
    assert_null(eddy_alloc(w.t, w.node)); /* until enough is freed */
    assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    roots[1] = NULL;
    assert_non_null(roots[1] = eddy_alloc(w.t, w.node));
    assert_int_equal(eddy_heap_set_limit(w.heap, 0), EDDY_OK);
    for (size_t i = 0; i < 40 * MIB / 32; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[1]);
        roots[1] = n;
    }
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* ---- stores in a full heap ---- */

#define SLOTS 512

static void *storing_main(void *argument)
{
    struct crowd *crowd = argument;
    struct world mine = crowd->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    eddy_native_enter(mine.t);
    EDDY_ADD_SEQ_CST(&crowd->ready, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&crowd->go) != 0);
    eddy_native_leave(mine.t);
    ROOTS_PUSH(mine.t, 1);
    eddy_array *array = eddy_root_load(mine.t, &crowd->shared);
    uint64_t random = (uintptr_t)&mine | 1, highest = 0;
    for (int i = 0; i < SUPPORT_SCALE(400000, 30000); i++) {
        uint64_t r = support_random(&random);
        roots[0] = eddy_load(mine.t, &array->slots[r % SLOTS]);
        array_put(mine.t, array, (r >> 32) % SLOTS, roots[0]);
        uint64_t now = EDDY_LOAD_RELAXED(&mine.heap->chunks_used) * LOG_CHUNK_BYTES;
        highest = now > highest ? now : highest;
    }
    ROOTS_POP(mine.t);
    uint64_t seen = EDDY_LOAD_RELAXED(&crowd->highest);
    while (seen < highest && !EDDY_CAS_ACQ_REL(&crowd->highest, &seen, highest)) {
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void share_array(struct crowd *crowd)
{
    assert_int_equal(eddy_root_add(crowd->w.t, &crowd->shared), EDDY_OK);
    eddy_array *array = eddy_alloc_array(crowd->w.t, SLOTS);
    eddy_root_store(crowd->w.t, &crowd->shared, array);
    for (size_t i = 0; i < SLOTS; i++) {
        struct node *n = node_new(&crowd->w);
        n->value = i;
        array_put(crowd->w.t, array, i, n);
    }
}

/* The number of different nodes in the array. */
static uint64_t distinct(const struct crowd *crowd)
{
    const eddy_array *array = crowd->shared;
    bool seen[SLOTS] = {false};
    uint64_t count = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        const struct node *n = array->slots[i];
        count += !seen[n->value];
        seen[n->value] = true;
    }
    return count;
}

static void test_stores_in_a_full_heap(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct crowd crowd = {.w = limited_world(how ? 0 : 4 * MIB, 0)};
        struct world *w = &crowd.w;
        share_array(&crowd);
        pthread_t ids[THREADS];
        start_crowd(&crowd, ids, storing_main); /* attached before memory runs out */
        WAIT_UNTIL((eddy_safepoint(w->t), EDDY_LOAD_SEQ_CST(&crowd.ready) == THREADS));
        ROOTS_PUSH(w->t, 1);
        uint64_t length = 100000;
        if (how == 0) {
            length = fill(w, &roots[0]);
        } else { /* filled first, limited afterwards, to less than is in use */
            for (uint64_t i = 0; i < length; i++) {
                struct node *n = node_new(w);
                EDDY_SET(w->t, n, left, roots[0]);
                roots[0] = n;
            }
            assert_int_equal(eddy_heap_set_limit(w->heap, 2 * MIB), EDDY_OK);
        }
        finish_crowd(&crowd, ids);
        assert_int_equal(live_after_collect(w), length + 1 + distinct(&crowd));
        assert_verifies(w);
        ROOTS_POP(w->t);
        assert_int_equal(eddy_root_remove(w->t, &crowd.shared), EDDY_OK);
        assert_int_equal(live_after_collect(w), 0);
        world_close(w);
    }
}

/* ---- the log limit ---- */

static void test_stores_alone_stay_within_the_log_limit(void **state)
{
    (void)state;
    static const unsigned entries[] = {1022, 100, 7};
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
        config.log_limit = 512 << 10;
        config.log_chunk_entries = entries[i];
        struct crowd crowd = {.w = world_open_with(&config)};
        share_array(&crowd);
        run_crowd(&crowd, storing_main);
        assert_true(crowd.highest > 0);
        /* each thread may be given, beyond the limit, what its two logs need for one operation */
        uint64_t slack = THREADS * 2 * (1 + 64 / entries[i]) * LOG_CHUNK_BYTES;
        if (crowd.highest > config.log_limit + slack)
            fail_msg("%llu log bytes", (unsigned long long)crowd.highest);
        assert_int_equal(live_after_collect(&crowd.w), 1 + distinct(&crowd));
        assert_true(world_stats(&crowd.w).log_bytes_total >= SUPPORT_SCALE(400000, 30000) * THREADS * 16);
        assert_verifies(&crowd.w);
        assert_int_equal(eddy_root_remove(crowd.w.t, &crowd.shared), EDDY_OK);
        assert_int_equal(live_after_collect(&crowd.w), 0);
        world_close(&crowd.w);
    }
}

/* Every log has a chunk in hand: with many threads these alone are more than the limit. */
static void test_more_threads_than_the_log_limit_has_chunks(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.log_limit = 4 * LOG_CHUNK_BYTES;
    struct crowd crowd = {.w = world_open_with(&config)};
    share_array(&crowd);
    run_crowd(&crowd, storing_main);
    assert_int_equal(live_after_collect(&crowd.w), 1 + distinct(&crowd));
    assert_verifies(&crowd.w);
    assert_int_equal(eddy_root_remove(crowd.w.t, &crowd.shared), EDDY_OK);
    world_close(&crowd.w);
}

/* Chunks of a single entry: every push crosses into another one. */
static void test_chunks_of_one_entry(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++) {
        eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | (manual ? EDDY_HEAP_MANUAL : 0));
        config.log_chunk_entries = 1;
        config.log_limit = MIB;
        struct crowd crowd = {.w = world_open_with(&config)};
        share_array(&crowd);
        if (manual) {
            const eddy_array *array = crowd.shared;
            for (size_t i = 0; i < 20000; i++)
                array_put(crowd.w.t, crowd.shared, i % SLOTS, array->slots[i * 31 % SLOTS]);
        } else {
            run_crowd(&crowd, storing_main);
        }
        assert_int_equal(live_after_collect(&crowd.w), 1 + distinct(&crowd));
        assert_verifies(&crowd.w);
        assert_int_equal(eddy_root_remove(crowd.w.t, &crowd.shared), EDDY_OK);
        assert_int_equal(live_after_collect(&crowd.w), 0);
        world_close(&crowd.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_reserve_used_up),
        cmocka_unit_test(test_large_objects_at_the_limit),
        cmocka_unit_test(test_young_garbage_never_runs_out),
        cmocka_unit_test(test_old_cyclic_garbage_never_runs_out),
        cmocka_unit_test(test_several_threads_run_out),
        cmocka_unit_test(test_set_limit),
        cmocka_unit_test(test_stores_in_a_full_heap),
        cmocka_unit_test(test_stores_alone_stay_within_the_log_limit),
        cmocka_unit_test(test_more_threads_than_the_log_limit_has_chunks),
        cmocka_unit_test(test_chunks_of_one_entry),
    };
    return RUN_TESTS("limits", tests);
}
