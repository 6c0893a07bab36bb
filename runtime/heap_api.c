/* Creating and destroying heaps: configuration, reservation, tables, built-in types. */
#include <stdlib.h>
#include <string.h>

#include "collector/collector.h"
#include "runtime/heap/attach.h"
#include "runtime/heap/events.h"
#include "runtime/heap/record.h"
#include "runtime/options.h"
#include "runtime/runtime.h"

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)
#define RESERVE_DEFAULT (64 * GIB)
#define RESERVE_LEAST (256 * MIB)
#define RESERVE_MOST ((size_t)1 << 44) /* so that a chunk number plus one fits 32 bits, see memory.c */
#define LIMIT_LEAST MIB

void eddy_config_init(eddy_config *config)
{
    memset(config, 0, sizeof *config);
}

static void set_default(size_t *field, size_t value)
{
    if (*field == 0)
        *field = value;
}

static eddy_status complete_config(eddy_config *c)
{
    if (c->heap_limit != 0 && c->heap_limit < LIMIT_LEAST)
        return EDDY_EINVAL;
    if (c->soft_limit != 0 && c->soft_limit < LIMIT_LEAST)
        return EDDY_EINVAL;
    if (c->reserve_bytes == 0) {
        c->reserve_bytes = RESERVE_DEFAULT;
        if (c->heap_limit != 0 && c->heap_limit < RESERVE_DEFAULT / 4)
            c->reserve_bytes = c->heap_limit * 4 > RESERVE_LEAST ? c->heap_limit * 4 : RESERVE_LEAST;
    }
    if (c->reserve_bytes > RESERVE_MOST)
        return EDDY_EINVAL;
    c->reserve_bytes = (c->reserve_bytes + MIB - 1) & ~(MIB - 1);
#ifdef EDDY_STRESS
    set_default(&c->epoch_bytes, 8192);
    set_default(&c->epoch_bytes_max, 32768);
    set_default(&c->log_bytes_epoch, LOG_CHUNK_BYTES);
    if (c->log_chunk_entries == 0)
        c->log_chunk_entries = 5;
#endif
    set_default(&c->epoch_bytes_min, 4 * MIB);
    set_default(&c->epoch_bytes_max, 64 * MIB);
    if (c->epoch_bytes_max < c->epoch_bytes_min)
        c->epoch_bytes_max = c->epoch_bytes_min;
    set_default(&c->epoch_bytes, c->heap_limit != 0 && c->heap_limit < 128 * MIB ? c->heap_limit / 16 : 8 * MIB);
    if (c->epoch_bytes < c->epoch_bytes_min)
        c->epoch_bytes_min = c->epoch_bytes;
    if (c->epoch_bytes > c->epoch_bytes_max)
        c->epoch_bytes_max = c->epoch_bytes;
    set_default(&c->log_bytes_epoch, 2 * MIB);
    set_default(&c->log_limit, c->heap_limit != 0 && c->heap_limit / 8 < 64 * MIB ? c->heap_limit / 8 : 64 * MIB);
    if (c->log_chunk_entries == 0)
        c->log_chunk_entries = LOG_CHUNK_ENTRIES;
    if (c->idle_ms == 0)
        c->idle_ms = 100;
    if (c->return_ms == 0)
        c->return_ms = 1000;
    if (c->cycle_growth_percent == 0)
        c->cycle_growth_percent = 30;
    if (c->late_thread_ms == 0)
        c->late_thread_ms = 1000;
    const unsigned known = EDDY_HEAP_PRECISE_ROOTS | EDDY_HEAP_INTERIOR_POINTERS | EDDY_HEAP_MANUAL | EDDY_HEAP_ATFORK
                           | EDDY_HEAP_IGNORE_ENVIRONMENT | EDDY_HEAP_LOG_EPOCHS | EDDY_HEAP_VERIFY_EPOCHS;
    bool valid = c->log_chunk_entries <= LOG_CHUNK_ENTRIES && (c->flags & ~known) == 0 && c->collector_nice >= 0
                 && c->collector_nice <= 19 && c->log_limit >= 4 * LOG_CHUNK_BYTES;
    return valid ? EDDY_OK : EDDY_EINVAL;
}

void eddy__records_destroy(eddy_heap *heap);
void eddy__fibers_destroy(eddy_heap *heap);
void eddy__types_destroy(eddy_heap *heap);
eddy_status eddy__types_create(eddy_heap *heap);
eddy_status eddy__atfork_add(eddy_heap *heap);
void eddy__atfork_remove(eddy_heap *heap);

#define NUMBERED_BYTES ((HEAP_MAX_THREADS + 1) * sizeof(struct thread *))
#define SHARE_AFTER 3u /* transfers for reading, see eddy/ownership.h */

static void free_counts(eddy_heap *heap)
{
    for (uint32_t i = 0; i < heap->blocks_touched; i++) {
        eddy__counts_free(&heap->blocks[i]);
        free(heap->blocks[i].marks);
    }
}

static void release(eddy_heap *heap)
{
    eddy__recorder_destroy(heap);
    eddy__records_destroy(heap);
    eddy__fibers_destroy(heap);
    eddy__collector_destroy(heap);
    eddy__types_destroy(heap);
    for (struct root_slot *r = heap->root_slots, *next; r != NULL; r = next) {
        next = r->next;
        free(r);
    }
    eddy__stalls_destroy(heap, heap->past_stalls);
    eddy__listeners_destroy(heap);
    if (heap->blocks != NULL) {
        eddy__attachments_destroy(heap);
        free_counts(heap);
        eddy__unpoison(heap->base, (size_t)heap->blocks_touched << BLOCK_SHIFT);
        void *retired = NULL;
        eddy__counts_reclaim(heap, &retired);
        eddy__counts_reclaim(heap, &retired);
        eddy__os_unreserve(heap->blocks, (size_t)heap->block_count * sizeof *heap->blocks);
    }
    if (heap->backing != NULL)
        eddy__backing_destroy(heap);
    if (heap->base != NULL)
        eddy__os_unreserve(heap->base, heap->range);
    if (heap->numbered != NULL)
        eddy__os_unreserve(heap->numbered, NUMBERED_BYTES);
    pthread_mutex_destroy(&heap->registry_lock);
    pthread_mutex_destroy(&heap->collector_lock);
    free(heap->name);
    free(heap);
}

static eddy_status build(eddy_heap *heap)
{
    const eddy_config *c = &heap->config;
    heap->flags = c->flags;
    heap->chunk_entries = c->log_chunk_entries;
    heap->range = c->reserve_bytes;
    heap->heap_limit = c->heap_limit ? c->heap_limit : UINT64_MAX;
    heap->soft_limit = c->soft_limit ? c->soft_limit : UINT64_MAX;
    heap->epoch_bytes = c->epoch_bytes;
    heap->log_bytes = c->log_bytes_epoch;
    heap->epoch = 1;
    heap->share_after = SHARE_AFTER;
    heap->created_ns = eddy__os_now();
    heap->block_count = (uint32_t)(heap->range >> BLOCK_SHIFT);
    heap->name = strdup(c->name != NULL ? c->name : "eddy");
    heap->base = eddy__os_reserve(heap->range, BLOCK_BYTES);
    heap->blocks = eddy__os_reserve((size_t)heap->block_count * sizeof *heap->blocks, eddy__os_page());
    heap->numbered = eddy__os_reserve(NUMBERED_BYTES, eddy__os_page());
    if (heap->base == NULL || heap->blocks == NULL || heap->numbered == NULL)
        return EDDY_ESYSTEM;
    eddy_status status = eddy__backing_create(heap);
    if (status == EDDY_OK)
        status = eddy__attachments_create(heap);
    if (status == EDDY_OK)
        status = eddy__types_create(heap);
    if (status == EDDY_OK)
        status = eddy__collector_create(heap);
    heap->past_stalls = eddy__stalls_create(heap);
    heap->recorder = eddy__recorder_create();
    if (status == EDDY_OK && (heap->past_stalls == NULL || heap->name == NULL || heap->recorder == NULL))
        status = EDDY_ENOMEM;
    if (status == EDDY_OK && (c->flags & EDDY_HEAP_LOG_EPOCHS) != 0)
        status = eddy_listener_add(heap, &eddy__epoch_lines);
    if (status == EDDY_OK && (c->flags & EDDY_HEAP_MANUAL) == 0)
        status = eddy__collector_start(heap);
    if (status == EDDY_OK && (c->flags & EDDY_HEAP_ATFORK) != 0 && (status = eddy__atfork_add(heap)) != EDDY_OK)
        eddy__collector_stop(heap);
    return status;
}

eddy_status eddy_heap_create(const eddy_config *config, eddy_heap **result)
{
    *result = NULL;
    eddy_config complete;
    eddy_config_init(&complete);
    if (config != NULL)
        complete = *config;
    eddy_status status = eddy__options_environment(&complete);
    if (status == EDDY_OK)
        status = complete_config(&complete);
    if (status != EDDY_OK)
        return status;
    eddy_heap *heap = NULL;
    if (posix_memalign((void **)&heap, 64, sizeof *heap) != 0)
        return EDDY_ENOMEM;
    memset(heap, 0, sizeof *heap);
    heap->config = complete;
    pthread_mutex_init(&heap->registry_lock, NULL);
    pthread_mutex_init(&heap->collector_lock, NULL);
    status = build(heap);
    if (status != EDDY_OK)
        release(heap);
    else
        *result = heap;
    if (status == EDDY_OK)
        eddy__record_configured(heap);
    return status;
}

eddy_status eddy_heap_destroy(eddy_heap *heap)
{
    if (heap == NULL)
        return EDDY_OK;
    if (eddy_heap_threads(heap) != 0)
        return EDDY_EBUSY;
    if (heap->flags & EDDY_HEAP_ATFORK)
        eddy__atfork_remove(heap);
    eddy__collector_stop(heap);
    release(heap);
    return EDDY_OK;
}

unsigned eddy_heap_threads(eddy_heap *heap)
{
    pthread_mutex_lock(&heap->registry_lock);
    unsigned attached = heap->attached;
    pthread_mutex_unlock(&heap->registry_lock);
    return attached;
}

eddy_status eddy_heap_set_limit(eddy_heap *heap, size_t bytes)
{
    if (bytes != 0 && bytes < LIMIT_LEAST)
        return EDDY_EINVAL;
    EDDY_STORE_RELAXED(&heap->heap_limit, bytes ? bytes : UINT64_MAX);
    return EDDY_OK;
}

eddy_status eddy_heap_set_soft_limit(eddy_heap *heap, size_t bytes)
{
    if (bytes != 0 && bytes < LIMIT_LEAST)
        return EDDY_EINVAL;
    EDDY_STORE_RELAXED(&heap->soft_limit, bytes ? bytes : UINT64_MAX);
    return EDDY_OK;
}
