/* Ephemerons and other hidden fields, the mutator's side (design, section 6). The value is stored like any other
 * counted location's (barrier.c), by a thread that holds the key; dropping is left to the collector, because a thread
 * that does not hold the key has no right to its fields: it might be dead, and the value freed with it. */
#include "eddy/ephemeron.h"

#include "runtime/attach.h"

hidden_edge *eddy__edge_make(struct thread *t, void *key)
{
    hidden_edge *edge = eddy__internal_alloc(t->heap, sizeof *edge);
    if (edge == NULL)
        return NULL;
    edge->cell = eddy__weak_cell_of(t, key);
    if (edge->cell != NULL)
        return edge;
    eddy__internal_free(t->heap, edge, sizeof *edge);
    return NULL;
}

/* The search for cycles does not enter objects of types without references, or without cycles: now it must. */
static void announce(eddy_heap *heap, hidden_edge *edge)
{
    if (EDDY_LOAD_RELAXED(&block_of(heap, edge->cell->object)->kind) == KIND_CYCLIC)
        return;
    hidden_edge *top = EDDY_LOAD_RELAXED(&heap->fresh_edges);
    do
        edge->fresh = top;
    while (!EDDY_CAS_ACQ_REL(&heap->fresh_edges, &top, edge));
}

bool eddy__edge_insert(struct thread *t, hidden_edge *edge)
{
    struct object_record *a = eddy__attachment_of(t, edge->cell->object);
    if (a == NULL)
        return false;
    EDDY_STORE_RELAXED(&edge->owner, a);
    hidden_edge *top = EDDY_LOAD_RELAXED(&a->edges);
    do
        EDDY_STORE_RELAXED(&edge->next, top);
    while (!EDDY_CAS_ACQ_REL(&a->edges, &top, edge));
    announce(t->heap, edge);
    return true;
}

eddy_status eddy_ephemeron_create(eddy_thread *ft, void *key, void *value, eddy_ephemeron **ephemeron)
{
    struct thread *t = thread_of(ft);
    *ephemeron = NULL;
    if (!heap_contains(t->heap, key) || (value != NULL && !heap_contains(t->heap, value)))
        return EDDY_EINVAL;
    void *held[2] = {key, value};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, held, 2);
    eddy__make_counted(t, key);
    hidden_edge *edge = eddy__edge_make(t, key); /* with a cell, so that the key has a record */
    if (edge != NULL) {
        eddy_root_store(ft, &edge->value, value); /* a safepoint before it counts the value, none after */
        eddy__edge_insert(t, edge);
    }
    eddy_frame_pop(ft, &frame);
    *ephemeron = edge;
    return edge == NULL ? EDDY_ENOMEM : EDDY_OK;
}

void *eddy_ephemeron_get(eddy_thread *t, eddy_ephemeron *ephemeron, void **key)
{
    void *k = eddy_weak_load(t, ephemeron->cell);
    if (key != NULL)
        *key = k;
    return k == NULL ? NULL : EDDY_LOAD_ACQUIRE(&ephemeron->value);
}

bool eddy_ephemeron_set(eddy_thread *t, eddy_ephemeron *ephemeron, void *value)
{
    void *held[2] = {NULL, value};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 2);
    held[0] = eddy_weak_load(t, ephemeron->cell);
    if (held[0] != NULL)
        eddy_root_store(t, &ephemeron->value, value);
    eddy_frame_pop(t, &frame);
    return held[0] != NULL;
}

void eddy_ephemeron_drop(eddy_thread *ft, eddy_ephemeron *ephemeron)
{
    struct thread *t = thread_of(ft);
    if (ephemeron == NULL)
        return;
    eddy__edge_drop(t->heap, ephemeron);
    eddy__note_active(t);
}
