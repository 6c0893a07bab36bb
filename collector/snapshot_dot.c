/* A heap as a graph in the language of Graphviz. */
#include "collector/inspection.h"
#include "collector/output.h"

struct drawing {
    const eddy_inspection *i;
    struct output out;
    uint32_t from;
};

static void draw_edge(void *context, uint32_t target, struct edge_name name)
{
    struct drawing *d = context;
    eddy__output(&d->out, name.indexed ? "  n%u -> n%u [label=\"[%llu]\"];\n" : "  n%u -> n%u [label=\"+%llu\"];\n",
                 d->from, target, (unsigned long long)name.value);
}

static void draw_roots(struct drawing *d)
{
    const struct graph *g = &d->i->graph;
    for (uint32_t k = 0; k < g->group_count; k++) {
        eddy__output(&d->out, "  r%u [shape=ellipse, label=\"", k);
        eddy__output_group(&d->out, g->groups[k].kind, g->groups[k].thread);
        eddy__output(&d->out, "\"];\n");
    }
    for (size_t r = 0; r < g->root_count; r++)
        eddy__output(&d->out, "  r%u -> n%u;\n", g->roots[r].group, g->roots[r].node);
}

eddy_status eddy_inspect_write_dot(eddy_inspection *i, eddy_write_fn *write, void *context)
{
    eddy_status status = eddy__graph_need_parents(i);
    if (status != EDDY_OK)
        return status;
    const struct graph *g = &i->graph;
    struct drawing d = {.i = i};
    output_begin(&d.out, write, context);
    eddy__output(&d.out, "digraph heap {\n  node [shape=box];\n");
    draw_roots(&d);
    for (uint32_t n = 1; n < g->nodes; n++) {
        const void *object = g->objects[n];
        eddy__output(&d.out, "  n%u [label=\"", n);
        eddy__output_quoted(&d.out, inspect_type(i, object)->name);
        eddy__output(&d.out, "\\n%p\\n%llu bytes\"%s];\n", object, (unsigned long long)inspect_bytes(i, object),
                     g->parent[n] == NODE_NONE ? ", style=dashed" : "");
        d.from = n;
        eddy__graph_named_edges(i, object, draw_edge, &d);
    }
    eddy__output(&d.out, "}\n");
    return eddy__output_end(&d.out);
}
