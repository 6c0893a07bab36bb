/* Reporting an epoch and a slice of the search for cycles to listeners (eddy/events.h). Clocks are read only when
 * somebody wants to know. Collector only. */
#include "collector/state.h"
#include "runtime/heap/events.h"

void eddy__report_begin(struct collector *c)
{
    c->marks = (struct epoch_marks){.ns = 0};
    if (!EVENT_WANTED(c->heap, epoch_end))
        return;
    c->marks = (struct epoch_marks){.ns = eddy__os_now(),
                                    .cpu_ns = eddy__os_thread_cpu(),
                                    .incs = c->stats.incs,
                                    .decs = c->stats.decs,
                                    .objects_freed = c->stats.objects_freed,
                                    .cycles_freed = c->stats.cycles_freed,
                                    .live_bytes = c->counted_bytes};
}

void eddy__report_end(struct collector *c)
{
    const struct epoch_marks *marks = &c->marks;
    if (marks->ns == 0)
        return;
    eddy_epoch_report report = {.epoch = c->epoch,
                                .begun_ns = c->begun_ns,
                                .rendezvous_ns = marks->ns - c->begun_ns,
                                .work_ns = eddy__os_now() - marks->ns,
                                .cpu_ns = eddy__os_thread_cpu() - marks->cpu_ns,
                                .allocated_bytes = c->allocated,
                                .incs = c->stats.incs - marks->incs,
                                .decs = c->stats.decs - marks->decs,
                                .objects_freed = c->stats.objects_freed - marks->objects_freed,
                                .cycles_freed = c->stats.cycles_freed - marks->cycles_freed,
                                .live_bytes_before = marks->live_bytes,
                                .live_bytes = c->counted_bytes,
                                .live_objects = c->counted_objects,
                                .committed_bytes = EDDY_LOAD_RELAXED(&c->heap->committed),
                                .next_bytes = EDDY_LOAD_RELAXED(&c->heap->epoch_bytes)};
    EVENT(c->heap, epoch_end, &report);
}

static const char *const phase_names[] = {
    [CYCLE_IDLE] = "idle",   [CYCLE_TAKE] = "take",       [CYCLE_DISCOVER] = "discover", [CYCLE_SCAN] = "scan",
    [CYCLE_SPLIT] = "split", [CYCLE_PREPARE] = "prepare", [CYCLE_ARMED] = "armed",       [CYCLE_TEST] = "test",
};

void eddy__report_cycle_slice(struct collector *c)
{
    const struct cycles *y = &c->cycles;
    bool idle = y->phase == CYCLE_IDLE;
    uint64_t passes = c->stats.cycle_passes;
    uint64_t begun = EVENT_WANTED(c->heap, cycle_slice) ? eddy__os_now() : 0;
    eddy__cycle_slice(c);
    if (begun == 0 || (idle && y->phase == CYCLE_IDLE && c->stats.cycle_passes == passes))
        return; /* nobody listens, or there was nothing to search */
    eddy_cycle_report report = {.epoch = c->epoch,
                                .phase = phase_names[y->phase],
                                .nodes = y->met,
                                .candidates = y->candidates.count,
                                .ns = eddy__os_now() - begun};
    EVENT(c->heap, cycle_slice, &report);
}
