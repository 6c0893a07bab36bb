/* EDDY_HEAP_VERIFY_EPOCHS: stops all threads after an epoch, as eddy_verify does, and verifies. Called by the collecting
 * thread between epochs, without collector_lock; if that is a mutator, in native state. */
#include "collector/collector.h"
#include "collector/state.h"
#include "runtime/heap/events.h"

#define SLICE_NS UINT64_C(100000000)
#define EPOCHS_TO_REST 16u

/* One epoch, however late threads are; false when the heap is being destroyed. */
static bool pass_epoch(eddy_heap *heap)
{
    while (!eddy__collector_epoch(heap, SLICE_NS, NULL))
        if (EDDY_LOAD_SEQ_CST(&heap->request) & REQUEST_STOP)
            return false;
    return true;
}

static void complain(eddy_heap *heap, const eddy_verify_report *report)
{
    if ((EDDY_LOAD_RELAXED(&heap->listening) & LISTEN_corrupt) == 0)
        eddy__misuse("collector (verify=epoch)", report->message);
    EVENT(heap, corrupt, report);
}

void eddy__collector_verify_epoch(eddy_heap *heap)
{
    uint32_t nobody = 0;
    if (!EDDY_CAS_SEQ_CST(&heap->parked, &nobody, 1))
        return; /* eddy_verify is about to do the same */
    bool passed = true;
    for (unsigned i = 0; passed && (i < 3 || (i < EPOCHS_TO_REST && !eddy__collector_at_rest(heap))); i++)
        passed = pass_epoch(heap);
    eddy_verify_report report;
    bool corrupt = passed && eddy__collector_verify(heap, &report) == EDDY_ECORRUPT;
    EDDY_STORE_SEQ_CST(&heap->parked, 0);
    eddy__os_wake(&heap->parked);
    if (corrupt)
        complain(heap, &report);
}
