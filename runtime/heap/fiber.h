/* The record of a fiber: a stack that is not in use now, and what it held when it was left.
 *
 * A suspension begins in the epoch of the thread that switches away, and ends in that of the one that switches back, which is
 * never an earlier one (eddy_fiber_switch). Its roots are those of every epoch from the one up to, not including, the
 * other; so one that begins and ends in the same epoch counts for nothing. The collector counts them for the first of
 * these epochs, keeps them counted through the others, and uncounts them in the epoch in which the fiber ran again. */
#ifndef EDDY_RUNTIME_HEAP_FIBER_H
#define EDDY_RUNTIME_HEAP_FIBER_H

#include "runtime/heap/heap.h"

struct eddy_fiber {
    eddy_heap *heap;
    struct eddy_fiber *next; /* heap.fibers: grows at the head, under registry_lock; the collector unlinks, under it */
    struct thread *owner; /* who may switch to it, or NULL: anyone. Release by the owner, taken by compare-and-swap */
    bool running;         /* owner, as all that follows */
    char *low, *high;     /* constant */
    eddy_frame *frames;   /* its frames, while it does not run */
    uint64_t tag;         /* of the thread that left it, then */
    uint64_t epoch;       /* in which it was last left or taken up */
    struct root_buffer roots[2]; /* what it held when it was left, by parity of the epoch: as with threads, the collector
                                    reads the one of epoch e when all threads are in e+1 */
    uint64_t suspended[2];       /* the epoch that these are of; 0: it was taken up in the same one */
    uint64_t resumed;            /* epoch in which it was last taken up; the collector reads it at any time */
    uint64_t dropped;            /* not 0: forgotten in that epoch; release */
    /* collector */
    struct root_list accepted[2]; /* by parity of the epoch */
    uint64_t counted;             /* the epoch that those were suspended in */
};

/* Frees a record that no list holds. */
void eddy__fiber_free(eddy_heap *heap, struct eddy_fiber *fiber);

#endif
