/* The free-running mode, part 7: what is attached to objects, and pins. Pinned objects travel between threads in C memory;
 * weak references, ephemerons and tables are checked against what the mutator holds itself; finalizers of all threads go
 * into one queue, from which each must come once. */
#ifndef EDDY_FUZZ_FREE_ATTACHED_H
#define EDDY_FUZZ_FREE_ATTACHED_H

#include "tools/fuzz/free/shadow.h"

/* Pins an object for whoever finds it; unpins what another has left. */
static void operate_pins(struct mutator *m)
{
    void **place = &m->world->pinned[below(&m->rng, MAILBOXES)];
    void *mine = one_in(&m->rng, 3) ? NULL : pick_local(m);
    eddy_pin(m->thread, mine);
    void *found = EDDY_EXCHANGE_ACQ_REL(place, mine);
    if (found == NULL)
        return;
    check_all(m, found);
    if (one_in(&m->rng, 2))
        put_local(m, found);
    eddy_unpin(m->thread, found);
}

/* What the mutator holds is alive; so a weak reference to it gives it. */
static void operate_weak(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT];
    struct weak_local *w = &m->weak[below(&m->rng, WEAK_LOCALS)];
    if (w->cell == NULL) {
        void *object = held[0] = pick_local(m);
        if (object != NULL && eddy_weak_create(m->thread, object, &w->cell) == EDDY_OK) {
            w->id = check(m, object)->id;
            if (eddy_weak_load(m->thread, w->cell) != object)
                fail(m->world, m, "a weak cell does not give %p, which is held", object);
        }
        held[0] = NULL;
        return;
    }
    void *found = eddy_weak_load(m->thread, w->cell);
    if (found != NULL && check_all(m, found)->id != w->id)
        fail(m->world, m, "a weak cell gives %p, another object", found);
    if (found == NULL || one_in(&m->rng, 8)) {
        eddy_weak_drop(m->thread, w->cell);
        w->cell = NULL;
    } else if (one_in(&m->rng, 4)) {
        put_local(m, found);
    }
}

static void operate_ephemeron(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT], *key;
    eddy_ephemeron *e;
    held[0] = pick_local(m);
    held[1] = pick_local(m);
    if (held[0] != NULL && eddy_ephemeron_create(m->thread, held[0], held[1], &e) == EDDY_OK) {
        void *value = held[1];
        if (one_in(&m->rng, 4) && eddy_ephemeron_set(m->thread, e, held[0]))
            value = held[0];
        held[1] = NULL; /* the key keeps it */
        eddy_safepoint(m->thread);
        void *found = eddy_ephemeron_get(m->thread, e, &key);
        if (key != held[0] || found != value)
            fail(m->world, m, "an ephemeron of %p and %p gives %p and %p", held[0], value, key, found);
        if (found != NULL)
            check_all(m, found);
        eddy_ephemeron_drop(m->thread, e);
    }
    held[0] = held[1] = NULL;
}

/* A table of some of the mutator's own references, used and left to die. */
static void operate_table(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT];
    eddy_table *table = held[0] = eddy_table_new(m->thread, (eddy_table_kind)below(&m->rng, 4));
    for (unsigned i = 0; table != NULL && i < LOCALS; i++) {
        held[1] = m->slots[i];
        held[2] = pick_local(m);
        if (held[1] == NULL || held[2] == NULL || eddy_table_put(m->thread, table, held[1], held[2]) != EDDY_OK)
            continue;
        if (eddy_table_get(m->thread, table, held[1]) != held[2])
            fail(m->world, m, "a table has lost the value of %p", held[1]);
        if (one_in(&m->rng, 4) && !eddy_table_remove(m->thread, table, held[1]))
            fail(m->world, m, "a table has lost its entry of %p", held[1]);
    }
    held[0] = held[1] = held[2] = NULL;
}

/* How many finalizers have been taken; some bring their object back. */
static unsigned take_finalizers(struct mutator *m, unsigned most)
{
    eddy_finalization entry;
    unsigned taken = 0;
    for (; taken < most && eddy_finalizer_take(m->thread, m->world->queue, &entry); taken++) {
        check_all(m, entry.object);
        EDDY_ADD_RELAXED(&m->world->finalized, 1);
        if (one_in(&m->rng, 4))
            put_local(m, entry.object);
    }
    return taken;
}

static void operate_finalizers(struct mutator *m)
{
    void *object = pick_local(m);
    if (object == NULL || eddy_is_permanent(object) || one_in(&m->rng, 2)) { /* permanent objects are never dead */
        take_finalizers(m, 4);
        return;
    }
    m->slots[TEMP_SLOT] = object;
    if (eddy_finalizer_attach(m->thread, object, m->world->queue, NULL, NULL) == EDDY_OK)
        EDDY_ADD_RELAXED(&m->world->attached, 1);
    eddy_external_add(m->thread, object, below(&m->rng, 4000));
    m->slots[TEMP_SLOT] = NULL;
}

static void operate_attached(struct mutator *m)
{
    switch (below(&m->rng, 8)) {
    case 0:
    case 1:
    case 2: operate_pins(m); break;
    case 3:
    case 4: operate_weak(m); break;
    case 5: operate_ephemeron(m); break;
    case 6: operate_table(m); break;
    default: operate_finalizers(m);
    }
}

/* A mutator's life ends. */
static void drop_weak(struct mutator *m)
{
    for (unsigned i = 0; i < WEAK_LOCALS; i++) {
        eddy_weak_drop(m->thread, m->weak[i].cell);
        m->weak[i].cell = NULL;
    }
}

static void drop_pins(struct mutator *m)
{
    for (unsigned i = 0; i < MAILBOXES; i++)
        eddy_unpin(m->thread, EDDY_EXCHANGE_ACQ_REL(&m->world->pinned[i], NULL));
}

#endif
