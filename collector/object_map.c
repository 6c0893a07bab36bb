/* Map from objects to numbers; see object_map.h. */
#include "collector/object_map.h"

#include <stdlib.h>
#include <time.h>

#include "runtime/heap/memory.h"

void eddy__map_init(struct object_map *map, eddy_heap *heap)
{
    *map = (struct object_map){.heap = heap};
}

void eddy__map_free(struct object_map *map)
{
    eddy__internal_free(map->heap, map->entries, map->room * sizeof *map->entries);
    map->entries = NULL;
    map->room = map->count = 0;
}

/* Fibonacci hashing (Knuth, volume 3, 6.4): objects are multiples of 16. */
static size_t home(const struct object_map *map, const void *object)
{
    return (size_t)(((uint64_t)(uintptr_t)object >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (map->room - 1);
}

struct object_map_entry *eddy__map_find(const struct object_map *map, const void *object)
{
    if (map->count == 0)
        return NULL;
    for (size_t i = home(map, object);; i = (i + 1) & (map->room - 1)) {
        if (map->entries[i].object == object)
            return &map->entries[i];
        if (map->entries[i].object == NULL)
            return NULL;
    }
}

static struct object_map_entry *place(struct object_map *map, void *object)
{
    size_t i = home(map, object);
    while (map->entries[i].object != NULL)
        i = (i + 1) & (map->room - 1);
    map->entries[i].object = object;
    map->entries[i].value = 0;
    map->count++;
    return &map->entries[i];
}

static void grow(struct object_map *map)
{
    struct object_map old = *map;
    map->room = old.room ? old.room * 2 : 64;
    map->count = 0;
    while ((map->entries = eddy__internal_alloc(map->heap, map->room * sizeof *map->entries)) == NULL)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    for (size_t i = 0; i < old.room; i++)
        if (old.entries[i].object != NULL)
            place(map, old.entries[i].object)->value = old.entries[i].value;
    eddy__map_free(&old);
}

struct object_map_entry *eddy__map_get(struct object_map *map, void *object)
{
    struct object_map_entry *found = eddy__map_find(map, object);
    if (found != NULL)
        return found;
    if ((map->count + 1) * 4 > map->room * 3)
        grow(map);
    return place(map, object);
}

void eddy__map_remove(struct object_map *map, struct object_map_entry *entry)
{
    size_t mask = map->room - 1, hole = (size_t)(entry - map->entries);
    map->count--;
    for (size_t i = (hole + 1) & mask; map->entries[i].object != NULL; i = (i + 1) & mask) {
        /* an entry may move back into the hole unless its home lies cyclically in (hole, i] */
        size_t at = home(map, map->entries[i].object);
        if (((i - at) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole].object = NULL;
}
