/* The graph in the Eddy heap.
 *
 *     root slot -> release -> table -> package -> name, version        (leaves)
 *                                         |-----> depends, dependents  (arrays of packages)
 *
 * Every edge stands in two arrays, `depends` of its origin and `dependents` of its target, so that nearly
 * all of a release is one cycle. The table is both a hash table of names and an array by number: a
 * package's number is its slot. Names never change, so numbers stay the same from release to release.
 *
 * Readers take no lock. They load the release from the root slot; whatever they reach from it stays
 * alive. Writers hold the lock, which orders them among themselves. A replaced package keeps its number,
 * and its neighbours' arrays lead to it until each is relinked: readers meet the old or the new one, and
 * a query that marks numbers gives the same answer with either. */
#ifndef DEPGRAPH_GRAPH_H
#define DEPGRAPH_GRAPH_H

#include <eddy/eddy.h>
#include <pthread.h>

#include "plan.h"

/* A package or virtual package. Constant once published, but for the slots of its arrays. */
struct package {
    uint64_t canary; /* a constant mixed with the object's address */
    uint64_t name_hash;
    uint32_t number;
    uint32_t revision; /* times it was replaced */
    uint32_t name_length;
    uint32_t needed_depends;    /* slots of `depends` with needed edges; the weak ones follow */
    uint32_t needed_dependents; /* the same of `dependents` */
    char *name;                 /* NUL-terminated bytes */
    char *version;              /* the same; NULL: a virtual package */
    eddy_array *depends;        /* sorted by number, needed edges first; NULL: none */
    eddy_array *dependents;
};

struct release {
    uint64_t number;
    eddy_array *table;
};

/* What the threads share, in C memory. */
struct graph {
    eddy_heap *heap;
    const eddy_type *package_type;
    const eddy_type *release_type;
    void *current;        /* root slot: the current release */
    pthread_mutex_t lock; /* held by the writer that changes something */
    uint32_t capacity;    /* as in the plan */
    uint32_t node_count;
    uint32_t *nodes;
};

#define PACKAGE_CANARY UINT64_C(0x5ca1ab1edeadbea7)

/* Creates the heap with its types and root slot. Any thread; it is not attached afterwards. */
eddy_status graph_create(struct graph *graph, const eddy_config *config);

/* Destroys it. No thread may be attached. */
void graph_destroy(struct graph *graph);

/* Builds the first release after a plan, whose list of nodes the graph takes over, and makes it the
 * current one. False when memory has run out. */
bool graph_build(struct graph *graph, eddy_thread *thread, const struct catalog *catalog, struct plan *plan);

/* Puts a copy of the current release, all objects new, in its place. The old one becomes one large
 * piece of cyclic garbage. False when memory has run out; nothing has changed then. */
bool graph_renew(struct graph *graph, eddy_thread *thread);

/* Replaces a package of the current release by a new object with new arrays, and relinks all its
 * neighbours. Returns the number of references changed, 0 when memory has run out (nothing has changed then). */
uint64_t graph_replace(struct graph *graph, eddy_thread *thread, uint32_t number);

/* The package that stands in a slot of a release, or in an array of edges. Checks it: a damaged heap
 * ends the program. */
struct package *graph_package(const struct graph *graph, eddy_thread *thread, const struct release *release,
                              uint32_t number);
struct package *graph_neighbour(const struct graph *graph, eddy_thread *thread, const eddy_array *edges, size_t index);

/* Checks a package's name against its hash as well. */
void graph_check_name(eddy_thread *thread, const struct package *package);

/* Length of an array of edges that may be missing. */
static inline size_t graph_edge_count(const eddy_array *edges)
{
    return edges != NULL ? edges->length : 0;
}

/* Finds a package by its name; NULL if there is none. */
struct package *graph_find(const struct graph *graph, eddy_thread *thread, const struct release *release,
                           const char *name, size_t length);

/* Reports a reference to something that is no longer what it was, and aborts. */
_Noreturn __attribute__((format(printf, 1, 2))) void graph_damaged(const char *format, ...);

#endif
