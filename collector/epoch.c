/* One epoch from the rendezvous to the end of step 4, in the order of the design (section 4), and what
 * comes after it: returning memory, records that can be used again. */
#include "collector/collector.h"
#include "collector/state.h"
#include "runtime/heap/soft_limit.h"

#define QUIET_EPOCHS 3u

/* ---- after the steps ---- */

static bool log_consumed(const struct log *log)
{
    return log->read == EDDY_LOAD_RELAXED(&log->next);
}

/* Records of ended threads whose last words have been heard may be used for other threads. */
static void recycle_records(struct collector *c)
{
    pthread_mutex_lock(&c->heap->registry_lock);
    for (struct thread *t = c->heap->threads; t != NULL; t = t->next) {
        if (t->life != RECORD_DETACHED)
            continue;
        bool quiet = log_consumed(&t->inc) && log_consumed(&t->dec) && t->accepted[0].count == 0
                     && t->accepted[1].count == 0 && t->stable.count == 0 && t->in_epoch == c->epoch;
        t->quiet_epochs = quiet ? t->quiet_epochs + 1 : 0;
        if (t->quiet_epochs >= QUIET_EPOCHS || MUTANT(MUTANT_RECORD_RECYCLED_EARLY)) {
            t->quiet_epochs = 0;
            t->life = RECORD_FREE;
        }
    }
    pthread_mutex_unlock(&c->heap->registry_lock);
}

/* Whether decs wait for the next epoch. */
static bool decs_pending(const struct collector *c)
{
    for (const struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next)
        if (t->in_epoch == c->epoch && t->dec.read != t->handover[c->epoch & 1].dec_mark)
            return true;
    return false;
}

/* Gives back what no epoch of late has needed: free blocks, log chunks, what lies free in the backing. */
static void return_memory(struct collector *c)
{
    eddy_heap *heap = c->heap;
    uint64_t free_now = EDDY_LOAD_RELAXED(&heap->free_count);
    if (free_now < c->surplus || c->at_rest) /* at rest nothing is needed */
        c->surplus = free_now;
    uint64_t now = eddy__os_now();
    if (now - c->surplus_since < heap->config.return_ms * UINT64_C(1000000) && !c->at_rest && !heap_above_soft_limit(heap))
        return;
    eddy__chunks_trim(heap);
    uint64_t spare = heap->epoch_bytes >> BLOCK_SHIFT;
    if (c->surplus > spare)
        eddy__blocks_trim(heap, free_now - (c->surplus - spare));
    eddy__backing_trim(heap, c->at_rest); /* at rest there may be no epoch to come */
    c->surplus_since = now;
    c->surplus = UINT64_MAX;
}

/* How far counted memory has grown, at the time of a search for cycles, in thousandths of what it may without harm: as
 * much again as lasts. Beyond that the mutators are slowed down, or a program that makes cyclic garbage faster
 * than it is found would grow without bound. */
#define GROWTH_HARMLESS ((uint64_t)256 << 20)

static uint32_t search_lag(const struct collector *c)
{
    uint64_t lasting = c->cycles.bytes_lasting;
    if (!cycle_searching(c) || c->counted_bytes <= lasting)
        return 0;
    uint64_t most = lasting > GROWTH_HARMLESS ? lasting : GROWTH_HARMLESS;
    uint64_t lag = (c->counted_bytes - lasting) / (most / 1000);
    return lag < UINT32_MAX ? (uint32_t)lag : UINT32_MAX;
}

/* Whether memory has been given up that the next epochs free. */
static bool memory_pending(const struct collector *c)
{
    return c->retired_counts != NULL || EDDY_LOAD_RELAXED(&c->heap->retired_counts) != NULL;
}

static void finish(struct collector *c)
{
    eddy_heap *heap = c->heap;
    bool at_rest = c->applied == 0 && c->decs.count == 0 && !cycle_searching(c) && !c->cycles_wanted && !decs_pending(c)
                   && !eddy__unpins_pending(c) && eddy__attached_at_rest(c);
    EDDY_STORE_RELAXED(&c->at_rest, at_rest); /* eddy_verify reads it between epochs */
    if (at_rest) /* no epoch may follow for long: blocks that have become empty are given back now */
        eddy__sort_partial(c);
    eddy__counts_reclaim(heap, &c->retired_counts);
    recycle_records(c);
    eddy__adapt_distance(c);
    return_memory(c);
    if (at_rest && memory_pending(c))
        EDDY_STORE_RELAXED(&c->at_rest, false);
    eddy__vector_trim(&c->scan);
    eddy__vector_trim(&c->decs);
    STAT_ADD(c->stats.epochs, 1);
    STAT_SET(c->stats.live_bytes, c->counted_bytes);
    STAT_SET(c->stats.live_objects, c->counted_objects);
    STAT_SET(c->stats.overflowed_counts, c->overflow.count);
    EDDY_STORE_RELAXED(&heap->search_lag, search_lag(c));
    EDDY_STORE_RELAXED(&heap->objects_freed, c->stats.objects_freed);
    EDDY_STORE_RELEASE(&heap->cycle_passes, c->cycles.passes);
    EDDY_STORE_RELEASE(&heap->exhausted_from, c->cycles.exhausted_from); /* whoever sees it sees the figures above */
    if (c->cycles.phase == CYCLE_ARMED && c->cycles.portion.count != 0)
        eddy__collector_request(heap, REQUEST_EPOCH); /* the search goes on after the tests */
    HOOK(HOOK_EPOCH_ENDS, NULL);
    EDDY_STORE_RELEASE(&heap->processed, c->epoch);
    EDDY_ADD_SEQ_CST(&heap->epochs_done, 1);
    if (EDDY_LOAD_SEQ_CST(&heap->epoch_waiters) != 0)
        eddy__os_wake(&heap->epochs_done);
}

/* ---- the steps ---- */

static void process(struct collector *c)
{
    eddy__report_begin(c);
    c->applied = 0;
    c->promoted_bytes = 0;
    if (MUTANT(MUTANT_SWEEP_EARLY))
        eddy__sweep_young(c);
    eddy__apply_incs(c);
    eddy__activity_phase(c, EDDY_RECORD_INCS);
    eddy__attached_begin(c);
    eddy__apply_decs(c);
    eddy__activity_phase(c, EDDY_RECORD_DECS);
    eddy__weak_decide(c);
    eddy__cycle_test(c);
    eddy__activity_phase(c, EDDY_RECORD_CYCLE_TEST);
    eddy__sweep_young(c);
    HOOK(HOOK_STEP_SWEPT, NULL);
    eddy__sort_partial(c);
    eddy__activity_phase(c, EDDY_RECORD_SWEEP);
    eddy__report_cycle_slice(c);
    eddy__weak_cool(c);
    eddy__activity_phase(c, EDDY_RECORD_CYCLE_SLICE);
    finish(c);
    eddy__activity_phase(c, EDDY_RECORD_FINISH);
    eddy__activity_end(c);
    eddy__report_end(c);
    eddy__record_poll(c->heap);
    eddy__reserve_blocks(c);
}

bool eddy__collector_epoch(eddy_heap *heap, uint64_t timeout_ns, unsigned *late)
{
    struct collector *c = heap->collector;
    eddy__collector_lock_free(heap);
    if (!c->begun) {
        uint32_t bits = __atomic_fetch_and(&heap->request, ~(uint32_t)(REQUEST_EPOCH | REQUEST_CYCLES), __ATOMIC_ACQ_REL);
        if (bits & REQUEST_CYCLES)
            c->cycles_wanted = true;
    }
    if (!c->begun)
        eddy__activity_begin(c);
    bool passed = eddy__rendezvous(c, timeout_ns, late);
    if (passed) {
        eddy__activity_phase(c, EDDY_RECORD_RENDEZVOUS);
        process(c);
    }
    pthread_mutex_unlock(&heap->collector_lock);
    return passed;
}

bool eddy__collector_at_rest(const eddy_heap *heap)
{
    return EDDY_LOAD_RELAXED(&heap->collector->at_rest);
}
