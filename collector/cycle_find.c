/* Finding what may be garbage from a portion of the candidate roots (design, section 5), some objects at a time, so that what has
 * to be read of them has arrived by then:
 *
 *   DISCOVER  everything counted that they reach becomes gray; a gray object's mark is its count less the edges found
 *   SCAN      gray objects with a mark above zero, and what they reach, are live: referenced from outside
 *
 * What is gray afterwards becomes nodes (cycle_split.c). Both may be cut into slices with epochs between them, after which
 * an object in the frontier may be another, or none. Private objects are treated as live and not entered, permanent ones
 * likewise; so are live ones and nodes of earlier portions. */
#include "collector/state.h"

#define AHEAD 8u     /* objects */
#define GATHERED 64u /* edges */

/* An edge's target, and where that is. */
struct target {
    void *object;
    struct block *b;
    uint32_t cell;
};

typedef void follow_fn(struct collector *c, const struct target *target);

struct edges {
    struct collector *c;
    follow_fn *follow;
    size_t count;
    struct target targets[GATHERED];
};

__attribute__((always_inline)) static inline void follow_all(struct edges *edges, follow_fn *follow)
{
    for (size_t i = 0; i < edges->count && !edges->c->cycles.failed_memory; i++)
        follow(edges->c, &edges->targets[i]);
    edges->count = 0;
}

__attribute__((always_inline)) static inline void gather(void *context, void *const *slot)
{
    struct edges *edges = context;
    void *object = EDDY_LOAD_ACQUIRE(slot);
    if (!heap_contains(edges->c->heap, object))
        return;
    struct block *b = block_of(edges->c->heap, object);
    if (b->kind != KIND_CYCLIC)
        return;
    uint32_t cell = cell_number(b, object);
    __builtin_prefetch(b->counts + cell);
    if (b->marks != NULL)
        __builtin_prefetch(b->marks->of + cell, 1);
    if (edges->count == GATHERED)
        follow_all(edges, edges->follow);
    edges->targets[edges->count++] = (struct target){object, b, cell};
}

/* The mark of what was put into the frontier, if it still is there. */
static uint32_t mark_at(const struct collector *c, const void *object)
{
    const struct block *b = block_of(c->heap, object);
    if (b->marks == NULL)
        return MARK_UNMET;
    uint32_t cell = cell_number(b, object);
    return cell < b->cells && cell_object(c->heap, b, cell) == (const char *)object ? b->marks->of[cell] : MARK_UNMET;
}

/* Follows the edges of the next objects of the frontier that have such marks; false when the slice is over. */
__attribute__((always_inline)) static inline bool advance(struct collector *c, uint64_t *done,
                                                          bool is_one(uint32_t mark), follow_fn *follow)
{
    struct cycles *y = &c->cycles;
    struct edges edges;
    void *objects[AHEAD];
    size_t n = SLICE_STEPS() != 0 ? 1 : AHEAD, taken = 0;
    n = y->frontier.count < n ? y->frontier.count : n;
    bool over = false;
    for (size_t i = 0; i < n; i++) {
        void *object = vector_pop(&y->frontier);
        over = slice_over(c, ++*done) || over;
        if (y->frontier.count < y->stale) { /* an epoch has passed since it was put there */
            y->stale = y->frontier.count;
            if (!is_one(mark_at(c, object)) && !MUTANT(MUTANT_FRONTIER_BLIND))
                continue;
        }
        __builtin_prefetch(eddy__header(object));
        objects[taken++] = object;
    }
    edges.c = c;
    edges.follow = follow;
    edges.count = 0;
    for (size_t i = 0; i < taken; i++)
        cycle_edges(c, objects[i], gather, &edges);
    follow_all(&edges, follow);
    if (over)
        y->stale = y->frontier.count;
    return !over;
}

/* ---- DISCOVER ---- */

static void meet(struct collector *c, const struct target *t)
{
    unsigned count = t->b->counts[t->cell] & COUNT_MASK;
    if (count == 0 || count >= COUNT_PERMANENT)
        return;
    if (mark_of(t->b, t->cell) == MARK_UNMET && !eddy__mark_gray(c, t->object, t->b, t->cell))
        return;
    uint32_t *mark = &t->b->marks->of[t->cell];
    if (mark_is_gray(*mark) && *mark != MARK_GRAY && !(MUTANT(MUTANT_DISCOVER_SKIPS) && t->cell % 2 != 0))
        --*mark;
}

bool eddy__cycle_discover(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    while (y->frontier.count != 0 && !y->failed_memory)
        if (!advance(c, done, mark_is_gray, meet))
            return false;
    y->at = 0;
    return true;
}

/* ---- SCAN ---- */

static inline bool mark_is_live(uint32_t mark)
{
    return mark == MARK_LIVE;
}

static void blacken(struct collector *c, const struct target *t)
{
    struct vector *frontier = &c->cycles.frontier;
    if (!mark_is_gray(mark_of(t->b, t->cell)) || (frontier->count == frontier->room && !eddy__cycle_room(c, frontier)))
        return;
    eddy__mark_live(t->b, t->cell);
    if (!MUTANT(MUTANT_SCAN_SKIPS))
        vector_push(frontier, t->object);
}

/* Gray objects of a block to which more refers than was found. */
static void blacken_block(struct collector *c, struct block *b)
{
    const struct cell_marks *marks = b->marks;
    for (unsigned i = 0; marks != NULL && marks->gray != 0 && i < CELLS_MOST / 64; i++)
        for (uint64_t grays = marks->grays[i]; grays != 0; grays &= grays - 1) {
            uint32_t cell = i * 64 + (unsigned)__builtin_ctzll(grays);
            if (marks->of[cell] != MARK_GRAY)
                blacken(c, &(struct target){cell_object(c->heap, b, cell), b, cell});
        }
}

bool eddy__cycle_scan(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    while (!y->failed_memory && (y->frontier.count != 0 || y->at < y->grays.count)) {
        if (y->frontier.count == 0)
            blacken_block(c, vector_at(&y->grays, y->at++));
        else if (!advance(c, done, mark_is_live, blacken))
            return false;
    }
    return true;
}
