/* Blocks: 32 KiB of cells of one size class and kind, and the table that describes them.
 *
 * heap range = blocks by number; the table entry of block n describes it. The count bytes of a block
 * (one per cell) lie outside it, so that the collector stays off the objects' cache lines (I4).
 *
 *   count byte   0        the cell is free, or holds a private young object (I8)
 *                1..124   count of a counted object
 *                125      the count is in the overflow table
 *                126      permanent: is not changed any more
 *                127      dead, not yet reusable
 *                + 128    flagged: a candidate root in the buffer, or a node of a search for cycles
 *
 * Who writes a table entry: the mutator that takes a block from a pool, until it retires it; the
 * collector otherwise. `counts`, `marks` and `live` are the collector's always. */
#ifndef EDDY_RUNTIME_HEAP_BLOCK_H
#define EDDY_RUNTIME_HEAP_BLOCK_H

#include "runtime/heap/sizeclass.h"

#define COUNT_OVERFLOW 125
#define COUNT_PERMANENT 126
#define COUNT_DYING 127
#define COUNT_MASK 127
#define COUNT_FLAGGED 128

enum block_state {
    BLOCK_NONE = 0,   /* not backed by memory, or backed and in no heap structure */
    BLOCK_FREE,       /* in the pool of free blocks; no cell is live */
    BLOCK_YOUNG,      /* a mutator allocates into it, or did and it waits for its sweep */
    BLOCK_PARTIAL,    /* swept, in one of the pools of its slot, or just popped from there */
    BLOCK_FULL,       /* swept, too full to allocate into */
    BLOCK_LARGE,      /* first block of a large object */
    BLOCK_LARGE_REST, /* further blocks of a large object; `next` is the number of the first */
    BLOCK_LOG         /* cut into log chunks */
};

enum block_kind { KIND_LEAF = 0, KIND_ACYCLIC, KIND_CYCLIC };

struct cell_marks;

struct block {
    uint8_t *counts;          /* collector writes; allocation reads (acquire) */
    struct cell_marks *marks; /* what a search for cycles knows (collector/cycles.h); collector only, NULL between searches */
    uint64_t birth;           /* epoch of the young objects in it; written with state YOUNG or LARGE */
    size_t bytes;             /* LARGE: bytes taken from the backing; YOUNG: bytes charged to heap.unswept */
    uint32_t reciprocal; /* of `cell`; 0 for a large object, whose cell number is then always 0 */
    uint32_t cell;       /* bytes of a cell (LARGE: 0, see bytes) */
    uint32_t cells;      /* number of cells */
    uint32_t live;       /* cells whose count byte is not zero; collector */
    uint32_t young_end;  /* cells from this one on have not been allocated in epoch `birth` */
    uint32_t next;       /* link: number of another block plus one, 0 at the end */
    uint8_t kind;        /* enum block_kind; the collector makes it CYCLIC when an object gets a hidden field */
    uint8_t size_class;
    uint8_t state;        /* enum block_state; the last field written when a block changes hands (release) */
    uint8_t swept;        /* LARGE: has outlived its young sweep; collector */
    uint16_t counts_room; /* bytes behind `counts` */
    uint8_t attached; /* some object in it has, or had, an attachment; any thread, until the block is formatted again */
};

_Static_assert(sizeof(struct block) == 64, "one cache line per table entry");

#define BLOCK_LINK_END 0u

/* A lock-free stack of block or chunk numbers: low half the top plus one, high half a tag against
 * reuse between load and compare-and-swap. Links are in `next` of what is stacked. */
typedef uint64_t eddy__stack;

#endif
