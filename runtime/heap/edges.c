/* The visitor of trace callbacks; see edges.h. */
#include "runtime/heap/edges.h"

void eddy_visit(eddy_visitor *visitor, void *const *field)
{
    visitor->edge(visitor->context, field);
}
