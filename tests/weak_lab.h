/* Actors that make and load weak cells and ephemerons, for builds with test hooks. */
#ifndef EDDY_TESTS_WEAK_LAB_H
#define EDDY_TESTS_WEAK_LAB_H

#include "tests/lab.h"

#ifndef A
#define A (&lab.actors[0])
#endif
#define B (&lab.actors[1])

static inline void job_weak_create(struct actor *self)
{
    eddy_weak *weak;
    if (eddy_weak_create(self->t, self->object, &weak) != EDDY_OK)
        abort();
    self->value = weak;
}
static inline void job_weak_load(struct actor *self)
{
    self->roots[self->index] = self->value = eddy_weak_load(self->t, self->object);
}
static inline void job_weak_drop(struct actor *self)
{
    eddy_weak_drop(self->t, self->object);
}

static inline void job_bytes(struct actor *self)
{
    self->roots[self->index] = self->value = eddy_alloc_bytes(self->t, 16);
}
static inline void job_ephemeron(struct actor *self)
{
    eddy_ephemeron *e;
    if (eddy_ephemeron_create(self->t, self->object, self->value, &e) != EDDY_OK)
        abort();
    self->value = e;
}
static inline void job_ephemeron_get(struct actor *self)
{
    self->roots[self->index] = self->value = eddy_ephemeron_get(self->t, self->object, NULL);
}
static inline void job_ephemeron_drop(struct actor *self)
{
    eddy_ephemeron_drop(self->t, self->object);
}

static inline eddy_ephemeron *ephemeron_of(struct actor *a, void *key, void *value)
{
    a->object = key;
    a->value = value;
    perform(a, job_ephemeron);
    return a->value;
}
/* Loads the value into handle k. */
static inline void *get_ephemeron(struct actor *a, unsigned k, eddy_ephemeron *e)
{
    a->object = e;
    a->index = k;
    perform(a, job_ephemeron_get);
    return a->value;
}
static inline void drop_ephemeron(struct actor *a, eddy_ephemeron *e)
{
    a->object = e;
    perform(a, job_ephemeron_drop);
}

static inline eddy_weak *weak_of(struct actor *a, void *object)
{
    a->object = object;
    perform(a, job_weak_create);
    return a->value;
}
/* Loads the cell into handle k. */
static inline void *load_weak(struct actor *a, unsigned k, eddy_weak *weak)
{
    a->object = weak;
    a->index = k;
    a->value = NULL;
    perform(a, job_weak_load);
    return a->value;
}
static inline void drop_weak(struct actor *a, eddy_weak *weak)
{
    a->object = weak;
    perform(a, job_weak_drop);
}

#endif
