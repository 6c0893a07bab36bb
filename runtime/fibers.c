/* Fibers (include/eddy/fiber.h; runtime/heap/fiber.h says how their roots belong to epochs). The stack that a thread began on
 * gets a record, too, when it is left for the first time.
 *
 * Keeps I1 when a fiber goes to another thread: its owner bumps its tag after the fiber was left and before anyone may take
 * it. Keeps I7: who takes a fiber that was left in epoch e is in e or later, so that nothing goes back by it into an epoch whose
 * roots are being recorded. */
#include <stdlib.h>

#include "collector/collector.h"
#include "runtime/heap/fiber.h"
#include "runtime/runtime.h"

static eddy_fiber *make_fiber(struct thread *t, char *low, char *high)
{
    eddy_heap *heap = t->heap;
    eddy_fiber *fiber = eddy__internal_alloc(heap, sizeof *fiber);
    if (fiber == NULL)
        return NULL;
    fiber->heap = heap;
    fiber->owner = t;
    fiber->low = low;
    fiber->high = high;
    pthread_mutex_lock(&heap->registry_lock);
    fiber->next = heap->fibers;
    EDDY_STORE_RELEASE(&heap->fibers, fiber);
    pthread_mutex_unlock(&heap->registry_lock);
    return fiber;
}

void eddy__fiber_free(eddy_heap *heap, struct eddy_fiber *fiber)
{
    for (int i = 0; i < 2; i++) {
        free(fiber->roots[i].words);
        eddy__discharge_overhead(heap, fiber->roots[i].room * sizeof(uintptr_t));
        eddy__internal_free(heap, fiber->accepted[i].objects, fiber->accepted[i].room * sizeof(uintptr_t));
    }
    eddy__internal_free(heap, fiber, sizeof *fiber);
}

void eddy__fibers_destroy(eddy_heap *heap)
{
    for (eddy_fiber *fiber = heap->fibers, *next; fiber != NULL; fiber = next) {
        next = fiber->next;
        eddy__fiber_free(heap, fiber);
    }
    heap->fibers = NULL;
}

eddy_status eddy_fiber_create(eddy_thread *ft, void *low, size_t bytes, eddy_fiber **result)
{
    *result = NULL;
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    bool scanned = (t->heap->flags & EDDY_HEAP_PRECISE_ROOTS) == 0;
    if ((low == NULL) != (bytes == 0) || (scanned && low == NULL) || bytes > UINTPTR_MAX - (uintptr_t)low)
        return EDDY_EINVAL;
    char *high = (char *)(((uintptr_t)low + bytes) & ~(uintptr_t)(sizeof(void *) - 1));
    eddy_fiber *fiber = make_fiber(t, low, high);
    if (fiber == NULL)
        return EDDY_ENOMEM;
    t->fibers++;
    *result = fiber;
    return EDDY_OK;
}

eddy_fiber *eddy_fiber_current(eddy_thread *ft)
{
    const struct thread *t = thread_of(ft);
    return t->fiber == t->own_fiber ? NULL : t->fiber;
}

/* ---- whose it is ---- */

/* Makes the fiber the thread's if it is, or is on offer. */
static bool take(struct thread *t, eddy_fiber *fiber)
{
    struct thread *owner = NULL;
    if (EDDY_LOAD_ACQUIRE(&fiber->owner) == t)
        return !fiber->running;
    if (!EDDY_CAS_ACQ_REL(&fiber->owner, &owner, t))
        return false;
    t->fibers++;
    return true;
}

static void give(struct thread *t, eddy_fiber *fiber)
{
    t->fibers--;
    EDDY_STORE_RELEASE(&fiber->owner, NULL);
}

static eddy_status check_call(const struct thread *t, const eddy_fiber *fiber)
{
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    if (fiber != NULL && fiber->heap != t->heap)
        return EDDY_EINVAL;
    return t->native_depth != 0 ? EDDY_EBUSY : EDDY_OK;
}

/* ---- switching ---- */

/* Everything that the stack in use refers to, as roots of the epoch in hand. */
static bool copy_roots(struct thread *t, struct root_buffer *roots)
{
    eddy__root_buffer_clear(roots);
    for (const eddy_frame *frame = t->frames; frame != NULL; frame = frame->previous)
        for (size_t i = 0; i < frame->count; i++)
            if (frame->slots[i] != NULL && !eddy__root_buffer_add(t, roots, (uintptr_t)frame->slots[i]))
                return false;
    roots->exact = roots->count;
    return (t->heap->flags & EDDY_HEAP_PRECISE_ROOTS) != 0 || eddy__scan_stack(t, roots);
}

static bool leave(struct thread *t, eddy_fiber *fiber)
{
    uint64_t epoch = t->fast.epoch;
    if (!MUTANT(MUTANT_FIBER_BLIND) && !copy_roots(t, &fiber->roots[epoch & 1]))
        return false;
    fiber->suspended[epoch & 1] = epoch;
    fiber->epoch = epoch;
    fiber->frames = t->frames;
    fiber->tag = t->fast.tag;
    fiber->running = false;
    return true;
}

/* Ends the suspension, if it is one. (To drop a fiber a thread need not have caught up with it.) */
static void end_suspension(struct thread *t, eddy_fiber *fiber)
{
    uint64_t epoch = t->fast.epoch > fiber->epoch ? t->fast.epoch : fiber->epoch;
    if (fiber->suspended[epoch & 1] == epoch)
        fiber->suspended[epoch & 1] = 0;
    if (MUTANT(MUTANT_RESUME_CANCELS))
        fiber->suspended[0] = fiber->suspended[1] = 0;
    EDDY_STORE_RELEASE(&fiber->resumed, epoch);
    fiber->epoch = epoch;
}

static void enter(struct thread *t, eddy_fiber *fiber)
{
    end_suspension(t, fiber);
    fiber->running = true;
    t->fiber = fiber;
    t->frames = fiber->frames;
    t->stack_base = fiber->high;
    eddy__forget_frames(t);
}

/* The record of the stack that the thread began on; it runs, as long as it is the only one. */
static bool have_own_fiber(struct thread *t)
{
    if (t->own_fiber != NULL)
        return true;
    eddy_fiber *own = make_fiber(t, NULL, t->stack_base);
    if (own == NULL)
        return false;
    own->running = true;
    t->own_fiber = t->fiber = own;
    return true;
}

__attribute__((noinline)) eddy_status eddy_fiber_switch(eddy_thread *ft, eddy_fiber *to)
{
    struct thread *t = thread_of(ft);
    eddy_status status = check_call(t, to);
    if (status != EDDY_OK)
        return status;
    if (!have_own_fiber(t))
        return EDDY_ENOMEM;
    if (to == NULL)
        to = t->own_fiber;
    if (to == t->fiber)
        return EDDY_EINVAL;
    bool offered = EDDY_LOAD_RELAXED(&to->owner) != t;
    if (!take(t, to))
        return EDDY_EBUSY;
    if (!MUTANT(MUTANT_RESUME_BEHIND))
        eddy__poll(t);
    bool behind = t->fast.epoch < to->epoch && !MUTANT(MUTANT_RESUME_BEHIND);
    if (behind || !leave(t, t->fiber)) { /* no memory for a handshake's roots, or for the fiber's */
        if (offered)
            give(t, to);
        return EDDY_ENOMEM;
    }
    enter(t, to);
    return EDDY_OK;
}

eddy_status eddy_fiber_offer(eddy_thread *ft, eddy_fiber *fiber)
{
    struct thread *t = thread_of(ft);
    eddy_status status = fiber == NULL ? EDDY_EINVAL : check_call(t, fiber);
    if (status != EDDY_OK)
        return status;
    if (EDDY_LOAD_RELAXED(&fiber->owner) != t || fiber->running)
        return EDDY_EBUSY;
    while (fiber->tag == t->fast.tag && t->bumps_left <= 1)
        eddy__wait_for_memory(t, 0);
    if (fiber->tag == t->fast.tag && !MUTANT(MUTANT_OFFER_CURRENT))
        eddy__bump(t);
    give(t, fiber);
    return EDDY_OK;
}

static void drop(struct thread *t, eddy_fiber *fiber)
{
    end_suspension(t, fiber);
    EDDY_STORE_RELEASE(&fiber->dropped, fiber->epoch);
    if (EDDY_LOAD_RELAXED(&t->heap->active) == 0)
        eddy__collector_note_active(t->heap);
}

eddy_status eddy_fiber_drop(eddy_thread *ft, eddy_fiber *fiber)
{
    struct thread *t = thread_of(ft);
    eddy_status status = fiber == NULL ? EDDY_EINVAL : check_call(t, fiber);
    if (status != EDDY_OK)
        return status;
    if (!take(t, fiber))
        return EDDY_EBUSY;
    t->fibers--;
    drop(t, fiber);
    return EDDY_OK;
}

/* ---- the end of a thread ---- */

void eddy__fibers_leave(struct thread *t)
{
    if (t->fibers != 0) { /* it ends without having detached */
        eddy__bump(t);
        pthread_mutex_lock(&t->heap->registry_lock);
        for (eddy_fiber *fiber = t->heap->fibers; fiber != NULL; fiber = fiber->next) {
            if (EDDY_LOAD_RELAXED(&fiber->owner) != t || fiber == t->own_fiber || EDDY_LOAD_RELAXED(&fiber->dropped) != 0)
                continue;
            if (fiber->running)
                drop(t, fiber);
            else
                EDDY_STORE_RELEASE(&fiber->owner, NULL);
        }
        pthread_mutex_unlock(&t->heap->registry_lock);
        t->fibers = 0;
    }
    if (t->own_fiber != NULL)
        drop(t, t->own_fiber);
    t->own_fiber = t->fiber = NULL;
}

/* In a forked child, under registry_lock: the thread has vanished, wherever it was. What it has bumped since lets others take
 * the fibers that it left suspended. */
void eddy__fibers_abandon(struct thread *t)
{
    for (eddy_fiber *fiber = t->heap->fibers; fiber != NULL; fiber = fiber->next) {
        if (fiber->owner != t || fiber->dropped != 0)
            continue;
        if (fiber->running || fiber == t->own_fiber) {
            end_suspension(t, fiber);
            EDDY_STORE_RELEASE(&fiber->dropped, fiber->epoch);
        } else {
            EDDY_STORE_RELEASE(&fiber->owner, NULL);
        }
    }
    t->fibers = 0;
    t->own_fiber = t->fiber = NULL;
}
