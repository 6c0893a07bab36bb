/* Calling the helpers of eddy/events.h: callbacks at a safepoint of an allocating thread, which may do whatever the
 * thread may. What the interrupted operation has in hand is kept as a frame of handles and put back afterwards. Own thread. */
#include <string.h>

#include "runtime/heap/events.h"
#include "runtime/heap/soft_limit.h"
#include "runtime/runtime.h"

/* What a helper's own operations would overwrite. */
struct interrupted {
    eddy_frame frame;
    void *held[sizeof((struct thread *)NULL)->held / sizeof(void *)];
    uint64_t passes_seen;
    eddy_status error;
};

static void begin_help(struct thread *t, struct interrupted *i)
{
    memcpy(i->held, t->held, sizeof i->held);
    i->passes_seen = t->passes_seen;
    i->error = t->error;
    eddy_frame_push(&t->fast, &i->frame, i->held, sizeof i->held / sizeof i->held[0]);
    t->helping = true;
}

static void end_help(struct thread *t, struct interrupted *i)
{
    t->helping = false;
    eddy_frame_pop(&t->fast, &i->frame);
    memcpy(t->held, i->held, sizeof i->held);
    t->passes_seen = i->passes_seen;
    t->error = i->error;
}

/* Little is left when less than this share of the heap limit is. */
#define LOW_SHARE 8

static bool is_low(const eddy_heap *heap)
{
    uint64_t limit = EDDY_LOAD_RELAXED(&heap->heap_limit);
    return heap_above_soft_limit(heap) || (limit != UINT64_MAX && eddy__room(heap) < limit / LOW_SHARE);
}

void eddy__memory_low(struct thread *t)
{
    eddy_heap *heap = t->heap;
    uint64_t last = EDDY_LOAD_RELAXED(&heap->low_epoch), epoch = t->fast.epoch;
    if (t->helping || last >= epoch || !is_low(heap) || !EDDY_CAS_ACQ_REL(&heap->low_epoch, &last, epoch))
        return;
    uint64_t hard = EDDY_LOAD_RELAXED(&heap->heap_limit), soft = EDDY_LOAD_RELAXED(&heap->soft_limit);
    const eddy_memory_report report = {.used_bytes = heap_used(heap),
                                       .soft_limit = soft == UINT64_MAX ? 0 : soft,
                                       .heap_limit = hard == UINT64_MAX ? 0 : hard};
    EVENT_PROBE(memory_low, heap, &t->fast, &report);
    struct interrupted i;
    begin_help(t, &i);
    EVENT_EACH(heap, memory_low, l, l->memory_low(l->context, heap, &t->fast, &report))
    end_help(t, &i);
}

bool eddy__last_resort(struct thread *t)
{
    eddy_heap *heap = t->heap;
    EVENT_PROBE(out_of_memory, heap, &t->fast);
    if (t->helping || (EDDY_LOAD_RELAXED(&heap->listening) & LISTEN_out_of_memory) == 0)
        return false;
    bool again = false;
    struct interrupted i;
    begin_help(t, &i);
    EVENT_EACH(heap, out_of_memory, l, again |= l->out_of_memory(l->context, heap, &t->fast))
    end_help(t, &i);
    return again;
}
