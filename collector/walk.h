/* Walking the heap between epochs, with collector_lock held: every object, every root. The one enumeration that
 * verification, inspection, freezing and the last finalizers share. What has a count is the collector's to know, so the walk of
 * objects may run beside threads (a block's state is published last); roots, and what objects refer to, only while all
 * threads are asleep. */
#ifndef EDDY_COLLECTOR_WALK_H
#define EDDY_COLLECTOR_WALK_H

#include "collector/state.h"
#include "eddy/inspect.h"

/* Calls `visit` once for each object that has a count, in the order of addresses. */
typedef void walk_object_fn(void *context, struct block *b, uint32_t cell, void *object);
void eddy__walk_objects(struct collector *c, walk_object_fn *visit, void *context);

/* Calls `visit` for each root: `times` counts of `object` are due to it. `thread` is the record whose stack or handle it is,
 * `where` the address of a global slot; else NULL. */
typedef void walk_root_fn(void *context, void *object, uint64_t times, eddy_root_kind kind, const struct thread *thread,
                          const void *where);
void eddy__walk_roots(struct collector *c, walk_root_fn *visit, void *context);

#endif
