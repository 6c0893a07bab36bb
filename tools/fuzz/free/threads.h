/* The free-running mode, part 8: lock-free stacks, references handed over in C memory, garbage, native regions,
 * threads that come and go, collections; and the life of a mutator. */
#ifndef EDDY_FUZZ_FREE_THREADS_H
#define EDDY_FUZZ_FREE_THREADS_H

#include "tools/fuzz/free/attached.h"
#include "tools/fuzz/free/rights.h"
#include "tools/fuzz/free/stacks.h"
#include "tools/fuzz/free/toys.h"

/* ---- lock-free stacks: every node that was pushed is popped once ---- */

static uint64_t *popped_word(void *node)
{
    return (uint64_t *)(void *)((char *)node + FIRST_SLOT + sizeof(void *));
}

static void push_stack(struct mutator *m, unsigned number)
{
    struct world *w = m->world;
    void **held = &m->slots[TEMP_SLOT]; /* node, top */
    void *stack = eddy_root_load(m->thread, &w->stacks[number]);
    held[0] = make(m, SHAPE_STACK, 0, OWNER_FROZEN, NO_SHADOW, new_id(m));
    if (held[0] == NULL) {
        relieve(m);
        return;
    }
    void **top = slots_of(m, stack, check(m, stack)), **next = slots_of(m, held[0], held[0]);
    do {
        held[1] = eddy_load(m->thread, top);
        eddy_store(m->thread, held[0], next, held[1]);
    } while (!eddy_compare_and_swap(m->thread, stack, top, held[1], held[0]));
    EDDY_ADD_RELAXED(&w->depth[number], 1);
    held[0] = held[1] = NULL;
}

static bool pop_stack(struct mutator *m, unsigned number)
{
    struct world *w = m->world;
    void **held = &m->slots[TEMP_SLOT]; /* top, next */
    void *stack = eddy_root_load(m->thread, &w->stacks[number]);
    void **top = slots_of(m, stack, check(m, stack));
    do {
        held[0] = eddy_load(m->thread, top);
        if (held[0] == NULL)
            return false;
        held[1] = eddy_load(m->thread, slots_of(m, held[0], check(m, held[0])));
        if (one_in(&m->rng, 64))
            eddy_safepoint(m->thread);
    } while (!eddy_compare_and_swap(m->thread, stack, top, held[0], held[1]));
    check(m, held[0]);
    if (held[1] != NULL)
        check(m, held[1]);
    if (EDDY_EXCHANGE_ACQ_REL(popped_word(held[0]), 1) != 0)
        fail(w, m, "node %p was popped twice", held[0]);
    EDDY_ADD_RELAXED(&w->depth[number], UINT64_MAX);
    put_local(m, held[0]);
    held[0] = held[1] = NULL;
    return true;
}

static void operate_stack(struct mutator *m)
{
    unsigned number = below(&m->rng, STACKS);
    if (EDDY_LOAD_RELAXED(&m->world->depth[number]) < 200 && one_in(&m->rng, 2))
        push_stack(m, number);
    else
        pop_stack(m, number);
}

/* ---- mail ---- */

static void retain(struct mutator *m, void *object)
{
    eddy_retain(m->thread, object);
    EDDY_ADD_RELAXED(&m->world->retains, 1);
}

/* `object` has been retained by whoever put it where it was found. */
static void receive(struct mutator *m, void *object)
{
    if (object == NULL)
        return;
    check_all(m, object);
    put_local(m, object);
    eddy_release(m->thread, object);
    EDDY_ADD_RELAXED(&m->world->releases, 1);
}

static void operate_mail(struct mutator *m)
{
    void **box = &m->world->mail[below(&m->rng, MAILBOXES)];
    void *object = one_in(&m->rng, 3) ? NULL : pick_value(m);
    unsigned times = one_in(&m->rng, 4) ? 3 : 0;
    if (object != NULL) {
        retain(m, object);
        for (unsigned i = 0; i < times; i++)
            retain(m, object);
        for (unsigned i = 0; i < times; i++) {
            eddy_release(m->thread, object);
            EDDY_ADD_RELAXED(&m->world->releases, 1);
        }
    }
    receive(m, EDDY_EXCHANGE_ACQ_REL(box, object));
}

/* ---- garbage ---- */

static void operate_garbage(struct mutator *m)
{
    unsigned shape = SHAPE_FIRST + below(&m->rng, 4);
    void **held = &m->slots[TEMP_SLOT];
    for (unsigned n = below(&m->rng, 100); n > 0; n--) {
        if (one_in(&m->rng, 32))
            shape = one_in(&m->rng, 2) ? pick_shape(m) : (unsigned)SHAPE_FIRST;
        if (shape == SHAPE_ACYCLIC)
            shape = SHAPE_FIRST;
        size_t length = shapes[shape].tail != EDDY_TAIL_NONE || shape == SHAPE_BYTES ? pick_length(m, shape) : 0;
        void *object = make(m, shape, length, m->owner, NO_SHADOW, new_id(m));
        if (object == NULL)
            break;
        struct head *h = check(m, object);
        if (slot_count(h) > 1 && held[0] != NULL) { /* pairs that refer to each other */
            eddy_store(m->thread, object, slots_of(m, object, h), held[0]);
            struct head *other = check(m, held[0]);
            if (slot_count(other) != 0)
                eddy_store(m->thread, held[0], slots_of(m, held[0], other), object);
        }
        held[0] = one_in(&m->rng, 2) ? object : NULL;
    }
    held[0] = NULL;
    if (one_in(&m->rng, 8)) {
        void *empty = eddy_alloc_bytes(m->thread, 0);
        if (empty != NULL)
            check_zero(m, empty, 8, SIZE_MAX - 8);
    }
}

/* ---- native regions, safepoints, reserved entries ---- */

static void operate_native(struct mutator *m)
{
    if (one_in(&m->rng, 2)) {
        eddy_safepoint(m->thread);
        return;
    }
    eddy_native_enter(m->thread);
    bool nested = one_in(&m->rng, 4);
    if (nested)
        eddy_native_enter(m->thread);
    for (unsigned i = below(&m->rng, 4); i > 0; i--)
        sched_yield();
    if (one_in(&m->rng, 64))
        usleep(below(&m->rng, 3000));
    if (nested)
        eddy_native_leave(m->thread);
    eddy_native_leave(m->thread);
}

/* With entries reserved counted stores are no safepoints: what was found before them is still there. */
static void operate_reserve(struct mutator *m)
{
    unsigned n = below(&m->rng, 5);
    eddy_reserve(m->thread, n);
    void *found = pick_shared(m), *container = pick_container(m, 1);
    if (container == NULL)
        return;
    for (unsigned i = 0; i < n; i++)
        store_colored(m, container, one_in(&m->rng, 2) ? NULL : pick_local(m));
    check(m, container);
    if (found != NULL)
        check_all(m, found);
}

/* ---- attaching and detaching ---- */

static void join_heap(struct mutator *m)
{
    eddy_status status;
    while ((status = eddy_thread_attach(m->world->heap, &m->thread)) == EDDY_ENOMEM)
        usleep(1000);
    if (status != EDDY_OK)
        fail(m->world, m, "attach: %s", eddy_status_text(status));
    if (!m->world->mode->stack)
        eddy_frame_push(m->thread, &m->frame, m->slots, SLOTS);
}

static void leave_heap(struct mutator *m, bool detach)
{
    forget_everything(m);
    if (!m->world->mode->stack)
        eddy_frame_pop(m->thread, &m->frame);
    eddy_status status = detach ? eddy_thread_detach(m->thread) : EDDY_OK;
    if (status != EDDY_OK)
        fail(m->world, m, "detach: %s", eddy_status_text(status));
}

static void operate_attach(struct mutator *m)
{
    if (!one_in(&m->rng, 4))
        return;
    leave_heap(m, true);
    if (one_in(&m->rng, 4))
        sched_yield();
    join_heap(m);
}

/* ---- collections ---- */

static void collect(struct mutator *m)
{
    eddy_collect_report report;
    eddy_status status = eddy_collect(m->thread, 60000, &report);
    if (status == EDDY_ETIMEDOUT && report.late_threads == 0)
        return; /* a search in short slices falls behind threads that make cycles; if it hangs, the watchdog will say so */
    if (status != EDDY_OK)
        fail(m->world, m, "collection: %s, %u late threads", eddy_status_text(status), report.late_threads);
    EDDY_ADD_RELAXED(&m->world->collections, 1);
}

/* Mostly one at a time: a search in short slices takes long, and if all threads waited for one nothing would go on beside it. */
static void operate_collect(struct mutator *m)
{
    struct world *w = m->world;
    bool alone = !one_in(&m->rng, 8);
    if (!one_in(&m->rng, 24) || (alone && EDDY_EXCHANGE_ACQ_REL(&w->collecting, 1) != 0)) {
        eddy_collect_hint(w->heap);
        return;
    }
    collect(m);
    if (alone)
        EDDY_STORE_RELEASE(&w->collecting, 0);
}

/* ---- a mutator's life ---- */

static const struct {
    const char *name;
    void (*operate)(struct mutator *m);
} groups[GROUPS] = {
    [GROUP_PRIVATE] = {"private", operate_private}, [GROUP_SHARED] = {"shared", operate_shared},
    [GROUP_FIGURE] = {"figure", operate_figure},    [GROUP_STACK] = {"stack", operate_stack},
    [GROUP_MAIL] = {"mail", operate_mail},          [GROUP_GARBAGE] = {"garbage", operate_garbage},
    [GROUP_NATIVE] = {"native", operate_native},    [GROUP_ATTACH] = {"attach", operate_attach},
    [GROUP_COLLECT] = {"collect", operate_collect}, [GROUP_RESERVE] = {"reserve", operate_reserve},
    [GROUP_TOYS] = {"toys", operate_toys},          [GROUP_ATTACHED] = {"attached", operate_attached},
    [GROUP_RIGHTS] = {"rights", operate_rights},    [GROUP_LASTING] = {"lasting", operate_lasting},
    [GROUP_FRAMES] = {"frames", operate_frames},    [GROUP_FIBERS] = {"fibers", operate_fibers},
    [GROUP_FORK] = {"fork", operate_fork},
};

/* What a place is doing, for the watchdog and for reports. */
static void note(struct mutator *m, const char *operation)
{
    EDDY_STORE_RELAXED(&m->place->operation, operation);
    EDDY_STORE_RELAXED(&m->place->operations, m->place->operations + 1);
}

static struct mutator *begin_life(struct mutator *m, struct world *w, unsigned place, unsigned life)
{
    memset(m, 0, sizeof *m);
    m->world = w;
    m->place = &w->places[place];
    m->rng.state = mix(w->seed + place * UINT64_C(0x10001) + life * UINT64_C(0x100000007));
    m->owner = EDDY_ADD_RELAXED(&w->lives, 1) + 1;
    note(m, "beginning");
    m->shadows = calloc(SHADOWS, sizeof *m->shadows);
    m->work = calloc(SHADOWS, sizeof *m->work);
    m->grown = calloc(GROWN_MOST, sizeof *m->grown);
    join_heap(m);
    return m;
}

static void live(struct mutator *m)
{
    unsigned sum = 0;
    const unsigned *weights = m->world->mode->weights;
    for (unsigned g = 0; g < GROUPS; g++)
        sum += weights[g];
    uint64_t length = 2000 + below(&m->rng, one_in(&m->rng, 2) ? 10000 : 200000);
    for (uint64_t i = 0; i < length && !EDDY_LOAD_RELAXED(&m->world->stop); i++) {
        unsigned at = below(&m->rng, sum), g = 0;
        while (at >= weights[g])
            at -= weights[g++];
        note(m, groups[g].name);
        groups[g].operate(m);
    }
}

static void end_life(struct mutator *m)
{
    note(m, "ending");
    for (unsigned i = 0; i < FIGURES; i++)
        check_figure(m, i);
    audit(m);
    check_grown(m);
    drop_weak(m);
    leave_heap(m, one_in(&m->rng, 2)); /* or detached by Eddy when the thread ends */
    free(m->shadows);
    free(m->work);
    free(m->grown);
}

/* One thread, which executes what `function` says between the beginning and the end of a mutator's life. */
struct life {
    struct world *world;
    unsigned place, number;
    void (*function)(struct mutator *m);
};

/* Where stacks are scanned the mutator, and with it all its references, is on this one. */
static void *mutator_main(void *argument)
{
    const struct life *life = argument;
    struct mutator on_stack, *m = life->world->mode->stack ? &on_stack : malloc(sizeof *m);
    begin_life(m, life->world, life->place, life->number);
    life->function(m);
    end_life(m);
    if (m != &on_stack)
        free(m);
    return NULL;
}

static void run_life(struct world *w, unsigned place, unsigned number, void (*function)(struct mutator *m))
{
    struct life life = {w, place, number, function};
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (w->tiny_stacks)
        pthread_attr_setstacksize(&attributes, TINY_STACK);
    if (pthread_create(&thread, &attributes, mutator_main, &life) != 0)
        fail(w, NULL, "no thread");
    pthread_attr_destroy(&attributes);
    pthread_join(thread, NULL);
}

/* One mutator after the other, until the world stops. */
static void *place_main(void *argument)
{
    const struct life *first = argument;
    for (unsigned number = 0; !EDDY_LOAD_RELAXED(&first->world->stop); number++)
        run_life(first->world, first->place, number, first->function);
    return NULL;
}

#endif
