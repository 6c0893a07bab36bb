/* Attaching threads, safepoints, native regions. */
#ifndef EDDY_THREAD_H
#define EDDY_THREAD_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Attaches the calling thread to `heap`. A thread may be attached to several heaps, once to each (a second attach to the
 * same heap fails with EDDY_EBUSY). *t is valid until the thread detaches. A thread that ends while attached is detached by
 * Eddy; its frames of handles must be gone by then. Errors: EDDY_ELIMIT (65,534 threads attached), EDDY_ENOMEM, EDDY_EBUSY,
 * EDDY_ESYSTEM (conservative roots, and the system does not tell where the stack is); then *t is NULL. Any thread; not a
 * safepoint of the heaps that it is attached to already. Takes a lock for a short time, and waits while eddy_verify, an
 * inspection or eddy_heap_freeze holds all threads. */
EDDY_API eddy_status eddy_thread_attach(eddy_heap *heap, eddy_thread **t);

/* Detaches. Everything reachable only from this thread's stack or frames becomes garbage. A safepoint.
 * Errors, changing nothing: EDDY_ETHREAD (not the owner), EDDY_EDETACHED (done before; records stay
 * recognisable until the heap is destroyed or the record is used again), EDDY_EBUSY (inside a native
 * region, frames of handles are still pushed, a fiber belongs to the thread, or it holds the legacy lock). */
EDDY_API eddy_status eddy_thread_detach(eddy_thread *t);

/* The calling thread's record for `heap`, or NULL if it is not attached. Any thread, in native regions, too; not a safepoint.
 * Cost: a look through the heaps that the thread is attached to. */
EDDY_API eddy_thread *eddy_thread_current(eddy_heap *heap);

/* The heap a record belongs to. Any thread, not a safepoint. */
EDDY_API eddy_heap *eddy_thread_heap(eddy_thread *t);

/* Why the last function of this thread failed that returns an object, and NULL when it fails: EDDY_ENOMEM or EDDY_EINVAL;
 * EDDY_OK if none has. Own thread; not a safepoint. */
EDDY_API eddy_status eddy_thread_error(const eddy_thread *t);

EDDY_API void eddy__safepoint_slow(eddy_thread *t);

/* A safepoint: polls, and takes part in a handshake when one is asked for. Loops that do not allocate
 * need one, or they delay reclamation (nothing else: no thread ever waits for them). Own thread. Cost: one load,
 * one compare. */
static inline void eddy_safepoint(eddy_thread *t)
{
    EDDY__NOTE_SAFEPOINT(t);
#ifdef EDDY_STRESS /* builds of Eddy's own tests: an epoch is asked for at every safepoint */
    eddy__safepoint_slow(t);
#else
    if (EDDY_UNLIKELY(EDDY_LOAD_RELAXED(EDDY_LOAD_RELAXED(&t->epoch_word)) != t->epoch))
        eddy__safepoint_slow(t);
#endif
}

/* Enters a native region: until the matching leave the thread must not touch the heap, and delays
 * nobody, however long it sleeps: the collector passes its handshakes for it. Its roots as of entry stand for it; asleep through
 * whole epochs it is not even scanned again (eddy_stats.handshakes_carried). Use it around whatever blocks: system
 * calls, locks whose holders may reach safepoints, long foreign code. Nests. Own thread; a safepoint. Cost: a copy of the stack's
 * pointers into the heap.
 *
 * What foreign code may keep meanwhile: addresses of objects that are pinned (pin.h), retained (root.h), or in a
 * frame that was pushed before; objects do not move. It may read and write bytes of such objects that are
 * not reference fields, for instance as the buffer of a system call. To follow or store references, to
 * allocate, to pin or unpin it must come back: by leaving the region, or by a callback. */
EDDY_API void eddy_native_enter(eddy_thread *t);

/* Leaves the native region that was entered last. Own thread; a safepoint. Without a matching eddy_native_enter the misuse handler
 * is called. Waits while eddy_verify, an inspection or eddy_heap_freeze holds all threads. Cost: of the outermost region a
 * compare-and-swap, and a handshake if an epoch has begun meanwhile. */
EDDY_API void eddy_native_leave(eddy_thread *t);

/* A callback: managed code that foreign code calls from inside native regions, however deeply they
 * nest; it may itself enter regions, and be called back from there. */
typedef struct eddy_callback {
    unsigned depth;            /* regions the thread was in */
    struct eddy_frame *frames; /* its top frame of handles */
} eddy_callback;

/* Begins a callback: from here to the matching end the thread may use the heap, whatever regions it is in. Own
 * thread; on a thread that is in no region it changes nothing. A safepoint. Cost: that of eddy_native_leave. */
EDDY_API eddy_callback eddy_callback_begin(eddy_thread *t);

/* Ends a callback: the thread is in its regions again, represented by its roots of now. Frames pushed and regions entered by the
 * callback must be gone (else the misuse handler is called). Own thread; a safepoint. Cost: that of eddy_native_enter. */
EDDY_API void eddy_callback_end(eddy_thread *t, eddy_callback callback);

#ifdef __cplusplus
}
#endif

#endif
