/* Weak references, as cells and as objects, and ephemerons. They stand in places that all threads share: any number of
 * them may load, one writes or drops when nobody else uses the place. */
#include "tools/fuzz/operations.h"

static struct extras *extras_of(struct mutator *m)
{
    return &m->run->model.extras;
}

/* A type without cycles must not come into one by an ephemeron of what it refers to. */
static bool may_be_key(struct mutator *m, uint32_t number)
{
    struct model_object *o = model_object(m->run, number);
    if (o->in_acyclic)
        return false;
    o->keyed = true;
    return true;
}

bool fuzz_may_be_key(struct mutator *m, uint32_t number)
{
    return may_be_key(m, number);
}

/* ---- cells ---- */

static void make_cell(struct mutator *m, struct weak_place *p, uint32_t target)
{
    struct extras *x = extras_of(m);
    eddy_weak *cell;
    m->pending.value = target;
    eddy_status status = eddy_weak_create(m->thread, model_address(m->run, target), &cell);
    if (status != EDDY_OK && status != EDDY_ENOMEM)
        fuzz_fail(OUTCOME_WRONG, "a weak cell cannot be made: %s", eddy_status_text(status));
    if (status != EDDY_OK)
        return;
    for (unsigned i = 0; i < FUZZ_PLACES; i++)
        if (x->weak[i].cell != NULL && x->weak[i].target == target && !extras_lapsed(m->run, target, x->weak[i].made)
            && x->weak[i].cell != cell)
            fuzz_fail(OUTCOME_WRONG, "object %u has two weak cells", target);
    if (p->cell == NULL)
        *p = (struct weak_place){.cell = cell, .target = target, .made = ++x->clock};
    else
        eddy_weak_drop(m->thread, cell);
}

/* Into an empty place; else drops what is there. */
void op_weak(struct mutator *m, const struct operation *o)
{
    struct weak_place *p = &extras_of(m)->weak[o->a % FUZZ_PLACES];
    uint32_t target = operand_value(m, o->b);
    if (p->cell == NULL && target != 0) {
        make_cell(m, p, target);
    } else if (p->cell != NULL && p->users == 0) {
        eddy_weak *cell = p->cell;
        *p = (struct weak_place){.cell = NULL};
        eddy_weak_drop(m->thread, cell);
    }
}

void op_weak_load(struct mutator *m, const struct operation *o)
{
    struct weak_place *p = &extras_of(m)->weak[o->b % FUZZ_PLACES];
    if (p->cell == NULL)
        return;
    p->users++;
    const void *found = eddy_weak_load(m->thread, p->cell);
    extras_check_weak(m, "a weak cell", found, p->target, p->made, &p->gone);
    p->users--;
    fuzz_hold(m, o->a % FUZZ_HANDLES, found != NULL ? p->target : 0);
}

/* ---- as objects ---- */

void op_weak_new(struct mutator *m, const struct operation *o)
{
    uint32_t target = operand_value(m, o->b);
    struct run *r = m->run;
    if (target == 0 || r->model.count + 1 >= MODEL_OBJECTS)
        return;
    m->pending.value = target;
    void *reference = eddy_alloc_weak(m->thread, model_address(r, target));
    if (reference == NULL) {
        if (eddy_thread_error(m->thread) != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "a weak reference cannot be made: %s", eddy_status_text(eddy_thread_error(m->thread)));
        return;
    }
    uint32_t number = model_born(r, reference, SHAPE_WEAK, 0);
    model_object(r, number)->target = target;
    model_object(r, number)->made = ++extras_of(m)->clock;
    fuzz_hold(m, o->a % FUZZ_HANDLES, number);
}

void op_weak_get(struct mutator *m, const struct operation *o)
{
    uint32_t number = m->handles[o->b % FUZZ_HANDLES];
    struct model_object *reference = model_object(m->run, number);
    if (number == 0 || reference->shape != SHAPE_WEAK)
        return;
    m->pending.object = number;
    const void *found = eddy_weak_get(m->thread, model_address(m->run, number));
    extras_check_weak(m, "a weak reference", found, reference->target, reference->made, &reference->gone);
    fuzz_hold(m, o->a % FUZZ_HANDLES, found != NULL ? reference->target : 0);
}

/* ---- ephemerons ---- */

static void make_ephemeron(struct mutator *m, struct ephemeron_place *p, uint32_t key, uint32_t value)
{
    eddy_ephemeron *ephemeron;
    m->pending.object = key;
    m->pending.value = value;
    eddy_status status =
        eddy_ephemeron_create(m->thread, model_address(m->run, key), model_address(m->run, value), &ephemeron);
    if (status != EDDY_OK && status != EDDY_ENOMEM)
        fuzz_fail(OUTCOME_WRONG, "an ephemeron cannot be made: %s", eddy_status_text(status));
    if (status != EDDY_OK)
        return;
    if (p->ephemeron == NULL)
        *p = (struct ephemeron_place){.ephemeron = ephemeron, .key = key, .value = value, .made = ++extras_of(m)->clock};
    else
        eddy_ephemeron_drop(m->thread, ephemeron);
}

/* Into an empty place; else drops what is there. */
void op_ephemeron(struct mutator *m, const struct operation *o)
{
    struct ephemeron_place *p = &extras_of(m)->ephemerons[o->a % FUZZ_PLACES];
    uint32_t key = m->handles[o->b % FUZZ_HANDLES];
    if (p->ephemeron == NULL && key != 0 && may_be_key(m, key)) {
        make_ephemeron(m, p, key, operand_value(m, o->c));
    } else if (p->ephemeron != NULL && p->users == 0 && !p->setting) {
        eddy_ephemeron *ephemeron = p->ephemeron;
        *p = (struct ephemeron_place){.ephemeron = NULL};
        eddy_ephemeron_drop(m->thread, ephemeron);
    }
}

void op_ephemeron_get(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    struct ephemeron_place *p = &extras_of(m)->ephemerons[o->b % FUZZ_PLACES];
    void *key;
    if (p->ephemeron == NULL || p->setting)
        return;
    p->users++;
    const void *value = eddy_ephemeron_get(m->thread, p->ephemeron, &key);
    extras_check_weak(m, "an ephemeron", key, p->key, p->made, &p->gone);
    p->users--;
    if (value != (key != NULL ? model_address(r, p->value) : NULL))
        fuzz_fail(OUTCOME_CHANGED, "the value of an ephemeron is object %u, not %u", model_at(r, value), p->value);
    fuzz_hold(m, o->a % FUZZ_HANDLES, key != NULL ? p->key : 0);
    if (o->c % 2 != 0)
        fuzz_hold(m, (o->a + 1u) % FUZZ_HANDLES, key != NULL ? p->value : 0);
}

void op_ephemeron_set(struct mutator *m, const struct operation *o)
{
    struct run *r = m->run;
    struct ephemeron_place *p = &extras_of(m)->ephemerons[o->a % FUZZ_PLACES];
    uint32_t value = operand_value(m, o->b), before = p->value;
    if (p->ephemeron == NULL || p->users != 0 || p->setting)
        return;
    p->setting = true;
    p->value = 0; /* the value before may go from here on */
    m->pending.value = value;
    bool set = eddy_ephemeron_set(m->thread, p->ephemeron, model_address(r, value));
    extras_check_weak(m, "an ephemeron", set ? model_address(r, p->key) : NULL, p->key, p->made, &p->gone);
    p->value = set ? value : before;
    p->setting = false;
}
