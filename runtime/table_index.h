/* Finding, adding and taking out the entries of a table: the hash index. No function but the first is a safepoint. */
#ifndef EDDY_RUNTIME_TABLE_INDEX_H
#define EDDY_RUNTIME_TABLE_INDEX_H

#include "runtime/attach.h"
#include "runtime/heap/table.h"

/* Room in the index for one more entry, and an entry for it, which is not used yet; TABLE_NONE when there is no memory. In
 * pieces, with safepoints between them: the caller holds the table. */
uint32_t eddy__table_room(struct thread *t, struct table *table);
/* The entry of a key, or TABLE_NONE. Not one whose key has died, be it at the same address. */
uint32_t eddy__table_find(const struct table *table, const void *key);
/* Uses the entry that eddy__table_room found. */
void eddy__table_add(struct table *table, uint32_t number, void *key, hidden_edge *edge);
/* Makes it a free entry. */
void eddy__table_take_out(struct table *table, uint32_t number);

/* Whether the entry's key, if held weakly, is alive: for who holds an object at its address. */
static inline bool table_key_lives(const struct table *table, const struct table_entry *entry)
{
    return table->kind == EDDY_TABLE_STRONG || table->kind == EDDY_TABLE_WEAK_VALUE
           || EDDY_LOAD_ACQUIRE(&entry->edge->owner) != NULL;
}

#endif
