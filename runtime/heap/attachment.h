/* What may be attached to an object: a weak cell, finalizers, external bytes, hidden fields (ephemerons). The types only;
 * attach.h has the functions.
 *
 * heap.attachments, the directory: for every 256 bytes of the object range a chain of the records of the objects that
 * begin there, so that a record is found without hashing or growing, by mutators and the collector alike. (Its pages take
 * memory when touched, a thirty-second of the objects' at most; that is not charged to the heap.)
 * Any thread inserts at the head of a chain (compare-and-swap); only the collector unlinks. What has been
 * unlinked is freed two epochs later (eddy__retire), since a mutator may be looking at it until its next safepoint. */
#ifndef EDDY_RUNTIME_HEAP_ATTACHMENT_H
#define EDDY_RUNTIME_HEAP_ATTACHMENT_H

#include "eddy/ephemeron.h"
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

#define WEAK_RECENT 256u /* loads that a thread remembers, by address of the cell */

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
    uint64_t group;  /* order in the queue before that; collector */
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

struct table; /* table.h */

/* A hidden field: its value is counted as one of its key's, and found by all that goes through the key's fields. An
 * ephemeron, or an entry of a table (then `value` may stay NULL: the table only wants to know when the key dies).
 * Made by a thread that holds the key; ended by the collector. */
typedef struct eddy_ephemeron {
    struct object_record *owner;     /* of the key; NULL once it has died: collector, release */
    void *value;                     /* a counted location: written by who holds the key, or by the collector */
    eddy_weak *cell;                 /* of the key; held, constant until dropped */
    struct eddy_ephemeron *next;     /* in the list of its key; whoever inserts it, then the collector */
    struct eddy_ephemeron *previous; /* collector; right from when it is `listed`, but for what was inserted since */
    struct eddy_ephemeron *link;     /* in heap.dropped_edges */
    struct eddy_ephemeron *fresh;    /* in heap.fresh_edges */
    struct eddy_ephemeron *dead;     /* in its table's list of entries whose keys have died */
    struct table *table;             /* whoever exchanges it for NULL ends the entry: the table, or the collector */
    uint32_t entry;                  /* in the table */
    bool listed;                     /* collector */
} hidden_edge;

struct object_record {
    void *object;                 /* constant */
    struct object_record *next;   /* in its chain; whoever inserts it, then the collector */
    eddy_weak *cell;              /* made by any thread, taken away by the collector */
    struct finalizer *finalizers; /* last attached first; pushed by any thread; taken as a whole by the collector or by
                                     eddy_dispose */
    uint64_t external;            /* bytes; any thread */
    hidden_edge *edges;  /* hidden fields; pushed by any thread that holds the object, unlinked by the collector */
    eddy_weak *owned;    /* the object is a weak reference: its cell; constant once set */
    struct table *table; /* the object is a table; constant once set */
};

#endif
