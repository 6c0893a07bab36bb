/* What the two halves of the host share. */
#ifndef HOST_H
#define HOST_H

#include <eddy/eddy.h>

/* Registers the types of objects.c with a heap; not 0: failed. */
int objects_create(eddy_heap *heap);

/* Of rights_objects.c and parallel.c only. */
#include "objects.h"

/* dict[key] += number, in one step. */
int dict_add(object *dict, object *key, long number);
/* The module is about to let other threads in; nobody else is in it any more. */
void module_pauses(void);
void module_resumes(void);

#endif
