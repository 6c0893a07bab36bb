/* Growing arrays of words and other items: the work lists of the collector, which never recurses.
 * Collector only. */
#ifndef EDDY_COLLECTOR_VECTOR_H
#define EDDY_COLLECTOR_VECTOR_H

#include "runtime/heap/heap.h"

struct vector {
    void *items;
    size_t count, room;
    size_t item_bytes;
    eddy_heap *heap;
};

void eddy__vector_init(struct vector *v, eddy_heap *heap, size_t item_bytes);
void eddy__vector_free(struct vector *v);
/* Makes room for one more item; false when there is no memory, or the heap's limit allows no more. */
bool eddy__vector_grow(struct vector *v);
/* The same for items that must not be lost: waits until the system has memory. */
void eddy__vector_grow_surely(struct vector *v);
/* Gives memory back when little of it is used, all of an empty one when the heap is over its limit. */
void eddy__vector_trim(struct vector *v);

/* Appends a word; must not be lost. */
static inline void vector_push(struct vector *v, const void *word)
{
    if (EDDY_UNLIKELY(v->count == v->room))
        eddy__vector_grow_surely(v);
    ((const void **)v->items)[v->count++] = word;
}
static inline void *vector_pop(struct vector *v)
{
    return ((void **)v->items)[--v->count];
}
static inline void *vector_at(const struct vector *v, size_t i)
{
    return ((void **)v->items)[i];
}

#endif
