/* Memory goes back to the system after a peak: blocks, log chunks, tables, within the option return_ms. What is asserted is that
 * it happens, with epochs forced or by itself, and that it does not before its time. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

#define PEAK (SUPPORT_SCALE(48, 16) * MIB)
#define REST (4 * MIB) /* an epoch's allocation, and what tables, logs and threads take */

static struct world world_of(unsigned flags, unsigned return_ms)
{
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS | flags);
    config.epoch_bytes = config.epoch_bytes_max = MIB;
    config.idle_ms = 1;
    config.return_ms = return_ms;
    return world_open_with(&config);
}

/* A list of about that many bytes; in the root slot. */
static void make_list(struct world *w, void **root, size_t bytes)
{
    for (size_t done = 0; done < bytes; done += 32) {
        struct node *n = node_new(w);
        EDDY_SET(w->t, n, left, *root);
        *root = n;
        if ((w->heap->flags & EDDY_HEAP_MANUAL) && done % MIB == 0)
            world_step(w, 1);
    }
}

static uint64_t committed(const struct world *w)
{
    return world_stats(w).committed_bytes;
}

static void test_blocks_go_back_with_forced_epochs(void **state)
{
    (void)state;
    struct world w = world_of(EDDY_HEAP_MANUAL, 1);
    ROOTS_PUSH(w.t, 1);
    for (int round = 0; round < 2; round++) {
        make_list(&w, &roots[0], PEAK);
        assert_true(committed(&w) >= PEAK);
        roots[0] = NULL;
        WAIT_UNTIL((node_new(&w), world_step(&w, 1), committed(&w) < REST)); /* never at rest */
        assert_true(world_stats(&w).overhead_bytes < REST / 2);
        assert_true(world_stats(&w).peak_committed_bytes >= PEAK);
    }
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Nobody does anything any more: the collector sees to it before it goes to sleep. */
static void test_everything_goes_back_when_the_program_rests(void **state)
{
    (void)state;
    struct world w = world_of(0, 0);
    ROOTS_PUSH(w.t, 1);
    make_list(&w, &roots[0], PEAK);
    eddy_retain(w.t, roots[0]);
    eddy_release(w.t, roots[0]);
    roots[0] = eddy_alloc_bytes(w.t, PEAK);
    roots[0] = NULL;
    eddy_native_enter(w.t);
    WAIT_UNTIL(committed(&w) < REST);
    eddy_native_leave(w.t);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_log_chunks_go_back(void **state)
{
    (void)state;
    struct world w = world_of(EDDY_HEAP_MANUAL, 1);
    ROOTS_PUSH(w.t, 2);
    struct node *n = roots[0] = node_new(&w);
    roots[1] = node_new(&w);
    eddy_retain(w.t, n);
    eddy_retain(w.t, roots[1]);
    world_step(&w, 4);
    for (int i = 0; i < 400000; i++) { /* two entries of eight bytes each */
        EDDY_SET(w.t, n, left, roots[i % 2]);
#ifdef EDDY_STRESS
        if (i % 64 == 0)
            world_step(&w, 1);
#endif
    }
    uint64_t peak = world_stats(&w).overhead_bytes;
#ifndef EDDY_STRESS
    assert_true(peak > 6 * MIB);
#endif
    WAIT_UNTIL((world_step(&w, 1), world_stats(&w).overhead_bytes < MIB));
    WAIT_UNTIL((world_step(&w, 1), committed(&w) < REST));
    (void)peak;
    for (int i = 0; i < 5000; i++) /* chunks can be had again */
        EDDY_SET(w.t, n, left, roots[i % 2]);
    EDDY_SET(w.t, n, left, NULL);
    eddy_release(w.t, n);
    eddy_release(w.t, roots[1]);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

static void test_not_before_its_time(void **state)
{
    (void)state;
    struct world w = world_of(EDDY_HEAP_MANUAL, 3600 * 1000);
    ROOTS_PUSH(w.t, 1);
    world_step(&w, 1);
    make_list(&w, &roots[0], PEAK);
    roots[0] = NULL;
    for (int i = 0; i < 30; i++) {
        node_new(&w); /* never at rest */
        world_step(&w, 1);
    }
    assert_true(committed(&w) >= PEAK);
    assert_true(world_stats(&w).free_bytes >= PEAK / 2);
    world_step(&w, 8);
    assert_true(committed(&w) < REST);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Blocks are given up and taken again while other threads look addresses up in them. */
static void *looker_main(void *argument)
{
    struct world *w = argument;
    struct world mine = *w;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    uint64_t random = 88172645463325252u;
    while (EDDY_LOAD_ACQUIRE(&w->node) != NULL) {
        for (int i = 0; i < 200; i++) {
            const char *p = mine.heap->base + support_random(&random) % (2 * PEAK);
            const char *object = eddy_object_at(mine.heap, p);
            CHECK(object == NULL || object <= p);
        }
        eddy_safepoint(mine.t);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_looking_up_in_blocks_that_go_back(void **state)
{
    (void)state;
    struct world w = world_of(0, 1), shared = w;
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, looker_main, &shared), 0);
    ROOTS_PUSH(w.t, 1);
    for (int round = 0; round < 5; round++) {
        make_list(&w, &roots[0], PEAK / 8);
        roots[0] = NULL;
        assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
        WAIT_UNTIL((node_new(&w), eddy_collect_hint(w.heap), eddy_safepoint(w.t), committed(&w) < REST));
    }
    EDDY_STORE_RELEASE(&shared.node, NULL);
    eddy_native_enter(w.t);
    pthread_join(id, NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_go_back_with_forced_epochs),
        cmocka_unit_test(test_everything_goes_back_when_the_program_rests),
        cmocka_unit_test(test_log_chunks_go_back),
        cmocka_unit_test(test_not_before_its_time),
        cmocka_unit_test(test_looking_up_in_blocks_that_go_back),
    };
    return RUN_TESTS("return", tests);
}
