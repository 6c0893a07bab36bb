/* Holding the collector between two epochs while the process forks (design, section 7), and what becomes of it in the
 * child, where its thread does not exist: the next request makes it again. Any thread, in native state or not attached. */
#include "collector/collector.h"
#include "collector/state.h"

#define SLICE_NS UINT64_C(20000000)

void eddy__collector_hold(eddy_heap *heap)
{
    const struct collector *c = heap->collector;
    uint32_t nobody = 0;
    while (!EDDY_CAS_SEQ_CST(&heap->held, &nobody, 1)) { /* another thread forks */
        eddy__os_wait(&heap->held, 1, UINT64_MAX);
        nobody = 0;
    }
    pthread_mutex_lock(&heap->collector_lock);
    while (c->begun) { /* no epoch begins while `held` is set, but this one has to end */
        uint32_t done = EDDY_LOAD_ACQUIRE(&heap->epochs_done);
        pthread_mutex_unlock(&heap->collector_lock);
        if (heap->flags & EDDY_HEAP_MANUAL)
            eddy__collector_epoch(heap, SLICE_NS, NULL);
        else
            wait_epoch_done(heap, done, SLICE_NS);
        pthread_mutex_lock(&heap->collector_lock);
    }
}

void eddy__collector_let_go(eddy_heap *heap)
{
    pthread_mutex_unlock(&heap->collector_lock);
    EDDY_STORE_SEQ_CST(&heap->held, 0);
    eddy__os_wake(&heap->held);
}

void eddy__collector_lock_free(eddy_heap *heap)
{
    struct collector *c = heap->collector;
    pthread_mutex_lock(&heap->collector_lock);
    while (!c->begun && EDDY_LOAD_SEQ_CST(&heap->held) != 0) {
        pthread_mutex_unlock(&heap->collector_lock);
        eddy__os_wait(&heap->held, 1, UINT64_MAX);
        pthread_mutex_lock(&heap->collector_lock);
    }
}

void eddy__collector_lost(eddy_heap *heap)
{
    EDDY_STORE_RELAXED(&heap->unacknowledged, 0);
    EDDY_STORE_RELAXED(&heap->epoch_waiters, 0);
    EDDY_STORE_RELAXED(&heap->waiting, 0);
    if (heap->flags & EDDY_HEAP_MANUAL)
        return;
    heap->collector_running = false;
    EDDY_STORE_RELAXED(&heap->request, 0);
    EDDY_STORE_RELAXED(&heap->active, 0);
    EDDY_STORE_SEQ_CST(&heap->asleep, ASLEEP_LOST);
}

void eddy__collector_revive(eddy_heap *heap)
{
    uint32_t lost = ASLEEP_LOST;
    if (!EDDY_CAS_SEQ_CST(&heap->asleep, &lost, 0) || eddy__collector_start(heap) == EDDY_OK)
        return;
    /* it is tried again at the next request */
    EDDY_STORE_SEQ_CST(&heap->asleep, ASLEEP_LOST);
    EDDY_STORE_SEQ_CST(&heap->request, 0);
    EDDY_STORE_SEQ_CST(&heap->active, 0);
}
