/* Pairs of one retain and one release: hot, cold, shared, contended, and on objects in the same cache lines. */
#ifndef PAIRS_H
#define PAIRS_H

#include "workloads/crew.h"

enum { PAIRS_OWN = 32, PAIRS_HOT = 16, PAIRS_PICKS = 1024, PAIRS_POLL = 64 };

struct pairs {
    struct object *picks[PAIRS_PICKS]; /* what is retained and released, in this order, again and again */
    struct object **cold;              /* CASE_COLD: all of its objects, shuffled */
    size_t cold_count;
};

static inline uint32_t pairs_slot(unsigned thread, uint32_t i)
{
    return thread * PAIRS_OWN + i;
}

/* Each thread makes its objects and shows them to the others. */
static void pairs_prepare(struct lab_thread *t, struct hand *hand, void *own)
{
    (void)own;
    for (uint32_t i = 0; i < PAIRS_OWN; i++)
        lab_set_shared(t, hand->crew->shared, pairs_slot(hand->index, i), lab_new_int(t, i + 1));
}

static void pairs_pick(struct lab_thread *t, struct hand *hand, struct pairs *p)
{
    const struct lab_request *r = hand->crew->request;
    uint64_t seed = 88172645463325252u + hand->index;
    for (uint32_t i = 0; i < PAIRS_PICKS; i++) {
        uint32_t slot = pairs_slot(hand->index, (uint32_t)(lab_random(&seed) % PAIRS_OWN));
        if (r->which == CASE_HOT)
            slot = pairs_slot(hand->index, i % PAIRS_HOT);
        else if (r->which == CASE_ONE)
            slot = 0;
        else if (r->which == CASE_SHARE && r->threads > 1 && lab_random(&seed) % 100 < r->share)
            slot = pairs_slot((hand->index + 1 + (unsigned)(lab_random(&seed) % (r->threads - 1))) % r->threads,
                              slot % PAIRS_OWN);
        p->picks[i] = lab_get(t, hand->crew->shared, slot);
    }
}

/* The measured loop. The array holds the objects. */
static void pairs_work(struct lab_thread *t, struct hand *hand, void *own)
{
    struct pairs *p = own;
    uint64_t operations = hand->crew->request->operations;
    for (uint64_t done = 0; done < operations; done += PAIRS_POLL) {
        struct object **picks = &p->picks[done % PAIRS_PICKS];
        for (uint32_t i = 0; i < PAIRS_POLL; i++)
            lab_pair(t, picks[i]);
        lab_poll(t);
    }
    hand->operations = operations;
}

static void pairs_work_picked(struct lab_thread *t, struct hand *hand, void *own)
{
    pairs_pick(t, hand, own);
    hand->begun_ns = lab_now_ns();
    pairs_work(t, hand, own);
}

static void pairs_finish(struct lab_thread *t, struct hand *hand, void *own)
{
    struct pairs *p = own;
    for (uint32_t i = 0; i < PAIRS_PICKS; i++)
        hand->checksum += (uint64_t)lab_int(p->picks[i]);
    (void)t;
}

/* ---- cold ---- */

static void cold_prepare(struct lab_thread *t, struct hand *hand, void *own)
{
    struct pairs *p = own;
    p->cold_count = hand->crew->request->operations / LAB_LARGE * LAB_LARGE;
    p->cold = malloc(p->cold_count * sizeof(struct object *));
    if (p->cold == NULL)
        count_fatal("out of memory");
    for (size_t i = 0; i < p->cold_count / LAB_LARGE; i++) {
        struct object *array = lab_new_array(t, LAB_LARGE);
        for (uint32_t k = 0; k < LAB_LARGE; k++) {
            struct object *o = lab_new_int(t, (int64_t)k);
            lab_set(t, array, k, o);
            p->cold[i * LAB_LARGE + k] = o;
        }
        lab_hold(t, array);
        lab_poll(t);
    }
    uint64_t seed = 88172645463325252u;
    for (size_t i = p->cold_count; i > 1; i--) {
        size_t k = lab_random(&seed) % i;
        struct object *o = p->cold[i - 1];
        p->cold[i - 1] = p->cold[k];
        p->cold[k] = o;
    }
}

static void cold_work(struct lab_thread *t, struct hand *hand, void *own)
{
    struct pairs *p = own;
    for (size_t i = 0; i < p->cold_count; i++) {
        lab_pair(t, p->cold[i]);
        if (i % PAIRS_POLL == 0)
            lab_poll(t);
    }
    hand->operations = p->cold_count;
}

static void cold_finish(struct lab_thread *t, struct hand *hand, void *own)
{
    struct pairs *p = own;
    (void)t;
    for (size_t i = 0; i < p->cold_count; i++)
        hand->checksum += (uint64_t)lab_int(p->cold[i]);
    free(p->cold);
}

/* ---- neighbours ---- */

#ifndef COUNT_EDDY
/* One object per thread in memory that all have in common; it is never freed. */
static _Alignas(64) char neighbours[LAB_MOST_THREADS * (sizeof(struct object) + sizeof(void *))];
#endif

static void neighbours_prepare(struct lab_thread *t, struct hand *hand, void *own)
{
    struct pairs *p = own;
#ifdef COUNT_EDDY
    struct object *o = lab_get(t, hand->crew->shared, hand->index);
#else
    struct object *o = (struct object *)(void *)(neighbours + hand->index * (sizeof(struct object) + sizeof(void *)));
    o->kind = LAB_INT;
    o->length = 0;
    o->slots[0] = (struct object *)(intptr_t)(hand->index + 1);
    count_init(&t->own, &o->header);
    count_retain(&t->own, &o->header);
#endif
    (void)t;
    for (uint32_t i = 0; i < PAIRS_PICKS; i++)
        p->picks[i] = o;
}

static void pairs_run(struct lab_thread *t, const struct lab_request *request, struct object *shared,
                      struct lab_result *result)
{
    struct crew crew = {
        .request = request, .shared = shared, .prepare = pairs_prepare, .work = pairs_work_picked, .finish = pairs_finish};
    if (request->which == CASE_COLD) {
        crew.prepare = cold_prepare;
        crew.work = cold_work;
        crew.finish = cold_finish;
    } else if (request->which == CASE_NEIGHBOURS) {
        for (uint32_t i = 0; i < request->threads; i++)
            lab_set_shared(t, shared, i, lab_new_int(t, i + 1));
        crew.prepare = neighbours_prepare;
        crew.work = pairs_work;
    }
    crew_perform(t, &crew, sizeof(struct pairs), result);
}

#endif
