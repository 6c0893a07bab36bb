/* Allocation when the inline path has no run of free cells left: the next run of the block, the next
 * block, large objects, objects that are born counted. Keeps I8 (a zero count byte in a swept block is a
 * free cell; within the block in hand, cells behind the run are young) and I7 (waits only for memory). */
#include <string.h>

#include "runtime/cellmap.h"
#include "runtime/heap/edges.h"
#include "runtime/runtime.h"

static void set_run(struct thread *t, struct eddy__run *run, struct block *b, uint32_t first, uint32_t end)
{
    char *start = block_start(t->heap, b) + BLOCK_FIRST_CELL;
    EDDY_STORE_RELAXED(&run->next, start + (size_t)first * b->cell);
    EDDY_STORE_RELAXED(&run->limit, start + (size_t)end * b->cell);
    eddy__unpoison(run->next, (size_t)(run->limit - run->next));
}

/* Sets the slot's run to the next free cells of `b`; false if there are none. Looks one run ahead, so that its
 * first cell is in the cache by the time it is used. */
static bool next_run(struct thread *t, struct eddy__run *run, struct block *b)
{
    struct cellmap *map = t->maps[run - t->fast.runs];
    uint32_t first, end;
    if (map == NULL || !cellmap_next(map, &first, &end))
        return false;
    uint32_t ahead = cellmap_peek(map, first);
    __builtin_prefetch(block_start(t->heap, b) + BLOCK_FIRST_CELL + (size_t)ahead * b->cell, 1);
    set_run(t, run, b, first, end);
    return true;
}

/* A swept block with free cells of this slot, and their map; NULL if there is none. */
static struct block *take_partial(struct thread *t, unsigned slot)
{
    eddy_heap *heap = t->heap;
    if (t->maps[slot] == NULL)
        t->maps[slot] = eddy__internal_alloc(heap, sizeof *t->maps[slot]);
    if (t->maps[slot] == NULL)
        return NULL;
    struct block *b = eddy__blocks_pop(heap, &heap->sparse[slot]);
    if (b == NULL)
        b = eddy__blocks_pop(heap, &heap->partial[slot]);
    return b;
}

/* A swept block with free cells of this slot, or a free block formatted for it. */
static struct block *take_block(struct thread *t, unsigned slot, size_t *bytes)
{
    eddy_heap *heap = t->heap;
    struct block *b = take_partial(t, slot);
    if (b != NULL) {
        *bytes = (size_t)(b->cells - EDDY_LOAD_RELAXED(&b->live)) * b->cell;
        EDDY_STORE_RELAXED(&b->bytes, *bytes);
        EDDY_STORE_RELAXED(&b->young_end, b->cells);
        EDDY_STORE_RELAXED(&b->birth, t->fast.epoch);
        EDDY_STORE_RELEASE(&b->state, BLOCK_YOUNG);
        cellmap_fill(t->maps[slot], b);
        return b;
    }
    b = eddy__block_take(heap);
    if (b == NULL)
        return NULL;
    if (!eddy__block_format(heap, b, slot, t->fast.epoch)) {
        eddy__block_give(heap, b);
        return NULL;
    }
    *bytes = BLOCK_BYTES;
    EDDY_STORE_RELAXED(&b->bytes, BLOCK_BYTES);
    if (t->maps[slot] != NULL)
        cellmap_clear(t->maps[slot]);
    return b;
}

static void push_young(struct thread *t, uint32_t *chain, struct block *b)
{
    EDDY_STORE_RELAXED(&b->next, *chain);
    EDDY_STORE_RELAXED(chain, (uint32_t)(b - t->heap->blocks) + 1);
}

/* Gives the slot a run that is not empty; false when memory has run out. A safepoint. */
static bool refill(struct thread *t, unsigned slot)
{
    struct eddy__run *run = &t->fast.runs[slot];
    bool paced = false;
    for (unsigned attempt = 0;;) {
        eddy__poll(t);
        if (run->next != run->limit)
            return true;
        if (run->limit != NULL) {
            struct block *b = block_of(t->heap, run->limit - 1);
            if (next_run(t, run, b))
                return true;
            EDDY_STORE_RELAXED(&run->next, NULL);
            EDDY_STORE_RELAXED(&run->limit, NULL);
            EDDY_STORE_RELAXED(&t->slots_used[slot / 64], t->slots_used[slot / 64] & ~(UINT64_C(1) << (slot % 64)));
            push_young(t, &t->young, b);
        }
        if (!paced) { /* before the block is taken: a handshake would take it away again */
            paced = true;
            eddy__pace_allocation(t);
            continue;
        }
        size_t bytes;
        struct block *b = take_block(t, slot, &bytes);
        if (b == NULL) {
            if (!eddy__wait_for_memory(t, attempt++))
                return false;
            continue;
        }
        if (bytes == BLOCK_BYTES) /* free as a whole: no need to look */
            set_run(t, run, b, 0, b->cells);
        else if (!next_run(t, run, b)) {
            EDDY_STORE_RELAXED(&b->bytes, 0);
            push_young(t, &t->young, b);
            continue;
        }
        EDDY_STORE_RELAXED(&t->slots_used[slot / 64], t->slots_used[slot / 64] | UINT64_C(1) << (slot % 64));
        eddy__note_allocation(t, bytes);
        return true;
    }
}

/* The common slow path, too short to be timed: the next run of the block in hand, if no epoch is due. */
static bool next_in_block(struct thread *t, struct eddy__run *run)
{
    return run->limit != NULL && EDDY_LOAD_RELAXED(EDDY_LOAD_RELAXED(&t->fast.epoch_word)) == t->fast.epoch
           && next_run(t, run, block_of(t->heap, run->limit - 1));
}

static void *out_of_memory(struct thread *t)
{
    t->error = EDDY_ENOMEM;
    return NULL;
}

/* A large object of `cell` bytes with header `header`; NULL when memory has run out. A safepoint. */
static void *alloc_large(struct thread *t, const struct type *type, size_t cell, uint64_t header)
{
    eddy__poll(t);
    eddy__pace_allocation(t);
    for (unsigned attempt = 0;; attempt++) {
        struct block *b = eddy__large_take(t->heap, cell, type->kind, t->fast.epoch);
        if (b != NULL) {
            char *object = cell_object(t->heap, b, 0);
            push_young(t, &t->large, b);
            EDDY_STORE_RELAXED(eddy__header(object), header ? header : t->fast.tag | type->fast.header);
            eddy__note_allocation(t, b->bytes);
            return object;
        }
        if (cell > t->heap->range || !eddy__wait_for_memory(t, attempt))
            return out_of_memory(t);
    }
}

static void *alloc_small(struct thread *t, const struct type *type, size_t cell, uint64_t header)
{
    unsigned slot = eddy__class_of(cell) + type->kind * EDDY__CLASSES;
    struct eddy__run *run = &t->fast.runs[slot];
    if (run->next == run->limit && !next_in_block(t, run)) {
        uint64_t begun = eddy__stall_begin(t);
        bool filled = refill(t, slot);
        eddy__stall_end(t, EDDY_RECORD_ALLOC, begun);
        if (!filled)
            return out_of_memory(t);
    }
    char *start = run->next;
    size_t bytes = eddy__class_cell[slot % EDDY__CLASSES];
    EDDY_STORE_RELAXED(&run->next, start + bytes);
    return eddy__cell_init(start, header ? header : t->fast.tag | type->fast.header, bytes);
}

/* What is owed for an object that is born counted: its fields are null, so the pair is all (I6). One that is born
 * permanent says so, before anybody else can refer to it; until the log has room it is a counted object like others. */
static void push_birth(struct thread *t, void *object, uint64_t header)
{
    t->held[3] = object;
    eddy__reserve_entries(t, 1, 1);
    if (header_is_permanent(header)) {
        EDDY_STORE_RELAXED(eddy__header(object), header);
        eddy__push(t, &t->inc, (uintptr_t)object | ENTRY_PERMANENT);
        log_publish(&t->inc);
    } else {
        eddy__push_inc(t, object);
        eddy__push_dec(t, object);
    }
    t->held[3] = NULL;
}

/* An object of `size` bytes: private-current (header 0), or born with that header, counted or permanent. */
static void *alloc_object(struct thread *t, const struct type *type, size_t size, uint64_t header, size_t length)
{
    size_t cell = eddy__cell_bytes(size);
    uint64_t first = header & ~EDDY__HEADER_PERMANENT;
    void *object;
    if (cell <= CELL_MAX) {
        object = alloc_small(t, type, cell, first);
    } else {
        uint64_t begun = eddy__stall_begin(t);
        object = alloc_large(t, type, cell, first);
        eddy__stall_end(t, EDDY_RECORD_LARGE, begun);
    }
    if (object == NULL)
        return NULL;
    if (type->tail != EDDY_TAIL_NONE)
        *(size_t *)(void *)((char *)object + type->length_offset) = length;
    if (header != 0)
        push_birth(t, object, header);
    return object;
}

void *eddy__alloc_slow(eddy_thread *ft, const eddy_type *ftype)
{
    const struct type *type = (const struct type *)(const void *)ftype;
    if (type->tail != EDDY_TAIL_NONE)
        return eddy__alloc_tail(ft, ftype, 0);
    return alloc_object(thread_of(ft), type, type->size, type->born_counted ? type->fast.header : 0, 0);
}

static void *alloc_tail(struct thread *t, const struct type *type, size_t length, bool permanent)
{
    size_t element = type->tail == EDDY_TAIL_REFS ? sizeof(void *) : type->element_size, size;
    if (type->tail == EDDY_TAIL_NONE || __builtin_mul_overflow(length, element, &size)
        || __builtin_add_overflow(size, type->size, &size) || size > SIZE_MAX / 2) {
        t->error = EDDY_EINVAL;
        return NULL;
    }
    bool has_refs = type->tail == EDDY_TAIL_REFS || (type->tagged != NULL && type->tagged->tail);
    size_t refs = type->offset_count + (type->tagged != NULL ? type->tagged->offset_count : 0) + (has_refs ? length : 0);
    uint64_t header = 0;
    if (permanent)
        header = type->fast.header | EDDY__HEADER_PERMANENT;
    else if (type->born_counted || refs > OBJECT_REFS_BOUND)
        header = type->fast.header;
    return alloc_object(t, type, size, header, length);
}

void *eddy__alloc_tail(eddy_thread *t, const eddy_type *type, size_t length)
{
    return alloc_tail(thread_of(t), (const struct type *)(const void *)type, length, false);
}

void *eddy_alloc_permanent(eddy_thread *ft, const eddy_type *ftype)
{
    const struct type *type = (const struct type *)(const void *)ftype;
    if (type->tail != EDDY_TAIL_NONE)
        return eddy_alloc_permanent_tail(ft, ftype, 0);
    return alloc_object(thread_of(ft), type, type->size, type->fast.header | EDDY__HEADER_PERMANENT, 0);
}

void *eddy_alloc_permanent_tail(eddy_thread *t, const eddy_type *type, size_t length)
{
    return alloc_tail(thread_of(t), (const struct type *)(const void *)type, length, true);
}

eddy_array *eddy_alloc_array(eddy_thread *t, size_t length)
{
    return eddy__alloc_tail(t, thread_of(t)->heap->array_type, length);
}

static void *alloc_bytes(struct thread *t, size_t size, uint64_t permanent)
{
    const struct type *type = (const struct type *)(const void *)t->heap->bytes_type;
    if (size > SIZE_MAX / 2) {
        t->error = EDDY_EINVAL;
        return NULL;
    }
    return alloc_object(t, type, size, permanent ? type->fast.header | permanent : 0, 0);
}

void *eddy_alloc_bytes(eddy_thread *t, size_t size)
{
    return alloc_bytes(thread_of(t), size, 0);
}

void *eddy_alloc_permanent_bytes(eddy_thread *t, size_t size)
{
    return alloc_bytes(thread_of(t), size, EDDY__HEADER_PERMANENT);
}
