/* Roots of an epoch: exact references as recorded, and the words of C stacks, which the filter accepts
 * or refuses (design, section 7). A word is accepted when its cell has a count that is neither zero nor
 * DYING, or holds a private object born in the epoch in hand: a drain came before, so "counted with count
 * zero" means free. That a cell was allocated in the epoch is told by its block (birth, young_end), so
 * that neither old headers nor generations used again can deceive. */
#include "collector/state.h"

/* The cell that `word` points into (its beginning only, unless interior pointers are accepted). */
static char *find_cell(const eddy_heap *heap, uintptr_t word, struct block **block, uint32_t *cell)
{
    struct block *b = block_of(heap, (void *)word);
    enum block_state state = block_state_of(b);
    bool interior = (heap->flags & EDDY_HEAP_INTERIOR_POINTERS) != 0;
    if (state == BLOCK_LARGE_REST) {
        if (!interior)
            return NULL;
        b = &heap->blocks[b->next];
        state = block_state_of(b);
    }
    size_t offset = (size_t)((char *)word - block_start(heap, b));
    if (state == BLOCK_LARGE)
        *cell = 0;
    else if (state == BLOCK_YOUNG || state == BLOCK_PARTIAL || state == BLOCK_FULL)
        *cell = offset < BLOCK_FIRST_CELL ? 0 : (uint32_t)((offset - BLOCK_FIRST_CELL) / b->cell);
    else
        return NULL;
    if (*cell >= b->cells)
        return NULL;
    char *object = cell_object(heap, b, *cell);
    size_t distance = (size_t)((char *)word - object);
    if (MUTANT(MUTANT_FILTER_INTERIOR))
        interior = false;
    if (distance != 0 && (!interior || distance >= object_bytes(b)))
        return NULL;
    *block = b;
    return object;
}

static bool acceptable(const struct collector *c, const struct block *b, uint32_t cell, const void *object)
{
    unsigned count = b->counts[cell] & COUNT_MASK;
    if (count != 0)
        return count != COUNT_DYING;
    enum block_state state = block_state_of(b);
    if (state != BLOCK_YOUNG && state != BLOCK_LARGE)
        return false;
    if (MUTANT(MUTANT_FILTER_ANY))
        return !header_is_counted(EDDY_LOAD_ACQUIRE(eddy__header(object)));
    return EDDY_LOAD_RELAXED(&b->birth) == c->epoch && cell < EDDY_LOAD_RELAXED(&b->young_end)
           && !header_is_counted(EDDY_LOAD_ACQUIRE(eddy__header(object)));
}

static void append(struct collector *c, struct root_list *list, uintptr_t object)
{
    if (list->count == list->room) {
        struct vector grown = {.items = list->objects,
                               .count = list->count,
                               .room = list->room,
                               .item_bytes = sizeof(uintptr_t),
                               .heap = c->heap};
        eddy__vector_grow_surely(&grown);
        list->objects = grown.items;
        list->room = grown.room;
    }
    list->objects[list->count++] = object;
}

static void accept(struct collector *c, struct root_list *list, void *object)
{
    append(c, list, (uintptr_t)object);
    count_inc(c, object, false);
}

void eddy__accept_exact(struct collector *c, struct root_list *list, const struct root_buffer *roots)
{
    list->count = 0;
    for (size_t i = roots->stable; i < roots->exact; i++)
        if (heap_contains(c->heap, (void *)roots->words[i])) /* else permanent, laid out by the compiler */
            accept(c, list, (void *)roots->words[i]);
    list->exact = list->count;
}

/* Handles of older frames stay counted while the frames are unchanged. Those that are replaced join the roots of the
 * epoch before, which step 2 uncounts. */
static void replace_stable(struct collector *c, struct thread *t, const struct root_buffer *roots)
{
    struct root_list *stable = &t->stable, *going = &t->accepted[(c->epoch & 1) ^ 1];
    for (size_t i = roots->kept; i < stable->count; i++)
        if (stable->objects[i] != 0)
            append(c, going, stable->objects[i]);
    stable->count = stable->exact = roots->kept; /* exact: those from here on are new */
    if (MUTANT(MUTANT_STABLE_NOW))
        eddy__uncount_roots(c, t->accepted, stable);
    for (size_t i = 0; i < roots->stable; i++) {
        bool ours = heap_contains(c->heap, (void *)roots->words[i]);
        append(c, stable, ours ? roots->words[i] : 0);
        if (ours)
            count_inc(c, (void *)roots->words[i], false);
    }
}

void eddy__accept_words(struct collector *c, struct root_list *list, const struct root_buffer *roots)
{
    uint64_t accepted = 0, refused = 0;
    for (size_t i = roots->exact; i < roots->count; i++) {
        struct block *b;
        uint32_t cell;
        char *object = find_cell(c->heap, roots->words[i], &b, &cell);
        if (object != NULL && acceptable(c, b, cell, object)) {
            accept(c, list, object);
            accepted++;
        } else {
            refused++;
        }
    }
    STAT_ADD(c->stats.roots_accepted, accepted);
    STAT_ADD(c->stats.roots_refused, refused);
}

void eddy__carry_roots(struct collector *c, struct root_list lists[2])
{
    struct root_list *now = &lists[c->epoch & 1], *before = &lists[(c->epoch & 1) ^ 1], spare = *now;
    *now = *before;
    if (MUTANT(MUTANT_CARRY_FORGETS))
        now->count = now->exact = 0;
    *before = spare;
    before->count = 0;
}

bool eddy__words_recorded(const struct collector *c)
{
    if ((c->heap->flags & EDDY_HEAP_PRECISE_ROOTS) == 0)
        return true;
    for (const struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next) {
        const struct root_buffer *roots = &t->roots[c->epoch & 1];
        if (t->in_epoch == c->epoch && !t->handover[c->epoch & 1].carried && roots->count != roots->exact)
            return true;
    }
    return false;
}

void eddy__filter_roots(struct collector *c, bool exact)
{
    unsigned parity = c->epoch & 1;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next) {
        if (t->in_epoch != c->epoch)
            continue;
        const struct root_buffer *roots = &t->roots[parity];
        if (t->handover[parity].carried) {
            if (exact) {
                eddy__carry_roots(c, t->accepted);
                t->stable.exact = t->stable.count;
            }
        } else if (exact) {
            replace_stable(c, t, roots);
            eddy__accept_exact(c, &t->accepted[parity], roots);
        } else {
            eddy__accept_words(c, &t->accepted[parity], roots);
        }
    }
    eddy__fibers_filter(c, exact);
}
