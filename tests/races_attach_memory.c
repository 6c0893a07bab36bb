/* Memory fails at every attempt, one after the other, while things are attached to objects: each call says so and has changed
 * nothing, or succeeds; counts stay exact, and everything is reclaimed. For builds with test hooks. */
#include "tests/support.h"

#include "runtime/heap/mutants.h"

static struct world w;
static eddy_finalizer_queue *queue;
static eddy_weak *weak[4];
static eddy_ephemeron *ephemeron;

static bool fine(eddy_status status)
{
    assert_true(status == EDDY_OK || status == EDDY_ENOMEM);
    return status == EDDY_OK;
}

/* Everything that can be attached, each once. Whether all succeeded. */
static bool attach_all(void **roots)
{
    bool all = true;
    void *key = roots[0], *value = roots[1];
    all = fine(eddy_weak_create(w.t, key, &weak[0])) && all;
    all = fine(eddy_weak_create(w.t, value, &weak[1])) && all;
    all = fine(eddy_finalizer_queue_create(w.heap, &queue)) && all;
    if (queue != NULL)
        all = fine(eddy_finalizer_attach(w.t, value, queue, NULL, NULL)) && all;
    bool added = fine(eddy_external_add(w.t, key, 1000));
    assert_int_equal(eddy_external_of(w.t, key), added ? 1000 : 0);
    all = fine(eddy_ephemeron_create(w.t, key, value, &ephemeron)) && added && all;
    roots[2] = eddy_alloc_weak(w.t, value);
    all = roots[2] != NULL && all;
    for (unsigned kind = EDDY_TABLE_STRONG; kind <= EDDY_TABLE_EPHEMERON; kind++) {
        eddy_table *table = roots[3 + kind] = eddy_table_new(w.t, (eddy_table_kind)kind);
        all = table != NULL && all;
        for (unsigned i = 0; table != NULL && i < 20; i++) {
            roots[7] = i % 2 ? key : (void *)node_new(&w);
            if (roots[7] == NULL)
                continue;
            bool put = fine(eddy_table_put(w.t, table, roots[7], value));
            all = put && all;
            if (put || i < 2)
                assert_ptr_equal(eddy_table_get(w.t, table, roots[7]), put ? value : NULL);
        }
        roots[7] = NULL;
    }
    return all;
}

static void test_failing_at_every_attempt(void **state)
{
    (void)state;
    bool reached = true;
    uint32_t countdown = 1;
    for (; reached; countdown++) {
        w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
        memset(weak, 0, sizeof weak);
        queue = NULL;
        ephemeron = NULL;
        ROOTS_PUSH(w.t, 8);
        struct node *key = roots[0] = node_new(&w), *value = roots[1] = node_new(&w);
        EDDY_SET(w.t, value, left, key);
        EDDY_STORE_RELAXED(&eddy__fail_countdown, countdown);
        bool all = attach_all(roots);
        reached = EDDY_LOAD_RELAXED(&eddy__fail_countdown) == 0;
        EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
        assert_true(all || reached);
        assert_verifies(&w);
        eddy_dispose(w.t, value, false);
        memset(roots, 0, sizeof roots);
        assert_int_equal(live_after_collect(&w), 0);
        for (unsigned i = 0; i < 2; i++)
            if (weak[i] != NULL)
                assert_null(eddy_weak_load(w.t, weak[i]));
        eddy_weak_drop(w.t, weak[0]);
        eddy_weak_drop(w.t, weak[1]);
        eddy_ephemeron_drop(w.t, ephemeron);
        assert_int_equal(world_stats(&w).external_bytes, 0);
        assert_int_equal(live_after_collect(&w), 0);
        assert_int_equal(world_stats(&w).attached_objects, 0);
        ROOTS_POP(w.t);
        world_close(&w);
    }
    assert_true(countdown > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failing_at_every_attempt),
    };
    return RUN_TESTS("attach memory", tests);
}
