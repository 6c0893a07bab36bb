/* Roots: what keeps objects alive besides other objects.
 *
 * On heaps with conservative roots (the default) every word on the attached threads' C stacks, and in
 * their registers at safepoints, that holds an object's address keeps that object alive. The other
 * kinds work on every heap. */
#ifndef EDDY_ROOT_H
#define EDDY_ROOT_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A frame of handles: an array of local references that the thread declares as roots. Frames form a
 * stack: popped in reverse order, before the function returns.
 *
 * The slots are plain memory, read without barrier at any time. *Only the top frame's are written as plain
 * memory*; those of an older frame, while another is above it, with eddy_frame_set. For a handshake looks at no
 * older frame twice: it costs what was pushed, popped and set since the one before, however deep the stack is. A
 * frame that becomes the top one again by a pop may be written again. Debug builds look for changes in the thousand
 * youngest frames that need not have been looked at, and call the misuse handler at the next safepoint. */
typedef struct eddy_frame {
    struct eddy_frame *previous;
    size_t count;
    void **slots;
    size_t total;   /* slots of this frame and of all below it */
    uint64_t check; /* in debug builds, of a frame that has been looked at: a hash of its slots */
} eddy_frame;

/* Pushes a frame with `count` slots (0 allowed), all of which must hold objects or NULL from now on. `frame` and `slots`
 * are the caller's memory, on the stack or anywhere, until the pop. Own thread; not a safepoint. */
EDDY_API void eddy_frame_push(eddy_thread *t, eddy_frame *frame, void **slots, size_t count);
/* Pops `frame`, which must be the top one (else the misuse handler is called). Own thread; not a safepoint. */
EDDY_API void eddy_frame_pop(eddy_thread *t, eddy_frame *frame);
/* Writes slot `index` of any frame that is pushed; `value` is an object or NULL. An index out of range calls the misuse
 * handler. Own thread; not a safepoint. Cost: a compare; but the next handshake looks at all frames from the top to this one
 * again. */
EDDY_API void eddy_frame_set(eddy_thread *t, eddy_frame *frame, size_t index, void *value);

/* ---- ambiguous ranges ---- */

/* Adds an ambiguous range, from `start` up to `end`, of which whole aligned words count: memory outside the heap, such as
 * static data, a buffer, another stack that the thread fills, whose words are looked at as those of the C stack are, on
 * every kind of heap: a word that holds an object's address (with EDDY_HEAP_INTERIOR_POINTERS, any address inside it) keeps
 * it alive. A range belongs to the thread that added it, which is the only one that may write references into it, or load
 * them from it; it writes them as plain memory, and must not in a native region. The whole range is copied at each of the
 * thread's handshakes and entries into native regions: that is its cost, about a nanosecond for a word. A thread that
 * detaches removes its ranges. Own thread; not a safepoint. Errors: EDDY_EINVAL (an end below the start, or a start that has
 * been added already), EDDY_ENOMEM, EDDY_EBUSY (in a native region), EDDY_ETHREAD, EDDY_EDETACHED. */
EDDY_API eddy_status eddy_root_range_add(eddy_thread *t, void *start, void *end);
/* Removes the ambiguous range that begins at `start`: the memory may be freed at once. Own thread; not a safepoint. Errors:
 * EDDY_EINVAL (the thread has added none there), EDDY_EBUSY (in a native region), EDDY_ETHREAD, EDDY_EDETACHED. */
EDDY_API eddy_status eddy_root_range_remove(eddy_thread *t, void *start);

/* ---- global root slots ---- */

/* Registers a global root slot, and sets it to NULL: a word outside the heap that any attached thread reads and writes with
 * eddy_root_load and eddy_root_store, like a field of a shared object. Errors: EDDY_EBUSY (it is registered already), EDDY_ENOMEM,
 * EDDY_ETHREAD, EDDY_EDETACHED. Own thread; not a safepoint; takes a lock. Cost: in proportion to the number of slots. */
EDDY_API eddy_status eddy_root_add(eddy_thread *t, void **slot);
/* Stores NULL into a root slot and takes it off the register; no other thread may use it meanwhile. Errors: EDDY_EINVAL (it is not
 * registered), EDDY_ETHREAD, EDDY_EDETACHED. Own thread; a possible safepoint; takes a lock. Cost: in proportion to the number of
 * slots. */
EDDY_API eddy_status eddy_root_remove(eddy_thread *t, void **slot);
/* Writes a root slot. `value` may be NULL, and is held. Own thread; a possible safepoint. Never fails. Cost: that of a counted
 * store, an atomic exchange and two log entries. */
EDDY_API void eddy_root_store(eddy_thread *t, void **slot, void *value);
/* Reads a root slot: an acquire load. Own thread; not a safepoint. */
static inline void *eddy_root_load(eddy_thread *t, void *const *slot)
{
    (void)t;
    return EDDY_LOAD_ACQUIRE(slot);
}

/* Retains an object: it stays alive until it was released as often as it was retained, by whatever
 * threads, in whatever memory its address is kept meanwhile. This is how a reference is handed to
 * another thread outside the heap. NULL is allowed and ignored. Own thread; a possible safepoint, which `object` survives. Never
 * fails. Cost: a log entry, the first time that of sharing the object. */
EDDY_API void eddy_retain(eddy_thread *t, void *object);

/* Takes back what one eddy_retain did, whichever thread called that; the object lives on if anything else reaches it. NULL is
 * allowed and ignored. A release without a retain is found by the collector and counted in eddy_stats.misused_releases; it frees
 * nothing. Own thread; a possible safepoint. Never fails. Cost: a log entry. */
EDDY_API void eddy_release(eddy_thread *t, void *object);

/* Makes sure that the compiler keeps `object` findable (on the stack or in a register) up to here:
 * a value whose last use has passed is no root. Any thread, not a safepoint. Cost: one store to the stack. */
static inline void eddy_keep_alive(const void *object)
{
    const void *volatile kept = object;
    (void)kept;
}

#ifdef __cplusplus
}
#endif

#endif
