/* Dependency cycles: the strongly connected components of a release. */
#ifndef DEPGRAPH_COMPONENTS_H
#define DEPGRAPH_COMPONENTS_H

#include "graph.h"

struct components {
    uint32_t *sizes;   /* per number: nodes of the component that the node is in */
    uint32_t cycles;   /* components of two nodes or more */
    uint32_t largest;  /* nodes of the largest one */
    uint32_t *members; /* their numbers; undefined order */
};

/* Finds them, along needed edges alone or along all. The release must be held by the caller, and no
 * writer may be at work. The results are the caller's to free. */
void components_find(const struct graph *graph, eddy_thread *thread, const struct release *release, bool weak,
                     struct components *components);

void components_free(struct components *components);

#endif
