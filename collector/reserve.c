/* Blocks made ready ahead of the mutators while the heap grows: the first touch of memory that comes from the system takes longer
 * than anything else in an allocation (a microsecond or two for each page), and the collector has the time. As many as were
 * taken fresh since the epoch before, at most an epoch's allocation; none when memory is short, or an epoch is asked for. What
 * is not needed after all goes back like other free blocks. Collector only. */
#include "collector/state.h"
#include "runtime/heap/soft_limit.h"

#define ROOM_EPOCHS 8u

void eddy__reserve_blocks(struct collector *c)
{
    eddy_heap *heap = c->heap;
    uint64_t wanted = EDDY_EXCHANGE_ACQ_REL(&heap->fresh_blocks, 0);
    if (c->at_rest || heap_above_soft_limit(heap) || eddy__room(heap) < ROOM_EPOCHS * (uint64_t)heap->epoch_bytes)
        return;
    if (wanted > heap->epoch_bytes >> BLOCK_SHIFT)
        wanted = heap->epoch_bytes >> BLOCK_SHIFT;
    while (EDDY_LOAD_RELAXED(&heap->free_count) < wanted && (EDDY_LOAD_RELAXED(&heap->request) & REQUEST_EPOCH) == 0)
        if (!eddy__block_prepare(heap))
            return;
}
