/* Splitting what looks like garbage into strongly connected components, so that an adversary who ties live
 * objects to garbage cannot starve the search: each component is a candidate of its own. Tarjan's algorithm
 * ("Depth-first search and linear graph algorithms", SIAM J. Comput. 1, 1972) with explicit stacks. It finds
 * components after all that they reach; the tests go through them in the reverse order. */
#include "collector/state.h"

static struct cycle_index *index_of(const struct collector *c, uint32_t node)
{
    return (struct cycle_index *)c->cycles.order.items + (node - c->cycles.portion_nodes);
}

static struct cycle_frame *top_frame(const struct collector *c)
{
    return (struct cycle_frame *)c->cycles.frames.items + c->cycles.frames.count - 1;
}

__attribute__((always_inline)) static inline void collect_target(void *context, void *const *slot)
{
    struct collector *c = context;
    void *target = EDDY_LOAD_ACQUIRE(slot);
    if (!heap_contains(c->heap, target))
        return;
    uint32_t number = cycle_node_of(c, target);
    if (number == UINT32_MAX || number < c->cycles.portion_nodes || cycle_node(c, number)->component != COMPONENT_NONE)
        return;
    struct cycle_frame *frame = top_frame(c);
    if (number == frame->node)
        index_of(c, number)->self = true;
    cycle_push(c, &c->cycles.targets, number);
}

static void enter(struct collector *c, uint32_t node)
{
    struct cycles *y = &c->cycles;
    if (!eddy__cycle_room(c, &y->frames))
        return;
    struct cycle_index *index = index_of(c, node);
    index->index = index->low = ++y->counter;
    uint32_t begin = (uint32_t)y->targets.count;
    y->frames.count++;
    *top_frame(c) = (struct cycle_frame){.node = node, .begin = begin, .edge = begin};
    cycle_push(c, &y->work, node);
    const struct cycle_node *n = cycle_node(c, node);
    if (n->object != 0)
        cycle_edges(c, cycle_object(n), collect_target, c);
    top_frame(c)->end = (uint32_t)y->targets.count;
}

/* The nodes above and including `node` on the stack are a component. */
static void emit(struct collector *c, uint32_t node)
{
    struct cycles *y = &c->cycles;
    const uint32_t *stack = y->work.items;
    bool trivial = stack[y->work.count - 1] == node && !index_of(c, node)->self;
    uint32_t number = trivial ? COMPONENT_TRIVIAL : (uint32_t)y->candidates.count;
    uint32_t first = (uint32_t)y->members.count, popped;
    if (!trivial && !eddy__cycle_room(c, &y->candidates))
        return;
    do {
        popped = stack[--y->work.count];
        cycle_node(c, popped)->component = number;
        if (!trivial)
            cycle_push(c, &y->members, popped);
    } while (popped != node);
    if (!trivial)
        ((struct cycle_candidate *)y->candidates.items)[y->candidates.count++] =
            (struct cycle_candidate){.first = first, .count = (uint32_t)y->members.count - first};
}

static void leave(struct collector *c)
{
    struct cycles *y = &c->cycles;
    struct cycle_frame frame = *top_frame(c);
    y->frames.count--;
    y->targets.count = frame.begin;
    struct cycle_index *index = index_of(c, frame.node);
    uint32_t low = index->low;
    if (low == index->index)
        emit(c, frame.node);
    if (y->frames.count != 0 && !MUTANT(MUTANT_SPLIT_LOW)) {
        struct cycle_index *parent = index_of(c, top_frame(c)->node);
        if (low < parent->low)
            parent->low = low;
    }
}

static void step(struct collector *c)
{
    struct cycle_frame *frame = top_frame(c);
    if (frame->edge == frame->end) {
        leave(c);
        return;
    }
    uint32_t target = ((uint32_t *)c->cycles.targets.items)[frame->edge++];
    const struct cycle_index *index = index_of(c, target);
    if (index->index == 0) {
        enter(c, target);
    } else if (cycle_node(c, target)->component == COMPONENT_NONE) { /* still on the stack */
        struct cycle_index *own = index_of(c, frame->node);
        if (index->index < own->low)
            own->low = index->index;
    }
}

bool eddy__cycle_split(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    for (; y->numbered < y->grays.count; y->numbered++, ++*done)
        if (slice_over(c, *done) || !eddy__mark_nodes(c, vector_at(&y->grays, y->numbered)))
            return false;
    while (!y->failed_memory) {
        if (slice_over(c, *done))
            return false;
        ++*done;
        if (y->frames.count != 0) {
            step(c);
        } else if (y->at < y->nodes.count) {
            const struct cycle_node *node = cycle_node(c, y->at);
            if (node->object != 0 && node->component == COMPONENT_NONE)
                enter(c, y->at);
            y->at++;
        } else {
            break;
        }
    }
    return true;
}
