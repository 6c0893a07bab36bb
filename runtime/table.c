/* Tables with weak entries, as the program uses them. The weak side of an entry is a hidden edge of the object's record
 * (ephemeron.c), which the object's death finds; the strong sides are in an array of the table. An entry is ended once, by
 * who exchanges the edge's `table` for NULL: the table drops the edge, or the collector puts it on the table's list. */
#include "eddy/table.h"

#include "runtime/table_index.h"

#define TIDY_AT_ONCE 4u /* dead entries taken out by each operation that changes the table: more than can come anew */

/* Strong slots of an entry: of a strong table key and value, else the side that is strong, if one is. */
static size_t slots_each(const struct table *table)
{
    return table->kind == EDDY_TABLE_STRONG ? 2 : table->kind == EDDY_TABLE_EPHEMERON ? 0 : 1;
}

static void **slot_of(const eddy_table *table, uint32_t entry, size_t which)
{
    return &table->slots->slots[entry * slots_each(table->native) + which];
}

static void set_slot(eddy_thread *t, const eddy_table *table, uint32_t entry, size_t which, void *value)
{
    if (which < slots_each(table->native))
        eddy_store(t, table->slots, slot_of(table, entry, which), value);
}

/* The slot of the value is the last one. */
static void *strong_value(const eddy_table *table, uint32_t entry)
{
    return EDDY_LOAD_ACQUIRE(slot_of(table, entry, slots_each(table->native) - 1));
}

/* ---- creation ---- */

eddy_table *eddy_table_new(eddy_thread *ft, eddy_table_kind kind)
{
    struct thread *t = thread_of(ft);
    if ((unsigned)kind > EDDY_TABLE_EPHEMERON) {
        t->error = EDDY_EINVAL;
        return NULL;
    }
    void *held[1] = {NULL};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, held, 1);
    eddy_table *table = held[0] = eddy_alloc(ft, t->heap->table_type);
    struct object_record *a = NULL;
    if (table != NULL) {
        eddy__make_counted(t, table);
        a = eddy__attachment_of(t, table);
    }
    struct table *native = a == NULL ? NULL : eddy__internal_alloc(t->heap, sizeof *native);
    if (native != NULL) {
        native->heap = t->heap;
        native->kind = kind;
        native->free = TABLE_NONE;
        table->native = native;
        EDDY_STORE_RELEASE(&a->table, native);
    } else {
        t->error = EDDY_ENOMEM;
        table = NULL;
    }
    eddy_frame_pop(ft, &frame);
    return table;
}

/* ---- ending entries ---- */

static void end_edge(struct table *table, hidden_edge *edge)
{
    edge->entry = TABLE_NONE;
    if (EDDY_EXCHANGE_ACQ_REL(&edge->table, NULL) != NULL)
        eddy__edge_drop(table->heap, edge); /* else it is on the list of dead ones, or comes there */
}

static void end_entry(eddy_thread *t, eddy_table *table, uint32_t number)
{
    set_slot(t, table, number, 0, NULL);
    set_slot(t, table, number, 1, NULL);
    eddy__table_take_out(table->native, number);
}

/* At most `most` dead entries. The caller holds the table. */
static void tidy(eddy_thread *t, eddy_table *table, size_t most)
{
    struct table *native = table->native;
    for (; most != 0; most--) {
        if (native->draining == NULL && EDDY_LOAD_RELAXED(&native->dead) != NULL)
            native->draining = EDDY_EXCHANGE_ACQ_REL(&native->dead, NULL);
        hidden_edge *edge = native->draining;
        if (edge == NULL)
            return;
        native->draining = edge->dead;
        if (edge->entry != TABLE_NONE)
            end_entry(t, table, edge->entry);
        eddy__edge_drop(native->heap, edge);
    }
}

/* ---- changing ---- */

/* Room for the strong slots of `entry`. A safepoint. */
static bool grow_slots(eddy_thread *t, eddy_table *table, uint32_t entry)
{
    size_t needs = ((size_t)entry + 1) * slots_each(table->native);
    size_t room = table->slots == NULL ? 0 : table->slots->length;
    if (needs <= room)
        return true;
    size_t length = room == 0 ? TABLE_FIRST_ROOM * slots_each(table->native) : 2 * room;
    eddy_array *made = eddy_alloc_array(t, length);
    if (made == NULL)
        return false;
    void *held[1] = {made};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 1);
    if (room != 0)
        eddy_copy_refs(t, made, made->slots, table->slots, table->slots->slots, room);
    eddy_store(t, table, (void **)&table->slots, made);
    eddy_frame_pop(t, &frame);
    return true;
}

/* The edge of a new entry, inserted, with the value of an ephemeron; NULL when there is no memory. A safepoint. */
static hidden_edge *make_edge(eddy_thread *ft, struct table *native, uint32_t entry, void *key, void *value)
{
    struct thread *t = thread_of(ft);
    void *weak = native->kind == EDDY_TABLE_WEAK_VALUE ? value : key;
    eddy__make_counted(t, weak);
    hidden_edge *edge = eddy__edge_make(t, weak);
    if (edge == NULL)
        return NULL;
    if (native->kind == EDDY_TABLE_EPHEMERON)
        eddy_root_store(ft, &edge->value, value);
    edge->table = native;
    edge->entry = entry;
    eddy__edge_insert(t, edge);
    return edge;
}

static eddy_status change(eddy_thread *t, eddy_table *table, uint32_t number, void *key, void *value)
{
    struct table *native = table->native;
    struct table_entry *entry = table_entry(native, number);
    if (native->kind == EDDY_TABLE_EPHEMERON) {
        eddy_root_store(t, &entry->edge->value, value);
    } else if (native->kind == EDDY_TABLE_WEAK_VALUE) {
        hidden_edge *made = make_edge(t, native, number, key, value), *old = entry->edge;
        if (made == NULL)
            return EDDY_ENOMEM;
        entry->edge = made;
        end_edge(native, old);
    } else {
        set_slot(t, table, number, slots_each(native) - 1, value);
    }
    return EDDY_OK;
}

/* The slots are set before the edge exists, and the entry is added after it, with no safepoint from the edge on. */
static eddy_status add(eddy_thread *t, eddy_table *table, void *key, void *value)
{
    struct table *native = table->native;
    uint32_t number = eddy__table_room(thread_of(t), native);
    if (number == TABLE_NONE || (slots_each(native) != 0 && !grow_slots(t, table, number)))
        return EDDY_ENOMEM;
    hidden_edge *edge = NULL;
    if (native->kind == EDDY_TABLE_STRONG || native->kind == EDDY_TABLE_WEAK_VALUE)
        set_slot(t, table, number, 0, key);
    if (native->kind == EDDY_TABLE_STRONG)
        set_slot(t, table, number, 1, value);
    if (native->kind == EDDY_TABLE_WEAK_KEY)
        set_slot(t, table, number, 0, value);
    if (native->kind != EDDY_TABLE_STRONG && (edge = make_edge(t, native, number, key, value)) == NULL) {
        set_slot(t, table, number, 0, NULL);
        return EDDY_ENOMEM;
    }
    eddy__table_add(native, number, key, edge);
    return EDDY_OK;
}

eddy_status eddy_table_put(eddy_thread *t, eddy_table *table, void *key, void *value)
{
    if (key == NULL || value == NULL)
        return EDDY_EINVAL;
    void *held[3] = {table, key, value};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 3);
    tidy(t, table, TIDY_AT_ONCE);
    uint32_t number = eddy__table_find(table->native, key);
    eddy_status status = number == TABLE_NONE ? add(t, table, key, value) : change(t, table, number, key, value);
    eddy__note_active(thread_of(t));
    eddy_frame_pop(t, &frame);
    return status;
}

bool eddy_table_remove(eddy_thread *t, eddy_table *table, void *key)
{
    void *held[2] = {table, key};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 2);
    tidy(t, table, TIDY_AT_ONCE);
    uint32_t number = eddy__table_find(table->native, key);
    if (number != TABLE_NONE) {
        hidden_edge *edge = table_entry(table->native, number)->edge;
        if (edge != NULL)
            end_edge(table->native, edge);
        end_entry(t, table, number);
        eddy__note_active(thread_of(t));
    }
    eddy_frame_pop(t, &frame);
    return number != TABLE_NONE;
}

void eddy_table_tidy(eddy_thread *t, eddy_table *table)
{
    void *held[1] = {table};
    eddy_frame frame;
    eddy_frame_push(t, &frame, held, 1);
    tidy(t, table, SIZE_MAX);
    eddy_frame_pop(t, &frame);
}

/* ---- looking ---- */

/* So that a weak load is no safepoint afterwards. */
static void make_room(struct thread *t, eddy_table *table, void *key)
{
    if (eddy__has_room(t, 1, 1))
        return;
    t->held[0] = table;
    t->held[1] = key;
    eddy__reserve_entries(t, 1, 1);
    t->held[0] = t->held[1] = NULL;
}

void *eddy_table_get(eddy_thread *ft, eddy_table *table, void *key)
{
    struct table *native = table->native;
    if (native->kind == EDDY_TABLE_WEAK_VALUE)
        make_room(thread_of(ft), table, key);
    uint32_t number = eddy__table_find(native, key);
    if (number == TABLE_NONE)
        return NULL;
    const struct table_entry *entry = table_entry(native, number);
    if (native->kind == EDDY_TABLE_WEAK_VALUE)
        return eddy_weak_load(ft, entry->edge->cell);
    return native->kind == EDDY_TABLE_EPHEMERON ? EDDY_LOAD_ACQUIRE(&entry->edge->value) : strong_value(table, number);
}

size_t eddy_table_count(const eddy_table *table)
{
    return table->native->count;
}

/* Key and value of an entry in use; false if its weak side is dead. There is room for a weak load. */
static bool read_entry(eddy_thread *t, const eddy_table *table, uint32_t number, void **key, void **value)
{
    const struct table *native = table->native;
    const struct table_entry *entry = table_entry(native, number);
    void *weak = native->kind == EDDY_TABLE_STRONG ? entry->key : eddy_weak_load(t, entry->edge->cell);
    if (weak == NULL)
        return false;
    *key = native->kind == EDDY_TABLE_WEAK_VALUE ? entry->key : weak;
    if (native->kind == EDDY_TABLE_WEAK_VALUE)
        *value = weak;
    else
        *value =
            native->kind == EDDY_TABLE_EPHEMERON ? EDDY_LOAD_ACQUIRE(&entry->edge->value) : strong_value(table, number);
    return true;
}

bool eddy_table_next(eddy_thread *ft, eddy_table *table, size_t *cursor, void **key, void **value)
{
    struct thread *t = thread_of(ft);
    const struct table *native = table->native;
    for (; *cursor < native->used; ++*cursor) {
        if (table_entry(native, (uint32_t)*cursor)->key == NULL)
            continue;
        make_room(t, table, NULL);
        if (read_entry(ft, table, (uint32_t)*cursor, key, value)) {
            ++*cursor;
            return true;
        }
    }
    *key = *value = NULL;
    return false;
}
