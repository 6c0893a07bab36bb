/* What is in use, and how it stands to the soft limit. Mutators and the collector; figures of the moment. */
#ifndef EDDY_RUNTIME_HEAP_SOFT_LIMIT_H
#define EDDY_RUNTIME_HEAP_SOFT_LIMIT_H

#include "runtime/heap/heap.h"

/* Bytes committed, free blocks not counted. */
static inline uint64_t heap_used(const eddy_heap *heap)
{
    uint64_t committed = EDDY_LOAD_RELAXED(&heap->committed);
    uint64_t spare = EDDY_LOAD_RELAXED(&heap->free_count) << BLOCK_SHIFT;
    return committed > spare ? committed - spare : 0;
}

/* Bytes below the soft limit; UINT64_MAX if there is none. */
static inline uint64_t heap_soft_room(const eddy_heap *heap)
{
    uint64_t limit = EDDY_LOAD_RELAXED(&heap->soft_limit), used = heap_used(heap);
    return limit == UINT64_MAX ? UINT64_MAX : used < limit ? limit - used : 0;
}

static inline bool heap_above_soft_limit(const eddy_heap *heap)
{
    return heap_soft_room(heap) == 0;
}

#endif
