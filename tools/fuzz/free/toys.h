/* The free-running mode, part 6: toys, small rings that live in boxes which all threads share. A toy hangs on
 * one reference, which moves from member to member and from box to box, while chords inside it come and go:
 * to a search for cycles it looks like garbage again and again. What never changes is the ring itself. */
#ifndef EDDY_FUZZ_FREE_TOYS_H
#define EDDY_FUZZ_FREE_TOYS_H

#include "tools/fuzz/free/figures.h"

#define TOY_MOST 6u /* members; slot 0 is the ring, slot 1 the chord; the identity tells the place in it */
#define TOY_IDS 8u

static void *toy_next(struct mutator *m, void *member, unsigned slot)
{
    return eddy_load(m->thread, slots_of(m, member, check(m, member)) + slot);
}

/* A member some steps further on. */
static void *toy_member(struct mutator *m, void *member)
{
    for (unsigned steps = below(&m->rng, TOY_MOST); steps > 0; steps--)
        member = toy_next(m, member, 0);
    return member;
}

static void check_toy(struct mutator *m, void *first)
{
    const struct head *h = check(m, first);
    uint64_t base = h->id / TOY_IDS * TOY_IDS;
    uint32_t members = h->index;
    void *member = first;
    for (uint32_t i = 0; i < members; i++) {
        void *next = toy_next(m, member, 0), *chord = toy_next(m, member, 1);
        uint64_t expected = base + (check(m, member)->id - base + 1) % members;
        if (next == NULL || check_all(m, next)->id != expected)
            fail(m->world, m, "member %p of a toy leads to %p", member, next);
        if (chord != NULL && check(m, chord)->id / TOY_IDS != base / TOY_IDS)
            fail(m->world, m, "a chord of the toy member %p leads to the stranger %p", member, chord);
        member = next;
    }
    if (member != first)
        fail(m->world, m, "the ring of the toy %p leads to %p", first, member);
}

/* In TEMP_SLOT; false when memory has run out. */
static bool make_toy(struct mutator *m)
{
    void **held = &m->slots[TEMP_SLOT]; /* first, last */
    uint32_t members = 1 + below(&m->rng, TOY_MOST);
    uint64_t base = (new_id(m) + TOY_IDS) / TOY_IDS * TOY_IDS;
    m->serial += 2 * TOY_IDS;
    held[0] = held[1] = NULL;
    for (uint32_t i = 0; i < members; i++) {
        void *member = make(m, SHAPE_FIRST + (i & 1), 0, OWNER_FROZEN, members, base + i);
        if (member == NULL) {
            held[0] = held[1] = NULL;
            return false;
        }
        if (i == 0)
            held[0] = member;
        else
            eddy_store(m->thread, held[1], slots_of(m, held[1], held[1]), member);
        held[1] = member;
    }
    eddy_store(m->thread, held[1], slots_of(m, held[1], held[1]), held[0]);
    held[1] = NULL;
    return true;
}

static void set_chords(struct mutator *m, void *toy)
{
    void **held = &m->slots[TEMP_SLOT];
    bool holding = one_in(&m->rng, 4);
    held[0] = holding ? toy : NULL;
    for (unsigned times = 1 + below(&m->rng, 4); times > 0; times--) {
        void *from = toy_member(m, toy), *to = one_in(&m->rng, 3) ? NULL : toy_member(m, toy);
        eddy_store(m->thread, from, slots_of(m, from, check(m, from)) + 1, to);
        if (!holding) /* a store may be a safepoint, and then others may have taken the toy away */
            break;
    }
    held[0] = NULL;
}

/* Takes the toy out of its place; for a while only this thread knows of it. */
static void move_toy(struct mutator *m, void *box, void **slot)
{
    void **held = &m->slots[TEMP_SLOT];
    void *to = eddy_root_load(m->thread, &m->world->boxes[below(&m->rng, BOXES)]);
    void **target = slots_of(m, to, check(m, to)) + below(&m->rng, TOYS);
    held[0] = eddy_exchange(m->thread, box, slot, NULL);
    if (held[0] == NULL)
        return;
    if (one_in(&m->rng, 8))
        eddy_safepoint(m->thread);
    held[1] = toy_member(m, held[0]);
    void *old = eddy_exchange(m->thread, to, target, held[1]);
    if (old != NULL)
        check_toy(m, old);
    check_toy(m, held[0]);
    held[0] = held[1] = NULL;
}

static void operate_toys(struct mutator *m)
{
    void *box = eddy_root_load(m->thread, &m->world->boxes[below(&m->rng, BOXES)]);
    void **slot = slots_of(m, box, check(m, box)) + below(&m->rng, TOYS);
    void *toy = eddy_load(m->thread, slot);
    if (toy == NULL) {
        if (!make_toy(m)) {
            relieve(m);
            return;
        }
        eddy_compare_and_swap(m->thread, box, slot, NULL, m->slots[TEMP_SLOT]);
        m->slots[TEMP_SLOT] = NULL;
        return;
    }
    switch (below(&m->rng, 16)) {
    case 0:
    case 1: check_toy(m, toy); break;
    case 2:
    case 3: /* hangs on the next member from now on */
        eddy_compare_and_swap(m->thread, box, slot, toy, toy_next(m, toy, 0));
        break;
    case 4:
    case 5:
    case 6: move_toy(m, box, slot); break;
    case 7: put_local(m, toy_member(m, toy)); break;
    case 8:
        if (one_in(&m->rng, 4))
            eddy_store(m->thread, box, slot, NULL);
        break;
    default: set_chords(m, toy);
    }
}

#endif
