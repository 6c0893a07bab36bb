/* Attaching something to an object; what the files of runtime/ that do so share. */
#ifndef EDDY_RUNTIME_ATTACH_H
#define EDDY_RUNTIME_ATTACH_H

#include "runtime/heap/attach.h"
#include "runtime/runtime.h"

/* Makes an object that the thread holds counted, with its inc/dec pair. A safepoint; holds the object. */
void eddy__make_counted(struct thread *t, void *object);
/* The record of a counted object, made if it has none; NULL when there is no memory. No safepoint. To be used before the
 * next one. */
struct object_record *eddy__attachment_of(struct thread *t, void *object);
/* The cell of a counted object, with one more hold for the caller; NULL when there is no memory. No safepoint. */
eddy_weak *eddy__weak_cell_of(struct thread *t, void *object);

/* ephemeron.c */
/* A hidden field of `key`, which is counted and held: not inserted yet. NULL when there is no memory. No safepoint. */
hidden_edge *eddy__edge_make(struct thread *t, void *key);
/* Inserts it; the value has been counted. No safepoint. False, doing nothing, when there is no memory. */
bool eddy__edge_insert(struct thread *t, hidden_edge *edge);

/* Tells an idle collector that there is something to do. */
void eddy__note_active(struct thread *t);

#endif
