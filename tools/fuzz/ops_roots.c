/* Roots besides handles, root slots and retained references: pins (as such, in counting style, of foreign calls), frames above
 * a thread's own, ambiguous ranges, callbacks from native regions, fibers. */
#include "tools/fuzz/operations.h"

#include <string.h>

static void points(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sched_point(POINT_OPERATION, 0);
}

/* ---- pins ---- */

static void pin(struct mutator *m, void *object, unsigned how)
{
    switch (how % 4) {
    case 0: eddy_pin(m->thread, object); break;
    case 1: EDDY_INCREF(object); break;
    case 2:
        EDDY_XSETREF(object, EDDY_XNEWREF(object)); /* once more, then once less … */
        EDDY_INCREF(object);
        break;
    default: {
        EDDY_PIN_SCOPE(m->thread, object);
        eddy_pin(m->thread, object);
    }
    }
}

static void unpin(struct mutator *m, void *object, unsigned how)
{
    if (how % 2 == 0)
        eddy_unpin(m->thread, object);
    else
        EDDY_CLEAR(object);
}

/* Into an empty place; else what is there is unpinned, whoever pinned it. */
void op_pin(struct mutator *m, const struct operation *o)
{
    uint32_t *place = &m->run->model.extras.pins[o->a % FUZZ_PLACES], number = *place;
    if (number != 0) {
        *place = 0;
        m->pending.value = number; /* until it is logged */
        unpin(m, model_address(m->run, number), o->c);
        return;
    }
    number = operand_value(m, o->b);
    if (number == 0)
        return;
    m->pending.value = number;
    pin(m, model_address(m->run, number), o->c);
    if (*place == 0)
        *place = number;
    else
        unpin(m, model_address(m->run, number), o->c);
}

/* What another thread has pinned, or retained, and so may hand out. */
void op_pin_get(struct mutator *m, const struct operation *o)
{
    const struct model *model = &m->run->model;
    unsigned place = o->b % FUZZ_PLACES;
    fuzz_hold(m, o->a % FUZZ_HANDLES, (o->c & 1) == 0 ? model->extras.pins[place] : model->retained[place]);
}

/* ---- foreign calls ---- */

struct call {
    struct mutator *m;
    unsigned what;
};

static void *on_call(void *context, void *const *arguments, size_t count)
{
    const struct call *call = context;
    struct mutator *m = call->m;
    for (size_t k = 0; k < count; k++) { /* the pins alone hold them */
        if (arguments[k] != model_address(m->run, m->called[k]))
            fuzz_fail(OUTCOME_WRONG, "argument %zu of a call is object %u, not %u", k, model_at(m->run, arguments[k]),
                      m->called[k]);
        if ((call->what & 1) != 0)
            fuzz_hold(m, (unsigned)k, 0);
    }
    fuzz_stir(m, call->what / 2);
    return arguments[0];
}

static void *on_native_call(void *context, void *const *arguments, size_t count)
{
    const struct call *call = context;
    struct mutator *m = call->m;
    points(call->what % 8u);
    if ((call->what & 1) == 0)
        return arguments[0];
    eddy_callback back = eddy_callback_begin(m->thread);
    on_call(context, arguments, count);
    eddy_callback_end(m->thread, back);
    return arguments[0];
}

void op_call(struct mutator *m, const struct operation *o)
{
    struct call call = {m, o->b};
    uint32_t numbers[FUZZ_HANDLES];
    void *arguments[FUZZ_HANDLES];
    memcpy(numbers, m->handles, sizeof numbers);
    for (unsigned k = 0; k < FUZZ_HANDLES; k++)
        arguments[k] = model_address(m->run, numbers[k]);
    m->called = numbers;
    m->above++;
    const void *result = (o->a & 1) != 0 ? eddy_call_native(m->thread, on_native_call, &call, arguments, FUZZ_HANDLES)
                                         : eddy_call_pinned(m->thread, on_call, &call, arguments, FUZZ_HANDLES);
    m->above--;
    if (result != arguments[0])
        fuzz_fail(OUTCOME_WRONG, "a call gives object %u, not %u", model_at(m->run, result), numbers[0]);
    m->called = NULL;
}

/* ---- frames ---- */

static void fill(struct mutator *m, struct small_frame *f, unsigned slot, uint32_t number)
{
    f->handles[slot] = number;
    f->slots[slot] = model_address(m->run, number);
}

void op_frame_push(struct mutator *m, const struct operation *o)
{
    if (!m->framed || m->depth == FUZZ_NESTED)
        return;
    struct small_frame *f = &m->nested[m->depth];
    fill(m, f, 0, m->handles[o->a % FUZZ_HANDLES]);
    fill(m, f, 1, m->handles[o->b % FUZZ_HANDLES]);
    eddy_frame_push(m->thread, &f->frame, f->slots, FUZZ_NESTED_SLOTS);
    m->depth++;
}

/* What it held goes into a handle. */
void op_frame_pop(struct mutator *m, const struct operation *o)
{
    if (m->depth == 0)
        return;
    const struct small_frame *f = &m->nested[m->depth - 1];
    for (unsigned k = 0; k < FUZZ_NESTED_SLOTS; k++)
        if (f->slots[k] != model_address(m->run, f->handles[k]))
            fuzz_fail(OUTCOME_CHANGED, "slot %u of a frame is not what was put there", k);
    uint32_t held = f->handles[o->b & 1];
    eddy_frame_pop(m->thread, &m->nested[--m->depth].frame);
    fuzz_hold(m, o->a % FUZZ_HANDLES, held); /* no safepoint in between */
}

void op_frame_set(struct mutator *m, const struct operation *o)
{
    if (m->depth == 0)
        return;
    struct small_frame *f = &m->nested[o->a % m->depth];
    unsigned slot = o->a / 4 % FUZZ_NESTED_SLOTS;
    f->handles[slot] = operand_value(m, o->b);
    eddy_frame_set(m->thread, &f->frame, slot, model_address(m->run, f->handles[slot]));
}

/* ---- ambiguous ranges ---- */

/* Adds or removes the thread's range, or writes a word of it. */
void op_range(struct mutator *m, const struct operation *o)
{
    if (!m->has_range || o->a % 8 == 0) {
        bool add = !m->has_range;
        memset(m->ranged, 0, sizeof m->ranged);
        memset(m->range, 0, sizeof m->range);
        eddy_status status = add ? eddy_root_range_add(m->thread, m->range, m->range + FUZZ_RANGE)
                                 : eddy_root_range_remove(m->thread, m->range);
        if (status != EDDY_OK && !(add && status == EDDY_ENOMEM))
            fuzz_fail(OUTCOME_WRONG, "a range is %s: %s", add ? "added" : "removed", eddy_status_text(status));
        m->has_range = add && status == EDDY_OK;
    }
    if (!m->has_range)
        return;
    unsigned at = o->a / 8 % FUZZ_RANGE;
    if ((o->c & 1) != 0) { /* out of it */
        fuzz_hold(m, o->c / 2 % FUZZ_HANDLES, m->ranged[at]);
        return;
    }
    m->ranged[at] = operand_value(m, o->b);
    m->range[at] = model_address(m->run, m->ranged[at]);
}

/* ---- callbacks ---- */

void op_callback(struct mutator *m, const struct operation *o)
{
    eddy_native_enter(m->thread);
    if ((o->a & 1) != 0)
        eddy_native_enter(m->thread);
    points(o->a / 2 % 8u);
    eddy_callback back = eddy_callback_begin(m->thread);
    fuzz_stir(m, o->b);
    uint32_t number = fuzz_new(m, SHAPE_NODE, 0);
    if (number != 0)
        fuzz_hold(m, o->b % FUZZ_HANDLES, number);
    eddy_callback_end(m->thread, back);
    points(o->a / 16 % 8u);
    if ((o->a & 1) != 0)
        eddy_native_leave(m->thread);
    eddy_native_leave(m->thread);
}

/* ---- fibers: on heaps with precise roots, where a fiber is its frames and needs no stack ---- */

#define PASS_IN                                                                                                        \
    16u /* bits of the third operand: the handle that its upper two bits name goes into the fiber's frame first */
#define TAKE_OUT 32u /* afterwards what is there goes into the handle */

static void on_fiber(struct mutator *m, struct fiber_place *p, unsigned what, unsigned how)
{
    struct small_frame *f = &p->f;
    if (!p->framed)
        eddy_frame_push(m->thread, &f->frame, f->slots, FUZZ_NESTED_SLOTS);
    p->framed = true;
    for (unsigned k = 0; k < FUZZ_NESTED_SLOTS; k++)
        if (f->slots[k] != model_address(m->run, f->handles[k]))
            fuzz_fail(OUTCOME_CHANGED, "slot %u of a fiber's frame is not what was put there", k);
    unsigned root = what / 32 % FUZZ_ROOTS;
    if ((how & PASS_IN) != 0) /* its thread's first frame holds it, too */
        fill(m, f, 0, m->handles[how / 64 % FUZZ_HANDLES]);
    if ((what & 1) != 0) {
        uint32_t number = fuzz_new(m, SHAPE_NODE, 0);
        if (number != 0)
            fill(m, f, 0, number);
    }
    if ((what & 2) != 0)
        fill(m, f, 1, m->run->model.roots[root]);
    if ((what & 4) != 0 && f->handles[0] != 0 && model_object(m->run, f->handles[0])->shape == SHAPE_NODE)
        fuzz_store(m, f->handles[0], 0, f->handles[1]);
    if ((what & 8) != 0)
        eddy_safepoint(m->thread);
    if ((what & 16) != 0)
        fuzz_root_store(m, root, f->handles[0]);
}

static void run_fiber(struct mutator *m, struct fiber_place *p, unsigned what, unsigned how)
{
    eddy_status status;
    p->running = true;
    if ((status = eddy_fiber_switch(m->thread, p->fiber)) == EDDY_OK) {
        p->owner = m->number;
        p->offered = p->orphaned = false;
        on_fiber(m, p, what, how);
        while ((status = eddy_fiber_switch(m->thread, NULL)) == EDDY_ENOMEM)
            eddy_safepoint(m->thread);
    }
    if (status != EDDY_OK && status != EDDY_ENOMEM && !(status == EDDY_EBUSY && p->orphaned))
        fuzz_fail(OUTCOME_WRONG, "a switch to a fiber, or back: %s", eddy_status_text(status));
    p->running = false;
}

/* Makes a fiber in an empty place; else runs it, then may offer it, or drop it. */
void op_fiber(struct mutator *m, const struct operation *o)
{
    struct fiber_place *p = &m->run->model.extras.fibers[o->a % FUZZ_PLACES];
    if (m->run->c->settings.conservative)
        return;
    if (p->fiber == NULL) {
        eddy_status status = eddy_fiber_create(m->thread, NULL, 0, &p->fiber);
        if (status != EDDY_OK && status != EDDY_ENOMEM)
            fuzz_fail(OUTCOME_WRONG, "no fiber: %s", eddy_status_text(status));
        p->owner = m->number;
    }
    if (p->fiber == NULL || p->running || (p->owner != m->number && !p->offered))
        return;
    run_fiber(m, p, o->b, o->c);
    if (p->owner != m->number || p->offered)
        return;
    if ((o->c & TAKE_OUT) != 0)
        fuzz_hold(m, o->c / 64 % FUZZ_HANDLES, p->f.handles[0]);
    if (o->c % 4 == 0) {
        p->running = true; /* nobody else looks at it meanwhile */
        eddy_status status = eddy_fiber_offer(m->thread, p->fiber);
        p->running = false;
        if (status != EDDY_OK)
            fuzz_fail(OUTCOME_WRONG, "a fiber cannot be offered: %s", eddy_status_text(status));
        p->offered = true;
    } else if (o->c % 16 == 1) {
        eddy_fiber *fiber = p->fiber;
        memset(p, 0, sizeof *p);
        if (eddy_fiber_drop(m->thread, fiber) != EDDY_OK)
            fuzz_fail(OUTCOME_WRONG, "a fiber cannot be dropped");
    }
}
