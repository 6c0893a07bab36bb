/* Count bytes: the cases that are not one load and one store. Keeps I4 (all of this lies outside the
 * objects), I8 (a zero byte is the last write to a freed cell) and the exactness of counts beyond 124. */
#include "collector/state.h"

/* A count leaves the table again only well below the bound, so that it does not move to and fro. */
#define COUNT_BACK 64

static void store_count(struct block *b, uint32_t cell, unsigned value)
{
    EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)value);
}

/* What a counted object adds to the counted bytes. A large one may be resized meanwhile: what was added is noted behind its count
 * byte, where nothing else is. */
static uint64_t *large_note(const struct block *b)
{
    return (uint64_t *)(void *)b->counts + 1;
}

static void first_inc(struct collector *c, void *object, struct block *b, uint32_t cell, bool counted)
{
    size_t bytes = b->cell ? b->cell : EDDY_LOAD_RELAXED(&b->bytes);
    if (b->cell == 0)
        *large_note(b) = bytes;
    store_count(b, cell, 1);
    STAT_SET(b->live, b->live + 1);
    c->counted_objects++;
    c->counted_bytes += bytes;
    c->promoted_bytes += bytes;
    if (EDDY_LOAD_RELAXED(&b->birth) <= c->epoch)
        c->first_incs++;
    if (!counted)
        vector_push(&c->scan, object);
}

void eddy__count_inc_slow(struct collector *c, void *object, struct block *b, uint32_t cell, bool counted)
{
    unsigned byte = b->counts[cell], flag = byte & COUNT_FLAGGED, count = byte & COUNT_MASK;
    if (byte == 0) {
        first_inc(c, object, b, cell, counted);
        return;
    }
    if (flag != 0)
        cycle_touch(c, b, cell, false);
    if (count == COUNT_OVERFLOW) {
        eddy__map_get(&c->overflow, object)->value++;
    } else if (count == COUNT_OVERFLOW - 1) {
        if (MUTANT(MUTANT_STICKY_COUNT)) {
            store_count(b, cell, 1 | flag);
            return;
        }
        eddy__map_get(&c->overflow, object)->value = COUNT_OVERFLOW - MUTANT(MUTANT_OVERFLOW_OFF_BY_ONE);
        store_count(b, cell, COUNT_OVERFLOW | flag);
    } else if (count < COUNT_OVERFLOW) {
        store_count(b, cell, (count + 1) | flag);
    }
}

static void become_candidate(struct collector *c, void *object, struct block *b, uint32_t cell)
{
    if (b->kind != KIND_CYCLIC || (MUTANT(MUTANT_NO_CANDIDATES) && c->cycles.phase != CYCLE_IDLE))
        return;
    store_count(b, cell, b->counts[cell] | COUNT_FLAGGED);
    cycle_add_root(c, object);
}

bool eddy__count_dec_slow(struct collector *c, void *object, struct block *b, uint32_t cell)
{
    unsigned byte = b->counts[cell], flag = byte & COUNT_FLAGGED, count = byte & COUNT_MASK;
    if (count >= COUNT_PERMANENT)
        return false; /* permanent; or an edge inside a candidate that is being freed */
    if (flag != 0)
        cycle_touch(c, b, cell, true);
    if (count == 1)
        return true;
    if (count == COUNT_OVERFLOW) {
        struct object_map_entry *entry = eddy__map_find(&c->overflow, object);
        if (--entry->value <= COUNT_BACK) {
            store_count(b, cell, ((unsigned)entry->value + MUTANT(MUTANT_OVERFLOW_BACK)) | flag);
            eddy__map_remove(&c->overflow, entry);
        }
    } else if (count == 0) {
        eddy__misuse("collector", "a count fell below zero: a reference was stored without the barrier");
    } else {
        store_count(b, cell, (count - 1) | flag);
    }
    if (flag == 0)
        become_candidate(c, object, b, cell);
    return false;
}

void eddy__count_undo(struct collector *c, void *object)
{
    struct block *b = block_of(c->heap, object);
    uint32_t cell = cell_number(b, object);
    unsigned count = b->counts[cell] & COUNT_MASK;
    if (count == COUNT_OVERFLOW)
        eddy__map_find(&c->overflow, object)->value--;
    else if (count != COUNT_PERMANENT)
        store_count(b, cell, b->counts[cell] - 1u);
}

uint64_t eddy__count_of(const struct collector *c, const struct block *b, uint32_t cell, const void *object)
{
    unsigned count = b->counts[cell] & COUNT_MASK;
    if (count == COUNT_PERMANENT)
        return UINT64_MAX;
    if (count != COUNT_OVERFLOW)
        return count;
    const struct object_map_entry *entry = eddy__map_find(&c->overflow, object);
    return entry == NULL ? 0 : entry->value;
}

/* A swept block that has become free enough to allocate into again, or freer than its pool says. */
static void note_free_cells(struct collector *c, struct block *b)
{
    enum block_state state = block_state_of(b);
    if (state == BLOCK_FULL && block_is_partial(b))
        eddy__pool_block(c, b);
    else if (state == BLOCK_PARTIAL && (b->live == b->cells / 2 || b->live == 0))
        for (unsigned kind = EDDY_LOAD_RELAXED(&b->attached) && !MUTANT(MUTANT_KIND_MISPLACED) ? KIND_LEAF : b->kind;
             kind <= b->kind; kind++)
            c->misplaced[kind * EDDY__CLASSES + b->size_class]++; /* its kind may have changed since it came into its pool */
}

void eddy__cell_free(struct collector *c, struct block *b, uint32_t cell, void *object)
{
    unsigned byte = b->counts[cell];
    if ((byte & COUNT_MASK) == COUNT_OVERFLOW)
        eddy__map_remove(&c->overflow, eddy__map_find(&c->overflow, object));
    cycle_erase(c, b, cell);
    c->counted_objects--;
    c->counted_bytes -= b->cell ? b->cell : *large_note(b);
    STAT_ADD(c->stats.objects_freed, 1);
    STAT_SET(b->live, b->live - 1);
    if (b->cell == 0) {
        *large_note(b) = 0;
        EDDY_STORE_RELEASE(&b->counts[cell], 0);
        HOOK(HOOK_CELL_FREED, object);
        if (b->swept || MUTANT(MUTANT_LARGE_FREED_YOUNG))
            eddy__give_large(c, b);
        return; /* else its young sweep gives it back */
    }
    if (MUTANT(MUTANT_EARLY_ZERO)) {
        EDDY_STORE_RELAXED(&b->counts[cell], 0);
        HOOK(HOOK_SLICE, NULL);
    }
    eddy__poison(object, b->cell - EDDY__HEADER_SIZE);
    EDDY_STORE_RELEASE(&b->counts[cell], 0);
    HOOK(HOOK_CELL_FREED, object);
    note_free_cells(c, b);
}

bool eddy__is_counted_object(const eddy_heap *heap, const void *p, struct block **block, uint32_t *cell)
{
    struct block *b = block_of(heap, p);
    enum block_state state = block_state_of(b);
    if (state == BLOCK_LARGE) {
        *cell = 0;
    } else if (state == BLOCK_YOUNG || state == BLOCK_PARTIAL || state == BLOCK_FULL) {
        size_t offset = (size_t)((const char *)p - block_start(heap, b));
        if (offset < BLOCK_FIRST_CELL + EDDY__HEADER_SIZE)
            return false;
        *cell = cell_number(b, p);
    } else {
        return false;
    }
    *block = b;
    if (*cell >= b->cells || cell_object(heap, b, *cell) != (const char *)p)
        return false;
    unsigned count = b->counts[*cell] & COUNT_MASK;
    return count != 0 && count != COUNT_DYING;
}
