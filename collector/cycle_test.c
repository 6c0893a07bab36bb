/* The two tests on candidate cycles, and what follows (design, section 5).
 *
 *   sigma  the members' counts, less the references among them, add up to zero: nothing outside refers to them
 *   delta  no member was incremented or decremented from the start of the preparation to the end of step 2 of
 *          the next epoch: what was read of them is true
 *
 * A candidate is freed only if both hold. The member set is closed and the delta test armed before the first
 * count is copied. Candidates are tested in the reverse of the order in which they were found, so that one
 * which only a dead neighbour refers to passes after that neighbour has been freed. */
#include "collector/state.h"

#define ROUNDS_MOST 4u /* of tests in a pass, while weak cells of candidates have been loaded */

/* ---- sigma preparation ---- */

struct sigma {
    struct collector *c;
    uint32_t component;
};

__attribute__((always_inline)) static inline void sigma_edge(void *context, void *const *slot)
{
    struct sigma *sigma = context;
    void *target = EDDY_LOAD_ACQUIRE(slot);
    if (!heap_contains(sigma->c->heap, target))
        return;
    uint32_t number = cycle_node_of(sigma->c, target);
    if (number == UINT32_MAX)
        return;
    struct cycle_node *node = cycle_node(sigma->c, number);
    bool inside =
        node->component == sigma->component || (MUTANT(MUTANT_SIGMA_ALL_EDGES) && node->component < COMPONENT_TRIVIAL);
    if (inside && node->crc > 0)
        node->crc--;
}

static void arm(struct collector *c)
{
    for (uint32_t i = c->cycles.portion_candidates; i < c->cycles.candidates.count; i++)
        cycle_candidate(c, i)->valid = true;
}

static void copy_count(struct collector *c, struct cycle_node *node)
{
    void *object = cycle_object(node);
    struct block *b = block_of(c->heap, object);
    uint64_t count = eddy__count_of(c, b, cell_number(b, object), object);
    node->crc = count > INT32_MAX ? INT32_MAX : (int32_t)count;
}

static void read_edges(struct collector *c, const struct cycle_node *node)
{
    struct sigma sigma = {c, node->component};
    cycle_edges(c, cycle_object(node), sigma_edge, &sigma);
}

static void sum_up(struct collector *c)
{
    for (uint32_t i = c->cycles.portion_candidates; i < c->cycles.candidates.count; i++) {
        struct cycle_candidate *candidate = cycle_candidate(c, i);
        candidate->external = 0;
        for (uint32_t m = 0; m < candidate->count; m++)
            candidate->external += cycle_node(c, cycle_member(c, candidate->first + m))->crc;
    }
}

/* Goes through the members of the portion twice: counts first, then edges. */
bool eddy__cycle_prepare(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    if (y->portion_candidates == y->candidates.count)
        return true;
    uint32_t first = cycle_candidate(c, y->portion_candidates)->first;
    uint32_t members = (uint32_t)y->members.count - first;
    if (y->at == (MUTANT(MUTANT_ARM_LATE) ? members : 0))
        arm(c);
    for (; y->at < 2 * members; y->at++, ++*done) {
        if (MUTANT(MUTANT_ARM_LATE) && y->at == members)
            arm(c);
        if (slice_over(c, *done))
            return false;
        struct cycle_node *node = cycle_node(c, cycle_member(c, first + y->at % members));
        if (node->object == 0) { /* freed meanwhile, perhaps before the delta test was armed */
            cycle_candidate(c, node->component)->valid = false;
            continue;
        }
        if (y->at < members)
            copy_count(c, node);
        else
            read_edges(c, node);
    }
    sum_up(c);
    return true;
}

/* ---- freeing ---- */

__attribute__((always_inline)) static inline void push_outside(void *context, void *const *slot)
{
    struct sigma *sigma = context;
    struct collector *c = sigma->c;
    void *target = EDDY_LOAD_RELAXED(slot);
    if (!heap_contains(c->heap, target))
        return;
    uint32_t number = cycle_node_of(c, target);
    bool outside = number == UINT32_MAX || cycle_node(c, number)->component != sigma->component;
    if (MUTANT(MUTANT_FREED_DROPS_INSIDE))
        outside = true;
    if (outside && !MUTANT(MUTANT_FREED_KEEPS_OUTSIDE))
        vector_push(&c->decs, target);
}

static void free_candidate(struct collector *c, uint32_t number)
{
    const struct cycle_candidate candidate = *cycle_candidate(c, number);
    struct sigma sigma = {c, number};
    for (uint32_t m = 0; m < candidate.count; m++)
        cycle_edges(c, cycle_object(cycle_node(c, cycle_member(c, candidate.first + m))), push_outside, &sigma);
    for (uint32_t m = 0; m < candidate.count; m++) {
        void *object = cycle_object(cycle_node(c, cycle_member(c, candidate.first + m)));
        struct block *b = block_of(c->heap, object);
        c->cycles.freed_bytes += b->cell ? b->cell : b->bytes;
        struct object_record *a = eddy__attachment(c, object);
        if (a != NULL)
            eddy__attachment_end(c, a);
        eddy__cell_free(c, b, cell_number(b, object), object);
    }
    STAT_ADD(c->stats.cycles_freed, 1);
    STAT_ADD(c->stats.cycle_objects_freed, candidate.count);
    c->cycles.freed += candidate.count;
    c->releasing_cycles = true;
    eddy__release_all(c, true);
    c->releasing_cycles = false;
}

static void test_candidate(struct collector *c, uint32_t number)
{
    struct cycle_candidate *candidate = cycle_candidate(c, number);
    bool delta = candidate->valid || MUTANT(MUTANT_NO_DELTA);
    bool sigma = candidate->external <= MUTANT(MUTANT_SIGMA_ONE) || MUTANT(MUTANT_NO_SIGMA);
    enum cycle_verdict verdict = delta && sigma ? eddy__weak_candidate(c, number) : CYCLE_LIVES;
    if (verdict == CYCLE_WAITS)
        c->cycles.waits = true;
    /* what waits may be all that refers to a later one */
    if (c->cycles.waits && delta && (verdict == CYCLE_WAITS || !sigma) && c->cycles.rounds < ROUNDS_MOST)
        return;
    candidate->done = true;
    if (verdict == CYCLE_DEAD)
        free_candidate(c, number);
    if (verdict == CYCLE_DEAD || verdict == CYCLE_FINALIZED)
        return;
    c->cycles.rejected++;
    if (!delta || sigma)
        STAT_ADD(c->stats.cycles_rejected_delta, 1);
    else
        STAT_ADD(c->stats.cycles_rejected_sigma, 1);
    for (uint32_t m = 0; m < candidate->count; m++) { /* one member will lead to the others again */
        struct cycle_node *node = cycle_node(c, cycle_member(c, candidate->first + m));
        if (node->object != 0) {
            node->object |= NODE_AGAIN;
            break;
        }
    }
}

void eddy__cycle_test(struct collector *c)
{
    struct cycles *y = &c->cycles;
    if (y->phase != CYCLE_ARMED)
        return;
    y->phase = CYCLE_TEST;
    y->waits = false;
    uint32_t count = (uint32_t)y->candidates.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = MUTANT(MUTANT_FORWARD_ORDER) ? i : count - 1 - i;
        if (!cycle_candidate(c, number)->done)
            test_candidate(c, number);
    }
    if (y->waits && y->rounds++ < ROUNDS_MOST)
        y->phase = CYCLE_ARMED; /* the delta test covers the time to the decision */
    else
        eddy__cycle_end_pass(c);
}
