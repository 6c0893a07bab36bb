/* Names that every public header uses: opaque types, status codes, misuse.
 *
 * Conventions of the whole API.
 *  - An *object pointer* is the address that an allocation function returned. It is a multiple of 16,
 *    never changes, and is what reference fields hold. The 8 bytes before it belong to Eddy.
 *  - A *reference field* is a `void *` (or a pointer to a structure) inside an object, at an offset
 *    that the object's type declares. It is read and written with the functions of ref.h only.
 *  - `eddy_thread *t` is always the calling thread's own record for the heap in question.
 *  - *Safepoint*: a function documented as one may carry the thread into the next epoch. References
 *    that live across it must be findable: on the C stack (heaps with conservative roots), in a
 *    frame of handles, in a root slot, or retained. Arguments of a safepoint function are held by it.
 *    A *possible safepoint* is one in some cases only; callers treat it as one.
 *  - *Own thread* is said of functions that only the thread of the record may call, and outside native regions unless they are about
 *    these. *Any thread* needs no attachment, and may be in a native region.
 *  - Pointers must not be NULL where a comment does not allow it. A function that returns an error has changed nothing, and
 *    whoever called it has lost nothing, unless it says otherwise.
 *  - What is said of no cost takes a few instructions and no lock.
 *  - Sizes are in bytes, times in nanoseconds unless a name says otherwise. */
#ifndef EDDY_BASE_H
#define EDDY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eddy/atomic.h"

#if defined(__GNUC__)
#define EDDY_API __attribute__((visibility("default")))
#else
#define EDDY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define EDDY_VERSION_MAJOR 0
#define EDDY_VERSION_MINOR 1
#define EDDY_VERSION_PATCH 0

typedef struct eddy_heap eddy_heap;     /* a managed heap with its collector thread */
typedef struct eddy_thread eddy_thread; /* one thread's attachment to one heap */
typedef struct eddy_type eddy_type;     /* a registered object layout */

/* Result of every function that can fail. EDDY_OK is zero. */
typedef enum eddy_status {
    EDDY_OK = 0,
    EDDY_ENOMEM,    /* the heap limit, the reserved address range or the system's memory is used up */
    EDDY_EINVAL,    /* an argument is out of its documented range */
    EDDY_ETHREAD,   /* called on a thread other than the one the record belongs to */
    EDDY_EDETACHED, /* the thread record has been detached already */
    EDDY_EBUSY,     /* threads are still attached, or the object is in use */
    EDDY_ETIMEDOUT, /* a thread reached no safepoint within the given time */
    EDDY_ELIMIT,    /* too many threads or types */
    EDDY_ESYSTEM,   /* the operating system refused: see errno */
    EDDY_ECORRUPT   /* verification found a mismatch */
} eddy_status;

/* A constant English sentence for a status. Any thread, not a safepoint; never NULL. */
EDDY_API const char *eddy_status_text(eddy_status status);

/* Called when Eddy detects a misuse it cannot report by a status (a store through a pointer that is
 * no object, a frame popped out of order). `function` is the public function, `what` the reason, in
 * English. The handler may not return; if it does, the process is aborted. */
typedef void eddy_misuse_fn(const char *function, const char *what);

/* Replaces the process-wide misuse handler; NULL restores the default, which prints one line to
 * standard error and aborts. Returns the previous handler, which may be the default one. Any thread, not a safepoint. */
EDDY_API eddy_misuse_fn *eddy_set_misuse_handler(eddy_misuse_fn *handler);

#ifdef __cplusplus
}
#endif

#endif
