/* Relation fields: "a (>= 1) | b:any, c". */
#ifndef DEPGRAPH_RELATION_H
#define DEPGRAPH_RELATION_H

#include "deb822.h"

/* One alternative of one dependency. Version constraints are checked for their form and left out. */
struct target {
    const char *name;
    size_t length;
    const char *qualifier; /* the architecture after a colon ("any"), or NULL */
    size_t qualifier_length;
};

typedef void target_fn(void *context, const struct target *target);

/* Calls `take` for every well-formed alternative of a relation field, in order. The others are
 * reported; reading goes on after the next separator. */
void relation_each(const struct field *field, struct complaints *complaints, target_fn *take, void *context);

/* Length of the package name at the beginning of `text`, 0 when there is none. */
size_t relation_name_length(const char *text);

#endif
