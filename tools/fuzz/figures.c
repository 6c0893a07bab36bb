/* Lists, rings, trees, hubs, dense webs, chains of rings, tables. Uses the handle in which the figure ends up, and
 * the two after it while it builds; what these held is dropped. */
#include "tools/fuzz/figures.h"

const char *const figure_names[FIGURES] = {"list", "ring", "tree", "hub", "dense", "rings", "table"};

static unsigned after(unsigned handle, unsigned n)
{
    return (handle + n) % FUZZ_HANDLES;
}

static bool fresh(struct mutator *m, unsigned handle, unsigned shape, size_t length)
{
    uint32_t number = fuzz_new(m, shape, length);
    if (number != 0)
        fuzz_hold(m, handle, number);
    return number != 0;
}

/* Head in handle h, last node in the one after. */
static bool build_list(struct mutator *m, unsigned h, unsigned n)
{
    fuzz_hold(m, h, 0);
    for (unsigned i = 0; i < n; i++) {
        if (!fresh(m, after(h, 2), SHAPE_NODE, 0))
            return false;
        if (i == 0)
            fuzz_hold(m, after(h, 1), m->handles[after(h, 2)]);
        else
            fuzz_store(m, m->handles[after(h, 2)], 0, m->handles[h]);
        fuzz_hold(m, h, m->handles[after(h, 2)]);
    }
    return true;
}

static bool build_ring(struct mutator *m, unsigned h, unsigned n)
{
    if (!build_list(m, h, n))
        return false;
    fuzz_store(m, m->handles[after(h, 1)], 0, m->handles[h]);
    return true;
}

/* Rings, each of which refers to the one built before: as a whole they hang on one reference. */
static void build_rings(struct mutator *m, unsigned h, unsigned n)
{
    unsigned first = after(h, 3);
    fuzz_hold(m, first, 0);
    for (unsigned i = 0; i < n && build_ring(m, h, 1 + i % 3); i++) {
        fuzz_store(m, m->handles[h], 1, m->handles[first]);
        fuzz_hold(m, first, m->handles[h]);
    }
    fuzz_hold(m, first, 0);
}

static void build_tree(struct mutator *m, unsigned h, unsigned n)
{
    unsigned at = after(h, 1), leaf = after(h, 2);
    if (!fresh(m, h, SHAPE_NODE, 0))
        return;
    for (unsigned i = 1; i < n; i++) { /* down along the bits of the number of the new node */
        if (!fresh(m, leaf, SHAPE_NODE, 0))
            return;
        uint32_t node = m->handles[h];
        for (unsigned path = i;; path >>= 1) {
            fuzz_hold(m, at, node);
            uint32_t next = *model_field(m->run, node, path & 1);
            if (next == 0 || m->run->model.objects[next].shape != SHAPE_NODE) {
                fuzz_store(m, node, path & 1, m->handles[leaf]);
                break;
            }
            node = next;
        }
    }
}

/* Many refer to one, which refers back to the last of them. */
static void build_hub(struct mutator *m, unsigned h, unsigned n)
{
    if (!build_list(m, h, n) || !fresh(m, after(h, 2), SHAPE_NODE, 0))
        return;
    uint32_t hub = m->handles[after(h, 2)];
    for (uint32_t node = m->handles[h]; node != 0;) {
        fuzz_hold(m, after(h, 1), node);
        fuzz_store(m, node, 1, hub);
        uint32_t next = *model_field(m->run, node, 0);
        if (m->run->model.objects[next].shape != SHAPE_NODE || next == hub)
            break;
        node = next;
    }
    fuzz_store(m, hub, 0, m->handles[h]);
}

/* Arrays that all refer to each other. */
static void build_dense(struct mutator *m, unsigned h, unsigned n)
{
    if (!fresh(m, h, SHAPE_ARRAY, n))
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (!fresh(m, after(h, 1), SHAPE_ARRAY, n))
            return;
        fuzz_store(m, m->handles[h], i, m->handles[after(h, 1)]);
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++) {
            uint32_t from = *model_field(m->run, m->handles[h], i), to = *model_field(m->run, m->handles[h], k);
            if (from == 0 || m->run->model.objects[from].fields <= k)
                continue;
            fuzz_hold(m, after(h, 1), from);
            fuzz_hold(m, after(h, 2), to);
            fuzz_store(m, from, k, to);
        }
}

/* An array of short lists, as a hash table has them. */
static void build_table(struct mutator *m, unsigned h, unsigned n)
{
    if (!fresh(m, h, SHAPE_ARRAY, 7))
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (!fresh(m, after(h, 1), SHAPE_NODE, 0))
            return;
        uint32_t before = *model_field(m->run, m->handles[h], i % 7);
        fuzz_hold(m, after(h, 2), before);
        fuzz_store(m, m->handles[after(h, 1)], 0, before);
        fuzz_store(m, m->handles[h], i % 7, m->handles[after(h, 1)]);
    }
}

void figure_build(struct mutator *m, const struct operation *o)
{
    unsigned h = o->a % FUZZ_HANDLES, n = 1 + o->c % 24u;
    switch (o->b % FIGURES) {
    case FIGURE_LIST: build_list(m, h, n); break;
    case FIGURE_RING: build_ring(m, h, n); break;
    case FIGURE_TREE: build_tree(m, h, n); break;
    case FIGURE_HUB: build_hub(m, h, n); break;
    case FIGURE_DENSE: build_dense(m, h, 1 + n % 5); break;
    case FIGURE_RINGS: build_rings(m, h, n); break;
    default: build_table(m, h, n);
    }
    fuzz_hold(m, after(h, 1), 0);
    fuzz_hold(m, after(h, 2), 0);
}
