/* The threads' work: readers query the current release without locks, writers replace packages and
 * releases, for some seconds. */
#ifndef DEPGRAPH_LIVE_H
#define DEPGRAPH_LIVE_H

#include "result.h"

/* Lets the threads work on a graph; the results go into `result`. With `quiet`, no line is printed each
 * second. The calling thread must not be attached to the heap. EDDY_OK, EDDY_ENOMEM when the heap is
 * full, EDDY_ESYSTEM when the system refuses a thread. */
eddy_status live_run(struct graph *graph, const struct options *options, const uint32_t *cycle_sizes, bool quiet,
                     struct run_result *result);

#endif
