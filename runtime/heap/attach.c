/* The directory of attachments: made and taken down with the heap. Also the end of weak cells. */
#include "runtime/heap/attach.h"

#include <stdlib.h>

#include "runtime/heap/memory.h"
#include "runtime/heap/table.h"

static size_t directory_bytes(const eddy_heap *heap)
{
    return (heap->range >> ATTACHMENT_SHIFT) * sizeof *heap->attachments;
}

eddy_status eddy__attachments_create(eddy_heap *heap)
{
    heap->attachments = eddy__os_reserve(directory_bytes(heap), eddy__os_page());
    return heap->attachments == NULL ? EDDY_ESYSTEM : EDDY_OK;
}

void eddy__weak_release(eddy_weak *cell)
{
    if (EDDY_SUB_ACQ_REL(&cell->holders, 1) == 1)
        eddy__internal_free(cell->heap, cell, sizeof *cell);
}

void eddy__edge_drop(eddy_heap *heap, hidden_edge *edge)
{
    eddy__weak_release(edge->cell);
    hidden_edge *top = EDDY_LOAD_RELAXED(&heap->dropped_edges);
    do
        edge->link = top;
    while (!EDDY_CAS_ACQ_REL(&heap->dropped_edges, &top, edge));
}

static void free_finalizers(eddy_heap *heap, struct finalizer *f)
{
    for (struct finalizer *next; f != NULL; f = next) {
        next = f->next;
        eddy__retirable_free(heap, f);
    }
}

/* Edges whose keys have died are in no other list. */
static void free_table(eddy_heap *heap, struct table *table)
{
    hidden_edge *lists[] = {table->dead, table->draining};
    for (unsigned k = 0; k < 2; k++)
        for (hidden_edge *e = lists[k], *next; e != NULL; e = next) {
            next = e->dead;
            eddy__weak_release(e->cell);
            eddy__internal_free(heap, e, sizeof *e);
        }
    eddy__table_free(table);
}

static void free_record(eddy_heap *heap, struct object_record *a)
{
    for (hidden_edge *e = a->edges, *next; e != NULL; e = next) {
        next = e->next;
        eddy__internal_free(heap, e, sizeof *e);
    }
    if (a->cell != NULL)
        eddy__internal_free(heap, a->cell, sizeof *a->cell);
    free_finalizers(heap, a->finalizers);
    if (a->table != NULL)
        free_table(heap, a->table);
    eddy__retirable_free(heap, a);
}

/* A cell that has no record any more ends with its last hold, so those go first; that of an edge, too, which was not dropped. */
static void release_owned(eddy_heap *heap, struct object_record *a)
{
    (void)heap;
    for (const hidden_edge *e = a->edges; e != NULL; e = e->next)
        if (e->cell != NULL)
            eddy__weak_release(e->cell);
    if (a->owned != NULL)
        eddy__weak_release(a->owned);
}

static void each_record(eddy_heap *heap, void (*f)(eddy_heap *heap, struct object_record *a))
{
    for (uint32_t n = 0; n < heap->blocks_touched; n++) {
        if (!heap->blocks[n].attached)
            continue;
        struct object_record **chain = attachment_chain(heap, block_start(heap, &heap->blocks[n]));
        for (size_t i = 0; i < BLOCK_BYTES >> ATTACHMENT_SHIFT; i++)
            for (struct object_record *a = chain[i], *next; a != NULL; a = next) {
                next = a->next;
                f(heap, a);
            }
    }
}

/* Cells that are warm are given up first: a record's hold then is the last but the program's. */
static void forget_warm(eddy_heap *heap)
{
    for (eddy_weak *cell = heap->warm_cells, *next; cell != NULL; cell = next) {
        next = cell->warm;
        eddy__weak_release(cell);
    }
    heap->warm_cells = NULL;
}

/* Those that have a key go with it; none has a hold on its cell any more. */
static void forget_dropped(eddy_heap *heap)
{
    for (hidden_edge *e = heap->dropped_edges, *next; e != NULL; e = next) {
        next = e->link;
        e->cell = NULL;
        if (e->owner == NULL)
            eddy__internal_free(heap, e, sizeof *e);
    }
    heap->dropped_edges = NULL;
}

void eddy__attachments_destroy(eddy_heap *heap)
{
    if (heap->attachments == NULL)
        return;
    forget_warm(heap);
    forget_dropped(heap);
    each_record(heap, release_owned);
    each_record(heap, free_record);
    for (struct eddy_finalizer_queue *q = heap->finalizer_queues, *next; q != NULL; q = next) {
        next = q->next;
        free_finalizers(heap, q->head);
        eddy__internal_free(heap, q, sizeof *q);
    }
    eddy__os_unreserve(heap->attachments, directory_bytes(heap));
}
