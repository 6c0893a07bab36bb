/* Young objects, seen from inside: what dies young is neither counted nor searched for cycles; its blocks are used again
 * at once; publishing by counting a small closure and by bumping the tag; generations that wrap. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

/* ---- garbage that dies young ---- */

static void assert_nothing_was_counted(const struct world *w)
{
    eddy_stats stats = world_stats(w);
    assert_int_equal(stats.incs, 0);
    assert_int_equal(stats.decs, 0);
    assert_int_equal(stats.promotions, 0);
    assert_int_equal(stats.objects_freed, 0);
    assert_int_equal(stats.cycle_nodes, 0);
    assert_int_equal(stats.live_objects, 0);
    assert_int_equal(stats.live_bytes, 0);
}

static void test_young_garbage_is_never_counted(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    for (int epoch = 0; epoch < 50; epoch++) {
        for (int i = 0; i < 5000; i++) {
            struct node *n = node_new(&w);
            EDDY_SET(w.t, n, left, roots[0]);
            EDDY_SET(w.t, n, right, n);
            roots[0] = n;
        }
        struct node *first = roots[0]; /* one ring of everything, besides the loops */
        EDDY_SET(w.t, first, right, first);
        assert_non_null(eddy_alloc_bytes(w.t, 100000));
        roots[0] = NULL;
        world_step(&w, 1);
    }
    assert_nothing_was_counted(&w);
    assert_int_equal(live_after_collect(&w), 0);
    assert_nothing_was_counted(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* With a collector thread of its own pace, too. */
static void test_young_garbage_beside_the_collector(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    for (int i = 0; i < SUPPORT_SCALE(3000000, 200000); i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, n);
    }
    assert_int_equal(live_after_collect(&w), 0);
    assert_nothing_was_counted(&w);
    world_close(&w);
}

/* Of a ring of which one node survives, everything survives; dropped, it is cycle detection's case. */
static void test_what_survives_is_promoted_once(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 2);
    struct node *first = roots[1] = roots[0] = node_new(&w);
    for (int i = 1; i < 1000; i++) {
        struct node *n = node_new(&w);
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    EDDY_SET(w.t, first, left, roots[0]);
    roots[1] = NULL;
    world_step(&w, 5);
    assert_int_equal(world_stats(&w).promotions, 1000);
    assert_int_equal(world_stats(&w).live_objects, 1000);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).promotions, 1000);
    assert_int_equal(world_stats(&w).cycle_objects_freed, 1000);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- blocks are used again ---- */

static void test_blocks_of_young_garbage_are_recycled(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    uint64_t after_few = 0;
    for (int epoch = 0; epoch < 200; epoch++) {
        for (int i = 0; i < 20000; i++)
            node_new(&w);
        world_step(&w, 1);
        if (epoch == 4) /* count bytes that are given up are still there for two epochs */
            after_few = world_stats(&w).peak_committed_bytes;
    }
    assert_int_equal(world_stats(&w).peak_committed_bytes, after_few);
    assert_true(world_stats(&w).allocated_bytes >= 200 * 20000 * 32);
    /* any size may have them */
    for (int epoch = 0; epoch < 20; epoch++) {
        for (int i = 0; i < 500; i++)
            assert_non_null(eddy_alloc_bytes(w.t, 1000));
        world_step(&w, 1);
    }
    assert_true(world_stats(&w).peak_committed_bytes <= after_few + MIB / 8); /* tables of the new blocks */
    world_close(&w);
}

/* Cells between live ones are used again, too, once enough of a block is free. */
static void test_partly_free_blocks_are_recycled(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    enum { KEPT = 2000 };
    static void *kept[KEPT];
    memset(kept, 0, sizeof kept);
    eddy_frame frame;
    eddy_frame_push(w.t, &frame, kept, KEPT);
    for (int i = 0; i < KEPT; i++) {
        struct node *n = kept[i] = node_new(&w);
        n->value = (uint64_t)i;
        for (int j = 0; j < 9; j++)
            node_new(&w);
    }
    world_step(&w, 3);
    uint64_t peak = world_stats(&w).peak_committed_bytes;
    for (int epoch = 0; epoch < 100; epoch++) {
        for (int i = 0; i < 9 * KEPT / 2; i++)
            node_new(&w);
        world_step(&w, 1);
    }
    assert_true(world_stats(&w).peak_committed_bytes <= peak + MIB / 8);
    for (int i = 0; i < KEPT; i++)
        assert_int_equal(((struct node *)kept[i])->value, i);
    assert_verifies(&w);
    eddy_frame_pop(w.t, &frame);
    world_close(&w);
}

/* ---- publishing ---- */

static struct node *chain(const struct world *w, int length)
{
    ROOTS_PUSH(w->t, 1);
    for (int i = 0; i < length; i++) {
        struct node *n = node_new(w);
        n->value = (uint64_t)i;
        EDDY_SET(w->t, n, left, roots[0]);
        roots[0] = n;
    }
    ROOTS_POP(w->t);
    return roots[0];
}

static void test_small_closures_are_published_without_a_bump(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    struct node *bystander = node_new(&w);
    struct node *top = chain(&w, 5);
    uint64_t tag = w.t->tag;
    eddy_root_store(w.t, &slot, top);
    assert_int_equal(w.t->tag, tag);
    for (struct node *n = top; n != NULL; n = n->left)
        assert_true(header_is_counted(*eddy__header(n)));
    assert_true(eddy__is_own(w.t, bystander));
    assert_int_equal(live_after_collect(&w), 5);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

static void test_large_closures_are_published_by_a_bump(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    struct node *bystander = node_new(&w);
    struct node *top = chain(&w, 1000);
    uint64_t tag = w.t->tag;
    eddy_root_store(w.t, &slot, top);
    assert_int_not_equal(w.t->tag, tag);
    assert_false(eddy__is_own(w.t, top));
    assert_false(eddy__is_own(w.t, bystander)); /* all that the thread owned has become private-old */
    assert_false(header_is_counted(*eddy__header(top)));
    assert_int_equal(live_after_collect(&w), 1000);
    assert_verifies(&w);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

/* A closure that is cyclic, or reaches private-old and counted objects. */
static void test_closures_of_every_composition(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 3);
    uint64_t random = support_seed(__func__);
    for (int round = 0; round < 300; round++) {
        roots[0] = chain(&w, (int)(support_random(&random) % 12));
        if (support_random(&random) % 3 == 0)
            world_step(&w, 1); /* counted */
        roots[1] = chain(&w, (int)(support_random(&random) % 12));
        if (support_random(&random) % 3 == 0) {
            eddy_root_store(w.t, &slot, chain(&w, 20)); /* private-old */
        }
        struct node *top = roots[2] = chain(&w, 1 + (int)(support_random(&random) % 12));
        EDDY_SET(w.t, top, right, roots[support_random(&random) % 3]);
        struct node *last = top;
        while (last->left != NULL)
            last = last->left;
        EDDY_SET(w.t, last, right, roots[support_random(&random) % 3]);
        eddy_root_store(w.t, &slot, top);
        if (support_random(&random) % 4 == 0)
            assert_verifies(&w);
        world_step(&w, (unsigned)(support_random(&random) % 3));
    }
    assert_verifies(&w);
    ROOTS_POP(w.t);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* ---- generations ---- */

static void test_generations_wrap(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    struct thread *t = thread_of(w.t);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    for (int at = -20; at <= 20; at += 5) { /* the wrap at various moments of what follows */
        t->generation = (HEADER_GENERATION_MASK + (uint64_t)at - 25) & HEADER_GENERATION_MASK;
        world_step(&w, 1);
        uint64_t before = t->generation;
        for (uint64_t i = 0; i < 50; i++) {
            roots[0] = chain(&w, 30);
            assert_true(eddy__is_own(w.t, roots[0]));
            eddy_root_store(w.t, &slot, roots[0]);
            assert_false(eddy__is_own(w.t, roots[0]));
            assert_int_equal(w.t->tag >> HEADER_OWNER_SHIFT, t->number);
            assert_false(header_is_counted(w.t->tag));
            if (i % 7 == 0)
                world_step(&w, 1);
        }
        assert_true(t->generation < before);
        assert_verifies(&w);
        assert_int_equal(live_after_collect(&w), 30);
    }
    ROOTS_POP(w.t);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* Before the bumps of an epoch run out, an epoch passes: no generation can come round while objects of it exist. */
static void test_bumps_run_out(void **state)
{
    (void)state;
    for (int manual = 0; manual < 2; manual++) {
        struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | (manual ? EDDY_HEAP_MANUAL : 0));
        struct thread *t = thread_of(w.t);
        void *slot;
        assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
        for (int round = 0; round < 5; round++) {
            struct node *old = chain(&w, 30);
            eddy_root_store(w.t, &slot, old);
            t->bumps_left = 3;
            uint64_t epoch = w.t->epoch;
            for (int i = 0; i < 4; i++) {
                eddy_root_store(w.t, &slot, chain(&w, 30));
                assert_true(t->bumps_left >= 1 && t->bumps_left < HEADER_GENERATION_MASK);
            }
            assert_true(w.t->epoch > epoch);
        }
        assert_verifies(&w);
        assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
        assert_int_equal(live_after_collect(&w), 0);
        world_close(&w);
    }
}

static void test_many_publishes_by_bump(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    for (int i = 0; i < SUPPORT_SCALE(100000, 5000); i++)
        eddy_root_store(w.t, &slot, chain(&w, 9));
    assert_int_equal(live_after_collect(&w), 9);
    assert_verifies(&w);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_young_garbage_is_never_counted),
        cmocka_unit_test(test_young_garbage_beside_the_collector),
        cmocka_unit_test(test_what_survives_is_promoted_once),
        cmocka_unit_test(test_blocks_of_young_garbage_are_recycled),
        cmocka_unit_test(test_partly_free_blocks_are_recycled),
        cmocka_unit_test(test_small_closures_are_published_without_a_bump),
        cmocka_unit_test(test_large_closures_are_published_by_a_bump),
        cmocka_unit_test(test_closures_of_every_composition),
        cmocka_unit_test(test_generations_wrap),
        cmocka_unit_test(test_bumps_run_out),
        cmocka_unit_test(test_many_publishes_by_bump),
    };
    return RUN_TESTS("young", tests);
}
