/* See extras.h. */
#include "tools/fuzz/figures.h"

#include <string.h>

static bool reached(const struct run *r, uint32_t number)
{
    return r->model.objects[number].mark == r->model.walk;
}

/* ---- reachability ---- */

static void reach_frame(struct walk *w, const struct small_frame *f)
{
    for (unsigned k = 0; k < FUZZ_NESTED_SLOTS; k++)
        model_reach(w, f->handles[k]);
}

void extras_roots_of(const struct mutator *m, struct walk *w)
{
    for (unsigned d = 0; d < m->depth; d++)
        reach_frame(w, &m->nested[d]);
    for (unsigned k = 0; m->called != NULL && k < FUZZ_HANDLES; k++)
        model_reach(w, m->called[k]);
    for (unsigned k = 0; k < FUZZ_RANGE; k++)
        model_reach(w, m->ranged[k]);
}

void extras_roots(struct run *r, struct walk *w)
{
    struct extras *x = &r->model.extras;
    for (unsigned i = 0; i < FUZZ_PLACES; i++) {
        model_reach(w, x->pins[i]);
        if (x->fibers[i].fiber != NULL)
            reach_frame(w, &x->fibers[i].f);
    }
}

/* Whether an entry holds what it holds strongly. */
static bool stands(const struct table_entry_model *e)
{
    return e->key != 0 && !e->dropped;
}

void extras_table(struct run *r, struct walk *w, uint32_t table)
{
    const struct table_model *t = &r->model.extras.tables[table];
    for (unsigned i = 0; i < FUZZ_ENTRIES; i++) {
        if (!stands(&t->entries[i]))
            continue;
        if (t->kind == EDDY_TABLE_STRONG || t->kind == EDDY_TABLE_WEAK_VALUE)
            model_reach(w, t->entries[i].key);
        if (t->kind == EDDY_TABLE_STRONG || t->kind == EDDY_TABLE_WEAK_KEY)
            model_reach(w, t->entries[i].value);
    }
}

void extras_follow(struct run *r, struct walk *w)
{
    struct extras *x = &r->model.extras;
    for (unsigned i = 0; i < FUZZ_PLACES; i++) {
        const struct ephemeron_place *p = &x->ephemerons[i];
        if (p->ephemeron != NULL && reached(r, p->key))
            model_reach(w, p->value);
    }
    for (uint32_t k = 0; k < x->table_count; k++) {
        const struct table_model *t = &x->tables[k];
        for (unsigned i = 0; t->kind == EDDY_TABLE_EPHEMERON && i < FUZZ_ENTRIES; i++)
            if (stands(&t->entries[i]) && reached(r, t->entries[i].key))
                model_reach(w, t->entries[i].value);
    }
}

void extras_begin(struct run *r)
{
    struct extras *x = &r->model.extras;
    for (uint32_t k = 0; k < x->table_count; k++)
        for (unsigned i = 0; i < FUZZ_ENTRIES; i++)
            x->tables[k].entries[i].dropped = false;
}

bool extras_drop(struct run *r)
{
    struct extras *x = &r->model.extras;
    bool more = false;
    for (uint32_t k = 0; k < x->table_count; k++) {
        struct table_model *t = &x->tables[k];
        if (t->kind == EDDY_TABLE_STRONG || (t->kind != EDDY_TABLE_EPHEMERON && !reached(r, t->object)))
            continue;
        for (unsigned i = 0; i < FUZZ_ENTRIES; i++) {
            struct table_entry_model *e =
                &t->entries[i]; /* of an ephemeron: as long as the table lives, if only by its value */
            uint32_t needed = t->kind == EDDY_TABLE_EPHEMERON  ? t->object
                              : t->kind == EDDY_TABLE_WEAK_KEY ? e->key
                                                               : e->value;
            if (e->key != 0 && !e->dropped && !reached(r, needed))
                e->dropped = more = true;
        }
    }
    return more;
}

/* ---- counts ---- */

static void count_frame(uint32_t *degrees, const struct small_frame *f)
{
    for (unsigned k = 0; k < FUZZ_NESTED_SLOTS; k++)
        degrees[f->handles[k]]++;
}

static void count_table(const struct run *r, const struct table_model *t, uint32_t *degrees)
{
    for (unsigned i = 0; i < FUZZ_ENTRIES; i++) {
        const struct table_entry_model *e = &t->entries[i];
        if (!stands(e))
            continue;
        if (t->kind == EDDY_TABLE_STRONG || t->kind == EDDY_TABLE_WEAK_VALUE)
            degrees[e->key]++;
        if (t->kind == EDDY_TABLE_STRONG || t->kind == EDDY_TABLE_WEAK_KEY
            || (t->kind == EDDY_TABLE_EPHEMERON && reached(r, e->key)))
            degrees[e->value]++;
    }
}

void extras_degrees(struct run *r, uint32_t *degrees)
{
    const struct extras *x = &r->model.extras;
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        for (unsigned d = 0; r->mutators[i].thread != NULL && d < r->mutators[i].depth; d++)
            count_frame(degrees, &r->mutators[i].nested[d]);
    for (unsigned i = 0; i < FUZZ_PLACES; i++) {
        bool counted = false; /* however often it is pinned, that is one count */
        for (unsigned k = 0; k < i; k++)
            counted = counted || x->pins[k] == x->pins[i];
        if (!counted)
            degrees[x->pins[i]]++;
        if (x->fibers[i].fiber != NULL)
            count_frame(degrees, &x->fibers[i].f);
        const struct ephemeron_place *p = &x->ephemerons[i];
        if (p->ephemeron != NULL && reached(r, p->key))
            degrees[p->value]++;
    }
    for (uint32_t k = 0; k < x->table_count; k++)
        if (reached(r, x->tables[k].object))
            count_table(r, &x->tables[k], degrees);
}

uint32_t extras_hidden(struct run *r)
{
    const struct extras *x = &r->model.extras;
    uint32_t hidden = 0;
    for (uint32_t k = 0; k < x->table_count; k++)
        if (reached(r, x->tables[k].object) && EDDY_LOAD_ACQUIRE((void **)model_address(r, x->tables[k].object)) != NULL)
            hidden++;
    return hidden;
}

void extras_exact(struct run *r, const eddy_stats *stats)
{
    const struct model *model = &r->model;
    const struct extras *x = &model->extras;
    uint64_t external = 0, pinned = 0;
    for (uint32_t number = 1; number <= model->count; number++)
        external += reached(r, number) ? model->objects[number].external : 0;
    for (unsigned i = 0; i < FUZZ_PLACES; i++) {
        bool counted = x->pins[i] == 0;
        for (unsigned k = 0; k < i; k++)
            counted = counted || x->pins[k] == x->pins[i];
        pinned += !counted;
    }
    if (stats->external_bytes != external)
        fuzz_fail(OUTCOME_MISCOUNTED, "%llu bytes are external, not %llu", (unsigned long long)stats->external_bytes,
                  (unsigned long long)external);
    if (x->permanent_count != 0) /* pins of permanent objects do nothing */
        pinned = stats->pinned_objects;
    if (stats->pinned_objects != pinned || stats->misused_unpins != 0)
        fuzz_fail(OUTCOME_MISCOUNTED, "%llu objects are pinned, not %llu; %llu unpins are called a misuse",
                  (unsigned long long)stats->pinned_objects, (unsigned long long)pinned,
                  (unsigned long long)stats->misused_unpins);
    for (uint32_t i = 0; i < x->record_count; i++)
        if (x->records[i].state == RECORD_WAITS && !reached(r, x->records[i].object))
            fuzz_fail(OUTCOME_GARBAGE, "finalizer %u of object %u, which is dead, was not queued", i, x->records[i].object);
    for (uint32_t number = 1; number <= model->count; number++)
        if (model->objects[number].permanent != (reached(r, number) && eddy_is_permanent(model_address(r, number))))
            fuzz_fail(OUTCOME_CHANGED, "object %u is %spermanent", number,
                      model->objects[number].permanent ? "no longer " : "");
}

/* ---- what lapses ---- */

bool extras_lapsed(const struct run *r, uint32_t object, uint32_t made)
{
    return r->model.objects[object].lapsed > made;
}

bool extras_doubtful(const struct run *r, uint32_t object, uint32_t made)
{
    return extras_lapsed(r, object, made) || r->model.objects[object].doubtful > made;
}

void extras_check_weak(struct mutator *m, const char *what, const void *found, uint32_t target, uint32_t made, bool *gone)
{
    struct run *r = m->run;
    bool lapsed = extras_lapsed(r, target, made);
    if (found == NULL) {
        *gone = true;
        if (!extras_doubtful(r, target, made) && model_reaches(r, target))
            fuzz_fail(OUTCOME_WRONG, "%s gives nothing, but object %u is reachable", what, target);
        return;
    }
    if (found != model_address(r, target))
        fuzz_fail(OUTCOME_WRONG, "%s gives object %u, not %u", what, model_at(r, found), target);
    if (*gone || model_object(r, target)->replaced || eddy_object_at(r->heap, found) != found)
        fuzz_fail(OUTCOME_FREED_LIVE, "%s gives object %u, which is dead", what, target);
    if (lapsed)
        fuzz_fail(OUTCOME_WRONG, "%s gives object %u, whose finalizers, or whose cycle's, were queued before", what,
                  target);
}

/* ---- beginnings and ends ---- */

void extras_open(struct run *r)
{
    memset(&r->model.extras, 0, sizeof r->model.extras);
    for (unsigned q = 0; q < FUZZ_QUEUES; q++)
        if (eddy_finalizer_queue_create(r->heap, &r->model.extras.queues[q]) != EDDY_OK)
            fuzz_fail(OUTCOME_WRONG, "no queue");
}

/* Entries of finalizers whose objects are permanent stay attached. */
void extras_close(struct mutator *m)
{
    struct extras *x = &m->run->model.extras;
    for (unsigned q = 0; q < FUZZ_QUEUES; q++) {
        bool attached = false;
        for (uint32_t i = 0; i < x->record_count; i++)
            attached = attached || (x->records[i].queue == q && x->records[i].state == RECORD_WAITS);
        eddy_status status = eddy_finalizer_queue_destroy(m->thread, x->queues[q]);
        if (status != (attached ? EDDY_EBUSY : EDDY_OK))
            fuzz_fail(OUTCOME_WRONG, "a queue with%s finalizers is destroyed: %s", attached ? "" : "out",
                      eddy_status_text(status));
    }
}

static void drop_fiber(struct mutator *m, struct fiber_place *p)
{
    eddy_fiber *fiber = p->fiber;
    memset(p, 0, sizeof *p);
    eddy_status status = eddy_fiber_drop(m->thread, fiber);
    if (status != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "a fiber cannot be dropped: %s", eddy_status_text(status));
}

static void clear_range(struct mutator *m)
{
    m->has_range = false;
    memset(m->range, 0, sizeof m->range);
    memset(m->ranged, 0, sizeof m->ranged);
}

void extras_detach(struct mutator *m)
{
    struct extras *x = &m->run->model.extras;
    for (; m->depth != 0; m->depth--)
        eddy_frame_pop(m->thread, &m->nested[m->depth - 1].frame);
    memset(m->nested, 0, sizeof m->nested);
    for (unsigned i = 0; i < FUZZ_PLACES; i++)
        if (x->fibers[i].fiber != NULL && !x->fibers[i].offered && x->fibers[i].owner == m->number)
            drop_fiber(m, &x->fibers[i]);
    clear_range(m);
}

void extras_forget(struct mutator *m)
{
    struct extras *x = &m->run->model.extras;
    for (unsigned i = 0; i < FUZZ_PLACES; i++)
        if (x->fibers[i].fiber != NULL && x->fibers[i].owner == m->number)
            x->fibers[i].offered = x->fibers[i].orphaned = true; /* what ends without detaching leaves its fibers on offer */
    clear_range(m);
}

void extras_drop_all(struct mutator *m)
{
    struct run *r = m->run;
    struct extras *x = &r->model.extras;
    for (unsigned i = 0; i < FUZZ_PLACES; i++) {
        uint32_t pinned = x->pins[i];
        x->pins[i] = 0;
        eddy_unpin(m->thread, model_address(r, pinned));
        eddy_weak_drop(m->thread, x->weak[i].cell);
        memset(&x->weak[i], 0, sizeof x->weak[i]);
        eddy_ephemeron *ephemeron = x->ephemerons[i].ephemeron;
        memset(&x->ephemerons[i], 0, sizeof x->ephemerons[i]);
        eddy_ephemeron_drop(m->thread, ephemeron);
        if (x->fibers[i].fiber != NULL)
            drop_fiber(m, &x->fibers[i]);
    }
}

bool extras_settle(struct mutator *m)
{
    struct run *r = m->run;
    struct extras *x = &r->model.extras;
    eddy_finalization entry;
    bool more = false;
    for (unsigned q = 0; q < FUZZ_QUEUES; q++) {
        x->taking++;
        while (eddy_finalizer_take(m->thread, x->queues[q], &entry)) {
            extras_finalized(m, entry.object, entry.data);
            m->pending = (struct pending){.kind = PENDING_NONE};
            more = true;
        }
        x->taking--;
        if (eddy_finalizers_pending(x->queues[q]) != 0)
            fuzz_fail(OUTCOME_WRONG, "an empty queue has %llu entries",
                      (unsigned long long)eddy_finalizers_pending(x->queues[q]));
    }
    for (uint32_t k = 0; k < x->table_count; k++) {
        struct table_model *t = &x->tables[k];
        if (model_object(r, t->object)->permanent || !model_reaches(r, t->object))
            continue;
        eddy_table *table = model_address(r, t->object);
        size_t count = eddy_table_count(table);
        m->pending.object = t->object;
        eddy_table_tidy(m->thread, table);
        m->pending.object = 0;
        more = more || eddy_table_count(table) != count;
    }
    return more;
}
