/* Blocks are made ready ahead while a heap grows: as many as were taken fresh, at most an epoch's allocation, none when it
 * does not grow, and none when memory is short. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

#define CELL 512
#define EPOCH MIB

static struct world growing_world(size_t heap_limit, size_t soft_limit)
{
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.epoch_bytes = config.epoch_bytes_min = config.epoch_bytes_max = EPOCH;
    config.heap_limit = heap_limit;
    config.soft_limit = soft_limit;
    struct world w = world_open_with(&config);
    const size_t offsets[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc desc = {.name = "big", .size = CELL - 8, .ref_offsets = offsets, .ref_count = 2};
    assert_int_equal(eddy_type_register(w.heap, &desc, &w.node), EDDY_OK);
    return w;
}

static void grow(struct world *w, void **root, size_t bytes)
{
    for (size_t i = 0; i < bytes / CELL; i++) {
        struct node *n = node_new(w);
        EDDY_SET(w->t, n, left, *root);
        *root = n;
    }
}

static void test_while_it_grows(void **state)
{
    (void)state;
    struct world w = growing_world(0, 0);
    ROOTS_PUSH(w.t, 1);
    grow(&w, &roots[0], EPOCH / 2);
    world_step(&w, 1);
    uint64_t first = world_stats(&w).free_bytes;
    assert_true(first >= EPOCH / 2 && first <= EPOCH);
    grow(&w, &roots[0], 4 * EPOCH);
    world_step(&w, 1);
    assert_int_equal(world_stats(&w).free_bytes, EPOCH);
    uint64_t committed = world_stats(&w).committed_bytes;
    grow(&w, &roots[0], EPOCH - 2 * BLOCK_BYTES);
    assert_true(world_stats(&w).committed_bytes <= committed + 2 * BLOCK_BYTES); /* what was ready is what is used */
    node_new(&w);                                                                /* not at rest */
    world_step(&w, 1);
    assert_true(world_stats(&w).free_bytes <= 3 * BLOCK_BYTES);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_not_when_memory_is_short(void **state)
{
    (void)state;
    for (int soft = 0; soft < 2; soft++) {
        struct world w = growing_world(soft ? 0 : 12 * MIB, soft ? MIB : 0);
        ROOTS_PUSH(w.t, 1);
        grow(&w, &roots[0], 4 * EPOCH);
        world_step(&w, 1);
        assert_true(world_stats(&w).free_bytes <= 2 * BLOCK_BYTES);
        ROOTS_POP(w.t);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_while_it_grows),
        cmocka_unit_test(test_not_when_memory_is_short),
    };
    return RUN_TESTS("reserve", tests);
}
