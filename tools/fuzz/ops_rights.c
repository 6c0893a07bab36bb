/* Rights to purses, objects of an arbitrated type; the legacy lock; barriers. A purse holds the same number of coins twice, and whoever
 * changes them lets others run in between: with a right they are seen alike. Purses get to other threads as all objects do. */
#include "tools/fuzz/operations.h"

struct purse {
    eddy_right right;
    uint32_t unused;
    int64_t coins, again;
    void *neighbour; /* any object */
};

/* A purse that the mutator has in the handle or in one of those after it, 0 if there is none. */
static uint32_t purse_in(struct mutator *m, unsigned handle)
{
    for (unsigned i = 0; i < FUZZ_HANDLES; i++) {
        uint32_t number = m->handles[(handle + i) % FUZZ_HANDLES];
        if (number != 0 && model_object(m->run, number)->shape == SHAPE_PURSE && !model_object(m->run, number)->permanent)
            return number;
    }
    return 0;
}

static struct purse *purse_at(const struct mutator *m, uint32_t number)
{
    return model_address(m->run, number);
}

/* The mutator has a right to it, and others run. */
static void look(struct mutator *m, uint32_t number)
{
    const struct purse *p = purse_at(m, number);
    int64_t coins = p->coins;
    for (unsigned i = 0; i < 2; i++) {
        if (p->coins != coins || p->again != coins)
            fuzz_fail(OUTCOME_CHANGED, "purse %u is being changed while thread %u has a right to it", number, m->number);
        sched_point(POINT_OPERATION, number);
    }
}

static void pay(struct mutator *m, uint32_t number, int64_t coins)
{
    struct purse *p = purse_at(m, number);
    look(m, number);
    p->coins += coins;
    sched_point(POINT_OPERATION, number);
    p->again += coins;
}

void op_purse_new(struct mutator *m, const struct operation *o)
{
    uint32_t number = fuzz_new(m, SHAPE_PURSE, 0);
    if (number == 0)
        return;
    fuzz_hold(m, o->a % FUZZ_HANDLES, number);
    if ((o->b & 1) != 0) {
        eddy_own_write(m->thread, purse_at(m, number));
        pay(m, number, 100);
    }
    if ((o->b & 6) != 0)
        fuzz_root_store(m, o->c % FUZZ_ROOTS, number);
}

/* To write, or to read so many times, with safepoints in between. */
void op_own(struct mutator *m, const struct operation *o)
{
    uint32_t number = purse_in(m, o->a);
    if (number == 0)
        return;
    if ((o->b & 1) != 0) {
        eddy_own_write(m->thread, purse_at(m, number));
        pay(m, number, 1);
        return;
    }
    for (unsigned i = 0; i <= o->b / 2 % 4u; i++) {
        eddy_safepoint(m->thread);
        eddy_own_read(m->thread, purse_at(m, number));
        look(m, number);
    }
}

/* To several at once, some to be read, some to be written, perhaps one named twice. */
static void own_some(struct mutator *m, const uint8_t handles[3], unsigned writes)
{
    eddy_own_request requests[3];
    uint32_t numbers[3];
    size_t n = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t number = purse_in(m, handles[i]);
        if (number == 0)
            return;
        numbers[n] = number;
        requests[n++] = (eddy_own_request){purse_at(m, number), (writes >> i & 1) != 0};
    }
    eddy_status status = eddy_own_all(m->thread, requests, n);
    if (status != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "rights to several objects: %s", eddy_status_text(status));
    for (size_t i = 0; i < n; i++)
        if (requests[i].write)
            pay(m, numbers[i], 1);
        else
            look(m, numbers[i]);
}

void op_own_all(struct mutator *m, const struct operation *o)
{
    own_some(m, (const uint8_t[]){o->a, o->b, (uint8_t)(o->c >> 3)}, o->c);
}

void op_own_store(struct mutator *m, const struct operation *o)
{
    uint32_t number = purse_in(m, o->a), value = operand_value(m, o->b);
    if (number == 0)
        return;
    struct purse *p = purse_at(m, number);
    if (o->c % 4u == 0)
        eddy_own_write_reserve(m->thread, p, 1 + o->c / 4u % 3u);
    else
        eddy_own_write(m->thread, p);
    m->pending = (struct pending){.kind = PENDING_STORE, .object = number, .value = value};
    if (o->c % 2u == 0)
        eddy_own_store(m->thread, p, &p->neighbour, model_address(m->run, value));
    else
        eddy_store(m->thread, p, &p->neighbour, model_address(m->run, value));
    model_exchanged(m);
    m->pending = (struct pending){.kind = PENDING_NONE};
    if (o->c % 2u == 0)
        look(m, number); /* the right is there after the store, even if it had to wait */
}

void op_own_load(struct mutator *m, const struct operation *o)
{
    uint32_t number = purse_in(m, o->b);
    if (number == 0)
        return;
    struct purse *p = purse_at(m, number);
    eddy_own_read(m->thread, p);
    look(m, number);
    uint32_t expected = *model_field(m->run, number, 0);
    if (eddy_load(m->thread, &p->neighbour) != model_address(m->run, expected))
        fuzz_fail(OUTCOME_CHANGED, "purse %u does not refer to object %u", number, expected);
    fuzz_hold(m, o->a % FUZZ_HANDLES, expected);
}

/* What a guard of compiled code relies on. */
void op_guard(struct mutator *m, const struct operation *o)
{
    uint32_t number = purse_in(m, o->a);
    if (number == 0)
        return;
    eddy_own_write(m->thread, purse_at(m, number));
    uint64_t token = eddy_rights_token(m->thread);
    for (unsigned i = 0; i < o->b % 8u; i++) {
        eddy_safepoint(m->thread);
        if (!eddy_rights_hold(m->thread, token))
            return;
        pay(m, number, 1);
    }
}

void op_barrier(struct mutator *m, const struct operation *o)
{
    (void)o;
    eddy_barrier(m->thread);
}

static void foreign(struct mutator *m, uint32_t number)
{
    if (m->run->foreign++ != 0)
        fuzz_fail(OUTCOME_WRONG, "two threads are in foreign code");
    pay(m, number, 1);
    m->run->foreign--;
}

void op_legacy(struct mutator *m, const struct operation *o)
{
    uint32_t number = purse_in(m, o->a);
    if (number == 0)
        return;
    eddy_thread *t = m->thread;
    eddy_legacy_enter(t);
    if ((o->b & 1) != 0)
        eddy_legacy_hand(t, purse_at(m, number));
    eddy_own_write(t, purse_at(m, number));
    foreign(m, number);
    if ((o->b & 2) != 0)
        own_some(m, (const uint8_t[]){o->a, o->c, (uint8_t)(o->c >> 3)}, o->b >> 5);
    if ((o->b & 4) != 0) {
        unsigned window = eddy_legacy_window_open(t);
        sched_point(POINT_OPERATION, 0);
        eddy_legacy_window_close(t, window);
        eddy_own_write(t, purse_at(m, number));
    }
    if ((o->b & 8) != 0)
        eddy_safepoint(t); /* no preemption */
    foreign(m, number);
    eddy_legacy_leave(t);
}
