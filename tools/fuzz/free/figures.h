/* The free-running mode, part 5: lists, rings, trees and webs. Their nodes have consecutive identities, so that
 * the structure can be checked without a model. */
#ifndef EDDY_FUZZ_FREE_FIGURES_H
#define EDDY_FUZZ_FREE_FIGURES_H

#include "tools/fuzz/free/graph.h"

#define WEB_MOST 24u
#define CHECK_MOST 4000u

static void **figure_head(struct mutator *m, unsigned number)
{
    return &m->slots[FIGURE_SLOT + number];
}

static void *make_node(struct mutator *m, unsigned shape, size_t length, const struct figure *f, uint32_t i)
{
    return make(m, shape, length, m->owner, NO_SHADOW, f->base + i);
}

/* ---- building; false when memory has run out ---- */

static bool build_list(struct mutator *m, struct figure *f, void **head)
{
    void **last = &m->slots[TEMP_SLOT];
    unsigned shape = f->nodes > 5000 ? SHAPE_FIRST : SHAPE_FIRST + below(&m->rng, 4);
    bool bound = one_in(&m->rng, 2); /* to shared objects */
    for (uint32_t i = f->nodes; i > 0; i--) {
        void *node = make_node(m, shape, 0, f, i - 1);
        if (node == NULL)
            return false;
        void **slots = slots_of(m, node, node);
        eddy_store(m->thread, node, &slots[0], *head);
        if (bound && one_in(&m->rng, 16))
            eddy_store(m->thread, node, &slots[1], pick_shared(m));
        *head = node;
        if (i == f->nodes)
            *last = node;
    }
    if (f->kind == FIGURE_RING)
        eddy_store(m->thread, *last, slots_of(m, *last, check(m, *last)), *head);
    return true;
}

static void *build_subtree(struct mutator *m, const struct figure *f, unsigned shape, uint32_t i)
{
    void *kept[2] = {NULL, NULL};
    eddy_frame frame;
    bool complete = true;
    if (!m->world->mode->stack)
        eddy_frame_push(m->thread, &frame, kept, 2);
    for (unsigned side = 0; side < 2; side++) {
        uint32_t child = 2 * i + 1 + side;
        if (complete && child < f->nodes)
            complete = (kept[side] = build_subtree(m, f, shape, child)) != NULL;
    }
    void *node = complete ? make_node(m, shape, 0, f, i) : NULL;
    if (node != NULL)
        for (unsigned side = 0; side < 2; side++)
            eddy_store(m->thread, node, slots_of(m, node, node) + side, kept[side]);
    if (!m->world->mode->stack)
        eddy_frame_pop(m->thread, &frame);
    return node;
}

/* A vector that refers to n vectors, each of which refers to all of them. */
static bool build_web(struct mutator *m, struct figure *f, void **head)
{
    unsigned shape = SHAPE_FIRST;
    while (shapes[shape].tail != EDDY_TAIL_REFS || shapes[shape].refs != 0)
        shape++;
    uint32_t n = f->nodes;
    *head = make_node(m, shape, n, f, 0);
    for (uint32_t i = 0; *head != NULL && i < n; i++) {
        void *node = make_node(m, shape, n, f, i + 1);
        if (node == NULL)
            return false;
        eddy_store(m->thread, *head, slots_of(m, *head, check(m, *head)) + i, node);
    }
    if (*head == NULL)
        return false;
    void **all = slots_of(m, *head, check(m, *head));
    for (uint32_t i = 0; i < n; i++) {
        void *node = eddy_load(m->thread, all + i);
        eddy_copy_refs(m->thread, node, slots_of(m, node, check(m, node)), *head, all, n);
    }
    return true;
}

static void drop_figure(struct mutator *m, unsigned number)
{
    *figure_head(m, number) = NULL;
    m->figures[number].kind = FIGURE_NONE;
}

static void build_figure(struct mutator *m, unsigned number)
{
    const uint32_t most[] = {6, 40, 700, (uint32_t)m->world->mode->figure_most};
    struct figure *f = &m->figures[number];
    void **head = figure_head(m, number);
    drop_figure(m, number);
    struct figure next = {.kind = FIGURE_LIST + below(&m->rng, 4), .base = new_id(m)};
    next.nodes = 1 + below(&m->rng, next.kind == FIGURE_WEB ? WEB_MOST : most[below(&m->rng, 4)]);
    m->serial += next.nodes + 1;
    bool built = false;
    switch (next.kind) {
    case FIGURE_TREE: built = (*head = build_subtree(m, &next, SHAPE_FIRST + below(&m->rng, 3), 0)) != NULL; break;
    case FIGURE_WEB: built = build_web(m, &next, head); break;
    default: built = build_list(m, &next, head);
    }
    m->slots[TEMP_SLOT] = NULL;
    if (built) {
        *f = next;
    } else {
        drop_figure(m, number);
        relieve(m);
    }
}

/* ---- checking ---- */

static void *check_node(struct mutator *m, void *node, const struct figure *f, uint32_t i)
{
    if (node == NULL)
        fail(m->world, m, "node %" PRIu32 " of %" PRIu32 " is missing from a figure of kind %d", i, f->nodes, f->kind);
    const struct head *h = check(m, node);
    if (h->id != f->base + i)
        fail(m->world, m, "%p is node %" PRIu64 " of a figure of kind %d, not %" PRIu32, node, h->id - f->base, f->kind, i);
    return slots_of(m, node, h);
}

static void check_list(struct mutator *m, const struct figure *f, void *head)
{
    void *node = head;
    for (uint32_t i = 0; i < f->nodes; i++) {
        void **slots = check_node(m, node, f, f->reversed ? f->nodes - 1 - i : i);
        void *other = eddy_load(m->thread, &slots[1]);
        if (other != NULL)
            check(m, other);
        node = eddy_load(m->thread, &slots[0]);
        if (i == CHECK_MOST && !one_in(&m->rng, 16))
            return;
    }
    if (node != (f->kind == FIGURE_RING ? head : NULL))
        fail(m->world, m, "a figure of kind %d ends in %p, its head is %p", f->kind, node, head);
}

static void check_figure(struct mutator *m, unsigned number)
{
    const struct figure *f = &m->figures[number];
    void *node = *figure_head(m, number);
    if (f->kind == FIGURE_LIST || f->kind == FIGURE_RING) {
        check_list(m, f, node);
    } else if (f->kind == FIGURE_TREE) { /* some paths */
        for (uint32_t path = 0; path < 16 + f->nodes / 16 && path < CHECK_MOST / 8; path++) {
            node = *figure_head(m, number);
            for (uint32_t i = 0; i < f->nodes;) {
                void **slots = check_node(m, node, f, i);
                unsigned side = below(&m->rng, 2);
                node = eddy_load(m->thread, &slots[side]);
                i = 2 * i + 1 + side;
            }
            if (node != NULL)
                fail(m->world, m, "a leaf of a tree has the child %p", node);
        }
    } else if (f->kind == FIGURE_WEB) {
        void **all = check_node(m, node, f, 0);
        for (uint32_t i = 0; i < f->nodes; i++) {
            void **slots = check_node(m, eddy_load(m->thread, all + i), f, i + 1);
            for (uint32_t k = 0; k < f->nodes; k++)
                if (eddy_load(m->thread, slots + k) != eddy_load(m->thread, all + k))
                    fail(m->world, m, "edge %" PRIu32 " to %" PRIu32 " of a web leads elsewhere", i, k);
        }
    }
}

/* ---- changing ---- */

/* Turns every edge of a list or ring round, one counted store each. */
static void reverse_list(struct mutator *m, unsigned number)
{
    struct figure *f = &m->figures[number];
    void **head = figure_head(m, number), **held = &m->slots[TEMP_SLOT]; /* previous, node, next */
    held[0] = NULL;
    held[1] = *head;
    for (uint32_t i = 0; i < f->nodes; i++) {
        void **slots = check_node(m, held[1], f, f->reversed ? f->nodes - 1 - i : i);
        held[2] = eddy_load(m->thread, &slots[0]);
        eddy_store(m->thread, held[1], &slots[0], held[0]);
        held[0] = held[1];
        held[1] = held[2];
    }
    if (f->kind == FIGURE_RING)
        eddy_store(m->thread, *head, slots_of(m, *head, check(m, *head)), held[0]);
    *head = held[0];
    f->reversed = !f->reversed;
    held[0] = held[1] = held[2] = NULL;
}

static void share_figure(struct mutator *m, unsigned number)
{
    void *head = *figure_head(m, number), *container = pick_container(m, 1);
    if (head == NULL)
        return;
    if (container != NULL && one_in(&m->rng, 2))
        store_colored(m, container, head);
    else
        eddy_root_store(m->thread, &m->world->roots[below(&m->rng, ROOTS)], head);
}

static void operate_figure(struct mutator *m)
{
    unsigned number = below(&m->rng, FIGURES);
    struct figure *f = &m->figures[number];
    if (f->kind == FIGURE_NONE) {
        build_figure(m, number);
        return;
    }
    switch (below(&m->rng, 8)) {
    case 0:
    case 1:
    case 2: check_figure(m, number); break;
    case 3:
        if (f->kind == FIGURE_LIST || f->kind == FIGURE_RING)
            reverse_list(m, number);
        break;
    case 4: share_figure(m, number); break;
    case 5:
        check_figure(m, number);
        share_figure(m, number);
        drop_figure(m, number);
        break;
    case 6:
        check_figure(m, number);
        drop_figure(m, number);
        break;
    default: build_figure(m, number);
    }
}

#endif
