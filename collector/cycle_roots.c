/* Candidate roots: counted objects that have been decremented and are not dead, so that they may be on a garbage cycle. Each is
 * flagged in its count byte as long as it is among them. */
#include "collector/state.h"

#define AHEAD 8u

/* The block and the cell where a root is, or was; false if there is no such cell any more. */
static bool place_of(const struct collector *c, const void *object, struct block **b, uint32_t *cell)
{
    if (object == NULL)
        return false;
    *b = block_of(c->heap, object);
    enum block_state state = block_state_of(*b);
    if (state != BLOCK_FULL && state != BLOCK_PARTIAL && state != BLOCK_YOUNG && state != BLOCK_LARGE)
        return false;
    *cell = cell_number(*b, object);
    return *cell < (*b)->cells;
}

static void root_prefetch(const struct collector *c, const struct vector *roots, size_t at)
{
    struct block *b;
    uint32_t cell;
    if (at < roots->count && place_of(c, vector_at(roots, at), &b, &cell))
        __builtin_prefetch(b->counts + cell, 1);
}

/* Most of those that are roots no longer are told by the count byte alone. */
static bool flagged_root(const struct collector *c, void *object, struct block **b, uint32_t *cell)
{
    return place_of(c, object, b, cell) && ((*b)->counts[*cell] & COUNT_FLAGGED) != 0 && (*b)->kind == KIND_CYCLIC
           && eddy__is_counted_object(c->heap, object, b, cell);
}

/* Drops entries whose object was freed, and all but one of those that name the same object. */
void eddy__cycle_compact_roots(struct collector *c)
{
    struct vector *roots = &c->cycles.roots;
    struct block *b;
    uint32_t cell;
    size_t kept = 0;
    for (size_t i = 0; i < roots->count; i++) {
        root_prefetch(c, roots, i + AHEAD);
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
    c->cycles.compact_at = kept > CYCLE_COMPACT_LEAST / 2 ? 2 * kept : CYCLE_COMPACT_LEAST;
    eddy__vector_trim(roots);
}

bool eddy__cycle_possible(const struct collector *c, void *object, struct block **b, uint32_t *cell)
{
    return object != NULL && eddy__is_counted_object(c->heap, object, b, cell) && (*b)->kind == KIND_CYCLIC
           && ((*b)->counts[*cell] & COUNT_MASK) != COUNT_PERMANENT;
}

void eddy__cycle_put_back(struct collector *c, void *object)
{
    struct block *b;
    uint32_t cell;
    if (!eddy__cycle_possible(c, object, &b, &cell))
        return;
    EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(b->counts[cell] | COUNT_FLAGGED));
    vector_push(&c->cycles.roots, object);
}

/* No object has been looked at before all flags are clear: what is decremented until then is seen as it is. */
bool eddy__cycle_take_roots(struct collector *c, uint64_t *done)
{
    struct cycles *y = &c->cycles;
    for (; y->at < y->portion.count; y->at++, ++*done) {
        if (slice_over(c, *done))
            return false;
        root_prefetch(c, &y->portion, y->at + AHEAD);
        void **object = (void **)y->portion.items + y->at;
        struct block *b;
        uint32_t cell;
        if (flagged_root(c, *object, &b, &cell))
            EDDY_STORE_RELAXED(&b->counts[cell],
                               (uint8_t)(b->counts[cell] & ~(MUTANT(MUTANT_TAKE_KEEPS_FLAGS) ? 0 : COUNT_FLAGGED)));
        else
            *object = NULL; /* freed, or named twice */
    }
    return true;
}
