/* A map from objects to numbers: overflowed counts, retained references, what verification computes.
 * Open addressing, linear probing, deletion by shifting back (Knuth, volume 3, 6.4, algorithm R).
 * Collector only. */
#ifndef EDDY_COLLECTOR_OBJECT_MAP_H
#define EDDY_COLLECTOR_OBJECT_MAP_H

#include "runtime/heap/heap.h"

struct object_map_entry {
    void *object; /* NULL: empty */
    uint64_t value;
};

struct object_map {
    struct object_map_entry *entries;
    size_t room; /* a power of two, or 0 */
    size_t count;
    eddy_heap *heap;
};

void eddy__map_init(struct object_map *map, eddy_heap *heap);
void eddy__map_free(struct object_map *map);
/* The entry of `object`, or NULL. */
struct object_map_entry *eddy__map_find(const struct object_map *map, const void *object);
/* The entry of `object`, made with value 0 if there is none. Waits until the system has memory. */
struct object_map_entry *eddy__map_get(struct object_map *map, void *object);
void eddy__map_remove(struct object_map *map, struct object_map_entry *entry);

#endif
