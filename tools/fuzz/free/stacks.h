/* The free-running mode, part 11: what holds objects besides the mutator's own frame: frames above it, ambiguous ranges, and fibers,
 * which go from thread to thread; and forks, whose child looks at everything the forking mutator has. Each object is held
 * in one of these ways alone, and must be the one that was put there. */
#ifndef EDDY_FUZZ_FREE_STACKS_H
#define EDDY_FUZZ_FREE_STACKS_H

#include "tools/fuzz/can_fork.h"
#include "tools/fuzz/free/lasting.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define FRAMES_MOST 6u
#define RANGE_WORDS 6u
#define CHILD_SECONDS 60u

static void *make_pair(struct mutator *m, uint64_t *id)
{
    *id = new_id(m);
    return make(m, SHAPE_FIRST, 0, OWNER_FROZEN, NO_SHADOW, *id);
}

static void expect_id(struct mutator *m, void *object, uint64_t id, const char *holder)
{
    if (object != NULL && check_all(m, object)->id != id)
        fail(m->world, m, "%s holds %p, another object", holder, object);
}

/* Time passes: objects that are not held die, and their places are used again. */
static void stir(struct mutator *m)
{
    uint64_t id;
    for (unsigned n = below(&m->rng, 8); n > 0; n--)
        make_pair(m, &id);
    if (one_in(&m->rng, 4))
        eddy_safepoint(m->thread);
}

/* ---- frames ---- */

static void nest(struct mutator *m, unsigned depth, eddy_frame *below_it, void **older, uint64_t *older_id)
{
    void *slots[2] = {NULL, NULL};
    uint64_t ids[2] = {0, 0};
    eddy_frame frame;
    eddy_frame_push(m->thread, &frame, slots, 2);
    slots[0] = make_pair(m, &ids[0]);
    stir(m);
    if (below_it != NULL && one_in(&m->rng, 2)) {
        uint64_t id;
        void *object = make_pair(m, &id);
        eddy_frame_set(m->thread, below_it, 1, object);
        *older_id = id;
    }
    if (depth > 1)
        nest(m, depth - 1, &frame, slots, &ids[1]);
    stir(m);
    expect_id(m, slots[0], ids[0], "a frame");
    expect_id(m, slots[1], ids[1], "an older frame");
    if (older != NULL)
        expect_id(m, older[1], *older_id, "the frame below");
    eddy_frame_pop(m->thread, &frame);
}

/* ---- ambiguous ranges ---- */

static void operate_range(struct mutator *m)
{
    void **range = calloc(RANGE_WORDS, sizeof *range);
    uint64_t ids[RANGE_WORDS];
    eddy_status status = eddy_root_range_add(m->thread, range, range + RANGE_WORDS);
    if (status != EDDY_OK && status != EDDY_ENOMEM)
        fail(m->world, m, "a range is refused: %s", eddy_status_text(status));
    for (unsigned i = 0; status == EDDY_OK && i < RANGE_WORDS; i++)
        range[i] = make_pair(m, &ids[i]);
    if (status == EDDY_OK)
        stir(m);
    for (unsigned i = 0; status == EDDY_OK && i < RANGE_WORDS; i++)
        expect_id(m, range[i], ids[i], "a range");
    if (status == EDDY_OK && eddy_root_range_remove(m->thread, range) != EDDY_OK)
        fail(m->world, m, "a range is unknown");
    free(range);
}

static void operate_frames(struct mutator *m)
{
    if (one_in(&m->rng, 3))
        operate_range(m);
    else
        nest(m, 1 + below(&m->rng, FRAMES_MOST), NULL, NULL, NULL);
}

/* ---- fibers: on heaps with precise roots, where a fiber is its frames and needs no stack ---- */

struct traveller {
    eddy_fiber *fiber;
    eddy_frame frame;
    void *slots[2];
    uint64_t ids[2];
};

/* Between the two switches the mutator's own frame is that of a suspended fiber, and must not be written. */
static bool on_fiber(struct mutator *m, struct traveller *f, bool first)
{
    eddy_status status = eddy_fiber_switch(m->thread, f->fiber);
    if (status == EDDY_ENOMEM)
        return false;
    if (status != EDDY_OK)
        fail(m->world, m, "no switch to a fiber: %s", eddy_status_text(status));
    if (first)
        eddy_frame_push(m->thread, &f->frame, f->slots, 2);
    for (unsigned i = 0; i < 2; i++)
        expect_id(m, f->slots[i], f->ids[i], "a fiber");
    unsigned which = below(&m->rng, 2);
    f->slots[which] = make_pair(m, &f->ids[which]);
    if (one_in(&m->rng, 4))
        stir(m);
    while ((status = eddy_fiber_switch(m->thread, NULL)) == EDDY_ENOMEM)
        eddy_safepoint(m->thread);
    if (status != EDDY_OK)
        fail(m->world, m, "no switch back from a fiber: %s", eddy_status_text(status));
    return true;
}

static void drop_traveller(struct mutator *m, struct traveller *f)
{
    eddy_status status = eddy_fiber_drop(m->thread, f->fiber);
    if (status != EDDY_OK)
        fail(m->world, m, "a fiber cannot be dropped: %s", eddy_status_text(status));
    free(f);
}

/* Runs a fiber that another thread has left, or a new one, and leaves it on offer. */
static void operate_fibers(struct mutator *m)
{
    struct traveller **place = &m->world->fibers[below(&m->rng, FIBERS)];
    if ((m->world->mode->flags & EDDY_HEAP_PRECISE_ROOTS) == 0)
        return;
    struct traveller *f = EDDY_EXCHANGE_ACQ_REL(place, NULL);
    bool first = f == NULL, good = true;
    if (first) {
        f = calloc(1, sizeof *f);
        good = f != NULL && eddy_fiber_create(m->thread, NULL, 0, &f->fiber) == EDDY_OK;
    }
    if (!good) {
        free(f);
        return;
    }
    good = on_fiber(m, f, first);
    for (unsigned more = below(&m->rng, 3); good && more > 0; more--) {
        stir(m);
        on_fiber(m, f, false);
    }
    eddy_status status = EDDY_EINVAL;
    if ((good || !first) && !one_in(&m->rng, 8) && (good || eddy_fiber_current(m->thread) == NULL))
        status = good ? eddy_fiber_offer(m->thread, f->fiber) : EDDY_OK; /* what was not taken is on offer still */
    if (status != EDDY_OK && status != EDDY_EINVAL)
        fail(m->world, m, "a fiber cannot be offered: %s", eddy_status_text(status));
    if (status == EDDY_OK && (f = EDDY_EXCHANGE_ACQ_REL(place, f)) == NULL)
        return;
    drop_traveller(m, f); /* ours, or one that is on offer */
}

static void drop_fibers(struct mutator *m)
{
    for (unsigned i = 0; i < FIBERS; i++) {
        struct traveller *f = EDDY_EXCHANGE_ACQ_REL(&m->world->fibers[i], NULL);
        if (f != NULL)
            drop_traveller(m, f);
    }
}

/* ---- forks ---- */

/* This thread alone is left. What other threads did may have left counts too high, none too low. */
static void check_child(struct mutator *m)
{
    eddy_verify_report report;
    eddy_fork_child(m->world->heap);
    alarm(CHILD_SECONDS);
#if defined(EDDY_HOOKS) && defined(FREE_FAILED) /* nobody else uses the hooks here */
    eddy__hook = NULL;
    EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
#endif
    audit(m);
    check_grown(m);
    for (unsigned i = 0; i < 2; i++) {
        eddy_status status = eddy_collect(m->thread, 0, NULL);
        if (status != EDDY_OK)
            fail(m->world, m, "a child cannot collect: %s", eddy_status_text(status));
        stir(m);
        audit(m);
        check_grown(m);
        for (unsigned k = 0; k < FIGURES; k++)
            check_figure(m, k);
    }
    eddy_status status = eddy_verify(m->thread, 0, &report);
    if (status == EDDY_ECORRUPT)
        fail(m->world, m, "verification in a child: %s", report.message);
    _exit(0);
}

static void operate_fork(struct mutator *m)
{
    int status = 0;
    pid_t ended;
    if (!CAN_FORK || !one_in(&m->rng, 2048))
        return;
    fflush(NULL);
    eddy_fork_prepare(m->world->heap);
    pid_t child = fork();
    if (child == 0)
        check_child(m);
    do
        ended = child > 0 ? waitpid(child, &status, 0) : child;
    while (ended < 0 && errno == EINTR);
#ifdef FREE_FAILED
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0)
        fuzz_exit(); /* with what the child has said */
#endif
    if (child > 0 && status != 0)
        fail(m->world, m, "a forked child ends with status %x", (unsigned)status);
    eddy_fork_parent(m->world->heap);
}

#endif
