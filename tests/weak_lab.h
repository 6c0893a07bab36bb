/* Actors that make and load weak cells, for builds with test hooks. */
#ifndef EDDY_TESTS_WEAK_LAB_H
#define EDDY_TESTS_WEAK_LAB_H

#include "tests/lab.h"

#define A (&lab.actors[0])
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
