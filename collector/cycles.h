/* What a search for cycles knows: marks of cells, nodes, candidates, and how far it is (cycle_pass.c). Most of what candidate roots
 * reach is live; of that a search keeps four bytes for each cell, until it ends, and nothing else. Collector only. */
#ifndef EDDY_COLLECTOR_CYCLES_H
#define EDDY_COLLECTOR_CYCLES_H

#include "collector/vector.h"
#include "runtime/heap/heap.h"

/* Phases of a search for cycles. */
enum cycle_phase {
    CYCLE_IDLE = 0,
    CYCLE_TAKE, /* the flags of the candidate roots are being cleared: from then on a flag says "decremented meanwhile" */
    CYCLE_DISCOVER, /* what a portion of the candidate roots reach is being marked gray */
    CYCLE_SCAN,     /* what of that is reachable from outside is being marked live */
    CYCLE_SPLIT,    /* the rest becomes nodes, which are being split into strongly connected components */
    CYCLE_PREPARE,  /* sigma preparation; the delta test is armed */
    CYCLE_ARMED,    /* enough portions prepared; the tests follow in the next epoch */
    CYCLE_TEST      /* candidates are being tested and freed */
};

/* What is known of a cell: nothing (or its object is not counted, or not of a kind that may be on a cycle); that its object is
 * referenced from outside, as it seems; that it has been met in the portion in hand, and what is left of its count when
 * the references found are taken off (gray); or its node, if it may be garbage. */
#define MARK_UNMET 0u
#define MARK_LIVE 1u
#define MARK_GRAY 0x40000000u /* plus that count */
#define MARK_NODE 0x80000000u /* plus the node's number */

static inline bool mark_is_gray(uint32_t mark)
{
    return mark - MARK_GRAY < MARK_NODE - MARK_GRAY;
}
static inline bool mark_is_node(uint32_t mark)
{
    return mark >= MARK_NODE;
}

#define CELLS_MOST (BLOCK_BYTES / 16)

struct cell_marks {
    uint32_t gray;                   /* number of gray cells */
    uint64_t grays[CELLS_MOST / 64]; /* a bit for each of them */
    uint32_t of[];                   /* MARK_… by cell */
};

#define CYCLE_COMPACT_LEAST 65536u /* candidate roots */

#define COMPONENT_NONE UINT32_MAX
#define COMPONENT_TRIVIAL (UINT32_MAX - 1) /* garbage by the look of it, but on no cycle: its referrers' end frees it */

#define NODE_AGAIN ((uintptr_t)1) /* decremented during the pass: a candidate root of the next one */

struct cycle_node {
    uintptr_t object;   /* 0 when it was freed meanwhile; NODE_AGAIN in the lowest bit */
    int32_t crc;        /* scratch count of the preparation */
    uint32_t component; /* number of its candidate, COMPONENT_… */
};

/* A candidate: a strongly connected component of what looked like garbage. */
struct cycle_candidate {
    uint32_t first, count; /* in members */
    int64_t external;      /* sum of CRC after the preparation */
    bool valid;            /* delta test: no member was touched since the preparation began */
    bool done;             /* tested, freed or rejected */
};

/* What is to become of a candidate that has passed both tests, as its weak cells and finalizers have it. */
enum cycle_verdict {
    CYCLE_DEAD,     /* to be freed */
    CYCLE_LIVES,    /* somebody has loaded a weak cell */
    CYCLE_WAITS,    /* somebody had, before: to be tested again in the next epoch */
    CYCLE_FINALIZED /* its finalizers have been queued, which keeps it */
};

struct cycle_frame { /* of the iterative depth-first search */
    uint32_t node;
    uint32_t begin, edge, end; /* in `targets` */
};

struct cycle_index { /* Tarjan's numbers of a node, 0: not visited */
    uint32_t index, low;
    bool self; /* refers to itself */
};

struct cycles {
    enum cycle_phase phase;
    struct vector roots;      /* candidate roots (purple): objects flagged, entries may be stale */
    struct vector portion;    /* roots of the pass that is under way, taken from the back */
    struct vector taken;      /* of these, roots of the portion in hand */
    struct vector blocks;     /* struct block *, those that have marks */
    struct vector grays;      /* of these, where the portion has, or had, gray cells */
    struct vector frontier;   /* objects whose edges have not been looked at, in DISCOVER and SCAN */
    struct vector nodes;      /* struct cycle_node */
    struct vector candidates; /* struct cycle_candidate */
    struct vector members;    /* node numbers, by candidate */
    struct vector work;       /* node numbers */
    struct vector order;      /* struct cycle_index, of the portion's nodes: Tarjan's numbers */
    struct vector frames;     /* struct cycle_frame */
    struct vector targets;    /* node numbers: edges of the nodes on the search path */
    uint32_t portion_nodes;   /* first node of the portion in hand */
    uint32_t portion_candidates;
    uint32_t at;             /* progress in the phase */
    size_t stale;            /* so many of `frontier`, at the beginning, were put there before the last epoch */
    uint32_t numbered;       /* so many of `grays` have become nodes */
    uint64_t met;            /* objects marked in the pass, or the part of it, */
    uint64_t portion_met;    /* before the portion in hand */
    uint32_t counter;        /* Tarjan's */
    size_t compact_at;       /* so many roots are compacted */
    uint64_t begun;          /* epoch in which the pass began */
    uint64_t prepared;       /* epoch in which the last preparation ended */
    uint64_t freed;          /* objects freed by the pass */
    uint64_t freed_bytes;    /* their cells */
    uint64_t rejected;       /* candidates that the tests of the pass refused */
    uint64_t consequences;   /* since the pass began: objects that have lost a reference because its holder was freed */
    uint64_t bytes_lasting;  /* of what was counted when the last pass began, what it did not free */
    uint64_t bytes_before;   /* counted bytes when the pass began */
    uint64_t bytes_after;    /* counted bytes when the last pass ended */
    uint64_t passes;         /* heap.cycle_passes and heap.exhausted_from, */
    uint64_t exhausted_from; /* which say so when the epoch has been processed */
    bool settled;            /* no releases were left over when the pass began */
    unsigned rounds;         /* of tests: weak cells may put candidates off */
    bool waits;              /* a candidate was put off in this round */
    bool failed_memory;      /* there is no room for the tables of the portion in hand */
};

#endif
