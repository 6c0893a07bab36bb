/* Ephemerons: a value that lives as long as its key (Hayes, "Ephemerons: a new finalization mechanism", OOPSLA 1997).
 *
 * An ephemeron keeps neither of them alive by itself. While the key lives, so does the value, as if the key had a field for
 * it; when the key dies the value is let go, even if it refers to the key, or is the key of other ephemerons. (What keeps
 * the value alive is the key alone: if the key is alive, dropping the ephemeron is what lets the value go earlier.)
 * Own thread only; one ephemeron may be read by several threads at once, but is dropped by one, when no other uses it. */
#ifndef EDDY_EPHEMERON_H
#define EDDY_EPHEMERON_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Outside the heap; owned by whoever made it until dropped. */
typedef struct eddy_ephemeron eddy_ephemeron;

/* Makes *ephemeron of `key` and `value` (which may be NULL). EDDY_EINVAL (NULL key), EDDY_ENOMEM; then *ephemeron is NULL.
 * Own thread; a safepoint; both are held. Shares both with other threads. Cost: that of a weak reference, a counted store,
 * and about 100 bytes. */
EDDY_API eddy_status eddy_ephemeron_create(eddy_thread *t, void *key, void *value, eddy_ephemeron **ephemeron);

/* The value, or NULL when the key is dead; *key (if `key` is not NULL) becomes the key, or NULL. Both are held by the
 * caller's stack or frame then, as any loaded reference. Own thread; a possible safepoint, before it looks. Cost: that of loading a
 * weak reference. */
EDDY_API void *eddy_ephemeron_get(eddy_thread *t, eddy_ephemeron *ephemeron, void **key);

/* Changes the value, to NULL, too; false, changing nothing, when the key is dead. Own thread; a safepoint; `value` is held.
 * Cost: that of a counted store and of loading a weak reference. */
EDDY_API bool eddy_ephemeron_set(eddy_thread *t, eddy_ephemeron *ephemeron, void *value);

/* Gives an ephemeron up: the key no longer keeps the value alive. NULL is allowed and ignored. Ephemerons must be
 * dropped before their heap is destroyed. Own thread; not a safepoint. */
EDDY_API void eddy_ephemeron_drop(eddy_thread *t, eddy_ephemeron *ephemeron);

#ifdef __cplusplus
}
#endif

#endif
