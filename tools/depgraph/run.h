/* One process's work, in three steps: load, work for some seconds, measure what is left. */
#ifndef DEPGRAPH_RUN_H
#define DEPGRAPH_RUN_H

#include "result.h"

struct run {
    const struct options *options;
    bool quiet; /* print nothing but errors */
    struct run_result *result;
    struct graph graph;
    uint32_t *cycle_sizes; /* per number: nodes on the largest cycle through the node */
};

/* The steps return exit codes. After one that is not DONE none of the others may follow but run_end. */

/* Reads the files, builds the graph in a new heap and analyses it. */
int run_load(struct run *run);

/* Lets the threads work. */
int run_live(struct run *run);

/* Collects and measures what is left, and verifies the heap if asked to. */
int run_settle(struct run *run);

/* Frees everything, whatever came before. */
void run_end(struct run *run);

#endif
