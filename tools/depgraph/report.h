/* What is printed for people to read. */
#ifndef DEPGRAPH_REPORT_H
#define DEPGRAPH_REPORT_H

#include "control.h"
#include "result.h"

/* After loading: what was found. */
void report_found(const struct run_result *result);

/* Before the threads begin. */
void report_begin_live(const struct options *options);

/* The summary of one process's work. `control` may be NULL. */
void report_run(const struct options *options, const struct run_result *result, const struct control_summary *control);

/* The work of one process beside that of several. */
void report_comparison(const struct options *options, const struct run_result *threads,
                       const struct run_result *processes, unsigned process_count);

#endif
