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
 * stack: popped in reverse order, before the function returns. Own thread only; push and pop are a few
 * instructions, not safepoints.
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
 * are the caller's memory, on the stack or anywhere, until the pop. */
EDDY_API void eddy_frame_push(eddy_thread *t, eddy_frame *frame, void **slots, size_t count);
/* Pops `frame`, which must be the top one (else the misuse handler is called). */
EDDY_API void eddy_frame_pop(eddy_thread *t, eddy_frame *frame);
/* Writes slot `index` of any frame that is pushed. An index out of range calls the misuse handler. Not a safepoint.
 * Cost: a compare; but the next handshake looks at all frames from the top to this one again. */
EDDY_API void eddy_frame_set(eddy_thread *t, eddy_frame *frame, size_t index, void *value);

/* An ambiguous range: memory outside the heap, such as static data, a buffer, another stack that the thread fills, whose words are
 * looked at as those of the C stack are, on every kind of heap: a word that holds an object's address (with
 * EDDY_HEAP_INTERIOR_POINTERS, any address inside it) keeps it alive. A range belongs to the thread that added it, which is the only
 * one that may write references into it, or load them from it; it writes them as plain memory, and must not in a native
 * region. The whole range is copied at each of the thread's handshakes and entries into native regions: that is its cost,
 * about a nanosecond for a word. */
/* Adds the range from `start` up to `end`, of which whole aligned words count. EDDY_EINVAL for an end below the start or a start that
 * has been added already, EDDY_ENOMEM, EDDY_EBUSY in a native region, EDDY_ETHREAD, EDDY_EDETACHED. Not a safepoint. A thread that
 * detaches removes its ranges. */
EDDY_API eddy_status eddy_root_range_add(eddy_thread *t, void *start, void *end);
/* Removes the range that begins at `start`: the memory may be freed at once. EDDY_EINVAL if the thread has added none there, and
 * as above. Not a safepoint. */
EDDY_API eddy_status eddy_root_range_remove(eddy_thread *t, void *start);

/* A global root slot: a word outside the heap, registered once, that any attached thread reads and
 * writes through the functions below, like a field of a shared object. */
/* Registers `*slot` and sets it to NULL. EDDY_EBUSY if it is registered already, EDDY_ENOMEM. Takes a lock. */
EDDY_API eddy_status eddy_root_add(eddy_thread *t, void **slot);
/* Stores NULL into it and takes it off the register. EDDY_EINVAL if it is not registered. Takes a lock. */
EDDY_API eddy_status eddy_root_remove(eddy_thread *t, void **slot);
/* Writes a root slot; possible safepoint, like a counted store. */
EDDY_API void eddy_root_store(eddy_thread *t, void **slot, void *value);
/* Reads a root slot. Not a safepoint. */
static inline void *eddy_root_load(eddy_thread *t, void *const *slot)
{
    (void)t;
    return EDDY_LOAD_ACQUIRE(slot);
}

/* Retains an object: it stays alive until it was released as often as it was retained, by whatever
 * threads, in whatever memory its address is kept meanwhile. This is how a reference is handed to
 * another thread outside the heap. Possible safepoints. NULL is allowed and ignored. A release
 * without a retain is found by the collector and reported in eddy_stats.misused_releases; it frees nothing. */
EDDY_API void eddy_retain(eddy_thread *t, void *object);
EDDY_API void eddy_release(eddy_thread *t, void *object);

/* Makes sure that the compiler keeps `object` findable (on the stack or in a register) up to here:
 * a value whose last use has passed is no root. Cost: one store to the stack. */
static inline void eddy_keep_alive(const void *object)
{
    const void *volatile kept = object;
    (void)kept;
}

#ifdef __cplusplus
}
#endif

#endif
