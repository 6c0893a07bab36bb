/* Step 4 of an epoch: looking for garbage cycles (design, section 5; the concurrent algorithm of Bacon and
 * Rajan, ECOOP 2001, on explicit node numbers instead of colours). First, TAKE clears the flags of all candidate
 * roots, so that what is decremented from then on becomes a candidate root of the next pass, wherever this one is
 * with it. Then, from a portion of the roots:
 *
 *   DISCOVER  everything counted that they reach becomes a node; crc = count less the edges found
 *   SCAN      nodes with crc above zero, and what they reach, are black: referenced from outside
 *   SPLIT     the rest is split into strongly connected components (cycle_split.c), the candidates
 *   PREPARE   sigma preparation, with the delta test armed before its first read (cycle_test.c)
 *
 * then the next portion; when none is left, or much garbage has been found, the candidates wait for the next epoch's
 * tests, which come before the portions that are left. All of this may be cut into slices with epochs between them:
 * what it finds is a guess, safety is the tests' business.
 * Private objects met on the way are treated as live and not entered; permanent ones are never nodes. */
#include "collector/state.h"
#include "runtime/heap/soft_limit.h"

#include <stdlib.h>

#define PORTION_MOST 2048u /* roots: what they reach is looked at four times, while it is in the caches */
#define PORTION_LEAST 64u
#define PORTION_SHARE 1024u   /* one root of a portion for so many bytes of room below the limit */
#define TABLES_SHARE 16u      /* of the limit */
#define GARBAGE_ENOUGH 16384u /* members of candidates that are tested before the next portion: the same reason */
#define COMPACT_LEAST 65536u
#define SOFT_EAGERNESS 8 /* above the soft limit so much less growth is enough for a search */
#define GROWTH_LEAST ((uint64_t)8 << 20)

void eddy__cycles_create(struct collector *c)
{
    struct cycles *y = &c->cycles;
    eddy_heap *heap = c->heap;
    eddy__vector_init(&y->roots, heap, sizeof(void *));
    eddy__vector_init(&y->portion, heap, sizeof(void *));
    eddy__vector_init(&y->nodes, heap, sizeof(struct cycle_node));
    eddy__vector_init(&y->blocks, heap, sizeof(void *));
    eddy__vector_init(&y->candidates, heap, sizeof(struct cycle_candidate));
    eddy__vector_init(&y->members, heap, sizeof(uint32_t));
    eddy__vector_init(&y->work, heap, sizeof(uint32_t));
    eddy__vector_init(&y->order, heap, sizeof(struct cycle_index));
    eddy__vector_init(&y->frames, heap, sizeof(struct cycle_frame));
    eddy__vector_init(&y->targets, heap, sizeof(uint32_t));
}

void eddy__cycles_destroy(struct collector *c)
{
    struct cycles *y = &c->cycles;
    struct vector *all[] = {&y->roots,   &y->portion, &y->nodes, &y->blocks, &y->candidates,
                            &y->members, &y->work,    &y->order, &y->frames, &y->targets};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        eddy__vector_free(all[i]);
}

/* ---- candidate roots ---- */

static bool flagged_root(const struct collector *c, void *object, struct block **b, uint32_t *cell)
{
    return eddy__is_counted_object(c->heap, object, b, cell) && (*b)->kind == KIND_CYCLIC
           && ((*b)->counts[*cell] & COUNT_FLAGGED) != 0;
}

/* Drops entries whose object was freed, and all but one of those that name the same object. */
static void compact_roots(struct collector *c)
{
    struct vector *roots = &c->cycles.roots;
    struct block *b;
    uint32_t cell;
    size_t kept = 0;
    for (size_t i = 0; i < roots->count; i++) {
        void *object = vector_at(roots, i);
        if (!flagged_root(c, object, &b, &cell))
            continue;
        EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] & ~COUNT_FLAGGED)); /* once only */
        ((void **)roots->items)[kept++] = object;
    }
    for (size_t i = 0; i < kept; i++) {
        eddy__is_counted_object(c->heap, vector_at(roots, i), &b, &cell);
        EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] | COUNT_FLAGGED));
    }
    roots->count = kept;
    c->cycles.kept_last = kept;
    eddy__vector_trim(roots);
}

void eddy__cycle_add_root(struct collector *c, void *object)
{
    struct cycles *y = &c->cycles;
    vector_push(&y->roots, object);
    if (y->phase == CYCLE_IDLE && y->roots.count > COMPACT_LEAST && y->roots.count > 2 * y->kept_last)
        compact_roots(c);
}

/* ---- nodes ---- */

/* Whether the tables are small beside the limit: they may exceed it then, or a full heap would be searched in crumbs. */
static bool tables_small(const struct collector *c)
{
    const struct cycles *y = &c->cycles;
    const struct vector *all[] = {&y->nodes, &y->candidates, &y->members, &y->work, &y->order, &y->frames, &y->targets};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        bytes += all[i]->room * all[i]->item_bytes;
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

/* Makes a node of a counted object; false, giving up the pass, when there is no memory. */
static bool add_node(struct collector *c, void *object, struct block *b, uint32_t cell)
{
    struct cycles *y = &c->cycles;
    if (b->aux == NULL) {
        b->aux = eddy__internal_alloc(c->heap, b->cells * sizeof *b->aux);
        if (b->aux == NULL) {
            y->failed_memory = true;
            return false;
        }
        vector_push(&y->blocks, b);
    }
    if (y->nodes.count == COMPONENT_TRIVIAL - 1) {
        y->failed_memory = true;
        return false;
    }
    if (y->nodes.count == y->nodes.room && !eddy__cycle_room(c, &y->nodes))
        return false;
    uint64_t count = eddy__count_of(c, b, cell, object);
    uintptr_t again = (b->counts[cell] & COUNT_FLAGGED) != 0 ? NODE_AGAIN : 0;
    EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] | COUNT_FLAGGED));
    *cycle_node(c, (uint32_t)y->nodes.count++) = (struct cycle_node){.object = (uintptr_t)object | again,
                                                                     .crc = count > INT32_MAX ? INT32_MAX : (int32_t)count,
                                                                     .component = COMPONENT_NONE};
    b->aux[cell] = (uint32_t)y->nodes.count;
    return true;
}

void eddy__cycle_touch(struct collector *c, struct block *b, uint32_t cell, bool dec)
{
    struct cycle_node *node = cycle_node(c, b->aux[cell] - 1);
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

void eddy__cycle_erase(struct collector *c, struct block *b, uint32_t cell)
{
    struct cycle_node *node = cycle_node(c, b->aux[cell] - 1);
    if (node->component < COMPONENT_TRIVIAL)
        cycle_candidate(c, node->component)->valid = false;
    node->object = 0;
    b->aux[cell] = 0;
}

/* ---- DISCOVER ---- */

__attribute__((always_inline)) static inline void discover_edge(void *context, void *const *slot)
{
    struct collector *c = context;
    void *target = EDDY_LOAD_ACQUIRE(slot);
    if (!heap_contains(c->heap, target))
        return;
    struct block *b = block_of(c->heap, target);
    if (b->kind != KIND_CYCLIC)
        return;
    uint32_t cell = cell_number(b, target);
    unsigned count = b->counts[cell] & COUNT_MASK;
    if (count == 0 || count >= COUNT_PERMANENT)
        return;
    if ((b->aux == NULL || b->aux[cell] == 0) && !add_node(c, target, b, cell))
        return;
    uint32_t number = b->aux[cell] - 1;
    if (number >= c->cycles.portion_nodes && !(MUTANT(MUTANT_DISCOVER_SKIPS) && cell % 2 != 0))
        cycle_node(c, number)->crc--;
}

/* A root that was taken, if it still is an object that may be on a cycle. */
static bool taken_root(const struct collector *c, void *object, struct block **b, uint32_t *cell)
{
    return object != NULL && eddy__is_counted_object(c->heap, object, b, cell) && (*b)->kind == KIND_CYCLIC
           && ((*b)->counts[*cell] & COUNT_MASK) != COUNT_PERMANENT;
}

/* Whether what was found is to be tested before the search goes on. The nodes that are found to be live are looked
 * at again afterwards, so it must not be little beside them. */
static bool enough_garbage(const struct cycles *y)
{
    const uint32_t forced = PORTION_ROOTS();
    return y->members.count >= (forced != 0 ? forced : GARBAGE_ENOUGH) && y->members.count >= y->nodes.count / 2;
}

static void begin_portion(struct collector *c)
{
    struct cycles *y = &c->cycles;
    y->portion_nodes = (uint32_t)y->nodes.count;
    y->portion_candidates = (uint32_t)y->candidates.count;
    uint64_t most = eddy__room(c->heap) / PORTION_SHARE;
    most = most > PORTION_MOST ? PORTION_MOST : most < PORTION_LEAST ? PORTION_LEAST : most;
    const uint32_t forced = PORTION_ROOTS();
    if (forced != 0)
        most = forced;
    for (uint64_t taken = 0; taken < most && y->portion.count != 0; taken++) {
        void *object = vector_pop(&y->portion);
        struct block *b;
        uint32_t cell;
        if (taken_root(c, object, &b, &cell) && (b->aux == NULL || b->aux[cell] == 0) && !add_node(c, object, b, cell)) {
            vector_push(&y->portion, object); /* it waits with the rest */
            return;
        }
    }
    y->at = y->portion_nodes;
    y->phase = CYCLE_DISCOVER;
}

/* No node has been looked at before all flags are clear: what is decremented until then is seen as it is. */
static bool take(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    for (; y->at < y->portion.count; y->at++, ++*done) {
        if (slice_over(c, *done))
            return false;
        if (y->at + 8 < y->portion.count)
            count_prefetch(c, vector_at(&y->portion, y->at + 8));
        void **object = (void **)y->portion.items + y->at;
        struct block *b;
        uint32_t cell;
        if (flagged_root(c, *object, &b, &cell))
            EDDY_STORE_RELAXED(&b->counts[cell],
                               (uint8_t)(b->counts[cell] & ~(MUTANT(MUTANT_TAKE_KEEPS_FLAGS) ? 0 : COUNT_FLAGGED)));
        else
            *object = NULL; /* freed, or named twice */
    }
    begin_portion(c);
    return true;
}

static bool discover(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    while (y->at < y->nodes.count && !y->failed_memory) {
        if (slice_over(c, *done))
            return false;
        if (y->at + 4 < y->nodes.count)
            __builtin_prefetch(eddy__header(cycle_object(cycle_node(c, y->at + 4))));
        struct cycle_node *node = cycle_node(c, y->at++);
        if (node->object != 0)
            cycle_edges(c, node, discover_edge, c);
        ++*done;
    }
    y->at = y->portion_nodes;
    y->work.count = 0;
    y->phase = CYCLE_SCAN;
    return true;
}

/* ---- SCAN ---- */

static void blacken(struct collector *c, uint32_t number)
{
    cycle_node(c, number)->component = COMPONENT_BLACK;
    cycle_push(c, &c->cycles.work, number);
}

__attribute__((always_inline)) static inline void scan_edge(void *context, void *const *slot)
{
    struct collector *c = context;
    void *target = EDDY_LOAD_ACQUIRE(slot);
    if (!heap_contains(c->heap, target))
        return;
    uint32_t number = cycle_node_of(c, target);
    if (number != UINT32_MAX && number >= c->cycles.portion_nodes && cycle_node(c, number)->component == COMPONENT_NONE)
        blacken(c, number);
}

static bool scan(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    while (!y->failed_memory) {
        if (slice_over(c, *done))
            return false;
        ++*done;
        if (y->work.count != 0) {
            struct cycle_node *node = cycle_node(c, ((uint32_t *)y->work.items)[--y->work.count]);
            if (node->object != 0 && !MUTANT(MUTANT_SCAN_SKIPS))
                cycle_edges(c, node, scan_edge, c);
        } else if (y->at < y->nodes.count) {
            struct cycle_node *node = cycle_node(c, y->at);
            if (node->crc > 0 && node->component == COMPONENT_NONE)
                blacken(c, y->at);
            y->at++;
        } else {
            break;
        }
    }
    STAT_ADD(c->stats.cycle_nodes, y->nodes.count - y->portion_nodes);
    y->at = y->portion_nodes;
    y->counter = 0;
    y->work.count = y->order.count = y->frames.count = y->targets.count = 0;
    y->phase = CYCLE_SPLIT;
    return true;
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

/* No room for the portion in hand: its roots and the rest wait for the next pass, what was prepared is tested. */
static void give_up_portion(struct collector *c)
{
    struct cycles *y = &c->cycles;
    for (uint32_t i = y->portion_nodes; i < y->nodes.count; i++)
        eddy__cycle_forget(c, i, true);
    y->nodes.count = y->portion_nodes;
    if (y->portion_candidates < y->candidates.count)
        y->members.count = cycle_candidate(c, y->portion_candidates)->first;
    y->candidates.count = y->portion_candidates;
    while (y->portion.count != 0) {
        void *object = vector_pop(&y->portion);
        struct block *b;
        uint32_t cell;
        if (!taken_root(c, object, &b, &cell))
            continue;
        EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] | COUNT_FLAGGED));
        vector_push(&y->roots, object);
    }
    y->phase = CYCLE_ARMED;
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
        case CYCLE_TAKE: on = take(c, &done); break;
        case CYCLE_DISCOVER: on = discover(c, &done); break;
        case CYCLE_SCAN: on = scan(c, &done); break;
        case CYCLE_SPLIT: on = eddy__cycle_split(c, &done); break;
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
