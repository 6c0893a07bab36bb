/* Threads: attaching and detaching with every error, threads that end without detaching, records used again,
 * native regions (nested, asleep through many epochs), on heaps with a collector thread and without. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

static void join_natively(struct world *w, pthread_t *ids, int n)
{
    eddy_native_enter(w->t);
    for (int i = 0; i < n; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
}

static unsigned records_made(const eddy_heap *heap)
{
    return heap->thread_count;
}

/* ---- errors ---- */

static void test_second_attach(void **state)
{
    (void)state;
    struct world w = world_open(0);
    eddy_thread *again = w.t;
    assert_int_equal(eddy_thread_attach(w.heap, &again), EDDY_EBUSY);
    assert_null(again);
    assert_ptr_equal(eddy_thread_current(w.heap), w.t);
    assert_int_equal(eddy_heap_threads(w.heap), 1);
    world_close(&w);
}

static void *wrong_thread_main(void *argument)
{
    struct world *w = argument;
    CHECK(eddy_thread_detach(w->t) == EDDY_ETHREAD);
    CHECK(eddy_collect(w->t, 0, NULL) == EDDY_ETHREAD);
    CHECK(eddy_verify(w->t, 0, NULL) == EDDY_ETHREAD);
    CHECK(eddy_collector_step(w->t) == EDDY_ETHREAD);
    void *slot = w;
    CHECK(eddy_root_add(w->t, &slot) == EDDY_ETHREAD);
    CHECK(slot == (void *)w);
    CHECK(eddy_root_remove(w->t, &slot) == EDDY_ETHREAD);
    CHECK(eddy_thread_current(w->heap) == NULL);
    return NULL;
}

static void test_wrong_thread(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, wrong_thread_main, &w), 0);
    join_natively(&w, &id, 1);
    assert_int_equal(eddy_heap_threads(w.heap), 1);
    world_close(&w);
}

static void test_detached_record(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    eddy_thread *old = w.t;
    assert_int_equal(eddy_thread_detach(old), EDDY_OK);
    assert_int_equal(eddy_thread_detach(old), EDDY_EDETACHED);
    assert_int_equal(eddy_collect(old, 0, NULL), EDDY_EDETACHED);
    assert_int_equal(eddy_verify(old, 0, NULL), EDDY_EDETACHED);
    assert_int_equal(eddy_collector_step(old), EDDY_EDETACHED);
    void *slot;
    assert_int_equal(eddy_root_add(old, &slot), EDDY_EDETACHED);
    assert_null(eddy_thread_current(w.heap));
    assert_int_equal(eddy_heap_threads(w.heap), 0);
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    node_new(&w);
    world_close(&w);
}

static void test_detach_is_refused_when_something_is_open(void **state)
{
    (void)state;
    struct world w = world_open(0);
    eddy_native_enter(w.t);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_EBUSY);
    eddy_native_leave(w.t);
    ROOTS_PUSH(w.t, 1);
    roots[0] = node_new(&w);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_EBUSY);
    assert_int_equal(eddy_heap_threads(w.heap), 1);
    assert_true(live_after_collect(&w) >= 1); /* nothing has changed */
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_as_many_threads_as_there_may_be(void **state)
{
    (void)state;
    struct world w = world_open(0);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    struct thread *records = w.heap->threads;
    uint32_t made = w.heap->thread_count;
    w.heap->threads = NULL; /* as if the 65,534 records were all in use */
    w.heap->thread_count = HEAP_MAX_THREADS;
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_ELIMIT);
    assert_null(w.t);
    assert_int_equal(eddy_heap_threads(w.heap), 0);
    w.heap->threads = records;
    w.heap->thread_count = made;
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    world_close(&w);
}

/* ---- threads that end ---- */

enum end { END_DETACHED, END_ATTACHED, END_NATIVE, END_NATIVE_TWICE, ENDS };

struct ending {
    struct world w;
    void **shared; /* root slot */
    enum end end;
};

/* Leaves something that others can reach, and garbage, and ends in one of several ways. */
static void *ending_main(void *argument)
{
    struct ending *ending = argument;
    struct world mine = ending->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 1);
    roots[0] = eddy_root_load(mine.t, ending->shared);
    for (int i = 0; i < 1000; i++) {
        struct node *n = node_new(&mine);
        n->value = 1;
        EDDY_SET(mine.t, n, left, roots[0]);
        roots[0] = n;
        node_new(&mine);
    }
    eddy_root_store(mine.t, ending->shared, roots[0]);
    ROOTS_POP(mine.t);
    if (ending->end == END_DETACHED)
        CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    if (ending->end >= END_NATIVE)
        eddy_native_enter(mine.t);
    if (ending->end == END_NATIVE_TWICE)
        eddy_native_enter(mine.t);
    return NULL;
}

static void threads_that_end(unsigned flags)
{
    struct world w = world_open(flags | EDDY_HEAP_PRECISE_ROOTS);
    void *shared;
    assert_int_equal(eddy_root_add(w.t, &shared), EDDY_OK);
    uint64_t expected = 0;
    for (int round = 0; round < 20; round++) {
        struct ending ending = {.w = w, .shared = &shared, .end = (enum end)(round % ENDS)};
        pthread_t id;
        assert_int_equal(pthread_create(&id, NULL, ending_main, &ending), 0);
        join_natively(&w, &id, 1);
        assert_int_equal(eddy_heap_threads(w.heap), 1);
        expected += 1000;
        assert_int_equal(live_after_collect(&w), expected);
    }
    assert_verifies(&w);
    uint64_t sum = 0;
    for (const struct node *n = shared; n != NULL; n = n->left)
        sum += n->value;
    assert_int_equal(sum, expected);
    assert_true(records_made(w.heap) <= 6); /* used again once they were quiet */
    assert_int_equal(eddy_root_remove(w.t, &shared), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

static void test_threads_that_end_with_and_without_detaching(void **state)
{
    (void)state;
    threads_that_end(0);
    threads_that_end(EDDY_HEAP_MANUAL);
}

/* One thread attached to several heaps, of which it leaves some. */
static void *several_heaps_main(void *argument)
{
    struct world *w = argument;
    eddy_thread *t[3];
    for (int i = 0; i < 3; i++) {
        CHECK(eddy_thread_attach(w[i].heap, &t[i]) == EDDY_OK);
        CHECK(eddy_alloc_bytes(t[i], 100) != NULL);
    }
    CHECK(eddy_thread_detach(t[1]) == EDDY_OK);
    eddy_native_enter(t[2]);
    return NULL;
}

static void test_thread_ends_attached_to_several_heaps(void **state)
{
    (void)state;
    struct world w[3];
    for (int i = 0; i < 3; i++)
        w[i] = world_open(EDDY_HEAP_PRECISE_ROOTS);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, several_heaps_main, w), 0);
    pthread_join(id, NULL);
    assert_checks_passed();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(eddy_heap_threads(w[i].heap), 1);
        assert_int_equal(live_after_collect(&w[i]), 0);
        world_close(&w[i]);
    }
}

/* ---- coming and going ---- */

#define AT_ONCE 12
#define ROUNDS 12

static void *visitor_main(void *argument)
{
    struct ending *visit = argument;
    struct world mine = visit->w;
    uint64_t random = (uintptr_t)&mine | 1;
    for (int round = 0; round < ROUNDS; round++) {
        CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
        CHECK(eddy_thread_current(mine.heap) == mine.t);
        ROOTS_PUSH(mine.t, 2);
        eddy_array *array = roots[0] = eddy_root_load(mine.t, visit->shared);
        for (int i = 0; i < 200; i++) {
            size_t at = support_random(&random) % array->length;
            struct node *n = node_new(&mine);
            n->value = at;
            EDDY_SET(mine.t, n, left, i % 8 ? eddy_load(mine.t, &array->slots[at]) : NULL);
            array_put(mine.t, array, at, n);
            struct node *seen = roots[1] = eddy_load(mine.t, &array->slots[at]);
            CHECK(seen == NULL || seen->value == at);
            if (i % 50 == 0) {
                eddy_native_enter(mine.t);
                eddy_native_leave(mine.t);
            }
        }
        ROOTS_POP(mine.t);
        CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    }
    return NULL;
}

static void test_dozens_of_threads_come_and_go(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = 32 << 10;
    struct world w = world_open_with(&config);
    void *shared;
    assert_int_equal(eddy_root_add(w.t, &shared), EDDY_OK);
    eddy_root_store(w.t, &shared, eddy_alloc_array(w.t, 64));
    for (int wave = 0; wave < SUPPORT_SCALE(6, 2); wave++) {
        struct ending visit = {.w = w, .shared = &shared};
        pthread_t ids[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            assert_int_equal(pthread_create(&ids[i], NULL, visitor_main, &visit), 0);
        join_natively(&w, ids, AT_ONCE);
        assert_int_equal(eddy_heap_threads(w.heap), 1);
        assert_verifies(&w);
        const eddy_array *array = shared;
        uint64_t reachable = 1;
        for (size_t i = 0; i < array->length; i++)
            for (const struct node *n = array->slots[i]; n != NULL; n = n->left) {
                assert_int_equal(n->value, i);
                reachable++;
            }
        assert_int_equal(live_after_collect(&w), reachable);
    }
    assert_int_equal(eddy_root_remove(w.t, &shared), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* Coming and going must not use up records, also when nothing else happens that would make epochs pass. */
static void test_records_are_used_again(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++) {
        struct world w = world_open(manual ? EDDY_HEAP_MANUAL : 0);
        const int visits = 3000;
        for (int i = 0; i < visits; i++) {
            assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
            assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
        }
        if (records_made(w.heap) > 100)
            fail_msg("%u records for one thread that came and went", records_made(w.heap));
        world_close(&w);
    }
}

/* What an ended thread logged is applied, and what it owned privately dies, whoever uses its record next. */
static void test_the_next_owner_of_a_record_inherits_nothing(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    void *shared;
    assert_int_equal(eddy_root_add(w.t, &shared), EDDY_OK);
    for (int i = 0; i < 50; i++) {
        uint64_t freed = world_stats(&w).objects_freed;
        node_new(&w); /* private; unreachable once this thread has left */
        struct node *published = node_new(&w);
        published->value = (uint64_t)i;
        eddy_root_store(w.t, &shared, published);
        assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
        assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
        assert_int_equal(eddy_thread_error(w.t), EDDY_OK);
        world_step(&w, 1 + (unsigned)i % 5);
        assert_int_equal(((struct node *)eddy_root_load(w.t, &shared))->value, i);
        assert_true(world_stats(&w).objects_freed - freed <= 2); /* former published ones only */
    }
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(world_stats(&w).objects_freed, 49);
    assert_verifies(&w);
    assert_int_equal(eddy_root_remove(w.t, &shared), EDDY_OK);
    world_close(&w);
}

/* ---- native regions ---- */

struct sleeper {
    struct world w;
    int asleep, wake; /* atomic */
};

static void *sleeper_main(void *argument)
{
    struct sleeper *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 2);
    for (uint64_t i = 0; i < 100; i++) {
        struct node *n = node_new(&mine);
        n->value = i;
        EDDY_SET(mine.t, n, left, roots[0]);
        roots[0] = n;
    }
    roots[1] = node_new(&mine);
    EDDY_SET(mine.t, (struct node *)roots[1], right, roots[1]); /* a cycle, held by a handle alone */
    eddy_native_enter(mine.t);
    eddy_native_enter(mine.t); /* regions nest */
    EDDY_ADD_SEQ_CST(&s->asleep, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s->wake) != 0);
    eddy_native_leave(mine.t);
    CHECK(thread_of(mine.t)->native_depth == 1);
    eddy_native_leave(mine.t);
    uint64_t expected = 100;
    for (struct node *n = roots[0]; n != NULL; n = EDDY_GET(mine.t, n, left))
        CHECK(n->value == --expected);
    CHECK(expected == 0);
    CHECK(EDDY_GET(mine.t, (struct node *)roots[1], right) == roots[1]);
    EDDY_SET(mine.t, (struct node *)roots[1], right, NULL);
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void sleepers_delay_nobody(unsigned flags)
{
    struct sleeper s = {.w = world_open(flags | EDDY_HEAP_PRECISE_ROOTS)};
    struct world *w = &s.w;
    pthread_t ids[5];
    for (int i = 0; i < 5; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, sleeper_main, &s), 0);
    eddy_native_enter(w->t);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&s.asleep) == 5);
    eddy_native_leave(w->t);
    for (int i = 0; i < 30; i++) {
        node_new(w);
        assert_int_equal(live_after_collect(w), 5 * 101); /* as of their entry */
    }
    eddy_stats stats = world_stats(w);
    assert_true(stats.epochs >= 60);
    assert_true(stats.handshakes_native >= 5 * 60); /* all on their behalf */
    assert_true(stats.handshakes + stats.handshakes_native >= stats.epochs);
    assert_verifies(w);
    EDDY_STORE_SEQ_CST(&s.wake, 1);
    join_natively(w, ids, 5);
    assert_int_equal(live_after_collect(w), 0);
    world_close(w);
}

static void test_sleepers_delay_nobody(void **state)
{
    (void)state;
    sleepers_delay_nobody(0);
    sleepers_delay_nobody(EDDY_HEAP_MANUAL);
}

/* In and out as fast as possible, beside epochs that are asked for all the time. */
static void *flapping_main(void *argument)
{
    struct sleeper *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 1);
    for (uint64_t i = 0; i < SUPPORT_SCALE(50000, 3000); i++) {
        struct node *n = node_new(&mine);
        n->value = i;
        EDDY_SET(mine.t, n, left, i % 100 ? roots[0] : NULL);
        roots[0] = n;
        eddy_native_enter(mine.t);
        if (i % 16 == 0)
            eddy_collect_hint(mine.heap);
        eddy_native_leave(mine.t);
        n = roots[0];
        CHECK(n->value == i);
        struct node *before = EDDY_GET(mine.t, n, left);
        CHECK(before == NULL || before->value == i - 1);
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_entering_and_leaving_beside_epochs(void **state)
{
    (void)state;
    struct sleeper s = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, flapping_main, &s), 0);
    join_natively(&s.w, ids, 3);
    assert_verifies(&s.w);
    assert_int_equal(live_after_collect(&s.w), 0);
    world_close(&s.w);
}

/* ---- a manual heap with several threads ---- */

static void *polling_main(void *argument)
{
    struct sleeper *s = argument;
    struct world mine = s->w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    EDDY_ADD_SEQ_CST(&s->asleep, 1);
    ROOTS_PUSH(mine.t, 1);
    for (uint64_t i = 0; EDDY_LOAD_SEQ_CST(&s->wake) == 0; i++) {
        struct node *n = node_new(&mine);
        EDDY_SET(mine.t, n, left, i % 20 ? roots[0] : NULL);
        roots[0] = n;
        eddy_safepoint(mine.t);
    }
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_manual_heap_with_running_threads(void **state)
{
    (void)state;
    struct sleeper s = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL)};
    struct world *w = &s.w;
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, polling_main, &s), 0);
    WAIT_UNTIL((eddy_safepoint(w->t), EDDY_LOAD_SEQ_CST(&s.asleep) == 3));
    uint64_t before = world_stats(w).epochs;
    world_step(w, 100);
    uint64_t after = world_stats(w).epochs;
    if (after < before + 100)
        fail_msg("%u epochs in 100 steps", (unsigned)(after - before));
    assert_verifies(w);
    EDDY_STORE_SEQ_CST(&s.wake, 1);
    join_natively(w, ids, 3);
    assert_int_equal(live_after_collect(w), 0);
    world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_attach),
        cmocka_unit_test(test_wrong_thread),
        cmocka_unit_test(test_detached_record),
        cmocka_unit_test(test_detach_is_refused_when_something_is_open),
        cmocka_unit_test(test_as_many_threads_as_there_may_be),
        cmocka_unit_test(test_threads_that_end_with_and_without_detaching),
        cmocka_unit_test(test_thread_ends_attached_to_several_heaps),
        cmocka_unit_test(test_dozens_of_threads_come_and_go),
        cmocka_unit_test(test_records_are_used_again),
        cmocka_unit_test(test_the_next_owner_of_a_record_inherits_nothing),
        cmocka_unit_test(test_sleepers_delay_nobody),
        cmocka_unit_test(test_entering_and_leaving_beside_epochs),
        cmocka_unit_test(test_manual_heap_with_running_threads),
    };
    return RUN_TESTS("threads", tests);
}
