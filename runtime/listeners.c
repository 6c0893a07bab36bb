/* Adding and removing listeners; see runtime/heap/events.h. Any thread, under registry_lock. */
#include <stdlib.h>

#include "runtime/heap/events.h"
#include "runtime/runtime.h"

static uint32_t wanted_by(const eddy_listener *l)
{
    uint32_t bits = 0;
#define WANTS(member) bits |= l->member != NULL ? LISTEN_##member : 0u
    WANTS(epoch_begin);
    WANTS(epoch_end);
    WANTS(handshake);
    WANTS(stall_begin);
    WANTS(stall_end);
    WANTS(cycle_slice);
    WANTS(pacing);
    WANTS(finalizer_queued);
    WANTS(late_thread);
    WANTS(corrupt);
    WANTS(memory_low);
    WANTS(out_of_memory);
#undef WANTS
    return bits;
}

/* registry_lock held */
static void update_mask(eddy_heap *heap)
{
    uint32_t bits = 0;
    for (const struct listener *n = heap->listeners; n != NULL; n = n->next)
        if (EDDY_LOAD_RELAXED(&n->live) != 0)
            bits |= wanted_by(n->callbacks);
    EDDY_STORE_RELAXED(&heap->listening, bits);
}

/* The node of a listener; with NULL one that nobody uses. registry_lock held. */
static struct listener *node_of(const eddy_heap *heap, const eddy_listener *listener)
{
    for (struct listener *n = heap->listeners; n != NULL; n = n->next) {
        bool live = EDDY_LOAD_RELAXED(&n->live) != 0;
        if (listener != NULL ? live && n->callbacks == listener : !live && n->callbacks == NULL)
            return n;
    }
    return NULL;
}

static eddy_status add(eddy_heap *heap, const eddy_listener *listener)
{
    if (node_of(heap, listener) != NULL)
        return EDDY_EBUSY;
    struct listener *node = node_of(heap, NULL);
    if (node == NULL) {
        node = calloc(1, sizeof *node);
        if (node == NULL)
            return EDDY_ENOMEM;
        node->next = heap->listeners;
        EDDY_STORE_RELEASE(&heap->listeners, node);
    }
    node->callbacks = listener;
    EDDY_STORE_SEQ_CST(&node->live, 1);
    update_mask(heap);
    return EDDY_OK;
}

eddy_status eddy_listener_add(eddy_heap *heap, const eddy_listener *listener)
{
    if (listener == NULL)
        return EDDY_EINVAL;
    pthread_mutex_lock(&heap->registry_lock);
    eddy_status status = add(heap, listener);
    pthread_mutex_unlock(&heap->registry_lock);
    return status;
}

/* In native state if attached: a helper that runs elsewhere may need an epoch. */
static void wait_for_users(eddy_heap *heap, struct listener *node)
{
    struct thread *t = thread_of(eddy_thread_current(heap));
    bool running = t != NULL && t->native_depth == 0;
    if (running)
        eddy__native_begin(t);
    for (uint32_t users; (users = EDDY_LOAD_SEQ_CST(&node->users)) != 0;)
        eddy__os_wait(&node->users, users, UINT64_MAX);
    if (running)
        eddy__native_end(t);
}

eddy_status eddy_listener_remove(eddy_heap *heap, const eddy_listener *listener)
{
    struct thread *t = thread_of(eddy_thread_current(heap));
    if (eddy__in_observer() || (t != NULL && t->helping))
        return EDDY_EBUSY;
    pthread_mutex_lock(&heap->registry_lock);
    struct listener *node = listener == NULL ? NULL : node_of(heap, listener);
    if (node != NULL) {
        EDDY_STORE_SEQ_CST(&node->live, 0);
        update_mask(heap);
    }
    pthread_mutex_unlock(&heap->registry_lock);
    if (node == NULL)
        return EDDY_EINVAL;
    wait_for_users(heap, node);
    pthread_mutex_lock(&heap->registry_lock);
    node->callbacks = NULL; /* may be used again */
    pthread_mutex_unlock(&heap->registry_lock);
    return EDDY_OK;
}
