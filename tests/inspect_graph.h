/* A heap with a random graph of objects in it, and a sink for text: what the tests of introspection share. */
#ifndef EDDY_TESTS_INSPECT_GRAPH_H
#define EDDY_TESTS_INSPECT_GRAPH_H

#include "tests/support.h"

#include "runtime/heap/heap.h"

#define MOST 400

struct graph {
    struct world w;
    void *slot;
    size_t count;
    void *objects[MOST]; /* nodes, and some arrays */
    bool array[MOST];
};

static inline eddy_inspection *begin(const struct world *w)
{
    eddy_inspection *i = NULL;
    assert_int_equal(eddy_inspect_begin(w->t, 0, &i), EDDY_OK);
    assert_non_null(i);
    return i;
}

/* Edge k of object n. */
static inline void *edge(const struct graph *g, size_t n, size_t k)
{
    if (g->array[n])
        return ((eddy_array *)g->objects[n])->slots[k];
    const struct node *node = g->objects[n];
    return k == 0 ? node->left : node->right;
}
static inline size_t edges(const struct graph *g, size_t n)
{
    return g->array[n] ? ((eddy_array *)g->objects[n])->length : 2;
}
static inline size_t index_of(const struct graph *g, const void *object)
{
    for (size_t n = 0; n < g->count; n++)
        if (g->objects[n] == object)
            return n;
    return SIZE_MAX;
}

static inline void set_edge(struct graph *g, size_t n, size_t k, void *to)
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
static inline void graph_open(struct graph *g, size_t count, uint64_t *random, unsigned density)
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

static inline void graph_close(struct graph *g)
{
    eddy_release(g->w.t, g->objects[1]);
    assert_int_equal(eddy_root_remove(g->w.t, &g->slot), EDDY_OK);
    assert_int_equal(live_after_collect(&g->w), 0);
    world_close(&g->w);
}

/* What is reachable when `without` is left out (SIZE_MAX: nothing is). */
static inline void reach(const struct graph *g, size_t without, bool reached[MOST])
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

static char text[1 << 20];
static size_t text_length;

static inline bool write_text(void *context, const void *bytes, size_t n)
{
    (void)context;
    if (n > sizeof text - 1 - text_length)
        return false;
    memcpy(text + text_length, bytes, n);
    text_length += n;
    text[text_length] = 0;
    return true;
}

#endif
