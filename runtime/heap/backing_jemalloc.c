/* backing of memory.h over jemalloc: an arena of its own per heap, whose extents come from the heap's
 * reserved range by extent hooks, so that an address tells its block number by a subtraction. */
#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "runtime/heap/memory.h"

struct backing {
    extent_hooks_t hooks; /* first: jemalloc hands it back to the hooks */
    unsigned arena;
    char *next; /* the range is handed out from here upwards; atomic */
    char *end;
    eddy_heap *heap;
    size_t large_least; /* smaller allocations share their pages, and cannot be made from larger ones */
};

/* Extents are carved upwards and never returned: jemalloc keeps and reuses the address space itself. */
static void *hook_alloc(extent_hooks_t *hooks, void *wanted, size_t size, size_t alignment, bool *zero, bool *commit,
                        unsigned arena)
{
    (void)arena;
    struct backing *backing = (struct backing *)(void *)hooks;
    if (wanted != NULL)
        return NULL;
    char *old = EDDY_LOAD_RELAXED(&backing->next);
    char *start;
    do {
        start = (char *)(((uintptr_t)old + alignment - 1) & ~(uintptr_t)(alignment - 1));
        if (start < old || start > backing->end || size > (size_t)(backing->end - start))
            return NULL;
    } while (!EDDY_CAS_ACQ_REL(&backing->next, &old, start + size));
    *zero = true;
    *commit = true;
    return start;
}

static bool hook_purge(extent_hooks_t *hooks, void *p, size_t size, size_t offset, size_t length, unsigned arena)
{
    (void)hooks, (void)size, (void)arena;
    eddy__os_discard((char *)p + offset, length);
    return false;
}

static bool hook_split(extent_hooks_t *hooks, void *p, size_t size, size_t a, size_t b, bool committed, unsigned arena)
{
    (void)hooks, (void)p, (void)size, (void)a, (void)b, (void)committed, (void)arena;
    return false;
}

static bool hook_merge(extent_hooks_t *hooks, void *a, size_t size_a, void *b, size_t size_b, bool committed, unsigned arena)
{
    (void)hooks, (void)a, (void)size_a, (void)b, (void)size_b, (void)committed, (void)arena;
    return false;
}

static void set_decay(unsigned arena, const char *what, ssize_t milliseconds)
{
    char name[64];
    snprintf(name, sizeof name, "arena.%u.%s", arena, what);
    mallctl(name, NULL, NULL, &milliseconds, sizeof milliseconds);
}

eddy_status eddy__backing_create(eddy_heap *heap)
{
    struct backing *backing = calloc(1, sizeof *backing);
    if (backing == NULL)
        return EDDY_ENOMEM;
    backing->heap = heap;
    backing->next = heap->base;
    backing->end = heap->base + heap->range;
    backing->hooks.alloc = hook_alloc;
    backing->hooks.purge_forced = hook_purge;
    backing->hooks.split = hook_split;
    backing->hooks.merge = hook_merge;
    extent_hooks_t *hooks = &backing->hooks;
    size_t size = sizeof backing->arena;
    if (mallctl("arenas.create", &backing->arena, &size, &hooks, sizeof hooks) != 0) {
        free(backing);
        return EDDY_ENOMEM;
    }
    size = sizeof backing->large_least;
    mallctl("arenas.lextent.0.size", &backing->large_least, &size, NULL, 0);
    set_decay(backing->arena, "dirty_decay_ms", (ssize_t)heap->config.return_ms);
    set_decay(backing->arena, "muzzy_decay_ms", 0);
    heap->backing = backing;
    return EDDY_OK;
}

void eddy__backing_destroy(eddy_heap *heap)
{
    struct backing *backing = heap->backing;
    char name[64];
    snprintf(name, sizeof name, "arena.%u.destroy", backing->arena);
    mallctl(name, NULL, NULL, NULL, 0);
    free(backing);
    heap->backing = NULL;
}

static int take_flags(const struct backing *backing)
{
    return (int)(MALLOCX_ALIGN(BLOCK_BYTES) | MALLOCX_ARENA(backing->arena) | MALLOCX_TCACHE_NONE);
}

void *eddy__backing_take(eddy_heap *heap, size_t bytes, bool *zeroed)
{
    struct backing *backing = heap->backing;
    *zeroed = false;
    return mallocx(bytes, take_flags(backing));
}

void eddy__backing_give(eddy_heap *heap, void *p, size_t bytes)
{
    (void)bytes;
    dallocx(p, take_flags(heap->backing));
}

bool eddy__backing_resize(eddy_heap *heap, void *p, size_t bytes, size_t wanted)
{
    const struct backing *backing = heap->backing;
    size_t usable = sallocx(p, take_flags(backing));
    if (wanted > bytes)
        return usable >= wanted || xallocx(p, wanted, 0, take_flags(backing)) >= wanted;
    if (wanted < backing->large_least) /* with pages of 64 KiB, that is 256 KiB */
        wanted = backing->large_least;
    return xallocx(p, wanted, 0, take_flags(backing)) < usable;
}

void eddy__backing_trim(eddy_heap *heap, bool all)
{
    struct backing *backing = heap->backing;
    char name[64];
    snprintf(name, sizeof name, "arena.%u.%s", backing->arena, all ? "purge" : "decay");
    mallctl(name, NULL, NULL, NULL, 0);
}

/* jemalloc prepares itself for forks. */
void eddy__backing_lock(eddy_heap *heap)
{
    (void)heap;
}

void eddy__backing_unlock(eddy_heap *heap)
{
    (void)heap;
}
