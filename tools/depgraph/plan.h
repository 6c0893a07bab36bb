/* From a catalog to a plan of the graph: which names become nodes, where each stands in the hash table,
 * and sorted edges in both directions. C memory; freed when the graph stands in the heap.
 *
 * Nodes are packages, and virtual packages: names that no package bears but some package provides, with
 * an edge to each provider. "a | b" gives an edge to a and one to b. A dependency on itself is left
 * out: it is always satisfied. */
#ifndef DEPGRAPH_PLAN_H
#define DEPGRAPH_PLAN_H

#include "catalog.h"

/* An edge as one word whose numerical order is the order in the graph's arrays: by origin, then needed
 * edges (Pre-Depends, Depends, providers) before weak ones (Recommends, Suggests), then by target. */
typedef uint64_t edge;

static inline uint32_t edge_from(edge e)
{
    return (uint32_t)(e >> 33);
}

static inline bool edge_is_weak(edge e)
{
    return (e >> 32 & 1) != 0;
}

static inline uint32_t edge_to(edge e)
{
    return (uint32_t)e;
}

struct plan {
    uint32_t capacity; /* slots of the hash table, a power of two below 2^31. A node's number is its slot */
    uint32_t node_count;
    uint32_t *nodes; /* the numbers in use, ascending */
    uint32_t *names; /* per slot: the node's name in the catalog; NO_PACKAGE: a free slot */
    edge *forward;   /* dependencies */
    edge *backward;  /* the same edges from target to origin: reverse dependencies */
    size_t edge_count;
    size_t weak_count;      /* weak ones among them */
    uint32_t virtual_count; /* virtual packages among the nodes */
    uint32_t *unresolved;   /* names that something depends on but that are no nodes, as first mentioned */
    size_t unresolved_count;
};

void plan_make(struct plan *plan, const struct catalog *catalog);
void plan_free(struct plan *plan);

#endif
