/* The free-running mode, part 4: operations on private objects, which a model predicts exactly, and on shared
 * ones, of which the colors and canaries must hold. */
#ifndef EDDY_FUZZ_FREE_GRAPH_H
#define EDDY_FUZZ_FREE_GRAPH_H

#include "tools/fuzz/free/shadow.h"

/* ---- making ---- */

/* An acyclic object and its two leaves: never written again. */
static void *make_frozen(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT];
    *held = make(m, SHAPE_BYTES, below(&m->rng, 40), OWNER_FROZEN, NO_SHADOW, new_id(m));
    if (*held == NULL)
        return NULL;
    void *object = make(m, SHAPE_ACYCLIC, 0, OWNER_FROZEN, NO_SHADOW, new_id(m));
    if (object != NULL) {
        void **slots = slots_of(m, object, object);
        eddy_store(m->thread, object, &slots[0], *held);
        eddy_store(m->thread, object, &slots[1], *held);
    }
    *held = NULL;
    return object;
}

static void new_private(struct mutator *m)
{
    unsigned shape = pick_shape(m);
    void *object;
    if (shape == SHAPE_ACYCLIC) {
        object = make_frozen(m);
    } else {
        uint32_t index = shadow_find(m);
        object = make(m, shape, pick_length(m, shape), m->owner, index, new_id(m));
        if (object != NULL && index != NO_SHADOW)
            shadow_make(m, index, object, check_all(m, object));
    }
    if (object == NULL)
        relieve(m);
    else
        put_local(m, object);
}

/* Stores `value` where the color rule of `container` allows it; false if it has no such slot. A safepoint. */
static bool store_colored(struct mutator *m, void *container, void *value)
{
    const struct head *h = check(m, container);
    uint32_t n = slot_count(h), color = value != NULL ? check(m, value)->color : below(&m->rng, COLORS);
    if (n <= color)
        return false;
    uint32_t at = color + COLORS * below(&m->rng, (n - color + COLORS - 1) / COLORS);
    void **slot = slots_of(m, container, h) + at;
    void *old;
    switch (below(&m->rng, 4)) {
    case 0:
        old = eddy_load(m->thread, slot);
        if (!eddy_compare_and_swap(m->thread, container, slot, old, value))
            return true;
        break;
    case 1: eddy_store(m->thread, container, slot, value); return true;
    default: old = eddy_exchange(m->thread, container, slot, value);
    }
    if (old != NULL && check(m, old)->color != color) /* no safepoint since it was taken out */
        fail(m->world, m, "slot %" PRIu32 " of the shared object held %p of another color", at, old);
    if (old != NULL && one_in(&m->rng, 4))
        put_local(m, old);
    return true;
}

static void new_shared(struct mutator *m)
{
    unsigned shape = pick_shape(m);
    if (shape == SHAPE_ACYCLIC)
        shape = SHAPE_FIRST;
    void *object = make(m, shape, pick_length(m, shape), OWNER_SHARED, NO_SHADOW, new_id(m));
    if (object == NULL) {
        relieve(m);
        return;
    }
    put_local(m, object);
    for (unsigned i = below(&m->rng, 5); i > 0; i--)
        store_colored(m, object, pick_value(m));
    switch (below(&m->rng, 3)) {
    case 0: eddy_root_store(m->thread, &m->world->roots[below(&m->rng, ROOTS)], object); break;
    case 1: {
        void *container = pick_container(m, 1);
        if (container != NULL)
            store_colored(m, container, object);
        break;
    }
    default: break; /* stays local for now */
    }
}

/* A tree of shared objects, private until it is published as a whole. */
static void plant(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT]; /* the root, a node in it */
    held[0] = make(m, SHAPE_FIRST + 2, 0, OWNER_SHARED, NO_SHADOW, new_id(m));
    for (unsigned nodes = 2 + below(&m->rng, 40); held[0] != NULL && nodes > 0; nodes--) {
        held[1] = walk(m, held[0], below(&m->rng, 6));
        uint32_t at = below(&m->rng, slot_count(check(m, held[1])));
        void *node = make(m, SHAPE_FIRST + below(&m->rng, 4), 0, OWNER_SHARED, NO_SHADOW, new_colored_id(m, at % COLORS));
        if (node == NULL)
            break;
        eddy_store(m->thread, held[1], slots_of(m, held[1], check(m, held[1])) + at, node);
    }
    void *container = one_in(&m->rng, 2) ? pick_container(m, 1) : NULL;
    if (container == NULL)
        eddy_root_store(m->thread, &m->world->roots[below(&m->rng, ROOTS)], held[0]);
    else
        store_colored(m, container, held[0]);
    held[0] = held[1] = NULL;
}

/* ---- private objects ---- */

static void link_private(struct mutator *m)
{
    struct shadow *s;
    void *object = pick_own(m, 1, &s);
    if (object == NULL)
        return;
    uint32_t at = below(&m->rng, s->slots);
    void **slot = slots_of(m, object, check(m, object)) + at;
    void *value = pick_value(m), *before = unhide(s->values[at]), *old = before;
    bool stored = true;
    switch (below(&m->rng, 6)) {
    case 0: old = eddy_exchange(m->thread, object, slot, value); break;
    case 1:
        stored = eddy_compare_and_swap(m->thread, object, slot, before, value);
        if (!stored)
            fail(m->world, m, "compare-and-swap of slot %" PRIu32 " of the private object %p failed", at, object);
        break;
    case 2: {
        void *other = pick_local(m);
        stored = eddy_compare_and_swap(m->thread, object, slot, other, value);
        if (stored != (other == before))
            fail(m->world, m, "compare-and-swap of slot %" PRIu32 ": %d with %p in it, %p expected", at, stored, before,
                 other);
        break;
    }
    default: eddy_store(m->thread, object, slot, value);
    }
    if (old != before)
        fail(m->world, m, "slot %" PRIu32 " of a private object was %p, not %p", at, old, before);
    if (stored)
        s->values[at] = hide(value);
}

static void copy_private(struct mutator *m)
{
    struct shadow *to, *from;
    void *target = pick_own(m, 2, &to), *source = pick_own(m, 2, &from);
    if (one_in(&m->rng, 2)) { /* overlapping */
        source = target;
        from = to;
    }
    if (target == NULL || source == NULL)
        return;
    uint32_t n = 1 + below(&m->rng, to->slots < from->slots ? to->slots : from->slots);
    uint32_t at = below(&m->rng, to->slots - n + 1), first = below(&m->rng, from->slots - n + 1);
    void **into = slots_of(m, target, check(m, target)) + at;
    memmove(to->values + at, from->values + first, n * sizeof *to->values);
    eddy_copy_refs(m->thread, target, into, source, slots_of(m, source, check(m, source)) + first, n);
}

/* From a shared object, which others write meanwhile, into one's own. */
static void copy_in(struct mutator *m)
{
    struct shadow *to;
    void *source = pick_container(m, 2), *target = pick_own(m, 2, &to);
    if (target == NULL || source == NULL)
        return;
    const struct head *h = check(m, source);
    uint32_t have = slot_count(h), n = 1 + below(&m->rng, to->slots < have ? to->slots : have);
    uint32_t at = below(&m->rng, to->slots - n + 1), first = below(&m->rng, have - n + 1);
    void **slots = slots_of(m, target, check(m, target)) + at;
    m->slots[TEMP_SLOT] = target;
    eddy_copy_refs(m->thread, target, slots, source, slots_of(m, source, h) + first, n);
    for (uint32_t i = 0; i < n; i++) {
        void *value = eddy_load(m->thread, slots + i);
        if (value != NULL && check(m, value)->color != (first + i) % COLORS)
            fail(m->world, m, "%p of color %u was copied from slot %" PRIu32, value, check(m, value)->color, first + i);
        to->values[at + i] = hide(value);
    }
    m->slots[TEMP_SLOT] = NULL;
}

/* Many references to one object. */
static void fill_private(struct mutator *m)
{
    struct shadow *s;
    void *object = pick_own(m, 2, &s);
    if (object == NULL)
        return;
    uint32_t n = 1 + below(&m->rng, s->slots), at = below(&m->rng, s->slots - n + 1);
    void *value = pick_value(m);
    for (uint32_t i = 0; i < n; i++)
        s->values[at + i] = hide(value);
    eddy_fill_refs(m->thread, object, slots_of(m, object, check(m, object)) + at, value, n);
}

static void operate_private(struct mutator *m)
{
    switch (below(&m->rng, 24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5: new_private(m); break;
    case 6:
    case 7: put_local(m, NULL); break;
    case 8:
    case 9: {
        void *end = walk(m, pick_local(m), 20);
        if (end != NULL)
            check_all(m, end);
        break;
    }
    case 10:
        if (one_in(&m->rng, 16))
            audit(m);
        break;
    case 11: copy_private(m); break;
    case 12: copy_in(m); break;
    case 13: fill_private(m); break;
    case 14: { /* addresses inside an object lead to it */
        const char *object = pick_local(m);
        if (object != NULL) {
            size_t size = eddy_object_size(m->world->heap, object);
            if (eddy_object_at(m->world->heap, object + below(&m->rng, (uint32_t)size)) != object)
                fail(m->world, m, "an address inside %p of %zu bytes is not found", (const void *)object, size);
        }
        break;
    }
    default: link_private(m);
    }
}

/* ---- shared objects ---- */

static void copy_shared(struct mutator *m)
{
    void *source = pick_container(m, 5), *target = one_in(&m->rng, 3) ? source : pick_container(m, 5);
    if (source == NULL || target == NULL)
        return;
    const struct head *from = check(m, source), *to = check(m, target);
    uint32_t least = slot_count(from) < slot_count(to) ? slot_count(from) : slot_count(to);
    uint32_t n = 1 + below(&m->rng, least), at = below(&m->rng, slot_count(to) - n + 1);
    uint32_t first = below(&m->rng, slot_count(from) - n + 1) / COLORS * COLORS + at % COLORS;
    if (first + n > slot_count(from))
        first = at % COLORS;
    if (first + n > slot_count(from))
        return;
    eddy_copy_refs(m->thread, target, slots_of(m, target, to) + at, source, slots_of(m, source, from) + first, n);
}

static void clear_shared(struct mutator *m)
{
    void *container = pick_container(m, 2);
    if (container == NULL)
        return;
    const struct head *h = check(m, container);
    uint32_t n = 1 + below(&m->rng, slot_count(h)), at = below(&m->rng, slot_count(h) - n + 1);
    eddy_fill_refs(m->thread, container, slots_of(m, container, h) + at, NULL, n);
}

/* Moves a reference from one shared object to another, so that nothing but a C variable and the logs know
 * of it in between. */
static void move_shared(struct mutator *m)
{
    void *from = pick_container(m, 1), *to = pick_container(m, 1);
    if (from == NULL || to == NULL)
        return;
    const struct head *h = check(m, from);
    uint32_t at = below(&m->rng, slot_count(h));
    m->slots[TEMP_SLOT + 1] = to;
    void *taken = eddy_exchange(m->thread, from, slots_of(m, from, h) + at, NULL);
    m->slots[TEMP_SLOT] = taken;
    if (taken != NULL) {
        if (check(m, taken)->color != at % COLORS)
            fail(m->world, m, "slot %" PRIu32 " of a shared object held %p of another color", at, taken);
        if (one_in(&m->rng, 8))
            eddy_safepoint(m->thread);
        store_colored(m, to, taken);
        check(m, taken);
    }
    m->slots[TEMP_SLOT] = m->slots[TEMP_SLOT + 1] = NULL;
}

static void operate_shared(struct mutator *m)
{
    struct world *w = m->world;
    void *container;
    switch (below(&m->rng, 24)) {
    case 0:
    case 1:
    case 2: new_shared(m); break;
    case 3: plant(m); break;
    case 4:
    case 5: { /* held for a while */
        void *found = pick_shared(m);
        if (found != NULL)
            check_all(m, found);
        put_local(m, found);
        break;
    }
    case 6:
        eddy_root_store(m->thread, &w->roots[below(&m->rng, ROOTS)],
                        one_in(&m->rng, 2) ? pick_container(m, 1) : pick_value(m));
        break;
    case 7: clear_shared(m); break;
    case 8: copy_shared(m); break;
    case 9:
    case 10:
    case 11: move_shared(m); break;
    case 12:
    case 13:
    case 14: walk(m, eddy_root_load(m->thread, &w->roots[below(&m->rng, ROOTS)]), 40); break;
    case 15: /* no longer than it takes */
        if (one_in(&m->rng, 4))
            eddy_root_store(m->thread, &w->roots[below(&m->rng, ROOTS)], NULL);
        break;
    case 16:
    case 17:
        container = pick_container(m, 1);
        if (container != NULL)
            store_colored(m, container, NULL);
        break;
    default:
        container = pick_container(m, 1);
        if (container != NULL)
            store_colored(m, container, pick_value(m));
    }
}

#endif
