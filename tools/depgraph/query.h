/* Queries: what a package needs, what needs it, and the dependency cycle through it. All follow needed
 * edges only, check every package they visit, and compare their answer with the one known before:
 * replaced packages and new releases have the same edges, so the answers never change. */
#ifndef DEPGRAPH_QUERY_H
#define DEPGRAPH_QUERY_H

#include <stdatomic.h>

#include "graph.h"

enum direction { TO_DEPENDS, TO_DEPENDENTS, DIRECTIONS };

enum query_kind { QUERY_CLOSURE, QUERY_DEPENDENTS, QUERY_CYCLE, QUERIES };

/* The answers known so far, shared by all threads. */
struct answers {
    const uint32_t *cycle_sizes;            /* per number: components_find's sizes */
    _Atomic(uint64_t) *digests[DIRECTIONS]; /* per number: of the closure; 0: not known yet */
};

/* The nodes reached by a query, in C memory of one thread. */
struct walk {
    uint64_t *seen;  /* one bit per number */
    uint32_t *queue; /* the numbers reached, in this order */
    uint32_t length;
    uint64_t digest; /* of their names, whatever the order */
};

struct querier {
    const struct graph *graph;
    eddy_thread *thread;
    struct answers *answers;
    struct walk walks[DIRECTIONS];
    uint64_t visits; /* packages visited so far */
};

void answers_begin(struct answers *answers, const struct graph *graph, const uint32_t *cycle_sizes);
void answers_end(struct answers *answers);

void querier_begin(struct querier *querier, const struct graph *graph, eddy_thread *thread, struct answers *answers);
void querier_end(struct querier *querier);

/* Looks package `number` up by its name and runs a query on it. The release must be held by the
 * caller. A safepoint. A wrong answer ends the program, as a damaged heap does. */
void query_run(struct querier *querier, const struct release *release, enum query_kind kind, uint32_t number);

#endif
