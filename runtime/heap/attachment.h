/* What may be attached to an object: a weak cell, finalizers, external bytes, hidden fields. The types only;
 * attach.h has the functions.
 *
 * heap.attachments, the directory: for every 256 bytes of the object range a chain of the records of the objects that
 * begin there, so that a record is found without hashing or growing, by mutators and the collector alike.
 * Any thread inserts at the head of a chain (compare-and-swap); only the collector unlinks. What has been
 * unlinked is freed two epochs later (eddy__retire), since a mutator may be looking at it until its next safepoint. */
#ifndef EDDY_RUNTIME_HEAP_ATTACHMENT_H
#define EDDY_RUNTIME_HEAP_ATTACHMENT_H

#include "eddy/finalize.h"
#include "eddy/weak.h"

/* In a header: the object has, or had, a record. Set once, by the thread that makes the record. */
#define HEADER_ATTACHED (UINT64_C(1) << 20)
#define ATTACHMENT_SHIFT 8

/* The word of a weak cell (design, section 6). Anything else is the address of the word of a candidate cycle, which
 * decides on all its cells: PENDING, LIVE or CLEARED. */
#define WEAK_CLEARED ((uintptr_t)0)
#define WEAK_LIVE ((uintptr_t)1)    /* loaded since the collector last looked */
#define WEAK_PENDING ((uintptr_t)2) /* not loaded since: may be cleared, unless a load makes it LIVE first */

struct eddy_weak {
    void *object;     /* constant */
    eddy_heap *heap;  /* constant */
    uintptr_t word;   /* PENDING to LIVE: any thread; the rest: collector */
    eddy_weak *warm;  /* link in heap.warm_cells; whoever pushes it */
    uint64_t cooled;  /* collector: the epoch in which it became PENDING */
    uint32_t warmed;  /* not 0 while in heap.warm_cells */
    uint32_t holders; /* its record, heap.warm_cells, and the program; the last one frees it. Any thread */
};

/* A finalizer: attached to an object, then in its queue. Retired when taken from there. */
struct finalizer {
    struct finalizer *next;
    void *object;
    struct eddy_finalizer_queue *queue;
    eddy_finalizer_fn *fn;
    void *data;
    uint64_t number; /* order of attaching */
};

/* After Michael and Scott ("Simple, fast, and practical non-blocking and blocking concurrent queue algorithms", PODC
 * 1996), with a single producer. The node at the head has been taken; entries begin behind it. */
struct eddy_finalizer_queue {
    struct finalizer *head __attribute__((aligned(64))); /* any thread */
    struct finalizer *tail __attribute__((aligned(64))); /* collector */
    uint64_t pending;                                    /* entries; collector adds, any thread subtracts */
    uint64_t nodes;                                      /* finalizers attached, or entries; any thread */
    uint32_t posted;                                     /* futex: entries ever; collector */
    uint32_t waiters;                                    /* threads that sleep on it */
    eddy_heap *heap;
    struct eddy_finalizer_queue *next; /* under registry_lock */
};

struct object_record {
    void *object;                 /* constant */
    struct object_record *next;      /* in its chain; whoever inserts it, then the collector */
    eddy_weak *cell;              /* made by any thread, taken away by the collector */
    struct finalizer *finalizers; /* last attached first; pushed by any thread; taken as a whole by the collector or by
                                     eddy_dispose */
    uint64_t external;            /* bytes; any thread */
    eddy_weak *owned;             /* the object is a weak reference: its cell; constant once set */
};

#endif
