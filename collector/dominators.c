/* The dominator tree of the heap, and from it what each object retains. Lengauer and Tarjan, "A Fast Algorithm for Finding
 * Dominators in a Flowgraph", TOPLAS 1(1), 1979: the simple version, with path compression alone, O(edges * log nodes). Depth-first
 * search and compression are iterative. Tables are indexed by the numbers of the search, from 1 (the node of all roots). */
#include <stdlib.h>

#include "collector/inspection.h"

struct search {
    const struct graph *g;
    uint32_t count;     /* nodes reached */
    uint32_t *number;   /* node -> number, 0: not reached */
    uint32_t *vertex;   /* number -> node */
    uint32_t *parent;   /* in the search's tree */
    size_t *cursor;     /* node -> its next edge; only while searching */
    size_t *pred_first; /* node -> its predecessors */
    uint32_t *preds;
    uint32_t *semi, *ancestor, *label, *dominator;
    uint32_t *bucket, *next; /* lists of numbers by semidominator */
    uint32_t *path;          /* of the compression at hand */
};

static bool make_tables(struct search *s)
{
    size_t nodes = s->g->nodes, edges = s->g->first[nodes];
    uint32_t **words[] = {&s->number, &s->vertex,    &s->parent, &s->semi, &s->ancestor,
                          &s->label,  &s->dominator, &s->bucket, &s->next, &s->path};
    bool made = true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        made = (*words[i] = eddy__graph_table(nodes + 1, sizeof(uint32_t))) != NULL && made;
    s->cursor = eddy__graph_table(nodes + 1, sizeof *s->cursor);
    s->pred_first = eddy__graph_table(nodes + 1, sizeof *s->pred_first);
    s->preds = eddy__graph_table(edges, sizeof *s->preds);
    return made && s->cursor != NULL && s->pred_first != NULL && s->preds != NULL;
}

static void free_tables(struct search *s)
{
    void *tables[] = {s->number,   s->vertex, s->parent,    s->cursor, s->pred_first, s->preds, s->semi,
                      s->ancestor, s->label,  s->dominator, s->bucket, s->next,       s->path};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        free(tables[i]);
}

static void visit(struct search *s, uint32_t node, uint32_t parent)
{
    uint32_t number = ++s->count;
    s->number[node] = number;
    s->vertex[number] = node;
    s->parent[number] = parent;
    s->semi[number] = s->label[number] = number;
    s->cursor[node] = s->g->first[node];
}

static void search_depth_first(struct search *s)
{
    visit(s, 0, 0);
    for (uint32_t at = 1; at != 0;) {
        uint32_t node = s->vertex[at];
        if (s->cursor[node] == s->g->first[node + 1]) {
            at = s->parent[at];
            continue;
        }
        uint32_t target = s->g->targets[s->cursor[node]++];
        if (s->number[target] == 0) {
            visit(s, target, at);
            at = s->count;
        }
    }
}

/* The graph's rows turned around, by counting. */
static void find_predecessors(struct search *s)
{
    const struct graph *g = s->g;
    for (size_t e = 0; e < g->first[g->nodes]; e++)
        s->pred_first[g->targets[e] + 1]++;
    for (uint32_t n = 0; n < g->nodes; n++)
        s->pred_first[n + 1] += s->pred_first[n];
    for (uint32_t n = 0; n < g->nodes; n++)
        s->cursor[n] = s->pred_first[n];
    for (uint32_t n = 0; n < g->nodes; n++)
        for (size_t e = g->first[n]; e < g->first[n + 1]; e++)
            s->preds[s->cursor[g->targets[e]]++] = n;
}

/* The number with the least semidominator on the way from `v` up to the root of its tree in the forest. */
static uint32_t eval(struct search *s, uint32_t v)
{
    if (s->ancestor[v] == 0)
        return v;
    uint32_t depth = 0;
    for (uint32_t w = v; s->ancestor[s->ancestor[w]] != 0; w = s->ancestor[w])
        s->path[depth++] = w;
    while (depth != 0) { /* from the top downwards */
        uint32_t w = s->path[--depth], above = s->ancestor[w];
        if (s->semi[s->label[above]] < s->semi[s->label[w]])
            s->label[w] = s->label[above];
        s->ancestor[w] = s->ancestor[above];
    }
    return s->label[v];
}

static void find_semidominator(struct search *s, uint32_t w)
{
    uint32_t node = s->vertex[w];
    for (size_t p = s->pred_first[node]; p < s->pred_first[node + 1]; p++) {
        uint32_t v = s->number[s->preds[p]];
        if (v == 0)
            continue; /* garbage refers to it, too */
        uint32_t u = eval(s, v);
        if (s->semi[u] < s->semi[w])
            s->semi[w] = s->semi[u];
    }
}

static void find_dominators(struct search *s)
{
    for (uint32_t w = s->count; w >= 2; w--) {
        find_semidominator(s, w);
        s->next[w] = s->bucket[s->semi[w]];
        s->bucket[s->semi[w]] = w;
        uint32_t parent = s->parent[w];
        s->ancestor[w] = parent;
        for (uint32_t v = s->bucket[parent]; v != 0; v = s->next[v]) {
            uint32_t u = eval(s, v);
            s->dominator[v] = s->semi[u] < s->semi[v] ? u : parent;
        }
        s->bucket[parent] = 0;
    }
    for (uint32_t w = 2; w <= s->count; w++)
        if (s->dominator[w] != s->semi[w])
            s->dominator[w] = s->dominator[s->dominator[w]];
}

/* A dominator has a lower number than what it dominates. */
static void sum_up(const eddy_inspection *i, const struct search *s, struct dominators *d)
{
    for (uint32_t n = 0; n < s->g->nodes; n++)
        d->dominator[n] = NODE_NONE;
    for (uint32_t w = s->count; w >= 2; w--) {
        uint32_t node = s->vertex[w], above = s->vertex[s->dominator[w]];
        d->dominator[node] = above;
        d->bytes[node] += inspect_bytes(i, s->g->objects[node]);
        d->objects[node]++;
        d->bytes[above] += d->bytes[node];
        d->objects[above] += d->objects[node];
    }
}

void eddy__dominators_free(struct dominators *d)
{
    free(d->dominator);
    free(d->bytes);
    free(d->objects);
    *d = (struct dominators){.dominator = NULL};
}

eddy_status eddy__dominators_need(eddy_inspection *i)
{
    struct dominators *d = &i->dominators;
    eddy_status status = eddy__graph_need(i);
    if (status != EDDY_OK || d->dominator != NULL)
        return status;
    struct search s = {.g = &i->graph};
    bool made = make_tables(&s);
    d->dominator = eddy__graph_table(s.g->nodes, sizeof *d->dominator);
    d->bytes = eddy__graph_table(s.g->nodes, sizeof *d->bytes);
    d->objects = eddy__graph_table(s.g->nodes, sizeof *d->objects);
    made = made && d->dominator != NULL && d->bytes != NULL && d->objects != NULL;
    if (made) {
        search_depth_first(&s);
        find_predecessors(&s);
        find_dominators(&s);
        sum_up(i, &s, d);
    } else {
        eddy__dominators_free(d);
    }
    free_tables(&s);
    return made ? EDDY_OK : EDDY_ENOMEM;
}
