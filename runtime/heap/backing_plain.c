/* backing of memory.h without jemalloc: runs of blocks from one reserved mapping, first fit by a bit
 * per block. For plug-ins that must not bring a malloc, for sanitizers and for valgrind. */
#include <pthread.h>
#include <stdlib.h>

#include "runtime/heap/memory.h"

struct backing {
    pthread_mutex_t lock;
    uint32_t count;  /* blocks in the range */
    uint32_t hint;   /* no free block below this one */
    uint32_t fresh;  /* blocks from here on were never handed out: their pages read as zero */
    uint64_t used[]; /* bit per block */
};

eddy_status eddy__backing_create(eddy_heap *heap)
{
    uint32_t count = (uint32_t)(heap->range >> BLOCK_SHIFT);
    struct backing *backing = calloc(1, sizeof *backing + ((size_t)count + 63) / 64 * 8);
    if (backing == NULL)
        return EDDY_ENOMEM;
    backing->count = count;
    pthread_mutex_init(&backing->lock, NULL);
    heap->backing = backing;
    return EDDY_OK;
}

void eddy__backing_destroy(eddy_heap *heap)
{
    struct backing *backing = heap->backing;
    pthread_mutex_destroy(&backing->lock);
    free(backing);
    heap->backing = NULL;
}

static bool is_used(const struct backing *backing, uint32_t block)
{
    return backing->used[block / 64] >> (block % 64) & 1;
}

void *eddy__backing_take(eddy_heap *heap, size_t bytes, bool *zeroed)
{
    struct backing *backing = heap->backing;
    uint32_t need = (uint32_t)((bytes + BLOCK_BYTES - 1) >> BLOCK_SHIFT);
    void *result = NULL;
    pthread_mutex_lock(&backing->lock);
    uint32_t run = 0;
    for (uint32_t block = backing->hint; block < backing->count; block++) {
        if (is_used(backing, block)) {
            run = 0;
            continue;
        }
        if (++run < need)
            continue;
        uint32_t first = block + 1 - need;
        for (uint32_t i = first; i <= block; i++)
            backing->used[i / 64] |= UINT64_C(1) << (i % 64);
        if (first == backing->hint)
            backing->hint = block + 1;
        *zeroed = first >= backing->fresh;
        if (block + 1 > backing->fresh)
            backing->fresh = block + 1;
        result = heap->base + ((size_t)first << BLOCK_SHIFT);
        break;
    }
    pthread_mutex_unlock(&backing->lock);
    return result;
}

void eddy__backing_give(eddy_heap *heap, void *p, size_t bytes)
{
    struct backing *backing = heap->backing;
    uint32_t first = block_number(heap, p);
    uint32_t blocks = (uint32_t)((bytes + BLOCK_BYTES - 1) >> BLOCK_SHIFT);
    eddy__os_discard(p, (size_t)blocks << BLOCK_SHIFT);
    pthread_mutex_lock(&backing->lock);
    for (uint32_t i = first; i < first + blocks; i++)
        backing->used[i / 64] &= ~(UINT64_C(1) << (i % 64));
    if (first < backing->hint)
        backing->hint = first;
    pthread_mutex_unlock(&backing->lock);
}

bool eddy__backing_resize(eddy_heap *heap, void *p, size_t bytes, size_t wanted)
{
    struct backing *backing = heap->backing;
    uint32_t first = block_number(heap, p);
    uint32_t end = first + (uint32_t)((bytes + BLOCK_BYTES - 1) >> BLOCK_SHIFT);
    uint32_t wanted_end = first + (uint32_t)((wanted + BLOCK_BYTES - 1) >> BLOCK_SHIFT);
    if (wanted_end < end)
        eddy__backing_give(heap, heap->base + ((size_t)wanted_end << BLOCK_SHIFT),
                           (size_t)(end - wanted_end) << BLOCK_SHIFT);
    if (wanted_end <= end)
        return true;
    pthread_mutex_lock(&backing->lock);
    bool is_free = wanted_end <= backing->count;
    for (uint32_t i = end; is_free && i < wanted_end; i++)
        is_free = !is_used(backing, i);
    for (uint32_t i = end; is_free && i < wanted_end; i++)
        backing->used[i / 64] |= UINT64_C(1) << (i % 64);
    if (is_free && wanted_end > backing->fresh)
        backing->fresh = wanted_end;
    pthread_mutex_unlock(&backing->lock);
    return is_free;
}

void eddy__backing_trim(eddy_heap *heap, bool all)
{
    (void)heap, (void)all; /* pages were discarded as they were given back */
}

void eddy__backing_lock(eddy_heap *heap)
{
    struct backing *backing = heap->backing;
    pthread_mutex_lock(&backing->lock);
}

void eddy__backing_unlock(eddy_heap *heap)
{
    struct backing *backing = heap->backing;
    pthread_mutex_unlock(&backing->lock);
}
