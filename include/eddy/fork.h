/* Forking a process with heaps, from whatever thread, while others run.
 *
 * Either the heap was created with EDDY_HEAP_ATFORK, and fork() does the following by itself; or the three functions
 * are called around it: prepare before, parent or child after, in the same thread.
 *
 * In the child only the forking thread exists. The other threads count as detached: what only they could reach
 * becomes garbage. What they were doing at that moment may leave counts too high, so that some objects are never
 * freed, but never too low; of memory that they had in hand, at most one block and a few log chunks a thread are lost.
 * The collector's thread is made again when it is needed first. Until then the child writes to no page of the heap
 * unless the program does: a child that reads permanent objects shares their pages with its parent (permanent.h). */
#ifndef EDDY_FORK_H
#define EDDY_FORK_H

#include "eddy/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Brings the collector to a boundary between two epochs and holds it there, as it does attaching and registering, until
 * one of the other two is called. Waits for the epoch in hand, so for every attached thread that runs to reach
 * a safepoint. The calling thread need not be attached; if it is, this is a safepoint and it counts as in a native
 * region until then. It must not fork inside a trace callback or while it holds eddy_verify's threads. */
EDDY_API void eddy_fork_prepare(eddy_heap *heap);
/* In the parent, or where fork() failed: lets the collector and attaching threads go on. The thread that called
 * eddy_fork_prepare; a safepoint if it is attached. */
EDDY_API void eddy_fork_parent(eddy_heap *heap);
/* In the child: takes the other threads off the heap, and lets the collector and attaching threads go on. The thread that called
 * eddy_fork_prepare; a safepoint if it is attached. Never fails: the collector's thread is made later. Cost: a look at every block
 * of the heap. */
EDDY_API void eddy_fork_child(eddy_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
