/* An inspection (eddy/inspect.h): the heap as a graph of numbered nodes, in compressed rows. Used between epochs by the thread that
 * stopped the others and holds collector_lock. Memory from malloc; every table may be missing, and that is reported.
 *
 * Node 0 stands for all roots; node i, from 1, is the i-th object in the order of addresses. */
#ifndef EDDY_COLLECTOR_INSPECTION_H
#define EDDY_COLLECTOR_INSPECTION_H

#include "collector/walk.h"

#define NODE_NONE UINT32_MAX

/* A kind of roots, of one thread where it has one. */
struct root_group {
    eddy_root_kind kind;
    unsigned thread;
};

struct graph_root {
    uint32_t node;
    uint32_t group;
    const void *where;
};

struct graph {
    uint32_t nodes;        /* 1 + objects; 0: not built */
    const void **objects;  /* by node; [0] is NULL */
    uint32_t *block_first; /* first node of a block or a later one, by block number; one more than blocks */
    uint32_t blocks;
    size_t *first; /* where a node's edges begin in `targets`; one more than nodes */
    uint32_t *targets;
    struct graph_root *roots; /* in the order of `groups`: the edges of node 0 */
    size_t root_count;
    struct root_group *groups;
    uint32_t group_count;
    uint32_t *parent; /* of the breadth-first tree from node 0; NODE_NONE: not reached. NULL until needed */
};

/* The dominator tree. */
struct dominators {
    uint32_t *dominator; /* of each node; NODE_NONE: not reached. NULL until needed */
    uint64_t *bytes;     /* what it dominates, itself included */
    uint32_t *objects;
};

struct eddy_inspection {
    eddy_heap *heap;
    struct thread *t;
    struct graph graph;
    struct dominators dominators;
};

/* graph.c */
/* Builds the graph, if it is not there: EDDY_ENOMEM, EDDY_ELIMIT (2^32 objects). */
eddy_status eddy__graph_need(eddy_inspection *i);
/* And the breadth-first tree. */
eddy_status eddy__graph_need_parents(eddy_inspection *i);
void eddy__graph_free(struct graph *g);
/* The node of an object; NODE_NONE for any other address. */
uint32_t eddy__graph_node(const eddy_inspection *i, const void *object);
/* n items of that size, zeroed; NULL when there is no memory. */
void *eddy__graph_table(size_t n, size_t item_bytes);

/* dominators.c */
eddy_status eddy__dominators_need(eddy_inspection *i);
void eddy__dominators_free(struct dominators *d);

/* An edge as the writers see it. */
struct edge_name {
    bool indexed;   /* an element of an array, or the n-th reference that a trace callback visits */
    uint64_t value; /* index, or offset in the object */
};
/* Calls visit for each edge of an object that leads to an object, in the order of `targets`. */
typedef void named_edge_fn(void *context, uint32_t target, struct edge_name name);
void eddy__graph_named_edges(const eddy_inspection *i, const void *object, named_edge_fn *visit, void *context);

static inline const struct type *inspect_type(const eddy_inspection *i, const void *object)
{
    return type_of_header(i->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)));
}
static inline uint64_t inspect_bytes(const eddy_inspection *i, const void *object)
{
    const struct block *b = block_of(i->heap, object);
    return b->cell != 0 ? b->cell : b->bytes;
}

#endif
