/* Results as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "bench.h"

/* The document for one run; the caller owns it. */
json_t *report_of_run(const struct bench_run *run);

/* Writes a document, closes the file and gives the document up. On failure says why and returns false. */
bool report_write(json_t *document, FILE *file);

#endif
