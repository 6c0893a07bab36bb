/* Graphs in the shapes of real ones, built by one operation each: see figures.c. */
#ifndef EDDY_FUZZ_FIGURES_H
#define EDDY_FUZZ_FIGURES_H

#include "tools/fuzz/ops.h"

enum figure { FIGURE_LIST, FIGURE_RING, FIGURE_TREE, FIGURE_HUB, FIGURE_DENSE, FIGURE_RINGS, FIGURE_TABLE, FIGURES };
extern const char *const figure_names[FIGURES];
operation_fn figure_build;

/* What operations share (ops.c): each acts on heap and model. */
/* Handle `handle` refers to object `number`. Not a safepoint. */
void fuzz_hold(struct mutator *m, unsigned handle, uint32_t number);
void fuzz_store(struct mutator *m, uint32_t container, uint32_t index, uint32_t value);
/* A new object, which the caller holds before anything else; 0: out of memory. */
uint32_t fuzz_new(struct mutator *m, unsigned shape, size_t length);
void fuzz_root_store(struct mutator *m, unsigned slot, uint32_t value);
/* Attaches (m->thread stays NULL when there is no memory), detaches; handles are empty before and after. */
void fuzz_attach(struct mutator *m);
void fuzz_detach(struct mutator *m);

#endif
