/* Tables from objects to objects. One thread at a time uses a table; others that want to leave it alone. What an entry
 * whose weak side has died still holds is not known: until it has been taken out it may be there. If a finalizer has brought the
 * weak side back to life, the entry may be found or not. */
#include "tools/fuzz/operations.h"

/* The table in a handle, taken by the mutator; NULL if there is none, or it is in use. */
static struct table_model *enter(struct mutator *m, uint8_t handle)
{
    struct run *r = m->run;
    uint32_t number = m->handles[handle % FUZZ_HANDLES];
    const struct model_object *o = model_object(r, number);
    struct table_model *t = o->table != 0 ? &r->model.extras.tables[o->table - 1] : NULL;
    if (number == 0 || t == NULL || t->busy || o->permanent)
        return NULL;
    t->busy = true;
    m->pending.object = number;
    return t;
}

static eddy_table *native_of(struct mutator *m, const struct table_model *t)
{
    return model_address(m->run, t->object);
}

static struct table_entry_model *entry_of(struct table_model *t, uint32_t key)
{
    for (unsigned i = 0; i < FUZZ_ENTRIES; i++)
        if (t->entries[i].key == key)
            return &t->entries[i];
    return NULL;
}

static uint32_t weak_side(const struct table_model *t, const struct table_entry_model *e)
{
    return t->kind == EDDY_TABLE_WEAK_VALUE ? e->value : t->kind == EDDY_TABLE_STRONG ? 0 : e->key;
}

/* Whether the entry must be there: its weak side can be reached, and no finalizer brought it back. */
static bool certain(struct mutator *m, const struct table_model *t, const struct table_entry_model *e)
{
    uint32_t weak = weak_side(t, e);
    return weak == 0 || (!extras_doubtful(m->run, weak, e->made) && model_reaches(m->run, weak));
}

void op_table_new(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    struct extras *x = &r->model.extras;
    eddy_table_kind kind = (eddy_table_kind)(o->b % 4);
    if (x->table_count == FUZZ_TABLES || r->model.count + 1 >= MODEL_OBJECTS)
        return;
    uint32_t slot = x->table_count++;
    x->tables[slot] = (struct table_model){.kind = kind};
    eddy_table *table = eddy_table_new(m->thread, kind);
    if (table == NULL) {
        if (eddy_thread_error(m->thread) != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "no table: %s", eddy_status_text(eddy_thread_error(m->thread)));
        return;
    }
    uint32_t number = model_born(r, table, SHAPE_TABLE, 0);
    model_object(r, number)->table = slot + 1;
    x->tables[slot].object = number;
    fuzz_hold(m, o->a % FUZZ_HANDLES, number);
}

void op_table_put(struct mutator *m, const struct operation *o)
{
    uint32_t key = m->handles[o->b % FUZZ_HANDLES], value = m->handles[o->c % FUZZ_HANDLES];
    if (key == 0 || value == 0)
        return;
    struct table_model *t = enter(m, o->a);
    if (t == NULL)
        return;
    struct table_entry_model *e = entry_of(t, key), before;
    uint32_t weak = t->kind == EDDY_TABLE_WEAK_VALUE ? value : key;
    if (e == NULL)
        e = entry_of(t, 0);
    if (e != NULL && fuzz_may_be_key(m, weak)) {
        before = *e;
        m->pending.value = value;
        m->pending.source = key;
        *e = (struct table_entry_model){0}; /* what was there may go from here on */
        eddy_status status =
            eddy_table_put(m->thread, native_of(m, t), model_address(m->run, key), model_address(m->run, value));
        if (status != EDDY_OK && status != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "an entry cannot be put: %s", eddy_status_text(status));
        *e = before;
        if (status == EDDY_OK)
            *e = (struct table_entry_model){.key = key, .value = value, .made = ++m->run->model.extras.clock};
    }
    t->busy = false;
}

void op_table_get(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    uint32_t key = m->handles[o->c % FUZZ_HANDLES];
    struct table_model *t = key != 0 ? enter(m, o->b) : NULL;
    if (t == NULL)
        return;
    m->pending.source = key;
    const struct table_entry_model *e = entry_of(t, key);
    const void *found = eddy_table_get(m->thread, native_of(m, t), model_address(r, key));
    t->busy = false;
    if (found == NULL ? e != NULL && certain(m, t, e) : e == NULL || found != model_address(r, e->value))
        fuzz_fail(OUTCOME_WRONG, "a table gives object %u for object %u, not %u",
                  found == NULL ? 0 : model_at(r, found), key, e == NULL ? 0 : e->value);
    fuzz_hold(m, o->a % FUZZ_HANDLES, found != NULL ? e->value : 0);
}

void op_table_remove(struct mutator *m, const struct operation *o)
{
    uint32_t key = m->handles[o->b % FUZZ_HANDLES];
    struct table_model *t = key != 0 ? enter(m, o->a) : NULL;
    if (t == NULL)
        return;
    m->pending.source = key;
    struct table_entry_model *e = entry_of(t, key);
    bool there = e != NULL, must = there && certain(m, t, e);
    if (there)
        *e = (struct table_entry_model){0};
    bool removed = eddy_table_remove(m->thread, native_of(m, t), model_address(m->run, key));
    if (removed ? !there : must)
        fuzz_fail(OUTCOME_WRONG, "a table says that it had %s entry for object %u", removed ? "an" : "no", key);
    t->busy = false;
}

/* Looks at all entries: each that must be there comes once. */
void op_table_each(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    struct table_model *t = enter(m, o->a);
    bool seen[FUZZ_ENTRIES] = {false}, must[FUZZ_ENTRIES];
    size_t cursor = 0;
    void *key, *value;
    if (t == NULL)
        return;
    if (o->b % 4 == 0)
        eddy_table_tidy(m->thread, native_of(m, t));
    while (eddy_table_next(m->thread, native_of(m, t), &cursor, &key, &value)) {
        unsigned i = 0;
        while (i < FUZZ_ENTRIES
               && (t->entries[i].key == 0 || model_address(r, t->entries[i].key) != key
                   || model_object(r, t->entries[i].key)->replaced))
            i++;
        if (i == FUZZ_ENTRIES || seen[i] || model_address(r, t->entries[i].value) != value)
            fuzz_fail(OUTCOME_WRONG, "a table has an entry of object %u that it should not have", model_at(r, key));
        seen[i] = true;
    }
    for (unsigned i = 0; i < FUZZ_ENTRIES; i++)
        must[i] = t->entries[i].key != 0 && certain(m, t, &t->entries[i]);
    for (unsigned i = 0; i < FUZZ_ENTRIES; i++)
        if (must[i] && !seen[i])
            fuzz_fail(OUTCOME_WRONG, "a table has lost its entry of object %u", t->entries[i].key);
    t->busy = false;
}
