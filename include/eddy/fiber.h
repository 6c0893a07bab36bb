/* Fibers and coroutines: stacks that the program switches between by itself (ucontext, boost.context, hand-written
 * assembly). Eddy switches nothing; it must know which stack is in use, and what the others hold.
 *
 * A *fiber* stands for one such stack. While it is suspended, what its stack (on heaps with conservative roots) and its
 * frames of handles refer to stays alive; it is copied once, at the switch away from it, and not looked at again until the
 * fiber has run. Frames of handles belong to the fiber that pushed them. All functions: own thread only.
 *
 *     eddy_fiber_switch(t, next);     // the last thing before, with nothing of Eddy in between:
 *     swapcontext(&mine, &its);       // the switch itself
 *
 * A fiber belongs to a thread, the one that made it or took it, which alone may switch to it. eddy_fiber_offer lets any
 * other thread take it, by switching to it. How that thread learns of it is the program's affair.
 * A reference for a new fiber to begin with is passed in a place that holds it: an object, a root slot, the stack of the fiber
 * that waits for the new one to take it over; not in a register or in what makecontext keeps. */
#ifndef EDDY_FIBER_H
#define EDDY_FIBER_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_fiber eddy_fiber;

/* Makes a fiber for a stack of `bytes` bytes from `low` upwards, which has not run yet. On heaps with precise roots, where
 * no stack is looked at, NULL and 0 will do. The memory is the caller's, until the fiber is dropped. Errors, with *fiber
 * NULL: EDDY_EINVAL, EDDY_ENOMEM, EDDY_ETHREAD, EDDY_EDETACHED. Takes a lock; not a safepoint. */
EDDY_API eddy_status eddy_fiber_create(eddy_thread *t, void *low, size_t bytes, eddy_fiber **fiber);

/* Says that the thread goes from the fiber it runs to `to`; NULL: to the stack that the thread began on. Copies what the present
 * one refers to: as of this call, and registers included, so that the caller must switch at once, loading no reference in between.
 * A safepoint. Cost: a scan of the used part of the stack that is left, and of its frames; the next handshake looks at all
 * frames of the stack then in use. Errors, changing nothing: EDDY_EBUSY (`to` belongs to another thread or is running; the
 * thread is in a native region), EDDY_EINVAL (it runs already, on this thread; it is of another heap), EDDY_ENOMEM, EDDY_ETHREAD,
 * EDDY_EDETACHED. A handshake that finds the thread on another stack than it said calls the misuse handler. */
EDDY_API eddy_status eddy_fiber_switch(eddy_thread *t, eddy_fiber *to);

/* Lets any attached thread of the heap switch to `fiber`, which must belong to the caller and be suspended, or not have run.
 * Whoever does takes it. A possible safepoint. Cost: everything the caller has made and nobody else has seen becomes visible
 * to others by this (stores into it are counted from now on), so that switching among a thread's own fibers is cheaper.
 * Errors: EDDY_EBUSY (not the caller's, or running), EDDY_EINVAL (NULL, or of another heap), EDDY_ETHREAD, EDDY_EDETACHED.
 * Own thread. */
EDDY_API eddy_status eddy_fiber_offer(eddy_thread *t, eddy_fiber *fiber);

/* Forgets a fiber that belongs to the caller or is on offer, and is not running: whatever it refers to, it no longer does, and its
 * stack may be freed or registered again at once. Own thread; not a safepoint. Errors: EDDY_EBUSY (another thread's, or running),
 * EDDY_EINVAL (NULL, or of another heap), EDDY_ETHREAD, EDDY_EDETACHED. */
EDDY_API eddy_status eddy_fiber_drop(eddy_thread *t, eddy_fiber *fiber);

/* The fiber that the thread runs; NULL: the stack that it began on. Own thread; not a safepoint. A thread detaches on that
 * stack, when no fiber belongs to it any more (else EDDY_EBUSY); one that ends without detaching leaves its suspended fibers
 * on offer. */
EDDY_API eddy_fiber *eddy_fiber_current(eddy_thread *t);

#ifdef __cplusplus
}
#endif

#endif
