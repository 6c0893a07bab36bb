/* The table of operations: what a program of the fuzzer can do.
 *
 * To add one: write a function of type operation_fn that calls Eddy and tells the model what has changed, at the
 * moment at which it changes (model.h), and add a line to the table in ops.c: name, kinds of the operands, how
 * often it is generated, function, and the theme of the programs that have it. Printing, parsing, generating, mutating and shrinking follow from the line.
 * If the operation creates a new kind of root, or a new kind of edge, teach it to model_mark in model.c as well. */
#ifndef EDDY_FUZZ_OPS_H
#define EDDY_FUZZ_OPS_H

#include "tools/fuzz/model.h"

typedef void operation_fn(struct mutator *m, const struct operation *o);

/* Kinds of operands: how they are printed, and what values they take. */
enum operand {
    OPERAND_NONE = 0,
    OPERAND_HANDLE, /* h0 … */
    OPERAND_VALUE,  /* a handle, or null */
    OPERAND_SHAPE,  /* a name */
    OPERAND_FIGURE, /* a name */
    OPERAND_NUMBER, /* 0 to 255 */
    OPERAND_ROOT,   /* r0 … */
    OPERAND_PLACE   /* p0 …: of a retained reference */
};

struct operation_kind {
    const char *name;
    enum operand operands[3];
    unsigned weight;
    operation_fn *run;
    unsigned theme; /* 0: in all programs; else in those of its theme */
};

/* What a random program is about, besides references: few things at a time, so that they meet. */
enum theme {
    THEME_PINS = 1,
    THEME_FRAMES,
    THEME_FIBERS,
    THEME_WEAK,
    THEME_EPHEMERONS,
    THEME_TABLES,
    THEME_FINALIZERS,
    THEME_PERMANENT,
    THEME_RESIZE,
    THEME_FORK,
    THEME_LOOK,
    THEME_RIGHTS,
    THEMES
};

extern const struct operation_kind fuzz_operations[];
extern const unsigned fuzz_operation_kinds;
/* Number of the operation with this name, which there must be. */
unsigned fuzz_operation_code(const char *name);

#define VALUE_NULL 255u

/* Executes one operation on the thread that it names. */
void fuzz_execute(struct mutator *m, const struct operation *o);

#endif
