/* Blocks, large objects, log chunks and internal memory; see memory.h. Called by mutators on slow paths
 * and by the collector. Keeps: a block's state is published last (design, section 11, trap 2). */
#include "runtime/heap/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- accounting ---- */

static void note_peak(eddy_heap *heap, uint64_t now)
{
    uint64_t peak = EDDY_LOAD_RELAXED(&heap->committed_peak);
    while (now > peak && !EDDY_CAS_ACQ_REL(&heap->committed_peak, &peak, now)) {
    }
}

/* What objects must leave free of the limit. */
static uint64_t set_aside(const eddy_heap *heap)
{
    uint64_t overhead = EDDY_LOAD_RELAXED(&heap->overhead), reserve = EDDY_LOAD_RELAXED(&heap->heap_limit) / 8;
    return overhead > reserve ? overhead : reserve;
}

bool eddy__charge_objects(eddy_heap *heap, size_t bytes)
{
    if (FAILS_NOW())
        return false;
    uint64_t limit = EDDY_LOAD_RELAXED(&heap->heap_limit);
    uint64_t now = EDDY_ADD_RELAXED(&heap->committed, bytes) + bytes;
    if (limit != UINT64_MAX && now - EDDY_LOAD_RELAXED(&heap->overhead) + set_aside(heap) > limit) {
        EDDY_SUB_RELAXED(&heap->committed, bytes);
        return false;
    }
    note_peak(heap, now);
    return true;
}

bool eddy__charge_overhead(eddy_heap *heap, size_t bytes)
{
    if (FAILS_NOW())
        return false;
    uint64_t now = EDDY_ADD_RELAXED(&heap->committed, bytes) + bytes;
    if (now > EDDY_LOAD_RELAXED(&heap->heap_limit)) {
        EDDY_SUB_RELAXED(&heap->committed, bytes);
        return false;
    }
    EDDY_ADD_RELAXED(&heap->overhead, bytes);
    note_peak(heap, now);
    return true;
}

void eddy__charge_always(eddy_heap *heap, size_t bytes)
{
    uint64_t limit = EDDY_LOAD_RELAXED(&heap->heap_limit);
    uint64_t before = EDDY_LOAD_RELAXED(&heap->committed);
    if (before + bytes > limit) {
        uint64_t blocks = (before + bytes - limit + BLOCK_BYTES - 1) >> BLOCK_SHIFT;
        uint64_t free_now = EDDY_LOAD_RELAXED(&heap->free_count);
        eddy__blocks_trim(heap, free_now > blocks ? free_now - blocks : 0);
    }
    EDDY_ADD_RELAXED(&heap->overhead, bytes);
    note_peak(heap, EDDY_ADD_RELAXED(&heap->committed, bytes) + bytes);
}

void eddy__discharge_objects(eddy_heap *heap, size_t bytes)
{
    EDDY_SUB_RELAXED(&heap->committed, bytes);
}

void eddy__discharge_overhead(eddy_heap *heap, size_t bytes)
{
    EDDY_SUB_RELAXED(&heap->overhead, bytes);
    EDDY_SUB_RELAXED(&heap->committed, bytes);
}

uint64_t eddy__room(const eddy_heap *heap)
{
    uint64_t limit = EDDY_LOAD_RELAXED(&heap->heap_limit);
    if (limit == UINT64_MAX)
        return UINT64_MAX;
    uint64_t used = EDDY_LOAD_RELAXED(&heap->committed) - EDDY_LOAD_RELAXED(&heap->overhead) + set_aside(heap)
                    - (EDDY_LOAD_RELAXED(&heap->free_count) << BLOCK_SHIFT);
    return used < limit ? limit - used : 0;
}

bool eddy__over_limit(const eddy_heap *heap)
{
    return EDDY_LOAD_RELAXED(&heap->committed) > EDDY_LOAD_RELAXED(&heap->heap_limit);
}

void *eddy__internal_alloc(eddy_heap *heap, size_t bytes)
{
    void *p = FAILS_NOW() ? NULL : calloc(1, bytes);
    if (p != NULL)
        eddy__charge_always(heap, bytes);
    return p;
}

void eddy__internal_free(eddy_heap *heap, void *p, size_t bytes)
{
    if (p == NULL)
        return;
    free(p);
    eddy__discharge_overhead(heap, bytes);
}

/* ---- stacks ---- */

#define STACK_TOP(s) ((uint32_t)(s))
#define STACK_NEXT_TAG(s) (((s) >> 32) + 1)

void eddy__blocks_push(eddy_heap *heap, eddy__stack *stack, struct block *b)
{
    uint32_t number = (uint32_t)(b - heap->blocks) + 1;
    uint64_t old = EDDY_LOAD_RELAXED(stack);
    do
        EDDY_STORE_RELAXED(&b->next, STACK_TOP(old));
    while (!EDDY_CAS_ACQ_REL(stack, &old, STACK_NEXT_TAG(old) << 32 | number));
}

struct block *eddy__blocks_pop(eddy_heap *heap, eddy__stack *stack)
{
    uint64_t old = EDDY_LOAD_ACQUIRE(stack);
    for (;;) {
        uint32_t top = STACK_TOP(old);
        if (top == 0)
            return NULL;
        struct block *b = &heap->blocks[top - 1];
        uint64_t desired = STACK_NEXT_TAG(old) << 32 | EDDY_LOAD_RELAXED(&b->next);
        if (EDDY_CAS_ACQ_REL(stack, &old, desired))
            return b;
    }
}

uint32_t eddy__blocks_take_all(eddy__stack *stack)
{
    uint64_t old = EDDY_LOAD_RELAXED(stack);
    while (!EDDY_CAS_ACQ_REL(stack, &old, STACK_NEXT_TAG(old) << 32)) {
    }
    return STACK_TOP(old);
}

/* ---- blocks ---- */

/* Address space comes from the backing a segment at a time; blocks that are given up lose their memory
 * and keep their address space. */
#define SEGMENT_BYTES ((size_t)1 << 20)

static struct block *segment_take(eddy_heap *heap)
{
    bool zeroed;
    size_t bytes = SEGMENT_BYTES;
    void *p = eddy__backing_take(heap, bytes, &zeroed);
    if (p == NULL) {
        bytes = BLOCK_BYTES;
        p = eddy__backing_take(heap, bytes, &zeroed);
        if (p == NULL)
            return NULL;
    }
    struct block *first = block_of(heap, p);
    for (size_t i = (bytes >> BLOCK_SHIFT) - 1; i > 0; i--)
        eddy__blocks_push(heap, &heap->cold_blocks, first + i);
    return first;
}

static struct block *cold_block(eddy_heap *heap)
{
    struct block *b = eddy__blocks_pop(heap, &heap->cold_blocks);
    return b != NULL ? b : segment_take(heap);
}

struct block *eddy__block_take(eddy_heap *heap)
{
    struct block *b = eddy__blocks_pop(heap, &heap->free_blocks);
    if (b != NULL) {
        EDDY_SUB_RELAXED(&heap->free_count, 1);
        return b;
    }
    if (!eddy__charge_objects(heap, BLOCK_BYTES))
        return NULL;
    b = cold_block(heap);
    if (b == NULL)
        eddy__discharge_objects(heap, BLOCK_BYTES);
    else
        EDDY_ADD_RELAXED(&heap->fresh_blocks, 1);
    return b;
}

bool eddy__block_prepare(eddy_heap *heap)
{
    if (!eddy__charge_objects(heap, BLOCK_BYTES))
        return false;
    struct block *b = cold_block(heap);
    if (b == NULL) {
        eddy__discharge_objects(heap, BLOCK_BYTES);
        return false;
    }
    eddy__unpoison(block_start(heap, b), BLOCK_BYTES);
    for (size_t at = 0; at < BLOCK_BYTES; at += eddy__os_page())
        EDDY_STORE_RELAXED((uint64_t *)(void *)(block_start(heap, b) + at), 0);
    eddy__block_give(heap, b);
    return true;
}

void eddy__block_give(eddy_heap *heap, struct block *b)
{
    eddy__poison(block_start(heap, b), BLOCK_BYTES);
    EDDY_STORE_RELEASE(&b->state, BLOCK_FREE);
    EDDY_ADD_RELAXED(&heap->free_count, 1);
    eddy__blocks_push(heap, &heap->free_blocks, b);
}

/* An array of count bytes that is replaced by a larger one, or given up with its block, is freed two epochs later
 * only, because a thread that looks an address up may still be reading it; the link lies before it. So is what else
 * threads may be looking at until their next safepoint. */
struct retired_counts {
    struct retired_counts *next;
    size_t bytes;
};

void eddy__retire(eddy_heap *heap, void *p)
{
    if (p == NULL)
        return;
    struct retired_counts *retired = (struct retired_counts *)p - 1;
    void *top = EDDY_LOAD_RELAXED(&heap->retired_counts);
    do
        retired->next = top;
    while (!EDDY_CAS_ACQ_REL(&heap->retired_counts, &top, (void *)retired));
}

void eddy__blocks_trim(eddy_heap *heap, size_t keep)
{
    while (EDDY_LOAD_RELAXED(&heap->free_count) > keep) {
        struct block *b = eddy__blocks_pop(heap, &heap->free_blocks);
        if (b == NULL)
            return;
        EDDY_SUB_RELAXED(&heap->free_count, 1);
        EDDY_STORE_RELEASE(&b->state, BLOCK_NONE);
        eddy__unpoison(block_start(heap, b), BLOCK_BYTES);
        eddy__os_discard(block_start(heap, b), BLOCK_BYTES);
        eddy__discharge_objects(heap, BLOCK_BYTES);
        eddy__retire(heap, b->counts);
        EDDY_STORE_RELEASE(&b->counts, NULL);
        b->counts_room = 0;
        eddy__blocks_push(heap, &heap->cold_blocks, b);
    }
}

void eddy__counts_reclaim(eddy_heap *heap, void **previous)
{
    for (struct retired_counts *r = *previous, *next; r != NULL; r = next) {
        next = r->next;
        eddy__internal_free(heap, r, r->bytes);
    }
    *previous = EDDY_EXCHANGE_ACQ_REL(&heap->retired_counts, NULL);
}

void eddy__counts_free(struct block *b)
{
    if (b->counts != NULL)
        free((struct retired_counts *)(void *)b->counts - 1);
}

void *eddy__retirable_alloc(eddy_heap *heap, size_t bytes)
{
    struct retired_counts *made = eddy__internal_alloc(heap, sizeof *made + bytes);
    if (made == NULL)
        return NULL;
    made->bytes = sizeof *made + bytes;
    return made + 1;
}

void eddy__retirable_free(eddy_heap *heap, void *p)
{
    struct retired_counts *made = (struct retired_counts *)p - 1;
    eddy__internal_free(heap, made, made->bytes);
}

static bool counts_make(eddy_heap *heap, struct block *b, uint32_t cells)
{
    if (b->counts_room >= cells)
        return true; /* all zero: that is what made the block free */
    size_t room = (cells + 63) & ~(size_t)63;
    uint8_t *made = eddy__retirable_alloc(heap, room);
    if (made == NULL)
        return false;
    eddy__retire(heap, b->counts);
    EDDY_STORE_RELEASE(&b->counts, made);
    uint32_t number = (uint32_t)(b - heap->blocks), touched = EDDY_LOAD_RELAXED(&heap->blocks_touched);
    while (touched <= number && !EDDY_CAS_ACQ_REL(&heap->blocks_touched, &touched, number + 1)) {
    }
    b->counts_room = (uint16_t)room;
    return true;
}

bool eddy__block_format(eddy_heap *heap, struct block *b, unsigned slot, uint64_t epoch)
{
    unsigned size_class = slot % EDDY__CLASSES;
    uint32_t cell = eddy__class_cell[size_class];
    uint32_t cells = eddy__cells_per_block(cell);
    if (!counts_make(heap, b, cells))
        return false;
    EDDY_STORE_RELAXED(&b->size_class, (uint8_t)size_class);
    EDDY_STORE_RELAXED(&b->kind, (uint8_t)(slot / EDDY__CLASSES));
    EDDY_STORE_RELAXED(&b->cell, cell);
    EDDY_STORE_RELAXED(&b->cells, cells);
    EDDY_STORE_RELAXED(&b->reciprocal, eddy__cell_reciprocal(cell));
    b->live = 0;
    EDDY_STORE_RELAXED(&b->attached, 0);
    EDDY_STORE_RELAXED(&b->young_end, cells);
    EDDY_STORE_RELAXED(&b->birth, epoch);
    eddy__unpoison(block_start(heap, b), BLOCK_BYTES);
    EDDY_STORE_RELEASE(&b->state, BLOCK_YOUNG);
    return true;
}

/* ---- large objects ---- */

/* From here on it is quicker, for the thread that waits, to drop the pages than to write them. */
#define CLEAR_BY_DISCARD ((size_t)128 << 10)

static void clear(char *p, size_t bytes)
{
    if (bytes >= CLEAR_BY_DISCARD)
        eddy__os_discard(p, bytes);
    else
        memset(p, 0, bytes);
}

static size_t large_total(size_t bytes)
{
    const size_t page = 4096;
    return (bytes + BLOCK_FIRST_CELL + page - 1) & ~(page - 1);
}

static uint32_t large_blocks(size_t total)
{
    return (uint32_t)((total + BLOCK_BYTES - 1) >> BLOCK_SHIFT);
}

struct block *eddy__large_take(eddy_heap *heap, size_t bytes, enum block_kind kind, uint64_t epoch)
{
    size_t total = large_total(bytes);
    if (total < bytes || total > heap->range || !eddy__charge_objects(heap, total))
        return NULL;
    bool zeroed;
    char *p = eddy__backing_take(heap, total, &zeroed);
    struct block *b = p == NULL ? NULL : block_of(heap, p);
    if (b == NULL || !counts_make(heap, b, 1)) {
        if (p != NULL)
            eddy__backing_give(heap, p, total);
        eddy__discharge_objects(heap, total);
        return NULL;
    }
    eddy__unpoison(p, total);
    if (!zeroed)
        clear(p, total);
    uint32_t first = (uint32_t)(b - heap->blocks);
    for (uint32_t i = 1; i < large_blocks(total); i++) {
        EDDY_STORE_RELAXED(&b[i].next, first);
        EDDY_STORE_RELEASE(&b[i].state, BLOCK_LARGE_REST);
    }
    EDDY_STORE_RELAXED(&b->kind, (uint8_t)kind);
    EDDY_STORE_RELAXED(&b->cell, 0);
    EDDY_STORE_RELAXED(&b->cells, 1);
    EDDY_STORE_RELAXED(&b->reciprocal, 0);
    b->live = 0;
    b->swept = 0;
    EDDY_STORE_RELAXED(&b->attached, 0);
    EDDY_STORE_RELAXED(&b->bytes, total);
    EDDY_STORE_RELAXED(&b->young_end, 1);
    EDDY_STORE_RELAXED(&b->birth, epoch);
    EDDY_STORE_RELEASE(&b->state, BLOCK_LARGE);
    return b;
}

void eddy__large_give(eddy_heap *heap, struct block *b)
{
    size_t total = b->bytes;
    for (uint32_t i = 0; i < large_blocks(total); i++)
        EDDY_STORE_RELEASE(&b[i].state, BLOCK_NONE);
    eddy__backing_give(heap, block_start(heap, b), total);
    eddy__discharge_objects(heap, total);
}

static bool large_extend(eddy_heap *heap, struct block *b, size_t total, size_t wanted)
{
    char *p = block_start(heap, b);
    if (!eddy__charge_objects(heap, wanted - total))
        return false;
    if (!eddy__backing_resize(heap, p, total, wanted)) {
        eddy__discharge_objects(heap, wanted - total);
        return false;
    }
    eddy__unpoison(p + total, wanted - total);
    clear(p + total, wanted - total);
    uint32_t first = (uint32_t)(b - heap->blocks);
    for (uint32_t i = large_blocks(total); i < large_blocks(wanted); i++) {
        EDDY_STORE_RELAXED(&b[i].next, first);
        EDDY_STORE_RELEASE(&b[i].state, BLOCK_LARGE_REST);
    }
    EDDY_STORE_RELEASE(&b->bytes, wanted);
    return true;
}

/* The collector does not look behind the new end any more: it never did, the object has no references. */
static bool large_shrink(eddy_heap *heap, struct block *b, size_t total, size_t wanted)
{
    EDDY_STORE_RELAXED(&b->bytes, wanted);
    for (uint32_t i = large_blocks(wanted); i < large_blocks(total); i++)
        EDDY_STORE_RELEASE(&b[i].state, BLOCK_NONE);
    if (!eddy__backing_resize(heap, block_start(heap, b), total, wanted)) {
        uint32_t first = (uint32_t)(b - heap->blocks);
        for (uint32_t i = large_blocks(wanted); i < large_blocks(total); i++) {
            EDDY_STORE_RELAXED(&b[i].next, first);
            EDDY_STORE_RELEASE(&b[i].state, BLOCK_LARGE_REST);
        }
        EDDY_STORE_RELAXED(&b->bytes, total);
        return false;
    }
    eddy__discharge_objects(heap, total - wanted);
    return true;
}

bool eddy__large_resize(eddy_heap *heap, struct block *b, size_t bytes, uint64_t epoch)
{
    /* Its young sweep takes off `unswept` what `bytes` says: nobody may change it while that is under way. */
    uint64_t birth = EDDY_LOAD_RELAXED(&b->birth);
    bool young = birth == epoch;
    if (!young && EDDY_LOAD_ACQUIRE(&heap->processed) < birth)
        return false;
    size_t total = EDDY_LOAD_RELAXED(&b->bytes), wanted = large_total(bytes);
    if (wanted < bytes || wanted > heap->range)
        return false;
    if (wanted < total && wanted < BLOCK_BYTES) /* less would be another kind of allocation to the backing */
        wanted = total < BLOCK_BYTES ? total : BLOCK_BYTES;
    if (wanted > total) {
        if (!large_extend(heap, b, total, wanted))
            return false;
    } else if (wanted < total && !large_shrink(heap, b, total, wanted)) {
        return false;
    }
    if (young)
        EDDY_ADD_RELAXED(&heap->unswept, wanted - total); /* modulo 2^64 */
    return true;
}

/* ---- log chunks ---- */

/* Chunks lie in blocks of the range, so that a stack entry can be a chunk number in 32 bits; a free
 * chunk keeps its link in `next`, as chunk number plus one. */
static uint32_t chunk_number(const eddy_heap *heap, const struct log_chunk *chunk)
{
    return (uint32_t)((size_t)((const char *)chunk - heap->base) / LOG_CHUNK_BYTES);
}

static struct log_chunk *chunk_at(const eddy_heap *heap, uint32_t number)
{
    return (struct log_chunk *)(void *)(heap->base + (size_t)number * LOG_CHUNK_BYTES);
}

static void chunk_push(eddy_heap *heap, struct log_chunk *chunk)
{
    uint64_t old = EDDY_LOAD_RELAXED(&heap->chunks);
    do
        EDDY_STORE_RELAXED((uintptr_t *)(void *)&chunk->next, (uintptr_t)STACK_TOP(old));
    while (!EDDY_CAS_ACQ_REL(&heap->chunks, &old, STACK_NEXT_TAG(old) << 32 | (chunk_number(heap, chunk) + 1)));
}

/* Another thread may take the chunk meanwhile, and even fill the memory with something else: the compare-and-swap that follows
 * fails then, and what was read is not used. */
EDDY_NO_SANITIZE __attribute__((noinline)) static uint32_t chunk_link(const struct log_chunk *chunk)
{
    return (uint32_t)(uintptr_t) * (struct log_chunk *const volatile *)&chunk->next;
}

static struct log_chunk *chunk_pop(eddy_heap *heap)
{
    uint64_t old = EDDY_LOAD_ACQUIRE(&heap->chunks);
    for (;;) {
        uint32_t top = STACK_TOP(old);
        if (top == 0)
            return NULL;
        struct log_chunk *chunk = chunk_at(heap, top - 1);
        uint64_t next = chunk_link(chunk);
        if (EDDY_CAS_ACQ_REL(&heap->chunks, &old, STACK_NEXT_TAG(old) << 32 | next))
            return chunk;
    }
}

/* A block for log chunks: overhead, which may use what objects leave. */
static struct block *log_block_take(eddy_heap *heap, bool surely)
{
    struct block *b = eddy__blocks_pop(heap, &heap->free_blocks);
    if (b != NULL) {
        EDDY_SUB_RELAXED(&heap->free_count, 1);
        EDDY_ADD_RELAXED(&heap->overhead, BLOCK_BYTES);
        return b;
    }
    if (!eddy__charge_overhead(heap, BLOCK_BYTES)) {
        if (!surely)
            return NULL;
        eddy__charge_always(heap, BLOCK_BYTES);
    }
    b = cold_block(heap);
    if (b == NULL)
        eddy__discharge_overhead(heap, BLOCK_BYTES);
    return b;
}

struct log_chunk *eddy__chunk_take(eddy_heap *heap, bool surely)
{
    struct log_chunk *chunk = chunk_pop(heap);
    if (chunk == NULL) {
        struct block *b = log_block_take(heap, surely);
        if (b == NULL)
            return NULL;
        eddy__unpoison(block_start(heap, b), BLOCK_BYTES);
        EDDY_STORE_RELEASE(&b->state, BLOCK_LOG);
        char *start = block_start(heap, b);
        for (size_t at = LOG_CHUNK_BYTES; at < BLOCK_BYTES; at += LOG_CHUNK_BYTES)
            chunk_push(heap, (struct log_chunk *)(void *)(start + at));
        chunk = (struct log_chunk *)(void *)start;
    }
    EDDY_STORE_RELAXED(&chunk->next, NULL);
    chunk->end = NULL;
    EDDY_ADD_RELAXED(&heap->chunks_used, 1);
    return chunk;
}

void eddy__chunk_give(eddy_heap *heap, struct log_chunk *chunk)
{
    EDDY_SUB_RELAXED(&heap->chunks_used, 1);
    chunk_push(heap, chunk);
}

#define CHUNKS_PER_BLOCK (BLOCK_BYTES / LOG_CHUNK_BYTES)

/* `live` of a block of chunks is how many of them are in the pool, for the time of this function. */
void eddy__chunks_trim(eddy_heap *heap)
{
    uint32_t chain = eddy__blocks_take_all(&heap->chunks);
    for (uint32_t n = chain; n != 0; n = chunk_link(chunk_at(heap, n - 1)))
        block_of(heap, chunk_at(heap, n - 1))->live = 0;
    for (uint32_t n = chain; n != 0; n = chunk_link(chunk_at(heap, n - 1)))
        block_of(heap, chunk_at(heap, n - 1))->live++;
    uint32_t whole = BLOCK_LINK_END;
    while (chain != 0) {
        struct log_chunk *chunk = chunk_at(heap, chain - 1);
        struct block *b = block_of(heap, chunk);
        chain = chunk_link(chunk);
        if (b->live != CHUNKS_PER_BLOCK) {
            chunk_push(heap, chunk);
        } else if ((const char *)chunk == block_start(heap, b)) { /* once for each block */
            EDDY_STORE_RELAXED(&b->next, whole);
            whole = (uint32_t)(b - heap->blocks) + 1;
        }
    }
    while (whole != BLOCK_LINK_END) {
        struct block *b = &heap->blocks[whole - 1];
        whole = EDDY_LOAD_RELAXED(&b->next);
        EDDY_SUB_RELAXED(&heap->overhead, BLOCK_BYTES);
        eddy__block_give(heap, b);
    }
}
