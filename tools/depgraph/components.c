/* Strongly connected components by Tarjan's algorithm, with explicit stacks: see components.h. What is
 * remembered of a node is its number; the object is read from the table again when it is needed. */
#include "components.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

struct node {
    uint32_t index; /* in the order of first visits, from 1; 0: not visited */
    uint32_t low;   /* the least index known to be reachable */
    uint32_t next;  /* the edge to be followed next */
    bool open;      /* on the stack of nodes whose component is not complete */
};

struct search {
    const struct graph *graph;
    eddy_thread *thread;
    const struct release *release;
    bool weak;
    struct node *nodes;
    uint32_t *path; /* from the start to the node at hand */
    uint32_t path_length;
    uint32_t *open;
    uint32_t open_count;
    uint32_t visited;
    struct components *result;
};

static void enter(struct search *search, uint32_t number)
{
    struct node *node = &search->nodes[number];
    node->index = node->low = ++search->visited;
    node->open = true;
    search->path[search->path_length++] = number;
    search->open[search->open_count++] = number;
}

/* Follows the node's next edge. False when it has no more. */
static bool follow(struct search *search, uint32_t number)
{
    struct node *node = &search->nodes[number];
    const struct package *package = graph_package(search->graph, search->thread, search->release, number);
    const eddy_array *depends = EDDY_GET(search->thread, package, depends);
    if (node->next == (search->weak ? graph_edge_count(depends) : package->needed_depends))
        return false;
    uint32_t target = graph_neighbour(search->graph, search->thread, depends, node->next++)->number;
    const struct node *found = &search->nodes[target];
    if (found->index == 0)
        enter(search, target);
    else if (found->open && found->index < node->low)
        node->low = found->index;
    return true;
}

/* Takes a complete component, down to its first node, off the stack of open nodes. */
static void complete(struct search *search, uint32_t first)
{
    struct components *result = search->result;
    uint32_t begin = search->open_count;
    do
        search->nodes[search->open[--begin]].open = false;
    while (search->open[begin] != first);
    uint32_t size = search->open_count - begin;
    for (uint32_t i = begin; i < search->open_count; i++)
        result->sizes[search->open[i]] = size;
    if (size > result->largest) {
        result->largest = size;
        memcpy(result->members, search->open + begin, size * sizeof *result->members);
    }
    result->cycles += size > 1;
    search->open_count = begin;
}

static void leave(struct search *search, uint32_t number)
{
    const struct node *node = &search->nodes[number];
    search->path_length--;
    if (search->path_length > 0) {
        struct node *parent = &search->nodes[search->path[search->path_length - 1]];
        if (node->low < parent->low)
            parent->low = node->low;
    }
    if (node->low == node->index)
        complete(search, number);
}

void components_find(const struct graph *graph, eddy_thread *thread, const struct release *release, bool weak,
                     struct components *components)
{
    *components = (struct components){
        .sizes = must_calloc(graph->capacity, sizeof *components->sizes),
        .members = must_calloc(graph->node_count, sizeof *components->members),
    };
    struct search search = {
        .graph = graph,
        .thread = thread,
        .release = release,
        .weak = weak,
        .nodes = must_calloc(graph->capacity, sizeof *search.nodes),
        .path = must_calloc(graph->node_count, sizeof *search.path),
        .open = must_calloc(graph->node_count, sizeof *search.open),
        .result = components,
    };
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (search.nodes[graph->nodes[i]].index == 0)
            enter(&search, graph->nodes[i]);
        while (search.path_length > 0) {
            uint32_t number = search.path[search.path_length - 1];
            eddy_safepoint(thread);
            if (!follow(&search, number))
                leave(&search, number);
        }
    }
    free(search.nodes);
    free(search.path);
    free(search.open);
}

void components_free(struct components *components)
{
    free(components->sizes);
    free(components->members);
}
