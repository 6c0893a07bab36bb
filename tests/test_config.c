/* Configuration of heaps: defaults, every field that can be out of range, several heaps in one process,
 * destroying a heap that threads are attached to, and manual heaps. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

/* ---- configuration ---- */

static void test_defaults(void **state)
{
    (void)state;
    eddy_config config;
    memset(&config, 0xa5, sizeof config);
    eddy_config_init(&config);
    const eddy_config zero = {0};
    assert_int_equal(config.heap_limit, zero.heap_limit);
    assert_int_equal(config.flags, 0);
    assert_null(config.name);

    eddy_heap *heap = NULL;
    assert_int_equal(eddy_heap_create(NULL, &heap), EDDY_OK);
    assert_non_null(heap);
    const eddy_config *filled = &heap->config;
    assert_int_equal(filled->reserve_bytes, (size_t)64 << 30);
    assert_int_equal(filled->heap_limit, 0);
    assert_int_equal(filled->log_limit, 64 * MIB);
    assert_int_equal(filled->idle_ms, 100);
    assert_int_equal(filled->cycle_growth_percent, 30);
    assert_int_equal(filled->collector_nice, 0);
#ifndef EDDY_STRESS
    assert_int_equal(filled->epoch_bytes, 8 * MIB);
    assert_int_equal(filled->epoch_bytes_min, 4 * MIB);
    assert_int_equal(filled->epoch_bytes_max, 64 * MIB);
    assert_int_equal(filled->log_bytes_epoch, 2 * MIB);
    assert_int_equal(filled->log_chunk_entries, 1022);
#endif
    assert_int_equal(eddy_heap_destroy(heap), EDDY_OK);
}

static eddy_config filled_in(const eddy_config *config)
{
    eddy_heap *heap = NULL;
    assert_int_equal(eddy_heap_create(config, &heap), EDDY_OK);
    eddy_config filled = heap->config;
    assert_int_equal(eddy_heap_destroy(heap), EDDY_OK);
    return filled;
}

static void test_defaults_follow_the_limit(void **state)
{
    (void)state;
    eddy_config config;
    eddy_config_init(&config);
    config.heap_limit = 16 * MIB;
    eddy_config filled = filled_in(&config);
    assert_int_equal(filled.reserve_bytes, 256 * MIB);
    assert_int_equal(filled.log_limit, 2 * MIB);
    config.heap_limit = 200 * MIB;
    filled = filled_in(&config);
    assert_int_equal(filled.reserve_bytes, 800 * MIB);
    assert_int_equal(filled.log_limit, 25 * MIB);
}

static void test_bounds_that_are_valid(void **state)
{
    (void)state;
    eddy_config config = support_config(0);
    config.reserve_bytes = 16 * MIB + 1;
    config.heap_limit = MIB;
    config.log_chunk_entries = 1;
    config.collector_nice = 19;
    eddy_config filled = filled_in(&config);
    assert_int_equal(filled.reserve_bytes, 17 * MIB);
    config = support_config(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_INTERIOR_POINTERS | EDDY_HEAP_MANUAL);
    config.log_chunk_entries = 1022;
    config.epoch_bytes = 100 * MIB; /* widens the bounds of the adaptation instead of failing */
    filled = filled_in(&config);
    assert_true(filled.epoch_bytes_min <= filled.epoch_bytes && filled.epoch_bytes <= filled.epoch_bytes_max);
    config.epoch_bytes = 64 << 10;
    filled = filled_in(&config);
    assert_int_equal(filled.epoch_bytes, 64 << 10);
    assert_true(filled.epoch_bytes_min <= filled.epoch_bytes && filled.epoch_bytes <= filled.epoch_bytes_max);
}

static void assert_refused(const eddy_config *config)
{
    eddy_heap *heap = (eddy_heap *)(uintptr_t)16;
    assert_int_equal(eddy_heap_create(config, &heap), EDDY_EINVAL);
    assert_null(heap);
}

static void test_invalid_fields(void **state)
{
    (void)state;
#define REFUSED(field, value)                                                                                          \
    do {                                                                                                               \
        eddy_config config = support_config(0);                                                                        \
        config.field = (value);                                                                                        \
        assert_refused(&config);                                                                                       \
    } while (0)
    REFUSED(heap_limit, 1);
    REFUSED(heap_limit, MIB - 1);
    REFUSED(reserve_bytes, ((size_t)1 << 44) + 1);
    REFUSED(reserve_bytes, SIZE_MAX);
    REFUSED(log_limit, 1);
    REFUSED(log_chunk_entries, 1023);
    REFUSED(log_chunk_entries, UINT32_MAX);
    REFUSED(flags, 1u << 30);
    REFUSED(flags, 1u << 31);
    REFUSED(collector_nice, -1);
    REFUSED(collector_nice, 20);
#undef REFUSED
}

static void test_name_is_copied(void **state)
{
    (void)state;
    char name[] = "a name longer than a thread's may be";
    eddy_config config = support_config(0);
    config.name = name;
    eddy_heap *heap = NULL;
    assert_int_equal(eddy_heap_create(&config, &heap), EDDY_OK);
    memset(name, 'x', sizeof name - 1);
    assert_string_equal(heap->name, "a name longer than a thread's may be");
    assert_int_equal(eddy_heap_destroy(heap), EDDY_OK);
}

static void test_status_texts(void **state)
{
    (void)state;
    for (int i = EDDY_OK; i <= EDDY_ECORRUPT; i++) {
        assert_true(strlen(eddy_status_text((eddy_status)i)) > 5);
        for (int j = EDDY_OK; j < i; j++)
            assert_string_not_equal(eddy_status_text((eddy_status)i), eddy_status_text((eddy_status)j));
    }
    assert_non_null(eddy_status_text((eddy_status)99));
}

/* ---- several heaps ---- */

#define HEAPS 4

static void test_several_heaps(void **state)
{
    (void)state;
    struct world w[HEAPS];
    void *slots[HEAPS][1];
    eddy_frame frames[HEAPS];
    for (int i = 0; i < HEAPS; i++) {
        w[i] = world_open(EDDY_HEAP_PRECISE_ROOTS | (i % 2 ? EDDY_HEAP_MANUAL : 0));
        slots[i][0] = NULL;
        eddy_frame_push(w[i].t, &frames[i], slots[i], 1);
    }
    for (uint64_t round = 0; round < 1000; round++)
        for (int i = 0; i < HEAPS; i++) {
            struct node *n = node_new(&w[i]);
            n->value = (uint64_t)i * 1000000 + round;
            EDDY_SET(w[i].t, n, left, slots[i][0]);
            slots[i][0] = n;
        }
    for (int i = 0; i < HEAPS; i++) {
        assert_ptr_equal(eddy_thread_current(w[i].heap), w[i].t);
        assert_ptr_equal(eddy_thread_heap(w[i].t), w[i].heap);
        assert_int_equal(live_after_collect(&w[i]), 1000);
        assert_verifies(&w[i]);
        for (int j = 0; j < HEAPS; j++)
            assert_ptr_equal(eddy_object_at(w[j].heap, slots[i][0]), i == j ? slots[i][0] : NULL);
        uint64_t expected = 1000;
        for (const struct node *n = slots[i][0]; n != NULL; n = EDDY_GET(w[i].t, n, left))
            assert_int_equal(n->value, (uint64_t)i * 1000000 + --expected);
        assert_int_equal(expected, 0);
    }
    const int order[HEAPS] = {2, 0, 3, 1};
    for (int i = 0; i < HEAPS; i++) {
        struct world *one = &w[order[i]];
        eddy_frame_pop(one->t, &frames[order[i]]);
        assert_int_equal(eddy_thread_detach(one->t), EDDY_OK);
        assert_null(eddy_thread_current(one->heap));
        for (int j = i + 1; j < HEAPS; j++) /* the others go on */
            assert_int_equal(live_after_collect(&w[order[j]]), 1000);
        assert_int_equal(eddy_heap_destroy(one->heap), EDDY_OK);
    }
}

static void test_many_heaps_one_after_another(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct world w = world_open(i % 2 ? EDDY_HEAP_MANUAL : 0);
        for (int j = 0; j < 100; j++)
            node_new(&w);
        assert_non_null(eddy_alloc_bytes(w.t, 100000));
        world_close(&w); /* frees what is still alive */
    }
}

/* ---- destroying ---- */

struct guest {
    eddy_heap *heap;
    int step; /* atomic: 1 attached, 2 may detach, 3 detached, 4 may end */
};

static void *guest_main(void *argument)
{
    struct guest *guest = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(guest->heap, &t) == EDDY_OK);
    eddy_native_enter(t);
    EDDY_STORE_SEQ_CST(&guest->step, 1);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&guest->step) == 2);
    eddy_native_leave(t);
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    EDDY_STORE_SEQ_CST(&guest->step, 3);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&guest->step) == 4);
    return NULL;
}

static void test_destroy_is_refused_while_threads_are_attached(void **state)
{
    (void)state;
    assert_int_equal(eddy_heap_destroy(NULL), EDDY_OK);
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(eddy_heap_threads(w.heap), 1);
    assert_int_equal(eddy_heap_destroy(w.heap), EDDY_EBUSY);

    struct guest guest = {.heap = w.heap};
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, guest_main, &guest), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&guest.step) == 1);
    assert_int_equal(eddy_heap_threads(w.heap), 2);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    assert_int_equal(eddy_heap_threads(w.heap), 1);
    assert_int_equal(eddy_heap_destroy(w.heap), EDDY_EBUSY);

    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK); /* nothing has changed: it works on */
    node_new(&w);
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_OK);
    EDDY_STORE_SEQ_CST(&guest.step, 2);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&guest.step) == 3);
    assert_int_equal(eddy_heap_threads(w.heap), 0);
    assert_int_equal(eddy_heap_destroy(w.heap), EDDY_OK); /* its former thread still runs */
    EDDY_STORE_SEQ_CST(&guest.step, 4);
    pthread_join(id, NULL);
    assert_checks_passed();
}

/* ---- manual heaps ---- */

static void test_manual_heap_runs_epochs_when_told(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    for (int i = 0; i < 100000; i++) /* less than the debt at which an allocation lends a hand */
        node_new(&w);
    eddy_collect_hint(w.heap);
    eddy_safepoint(w.t);
    assert_int_equal(world_stats(&w).epochs, 0);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(eddy_collector_step(w.t), EDDY_OK);
        assert_int_equal(world_stats(&w).epochs, i);
    }
    assert_int_equal(world_stats(&w).collector_wakeups, 0);
    eddy_collect_report report;
    assert_int_equal(eddy_collect(w.t, 0, &report), EDDY_OK);
    assert_int_equal(world_stats(&w).epochs, 10 + report.epochs);
    assert_true(report.epochs >= 2);
    world_close(&w);
}

static void test_step_needs_a_manual_heap(void **state)
{
    (void)state;
    struct world w = world_open(0);
    assert_int_equal(eddy_collector_step(w.t), EDDY_EINVAL);
    world_close(&w);
}

static void test_full_manual_heap_collects_by_itself(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.heap_limit = 4 * MIB;
    struct world w = world_open_with(&config);
    for (int i = 0; i < 400000; i++) /* three times the limit */
        assert_non_null(node_new(&w));
    assert_true(world_stats(&w).epochs > 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_defaults_follow_the_limit),
        cmocka_unit_test(test_bounds_that_are_valid),
        cmocka_unit_test(test_invalid_fields),
        cmocka_unit_test(test_name_is_copied),
        cmocka_unit_test(test_status_texts),
        cmocka_unit_test(test_several_heaps),
        cmocka_unit_test(test_many_heaps_one_after_another),
        cmocka_unit_test(test_destroy_is_refused_while_threads_are_attached),
        cmocka_unit_test(test_manual_heap_runs_epochs_when_told),
        cmocka_unit_test(test_step_needs_a_manual_heap),
        cmocka_unit_test(test_full_manual_heap_collects_by_itself),
    };
    return RUN_TESTS("config", tests);
}
