/* The free-running mode, part 3: a mutator's exact model of the objects that it alone writes, and the ways by
 * which operations find objects. Nothing here is a safepoint, except where a function says so. */
#ifndef EDDY_FUZZ_FREE_SHADOW_H
#define EDDY_FUZZ_FREE_SHADOW_H

#include "tools/fuzz/free/objects.h"

#define NO_SHADOW UINT32_MAX

/* The model of `object`, or NULL if it is not one of this mutator's modelled objects. */
static struct shadow *shadow_of(struct mutator *m, const void *object, const struct head *h)
{
    if (h->owner != m->owner || h->index >= SHADOWS)
        return NULL;
    struct shadow *s = &m->shadows[h->index];
    return s->id == h->id && s->hidden == hide(object) ? s : NULL;
}

static void shadow_drop(struct shadow *s)
{
    free(s->values);
    *s = (struct shadow){0};
}

static void shadow_mark(struct mutator *m, void *object, uint32_t *count)
{
    if (object == NULL)
        return;
    const struct head *h = check(m, object);
    struct shadow *s = shadow_of(m, object, h);
    if (s == NULL || s->marked)
        return;
    s->marked = true;
    m->work[(*count)++] = h->index;
}

/* Compares every modelled object that the mutator can reach with its model, and forgets the others. */
static void audit(struct mutator *m)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < GROWN_SLOT; i++)
        shadow_mark(m, m->slots[i], &count);
    for (size_t i = 0; m->slots[GROWN_SLOT] != NULL && i < m->grown_length; i++)
        shadow_mark(m, unhide(m->grown[i]), &count);
    while (count != 0) {
        struct shadow *s = &m->shadows[m->work[--count]];
        void *object = unhide(s->hidden);
        void **slots = slots_of(m, object, check_all(m, object));
        for (uint32_t i = 0; i < s->slots; i++) {
            void *value = eddy_load(m->thread, slots + i);
            if (value != unhide(s->values[i]))
                fail(m->world, m, "private object %p: slot %" PRIu32 " is %p, not %p", object, i, value,
                     unhide(s->values[i]));
            shadow_mark(m, value, &count);
        }
    }
    for (uint32_t i = 0; i < SHADOWS; i++) {
        struct shadow *s = &m->shadows[i];
        if (s->id != 0 && !s->marked)
            shadow_drop(s);
        s->marked = false;
    }
}

/* A free entry, or NO_SHADOW. */
static uint32_t shadow_find(struct mutator *m)
{
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < SHADOWS; i++) {
            uint32_t at = (m->shadow_hint + i) % SHADOWS;
            if (m->shadows[at].id == 0) {
                m->shadow_hint = at + 1;
                return at;
            }
        }
        audit(m);
    }
    return NO_SHADOW;
}

static void shadow_make(struct mutator *m, uint32_t index, void *object, const struct head *h)
{
    struct shadow *s = &m->shadows[index];
    s->id = h->id;
    s->hidden = hide(object);
    s->slots = slot_count(h);
    s->values = malloc((s->slots + 1) * sizeof *s->values);
    for (uint32_t i = 0; i < s->slots; i++)
        s->values[i] = hide(NULL);
}

static void forget_everything(struct mutator *m)
{
    memset(m->slots, 0, sizeof m->slots);
    memset(m->figures, 0, sizeof m->figures);
    for (uint32_t i = 0; i < SHADOWS; i++)
        if (m->shadows[i].id != 0)
            shadow_drop(&m->shadows[i]);
}

/* ---- finding objects ---- */

/* What a random slot of `object` holds, checked against the model or the color rule; NULL if nothing. */
static void *step(struct mutator *m, void *object)
{
    const struct head *h = check(m, object);
    uint32_t n = slot_count(h);
    if (n == 0)
        return NULL;
    void **slots = slots_of(m, object, h);
    const struct shadow *s = shadow_of(m, object, h);
    uint32_t at = below(&m->rng, n);
    for (unsigned attempt = 0; attempt < 4; attempt++, at = (at + 1) % n) {
        void *value = eddy_load(m->thread, slots + at);
        if (s != NULL && value != unhide(s->values[at]))
            fail(m->world, m, "private object %p: slot %" PRIu32 " is %p, not %p", object, at, value,
                 unhide(s->values[at]));
        if (value == NULL)
            continue;
        const struct head *found = check(m, value);
        if (h->owner == OWNER_SHARED && found->color != at % COLORS)
            fail(m->world, m, "slot %" PRIu32 " of the shared object %p holds %p of color %u", at, object, value,
                 found->color);
        return value;
    }
    return NULL;
}

/* The end of a walk of up to `steps` steps. */
static void *walk(struct mutator *m, void *object, unsigned steps)
{
    for (unsigned i = 0; object != NULL && i < steps; i++) {
        void *next = step(m, object);
        if (next == NULL)
            break;
        object = next;
    }
    return object;
}

static void *pick_local(struct mutator *m)
{
    return m->slots[below(&m->rng, LOCALS)];
}

static void *pick_shared(struct mutator *m)
{
    void *root = eddy_root_load(m->thread, &m->world->roots[below(&m->rng, ROOTS)]);
    return walk(m, root, below(&m->rng, 12));
}

/* Anything at all, or NULL. */
static void *pick_value(struct mutator *m)
{
    void *value;
    switch (below(&m->rng, 8)) {
    case 0: value = NULL; break;
    case 1: value = pick_shared(m); break;
    case 2: value = walk(m, pick_local(m), below(&m->rng, 8)); break;
    case 3: value = m->slots[FIGURE_SLOT + below(&m->rng, FIGURES)]; break;
    default: value = pick_local(m);
    }
    if (value != NULL)
        check(m, value);
    return value;
}

/* A modelled object with at least `slots` slots, or NULL. */
static void *pick_own(struct mutator *m, uint32_t slots, struct shadow **shadow)
{
    uint32_t at = below(&m->rng, LOCALS);
    for (unsigned i = 0; i < LOCALS; i++, at = (at + 1) % LOCALS) {
        if (m->slots[at] == NULL)
            continue;
        void *object = i < LOCALS / 2 ? walk(m, m->slots[at], below(&m->rng, 5)) : m->slots[at];
        *shadow = shadow_of(m, object, check(m, object));
        if (*shadow != NULL && (*shadow)->slots >= slots)
            return object;
    }
    return NULL;
}

/* A shared object with at least `slots` slots, or NULL. */
static void *pick_container(struct mutator *m, uint32_t slots)
{
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        void *object = one_in(&m->rng, 6) ? pick_local(m) : pick_shared(m);
        if (object == NULL)
            continue;
        const struct head *h = check(m, object);
        if (h->owner == OWNER_SHARED && slot_count(h) >= slots)
            return object;
    }
    return NULL;
}

static void put_local(struct mutator *m, void *object)
{
    m->slots[below(&m->rng, LOCALS)] = object;
}

/* Memory has run out: lets go of some things. A safepoint. */
static void relieve(struct mutator *m)
{
    for (unsigned i = 0; i < LOCALS; i++)
        if (one_in(&m->rng, 2))
            m->slots[i] = NULL;
    for (unsigned i = 0; i < FIGURES; i++)
        if (one_in(&m->rng, 2)) {
            m->slots[FIGURE_SLOT + i] = NULL;
            m->figures[i].kind = FIGURE_NONE;
        }
    for (unsigned i = 0; i < 4; i++)
        eddy_root_store(m->thread, &m->world->roots[below(&m->rng, ROOTS)], NULL);
}

#endif
