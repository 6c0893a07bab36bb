/* Memory outside the heap that objects of the heap own: buffers, pictures, handles of other libraries. The
 * collector does not manage it, but takes it into account: it brings the next epoch and the next search for cycles
 * nearer, and counts towards heap_limit. It is accounted for per object and written off when that
 * object dies or is disposed of; freeing it is a finalizer's business. Own thread only. */
#ifndef EDDY_EXTERNAL_H
#define EDDY_EXTERNAL_H

#include "eddy/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `object` owns `bytes` more. Waits as an allocation does when heap_limit leaves no room. EDDY_ENOMEM
 * when there is none even then: nothing is accounted for, and the caller gives the memory back. EDDY_EINVAL for a NULL
 * object. Own thread; a safepoint; `object` is held. The first attachment of an object shares it with other threads, and takes
 * about 150 bytes; later ones cost a look-up. */
EDDY_API eddy_status eddy_external_add(eddy_thread *t, void *object, size_t bytes);

/* `object` owns `bytes` less. EDDY_EINVAL, changing nothing, if it does not own so much. Own thread; not a safepoint. Cost: a
 * look-up. */
EDDY_API eddy_status eddy_external_sub(eddy_thread *t, void *object, size_t bytes);

/* Bytes that `object` owns. Own thread; not a safepoint. Cost: a look-up. */
EDDY_API size_t eddy_external_of(eddy_thread *t, const void *object);

#ifdef __cplusplus
}
#endif

#endif
