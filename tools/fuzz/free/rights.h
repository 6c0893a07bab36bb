/* The free-running mode, part 7: purses, objects of an arbitrated type in root slots, whose coins move between them under rights to both at
 * once, by foreign code under the legacy lock, and by counted stores without exchange. The coins together stay the same; those of
 * one purse are written twice, so that a torn one shows. */
#ifndef EDDY_FUZZ_FREE_RIGHTS_H
#define EDDY_FUZZ_FREE_RIGHTS_H

#include "tools/fuzz/free/toys.h"

#define PURSE_COINS 1000
#define PURSES_MARKED 3u /* the first ones may be handed to foreign code */

struct purse {
    eddy_right right;
    uint32_t number;
    int64_t coins, again;
    void *neighbour; /* another purse */
};

static void register_purses(struct world *w)
{
    const size_t offsets[] = {offsetof(struct purse, neighbour)};
    const eddy_type_desc desc = {
        .name = "purse", .size = sizeof(struct purse), .ref_offsets = offsets, .ref_count = 1, .flags = EDDY_TYPE_ARBITRATED};
    if (eddy_type_register(w->heap, &desc, &w->purse) != EDDY_OK)
        fail(w, NULL, "no type of purses");
}

static void make_purses(struct mutator *m)
{
    for (uint32_t i = 0; i < PURSES; i++) {
        struct purse *p = eddy_alloc(m->thread, m->world->purse);
        if (p == NULL)
            fail(m->world, m, "no purse");
        *p = (struct purse){.number = i, .coins = PURSE_COINS, .again = PURSE_COINS};
        eddy_own_write(m->thread, p);
        eddy_root_store(m->thread, &m->world->purses[i], p);
    }
}

static struct purse *purse_at(struct mutator *m, uint32_t i)
{
    return eddy_root_load(m->thread, &m->world->purses[i]);
}

static void check_purse(struct mutator *m, const struct purse *p)
{
    if (p->coins != p->again)
        fail(m->world, m, "purse %u is torn: %" PRId64 ", %" PRId64, p->number, p->coins, p->again);
}

static void pay(struct mutator *m, struct purse *p, int64_t coins)
{
    check_purse(m, p);
    p->coins += coins;
    if (one_in(&m->rng, 32))
        sched_yield();
    p->again += coins;
}

static void count_coins(struct mutator *m)
{
    eddy_own_request all[PURSES];
    int64_t sum = 0;
    for (uint32_t i = 0; i < PURSES; i++)
        all[i] = (eddy_own_request){purse_at(m, i), one_in(&m->rng, 8)};
    eddy_own_all(m->thread, all, PURSES);
    for (uint32_t i = 0; i < PURSES; i++) {
        check_purse(m, all[i].object);
        sum += ((struct purse *)all[i].object)->coins;
    }
    if (sum != (int64_t)PURSES * PURSE_COINS)
        fail(m->world, m, "%" PRId64 " coins", sum);
}

/* Knows nothing of threads. */
static void run_foreign(struct mutator *m)
{
    struct world *w = m->world;
    if (EDDY_ADD_SEQ_CST(&w->foreign_inside, 1) != 0)
        fail(w, m, "two threads in foreign code");
    struct purse *a = w->foreign_kept[below(&m->rng, PURSES_MARKED)], *b = w->foreign_kept[below(&m->rng, PURSES_MARKED)];
    if (a != NULL && b != NULL) {
        pay(m, a, -1);
        pay(m, b, 1);
    }
    EDDY_ADD_SEQ_CST(&w->foreign_inside, -1);
}

static void operate_foreign(struct mutator *m)
{
    uint32_t i = below(&m->rng, PURSES_MARKED);
    eddy_legacy_enter(m->thread);
    if (one_in(&m->rng, 16)) {
        eddy_legacy_hand(m->thread, purse_at(m, i));
        m->world->foreign_kept[i] = purse_at(m, i);
    }
    run_foreign(m);
    if (one_in(&m->rng, 4)) {
        unsigned window = eddy_legacy_window_open(m->thread);
        sched_yield();
        eddy_legacy_window_close(m->thread, window);
    }
    eddy_safepoint(m->thread);
    run_foreign(m);
    eddy_legacy_leave(m->thread);
}

static void operate_rights(struct mutator *m)
{
    struct purse *a = purse_at(m, below(&m->rng, PURSES)), *b = purse_at(m, below(&m->rng, PURSES));
    eddy_own_request both[] = {{a, true}, {b, true}};
    switch (below(&m->rng, 16)) {
    case 0:
    case 1:
    case 2:
        eddy_own_read(m->thread, a);
        check_purse(m, a);
        break;
    case 3:
    case 4:
    case 5:
        eddy_own_write(m->thread, a);
        eddy_own_store(m->thread, a, &a->neighbour, one_in(&m->rng, 4) ? NULL : b);
        break;
    case 6:
        eddy_own_write(m->thread, a);
        EDDY_SET(m->thread, a, neighbour, b);
        break;
    case 7: operate_foreign(m); break;
    case 8:
        if (one_in(&m->rng, 4))
            count_coins(m);
        break;
    case 9:
        if (one_in(&m->rng, 8))
            eddy_barrier(m->thread);
        break;
    default:
        eddy_own_all(m->thread, both, 2);
        pay(m, a, -2);
        pay(m, b, 2);
    }
}

#endif
