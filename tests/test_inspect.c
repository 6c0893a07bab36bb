/* Introspection: the walk sees every object once; paths lead from a root along fields that are there; retained sizes are those that
 * reachability gives, on random graphs. */
#include "tests/inspect_graph.h"

/* ---- the walk ---- */

struct tally {
    const struct graph *g;
    uint64_t seen[MOST], objects, bytes, references;
    const void *last;
    eddy_type_count counts[8];
    size_t types;
};

static void tally_object(void *context, const eddy_object_info *info)
{
    struct tally *tally = context;
    size_t n = index_of(tally->g, info->object);
    assert_true(n != SIZE_MAX && info->object > tally->last);
    assert_string_equal(eddy_type_name(info->type), tally->g->array[n] ? "array" : "node");
    tally->last = info->object;
    tally->seen[n]++;
    tally->objects++;
    tally->bytes += info->bytes;
    tally->references += info->references;
}

static void tally_type(void *context, const eddy_type_count *count)
{
    struct tally *tally = context;
    tally->counts[tally->types++] = *count;
}

static void test_walk(void **state)
{
    (void)state;
    uint64_t random = support_seed("walk");
    for (int round = 0; round < 5; round++) {
        struct graph g;
        graph_open(&g, 300, &random, 60);
        struct tally tally = {.g = &g};
        bool reached[MOST];
        reach(&g, SIZE_MAX, reached);
        assert_int_equal(eddy_collect(g.w.t, 0, NULL), EDDY_OK);
        eddy_inspection *i = begin(&g.w);
        eddy_inspect_objects(i, tally_object, &tally);
        assert_int_equal(eddy_inspect_types(i, tally_type, &tally), EDDY_OK);
        eddy_inspect_end(i);
        uint64_t references = 2;          /* the roots */
        bool of_type[2] = {false, false}; /* a node, an array is reachable: not of every random graph */
        for (size_t n = 0; n < g.count; n++) {
            assert_int_equal(tally.seen[n], reached[n]); /* after a collection: exactly what is reachable */
            of_type[g.array[n]] |= reached[n];
            for (size_t k = 0; reached[n] && k < edges(&g, n); k++)
                references += edge(&g, n, k) != NULL;
        }
        assert_int_equal(tally.references, references);
        assert_int_equal(tally.objects, world_stats(&g.w).live_objects);
        assert_int_equal(tally.bytes, world_stats(&g.w).live_bytes);
        assert_int_equal(tally.types, of_type[false] + of_type[true]);
        assert_true(tally.counts[0].bytes >= tally.counts[1].bytes);
        assert_int_equal(tally.counts[0].objects + tally.counts[1].objects, tally.objects);
        assert_int_equal(tally.counts[0].bytes + tally.counts[1].bytes, tally.bytes);
        graph_close(&g);
    }
}

/* ---- paths ---- */

static void assert_path_exists(const struct graph *g, const eddy_path_step *steps, size_t length, const eddy_root *root)
{
    if (root->kind == EDDY_ROOT_SLOT)
        assert_ptr_equal(steps[0].object, g->objects[0]);
    else
        assert_ptr_equal(steps[0].object, g->objects[1]);
    assert_ptr_equal(root->slot, root->kind == EDDY_ROOT_SLOT ? &g->slot : NULL);
    assert_true(root->kind == EDDY_ROOT_SLOT || root->kind == EDDY_ROOT_RETAINED);
    for (size_t s = 1; s < length; s++) {
        void *const *field = (void *const *)(const void *)((const char *)steps[s - 1].object + steps[s].field);
        assert_ptr_equal(*field, steps[s].object);
        assert_ptr_equal(steps[s].type, eddy_object_type(g->w.heap, steps[s].object));
    }
}

static void test_paths(void **state)
{
    (void)state;
    uint64_t random = support_seed("paths");
    struct graph g;
    graph_open(&g, 300, &random, 85);
    bool reached[MOST];
    reach(&g, SIZE_MAX, reached);
    eddy_inspection *i = begin(&g.w);
    size_t longest = 0;
    for (size_t n = 0; n < g.count; n++) {
        eddy_path_step steps[MOST], first[1];
        eddy_root root;
        size_t length, again;
        eddy_status status = eddy_inspect_path(i, g.objects[n], &root, steps, MOST, &length);
        if (status == EDDY_EINVAL) { /* freed already */
            assert_false(reached[n]);
            continue;
        }
        assert_int_equal(status, EDDY_OK);
        assert_int_equal(length != 0, reached[n]);
        assert_int_equal(root.kind != EDDY_ROOT_NONE, reached[n]);
        if (length == 0)
            continue;
        assert_path_exists(&g, steps, length, &root);
        assert_ptr_equal(steps[length - 1].object, g.objects[n]);
        assert_int_equal(eddy_inspect_path(i, g.objects[n], &root, first, 1, &again),
                         EDDY_OK); /* too little room: only the beginning */
        assert_int_equal(again, length);
        assert_memory_equal(first, steps, sizeof first);
        longest = length > longest ? length : longest;
    }
    assert_true(longest >= 2);
    eddy_root root;
    size_t length;
    const void *bad[] = {NULL, &g, (char *)g.objects[0] + 8, (char *)g.objects[0] - 8, g.w.heap->base};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        assert_int_equal(eddy_inspect_path(i, bad[k], &root, NULL, 0, &length), EDDY_EINVAL);
    eddy_inspect_end(i);
    graph_close(&g);
}

/* Every kind of root is named. */
static void test_kinds_of_roots(void **state)
{
    (void)state;
    struct world w = world_open(0);
    void *slot;
    assert_int_equal(eddy_root_add(w.t, &slot), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    void *volatile on_stack = node_new(&w);
    uintptr_t hidden[3]; /* complements, which no scan recognises */
    for (int k = 0; k < 3; k++) {
        struct node *n = node_new(&w);
        hidden[k] = ~(uintptr_t)n;
        if (k == 0)
            roots[0] = n;
        else if (k == 1)
            eddy_root_store(w.t, &slot, n);
        else
            eddy_retain(w.t, n);
    }
    eddy_inspection *i = begin(&w);
    eddy_root root;
    eddy_path_step step;
    size_t length;
    assert_int_equal(eddy_inspect_path(i, on_stack, &root, &step, 1, &length), EDDY_OK);
    assert_int_equal(length, 1);
    assert_int_equal(root.kind, EDDY_ROOT_STACK);
    assert_int_equal(root.thread, ((struct thread *)(void *)w.t)->number);
    eddy_root_kind expected[] = {EDDY_ROOT_HANDLE, EDDY_ROOT_SLOT, EDDY_ROOT_RETAINED};
    const char *says[] = {"(handles of thread 1)", "(root slots) 0x", "(retained)"};
    for (int k = 0; k < 3; k++) {
        void *n = (void *)~hidden[k];
        assert_int_equal(eddy_inspect_path(i, n, &root, &step, 1, &length), EDDY_OK);
        assert_true(root.kind == expected[k] || root.kind == EDDY_ROOT_STACK); /* a copy may lie about */
        text_length = 0;
        assert_int_equal(eddy_inspect_print_path(i, n, write_text, NULL), EDDY_OK);
        if (root.kind == expected[k])
            assert_true(strncmp(text, says[k], strlen(says[k])) == 0);
        assert_non_null(strstr(text, "  -> 0x"));
        assert_non_null(strstr(text, " node\n"));
    }
    eddy_inspect_end(i);
    eddy_keep_alive(on_stack);
    eddy_release(w.t, (void *)~hidden[2]);
    ROOTS_POP(w.t);
    assert_int_equal(eddy_root_remove(w.t, &slot), EDDY_OK);
    world_close(&w);
}

/* ---- retained sizes ---- */

static void check_retained(const struct graph *g, eddy_inspection *i, const bool reached[MOST], size_t n)
{
    uint64_t objects, bytes, expected = 0, expected_bytes = 0;
    const void *dominator;
    bool without[MOST], above[MOST];
    eddy_status status = eddy_inspect_retained(i, g->objects[n], &objects, &bytes);
    if (status == EDDY_EINVAL) {
        assert_false(reached[n]);
        return;
    }
    assert_int_equal(status, EDDY_OK);
    reach(g, n, without);
    for (size_t k = 0; k < g->count; k++)
        if (reached[n] && reached[k] && !without[k]) {
            expected++;
            expected_bytes += eddy_object_size(g->w.heap, g->objects[k]) + 8;
        }
    assert_int_equal(objects, expected);
    assert_int_equal(bytes, expected_bytes);
    assert_int_equal(eddy_inspect_dominator(i, g->objects[n], &dominator), EDDY_OK);
    if (dominator == NULL)
        return;
    reach(g, index_of(g, dominator), above);
    assert_true(reached[n] && !above[n]);
}

static void test_retained_is_what_reachability_says(void **state)
{
    (void)state;
    uint64_t random = support_seed("retained");
    unsigned dominated = 0;
    for (int round = 0; round < SUPPORT_SCALE(60, 12); round++) {
        struct graph g;
        graph_open(&g, 2 + support_random(&random) % 60, &random, 30 + (unsigned)(support_random(&random) % 70));
        bool reached[MOST];
        reach(&g, SIZE_MAX, reached);
        eddy_inspection *i = begin(&g.w);
        for (size_t n = 0; n < g.count; n++) {
            check_retained(&g, i, reached, n);
            const void *dominator;
            dominated += eddy_inspect_dominator(i, g.objects[n], &dominator) == EDDY_OK && dominator != NULL;
        }
        eddy_inspect_end(i);
        graph_close(&g);
    }
    assert_true(dominated > 10);
}

/* The example of Lengauer and Tarjan's paper (figure 1), and its dominator tree (figure 2). */
static void test_the_example_of_the_paper(void **state)
{
    (void)state;
    static const char *const edges_of[] = {"RABC", "AD",  "BADE", "CFG", "DL",  "EH", "FI",
                                           "GIJ",  "HEK", "IK",   "JI",  "KIR", "LH"};
    static const char dominators[][2] = {"DR", "LD", "BR", "AR", "ER", "HR", "CR", "FC", "GC", "JG", "IR", "KR"};
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    eddy_array *named[128] = {NULL};
    roots[0] = eddy_alloc_array(w.t, 26); /* keeps all while the graph is made */
    for (size_t k = 0; k < 13; k++) {
        unsigned char name = (unsigned char)edges_of[k][0];
        named[name] = eddy_alloc_array(w.t, 4);
        array_put(w.t, roots[0], name - 'A', named[name]);
    }
    for (size_t k = 0; k < 13; k++)
        for (size_t e = 1; edges_of[k][e] != 0; e++)
            array_put(w.t, named[(unsigned char)edges_of[k][0]], e - 1, named[(unsigned char)edges_of[k][e]]);
    roots[0] = named['R'];
    eddy_inspection *i = begin(&w);
    for (size_t k = 0; k < 12; k++) {
        const void *dominator;
        assert_int_equal(eddy_inspect_dominator(i, named[(unsigned char)dominators[k][0]], &dominator), EDDY_OK);
        if (dominator != named[(unsigned char)dominators[k][1]])
            fail_msg("%c", dominators[k][0]);
    }
    uint64_t objects, bytes;
    assert_int_equal(eddy_inspect_retained(i, named['R'], &objects, &bytes), EDDY_OK);
    assert_int_equal(objects, 13);
    assert_int_equal(eddy_inspect_retained(i, named['C'], &objects, &bytes), EDDY_OK);
    assert_int_equal(objects, 4); /* C, F, G, J */
    eddy_inspect_end(i);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* Neither paths nor dominators recurse. */
static void test_a_deep_list(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    const size_t depth = SUPPORT_SCALE(1000000, 100000);
    ROOTS_PUSH(w.t, 2);
    struct node *last = NULL;
    for (size_t n = 0; n < depth; n++) {
        struct node *node = node_new(&w);
        if (last == NULL)
            last = roots[1] = node;
        EDDY_SET(w.t, node, left, roots[0]);
        roots[0] = node;
    }
    roots[1] = NULL;
    eddy_inspection *i = begin(&w);
    eddy_root root;
    eddy_path_step step;
    size_t length;
    assert_int_equal(eddy_inspect_path(i, last, &root, &step, 1, &length), EDDY_OK);
    assert_int_equal(length, depth);
    assert_ptr_equal(step.object, roots[0]);
    uint64_t objects, bytes;
    assert_int_equal(eddy_inspect_retained(i, roots[0], &objects, &bytes), EDDY_OK);
    assert_int_equal(objects, depth);
    assert_int_equal(bytes, depth * 32);
    eddy_inspect_end(i);
    ROOTS_POP(w.t);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_kinds_of_roots),
        cmocka_unit_test(test_retained_is_what_reachability_says),
        cmocka_unit_test(test_the_example_of_the_paper),
        cmocka_unit_test(test_a_deep_list),
    };
    return RUN_TESTS("inspect", tests);
}
