/* Memory that fails: a program is run again and again, and in run N the N-th attempt to take memory from below fails,
 * for every N that there is. Nothing crashes or is lost: what can be reported is reported, what must not fail waits
 * and tries again, and the heap is as it should be afterwards. Then the same with all attempts from the N-th on
 * failing, during allocation only, which is what may give up. */
#include "tests/lab.h"

#define NODES 600u
#define NODES_MOST 100000u /* more than the heap takes before it asks for memory a dozen times */
#define LARGE ((size_t)100000)
#define COUNTED ((size_t)200) /* references to one object: more than a count byte holds */

static bool fails_still_to_come(void)
{
    return EDDY_LOAD_RELAXED(&eddy__fail_countdown) != 0;
}

static void assert_error(eddy_status status)
{
    assert_true(status == EDDY_ENOMEM || status == EDDY_ESYSTEM);
    assert_false(fails_still_to_come()); /* it is the failure that was asked for */
}

/* ---- the program ---- */

struct program {
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *node;
    void *roots[4];
    eddy_frame frame;
    void *slot;
};

/* Attempts that fail once are made again: memory is short only for a moment. */
static void *some(void *object)
{
    assert_non_null(object);
    return object;
}

static bool open_program(struct program *p, unsigned flags)
{
    const size_t offsets[] = {offsetof(struct node, f[0]), offsetof(struct node, f[1]), offsetof(struct node, f[2])};
    const eddy_type_desc desc = {.name = "node", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = 3};
    eddy_config config = lab_config();
    config.log_chunk_entries = 16;
    config.flags = flags;
    memset(p, 0, sizeof *p);
    eddy_status status = eddy_heap_create(&config, &p->heap);
    if (status != EDDY_OK) {
        assert_error(status);
        assert_null(p->heap);
        return false;
    }
    status = eddy_thread_attach(p->heap, &p->t);
    if (status != EDDY_OK) {
        assert_error(status);
        assert_null(p->t);
        assert_int_equal(eddy_thread_attach(p->heap, &p->t), EDDY_OK);
    }
    assert_int_equal(eddy_type_register(p->heap, &desc, &p->node), EDDY_OK);
    assert_int_equal(eddy_root_add(p->t, &p->slot), EDDY_OK);
    eddy_frame_push(p->t, &p->frame, p->roots, 4);
    return true;
}

/* A tree of NODES nodes, each referring to the root; half of it is published before the rest is made. */
static void make_tree(struct program *p)
{
    eddy_thread *t = p->t;
    eddy_array *all = p->roots[0] = some(eddy_alloc_array(t, NODES));
    for (size_t i = 0; i < NODES; i++) {
        struct node *n = p->roots[1] = some(eddy_alloc(t, p->node));
        n = p->roots[1];
        n->canary = i;
        eddy_store(t, all, &all->slots[i], n);
        if (i != 0) {
            struct node *parent = all->slots[(i - 1) / 2];
            eddy_store(t, parent, (void **)&parent->f[(i - 1) % 2], n);
            eddy_store(t, n, (void **)&n->f[2], all->slots[0]);
        }
        if (i == NODES / 2)
            eddy_root_store(t, &p->slot, all);
        if (i % 100 == 99)
            assert_int_equal(eddy_collector_step(t), EDDY_OK);
    }
}

static void use_large_objects(struct program *p)
{
    eddy_thread *t = p->t;
    for (int i = 0; i < 3; i++) {
        char *bytes = p->roots[2] = some(eddy_alloc_bytes(t, LARGE));
        bytes[0] = bytes[LARGE - 1] = 1;
        eddy_array *array = p->roots[3] = some(eddy_alloc_array(t, LARGE / sizeof(void *)));
        for (size_t k = 0; k < COUNTED; k++)
            eddy_store(t, array, &array->slots[k], p->slot);
        eddy_retain(t, p->roots[2]);
        assert_int_equal(eddy_collector_step(t), EDDY_OK);
        eddy_release(t, p->roots[2]);
        p->roots[2] = NULL;
    }
}

static void assert_tree(const struct program *p)
{
    const eddy_array *all = p->roots[0];
    for (size_t i = 0; i < NODES; i++) {
        const struct node *n = all->slots[i];
        assert_int_equal(n->canary, i);
        assert_ptr_equal(n->f[2], i == 0 ? NULL : all->slots[0]);
        assert_ptr_equal(n->f[0], 2 * i + 1 < NODES ? all->slots[2 * i + 1] : NULL);
    }
}

static void assert_verifies(const struct program *p)
{
    eddy_verify_report report;
    eddy_status status = eddy_verify(p->t, 0, &report);
    if (status != EDDY_OK)
        print_error("%s: %s\n", eddy_status_text(status), report.message);
    assert_int_equal(status, EDDY_OK);
}

static uint64_t live_after_collect(const struct program *p)
{
    eddy_stats stats;
    assert_int_equal(eddy_collect(p->t, 0, NULL), EDDY_OK);
    eddy_heap_stats(p->heap, &stats);
    return stats.live_objects;
}

static void close_program(struct program *p)
{
    eddy__fail_countdown = eddy__fail_for_good = 0;
    assert_verifies(p);
    assert_tree(p);
    p->roots[2] = p->roots[3] = NULL;
    p->roots[1] = NULL;
    bool exact = (p->heap->flags & EDDY_HEAP_PRECISE_ROOTS) != 0;
    uint64_t live = live_after_collect(p);
    assert_true(live == NODES + 1 || (live > NODES && !exact));
    p->roots[0] = NULL;
    assert_int_equal(eddy_root_remove(p->t, &p->slot), EDDY_OK);
    assert_true(live_after_collect(p) == 0 || !exact);
    eddy_frame_pop(p->t, &p->frame);
    assert_int_equal(eddy_thread_detach(p->t), EDDY_OK);
    assert_int_equal(eddy_heap_destroy(p->heap), EDDY_OK);
}

/* ---- one failure ---- */

/* `portion`: candidate roots that a search begins from at once, 0: the usual many. */
static void fail_once_each(unsigned flags, uint32_t portion)
{
    uint32_t n = 1;
    eddy__portion_roots = portion;
    for (bool failed = true; failed; n++) {
        struct program p;
        eddy__fail_countdown = n;
        if (!open_program(&p, flags))
            continue;
        make_tree(&p);
        use_large_objects(&p);
        assert_true(live_after_collect(&p) >= NODES);
        failed = !fails_still_to_come();
        close_program(&p);
    }
    printf("%u attempts to take memory\n", n - 2);
    assert_true(n > 20);
}

static void test_one_failure(void **state)
{
    (void)state;
    fail_once_each(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS, 0);
    fail_once_each(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS, 3);
}

static void test_one_failure_conservative(void **state)
{
    (void)state;
    fail_once_each(EDDY_HEAP_MANUAL, 0);
}

/* ---- failures from one on ---- */

/* Allocates, keeping all of it in a list, until that fails. */
static void allocate_until_failure(struct program *p, const eddy_type *type, size_t length)
{
    for (unsigned i = 0; i < NODES_MOST; i++) {
        struct node *n = p->roots[3] = type == NULL ? eddy_alloc(p->t, p->node) : eddy_alloc_tail(p->t, type, length);
        if (n == NULL) {
            assert_int_equal(eddy_thread_error(p->t), EDDY_ENOMEM);
            return;
        }
        void **next = type == NULL ? (void **)&n->f[0] : ((eddy_array *)(void *)n)->slots;
        eddy_store(p->t, n, next, p->roots[2]);
        p->roots[2] = n;
    }
    fail_msg("allocation does not fail");
}

static void test_failures_for_good(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++)
        for (uint32_t n = 1; n < 12; n++) {
            struct program p;
            assert_true(open_program(&p, EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS));
            make_tree(&p);
            assert_int_equal(eddy_collector_step(p.t), EDDY_OK);
            eddy__fail_for_good = 1;
            eddy__fail_countdown = n;
            allocate_until_failure(&p, kind == 0 ? NULL : eddy_type_array(p.heap), kind == 1 ? 20 : LARGE);
            assert_int_equal(eddy__fail_countdown, 1);
            eddy__fail_countdown = eddy__fail_for_good = 0;
            assert_non_null(eddy_alloc_bytes(p.t, LARGE)); /* it was for that time only */
            close_program(&p);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failure),
        cmocka_unit_test(test_one_failure_conservative),
        cmocka_unit_test(test_failures_for_good),
    };
    return LAB_RUN(tests);
}
