/* Type descriptors: what is accepted and what is refused; trace callbacks; acyclic types; the number of types. */
#include "tests/support.h"

#include "runtime/heap/heap.h"

static eddy_status try_register(eddy_heap *heap, const eddy_type_desc *desc)
{
    const eddy_type *type = (const eddy_type *)(uintptr_t)16;
    eddy_status status = eddy_type_register(heap, desc, &type);
    if (status == EDDY_OK)
        assert_non_null(type);
    else
        assert_null(type);
    return status;
}

static void no_trace(const void *object, eddy_visitor *visitor)
{
    (void)object, (void)visitor;
}

static const size_t at0[] = {0}, at8[] = {8}, at12[] = {12}, at24[] = {24}, ascending[] = {0, 8, 16},
                    twice[] = {0, 8, 8}, descending[] = {8, 0}, wraps[] = {SIZE_MAX - 7}, far[] = {(size_t)1 << 32};

static void test_valid_descriptors(void **state)
{
    (void)state;
    static const eddy_type_desc valid[] = {
        {.size = 0},
        {.name = "no references", .size = 3},
        {.size = 32, .ref_offsets = at24, .ref_count = 1},
        {.size = 24, .ref_offsets = ascending, .ref_count = 3, .flags = EDDY_TYPE_ACYCLIC},
        {.size = 8, .tail = EDDY_TAIL_REFS, .length_offset = 0},
        {.size = 24, .ref_offsets = at8, .ref_count = 1, .tail = EDDY_TAIL_REFS, .length_offset = 16},
        {.size = 9, .tail = EDDY_TAIL_BYTES, .element_size = 1, .length_offset = 0},
        {.size = 64, .trace = no_trace},
        {.size = 64, .trace = no_trace, .tail = EDDY_TAIL_BYTES, .element_size = 5, .length_offset = 56},
    };
    struct world w = world_open(0);
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        if (try_register(w.heap, &valid[i]) != EDDY_OK)
            fail_msg("descriptor %zu was refused", i);
    world_close(&w);
}

static void test_invalid_descriptors(void **state)
{
    (void)state;
    static const eddy_type_desc invalid[] = {
        {.size = (size_t)1 << 31},                         /* too large */
        {.size = 16, .ref_offsets = NULL, .ref_count = 1}, /* offsets missing */
        {.size = 16, .ref_offsets = at12, .ref_count = 1}, /* misaligned */
        {.size = 16, .ref_offsets = at24, .ref_count = 1}, /* out of range */
        {.size = 31, .ref_offsets = at24, .ref_count = 1}, /* partly out of range */
        {.size = 4, .ref_offsets = at0, .ref_count = 1},   /* larger than the object */
        {.size = 0, .ref_offsets = at0, .ref_count = 1},
        {.size = 16, .ref_offsets = wraps, .ref_count = 1}, /* its end wraps round */
        {.size = 0, .ref_offsets = wraps, .ref_count = 1},
        {.size = 16, .ref_offsets = far, .ref_count = 1},                    /* more than 32 bits */
        {.size = 24, .ref_offsets = twice, .ref_count = 3},                  /* overlapping */
        {.size = 24, .ref_offsets = descending, .ref_count = 2},             /* not ascending */
        {.size = 24, .flags = 1u << 31},                                     /* unknown flag */
        {.size = 24, .tail = (eddy_tail)3},                                  /* unknown tail */
        {.size = 0, .tail = EDDY_TAIL_REFS},                                 /* no room for a length */
        {.size = 12, .tail = EDDY_TAIL_REFS, .length_offset = 0},            /* tail misaligned */
        {.size = 16, .tail = EDDY_TAIL_REFS, .length_offset = 12},           /* length misaligned */
        {.size = 16, .tail = EDDY_TAIL_REFS, .length_offset = 16},           /* length out of range */
        {.size = 16, .tail = EDDY_TAIL_REFS, .length_offset = SIZE_MAX - 7}, /* its end wraps round */
        {.size = 16, .tail = EDDY_TAIL_BYTES, .element_size = 0},            /* elements of nothing */
        {.size = 16, .tail = EDDY_TAIL_BYTES, .element_size = 1, .length_offset = 16},
        {.size = 16, .ref_offsets = at8, .ref_count = 1, .tail = EDDY_TAIL_REFS, .length_offset = 8}, /* length on a reference */
        {.size = 16, .ref_offsets = at8, .ref_count = 1, .trace = no_trace}, /* both ways at once */
        {.size = 16, .trace = no_trace, .tail = EDDY_TAIL_REFS},
    };
    struct world w = world_open(0);
    assert_int_equal(try_register(w.heap, NULL), EDDY_EINVAL);
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        if (try_register(w.heap, &invalid[i]) != EDDY_EINVAL)
            fail_msg("descriptor %zu was accepted", i);
    world_close(&w);
}

static void test_names(void **state)
{
    (void)state;
    struct world w = world_open(0);
    char name[] = "changed later";
    const eddy_type_desc named = {.name = name, .size = 8}, nameless = {.size = 8};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(w.heap, &named, &type), EDDY_OK);
    name[0] = 'X';
    assert_string_equal(eddy_type_name(type), "changed later");
    assert_int_equal(eddy_type_register(w.heap, &nameless, &type), EDDY_OK);
    assert_string_equal(eddy_type_name(type), "?");
    assert_string_equal(eddy_type_name(eddy_type_bytes(w.heap)), "bytes");
    assert_string_equal(eddy_type_name(eddy_type_array(w.heap)), "array");
    assert_string_equal(eddy_type_name(eddy_object_type(w.heap, node_new(&w))), "node");
    world_close(&w);
}

/* Offsets are copied, too: the array the caller gave may change. */
static void test_offsets_are_copied(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    size_t offsets[] = {8};
    const eddy_type_desc desc = {.size = 16, .ref_offsets = offsets, .ref_count = 1};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    offsets[0] = 0;
    ROOTS_PUSH(w.t, 1);
    void **object = roots[0] = eddy_alloc(w.t, type);
    object[0] = (void *)(uintptr_t)12345; /* no reference */
    struct node *n = node_new(&w);
    object = roots[0];
    eddy_store(w.t, object, &object[1], n);
    assert_int_equal(live_after_collect(&w), 2);
    ROOTS_POP(w.t);
    world_close(&w);
}

static void test_as_many_types_as_there_may_be(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    const eddy_type_desc desc = {.name = "one of many", .size = 40};
    const eddy_type *type = NULL, *last = NULL;
    unsigned registered = w.heap->type_count - 1; /* built-in ones, and node */
    eddy_status status;
    while ((status = eddy_type_register(w.heap, &desc, &type)) == EDDY_OK) {
        last = type;
        registered++;
    }
    assert_int_equal(status, EDDY_ELIMIT);
    assert_null(type);
    assert_int_equal(registered, 65535);
    ROOTS_PUSH(w.t, 1);
    roots[0] = eddy_alloc(w.t, last);
    assert_ptr_equal(eddy_object_type(w.heap, roots[0]), last);
    assert_int_equal(live_after_collect(&w), 1);
    assert_ptr_equal(eddy_object_type(w.heap, roots[0]), last);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- trace callbacks ---- */

#define BAG 6

struct bag {
    uint64_t mask; /* which items exist; constant after creation */
    struct bag *items[BAG];
    size_t length;
};

static void trace_bag(const void *object, eddy_visitor *visitor)
{
    const struct bag *bag = object;
    uint64_t mask = EDDY_LOAD_RELAXED(&bag->mask);
    for (int i = 0; i < BAG; i++)
        if (mask >> i & 1)
            eddy_visit(visitor, (void *const *)(const void *)&bag->items[i]);
}

static const eddy_type *bag_type(eddy_heap *heap)
{
    const eddy_type_desc desc = {.name = "bag",
                                 .size = sizeof(struct bag),
                                 .trace = trace_bag,
                                 .tail = EDDY_TAIL_BYTES,
                                 .element_size = 1,
                                 .length_offset = offsetof(struct bag, length)};
    const eddy_type *type = NULL;
    assert_int_equal(eddy_type_register(heap, &desc, &type), EDDY_OK);
    return type;
}

static struct bag *bag_new(const struct world *w, const eddy_type *type, uint64_t mask)
{
    struct bag *bag = eddy_alloc_tail(w->t, type, 5);
    CHECK(bag != NULL);
    EDDY_STORE_RELAXED(&bag->mask, mask);
    return bag;
}

static void test_trace_callback(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    const eddy_type *type = bag_type(w.heap);
    ROOTS_PUSH(w.t, 3);
    /* a chain over changing fields, closed to a cycle */
    struct bag *first = roots[0] = roots[1] = bag_new(&w, type, 0x3f);
    assert_int_equal(first->length, 5);
    for (int i = 1; i < 500; i++) {
        roots[2] = bag_new(&w, type, 1u << (i % BAG) | 1u << ((i + 1) % BAG));
        struct bag *previous = roots[1], *bag = roots[2];
        eddy_store(w.t, previous, (void **)&previous->items[i % BAG], bag);
        bag->items[(i + 3) % BAG] = (void *)(uintptr_t)7; /* not enumerated */
        roots[1] = bag;
    }
    struct bag *last = roots[1];
    eddy_store(w.t, last, (void **)&last->items[500 % BAG], roots[0]);
    roots[1] = roots[2] = NULL;
    assert_int_equal(live_after_collect(&w), 500);
    assert_verifies(&w);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_true(world_stats(&w).cycles_freed >= 1);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- acyclic types ---- */

static void test_acyclic_types_are_never_searched(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    const size_t offsets[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc desc = {
        .name = "acyclic", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = 2, .flags = EDDY_TYPE_ACYCLIC};
    const eddy_type *acyclic = NULL;
    assert_int_equal(eddy_type_register(w.heap, &desc, &acyclic), EDDY_OK);
    ROOTS_PUSH(w.t, 2);
    for (int i = 0; i < 1000; i++) { /* a graph with two paths to everything: counts that drop to one */
        struct node *n = eddy_alloc(w.t, acyclic);
        EDDY_SET(w.t, n, left, roots[0]);
        EDDY_SET(w.t, n, right, roots[1]);
        roots[i % 2] = n;
    }
    assert_int_equal(live_after_collect(&w), 1000);
    roots[0] = NULL; /* the other one refers to it */
    assert_int_equal(live_after_collect(&w), 1000);
    roots[1] = NULL;
    assert_int_equal(live_after_collect(&w), 0);
    assert_int_equal(world_stats(&w).cycle_nodes, 0);
    /* the promise broken: such a cycle stays, and is known to be garbage */
    struct node *self = roots[0] = eddy_alloc(w.t, acyclic);
    EDDY_SET(w.t, self, left, self);
    world_step(&w, 2);
    roots[0] = NULL;
    assert_int_equal(live_after_collect(&w), 1);
    eddy_verify_report report;
    assert_int_equal(eddy_verify(w.t, 0, &report), EDDY_OK);
    assert_int_equal(report.unreachable, 1);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Types without references live in blocks of their own and are never promoted field by field. */
static void test_kinds_have_their_own_blocks(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_MANUAL);
    const eddy_type_desc desc = {.name = "leaf", .size = sizeof(struct node)};
    const eddy_type *leaf = NULL;
    assert_int_equal(eddy_type_register(w.heap, &desc, &leaf), EDDY_OK);
    void *a = eddy_alloc(w.t, leaf), *b = eddy_alloc(w.t, w.node), *c = eddy_alloc_bytes(w.t, sizeof(struct node));
    assert_int_equal(block_of(w.heap, a)->kind, KIND_LEAF);
    assert_int_equal(block_of(w.heap, b)->kind, KIND_CYCLIC);
    assert_ptr_equal(block_of(w.heap, a), block_of(w.heap, c));
    world_close(&w);
}

/* ---- registering beside allocation ---- */

static void *register_many(void *argument)
{
    eddy_heap *heap = argument;
    for (int i = 0; i < 300; i++) {
        struct world w = {.heap = heap, .node = support_node_type(heap)};
        CHECK(eddy_thread_attach(heap, &w.t) == EDDY_OK);
        ROOTS_PUSH(w.t, 1);
        for (int j = 0; j < 50; j++) {
            struct node *n = node_new(&w);
            EDDY_SET(w.t, n, left, roots[0]);
            roots[0] = n;
        }
        CHECK(eddy_object_type(heap, roots[0]) == w.node);
        ROOTS_POP(w.t);
        CHECK(eddy_thread_detach(w.t) == EDDY_OK);
    }
    return NULL;
}

static void test_registering_from_several_threads(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    pthread_t ids[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, register_many, w.heap), 0);
    eddy_native_enter(w.t);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_descriptors),
        cmocka_unit_test(test_invalid_descriptors),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_offsets_are_copied),
        cmocka_unit_test(test_as_many_types_as_there_may_be),
        cmocka_unit_test(test_trace_callback),
        cmocka_unit_test(test_acyclic_types_are_never_searched),
        cmocka_unit_test(test_kinds_have_their_own_blocks),
        cmocka_unit_test(test_registering_from_several_threads),
    };
    return RUN_TESTS("types", tests);
}
