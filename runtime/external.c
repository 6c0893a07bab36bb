/* External bytes of objects: charged to the heap like objects, so that the limit, the pace and the distance of epochs take
 * them into account; written off by the collector when their object dies (collector/attach.c). */
#include "eddy/external.h"

#include "collector/collector.h"
#include "runtime/attach.h"

/* Waits for room as an allocation does; free blocks are given up for it. */
static bool charge(struct thread *t, void *object, size_t bytes)
{
    eddy_heap *heap = t->heap;
    for (unsigned attempt = 0; !eddy__charge_objects(heap, bytes); attempt++) {
        uint64_t blocks = (bytes + BLOCK_BYTES - 1) >> BLOCK_SHIFT, free_now = EDDY_LOAD_RELAXED(&heap->free_count);
        if (free_now != 0) {
            eddy__blocks_trim(heap, free_now > blocks ? free_now - blocks : 0);
            if (eddy__charge_objects(heap, bytes))
                return true;
        }
        t->held[0] = object;
        bool waited = eddy__wait_for_memory(t, attempt);
        t->held[0] = NULL;
        if (!waited)
            return false;
    }
    return true;
}

static void note_external(struct thread *t, size_t bytes)
{
    eddy_heap *heap = t->heap;
    EDDY_ADD_RELAXED(&heap->external, bytes);
    uint64_t fresh = EDDY_ADD_RELAXED(&heap->external_fresh, bytes) + bytes;
    eddy__note_active(t);
    if (fresh + EDDY_LOAD_RELAXED(&heap->allocated) >= EDDY_LOAD_RELAXED(&heap->epoch_bytes))
        eddy__collector_request(heap, REQUEST_EPOCH);
}

eddy_status eddy_external_add(eddy_thread *ft, void *object, size_t bytes)
{
    struct thread *t = thread_of(ft);
    if (!heap_contains(t->heap, object))
        return EDDY_EINVAL;
    eddy__make_counted(t, object);
    if (bytes > SIZE_MAX / 2 || !charge(t, object, bytes))
        return EDDY_ENOMEM;
    struct object_record *a = eddy__attachment_of(t, object);
    if (a == NULL) {
        eddy__discharge_objects(t->heap, bytes);
        return EDDY_ENOMEM;
    }
    EDDY_ADD_RELAXED(&a->external, bytes);
    note_external(t, bytes);
    return EDDY_OK;
}

eddy_status eddy_external_sub(eddy_thread *ft, void *object, size_t bytes)
{
    struct thread *t = thread_of(ft);
    struct object_record *a = object == NULL ? NULL : attachment_find(t->heap, object);
    uint64_t owned = a == NULL ? 0 : EDDY_LOAD_RELAXED(&a->external);
    do
        if (a == NULL || owned < bytes)
            return bytes == 0 && object != NULL ? EDDY_OK : EDDY_EINVAL;
    while (!EDDY_CAS_ACQ_REL(&a->external, &owned, owned - bytes));
    EDDY_SUB_RELAXED(&t->heap->external, bytes);
    eddy__discharge_objects(t->heap, bytes);
    return EDDY_OK;
}

size_t eddy_external_of(eddy_thread *ft, const void *object)
{
    const struct object_record *a = attachment_find(thread_of(ft)->heap, object);
    return a == NULL ? 0 : EDDY_LOAD_RELAXED(&a->external);
}
