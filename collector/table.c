/* Tables, the collector's side: telling a table that the weak side of an entry has died, and the end of a table. Its edges
 * in keys that live on are dropped like any other, in the next epoch: keys that die together with the table, on one
 * cycle, have lost theirs by then. */
#include "collector/state.h"
#include "runtime/heap/table.h"

void eddy__table_notify(hidden_edge *edge)
{
    struct table *table = EDDY_EXCHANGE_ACQ_REL(&edge->table, NULL);
    if (table == NULL || MUTANT(MUTANT_TABLE_NOT_TOLD))
        return; /* no entry of a table, or taken out already */
    hidden_edge *top = EDDY_LOAD_RELAXED(&table->dead);
    do
        edge->dead = top;
    while (!EDDY_CAS_ACQ_REL(&table->dead, &top, edge));
}

static void drop_list(eddy_heap *heap, hidden_edge *edge)
{
    for (hidden_edge *next; edge != NULL; edge = next) {
        next = edge->dead;
        eddy__edge_drop(heap, edge);
    }
}

void eddy__table_end(struct table *table)
{
    for (uint32_t i = 0; i < table->used; i++) {
        hidden_edge *edge = table_entry(table, i)->edge;
        if (edge != NULL && EDDY_EXCHANGE_ACQ_REL(&edge->table, NULL) != NULL)
            eddy__edge_drop(table->heap, edge);
    }
    drop_list(table->heap, table->dead);
    drop_list(table->heap, table->draining);
    eddy__table_free(table);
}
