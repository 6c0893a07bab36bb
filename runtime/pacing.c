/* When a mutator asks for an epoch, and when it waits: the only places where one thread's progress depends
 * on the collector's (I7). Every wait is in native state, so that the epoch it waits for can pass, and
 * is recorded as a stall. Sleeps are graduated: they begin short, while there is still room. */
#include "collector/collector.h"
#include "runtime/heap/events.h"
#include "runtime/runtime.h"

#define SLEEP_FIRST_NS UINT64_C(20000)
#define SLEEP_MOST_NS UINT64_C(1000000)
#define WAIT_SLICE_NS UINT64_C(100000000)
#define EPOCHS_BEFORE_GIVING_UP 5u
#define EPOCHS_AT_MOST 100u
#define EPOCHS_EVER 2000u
#define FINALIZERS_NS UINT64_C(250000000)
#define FREED_LEAST 1u       /* objects */
#define EPOCHS_AFTER_HELP 3u /* until the references that a helper dropped have been counted */
#define DEBT_EPOCHS 8u       /* without a limit: distance, in epochs' allocation, at which sleeps begin */
#define ROOM_EIGHTHS 3u      /* of what is not live: with three epochs of five in flight more than that is left */
#define SEARCH_SHARE 8u      /* of the limit: a search gives memory back, but later than it is used up */
#define LAG_HARMLESS 1000u   /* see heap.search_lag */
#define LAG_SLEEP_NS UINT64_C(10000) /* for each unit above, with each block */
#define LAG_SLEEP_MOST_NS UINT64_C(20000000)
#define DEBT_LEAST ((uint64_t)64 << 20)

/* One wait in native state until an epoch has been processed, or `nanoseconds` have passed. */
static void wait_epoch(struct thread *t, eddy_record_stall what, uint64_t nanoseconds)
{
    eddy_heap *heap = t->heap;
    uint64_t begun = eddy__stall_wait_begin(t);
    uint32_t done = EDDY_LOAD_ACQUIRE(&heap->epochs_done);
    eddy__native_begin(t);
    if (heap->flags & EDDY_HEAP_MANUAL)
        eddy__collector_epoch(heap, WAIT_SLICE_NS, NULL);
    else
        wait_epoch_done(heap, done, nanoseconds);
    eddy__native_end(t);
    eddy__stall_wait(t, what, begun, eddy__os_now() - begun);
}

/* Sleeps, the longer the less is left: `room` of `comfortable`. At half of it an eighth of the longest sleep. */
static void sleep_graduated(struct thread *t, eddy_pacing_reason reason, uint64_t room, uint64_t comfortable)
{
    uint64_t missing = (comfortable - room) * 64 / comfortable;
    uint64_t sleep = SLEEP_FIRST_NS + (SLEEP_MOST_NS - SLEEP_FIRST_NS) * (missing * missing * missing) / (64 * 64 * 64);
    EVENT(t->heap, pacing, &t->fast, reason, room, sleep);
    wait_epoch(t, EDDY_RECORD_PACING, sleep);
}

void eddy__note_allocation(struct thread *t, size_t bytes)
{
    eddy_heap *heap = t->heap;
    EDDY_ADD_RELAXED(&heap->unswept, bytes);
    uint64_t allocated = EDDY_ADD_RELAXED(&heap->allocated, bytes) + bytes;
    if (EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&heap->active) == 0))
        eddy__collector_note_active(heap);
    if (allocated >= EDDY_LOAD_RELAXED(&heap->epoch_bytes))
        eddy__collector_request(heap, REQUEST_EPOCH);
}

/* `excess` thousandths more than what is harmless have been counted while a search goes on: short sleeps first, then such
 * as leave the collector the time it needs. */
static void pace_search(struct thread *t, uint64_t excess)
{
    if (excess < LAG_HARMLESS) {
        sleep_graduated(t, EDDY_PACING_CYCLES, LAG_HARMLESS - excess, LAG_HARMLESS);
        return;
    }
    uint64_t sleep = SLEEP_MOST_NS + (excess - LAG_HARMLESS) * LAG_SLEEP_NS;
    sleep = sleep < LAG_SLEEP_MOST_NS ? sleep : LAG_SLEEP_MOST_NS;
    EVENT(t->heap, pacing, &t->fast, EDDY_PACING_CYCLES, eddy__room(t->heap), sleep);
    wait_epoch(t, EDDY_RECORD_PACING, sleep);
}

void eddy__pace_allocation(struct thread *t)
{
    eddy_heap *heap = t->heap;
    if (EDDY_UNLIKELY(EVENT_WANTED(heap, memory_low)))
        eddy__memory_low(t);
    size_t epoch_bytes = EDDY_LOAD_RELAXED(&heap->epoch_bytes);
    uint32_t lag = EDDY_LOAD_RELAXED(&heap->search_lag);
    if (EDDY_UNLIKELY(lag > LAG_HARMLESS)) {
        pace_search(t, lag - LAG_HARMLESS);
        return;
    }
    if (EDDY_LOAD_RELAXED(&heap->allocated) < epoch_bytes)
        return;
    uint64_t room = eddy__room(heap), unswept = EDDY_LOAD_RELAXED(&heap->unswept);
    uint64_t most = DEBT_EPOCHS * (uint64_t)epoch_bytes;
    if (most < DEBT_LEAST)
        most = DEBT_LEAST;
    uint64_t comfortable = room < UINT64_MAX / 2 ? (room + unswept) / 8 * ROOM_EIGHTHS : 0;
    if (comfortable < epoch_bytes / 2)
        comfortable = epoch_bytes / 2;
    if (lag != 0 && room < UINT64_MAX / 2 && comfortable < EDDY_LOAD_RELAXED(&heap->heap_limit) / SEARCH_SHARE)
        comfortable = EDDY_LOAD_RELAXED(&heap->heap_limit) / SEARCH_SHARE;
    if (room < comfortable)
        sleep_graduated(t, EDDY_PACING_MEMORY, room, comfortable);
    else if (unswept > most)
        sleep_graduated(t, EDDY_PACING_MEMORY, unswept < 2 * most ? 2 * most - unswept : 0, most);
}

bool eddy__wait_for_memory(struct thread *t, unsigned attempt)
{
    eddy_heap *heap = t->heap;
    uint64_t passes = EDDY_LOAD_ACQUIRE(&heap->cycle_passes), freed = EDDY_LOAD_RELAXED(&heap->objects_freed);
    bool first = attempt == 0;
    /* two passes: the first may have begun before what it should have found became garbage */
    bool over = attempt >= EPOCHS_EVER;
    if (!first && attempt >= EPOCHS_BEFORE_GIVING_UP && passes - t->passes_seen >= 2) {
        over |= freed - t->freed_seen < FREED_LEAST || attempt >= EPOCHS_AT_MOST;
        first = true; /* something was freed, other threads may have taken it: it is not over */
    }
    /* finalizers may have yet to let go of what they hold, on threads that need time for it */
    if (over && EDDY_LOAD_RELAXED(&heap->finalizer_queues) != NULL && eddy__os_now() - t->wait_begun < FINALIZERS_NS) {
        wait_epoch(t, EDDY_RECORD_WAIT_MEMORY, SLEEP_MOST_NS);
        return true;
    }
    if (over) {
        if (!eddy__last_resort(t))
            return false;
        for (unsigned i = 0; i < EPOCHS_AFTER_HELP; i++) {
            eddy__collector_request(heap, REQUEST_EPOCH | REQUEST_CYCLES);
            wait_epoch(t, EDDY_RECORD_WAIT_MEMORY, WAIT_SLICE_NS);
        }
        return true;
    }
    if (attempt == 0)
        t->wait_begun = eddy__os_now();
    if (first) {
        t->passes_seen = passes;
        t->freed_seen = freed;
    }
    eddy__collector_request(heap, REQUEST_EPOCH | REQUEST_CYCLES);
    wait_epoch(t, EDDY_RECORD_WAIT_MEMORY, WAIT_SLICE_NS);
    return true;
}

static size_t log_room(const eddy_heap *heap, const struct log *log)
{
    return (size_t)(log->chunk->entries + heap->chunk_entries - log->next) + (size_t)log->spares * heap->chunk_entries;
}

/* Whether log space is short: waits, or sleeps, and says so. */
static bool log_space_short(struct thread *t)
{
    eddy_heap *heap = t->heap;
    uint64_t used = EDDY_LOAD_RELAXED(&heap->chunks_used) * LOG_CHUNK_BYTES;
    uint64_t limit = heap->config.log_limit, half = limit / 2;
    if (used <= half)
        return false;
    eddy__collector_request(heap, REQUEST_EPOCH);
    if (used >= limit)
        wait_epoch(t, EDDY_RECORD_WAIT_LOG, WAIT_SLICE_NS);
    else
        sleep_graduated(t, EDDY_PACING_LOGS, limit - used, half);
    return true;
}

/* Adds chunks until `log` has room for `entries`; false when there is no chunk to be had. `surely`: whatever the
 * limit says. */
static bool extend(struct thread *t, struct log *log, size_t entries, bool surely)
{
    eddy_heap *heap = t->heap;
    while (log_room(heap, log) < entries) {
        struct log_chunk *chunk = eddy__chunk_take(heap, surely);
        if (chunk == NULL)
            return false;
        EDDY_STORE_RELAXED(&chunk->next, log->spare);
        log->spare = chunk;
        log->spares++;
        if (EDDY_ADD_RELAXED(&heap->logged, LOG_CHUNK_BYTES) + LOG_CHUNK_BYTES >= EDDY_LOAD_RELAXED(&heap->log_bytes))
            eddy__collector_request(heap, REQUEST_EPOCH);
    }
    return true;
}

/* All that was logged before has been applied after so many epochs. What is still in use then is what threads
 * have in hand, full and read to the end: waiting on would be for ever. */
#define EPOCHS_TO_APPLY_LOGS 4u

bool eddy__reserve_entries(struct thread *t, size_t incs, size_t decs)
{
    eddy_heap *heap = t->heap;
    if (EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&heap->active) == 0))
        eddy__collector_note_active(heap);
    bool waited = false, slept = false;
    uint32_t first = EDDY_LOAD_RELAXED(&heap->epochs_done);
    uint64_t begun = 0;
    if (MUTANT(MUTANT_RESERVE_SHORT) && incs > 1)
        incs--;
    while (log_room(heap, &t->inc) < incs || log_room(heap, &t->dec) < decs) {
        if (begun == 0)
            begun = eddy__stall_begin(t);
        bool surely = EDDY_LOAD_RELAXED(&heap->epochs_done) - first >= EPOCHS_TO_APPLY_LOGS;
        if (!slept && !surely && log_space_short(t)) {
            waited = true;
            slept = EDDY_LOAD_RELAXED(&heap->chunks_used) * LOG_CHUNK_BYTES < heap->config.log_limit;
            continue;
        }
        if (extend(t, &t->inc, incs, surely) && extend(t, &t->dec, decs, surely))
            break;
        eddy__collector_request(heap, REQUEST_EPOCH);
        wait_epoch(t, EDDY_RECORD_WAIT_LOG, WAIT_SLICE_NS);
        waited = true;
    }
    if (incs != 0 && t->inc.next == t->inc.limit)
        eddy__log_advance(&t->inc, heap->chunk_entries);
    if (decs != 0 && t->dec.next == t->dec.limit)
        eddy__log_advance(&t->dec, heap->chunk_entries);
    eddy__stall_end(t, EDDY_RECORD_LOG, begun);
    return waited;
}
