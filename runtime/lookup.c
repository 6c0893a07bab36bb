/* From an address to the object, its type and size; the checks of debug builds; status and misuse. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/heap/edges.h"
#include "runtime/runtime.h"

/* What a look-up knows of a block: read field by field, since another thread may be taking it over. */
struct glimpse {
    const struct block *block;
    enum block_state state;
    uint32_t cell_bytes, cells;
    size_t bytes;
    unsigned size_class;
};

static struct glimpse glimpse(const struct block *b)
{
    return (struct glimpse){.block = b,
                            .state = block_state_of(b),
                            .cell_bytes = EDDY_LOAD_RELAXED(&b->cell),
                            .cells = EDDY_LOAD_RELAXED(&b->cells),
                            .bytes = EDDY_LOAD_RELAXED(&b->bytes),
                            .size_class = EDDY_LOAD_RELAXED(&b->size_class)};
}

/* Whether a header was ever written there; the memory may be somebody else's new large object by now. */
EDDY_NO_SANITIZE __attribute__((noinline)) static bool has_header(const void *object)
{
    return *(const volatile uint64_t *)(const void *)eddy__header(object) != 0;
}

/* Whether a cell with count zero holds a private young object: its block is young, the cell has been
 * allocated, and it has a header. For blocks that other threads allocate into a snapshot. */
static bool holds_young(eddy_heap *heap, const struct glimpse *g, uint32_t cell, const void *object)
{
    if (g->state != BLOCK_YOUNG && g->state != BLOCK_LARGE)
        return false;
    if (cell >= EDDY_LOAD_RELAXED(&g->block->young_end) || !has_header(object))
        return false;
    struct thread *t = thread_of(eddy_thread_current(heap));
    if (t == NULL || g->state == BLOCK_LARGE)
        return true;
    for (unsigned slot = g->size_class; slot < EDDY__SLOTS; slot += EDDY__CLASSES) { /* of any kind: that of a block may change */
        const struct eddy__run *run = &t->fast.runs[slot];
        if (run->limit != NULL && block_of(heap, run->limit - 1) == g->block)
            return (const char *)object < run->next;
    }
    return true;
}

void *eddy_object_at(eddy_heap *heap, const void *address)
{
    if (!heap_contains(heap, address))
        return NULL;
    struct glimpse g = glimpse(block_of(heap, address));
    if (g.state == BLOCK_LARGE_REST)
        g = glimpse(&heap->blocks[EDDY_LOAD_RELAXED(&g.block->next)]);
    char *first = block_start(heap, g.block) + BLOCK_FIRST_CELL + EDDY__HEADER_SIZE;
    if ((const char *)address < first)
        return NULL;
    size_t offset = (size_t)((const char *)address - first), size;
    uint32_t cell = 0;
    if (g.state == BLOCK_YOUNG || g.state == BLOCK_PARTIAL || g.state == BLOCK_FULL) {
        cell = (uint32_t)(offset / g.cell_bytes);
        offset -= (size_t)cell * g.cell_bytes;
        size = g.cell_bytes - EDDY__HEADER_SIZE;
    } else if (g.state == BLOCK_LARGE) {
        size = g.bytes - BLOCK_FIRST_CELL - EDDY__HEADER_SIZE;
    } else {
        return NULL;
    }
    if (cell >= g.cells || offset >= size)
        return NULL; /* behind the last cell, or a header */
    char *object = (char *)address - offset;
    const uint8_t *counts = EDDY_LOAD_ACQUIRE(&g.block->counts);
    if (counts == NULL) /* the block has been given up just now */
        return NULL;
    unsigned count = EDDY_LOAD_ACQUIRE(&counts[cell]) & COUNT_MASK;
    if (count == 0 && !holds_young(heap, &g, cell, object)) /* unless it was counted and swept just now */
        count = EDDY_LOAD_ACQUIRE(&counts[cell]) & COUNT_MASK;
    else if (count == 0)
        return object;
    return count == 0 || count == COUNT_DYING ? NULL : object;
}

EDDY_NO_SANITIZE __attribute__((noinline)) bool eddy__is_foreign_permanent(const eddy_heap *heap, const void *p)
{
    if (heap_contains(heap, p) || ((uintptr_t)p & 15) != 0 || !eddy__os_mapped(eddy__header(p)))
        return false;
    uint64_t header = *(const volatile uint64_t *)eddy__header(p);
    return header_is_counted(header) && header_is_permanent(header);
}

size_t eddy_object_size(eddy_heap *heap, const void *object)
{
    if (!heap_contains(heap, object))
        return 0;
    return object_bytes(block_of(heap, object));
}

const eddy_type *eddy_object_type(eddy_heap *heap, const void *object)
{
    if (!heap_contains(heap, object))
        return NULL;
    return &type_of_header(heap, EDDY_LOAD_RELAXED(eddy__header(object)))->fast;
}

void eddy__check_store(eddy_thread *ft, const void *object, void *const *field, const void *value)
{
    eddy__check_field(ft, object, field, value);
    if (type_of_header(thread_of(ft)->heap, EDDY_LOAD_RELAXED(eddy__header(object)))->tagged != NULL)
        eddy__misuse("eddy_store", "the fields of the container are words: eddy_store_tagged writes them");
}

void eddy__check_field(eddy_thread *ft, const void *object, void *const *field, const void *value)
{
    struct thread *t = thread_of(ft);
    eddy_status owner = eddy__check_owner(t);
    if (owner != EDDY_OK)
        eddy__misuse("eddy_store", eddy_status_text(owner));
    if (t->native_depth != 0)
        eddy__misuse("eddy_store", "the thread is in a native region");
    if (eddy_object_at(t->heap, object) != object)
        eddy__misuse("eddy_store", "the container is not an object of this heap");
    if (value != NULL && eddy_object_at(t->heap, value) != value && !eddy__is_foreign_permanent(t->heap, value))
        eddy__misuse("eddy_store", "the value is not an object of this heap");
    size_t offset = (size_t)((const char *)field - (const char *)object);
    if (offset % sizeof(void *) != 0 || offset > eddy_object_size(t->heap, object) - sizeof(void *))
        eddy__misuse("eddy_store", "the field is not inside the container");
    eddy__check_owned_store(t, object);
}

const char *eddy_status_text(eddy_status status)
{
    switch (status) {
    case EDDY_OK: return "no error";
    case EDDY_ENOMEM: return "out of memory: the heap limit, the reserved range or the system's memory is used up";
    case EDDY_EINVAL: return "an argument is out of its range";
    case EDDY_ETHREAD: return "called on a thread that the record does not belong to";
    case EDDY_EDETACHED: return "the thread record has been detached";
    case EDDY_EBUSY: return "still in use";
    case EDDY_ETIMEDOUT: return "a thread reached no safepoint in time";
    case EDDY_ELIMIT: return "too many threads or types";
    case EDDY_ESYSTEM: return "the operating system refused";
    case EDDY_ECORRUPT: return "verification found a mismatch";
    }
    return "unknown status";
}

static void default_misuse(const char *function, const char *what)
{
    fprintf(stderr, "eddy: misuse of %s: %s\n", function, what);
}

static eddy_misuse_fn *misuse_handler = default_misuse;

eddy_misuse_fn *eddy_set_misuse_handler(eddy_misuse_fn *handler)
{
    return EDDY_EXCHANGE_ACQ_REL(&misuse_handler, handler != NULL ? handler : default_misuse);
}

_Noreturn void eddy__misuse(const char *function, const char *what)
{
    eddy_misuse_fn *handler = EDDY_LOAD_ACQUIRE(&misuse_handler);
    handler(function, what);
    abort();
}
