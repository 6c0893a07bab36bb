/* Introspection: the walk sees every object once; paths lead from a root along fields that are there; retained sizes are those that
 * reachability gives, on random graphs; snapshots are well-formed and hold the same graph; threads are described as they are;
 * errors are reported, and everything goes on afterwards. */
#include "tests/support.h"

#include <errno.h>
#include <jansson.h>

#include "runtime/heap/heap.h"

/* ---- a heap with a graph in it ---- */

#define MOST 400

struct graph {
    struct world w;
    void *slot;
    size_t count;
    void *objects[MOST]; /* nodes, and some arrays */
    bool array[MOST];
};

static eddy_inspection *begin(const struct world *w)
{
    eddy_inspection *i = NULL;
    assert_int_equal(eddy_inspect_begin(w->t, 0, &i), EDDY_OK);
    assert_non_null(i);
    return i;
}

/* Edge k of object n. */
static void *edge(const struct graph *g, size_t n, size_t k)
{
    if (g->array[n])
        return ((eddy_array *)g->objects[n])->slots[k];
    const struct node *node = g->objects[n];
    return k == 0 ? node->left : node->right;
}
static size_t edges(const struct graph *g, size_t n)
{
    return g->array[n] ? ((eddy_array *)g->objects[n])->length : 2;
}
static size_t index_of(const struct graph *g, const void *object)
{
    for (size_t n = 0; n < g->count; n++)
        if (g->objects[n] == object)
            return n;
    return SIZE_MAX;
}

static void set_edge(struct graph *g, size_t n, size_t k, void *to)
{
    if (g->array[n])
        array_put(g->w.t, g->objects[n], k, to);
    else if (k == 0)
        EDDY_SET(g->w.t, (struct node *)g->objects[n], left, to);
    else
        EDDY_SET(g->w.t, (struct node *)g->objects[n], right, to);
}

/* Objects 0 and 1 are held by a root slot and by eddy_retain; the rest as the edges have it. All are kept alive by `keep` while the
 * graph is being made. */
static void graph_open(struct graph *g, size_t count, uint64_t *random, unsigned density)
{
    memset(g, 0, sizeof *g);
    g->w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    g->count = count;
    assert_int_equal(eddy_root_add(g->w.t, &g->slot), EDDY_OK);
    ROOTS_PUSH(g->w.t, MOST);
    for (size_t n = 0; n < count; n++) {
        g->array[n] = n == 0 || support_random(random) % 4 == 0;
        size_t length = n == 0 ? 6 : support_random(random) % 5;
        roots[n] = g->objects[n] = g->array[n] ? (void *)eddy_alloc_array(g->w.t, length) : (void *)node_new(&g->w);
    }
    for (size_t n = 0; n < count; n++)
        for (size_t k = 0; k < edges(g, n); k++)
            if (n == 0 || support_random(random) % 100 < density) {
                bool forward = n == 0 || support_random(random) % 4 != 0; /* mostly a tree-like graph: deep dominators */
                size_t to = forward ? n + support_random(random) % 6 + 1 : support_random(random) % count;
                set_edge(g, n, k, to < count ? g->objects[to] : NULL);
            }
    eddy_root_store(g->w.t, &g->slot, g->objects[0]);
    eddy_retain(g->w.t, g->objects[1]);
    ROOTS_POP(g->w.t);
}

static void graph_close(struct graph *g)
{
    eddy_release(g->w.t, g->objects[1]);
    assert_int_equal(eddy_root_remove(g->w.t, &g->slot), EDDY_OK);
    assert_int_equal(live_after_collect(&g->w), 0);
    world_close(&g->w);
}

/* What is reachable when `without` is left out (SIZE_MAX: nothing is). */
static void reach(const struct graph *g, size_t without, bool reached[MOST])
{
    size_t work[MOST], left = 0;
    memset(reached, 0, MOST * sizeof *reached);
    for (size_t n = 0; n < 2; n++)
        if (n != without) {
            reached[n] = true;
            work[left++] = n;
        }
    while (left != 0) {
        size_t n = work[--left];
        for (size_t k = 0; k < edges(g, n); k++) {
            size_t to = edge(g, n, k) == NULL ? SIZE_MAX : index_of(g, edge(g, n, k));
            if (to != SIZE_MAX && to != without && !reached[to]) {
                reached[to] = true;
                work[left++] = to;
            }
        }
    }
}

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
        uint64_t references = 2; /* the roots */
        for (size_t n = 0; n < g.count; n++) {
            assert_int_equal(tally.seen[n], reached[n]); /* after a collection: exactly what is reachable */
            for (size_t k = 0; reached[n] && k < edges(&g, n); k++)
                references += edge(&g, n, k) != NULL;
        }
        assert_int_equal(tally.references, references);
        assert_int_equal(tally.objects, world_stats(&g.w).live_objects);
        assert_int_equal(tally.bytes, world_stats(&g.w).live_bytes);
        assert_int_equal(tally.types, 2);
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
        assert_int_equal(eddy_inspect_path(i, g.objects[n], &root, first, 1, &again), EDDY_OK); /* too little room: only the beginning */
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

static char text[1 << 20];
static size_t text_length;

static bool write_text(void *context, const void *bytes, size_t n)
{
    (void)context;
    if (n > sizeof text - 1 - text_length)
        return false;
    memcpy(text + text_length, bytes, n);
    text_length += n;
    text[text_length] = 0;
    return true;
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
    static const char *const edges_of[] = {"RABC", "AD", "BADE", "CFG", "DL", "EH", "FI", "GIJ", "HEK", "IK", "JI", "KIR", "LH"};
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
    assert_string_equal(string_at(&p, field(&p, node, NAME)), "a \"quoted\"\\ \n\x01 \xc3\xa9\xef\xbf\xbd\xef\xbf\xbd name");
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

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    eddy_inspection *i = begin(&w), *second;
    assert_int_equal(eddy_inspect_begin(w.t, 0, &second), EDDY_EBUSY);
    assert_null(second);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_EBUSY);
    assert_int_equal(eddy_verify(w.t, 0, NULL), EDDY_EBUSY);
    assert_int_equal(eddy_thread_detach(w.t), EDDY_EBUSY);
    eddy_inspect_end(i);
    eddy_inspect_end(NULL);
    assert_int_equal(eddy_collect(w.t, 0, NULL), EDDY_OK);
    world_close(&w);
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

/* ---- threads ---- */

struct helper {
    struct world w;
    int step; /* atomic: 1 running, 2 to native, 3 native, 4 to running, 5 running, 6 the end */
    int tid;
};

static void *helper_main(void *argument)
{
    struct helper *h = argument;
    eddy_thread *t = NULL;
    CHECK(eddy_thread_attach(h->w.heap, &t) == EDDY_OK);
    h->tid = eddy__os_thread_id();
    EDDY_STORE_SEQ_CST(&h->step, 1);
    WAIT_UNTIL((eddy_safepoint(t), EDDY_LOAD_SEQ_CST(&h->step) == 2));
    eddy_native_enter(t);
    EDDY_STORE_SEQ_CST(&h->step, 3);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h->step) == 4);
    eddy_native_leave(t);
    EDDY_STORE_SEQ_CST(&h->step, 5);
    WAIT_UNTIL((eddy_safepoint(t), EDDY_LOAD_SEQ_CST(&h->step) == 6));
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static eddy_thread_state found_state;
static unsigned threads_found;

static void find_thread(void *context, const eddy_thread_state *state)
{
    threads_found++;
    if (state->tid == *(int *)context)
        found_state = *state;
}

static eddy_thread_state state_of(struct helper *h)
{
    memset(&found_state, 0, sizeof found_state);
    threads_found = 0;
    eddy_inspect_threads(h->w.heap, find_thread, &h->tid);
    assert_int_equal(threads_found, 2);
    assert_int_equal(found_state.tid, h->tid);
    return found_state;
}

static void test_threads(void **state)
{
    (void)state;
    struct helper h = {.w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS)};
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, helper_main, &h), 0);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h.step) == 1);
    eddy_thread_state s = state_of(&h);
    assert_false(s.native);
    assert_int_equal(s.epoch, h.w.heap->epoch);
    assert_true(s.stack_low < s.stack_high);
    uint64_t before = s.since_ns;
    EDDY_STORE_SEQ_CST(&h.step, 2);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h.step) == 3);
    s = state_of(&h);
    assert_true(s.native);
    assert_true(s.since_ns >= before && s.since_ns <= eddy__os_now());
    world_step(&h.w, 2); /* acted for: its epoch goes on, its state does not */
    eddy_thread_state later = state_of(&h);
    assert_int_equal(later.epoch, h.w.heap->epoch);
    assert_int_equal(later.since_ns, s.since_ns);
    WAIT_UNTIL(eddy__os_now_coarse() > s.since_ns);
    EDDY_STORE_SEQ_CST(&h.step, 4);
    WAIT_UNTIL(EDDY_LOAD_SEQ_CST(&h.step) == 5);
    later = state_of(&h);
    assert_false(later.native);
    assert_true(later.since_ns > s.since_ns);
    eddy_inspection *i = begin(&h.w); /* waits in its safepoint */
    assert_true(state_of(&h).native);
    eddy_inspect_end(i);
    EDDY_STORE_SEQ_CST(&h.step, 6);
    eddy_native_enter(h.w.t);
    pthread_join(id, NULL);
    eddy_native_leave(h.w.t);
    assert_checks_passed();
    world_close(&h.w);
}

/* ---- beside running threads ---- */

struct busy {
    struct world w;
    void *shared;
    int stop;
};

static void *busy_main(void *argument)
{
    struct busy *busy = argument;
    struct world mine = busy->w;
    uint64_t random = (uintptr_t)&mine | 1;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    eddy_array *array = eddy_root_load(mine.t, &busy->shared);
    while (!EDDY_LOAD_RELAXED(&busy->stop)) {
        uint64_t r = support_random(&random);
        ROOTS_PUSH(mine.t, 1);
        struct node *n = roots[0] = node_new(&mine);
        EDDY_SET(mine.t, n, left, r % 4 ? NULL : n);
        EDDY_SET(mine.t, n, right, r % 3 ? NULL : eddy_load(mine.t, &array->slots[r / 64 % array->length]));
        array_put(mine.t, array, r % array->length, r % 5 ? n : NULL);
        ROOTS_POP(mine.t);
    }
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

struct census {
    eddy_inspection *i;
    uint64_t objects, retained, dominated;
};

static void check_object(void *context, const eddy_object_info *info)
{
    struct census *census = context;
    const void *dominator;
    eddy_root root;
    size_t length;
    uint64_t objects, bytes;
    census->objects++;
    assert_int_equal(eddy_inspect_path(census->i, info->object, &root, NULL, 0, &length), EDDY_OK);
    assert_int_equal(eddy_inspect_retained(census->i, info->object, &objects, &bytes), EDDY_OK);
    assert_int_equal(eddy_inspect_dominator(census->i, info->object, &dominator), EDDY_OK);
    assert_int_equal(length == 0, objects == 0);
    if (length != 0 && dominator == NULL)
        census->dominated += objects; /* of the trees below the roots */
    census->retained += length != 0;
}

static void test_beside_running_threads(void **state)
{
    (void)state;
    struct busy busy = {.w = world_open(EDDY_HEAP_PRECISE_ROOTS)};
    struct world *w = &busy.w;
    assert_int_equal(eddy_root_add(w->t, &busy.shared), EDDY_OK);
    eddy_root_store(w->t, &busy.shared, eddy_alloc_array(w->t, 100));
    pthread_t ids[2];
    for (int n = 0; n < 2; n++)
        assert_int_equal(pthread_create(&ids[n], NULL, busy_main, &busy), 0);
    for (int round = 0; round < SUPPORT_SCALE(10, 4); round++) {
        eddy_inspection *i = begin(w);
        struct census census = {.i = i}, again = {.i = i};
        eddy_inspect_objects(i, check_object, &census);
        eddy_inspect_objects(i, check_object, &again);
        assert_int_equal(census.objects, again.objects); /* nobody moves */
        assert_int_equal(census.objects, world_stats(w).live_objects);
        assert_int_equal(census.dominated, census.retained);
        eddy_inspect_end(i);
        eddy_safepoint(w->t);
    }
    EDDY_STORE_RELAXED(&busy.stop, 1);
    eddy_native_enter(w->t);
    for (int n = 0; n < 2; n++)
        pthread_join(ids[n], NULL);
    eddy_native_leave(w->t);
    assert_checks_passed();
    assert_int_equal(eddy_root_remove(w->t, &busy.shared), EDDY_OK);
    assert_int_equal(live_after_collect(w), 0);
    world_close(w);
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
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_snapshot_of_odd_types),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_errors_of_writing),
        cmocka_unit_test(test_one_at_a_time),
#ifdef EDDY_HOOKS
        cmocka_unit_test(test_out_of_memory),
#endif
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_beside_running_threads),
    };
    return RUN_TESTS("inspect", tests);
}
