/* The directory of attachments: made and taken down with the heap. Also the end of weak cells. */
#include "runtime/heap/attach.h"

#include <stdlib.h>

#include "runtime/heap/memory.h"

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

static void free_finalizers(eddy_heap *heap, struct finalizer *f)
{
    for (struct finalizer *next; f != NULL; f = next) {
        next = f->next;
        eddy__retirable_free(heap, f);
    }
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
    eddy__retirable_free(heap, a);
}

static void free_chain(eddy_heap *heap, struct object_record *a)
{
    for (struct object_record *next; a != NULL; a = next) {
        next = a->next;
        free_record(heap, a);
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

/* Those that have a key go with it. */
static void forget_dropped(eddy_heap *heap)
{
    for (hidden_edge *e = heap->dropped_edges, *next; e != NULL; e = next) {
        next = e->link;
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
    for (uint32_t n = 0; n < heap->blocks_touched; n++) {
        if (!heap->blocks[n].attached)
            continue;
        struct object_record **chain = attachment_chain(heap, block_start(heap, &heap->blocks[n]));
        for (size_t i = 0; i < BLOCK_BYTES >> ATTACHMENT_SHIFT; i++)
            free_chain(heap, chain[i]);
    }
    for (struct eddy_finalizer_queue *q = heap->finalizer_queues, *next; q != NULL; q = next) {
        next = q->next;
        free_finalizers(heap, q->head);
        eddy__internal_free(heap, q, sizeof *q);
    }
    eddy__os_unreserve(heap->attachments, directory_bytes(heap));
}
