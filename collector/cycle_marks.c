/* Marks and nodes of a search for cycles (cycles.h): a gray object is one mark, which says what is left of its count; only what
 * the scan leaves becomes a node. Gray and live objects need not be noticed when they are decremented: they become
 * candidate roots of the next pass like any others. A cell that is freed loses its mark (I8). */
#include "collector/state.h"

#include <stdlib.h>

#define COUNT_MOST (MARK_NODE - MARK_GRAY - 1)

static size_t marks_bytes(const struct block *b)
{
    return sizeof(struct cell_marks) + b->cells * sizeof b->marks->of[0];
}

static void set_gray(struct cell_marks *marks, uint32_t cell)
{
    marks->grays[cell / 64] |= UINT64_C(1) << (cell % 64);
    marks->gray++;
}

static void unset_gray(struct cell_marks *marks, uint32_t cell)
{
    marks->grays[cell / 64] &= ~(UINT64_C(1) << (cell % 64));
    marks->gray--;
}

bool eddy__mark_gray(struct collector *c, void *object, struct block *b, uint32_t cell)
{
    struct cycles *y = &c->cycles;
    if (b->marks == NULL) {
        b->marks = eddy__internal_alloc(c->heap, marks_bytes(b));
        if (b->marks == NULL) {
            y->failed_memory = true;
            return false;
        }
        vector_push(&y->blocks, b);
    }
    if (y->frontier.count == y->frontier.room && !eddy__cycle_room(c, &y->frontier))
        return false;
    if (b->marks->gray == 0)
        vector_push(&y->grays, b);
    uint64_t count = b->counts[cell] & COUNT_MASK;
    if (EDDY_UNLIKELY(count >= COUNT_OVERFLOW))
        count = eddy__count_of(c, b, cell, object);
    set_gray(b->marks, cell);
    b->marks->of[cell] = MARK_GRAY + (uint32_t)(count < COUNT_MOST ? count : COUNT_MOST);
    vector_push(&y->frontier, object);
    __builtin_prefetch(eddy__header(object));
    y->met++;
    return true;
}

void eddy__mark_live(struct block *b, uint32_t cell)
{
    unset_gray(b->marks, cell);
    b->marks->of[cell] = MARK_LIVE;
}

static bool add_node(struct collector *c, struct block *b, uint32_t cell)
{
    struct cycles *y = &c->cycles;
    if ((y->nodes.count == y->nodes.room && !eddy__cycle_room(c, &y->nodes)) || !eddy__cycle_room(c, &y->order))
        return false;
    uintptr_t again = (b->counts[cell] & COUNT_FLAGGED) != 0 ? NODE_AGAIN : 0;
    EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] | COUNT_FLAGGED));
    unset_gray(b->marks, cell);
    b->marks->of[cell] = MARK_NODE + (uint32_t)y->nodes.count;
    *cycle_node(c, (uint32_t)y->nodes.count++) =
        (struct cycle_node){.object = (uintptr_t)cell_object(c->heap, b, cell) | again, .component = COMPONENT_NONE};
    ((struct cycle_index *)y->order.items)[y->order.count++] = (struct cycle_index){0};
    return true;
}

bool eddy__mark_nodes(struct collector *c, struct block *b)
{
    struct cell_marks *marks = b->marks;
    for (unsigned i = 0; marks != NULL && marks->gray != 0; i++)
        while (marks->grays[i] != 0)
            if (!add_node(c, b, i * 64 + (unsigned)__builtin_ctzll(marks->grays[i])))
                return false;
    return true;
}

void eddy__marks_undo(struct collector *c)
{
    struct cycles *y = &c->cycles;
    for (size_t at = 0; at < y->grays.count; at++) {
        struct cell_marks *marks = ((struct block *)vector_at(&y->grays, at))->marks;
        for (unsigned i = 0; marks != NULL && marks->gray != 0; i++)
            while (marks->grays[i] != 0) {
                uint32_t cell = i * 64 + (unsigned)__builtin_ctzll(marks->grays[i]);
                unset_gray(marks, cell);
                marks->of[cell] = MARK_UNMET;
            }
    }
    y->grays.count = y->frontier.count = y->stale = 0;
}

void eddy__marks_drop_block(struct collector *c, struct block *b)
{
    if (b->marks == NULL)
        return;
    eddy__internal_free(c->heap, b->marks, marks_bytes(b));
    b->marks = NULL;
}

/* Ends the part that a node took in the pass. */
static void forget(struct collector *c, const struct cycle_node *node)
{
    if (node->object == 0)
        return;
    void *object = cycle_object(node);
    struct block *b = block_of(c->heap, object);
    uint32_t cell = cell_number(b, object);
    b->marks->of[cell] = MARK_UNMET;
    if ((node->object & NODE_AGAIN) != 0)
        vector_push(&c->cycles.roots, object);
    else
        EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] & ~COUNT_FLAGGED));
}

void eddy__nodes_drop(struct collector *c, uint32_t from)
{
    for (uint32_t i = from; i < c->cycles.nodes.count; i++)
        forget(c, cycle_node(c, i));
    c->cycles.nodes.count = from;
}

void eddy__marks_drop(struct collector *c)
{
    struct cycles *y = &c->cycles;
    eddy__nodes_drop(c, 0);
    while (y->blocks.count != 0)
        eddy__marks_drop_block(c, vector_pop(&y->blocks));
    y->grays.count = y->frontier.count = 0;
    y->met = 0;
}

void eddy__mark_touch(struct collector *c, struct block *b, uint32_t cell, bool dec)
{
    struct cycle_node *node = cycle_node(c, b->marks->of[cell] - MARK_NODE);
    if (dec)
        node->object |= NODE_AGAIN;
    if (node->component >= COMPONENT_TRIVIAL || MUTANT(dec ? MUTANT_DELTA_NO_DEC : MUTANT_DELTA_NO_INC))
        return;
    struct cycle_candidate *candidate = cycle_candidate(c, node->component);
    if (dec && c->releasing_cycles && !MUTANT(MUTANT_RELEASE_LOWERS_NOTHING))
        candidate->external--; /* the reference of a neighbour that was freed */
    else
        candidate->valid = false;
}

void eddy__mark_erase(struct collector *c, struct block *b, uint32_t cell)
{
    uint32_t mark = b->marks->of[cell];
    b->marks->of[cell] = MARK_UNMET;
    if (mark_is_gray(mark))
        unset_gray(b->marks, cell);
    if (!mark_is_node(mark))
        return;
    struct cycle_node *node = cycle_node(c, mark - MARK_NODE);
    if (node->component < COMPONENT_TRIVIAL)
        cycle_candidate(c, node->component)->valid = false;
    node->object = 0;
}
