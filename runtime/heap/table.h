/* The part of a table that lies outside the heap: which entry is whose. What it refers to strongly is in an array of the heap,
 * by entry. Used by the thread that uses the table, but for `dead`, and ended by the collector (collector/table.c).
 *
 * index, by hash of the key's address -> number of an entry plus one -> entry, in segments that stay where they are */
#ifndef EDDY_RUNTIME_HEAP_TABLE_H
#define EDDY_RUNTIME_HEAP_TABLE_H

#include "eddy/table.h"
#include "eddy/type.h"
#include "runtime/heap/attachment.h"

#define TABLE_SEGMENT 1024u
#define TABLE_FIRST_ROOM 8u
#define TABLE_NONE UINT32_MAX

struct table_entry {
    void *key;         /* its address only; NULL: a free entry */
    hidden_edge *edge; /* of the weak side; NULL in strong tables */
    uint32_t free;     /* of a free entry: the next one, or TABLE_NONE */
};

struct table {
    eddy_heap *heap;
    eddy_table_kind kind;
    hidden_edge *dead;     /* stack: entries whose weak side has died; the collector pushes */
    hidden_edge *draining; /* taken from there, to be taken out */
    struct table_entry **segments;
    uint32_t segment_count;
    uint32_t *index;
    uint32_t index_room; /* a power of two, or 0 */
    uint32_t used;       /* entries from here on were never used */
    uint32_t free;       /* chain of free entries */
    uint32_t count;
};

/* The table as an object. */
struct eddy_table {
    eddy_array *slots;
    struct table *native;
};

static inline struct table_entry *table_entry(const struct table *table, uint32_t number)
{
    return &table->segments[number / TABLE_SEGMENT][number % TABLE_SEGMENT];
}

/* Frees its memory, not its edges; any thread that nobody shares it with. */
void eddy__table_free(struct table *table);

#endif
