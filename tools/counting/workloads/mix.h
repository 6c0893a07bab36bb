/* The operations of an interpreter without the interpreter: of a hundred, 80 pairs on what is on the stack or in a local variable,
 * 10 on a few hot objects that all threads use (None, True, small numbers), 5 argument tuples, 5 stores into containers. */
#ifndef MIX_H
#define MIX_H

#include "workloads/crew.h"

enum { MIX_LOCALS = 16, MIX_HOT = 4, MIX_OPERATIONS = 1024 };
enum mix_operation { MIX_LOCAL, MIX_PERMANENT, MIX_TUPLE, MIX_STORE };

struct mix {
    struct object *frame; /* holds the locals */
    struct object *container;
    struct object *locals[MIX_LOCALS], *hot[MIX_HOT];
    uint8_t operations[MIX_OPERATIONS], operands[MIX_OPERATIONS];
};

static void mix_prepare(struct lab_thread *t, struct hand *hand, void *own)
{
    struct mix *m = own;
    m->frame = lab_new_array(t, LAB_MIDDLE);
    m->container = lab_new_array(t, LAB_MIDDLE);
    lab_hold(t, m->frame);
    lab_hold(t, m->container);
    for (uint32_t i = 0; i < MIX_LOCALS; i++) {
        m->locals[i] = lab_new_int(t, i + 1);
        lab_set(t, m->frame, i, m->locals[i]);
    }
    for (uint32_t i = 0; i < MIX_HOT; i++)
        m->hot[i] = lab_get(t, hand->crew->shared, i);
    uint64_t seed = 88172645463325252u;
    for (uint32_t i = 0; i < MIX_OPERATIONS; i++) {
        uint64_t chance = lab_random(&seed) % 100;
        m->operations[i] = chance < 80 ? MIX_LOCAL : chance < 90 ? MIX_PERMANENT : chance < 95 ? MIX_TUPLE : MIX_STORE;
        m->operands[i] = (uint8_t)(lab_random(&seed) >> 40);
    }
}

static inline void mix_pair(struct lab_thread *t, struct object *o)
{
    lab_retain(t, o);
    count_keep_order();
    lab_release(t, o);
}

static void mix_work(struct lab_thread *t, struct hand *hand, void *own)
{
    struct mix *m = own;
    uint64_t operations = hand->crew->request->operations;
    for (uint64_t done = 0; done < operations; done++) {
        uint32_t at = (uint32_t)(done % MIX_OPERATIONS), operand = m->operands[at];
        struct object *o = m->locals[operand % MIX_LOCALS], *tuple;
        switch ((enum mix_operation)m->operations[at]) {
        case MIX_LOCAL: mix_pair(t, o); break;
        case MIX_PERMANENT: mix_pair(t, m->hot[operand % MIX_HOT]); break;
        case MIX_TUPLE:
            tuple = lab_new_array(t, 2);
            lab_retain(t, o);
            lab_init(t, tuple, 0, o);
            lab_retain(t, m->hot[operand % MIX_HOT]);
            lab_init(t, tuple, 1, m->hot[operand % MIX_HOT]);
            lab_release(t, tuple);
            break;
        case MIX_STORE:
            lab_retain(t, o);
            lab_set(t, m->container, operand % LAB_MIDDLE, o);
            break;
        }
        if (done % 16 == 0)
            lab_poll(t);
    }
    hand->operations = operations;
}

static void mix_finish(struct lab_thread *t, struct hand *hand, void *own)
{
    struct mix *m = own;
    for (uint32_t i = 0; i < LAB_MIDDLE; i++) {
        const struct object *o = lab_get(t, m->container, i);
        hand->checksum += o != NULL ? (uint64_t)lab_int(o) * (i + 1) : 0;
    }
    lab_unhold(t, m->container);
    lab_unhold(t, m->frame);
}

static void mix_share(struct lab_thread *t, struct object *shared)
{
    for (uint32_t i = 0; i < MIX_HOT; i++) {
        struct object *hot = lab_new_int(t, i);
        lab_permanent(t, hot);
        lab_set_shared(t, shared, i, hot);
    }
}

static void mix_run(struct lab_thread *t, const struct lab_request *request, struct object *shared, struct lab_result *result)
{
    struct crew crew = {
        .request = request, .shared = shared, .share = mix_share, .prepare = mix_prepare, .work = mix_work, .finish = mix_finish};
    crew_perform(t, &crew, sizeof(struct mix), result);
}

#endif
