/* Permanent objects, as the public API offers them (permanent.h); what makes an object permanent is the collector's
 * business (collector/permanent.c), which these calls wait for in native state. */
#include "collector/collector.h"
#include "runtime/runtime.h"

eddy_status eddy_permanent_set(eddy_thread *t, void *object, void **field, void *value)
{
    (void)t;
    if (!eddy_is_permanent(object) || (value != NULL && !eddy_is_permanent(value)))
        return EDDY_EINVAL;
    void *found = NULL;
    return value == NULL || EDDY_CAS_ACQ_REL(field, &found, value) ? EDDY_OK : EDDY_EBUSY;
}

eddy_status eddy_make_permanent(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    if (object == NULL || eddy_is_permanent(object))
        return EDDY_OK;
    t->held[0] = object;
    while (t->bumps_left <= 1)
        eddy__wait_for_memory(t, 0);
    eddy__bump(t); /* nothing that the object reaches is private-current any more */
    eddy__native_begin(t);
    status = eddy__collector_make_permanent(t->heap, object);
    eddy__native_end(t);
    t->held[0] = NULL;
    eddy__collector_note_active(t->heap);
    return status;
}

/* Whether no other thread runs; while `parked` is set, none begins to. */
static bool alone(const struct thread *t)
{
    bool alone = true;
    pthread_mutex_lock(&t->heap->registry_lock);
    for (const struct thread *other = t->heap->threads; other != NULL; other = other->next)
        if (other != t && other->life == RECORD_ATTACHED && WORD_STATE(EDDY_LOAD_SEQ_CST(&other->word)) != THREAD_NATIVE)
            alone = false;
    pthread_mutex_unlock(&t->heap->registry_lock);
    return alone;
}

eddy_status eddy_heap_freeze(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    eddy_heap *heap = t->heap;
    eddy__native_begin(t);
    uint32_t nobody = 0;
    if (!EDDY_CAS_SEQ_CST(&heap->parked, &nobody, 1)) {
        eddy__native_end(t);
        return EDDY_EBUSY;
    }
    if (alone(t)) {
        /* Whatever the threads reach has a count afterwards, private objects too, and nothing else has. */
        eddy__reclaim_all(heap, UINT64_MAX, NULL);
        while (!eddy__collector_freeze(heap))
            eddy__pass_epoch(heap, UINT64_MAX, NULL);
    } else {
        status = EDDY_EBUSY;
    }
    EDDY_STORE_SEQ_CST(&heap->parked, 0);
    eddy__os_wake(&heap->parked);
    eddy__native_end(t);
    return status;
}
