/* The model's bookkeeping; see model.h. Runs on whatever thread has its turn. */
#include "tools/fuzz/model.h"

static uint32_t *bucket(struct model *model, uintptr_t address)
{
    uint32_t i = (uint32_t)(fuzz_mix(address) % MODEL_BUCKETS);
    while (model->buckets[i] != 0 && model->objects[model->buckets[i]].address != address)
        i = (i + 1) % MODEL_BUCKETS;
    return &model->buckets[i];
}

uint32_t model_at(const struct run *r, const void *address)
{
    return *bucket((struct model *)(uintptr_t)&r->model, (uintptr_t)address);
}

static bool all_zero(const void *object, size_t bytes)
{
    const uint64_t *words = object;
    for (size_t i = 0; i < bytes / 8; i++)
        if (words[i] != 0)
            return false;
    return true;
}

static uint32_t fields_of(unsigned shape, size_t length)
{
    return fuzz_shapes[shape].fields + (fuzz_shapes[shape].tailed ? (uint32_t)length : 0);
}

/* A number for what lies at an address: not where a reachable object is. */
static uint32_t number_new(struct run *r, const void *object)
{
    struct model *model = &r->model;
    uint32_t *at = bucket(model, (uintptr_t)object), before = *at, number = ++model->count;
    model->objects[number] = (struct model_object){0};
    if (((uintptr_t)object & 15) != 0)
        fuzz_fail(OUTCOME_WRONG, "a new object is misplaced");
    if (before != 0) {
        if (model_reaches(r, before))
            fuzz_fail(OUTCOME_FREED_LIVE, "object %u lies where the reachable object %u is", number, before);
        model->objects[before].replaced = true;
    }
    *at = number;
    return number;
}

uint32_t model_born(struct run *r, void *object, unsigned shape, size_t length)
{
    struct model *model = &r->model;
    const struct shape *s = &fuzz_shapes[shape];
    uint32_t fields = fields_of(shape, length), number = number_new(r, object);
    if (eddy_object_size(r->heap, object) < s->size + (s->tailed ? length * 8 : 0))
        fuzz_fail(OUTCOME_WRONG, "a new %s is too small", s->name);
    if (s->opaque)
        r->types[shape] = eddy_object_type(r->heap, object);
    else if (!s->tailed ? !all_zero(object, s->size) : !all_zero(shape_fields(object, shape), fields * 8))
        fuzz_fail(OUTCOME_CHANGED, "the new object %u is not zero", number);
    model->objects[number] = (struct model_object){.address = (uintptr_t)object,
                                                   .first = model->field_count,
                                                   .fields = fields,
                                                   .length = (uint32_t)length,
                                                   .shape = (uint8_t)shape};
    for (uint32_t i = 0; i < fields; i++)
        model->fields[model->field_count++] = 0;
    shape_stamp(object, shape, number);
    return number;
}

void model_set_length(struct run *r, uint32_t number, size_t length)
{
    struct model *model = &r->model;
    struct model_object *o = &model->objects[number];
    uint32_t fields = fields_of(o->shape, length), first = o->first;
    o->length = (uint32_t)length;
    if (fields > o->fields) {
        first = model->field_count;
        model->field_count += fields;
        for (uint32_t i = 0; i < fields; i++)
            model->fields[first + i] = i < o->fields ? model->fields[o->first + i] : 0;
    }
    o->first = first;
    o->fields = fields;
}

uint32_t model_copied(struct run *r, void *object, uint32_t from, size_t length)
{
    struct model *model = &r->model;
    struct model_object *old = &model->objects[from];
    uint32_t number = number_new(r, object);
    if (!shape_is_copy(object, (void *)old->address, old->shape, from))
        fuzz_fail(OUTCOME_CHANGED, "object %u is no copy of object %u", number, from);
    model->objects[number] = (struct model_object){
        .address = (uintptr_t)object, .first = old->first, .fields = old->fields, .shape = old->shape};
    uint32_t fields = old->fields;
    old = &model->objects[number];
    old->first = model->field_count; /* fields of its own */
    for (uint32_t i = 0; i < fields; i++)
        model->fields[model->field_count++] = model->fields[model->objects[from].first + i];
    model_set_length(r, number, length);
    shape_stamp(object, old->shape, number);
    return number;
}

uint32_t model_found(const struct run *r, unsigned shape, const void *word)
{
    const void *object = shape_decode(shape, word);
    return object == NULL ? 0 : model_at(r, object);
}

/* ---- stores under way ---- */

void model_exchanged(struct mutator *m)
{
    struct pending *p = &m->pending;
    if (p->kind == PENDING_BULK) {
        model_sync_bulk(m);
        return;
    }
    if (p->kind == PENDING_NONE)
        return;
    uint32_t *place = p->kind == PENDING_ROOT ? &m->run->model.roots[p->index] : model_field(m->run, p->object, p->index);
    p->taken = p->holds ? *place : 0;
    *place = p->value;
    p->kind = PENDING_NONE;
}

void model_sync_bulk(struct mutator *m)
{
    const struct pending *p = &m->pending;
    struct run *r = m->run;
    const struct model_object *target = &r->model.objects[p->object];
    void **fields = shape_fields((void *)target->address, target->shape);
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t *known = model_field(r, p->object, p->index + i);
        void *found = EDDY_LOAD_ACQUIRE(&fields[p->index + i]);
        if (shape_decode(target->shape, found) == model_address(r, *known))
            continue;
        /* Values of the source may have come and gone meanwhile: whatever it is, it must be an object. */
        uint32_t number = model_found(r, target->shape, found);
        if (shape_decode(target->shape, found) != NULL && number == 0)
            fuzz_fail(OUTCOME_CHANGED, "field %u of object %u holds no object", p->index + i, p->object);
        if (p->source == 0 && number != p->value)
            fuzz_fail(OUTCOME_CHANGED, "field %u of object %u was filled with object %u, not %u", p->index + i,
                      p->object, number, p->value);
        *known = number;
    }
}

/* ---- reachability ---- */

void model_reach(struct walk *w, uint32_t number)
{
    struct model_object *o = &w->model->objects[number];
    if (number == 0 || o->mark == w->model->walk)
        return;
    o->mark = w->model->walk;
    w->reached++;
    w->model->work[w->left++] = number;
}

static void reach_mutator(struct walk *w, const struct mutator *m)
{
    const struct pending *p = &m->pending;
    const uint32_t held[] = {p->object, p->value, p->taken, p->source, p->result, p->resized};
    if (m->thread == NULL)
        return;
    for (unsigned k = 0; k < FUZZ_HANDLES; k++)
        model_reach(w, m->handles[k]);
    for (unsigned k = 0; k < sizeof held / sizeof held[0]; k++)
        model_reach(w, held[k]);
    extras_roots_of(m, w);
}

static void reach_roots(struct run *r, struct walk *w, const uint32_t *numbers, uint32_t count)
{
    struct model *model = &r->model;
    for (uint32_t i = 0; i < count; i++)
        model_reach(w, numbers[i]);
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        model_reach(w, model->roots[i]);
    for (unsigned i = 0; i < FUZZ_RETAINED; i++)
        model_reach(w, model->retained[i]);
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        reach_mutator(w, &r->mutators[i]);
    for (uint32_t i = 1; model->extras.permanent_count != 0 && i <= model->count; i++)
        if (model->objects[i].permanent)
            model_reach(w, i);
    extras_roots(r, w);
}

static void reach_all(struct run *r, struct walk *w)
{
    struct model *model = &r->model;
    while (w->left != 0) {
        while (w->left != 0) {
            const struct model_object *o = &model->objects[model->work[--w->left]];
            for (uint32_t i = 0; i < o->fields; i++)
                model_reach(w, model->fields[o->first + i]);
            if (o->table != 0)
                extras_table(r, w, o->table - 1);
        }
        extras_follow(r, w);
    }
}

uint32_t model_mark_also(struct run *r, const uint32_t *numbers, uint32_t count)
{
    struct walk w;
    extras_begin(r);
    do {
        r->model.walk++;
        w = (struct walk){.model = &r->model};
        reach_roots(r, &w, numbers, count);
        reach_all(r, &w);
    } while (extras_drop(r));
    return w.reached;
}

uint32_t model_mark(struct run *r)
{
    return model_mark_also(r, NULL, 0);
}

bool model_reaches(struct run *r, uint32_t number)
{
    model_mark(r);
    return r->model.objects[number].mark == r->model.walk;
}
