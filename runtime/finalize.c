/* Finalizers, the mutator's side: attaching them, taking them out of their queues, disposing of objects. Taking an entry
 * is taking a counted reference out of a location: the reference passes to the thread's roots, and its dec is logged. */
#include "eddy/finalize.h"

#include <stdlib.h>
#include <string.h>

#include "collector/collector.h"
#include "runtime/attach.h"

/* ---- queues ---- */

eddy_status eddy_finalizer_queue_create(eddy_heap *heap, eddy_finalizer_queue **queue)
{
    *queue = NULL;
    eddy_finalizer_queue *q = NULL;
    if (FAILS_NOW() || posix_memalign((void **)&q, 64, sizeof *q) != 0)
        return EDDY_ENOMEM;
    memset(q, 0, sizeof *q);
    struct finalizer *first = eddy__retirable_alloc(heap, sizeof *first);
    if (first == NULL) {
        free(q);
        return EDDY_ENOMEM;
    }
    eddy__charge_always(heap, sizeof *q);
    q->heap = heap;
    q->head = q->tail = first;
    pthread_mutex_lock(&heap->registry_lock);
    q->next = heap->finalizer_queues;
    EDDY_STORE_RELAXED(&heap->finalizer_queues, q);
    pthread_mutex_unlock(&heap->registry_lock);
    *queue = q;
    return EDDY_OK;
}

eddy_status eddy_finalizer_queue_destroy(eddy_thread *ft, eddy_finalizer_queue *queue)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    if (EDDY_LOAD_ACQUIRE(&queue->nodes) != 0 || EDDY_LOAD_ACQUIRE(&queue->waiters) != 0)
        return EDDY_EBUSY;
    pthread_mutex_lock(&t->heap->registry_lock);
    eddy_finalizer_queue **link = &t->heap->finalizer_queues;
    while (*link != queue)
        link = &(*link)->next;
    EDDY_STORE_RELAXED(link, queue->next);
    pthread_mutex_unlock(&t->heap->registry_lock);
    eddy__retire(t->heap, queue->head);
    eddy__internal_free(t->heap, queue, sizeof *queue);
    return EDDY_OK;
}

uint64_t eddy_finalizers_pending(const eddy_finalizer_queue *queue)
{
    return EDDY_LOAD_RELAXED(&queue->pending);
}

eddy_status eddy_finalize_all(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_caller(t);
    if (status != EDDY_OK)
        return status;
    eddy__native_begin(t);
    for (unsigned i = 0; i < 2; i++) /* until everything that has a finalizer has a count */
        eddy__pass_epoch(t->heap, UINT64_MAX, NULL);
    eddy__collector_finalize_all(t->heap);
    eddy__native_end(t);
    eddy__collector_note_active(t->heap);
    return EDDY_OK;
}

/* ---- attaching ---- */

eddy_status eddy_finalizer_attach(eddy_thread *ft, void *object, eddy_finalizer_queue *queue, eddy_finalizer_fn *fn,
                                  void *data)
{
    struct thread *t = thread_of(ft);
    if (!heap_contains(t->heap, object) || queue == NULL || queue->heap != t->heap)
        return EDDY_EINVAL;
    eddy__make_counted(t, object);
    struct object_record *a = eddy__attachment_of(t, object);
    struct finalizer *f = a == NULL ? NULL : eddy__retirable_alloc(t->heap, sizeof *f);
    if (f == NULL)
        return EDDY_ENOMEM;
    *f = (struct finalizer){.object = object, .queue = queue, .fn = fn, .data = data};
    f->number = EDDY_ADD_RELAXED(&t->heap->finalizers_made, 1);
    EDDY_ADD_RELAXED(&queue->nodes, 1);
    f->next = EDDY_LOAD_RELAXED(&a->finalizers);
    while (!EDDY_CAS_ACQ_REL(&a->finalizers, &f->next, f)) {
    }
    return EDDY_OK;
}

/* ---- taking ---- */

bool eddy_finalizer_take(eddy_thread *ft, eddy_finalizer_queue *queue, eddy_finalization *entry)
{
    struct thread *t = thread_of(ft);
    if (!eddy__has_room(t, 0, 1))
        eddy__reserve_entries(t, 0, 1);
    struct finalizer *head = EDDY_LOAD_ACQUIRE(&queue->head), *next;
    do {
        next = EDDY_LOAD_ACQUIRE(&head->next);
        if (next == NULL)
            return false;
    } while (!EDDY_CAS_ACQ_REL(&queue->head, &head, next));
    *entry = (eddy_finalization){.object = next->object, .fn = next->fn, .data = next->data};
    if (!MUTANT(MUTANT_FINALIZED_KEPT))
        eddy__push_dec(t, next->object);
    EDDY_SUB_RELAXED(&queue->pending, 1);
    eddy__retire(t->heap, head);
    EDDY_SUB_ACQ_REL(&queue->nodes, 1);
    return true;
}

static void run(eddy_thread *t, const eddy_finalization *entry)
{
    if (entry->fn == NULL)
        return;
    void *held[1] = {entry->object};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 1);
    entry->fn(t, entry->object, entry->data);
    eddy_frame_pop(t, &frame);
}

size_t eddy_finalizers_run(eddy_thread *t, eddy_finalizer_queue *queue, size_t most)
{
    size_t done = 0;
    eddy_finalization entry;
    while (done < most && eddy_finalizer_take(t, queue, &entry)) {
        run(t, &entry);
        done++;
    }
    return done;
}

static bool has_entry(eddy_finalizer_queue *queue)
{
    return EDDY_LOAD_SEQ_CST(&queue->pending) != 0;
}

bool eddy_finalizers_wait(eddy_thread *ft, eddy_finalizer_queue *queue, unsigned timeout_ms)
{
    struct thread *t = thread_of(ft);
    uint64_t timeout = timeout_ms == 0 ? UINT64_MAX : (uint64_t)timeout_ms * 1000000u, begun = eddy__os_now();
    eddy_native_enter(&t->fast);
    EDDY_ADD_SEQ_CST(&queue->waiters, 1);
    for (;;) {
        uint32_t posted = EDDY_LOAD_SEQ_CST(&queue->posted);
        uint64_t passed = eddy__os_now() - begun;
        if (has_entry(queue) || passed >= timeout)
            break;
        eddy__os_wait(&queue->posted, posted, timeout == UINT64_MAX ? UINT64_MAX : timeout - passed);
    }
    EDDY_ADD_SEQ_CST(&queue->waiters, -1);
    eddy_native_leave(&t->fast);
    return has_entry(queue);
}

/* ---- disposing ---- */

/* In the order in which they were attached. */
static struct finalizer *reversed(struct finalizer *f)
{
    struct finalizer *list = NULL;
    for (struct finalizer *next; f != NULL; f = next) {
        next = f->next;
        f->next = list;
        list = f;
    }
    return list;
}

void eddy_dispose(eddy_thread *ft, void *object, bool run_them)
{
    struct thread *t = thread_of(ft);
    struct object_record *a = object == NULL ? NULL : attachment_find(t->heap, object);
    if (a == NULL)
        return;
    uint64_t external = EDDY_EXCHANGE_ACQ_REL(&a->external, 0);
    EDDY_SUB_RELAXED(&t->heap->external, external);
    eddy__discharge_objects(t->heap, external);
    if (MUTANT(MUTANT_DISPOSE_KEEPS))
        return;
    struct finalizer *f = reversed(EDDY_EXCHANGE_ACQ_REL(&a->finalizers, NULL));
    for (struct finalizer *next; f != NULL; f = next) {
        next = f->next;
        const eddy_finalization entry = {.object = object, .fn = f->fn, .data = f->data};
        EDDY_SUB_ACQ_REL(&f->queue->nodes, 1);
        eddy__retirable_free(t->heap, f);
        if (run_them)
            run(ft, &entry);
    }
}
