/* The free-running mode, part 10: objects that change their nature. Toys become permanent, or are born so, and hang on root slots
 * where all threads read them; each mutator has an array of references of its own that is resized again and again. */
#ifndef EDDY_FUZZ_FREE_LASTING_H
#define EDDY_FUZZ_FREE_LASTING_H

#include "tools/fuzz/free/toys.h"

#define PERMANENT_MOST 4000u /* objects of a heap: they stay until its end */
#define GROWN_MOST 2600u

/* ---- permanent objects ---- */

/* A ring whose members can be read only. */
static void check_permanent(struct mutator *m, void *toy)
{
    check_toy(m, toy);
    for (unsigned steps = 0; steps < TOY_MOST; steps++) {
        if (!eddy_is_permanent(toy) || toy_next(m, toy, 1) != NULL)
            fail(m->world, m, "the permanent object %p is none", toy);
        toy = toy_next(m, toy, 0);
    }
}

/* In TEMP_SLOT, where it needs not be. */
static bool bear_permanent(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT];
    uint32_t members = 1 + below(&m->rng, TOY_MOST);
    uint64_t base = (new_id(m) + TOY_IDS) / TOY_IDS * TOY_IDS;
    void *last = NULL, *first = NULL;
    m->serial += 2 * TOY_IDS;
    for (uint32_t i = 0; i < members; i++) {
        void *member = eddy_alloc_permanent(m->thread, m->world->types[SHAPE_FIRST]);
        if (member == NULL)
            return failed(m) != NULL;
        EDDY_ADD_RELAXED(&m->world->permanent_objects, 1);
        stamp(member, member,
              (struct head){.id = base + i,
                            .owner = OWNER_FROZEN,
                            .index = members,
                            .shape = SHAPE_FIRST,
                            .slots = 2,
                            .color = (uint8_t)((base + i) % COLORS),
                            .first = FIRST_SLOT});
        if (first == NULL)
            first = member;
        else if (eddy_permanent_set(m->thread, last, slots_of(m, last, last), member) != EDDY_OK)
            fail(m->world, m, "a permanent object cannot be given its value");
        last = member;
    }
    if (eddy_permanent_set(m->thread, last, slots_of(m, last, last), first) != EDDY_OK
        || eddy_permanent_set(m->thread, last, slots_of(m, last, last), first) != EDDY_EBUSY)
        fail(m->world, m, "a field of a permanent object is not given its value once");
    held[0] = first;
    return true;
}

static bool become_permanent(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT];
    if (!make_toy(m))
        return false;
    if (one_in(&m->rng, 2))
        eddy_safepoint(m->thread);
    eddy_status status = eddy_make_permanent(m->thread, held[0]);
    if (status != EDDY_OK && status != EDDY_ENOMEM)
        fail(m->world, m, "a toy cannot be made permanent: %s", eddy_status_text(status));
    if (status == EDDY_OK)
        EDDY_ADD_RELAXED(&m->world->permanent_objects, check(m, held[0])->index);
    return status == EDDY_OK;
}

static void operate_permanent(struct mutator *m)
{
    struct world *w = m->world;
    void **slot = &w->permanent[below(&m->rng, PERMANENT)], **held = &m->slots[TEMP_SLOT];
    void *toy = eddy_root_load(m->thread, slot);
    if (toy != NULL)
        check_permanent(m, toy);
    if (toy != NULL && one_in(&m->rng, 4))
        put_local(m, toy_member(m, toy));
    if (!one_in(&m->rng, 32) || EDDY_LOAD_RELAXED(&w->permanent_objects) >= PERMANENT_MOST)
        return;
    if (one_in(&m->rng, 2) ? bear_permanent(m) : become_permanent(m)) {
        check_permanent(m, held[0]);
        eddy_root_store(m->thread, slot, held[0]);
    }
    held[0] = NULL;
}

/* ---- resizing ---- */

/* The mutator's own array holds what was put there, and nothing else. */
static void check_grown(struct mutator *m)
{
    const eddy_array *array = m->slots[GROWN_SLOT];
    if (array == NULL)
        return;
    if (array->length != m->grown_length)
        fail(m->world, m, "the array %p has length %zu, not %zu", (const void *)array, array->length, m->grown_length);
    for (size_t i = 0; i < m->grown_length; i++) {
        void *value = eddy_load(m->thread, &array->slots[i]);
        if (value != unhide(m->grown[i]))
            fail(m->world, m, "slot %zu of the array %p is %p, not %p", i, (const void *)array, value, unhide(m->grown[i]));
        if (value != NULL)
            check(m, value);
    }
}

static void resize_grown(struct mutator *m)
{
    size_t length = one_in(&m->rng, 16) ? below(&m->rng, GROWN_MOST) : below(&m->rng, 80);
    void *result = eddy_resize(m->thread, m->slots[GROWN_SLOT], length);
    if (result == NULL) {
        failed(m);
        return;
    }
    m->slots[GROWN_SLOT] = result;
    for (size_t i = m->grown_length; i < length; i++)
        m->grown[i] = hide(NULL);
    m->grown_length = length;
    check_grown(m);
}

static void operate_resize(struct mutator *m)
{
    if (m->slots[GROWN_SLOT] == NULL) {
        size_t length = below(&m->rng, 40);
        m->slots[GROWN_SLOT] = eddy_alloc_array(m->thread, length);
        if (m->slots[GROWN_SLOT] == NULL) {
            failed(m);
            relieve(m);
            return;
        }
        m->grown_length = length;
        for (size_t i = 0; i < length; i++)
            m->grown[i] = hide(NULL);
    }
    eddy_array *array = m->slots[GROWN_SLOT];
    for (unsigned n = below(&m->rng, 4); n > 0 && m->grown_length != 0; n--) {
        size_t i = below(&m->rng, (uint32_t)m->grown_length);
        void *value = one_in(&m->rng, 4) ? NULL : pick_local(m);
        eddy_store(m->thread, array, &array->slots[i], value);
        m->grown[i] = hide(value);
    }
    if (one_in(&m->rng, 8))
        resize_grown(m);
    if (one_in(&m->rng, 64))
        m->slots[GROWN_SLOT] = NULL;
}

static void operate_lasting(struct mutator *m)
{
    (one_in(&m->rng, 3) ? operate_permanent : operate_resize)(m);
}

#endif
