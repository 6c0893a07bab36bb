/* Memory for the objects of counting strategies: cells of equal sizes in free lists of each thread, so that what is measured is
 * the counting and not the system's malloc. What one thread frees and another allocates goes round in batches.
 *
 * With COUNT_CHECKED (tests) each cell comes from malloc and is overwritten when it dies. Under a sanitizer it is freed then;
 * elsewhere it is kept until the end, so that whatever still looks at it finds that it is dead. */
#ifndef CELLS_H
#define CELLS_H

#include <string.h>

#include "count.h"

enum { CELL_GRAIN = 8, CELL_CLASSES = 72, CELL_BATCH = 128, CELL_CHUNK = 1 << 16 };

struct cell {
    struct cell *next;
};

struct cell_list {
    struct cell *first;
    size_t count;
};

struct cell_cache {
    struct cell_list lists[CELL_CLASSES];
    char *chunk, *chunk_end;
};

static struct {
    pthread_mutex_t lock;
    struct cell_list batches[CELL_CLASSES]; /* of the lock, as all that follows; counts are also looked at without it */
    struct cell *chunks, *dead;
} cells = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t cells_live; /* atomic; kept up to date in checked builds only */

static inline size_t cell_class(size_t size)
{
    return (size + CELL_GRAIN - 1) / CELL_GRAIN;
}

static COUNT_COLD void *cell_memory(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        count_fatal("out of memory");
    return memory;
}

/* Fills an empty list with cells that others freed, or makes one of a chunk. */
COUNT_UNUSED static COUNT_COLD struct cell *cell_refill(struct cell_cache *cache, size_t class)
{
    struct cell_list *list = &cache->lists[class];
    struct cell_list *batches = &cells.batches[class];
    if (EDDY_LOAD_RELAXED(&batches->count) != 0 || (size_t)(cache->chunk_end - cache->chunk) < class * CELL_GRAIN)
        pthread_mutex_lock(&cells.lock);
    else {
        struct cell *made = (struct cell *)(void *)cache->chunk;
        cache->chunk += class * CELL_GRAIN;
        return made;
    }
    for (int i = 0; i < CELL_BATCH && batches->first != NULL; i++) {
        struct cell *moved = batches->first;
        batches->first = moved->next;
        EDDY_STORE_RELAXED(&batches->count, batches->count - 1);
        moved->next = list->first;
        list->first = moved;
        list->count++;
    }
    if (list->first == NULL) {
        struct cell *chunk = cell_memory(CELL_CHUNK);
        chunk->next = cells.chunks;
        cells.chunks = chunk;
        cache->chunk = (char *)chunk + 16;
        cache->chunk_end = (char *)chunk + CELL_CHUNK;
    }
    pthread_mutex_unlock(&cells.lock);
    if (list->first == NULL)
        return cell_refill(cache, class);
    struct cell *taken = list->first;
    list->first = taken->next;
    list->count--;
    return taken;
}

static inline void *cell_take(struct cell_cache *cache, size_t size)
{
#ifdef COUNT_CHECKED
    (void)cache;
    EDDY_ADD_RELAXED(&cells_live, 1);
    return cell_memory(size);
#else
    size_t class = cell_class(size);
    if (EDDY_UNLIKELY(class >= CELL_CLASSES)) { /* a large one: never given back before the end */
        struct cell *large = cell_memory(size + 16);
        pthread_mutex_lock(&cells.lock);
        large->next = cells.chunks;
        cells.chunks = large;
        pthread_mutex_unlock(&cells.lock);
        return (char *)large + 16;
    }
    struct cell_list *list = &cache->lists[class];
    struct cell *cell = list->first;
    if (EDDY_UNLIKELY(cell == NULL))
        return cell_refill(cache, class);
    list->first = cell->next;
    list->count--;
    return cell;
#endif
}

/* Gives `count` cells of a list to whoever needs some. */
COUNT_UNUSED static COUNT_COLD void cell_give_batch(struct cell_list *list, size_t class, size_t count)
{
    pthread_mutex_lock(&cells.lock);
    struct cell_list *batches = &cells.batches[class];
    for (size_t i = 0; i < count; i++) {
        struct cell *moved = list->first;
        list->first = moved->next;
        moved->next = batches->first;
        batches->first = moved;
    }
    EDDY_STORE_RELAXED(&batches->count, batches->count + count);
    list->count -= count;
    pthread_mutex_unlock(&cells.lock);
}

/* The thread ends. What is left of its chunk is lost until everything is given back. */
static void cell_give_all(struct cell_cache *cache)
{
    for (size_t class = 0; class < CELL_CLASSES; class ++)
        if (cache->lists[class].count != 0)
            cell_give_batch(&cache->lists[class], class, cache->lists[class].count);
}

/* The object has died; its memory may still have to wait. */
static inline void cell_died(void)
{
#ifdef COUNT_CHECKED
    EDDY_SUB_RELAXED(&cells_live, 1);
#endif
}

/* `cache` NULL: at the end, when no thread is there. */
static inline void cell_give(struct cell_cache *cache, void *memory, size_t size)
{
#ifdef COUNT_CHECKED
    (void)cache;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    memset(memory, 0xdd, size);
    free(memory);
#else
    memset(memory, 0xdd, size);
    struct cell *cell = memory;
    pthread_mutex_lock(&cells.lock);
    cell->next = cells.dead;
    cells.dead = cell;
    pthread_mutex_unlock(&cells.lock);
#endif
#else
    size_t class = cell_class(size);
    if (class >= CELL_CLASSES || cache == NULL)
        return;
    struct cell_list *list = &cache->lists[class];
    struct cell *cell = memory;
    cell->next = list->first;
    list->first = cell;
    if (EDDY_UNLIKELY(++list->count >= 4 * CELL_BATCH))
        cell_give_batch(list, class, CELL_BATCH);
#endif
}

static void cells_free_list(struct cell *first)
{
    while (first != NULL) {
        struct cell *next = first->next;
        free(first);
        first = next;
    }
}

/* Gives everything back to the system. */
static void cells_close(void)
{
    cells_free_list(cells.chunks);
    cells_free_list(cells.dead);
    cells.chunks = cells.dead = NULL;
    for (size_t i = 0; i < CELL_CLASSES; i++)
        cells.batches[i] = (struct cell_list){NULL, 0};
}

#endif
