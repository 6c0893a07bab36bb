/* Records of what is attached to objects; see attachment.h. */
#ifndef EDDY_RUNTIME_HEAP_ATTACH_H
#define EDDY_RUNTIME_HEAP_ATTACH_H

#include "runtime/heap/heap.h"

/* The directory; EDDY_ESYSTEM. Destroying it frees all records, cells and queues. */
eddy_status eddy__attachments_create(eddy_heap *heap);
void eddy__attachments_destroy(eddy_heap *heap);

/* The chain in which the record of `object` is, if it has one. */
static inline struct object_record **attachment_chain(const eddy_heap *heap, const void *object)
{
    return &heap->attachments[(size_t)((const char *)object - heap->base) >> ATTACHMENT_SHIFT];
}

/* The record of `object`, or NULL. A mutator may use it until its next safepoint. */
static inline struct object_record *attachment_find(const eddy_heap *heap, const void *object)
{
    struct object_record *a = EDDY_LOAD_ACQUIRE(attachment_chain(heap, object));
    while (a != NULL && a->object != object)
        a = EDDY_LOAD_ACQUIRE(&a->next);
    return a;
}

/* Drops a hold of a cell. Any thread. */
void eddy__weak_release(eddy_weak *cell);
/* Leaves an edge to the collector. Any thread: whoever owns the edge. */
void eddy__edge_drop(eddy_heap *heap, hidden_edge *edge);

#endif
