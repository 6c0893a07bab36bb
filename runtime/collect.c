/* Collection on demand, verification and statistics, as the public API offers them. The caller waits in
 * native state; the work is the collector's. */
#include <string.h>

#include "collector/collector.h"
#include "runtime/heap/events.h"
#include "runtime/runtime.h"

#define WAIT_SLICE_NS UINT64_C(20000000)
#define PASSES_AT_MOST                                                                                                 \
    64u /* of cycle searches after each of which something may be left, before a collection calls it a day */
#define EPOCHS_TO_REST 16u

bool eddy__pass_epoch(eddy_heap *heap, uint64_t deadline, unsigned *late)
{
    uint64_t now = eddy__os_now();
    if (now >= deadline)
        return false;
    uint64_t left = deadline == UINT64_MAX ? UINT64_MAX : deadline - now;
    if (heap->flags & EDDY_HEAP_MANUAL)
        return eddy__collector_epoch(heap, left, late);
    uint32_t done = EDDY_LOAD_ACQUIRE(&heap->epochs_done);
    eddy__collector_request(heap, REQUEST_EPOCH);
    while (EDDY_LOAD_ACQUIRE(&heap->epochs_done) == done) {
        if (eddy__os_now() >= deadline) {
            if (late != NULL)
                *late = EDDY_LOAD_RELAXED(&heap->unacknowledged);
            return false;
        }
        wait_epoch_done(heap, done, WAIT_SLICE_NS);
    }
    return true;
}

eddy_status eddy__check_caller(const struct thread *t)
{
    eddy_status status = eddy__check_owner(t);
    bool busy = status == EDDY_OK && (eddy__in_observer() || t->inspecting);
    return busy ? EDDY_EBUSY : status;
}

static uint64_t deadline_of(unsigned timeout_ms)
{
    return timeout_ms == 0 ? UINT64_MAX : eddy__os_now() + (uint64_t)timeout_ms * 1000000u;
}

bool eddy__reclaim_all(eddy_heap *heap, uint64_t deadline, unsigned *late)
{
    /* What is garbage now is logged by the end of this epoch; its decs are applied in the next. A search
     * for cycles that begins after that shows whether anything is left. */
    uint64_t from = EDDY_LOAD_ACQUIRE(&heap->epoch) + 2;
    uint64_t passes = EDDY_LOAD_ACQUIRE(&heap->cycle_passes);
    while (EDDY_LOAD_ACQUIRE(&heap->exhausted_from) < from
           && EDDY_LOAD_ACQUIRE(&heap->cycle_passes) - passes < PASSES_AT_MOST) {
        eddy__collector_request(heap, REQUEST_CYCLES);
        if (!eddy__pass_epoch(heap, deadline, late))
            return false;
    }
    return true;
}

eddy_status eddy_collect(eddy_thread *ft, unsigned timeout_ms, eddy_collect_report *report)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_caller(t);
    if (status != EDDY_OK)
        return status;
    eddy_heap *heap = t->heap;
    eddy_stats before, after;
    eddy_heap_stats(heap, &before);
    unsigned late = 0;
    eddy__native_begin(t);
    if (!eddy__reclaim_all(heap, deadline_of(timeout_ms), &late))
        status = EDDY_ETIMEDOUT;
    /* in native state: the collector may hold its lock until this thread has passed a handshake */
    uint64_t ambiguous = report != NULL ? eddy__collector_ambiguous(heap) : 0;
    eddy__native_end(t);
    if (report != NULL) {
        eddy_heap_stats(heap, &after);
        *report = (eddy_collect_report){.epochs = after.epochs - before.epochs,
                                        .objects_freed = after.objects_freed - before.objects_freed,
                                        .cycles_freed = after.cycles_freed - before.cycles_freed,
                                        .live_bytes = after.live_bytes,
                                        .ambiguous_objects = ambiguous,
                                        .late_threads = late};
    }
    return status;
}

void eddy_collect_hint(eddy_heap *heap)
{
    eddy__collector_request(heap, REQUEST_EPOCH);
}

eddy_status eddy_collector_step(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_caller(t);
    if (status != EDDY_OK)
        return status;
    if ((t->heap->flags & EDDY_HEAP_MANUAL) == 0)
        return EDDY_EINVAL;
    eddy__native_begin(t);
    eddy__collector_epoch(t->heap, UINT64_MAX, NULL);
    if (t->heap->flags & EDDY_HEAP_VERIFY_EPOCHS)
        eddy__collector_verify_epoch(t->heap);
    eddy__native_end(t);
    return EDDY_OK;
}

/* Claims the stop of all threads, which one thread at a time may ask for. The collector's own, after every epoch with
 * EDDY_HEAP_VERIFY_EPOCHS, is waited for. */
static bool park(eddy_heap *heap)
{
    for (;;) {
        uint32_t nobody = 0;
        if (EDDY_CAS_SEQ_CST(&heap->parked, &nobody, 1))
            return true;
        if ((heap->flags & EDDY_HEAP_VERIFY_EPOCHS) == 0)
            return false;
        eddy__os_wait(&heap->parked, 1, WAIT_SLICE_NS);
    }
}

eddy_status eddy__stop_threads(struct thread *t, unsigned timeout_ms)
{
    eddy_heap *heap = t->heap;
    uint64_t deadline = deadline_of(timeout_ms);
    unsigned late = 0;
    eddy__native_begin(t);
    if (!park(heap)) {
        eddy__native_end(t);
        return EDDY_EBUSY;
    }
    /* The first epoch parks every thread at its handshake; then the logs come to rest. */
    bool passed = true;
    for (unsigned i = 0; passed && (i < 3 || (i < EPOCHS_TO_REST && !eddy__collector_at_rest(heap))); i++)
        passed = eddy__pass_epoch(heap, deadline, &late);
    if (!passed)
        eddy__resume_threads(t);
    return passed ? EDDY_OK : EDDY_ETIMEDOUT;
}

void eddy__resume_threads(struct thread *t)
{
    EDDY_STORE_SEQ_CST(&t->heap->parked, 0);
    eddy__os_wake(&t->heap->parked);
    eddy__native_end(t);
}

eddy_status eddy_verify(eddy_thread *ft, unsigned timeout_ms, eddy_verify_report *report)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_caller(t);
    if (status != EDDY_OK)
        return status;
    eddy_verify_report scratch;
    if (report == NULL)
        report = &scratch;
    memset(report, 0, sizeof *report);
    status = eddy__stop_threads(t, timeout_ms);
    if (status != EDDY_OK)
        return status;
    status = eddy__collector_verify(t->heap, report);
    eddy__resume_threads(t);
    return status;
}

void eddy_heap_stats(eddy_heap *heap, eddy_stats *stats)
{
    eddy__collector_stats(heap, stats);
    stats->allocated_bytes = EDDY_LOAD_RELAXED(&heap->allocated_total) + EDDY_LOAD_RELAXED(&heap->allocated);
    stats->committed_bytes = EDDY_LOAD_RELAXED(&heap->committed);
    stats->peak_committed_bytes = EDDY_LOAD_RELAXED(&heap->committed_peak);
    stats->overhead_bytes = EDDY_LOAD_RELAXED(&heap->overhead);
    stats->free_bytes = EDDY_LOAD_RELAXED(&heap->free_count) << BLOCK_SHIFT;
    stats->log_bytes = EDDY_LOAD_RELAXED(&heap->chunks_used) * LOG_CHUNK_BYTES;
    stats->log_bytes_total = (stats->incs + stats->decs) * sizeof(uintptr_t);
    stats->attached_objects = EDDY_LOAD_RELAXED(&heap->attached_objects);
    stats->external_bytes = EDDY_LOAD_RELAXED(&heap->external);
    stats->epoch_bytes = EDDY_LOAD_RELAXED(&heap->epoch_bytes);
}
