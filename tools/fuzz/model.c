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

uint32_t model_born(struct run *r, void *object, unsigned shape, size_t length)
{
    struct model *model = &r->model;
    const struct shape *s = &fuzz_shapes[shape];
    uint32_t fields = s->fields + (s->tailed ? (uint32_t)length : 0);
    uint32_t *at = bucket(model, (uintptr_t)object), before = *at, number = ++model->count;
    if (((uintptr_t)object & 15) != 0 || eddy_object_size(r->heap, object) < s->size + (s->tailed ? length * 8 : 0))
        fuzz_fail(OUTCOME_WRONG, "a new %s is misplaced or too small", s->name);
    if (before != 0) {
        model_mark(r);
        if (model->objects[before].mark == model->walk)
            fuzz_fail(OUTCOME_FREED_LIVE, "object %u lies where the reachable object %u is", number, before);
        model->objects[before].replaced = true;
    }
    if (!s->tailed ? !all_zero(object, s->size) : !all_zero(shape_fields(object, shape), fields * 8))
        fuzz_fail(OUTCOME_CHANGED, "the new object %u is not zero", number);
    *at = number;
    model->objects[number] = (struct model_object){.address = (uintptr_t)object, .first = model->field_count,
                                                   .fields = fields, .length = (uint32_t)length, .shape = (uint8_t)shape};
    for (uint32_t i = 0; i < fields; i++)
        model->fields[model->field_count++] = 0;
    shape_stamp(object, shape, number);
    return number;
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
        if (found == model_address(r, *known))
            continue;
        /* Values of the source may have come and gone meanwhile: whatever it is, it must be an object. */
        uint32_t number = found == NULL ? 0 : model_at(r, found);
        if (found != NULL && number == 0)
            fuzz_fail(OUTCOME_CHANGED, "field %u of object %u holds no object", p->index + i, p->object);
        if (p->source == 0 && number != p->value)
            fuzz_fail(OUTCOME_CHANGED, "field %u of object %u was filled with object %u, not %u", p->index + i, p->object,
                      number, p->value);
        *known = number;
    }
}

/* ---- reachability ---- */

static void reach(struct model *model, uint32_t number, uint32_t *left, uint32_t *reached)
{
    struct model_object *o = &model->objects[number];
    if (number == 0 || o->mark == model->walk)
        return;
    o->mark = model->walk;
    ++*reached;
    model->work[(*left)++] = number;
}

static void reach_mutator(struct model *model, const struct mutator *m, uint32_t *left, uint32_t *reached)
{
    const struct pending *p = &m->pending;
    const uint32_t held[] = {p->object, p->value, p->taken, p->source, p->result};
    if (m->thread == NULL)
        return;
    for (unsigned k = 0; k < FUZZ_HANDLES; k++)
        reach(model, m->handles[k], left, reached);
    for (unsigned k = 0; k < sizeof held / sizeof held[0]; k++)
        reach(model, held[k], left, reached);
}

uint32_t model_mark_also(struct run *r, const uint32_t *numbers, uint32_t count)
{
    struct model *model = &r->model;
    uint32_t left = 0, reached = 0;
    model->walk++;
    for (uint32_t i = 0; i < count; i++)
        reach(model, numbers[i], &left, &reached);
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        reach(model, model->roots[i], &left, &reached);
    for (unsigned i = 0; i < FUZZ_RETAINED; i++)
        reach(model, model->retained[i], &left, &reached);
    for (unsigned i = 0; i < FUZZ_MUTATORS; i++)
        reach_mutator(model, &r->mutators[i], &left, &reached);
    while (left != 0) {
        const struct model_object *o = &model->objects[model->work[--left]];
        for (uint32_t i = 0; i < o->fields; i++)
            reach(model, model->fields[o->first + i], &left, &reached);
    }
    return reached;
}

uint32_t model_mark(struct run *r)
{
    return model_mark_also(r, NULL, 0);
}
