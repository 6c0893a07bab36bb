/* What the two halves of the host share. */
#ifndef HOST_H
#define HOST_H

#include <eddy/eddy.h>

/* Registers the types of objects.c with a heap; not 0: failed. */
int objects_create(eddy_heap *heap);

#endif
