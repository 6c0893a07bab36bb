/* What introspection writes: snapshots are well-formed and hold the graph of the heap, as do dot files; errors of writing and
 * tables that cannot be had are reported, and everything goes on afterwards. */
#include "tests/inspect_graph.h"

#include <errno.h>
#include <jansson.h>

/* ---- snapshots ---- */

enum { TYPE, NAME, ID, SELF_SIZE, EDGE_COUNT, NODE_FIELDS = 7 };

struct parsed {
    json_t *whole, *nodes, *edges, *strings;
    size_t node_count, edge_count;
    const char *base; /* of the heap's range */
};

static json_int_t number_at(json_t *array, size_t n)
{
    json_t *value = json_array_get(array, n);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const char *string_at(const struct parsed *p, json_int_t n)
{
    assert_in_range(n, 0, json_array_size(p->strings) - 1);
    return json_string_value(json_array_get(p->strings, (size_t)n));
}

static struct parsed parse_snapshot(const struct world *w, eddy_inspection *i)
{
    text_length = 0;
    assert_int_equal(eddy_inspect_write_snapshot(i, write_text, NULL), EDDY_OK);
    json_error_t error;
    struct parsed p = {.whole = json_loads(text, JSON_REJECT_DUPLICATES, &error), .base = w->heap->base};
    if (p.whole == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    json_t *snapshot = json_object_get(p.whole, "snapshot"), *meta = json_object_get(snapshot, "meta");
    p.nodes = json_object_get(p.whole, "nodes");
    p.edges = json_object_get(p.whole, "edges");
    p.strings = json_object_get(p.whole, "strings");
    p.node_count = (size_t)json_integer_value(json_object_get(snapshot, "node_count"));
    p.edge_count = (size_t)json_integer_value(json_object_get(snapshot, "edge_count"));
    assert_int_equal(json_array_size(json_object_get(meta, "node_fields")), NODE_FIELDS);
    assert_int_equal(json_array_size(json_object_get(meta, "node_types")), NODE_FIELDS);
    assert_int_equal(json_array_size(json_object_get(meta, "edge_fields")), 3);
    assert_int_equal(json_array_size(json_object_get(meta, "edge_types")), 3);
    assert_int_equal(json_array_size(p.nodes), p.node_count * NODE_FIELDS);
    assert_int_equal(json_array_size(p.edges), p.edge_count * 3);
    return p;
}

static json_int_t field(const struct parsed *p, size_t node, size_t k)
{
    return number_at(p->nodes, node * NODE_FIELDS + k);
}

/* The node of the object with that address. */
static size_t node_of(const struct parsed *p, const void *object)
{
    size_t found = SIZE_MAX;
    for (size_t n = 0; n < p->node_count; n++)
        if (field(p, n, ID) == (json_int_t)((const char *)object - p->base) / 16) {
            assert_int_equal(found, SIZE_MAX);
            found = n;
        }
    return found;
}

/* Compares the edges from number `e` on with those of object `n`. */
static void compare_edges(const struct graph *g, const struct parsed *p, size_t n, size_t e)
{
    for (size_t k = 0; k < edges(g, n); k++) {
        if (edge(g, n, k) == NULL)
            continue;
        json_int_t type = number_at(p->edges, 3 * e), name = number_at(p->edges, 3 * e + 1);
        assert_int_equal(type, g->array[n] ? 1 : 2); /* element, property */
        if (g->array[n])
            assert_int_equal(name, k);
        else
            assert_string_equal(string_at(p, name), k == 0 ? "+0" : "+8");
        assert_int_equal(number_at(p->edges, 3 * e + 2), node_of(p, edge(g, n, k)) * NODE_FIELDS);
        e++;
    }
}

static void test_snapshot(void **state)
{
    (void)state;
    uint64_t random = support_seed("snapshot");
    struct graph g;
    graph_open(&g, 60, &random, 85);
    struct node *ring = node_new(&g.w); /* garbage that takes a search to be found */
    EDDY_SET(g.w.t, ring, left, ring);
    ROOTS_PUSH(g.w.t, 1);
    roots[0] = ring;
    world_step(&g.w, 1);
    roots[0] = NULL;
    eddy_inspection *i = begin(&g.w);
    struct parsed p = parse_snapshot(&g.w, i);
    eddy_inspect_end(i);
    assert_int_equal(field(&p, 0, TYPE), 9);
    assert_string_equal(string_at(&p, field(&p, 1, NAME)), "(GC roots)");
    bool reached[MOST];
    reach(&g, SIZE_MAX, reached);
    size_t edge_at = 0, found = 0, unreachable = SIZE_MAX;
    bool pointed_at[MOST * 2] = {true};
    for (size_t node = 0; node < p.node_count; node++) {
        size_t count = (size_t)field(&p, node, EDGE_COUNT);
        assert_true(field(&p, node, ID) > 0 && field(&p, node, ID) <= UINT32_MAX); /* Chrome keeps 32 bits */
        for (size_t n = 0; n < g.count; n++)
            if (reached[n] && node_of(&p, g.objects[n]) == node) {
                found++;
                assert_string_equal(string_at(&p, field(&p, node, NAME)), g.array[n] ? "array" : "node");
                assert_int_equal(field(&p, node, SELF_SIZE), eddy_object_size(g.w.heap, g.objects[n]) + 8);
                compare_edges(&g, &p, n, edge_at);
            }
        if (strcmp(string_at(&p, field(&p, node, NAME)), "(unreachable)") == 0)
            unreachable = node;
        for (size_t e = edge_at; e < edge_at + count; e++) {
            json_int_t to = number_at(p.edges, 3 * e + 2), type = number_at(p.edges, 3 * e);
            assert_true(to % NODE_FIELDS == 0 && (size_t)to / NODE_FIELDS < p.node_count);
            assert_true(type == 1 || type == 2 || type == 5);
            if (type != 1)
                string_at(&p, number_at(p.edges, 3 * e + 1));
            pointed_at[to / NODE_FIELDS] = true;
            if (node == unreachable && (size_t)to / NODE_FIELDS == node_of(&p, ring))
                ring = NULL;
        }
        edge_at += count;
    }
    assert_int_equal(edge_at, p.edge_count);
    assert_true(found > 2);
    assert_null(ring);
    for (size_t node = 0; node < p.node_count; node++)
        assert_true(pointed_at[node]); /* no orphans */
    json_decref(p.whole);
    ROOTS_POP(g.w.t);
    graph_close(&g);
}

/* Names that JSON has to escape; a trace callback; no objects at all. */
static void trace_pair(const void *object, eddy_visitor *visitor)
{
    eddy_visit(visitor, (void *const *)object);
    eddy_visit(visitor, (void *const *)object + 2);
}

static void test_snapshot_of_odd_types(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    eddy_inspection *i = begin(&w);
    struct parsed p = parse_snapshot(&w, i);
    assert_int_equal(p.node_count, 3);
    json_decref(p.whole);
    eddy_inspect_end(i);
    const eddy_type_desc desc = {.name = "a \"quoted\"\\ \n\x01 \xc3\xa9\xff\xc3 name", .size = 24, .trace = trace_pair};
    const eddy_type *type;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    void **object = roots[0] = eddy_alloc(w.t, type);
    eddy_store(w.t, object, object + 2, node_new(&w));
    i = begin(&w);
    p = parse_snapshot(&w, i);
    size_t node = node_of(&p, object);
    assert_string_equal(string_at(&p, field(&p, node, NAME)),
                        "a \"quoted\"\\ \n\x01 \xc3\xa9\xef\xbf\xbd\xef\xbf\xbd name");
    size_t e = 0;
    for (size_t n = 0; n < node; n++)
        e += (size_t)field(&p, n, EDGE_COUNT);
    assert_int_equal(number_at(p.edges, 3 * e), 1);
    assert_int_equal(number_at(p.edges, 3 * e + 1), 1); /* the second that the callback shows */
    json_decref(p.whole);
    eddy_inspect_end(i);
    ROOTS_POP(w.t);
    world_close(&w);
}

static size_t occurrences(const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void test_dot(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    ROOTS_PUSH(w.t, 1);
    eddy_array *array = roots[0] = eddy_alloc_array(w.t, 3);
    struct node *n = node_new(&w);
    array_put(w.t, array, 2, n);
    EDDY_SET(w.t, n, right, n);
    eddy_inspection *i = begin(&w);
    text_length = 0;
    assert_int_equal(eddy_inspect_write_dot(i, write_text, NULL), EDDY_OK);
    eddy_inspect_end(i);
    assert_int_equal(strncmp(text, "digraph heap {\n", 15), 0);
    assert_int_equal(occurrences(" -> "), 3);
    assert_int_equal(occurrences("[label=\"[2]\"]"), 1);
    assert_int_equal(occurrences("[label=\"+8\"]"), 1);
    assert_int_equal(occurrences("node\\n0x"), 1);
    assert_int_equal(occurrences("(handles of thread 1)"), 1);
    assert_int_equal(occurrences("{"), occurrences("}"));
    ROOTS_POP(w.t);
    world_close(&w);
}

/* The fields of types with an encoding lie where the words do, for all that names them. */
static void test_words(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    static const size_t offsets[] = {16};
    static const eddy_encoding encoding = {.test = 15, .value = 2, .address = ~(uintptr_t)15};
    const eddy_type_desc desc = {.name = "words",
                                 .size = 24,
                                 .ref_offsets = offsets,
                                 .ref_count = 1,
                                 .tail = EDDY_TAIL_REFS,
                                 .length_offset = 8,
                                 .encoding = &encoding};
    const eddy_type *type;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    uintptr_t *words = roots[0] = eddy_alloc_tail(w.t, type, 3);
    const struct node *fixed = node_new(&w), *last = node_new(&w);
    eddy_store_tagged(w.t, words, words + 2, (uintptr_t)fixed | 2);
    eddy_store_tagged(w.t, words, words + 5, (uintptr_t)last | 2);
    eddy_inspection *i = begin(&w);
    eddy_path_step steps[2];
    eddy_root root;
    size_t length;
    assert_int_equal(eddy_inspect_path(i, fixed, &root, steps, 2, &length), EDDY_OK);
    assert_int_equal(length, 2);
    assert_int_equal(steps[1].field, 16);
    assert_int_equal(eddy_inspect_path(i, last, &root, steps, 2, &length), EDDY_OK);
    assert_int_equal(steps[1].field, 40);
    text_length = 0;
    assert_int_equal(eddy_inspect_write_dot(i, write_text, NULL), EDDY_OK);
    eddy_inspect_end(i);
    assert_int_equal(occurrences("[label=\"+16\"]"), 1);
    assert_int_equal(occurrences("[label=\"[2]\"]"), 1);
    ROOTS_POP(w.t);
    world_close(&w);
}

/* ---- errors ---- */

static bool write_until(void *context, const void *bytes, size_t n)
{
    size_t *left = context;
    (void)bytes;
    if (n > *left)
        return false;
    *left -= n;
    return true;
}

static void test_errors_of_writing(void **state)
{
    (void)state;
    uint64_t random = support_seed("writing");
    struct graph g;
    graph_open(&g, MOST, &random, 80);
    eddy_inspection *i = begin(&g.w);
    text_length = 0;
    assert_int_equal(eddy_inspect_write_snapshot(i, write_text, NULL), EDDY_OK);
    size_t snapshot = text_length;
    text_length = 0;
    assert_int_equal(eddy_inspect_write_dot(i, write_text, NULL), EDDY_OK);
    size_t dot = text_length;
    for (size_t part = 0; part <= 8; part++) {
        eddy_status expected = part < 8 ? EDDY_ESYSTEM : EDDY_OK;
        size_t left = snapshot * part / 8;
        assert_int_equal(eddy_inspect_write_snapshot(i, write_until, &left), expected);
        left = dot * part / 8;
        assert_int_equal(eddy_inspect_write_dot(i, write_until, &left), expected);
    }
    size_t none = 0;
    assert_int_equal(eddy_inspect_print_path(i, g.objects[0], write_until, &none), EDDY_ESYSTEM);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(eddy_inspect_write_snapshot(i, eddy_write_to_file, file), EDDY_OK);
    assert_int_equal(ftell(file), snapshot);
    fclose(file);
    FILE *full = fopen("/dev/full", "w");
    if (full != NULL) {
        setvbuf(full, NULL, _IONBF, 0);
        errno = 0;
        assert_int_equal(eddy_inspect_write_snapshot(i, eddy_write_to_file, full), EDDY_ESYSTEM);
        assert_int_equal(errno, ENOSPC);
        fclose(full);
    }
    eddy_inspect_end(i);
    graph_close(&g);
}

#ifdef EDDY_HOOKS
/* Each table in turn cannot be had: reported, nothing lost, and the next attempt succeeds. */
static void test_out_of_memory(void **state)
{
    (void)state;
    uint64_t random = support_seed("memory");
    struct graph g;
    graph_open(&g, 50, &random, 60);
    eddy_root root;
    size_t length;
    uint64_t objects, bytes;
    unsigned failures = 0;
    for (uint32_t attempt = 1; attempt < 40; attempt++) {
        eddy_inspection *i = begin(&g.w);
        EDDY_STORE_RELAXED(&eddy__fail_countdown, attempt);
        eddy_status path = eddy_inspect_path(i, g.objects[0], &root, NULL, 0, &length);
        eddy_status retained = eddy_inspect_retained(i, g.objects[0], &objects, &bytes);
        text_length = 0;
        eddy_status snapshot = eddy_inspect_write_snapshot(i, write_text, NULL);
        bool failed = path == EDDY_ENOMEM || retained == EDDY_ENOMEM || snapshot == EDDY_ENOMEM;
        assert_int_equal(EDDY_LOAD_RELAXED(&eddy__fail_countdown) == 0, failed);
        EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
        failures += failed;
        assert_int_equal(eddy_inspect_path(i, g.objects[0], &root, NULL, 0, &length), EDDY_OK);
        assert_int_equal(eddy_inspect_retained(i, g.objects[0], &objects, &bytes), EDDY_OK);
        eddy_inspect_end(i);
    }
    assert_true(failures > 20);
    graph_close(&g);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot),      cmocka_unit_test(test_snapshot_of_odd_types), cmocka_unit_test(test_dot),
        cmocka_unit_test(test_words),         cmocka_unit_test(test_errors_of_writing),
#ifdef EDDY_HOOKS
        cmocka_unit_test(test_out_of_memory),
#endif
    };
    return RUN_TESTS("inspect_output", tests);
}
