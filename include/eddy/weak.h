/* Weak references: they do not keep an object alive, and say whether it still is.
 *
 * A weak reference is cleared when its object is found dead: no longer reachable from roots, and not loaded through a weak
 * reference meanwhile. All weak references to the members of a dead cycle are cleared at once, and before
 * any finalizer of theirs is queued. An object that a finalizer brings back to life keeps no old weak reference; new
 * ones can be made. Own thread only for every function; a cell may be loaded by any number of threads at once. */
#ifndef EDDY_WEAK_H
#define EDDY_WEAK_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A weak cell: outside the heap, owned by whoever made it until dropped. */
typedef struct eddy_weak eddy_weak;

/* Makes *weak refer weakly to `object`. An object has one cell: asked for again, the same address comes back, to be
 * dropped once more. EDDY_EINVAL (NULL object), EDDY_ENOMEM; then *weak is NULL. Own thread; a safepoint. Cost: that of sharing
 * the object with other threads, and a look-up; about 150 bytes for the first attachment of an object. */
EDDY_API eddy_status eddy_weak_create(eddy_thread *t, void *object, eddy_weak **weak);

/* The object, now held by the caller's stack or frame as any loaded reference, or NULL when it is dead. Own thread; a
 * possible safepoint, before it looks. Cost: two log entries, which the collector applies; loading a cell again in the same
 * epoch mostly costs neither. */
EDDY_API void *eddy_weak_load(eddy_thread *t, eddy_weak *weak);

/* Gives a cell up, or one of the times that it was asked for. NULL is allowed and ignored. Cells must be dropped before
 * their heap is destroyed. Own thread; not a safepoint. */
EDDY_API void eddy_weak_drop(eddy_thread *t, eddy_weak *weak);

/* Makes a weak reference that is an object of the heap and needs no drop. NULL on EDDY_ENOMEM and EDDY_EINVAL (NULL object), see
 * eddy_thread_error. Own thread; a safepoint; `object` is held. Cost: an allocation and that of eddy_weak_create. */
EDDY_API void *eddy_alloc_weak(eddy_thread *t, void *object);

/* What an object of eddy_alloc_weak refers to, held by the caller's stack or frame as any loaded reference, or NULL when that is
 * dead. Own thread; a possible safepoint, before it looks; `reference` is held. Cost: that of eddy_weak_load. */
EDDY_API void *eddy_weak_get(eddy_thread *t, void *reference);

#ifdef __cplusplus
}
#endif

#endif
