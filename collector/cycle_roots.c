/* Candidate roots: counted objects that have been decremented and are not dead, so that they may be on a garbage cycle. Each is
 * flagged in its count byte as long as it is among them. */
#include "collector/state.h"

#define COMPACT_LEAST 65536u

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
    if (y->roots.count > COMPACT_LEAST && y->roots.count > 2 * y->kept_last)
        compact_roots(c);
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
    return true;
}
