/* What recordings (include/eddy/record.h) show of the collector: the phases of each epoch and, at its end, a
 * record of its figures. Clocks are read only while a recording is being made. */
#include "collector/state.h"
#include "eddy/stats.h"

/* The counter whose growth is the work of a phase; `applied` begins at zero in each epoch. */
static uint64_t counter(const struct collector *c, eddy_record_phase phase)
{
    switch (phase) {
    case EDDY_RECORD_INCS: return c->stats.incs;
    case EDDY_RECORD_DECS:
    case EDDY_RECORD_CYCLE_TEST: return c->stats.decs;
    case EDDY_RECORD_SWEEP: return c->applied;
    case EDDY_RECORD_CYCLE_SLICE: return c->stats.cycles_found;
    default: return 0;
    }
}

void eddy__activity_begin(struct collector *c)
{
    c->activity.at = c->activity.work = 0;
    if (!eddy__recording(c->heap))
        return;
    c->activity.begun = c->activity.at = eddy__os_now();
    c->activity.cpu_at = eddy__os_thread_cpu();
}

void eddy__activity_phase(struct collector *c, eddy_record_phase phase)
{
    if (c->activity.at == 0) /* the recording began within the epoch, or there is none */
        return;
    uint64_t now = eddy__os_now(), before = c->activity.work;
    const eddy_record record = {EDDY_RECORD_PHASE,         (uint8_t)phase, 1, 0, c->activity.at, now - c->activity.at,
                                counter(c, phase) - before};
    eddy__record_collector(c->heap, &record);
    c->activity.at = now;
    c->activity.work = phase < EDDY_RECORD_FINISH ? counter(c, phase + 1) : 0;
}

void eddy__activity_end(struct collector *c)
{
    if (c->activity.at == 0)
        return;
    uint64_t cpu = eddy__os_thread_cpu();
    c->activity.cpu += cpu - c->activity.cpu_at;
    eddy_stats stats;
    eddy_heap_stats(c->heap, &stats);
    const eddy_record_epoch epoch = {
        .base = {EDDY_RECORD_EPOCH, 0, sizeof epoch / EDDY_RECORD_SLOT, 0, c->activity.begun,
                 c->activity.at - c->activity.begun, c->epoch},
        .allocated_bytes = c->allocated,
        .promoted_bytes = c->promoted_bytes,
        .allocated_total = stats.allocated_bytes,
        .live_bytes = stats.live_bytes,
        .live_objects = stats.live_objects,
        .committed_bytes = stats.committed_bytes,
        .peak_committed_bytes = stats.peak_committed_bytes,
        .overhead_bytes = stats.overhead_bytes,
        .free_bytes = stats.free_bytes,
        .log_bytes = stats.log_bytes,
        .epoch_bytes = stats.epoch_bytes,
        .incs = stats.incs,
        .decs = stats.decs,
        .promotions = stats.promotions,
        .objects_freed = stats.objects_freed,
        .cycle_nodes = stats.cycle_nodes,
        .cycles_freed = stats.cycles_freed,
        .cycle_objects_freed = stats.cycle_objects_freed,
        .collector_cpu_ns = c->activity.cpu,
        .handshakes = stats.handshakes + stats.handshakes_native,
    };
    eddy__record_collector(c->heap, &epoch.base);
}
