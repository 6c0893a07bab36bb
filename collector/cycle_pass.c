/* Step 4 of an epoch: looking for garbage cycles (design, section 5; the concurrent algorithm of Bacon and
 * Rajan, ECOOP 2001, on marks and nodes outside the objects instead of colours in them). First, TAKE clears the flags of all
 * candidate roots, so that what is decremented from then on becomes a candidate root of the next pass, wherever this one is
 * with it (cycle_roots.c). Then, from a portion of the roots:
 *
 *   DISCOVER, SCAN  what they reach, and what of that is not reachable from elsewhere (cycle_find.c)
 *   SPLIT           that is split into strongly connected components (cycle_split.c), the candidates
 *   PREPARE         sigma preparation, with the delta test armed before its first read (cycle_test.c)
 *
 * then the next portion; when none is left, or much garbage has been found, the candidates wait for the next epoch's
 * tests, which come before the portions that are left. All of this may be cut into slices with epochs between them:
 * what it finds is a guess, safety is the tests' business. */
#include "collector/state.h"
#include "runtime/heap/soft_limit.h"

#define PORTION_MOST 2048u /* roots: what they reach is looked at four times, while it is in the caches */
#define PORTION_LEAST 64u
#define PORTION_SHARE 1024u   /* one root of a portion for so many bytes of room below the limit */
#define TABLES_SHARE 16u      /* of the limit */
#define GARBAGE_ENOUGH 16384u /* members of candidates that are tested before the next portion: the same reason */
#define SOFT_EAGERNESS 8      /* above the soft limit so much less growth is enough for a search */
#define GROWTH_LEAST ((uint64_t)8 << 20)

/* What grows with a search, but for its roots, which are not given up. */
#define TABLES 11u
static void tables_of(struct cycles *y, struct vector *tables[TABLES])
{
    struct vector *all[TABLES] = {&y->taken,   &y->blocks, &y->grays, &y->frontier, &y->nodes,  &y->candidates,
                                  &y->members, &y->work,   &y->order, &y->frames,   &y->targets};
    for (unsigned i = 0; i < TABLES; i++)
        tables[i] = all[i];
}

void eddy__cycles_create(struct collector *c)
{
    struct cycles *y = &c->cycles;
    eddy_heap *heap = c->heap;
    eddy__vector_init(&y->roots, heap, sizeof(void *));
    y->compact_at = CYCLE_COMPACT_LEAST;
    eddy__vector_init(&y->portion, heap, sizeof(void *));
    eddy__vector_init(&y->taken, heap, sizeof(void *));
    eddy__vector_init(&y->blocks, heap, sizeof(void *));
    eddy__vector_init(&y->grays, heap, sizeof(void *));
    eddy__vector_init(&y->frontier, heap, sizeof(void *));
    eddy__vector_init(&y->nodes, heap, sizeof(struct cycle_node));
    eddy__vector_init(&y->candidates, heap, sizeof(struct cycle_candidate));
    eddy__vector_init(&y->members, heap, sizeof(uint32_t));
    eddy__vector_init(&y->work, heap, sizeof(uint32_t));
    eddy__vector_init(&y->order, heap, sizeof(struct cycle_index));
    eddy__vector_init(&y->frames, heap, sizeof(struct cycle_frame));
    eddy__vector_init(&y->targets, heap, sizeof(uint32_t));
}

void eddy__cycles_destroy(struct collector *c)
{
    struct vector *tables[TABLES];
    tables_of(&c->cycles, tables);
    for (unsigned i = 0; i < TABLES; i++)
        eddy__vector_free(tables[i]);
    eddy__vector_free(&c->cycles.roots);
    eddy__vector_free(&c->cycles.portion);
}

/* Whether the tables are small beside the limit: they may exceed it then, or a full heap would be searched in crumbs. */
static bool tables_small(struct collector *c)
{
    struct vector *tables[TABLES];
    uint64_t bytes = 0;
    tables_of(&c->cycles, tables);
    for (unsigned i = 0; i < TABLES; i++)
        bytes += tables[i]->room * tables[i]->item_bytes;
    return bytes < EDDY_LOAD_RELAXED(&c->heap->heap_limit) / TABLES_SHARE;
}

bool eddy__cycle_room(struct collector *c, struct vector *v)
{
    if (v->count < v->room || eddy__vector_grow(v))
        return true;
    if (c->cycles.portion_candidates == 0 || tables_small(c)) {
        eddy__vector_grow_surely(v);
        return true;
    }
    c->cycles.failed_memory = true;
    return false;
}

/* ---- portions ---- */

/* Whether what was found is to be tested before the search goes on. What is found to be live is looked at again
 * afterwards, so it must not be little beside that. */
static bool enough_garbage(const struct cycles *y)
{
    const uint32_t forced = PORTION_ROOTS();
    return y->members.count >= (forced != 0 ? forced : GARBAGE_ENOUGH) && y->members.count >= y->met / 2;
}

static void begin_portion(struct collector *c)
{
    struct cycles *y = &c->cycles;
    y->portion_nodes = (uint32_t)y->nodes.count;
    y->portion_candidates = (uint32_t)y->candidates.count;
    y->portion_met = y->met;
    y->taken.count = y->grays.count = y->frontier.count = y->stale = 0;
    uint64_t most = eddy__room(c->heap) / PORTION_SHARE;
    most = most > PORTION_MOST ? PORTION_MOST : most < PORTION_LEAST ? PORTION_LEAST : most;
    const uint32_t forced = PORTION_ROOTS();
    if (forced != 0)
        most = forced;
    y->phase = CYCLE_DISCOVER;
    while (y->taken.count < most && y->portion.count != 0 && !y->failed_memory) {
        void *object = vector_pop(&y->portion);
        struct block *b;
        uint32_t cell;
        vector_push(&y->taken, object);
        if (eddy__cycle_possible(c, object, &b, &cell) && mark_of(b, cell) == MARK_UNMET)
            eddy__mark_gray(c, object, b, cell);
    }
}

/* No room for the portion in hand: its roots and the rest wait for the next pass, what was prepared is tested. */
static void give_up_portion(struct collector *c)
{
    struct cycles *y = &c->cycles;
    eddy__marks_undo(c);
    eddy__nodes_drop(c, y->portion_nodes);
    if (y->portion_candidates < y->candidates.count)
        y->members.count = cycle_candidate(c, y->portion_candidates)->first;
    y->candidates.count = y->portion_candidates;
    while (y->taken.count != 0)
        eddy__cycle_put_back(c, vector_pop(&y->taken));
    while (y->portion.count != 0)
        eddy__cycle_put_back(c, vector_pop(&y->portion));
    y->phase = CYCLE_ARMED;
}

/* ---- passes ---- */

static bool worth_a_pass(struct collector *c)
{
    uint64_t bytes = c->counted_bytes + EDDY_LOAD_RELAXED(&c->heap->external);
    if (bytes < c->cycles.bytes_after)
        c->cycles.bytes_after = bytes; /* growth counts from the lowest point */
    if (c->cycles_wanted)
        return true;
    if (c->cycles.roots.count == 0)
        return false;
    uint64_t growth = c->cycles.bytes_after / 100 * c->heap->config.cycle_growth_percent;
    uint64_t least = GROWTH_LEAST;
    uint64_t limit = EDDY_LOAD_RELAXED(&c->heap->heap_limit);
    if (limit / 8 < least) /* small heaps cannot afford to wait so long */
        least = limit / 8;
    if (growth < least)
        growth = least;
    if (heap_above_soft_limit(c->heap))
        growth /= SOFT_EAGERNESS;
    return bytes > c->cycles.bytes_after + growth;
}

static void begin_pass(struct collector *c)
{
    struct cycles *y = &c->cycles;
    struct vector empty = y->portion;
    y->portion = y->roots;
    y->roots = empty;
    y->begun = c->epoch;
    y->freed = y->freed_bytes = y->consequences = y->rejected = 0;
    y->bytes_before = c->counted_bytes;
    y->settled = c->decs.count == 0 && eddy__attached_at_rest(c);
    y->rounds = 0;
    y->failed_memory = false;
    y->at = 0;
    y->phase = CYCLE_TAKE;
}

void eddy__cycle_end_pass(struct collector *c)
{
    struct cycles *y = &c->cycles;
    eddy__marks_drop(c);
    y->candidates.count = y->members.count = y->taken.count = 0;
    struct vector *tables[TABLES];
    tables_of(y, tables);
    for (unsigned i = 0; i < TABLES; i++)
        eddy__vector_trim(tables[i]);
    eddy__vector_trim(&y->portion);
    y->phase = CYCLE_IDLE;
    if (y->portion.count != 0) {
        y->rounds = 0;
        return;
    }
    y->bytes_lasting = y->bytes_before > y->freed_bytes ? y->bytes_before - y->freed_bytes : 0;
    y->bytes_after = c->counted_bytes + EDDY_LOAD_RELAXED(&c->heap->external);
    STAT_ADD(c->stats.cycle_passes, 1);
    /* what was garbage when it began and is left was put off, or lost a reference meanwhile */
    bool exhausted = y->freed == 0 || (y->consequences == 0 && y->rejected == 0 && !y->waits);
    if (exhausted && !y->failed_memory && y->settled && c->decs.count == 0 && eddy__attached_at_rest(c))
        y->exhausted_from = y->begun;
    if (!y->failed_memory || y->freed == 0) /* one that could not see everything and freed something is but a beginning */
        y->passes++;
    c->cycles_wanted = false;
}

static void begin_scan(struct collector *c)
{
    c->cycles.at = 0;
    c->cycles.phase = CYCLE_SCAN;
}

static void begin_split(struct collector *c)
{
    struct cycles *y = &c->cycles;
    STAT_ADD(c->stats.cycle_nodes, y->met - y->portion_met);
    y->at = y->portion_nodes;
    y->numbered = y->counter = 0;
    y->work.count = y->order.count = y->frames.count = y->targets.count = 0;
    y->phase = CYCLE_SPLIT;
}

static void begin_prepare(struct collector *c)
{
    struct cycles *y = &c->cycles;
    STAT_ADD(c->stats.cycles_found, y->candidates.count - y->portion_candidates);
    y->at = 0;
    y->phase = CYCLE_PREPARE;
}

void eddy__cycle_slice(struct collector *c)
{
    struct cycles *y = &c->cycles;
    uint64_t done = 0;
    if (y->phase == CYCLE_ARMED)
        return;
    if (y->phase == CYCLE_IDLE) {
        if (y->portion.count != 0)
            begin_portion(c);
        else if (worth_a_pass(c))
            begin_pass(c);
        else
            return;
    }
    for (bool on = true; on && !y->failed_memory;) {
        switch (y->phase) {
        case CYCLE_TAKE:
            if ((on = eddy__cycle_take_roots(c, &done)))
                begin_portion(c);
            break;
        case CYCLE_DISCOVER:
            if ((on = eddy__cycle_discover(c, &done)))
                begin_scan(c);
            break;
        case CYCLE_SCAN:
            if ((on = eddy__cycle_scan(c, &done)))
                begin_split(c);
            break;
        case CYCLE_SPLIT:
            if ((on = eddy__cycle_split(c, &done)))
                begin_prepare(c);
            break;
        case CYCLE_PREPARE:
            on = eddy__cycle_prepare(c, &done);
            if (on && y->portion.count != 0 && !enough_garbage(y))
                begin_portion(c);
            else if (on) {
                y->phase = CYCLE_ARMED;
                on = false;
            }
            break;
        default: on = false;
        }
    }
    if (y->failed_memory)
        give_up_portion(c);
    if (y->phase == CYCLE_ARMED && y->candidates.count == 0) {
        eddy__cycle_end_pass(c);
        return;
    }
    if (y->phase == CYCLE_ARMED) {
        HOOK(HOOK_CYCLE_PREPARED, NULL);
        if (MUTANT(MUTANT_TEST_NOW))
            eddy__cycle_test(c);
    }
}
