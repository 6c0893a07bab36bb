/* The queries of eddy/inspect.h on an inspection that is under way. */
#include <stdlib.h>

#include "collector/collector.h"
#include "collector/inspection.h"

/* ---- beginning and end ---- */

eddy_status eddy__inspection_create(eddy_heap *heap, struct thread *t, eddy_inspection **inspection)
{
    eddy_inspection *i = eddy__graph_table(1, sizeof *i);
    if (i == NULL)
        return EDDY_ENOMEM;
    i->heap = heap;
    i->t = t;
    pthread_mutex_lock(&heap->collector_lock);
    *inspection = i;
    return EDDY_OK;
}

void eddy__inspection_destroy(eddy_inspection *i)
{
    eddy__graph_free(&i->graph);
    eddy__dominators_free(&i->dominators);
    pthread_mutex_unlock(&i->heap->collector_lock);
    free(i);
}

struct thread *eddy__inspection_thread(const eddy_inspection *i)
{
    return i->t;
}

/* ---- the heap walk ---- */

struct type_walk {
    const eddy_inspection *i;
    eddy_type_count *counts; /* by type number */
};

static void count_type(void *context, struct block *b, uint32_t cell, void *object)
{
    struct type_walk *walk = context;
    (void)b, (void)cell;
    const struct type *type = inspect_type(walk->i, object);
    eddy_type_count *count = &walk->counts[type->fast.header];
    count->type = &type->fast;
    count->objects++;
    count->bytes += inspect_bytes(walk->i, object);
}

static int by_bytes(const void *a, const void *b)
{
    const eddy_type_count *x = a, *y = b;
    return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

eddy_status eddy_inspect_types(eddy_inspection *i, void (*visit)(void *context, const eddy_type_count *count), void *context)
{
    size_t types = EDDY_LOAD_RELAXED(&i->heap->type_count);
    struct type_walk walk = {.i = i, .counts = eddy__graph_table(types, sizeof *walk.counts)};
    if (walk.counts == NULL)
        return EDDY_ENOMEM;
    eddy__walk_objects(i->heap->collector, count_type, &walk);
    qsort(walk.counts, types, sizeof *walk.counts, by_bytes);
    for (size_t n = 0; n < types && walk.counts[n].objects != 0; n++)
        visit(context, &walk.counts[n]);
    free(walk.counts);
    return EDDY_OK;
}

struct object_walk {
    const eddy_inspection *i;
    void (*visit)(void *context, const eddy_object_info *info);
    void *context;
};

static void show_object(void *context, struct block *b, uint32_t cell, void *object)
{
    struct object_walk *walk = context;
    const eddy_object_info info = {.object = object,
                                   .type = &inspect_type(walk->i, object)->fast,
                                   .bytes = inspect_bytes(walk->i, object),
                                   .references = eddy__count_of(walk->i->heap->collector, b, cell, object)};
    walk->visit(walk->context, &info);
}

void eddy_inspect_objects(eddy_inspection *i, void (*visit)(void *context, const eddy_object_info *info), void *context)
{
    struct object_walk walk = {i, visit, context};
    eddy__walk_objects(i->heap->collector, show_object, &walk);
}

/* ---- paths ---- */

struct field_search {
    uint32_t target;
    bool found;
    const eddy_inspection *i;
    const char *from;
    const struct type *type;
    size_t offset;
};

static void match_field(void *context, void *const *slot)
{
    struct field_search *search = context;
    if (search->found || eddy__graph_node(search->i, EDDY_LOAD_ACQUIRE(slot)) != search->target)
        return;
    search->found = true;
    search->offset = (size_t)((const char *)edges_field(search->type, slot) - search->from);
}

/* The offset in `from` of its first field that refers to `target`. */
static size_t field_to(const eddy_inspection *i, uint32_t from, uint32_t target)
{
    const void *object = i->graph.objects[from];
    struct field_search search = {.target = target, .i = i, .from = object, .type = inspect_type(i, object)};
    edges_each(i->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)), object, match_field, &search);
    return search.offset;
}

static eddy_root root_of(const struct graph *g, uint32_t node)
{
    for (size_t r = 0; r < g->root_count; r++)
        if (g->roots[r].node == node) {
            const struct root_group *group = &g->groups[g->roots[r].group];
            return (eddy_root){group->kind, group->thread, g->roots[r].where};
        }
    return (eddy_root){.kind = EDDY_ROOT_NONE};
}

eddy_status eddy_inspect_path(eddy_inspection *i, const void *object, eddy_root *root, eddy_path_step *steps,
                              size_t room, size_t *length)
{
    const struct graph *g = &i->graph;
    *root = (eddy_root){.kind = EDDY_ROOT_NONE};
    *length = 0;
    eddy_status status = eddy__graph_need_parents(i);
    if (status != EDDY_OK)
        return status;
    uint32_t node = eddy__graph_node(i, object), first = node;
    if (node == NODE_NONE)
        return EDDY_EINVAL;
    if (g->parent[node] == NODE_NONE)
        return EDDY_OK;
    for (uint32_t n = node; n != 0; n = g->parent[n]) {
        ++*length;
        first = n;
    }
    *root = root_of(g, first);
    size_t at = *length;
    for (uint32_t n = node; n != 0; n = g->parent[n])
        if (--at < room)
            steps[at] = (eddy_path_step){.object = g->objects[n],
                                         .type = &inspect_type(i, g->objects[n])->fast,
                                         .field = at == 0 ? 0 : field_to(i, g->parent[n], n)};
    return EDDY_OK;
}

/* ---- dominators ---- */

eddy_status eddy_inspect_retained(eddy_inspection *i, const void *object, uint64_t *objects, uint64_t *bytes)
{
    *objects = *bytes = 0;
    eddy_status status = eddy__dominators_need(i);
    if (status != EDDY_OK)
        return status;
    uint32_t node = eddy__graph_node(i, object);
    if (node == NODE_NONE)
        return EDDY_EINVAL;
    *objects = i->dominators.objects[node];
    *bytes = i->dominators.bytes[node];
    return EDDY_OK;
}

eddy_status eddy_inspect_dominator(eddy_inspection *i, const void *object, const void **dominator)
{
    *dominator = NULL;
    eddy_status status = eddy__dominators_need(i);
    if (status != EDDY_OK)
        return status;
    uint32_t node = eddy__graph_node(i, object);
    if (node == NODE_NONE)
        return EDDY_EINVAL;
    uint32_t above = i->dominators.dominator[node];
    *dominator = above == NODE_NONE ? NULL : i->graph.objects[above];
    return EDDY_OK;
}
