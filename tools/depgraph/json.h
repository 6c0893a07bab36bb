/* The results as JSON. */
#ifndef DEPGRAPH_JSON_H
#define DEPGRAPH_JSON_H

#include "control.h"
#include "result.h"

/* Writes the file that the options name: the results of the run in one process, with --processes also
 * those of each of the `process_count` processes. `control` may be NULL. Returns an exit code. */
int json_write(const struct options *options, const struct run_result *run, const struct control_summary *control,
               const struct run_result *processes, unsigned process_count);

#endif
