/* What every mistake begins with: a heap with precise roots, an attached thread, and nodes of two references. */
#ifndef MISTAKE_H
#define MISTAKE_H

#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *left, *right;
    long number;
};

static eddy_heap *heap;
static const eddy_type *node_type;

static inline eddy_thread *begin(unsigned flags)
{
    static const size_t references[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc layout = {.name = "node", .size = sizeof(struct node), .ref_offsets = references, .ref_count = 2};
    eddy_config config;
    eddy_thread *t;
    eddy_config_init(&config);
    config.flags = flags;
    config.late_thread_ms = 100;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &node_type))
        exit(2);
    return t;
}

static inline struct node *new_node(eddy_thread *t)
{
    struct node *node = eddy_alloc(t, node_type);
    if (node == NULL)
        exit(2);
    return node;
}

#endif
