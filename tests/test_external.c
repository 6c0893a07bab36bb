/* External bytes: accounted per object, written off at its death, felt by the limit and by the pace. */
#include "tests/support.h"

#define PRECISE (EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)

static uint64_t external(const struct world *w)
{
    return world_stats(w).external_bytes;
}

static void test_accounting(void **state)
{
    (void)state;
    struct world w = world_open(PRECISE);
    ROOTS_PUSH(w.t, 2);
    roots[0] = node_new(&w);
    roots[1] = eddy_alloc_bytes(w.t, 10);
    uint64_t committed = world_stats(&w).committed_bytes;
    assert_int_equal(eddy_external_add(w.t, roots[0], 5000000), EDDY_OK);
    assert_int_equal(eddy_external_add(w.t, roots[0], 7), EDDY_OK);
    assert_int_equal(eddy_external_add(w.t, roots[1], 300), EDDY_OK);
    assert_int_equal(eddy_external_of(w.t, roots[0]), 5000007);
    assert_int_equal(external(&w), 5000307);
    assert_true(world_stats(&w).committed_bytes >= committed + 5000307);
    assert_int_equal(eddy_external_sub(w.t, roots[0], 5000008), EDDY_EINVAL);
    assert_int_equal(eddy_external_sub(w.t, roots[0], 5000000), EDDY_OK);
    assert_int_equal(external(&w), 307);
    assert_int_equal(eddy_external_sub(w.t, node_new(&w), 1), EDDY_EINVAL);
    assert_int_equal(eddy_external_of(w.t, node_new(&w)), 0);
    assert_int_equal(eddy_external_add(w.t, NULL, 1), EDDY_EINVAL);
    assert_int_equal(eddy_external_add(w.t, roots[0], SIZE_MAX), EDDY_ENOMEM);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 1);
    assert_int_equal(external(&w), 300);
    struct node *n = node_new(&w); /* on a cycle, and young */
    roots[0] = n;
    EDDY_SET(w.t, n, left, n);
    assert_int_equal(eddy_external_add(w.t, n, 50), EDDY_OK);
    roots[0] = roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(external(&w), 0);
    assert_verifies(&w);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* A small heap whose objects own much: the limit holds because garbage is found in time, cycles included. */
static void test_the_limit_includes_them(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.heap_limit = 32 * MIB;
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 1);
    for (unsigned i = 0; i < SUPPORT_SCALE(400, 100); i++) {
        struct node *n = roots[0] = node_new(&w);
        if (i % 2)
            EDDY_SET(w.t, n, left, n);
        assert_int_equal(eddy_external_add(w.t, n, 2 * MIB), EDDY_OK);
        assert_true(world_stats(&w).committed_bytes <= 32 * MIB);
    }
    assert_int_equal(eddy_external_add(w.t, roots[0], 30 * MIB), EDDY_ENOMEM);
    assert_int_equal(eddy_external_of(w.t, roots[0]), 2 * MIB);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(external(&w), 0);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* They bring epochs and searches for cycles about, though next to nothing is allocated. */
static void test_they_set_the_pace(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    for (unsigned i = 0; external(&w) < 200 * MIB && i < 100000; i++) {
        struct node *n = node_new(&w);
        ROOTS_PUSH(w.t, 1);
        roots[0] = n;
        EDDY_SET(w.t, n, left, n);
        assert_int_equal(eddy_external_add(w.t, n, MIB), EDDY_OK);
        ROOTS_POP(w.t);
        eddy_stats s = world_stats(&w);
        if (s.cycles_freed > 50)
            break;
    }
    WAIT_UNTIL((eddy_safepoint(w.t), world_stats(&w).cycles_freed > 50));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accounting),
        cmocka_unit_test(test_the_limit_includes_them),
        cmocka_unit_test(test_they_set_the_pace),
    };
    return RUN_TESTS("external", tests);
}
