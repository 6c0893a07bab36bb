/* The hash index of tables: open addressing, linear probing, deletion by shifting back (Knuth, volume 3, 6.4, algorithm R). */
#include "runtime/table_index.h"

#include <stdlib.h>
#include <string.h>

#define PIECE 1024u

void eddy__table_free(struct table *table)
{
    eddy_heap *heap = table->heap;
    for (uint32_t i = 0; i < table->segment_count; i++)
        eddy__internal_free(heap, table->segments[i], TABLE_SEGMENT * sizeof(struct table_entry));
    eddy__internal_free(heap, table->segments, table->segment_count * sizeof *table->segments);
    eddy__internal_free(heap, table->index, (size_t)table->index_room * sizeof *table->index);
    eddy__internal_free(heap, table, sizeof *table);
}

/* Fibonacci hashing: objects are multiples of 16. */
static uint32_t home(const struct table *table, const void *key)
{
    return (uint32_t)(((uint64_t)(uintptr_t)key >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (table->index_room - 1);
}

static void place(struct table *table, uint32_t entry)
{
    uint32_t at = home(table, table_entry(table, entry)->key);
    while (table->index[at] != 0)
        at = (at + 1) & (table->index_room - 1);
    table->index[at] = entry + 1;
}

static bool grow_index(struct thread *t, struct table *table)
{
    uint32_t *old = table->index, old_room = table->index_room, room = old_room == 0 ? 2 * TABLE_FIRST_ROOM : 2 * old_room;
    uint32_t *made = room == 0 ? NULL : eddy__internal_alloc(t->heap, (size_t)room * sizeof *made);
    if (made == NULL)
        return false;
    table->index = made;
    table->index_room = room;
    for (uint32_t i = 0; i < table->used; i++) {
        if (i % PIECE == PIECE - 1)
            eddy__poll(t);
        if (table_entry(table, i)->key != NULL)
            place(table, i);
    }
    eddy__internal_free(t->heap, old, (size_t)old_room * sizeof *old);
    return true;
}

static bool add_segment(struct table *table)
{
    eddy_heap *heap = table->heap;
    uint32_t count = table->segment_count;
    struct table_entry **segments = eddy__internal_alloc(heap, (count + 1) * sizeof *segments);
    struct table_entry *segment = eddy__internal_alloc(heap, TABLE_SEGMENT * sizeof *segment);
    if (segments == NULL || segment == NULL) {
        eddy__internal_free(heap, segments, (count + 1) * sizeof *segments);
        eddy__internal_free(heap, segment, TABLE_SEGMENT * sizeof *segment);
        return false;
    }
    if (count != 0)
        memcpy(segments, table->segments, count * sizeof *segments);
    segments[count] = segment;
    eddy__internal_free(heap, table->segments, count * sizeof *segments);
    table->segments = segments;
    table->segment_count = count + 1;
    return true;
}

uint32_t eddy__table_room(struct thread *t, struct table *table)
{
    if ((uint64_t)(table->count + 1) * 4 > (uint64_t)table->index_room * 3 && !grow_index(t, table))
        return TABLE_NONE;
    if (table->free != TABLE_NONE)
        return table->free;
    if (table->used == table->segment_count * TABLE_SEGMENT && !add_segment(table))
        return TABLE_NONE;
    return table->used;
}

uint32_t eddy__table_find(const struct table *table, const void *key)
{
    if (table->count == 0)
        return TABLE_NONE;
    for (uint32_t at = home(table, key); table->index[at] != 0; at = (at + 1) & (table->index_room - 1)) {
        const struct table_entry *entry = table_entry(table, table->index[at] - 1);
        if (entry->key == key && table_key_lives(table, entry))
            return table->index[at] - 1;
    }
    return TABLE_NONE;
}

void eddy__table_add(struct table *table, uint32_t number, void *key, hidden_edge *edge)
{
    struct table_entry *entry = table_entry(table, number);
    if (number == table->free)
        table->free = entry->free;
    else
        table->used++;
    *entry = (struct table_entry){.key = key, .edge = edge, .free = TABLE_NONE};
    table->count++;
    place(table, number);
}

void eddy__table_take_out(struct table *table, uint32_t number)
{
    struct table_entry *entry = table_entry(table, number);
    uint32_t mask = table->index_room - 1, hole = home(table, entry->key);
    while (table->index[hole] != number + 1)
        hole = (hole + 1) & mask;
    for (uint32_t at = (hole + 1) & mask; table->index[at] != 0; at = (at + 1) & mask) {
        /* it may move back into the hole unless its home lies cyclically in (hole, at] */
        uint32_t its = home(table, table_entry(table, table->index[at] - 1)->key);
        if (((at - its) & mask) >= ((at - hole) & mask)) {
            table->index[hole] = table->index[at];
            hole = at;
        }
    }
    table->index[hole] = 0;
    *entry = (struct table_entry){.free = table->free};
    table->free = number;
    table->count--;
}
