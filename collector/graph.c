/* The heap as a graph; see inspection.h. Walks the heap three times: objects, number of edges, edges. */
#include <stdlib.h>

#include "collector/inspection.h"

void *eddy__graph_table(size_t n, size_t item_bytes)
{
    return FAILS_NOW() ? NULL : calloc(n + 1, item_bytes);
}

/* ---- objects ---- */

static void count_object(void *context, struct block *b, uint32_t cell, void *object)
{
    (void)b, (void)cell, (void)object;
    ++*(size_t *)context;
}

static void add_object(void *context, struct block *b, uint32_t cell, void *object)
{
    eddy_inspection *i = context;
    struct graph *g = &i->graph;
    (void)cell;
    uint32_t block = (uint32_t)(b - i->heap->blocks);
    if (g->block_first[block] == 0)
        g->block_first[block] = g->nodes;
    g->objects[g->nodes++] = object;
}

static eddy_status number_objects(eddy_inspection *i)
{
    struct graph *g = &i->graph;
    size_t objects = 0;
    eddy__walk_objects(i->heap->collector, count_object, &objects);
    if (objects >= NODE_NONE - 1)
        return EDDY_ELIMIT;
    g->blocks = EDDY_LOAD_RELAXED(&i->heap->blocks_touched);
    g->objects = eddy__graph_table(objects + 1, sizeof *g->objects);
    g->block_first = eddy__graph_table((size_t)g->blocks + 1, sizeof *g->block_first);
    if (g->objects == NULL || g->block_first == NULL)
        return EDDY_ENOMEM;
    g->nodes = 1;
    eddy__walk_objects(i->heap->collector, add_object, i);
    g->block_first[g->blocks] = g->nodes;
    for (uint32_t b = g->blocks; b-- != 0;)
        if (g->block_first[b] == 0)
            g->block_first[b] = g->block_first[b + 1];
    return EDDY_OK;
}

uint32_t eddy__graph_node(const eddy_inspection *i, const void *object)
{
    const struct graph *g = &i->graph;
    if (!heap_contains(i->heap, object))
        return NODE_NONE;
    uint32_t block = block_number(i->heap, object);
    if (block >= g->blocks)
        return NODE_NONE;
    uint32_t low = g->block_first[block], end = g->block_first[block + 1];
    for (uint32_t high = end; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)g->objects[middle] < (uintptr_t)object)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && g->objects[low] == object ? low : NODE_NONE;
}

/* ---- roots ---- */

struct root_scan {
    eddy_inspection *i;
    size_t roots;
    uint32_t groups;
    struct root_group last;
};

static void scan_root(void *context, void *object, uint64_t times, eddy_root_kind kind, const struct thread *thread,
                      const void *where)
{
    struct root_scan *scan = context;
    struct graph *g = &scan->i->graph;
    const struct root_group group = {kind, thread == NULL ? 0 : thread->number};
    uint32_t node = eddy__graph_node(scan->i, object);
    (void)times;
    if (node == NODE_NONE)
        return;
    if (group.kind != scan->last.kind || group.thread != scan->last.thread) {
        if (g->groups != NULL)
            g->groups[scan->groups] = group;
        scan->groups++;
        scan->last = group;
    }
    if (g->roots != NULL)
        g->roots[scan->roots] = (struct graph_root){node, scan->groups - 1, where};
    scan->roots++;
}

static eddy_status find_roots(eddy_inspection *i)
{
    struct graph *g = &i->graph;
    struct root_scan counted = {.i = i}, found = {.i = i};
    pthread_mutex_lock(&i->heap->registry_lock);
    eddy__walk_roots(i->heap->collector, scan_root, &counted);
    struct root_group *groups = eddy__graph_table(counted.groups, sizeof *groups);
    struct graph_root *roots = eddy__graph_table(counted.roots, sizeof *roots);
    g->groups = groups;
    g->roots = roots;
    if (groups != NULL && roots != NULL)
        eddy__walk_roots(i->heap->collector, scan_root, &found);
    pthread_mutex_unlock(&i->heap->registry_lock);
    g->root_count = found.roots;
    g->group_count = found.groups;
    return groups != NULL && roots != NULL ? EDDY_OK : EDDY_ENOMEM;
}

/* ---- edges ---- */

static void count_edge(void *context, void *const *slot)
{
    *(size_t *)context += EDDY_LOAD_ACQUIRE(slot) != NULL;
}

static void add_edge(void *context, void *const *slot)
{
    eddy_inspection *i = context;
    struct graph *g = &i->graph;
    uint32_t target = eddy__graph_node(i, EDDY_LOAD_ACQUIRE(slot));
    if (target != NODE_NONE)
        g->targets[g->first[g->nodes]++] = target; /* the last entry is the end so far */
}

static void edges_of(eddy_inspection *i, uint32_t node, edge_fn *edge, void *context)
{
    const void *object = i->graph.objects[node];
    edges_each(i->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)), object, edge, context);
    eddy__hidden_each(i->heap->collector, object, edge, context);
}

static eddy_status find_edges(eddy_inspection *i)
{
    struct graph *g = &i->graph;
    size_t edges = g->root_count;
    for (uint32_t n = 1; n < g->nodes; n++)
        edges_of(i, n, count_edge, &edges);
    g->first = eddy__graph_table((size_t)g->nodes + 1, sizeof *g->first);
    g->targets = eddy__graph_table(edges, sizeof *g->targets);
    if (g->first == NULL || g->targets == NULL)
        return EDDY_ENOMEM;
    for (size_t r = 0; r < g->root_count; r++)
        g->targets[r] = g->roots[r].node;
    g->first[g->nodes] = g->root_count;
    for (uint32_t n = 1; n < g->nodes; n++) {
        g->first[n] = g->first[g->nodes];
        edges_of(i, n, add_edge, i);
    }
    return EDDY_OK;
}

/* ---- the whole ---- */

void eddy__graph_free(struct graph *g)
{
    free(g->objects);
    free(g->block_first);
    free(g->first);
    free(g->targets);
    free(g->roots);
    free(g->groups);
    free(g->parent);
    *g = (struct graph){.nodes = 0};
}

eddy_status eddy__graph_need(eddy_inspection *i)
{
    if (i->graph.nodes != 0)
        return EDDY_OK;
    eddy_status status = number_objects(i);
    if (status == EDDY_OK)
        status = find_roots(i);
    if (status == EDDY_OK)
        status = find_edges(i);
    if (status != EDDY_OK)
        eddy__graph_free(&i->graph);
    return status;
}

eddy_status eddy__graph_need_parents(eddy_inspection *i)
{
    struct graph *g = &i->graph;
    eddy_status status = eddy__graph_need(i);
    if (status != EDDY_OK || g->parent != NULL)
        return status;
    uint32_t *parent = eddy__graph_table(g->nodes, sizeof *parent);
    uint32_t *queue = eddy__graph_table(g->nodes, sizeof *queue);
    if (parent == NULL || queue == NULL) {
        free(parent);
        free(queue);
        return EDDY_ENOMEM;
    }
    for (uint32_t n = 0; n < g->nodes; n++)
        parent[n] = NODE_NONE;
    parent[0] = 0;
    queue[0] = 0;
    uint32_t count = 1;
    for (uint32_t at = 0; at < count; at++)
        for (size_t e = g->first[queue[at]]; e < g->first[queue[at] + 1]; e++)
            if (parent[g->targets[e]] == NODE_NONE) {
                parent[g->targets[e]] = queue[at];
                queue[count++] = g->targets[e];
            }
    free(queue);
    g->parent = parent;
    return EDDY_OK;
}

/* ---- names ---- */

struct naming {
    const eddy_inspection *i;
    const char *object;
    const struct type *type;
    named_edge_fn *visit;
    void *context;
    uint64_t visited; /* references that a trace callback has shown */
};

static void name_edge(void *context, void *const *slot)
{
    struct naming *naming = context;
    uint32_t target = eddy__graph_node(naming->i, EDDY_LOAD_ACQUIRE(slot));
    size_t offset = (size_t)((const char *)edges_field(naming->type, slot) - naming->object);
    struct edge_name name = {false, offset};
    if (naming->type->trace != NULL)
        name = (struct edge_name){true, naming->visited++};
    else if (offset >= naming->type->size)
        name = (struct edge_name){true, (offset - naming->type->size) / sizeof(void *)};
    if (target != NODE_NONE)
        naming->visit(naming->context, target, name);
}

/* A hidden field (design, section 6) lies outside the object: it gets a number. */
static void name_hidden(void *context, void *const *slot)
{
    struct naming *naming = context;
    uint32_t target = eddy__graph_node(naming->i, EDDY_LOAD_ACQUIRE(slot));
    if (target != NODE_NONE)
        naming->visit(naming->context, target, (struct edge_name){true, naming->visited++});
}

void eddy__graph_named_edges(const eddy_inspection *i, const void *object, named_edge_fn *visit, void *context)
{
    struct naming naming = {.i = i, .object = object, .type = inspect_type(i, object), .visit = visit, .context = context};
    edges_each(i->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)), object, name_edge, &naming);
    eddy__hidden_each(i->heap->collector, object, name_hidden, &naming);
}
