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
 * stack: popped in reverse order, before the function returns. The slots are plain memory: read and
 * write them without barrier. Own thread only; push and pop are a few instructions, not safepoints. */
typedef struct eddy_frame {
    struct eddy_frame *previous;
    size_t count;
    void **slots;
} eddy_frame;

EDDY_API void eddy_frame_push(eddy_thread *t, eddy_frame *frame, void **slots, size_t count);
/* Pops `frame`, which must be the top one (else the misuse handler is called). */
EDDY_API void eddy_frame_pop(eddy_thread *t, eddy_frame *frame);

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
