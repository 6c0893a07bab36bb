/* Runs in child processes, to compare threads on one graph with processes that each hold one. */
#ifndef DEPGRAPH_PROCESSES_H
#define DEPGRAPH_PROCESSES_H

#include "result.h"

/* Results in memory that the children share with their parent; all zero. Never fails. */
struct run_result *processes_results(unsigned count);

/* Runs `count` children, with readers and writers divided among them, that load at the same time and
 * then work at the same time. Only the first prints what it finds, and only if `quiet` is false.
 * Returns the worst exit code. */
int processes_run(const struct options *options, unsigned count, bool quiet, struct run_result *results);

#endif
