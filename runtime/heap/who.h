/* Describing a thread for diagnosis: mutators and the collector, about any record. */
#ifndef EDDY_RUNTIME_HEAP_WHO_H
#define EDDY_RUNTIME_HEAP_WHO_H

#include "runtime/heap/heap.h"

/* What the record tells of its thread, all but what the kernel knows; false if no thread is attached to it. Takes
 * registry_lock, so that the thread cannot end meanwhile. */
bool eddy__who(struct thread *t, eddy_thread_state *state);

#endif
