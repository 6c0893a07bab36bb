/* The free-running mode, part 9: heaps of many configurations, one after the other, with what happens beside the
 * mutators. Everything that can be seen while threads run at full speed is checked: canaries, identities and payload
 * of every object on every access; exact models of the objects that one thread alone writes; a color rule for
 * shared slots; stacks whose nodes are popped once; eddy_verify beside the mutators; in the end nothing may be left. */
#ifndef EDDY_FUZZ_FREE_HEAPS_H
#define EDDY_FUZZ_FREE_HEAPS_H

#include "tools/fuzz/free/threads.h"

#include <signal.h>
#include <time.h>

#include "runtime/heap/mutants.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define HEAP_SECONDS 1.5 /* before a new heap with another configuration */
#define HEAP_SECONDS_SHORT 0.5
#define HANG_SECONDS 120

#define PRECISE EDDY_HEAP_PRECISE_ROOTS
#define INTERIOR EDDY_HEAP_INTERIOR_POINTERS

/* Weights: private, shared, figure, stack, mail, garbage, native, attach, collect, reserve, toys, attached,
 * rights, lasting, frames, fibers, fork. */
static const struct mode modes[] = {
    {"precise", PRECISE, false, 0, 0, 3000, false, {300, 400, 20, 40, 40, 20, 20, 0, 2, 20, 40, 20, 20, 40, 6, 6, 1}},
    {"conservative", 0, true, 0, 0, 3000, false, {300, 400, 20, 40, 40, 20, 20, 0, 2, 20, 40, 20, 20, 40, 6, 6, 1}},
    {"mixed", INTERIOR, false, 0, 16, 3000, false, {300, 400, 20, 40, 40, 20, 20, 1, 2, 20, 40, 20, 20, 40, 6, 6, 1}},
    {"interior", INTERIOR, true, 0, 0, 1000, false, {300, 400, 20, 40, 40, 20, 20, 1, 2, 20, 40, 20, 20, 40, 6, 6, 1}},
    {"tinylog", PRECISE, false, 0, 3, 1000, false, {200, 400, 10, 40, 60, 10, 20, 1, 4, 40, 40, 20, 40, 40, 6, 6, 1}},
    {"churn", PRECISE, false, 0, 8, 300, false, {200, 300, 5, 40, 60, 10, 60, 20, 4, 20, 20, 20, 40, 40, 6, 6, 1}},
    {"churn-stack", 0, true, 0, 8, 300, false, {200, 300, 5, 40, 60, 10, 60, 20, 4, 20, 20, 20, 40, 40, 6, 6, 1}},
    {"memory", PRECISE, false, 12 * MIB, 0, 20000, false, {300, 300, 40, 20, 20, 40, 10, 1, 2, 10, 10, 20, 20, 40, 6, 6, 1}},
    {"memory-stack", 0, true, 12 * MIB, 64, 20000, false, {300, 300, 40, 20, 20, 40, 10, 1, 2, 10, 10, 20, 20, 40, 6, 6, 1}},
    {"races", PRECISE, false, 0, 0, 6, false, {100, 600, 10, 200, 100, 5, 10, 0, 2, 20, 100, 20, 60, 40, 6, 40, 0}},
    {"toys", PRECISE, false, 0, 0, 6, true, {0, 20, 0, 0, 2, 2, 4, 0, 0, 0, 1000, 20, 0, 0, 0, 0, 0}},
    {"toys-stack", 0, true, 0, 0, 6, true, {0, 20, 0, 0, 2, 2, 4, 0, 0, 0, 1000, 20, 0, 0, 0, 0, 0}},
    {"cycles", PRECISE, false, 0, 0, 100, true, {100, 600, 30, 20, 20, 5, 10, 0, 0, 10, 300, 20, 20, 40, 6, 6, 1}},
    {"figures", PRECISE, false, 0, 0, 60000, false, {50, 50, 60, 10, 10, 5, 5, 0, 2, 5, 10, 20, 20, 40, 6, 6, 1}},
    {"garbage", 0, true, 0, 0, 100, false, {100, 100, 5, 10, 10, 100, 5, 0, 1, 5, 5, 20, 20, 40, 6, 6, 1}},
};
enum { MODES = sizeof modes / sizeof modes[0] };

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- hooks: delays between the steps of the protocol ---- */

#ifdef EDDY_HOOKS
static uint32_t delay_focus; /* a point at which this heap's threads dawdle */
static bool delays_over;     /* the mutators have ended */

static void delay(enum eddy__hook_point point, void *subject)
{
    static __thread struct rng rng;
    (void)subject;
    if (EDDY_LOAD_RELAXED(&delays_over))
        return;
    if (rng.state == 0)
        rng.state = (uintptr_t)&rng;
    bool step = point >= HOOK_STEP_INCS && point <= HOOK_CYCLE_PREPARED; /* some an epoch; the others are many */
    bool focus = point == EDDY_LOAD_RELAXED(&delay_focus);
    if (one_in(&rng, step ? 2 : focus ? 16 : 256))
        sched_yield();
    if (one_in(&rng, step ? focus ? 2 : 8 : focus ? 256 : 8192))
        usleep(below(&rng, step && focus ? 2000 : 300));
}
#endif

/* ---- one heap ---- */

static void create_heap(struct world *w)
{
    struct rng rng = {w->seed};
    eddy_config config;
    eddy_config_init(&config);
    config.flags = w->mode->flags;
    config.heap_limit = w->mode->limit;
    config.reserve_bytes = 1024 * MIB;
    config.epoch_bytes = 16 * KIB << 2 * below(&rng, 4);
    config.epoch_bytes_min = 16 * KIB;
    config.epoch_bytes_max = config.epoch_bytes << below(&rng, 3);
    config.log_bytes_epoch = 16 * KIB << 2 * below(&rng, 4);
    config.idle_ms = 1 + below(&rng, 20);
    config.cycle_growth_percent = 1 + below(&rng, 60);
    if (w->mode->chunk_most != 0)
        config.log_chunk_entries = 1 + below(&rng, w->mode->chunk_most);
    config.name = w->mode->name;
#ifdef EDDY_HOOKS
    uint32_t steps[] = {0, 20, 300, 5000}, scale = w->mode->figure_most > 10000   ? 100
                                                   : w->mode->figure_most >= 1000 ? 10
                                                                                  : 1;
    EDDY_STORE_RELAXED(&eddy__slice_steps, steps[below(&rng, 4)] * scale);
    EDDY_STORE_RELAXED(&delay_focus, below(&rng, HOOK_SLICE));
    EDDY_STORE_RELAXED(&delays_over, false);
#endif
    eddy_status status = eddy_heap_create(&config, &w->heap);
    if (status != EDDY_OK)
        fail(w, NULL, "heap: %s", eddy_status_text(status));
    register_shapes(w);
    register_purses(w);
}

/* Returns the number of unreachable objects. */
static uint64_t verify(struct mutator *m)
{
    struct world *w = m->world;
    eddy_verify_report report;
    eddy_status status = eddy_verify(m->thread, 60000, &report);
    if (status != EDDY_OK)
        fail(w, m, "verification: %s; %" PRIu64 " mismatches, the first: %s", eddy_status_text(status),
             report.mismatches, report.message);
    w->verifications++;
    w->objects_verified += report.objects;
    return report.unreachable;
}

/* ---- before and after the mutators; each on a thread of its own, of which nothing remains on a stack ---- */

enum { ROOT_SLOTS = ROOTS + STACKS + BOXES + PURSES + PERMANENT };

static void **root_slot(struct world *w, unsigned i)
{
    if (i >= ROOT_SLOTS - PERMANENT)
        return &w->permanent[i - (ROOT_SLOTS - PERMANENT)];
    if (i >= ROOTS + STACKS + BOXES)
        return &w->purses[i - (ROOTS + STACKS + BOXES)];
    return i < ROOTS ? &w->roots[i] : i < ROOTS + STACKS ? &w->stacks[i - ROOTS] : &w->boxes[i - ROOTS - STACKS];
}

/* Registers the roots, makes stacks and boxes. */
static void open_world(struct mutator *m)
{
    struct world *w = m->world;
    for (unsigned i = 0; i < ROOT_SLOTS; i++)
        if (eddy_root_add(m->thread, root_slot(w, i)) != EDDY_OK)
            fail(w, m, "a root slot is refused");
    while (eddy_finalizer_queue_create(w->heap, &w->queue) == EDDY_ENOMEM)
        usleep(1000);
    for (unsigned i = 0; i < STACKS; i++)
        eddy_root_store(m->thread, &w->stacks[i], make(m, SHAPE_STACK, 0, OWNER_FROZEN, NO_SHADOW, new_id(m)));
    for (unsigned i = 0; i < BOXES; i++)
        eddy_root_store(m->thread, &w->boxes[i], make(m, SHAPE_ARRAY, TOYS, OWNER_FROZEN, NO_SHADOW, new_id(m)));
    make_purses(m);
}

/* Lets go of everything. */
static void close_roots(struct mutator *m)
{
    struct world *w = m->world;
    count_coins(m);
    for (unsigned i = 0; i < MAILBOXES; i++)
        receive(m, EDDY_EXCHANGE_ACQ_REL(&w->mail[i], NULL));
    drop_pins(m);
    drop_fibers(m);
    for (unsigned i = 0; i < PERMANENT; i++)
        if (w->permanent[i] != NULL)
            check_permanent(m, eddy_root_load(m->thread, &w->permanent[i]));
    for (unsigned i = 0; i < STACKS; i++) {
        while (pop_stack(m, i)) {
        }
        if (w->depth[i] != 0)
            fail(w, m, "%" PRId64 " nodes of stack %u are lost", (int64_t)w->depth[i], i);
    }
    for (unsigned i = 0; i < ROOT_SLOTS; i++)
        if (eddy_root_remove(m->thread, root_slot(w, i)) != EDDY_OK)
            fail(w, m, "a root slot is unknown");
}

/* Nothing may be left but what ambiguous words hold. */
static void close_world(struct mutator *m)
{
    struct world *w = m->world;
    eddy_collect_report report;
    eddy_stats stats;
    bool precise = (w->mode->flags & PRECISE) != 0, complete = false;
    note(m, "closing");
    for (unsigned attempt = 0; !complete && attempt < 8; attempt++) {
        while (eddy_collect(m->thread, 0, NULL) == EDDY_OK && take_finalizers(m, UINT32_MAX) != 0)
            forget_everything(m);
        eddy_status status = eddy_collect(m->thread, HANG_SECONDS / 2 * 1000, &report);
        eddy_heap_stats(w->heap, &stats);
        if (status != EDDY_OK)
            fail(w, m, "last collection: %s", eddy_status_text(status));
        if (stats.permanent_objects < w->permanent_objects)
            fail(w, m, "%" PRIu64 " objects of %" PRIu64 " are permanent", stats.permanent_objects, w->permanent_objects);
        if (precise && (stats.live_objects != stats.permanent_objects || report.ambiguous_objects != 0))
            fail(w, m, "%" PRIu64 " objects of %" PRIu64 " bytes are left (%" PRIu64 " ambiguous)", stats.live_objects,
                 stats.live_bytes, report.ambiguous_objects);
        complete = verify(m) == 0; /* an ambiguous word may vanish between collection and verification */
    }
    if (!complete)
        fail(w, m, "%" PRIu64 " objects of %" PRIu64 " bytes are left, not all of them reachable", stats.live_objects,
             stats.live_bytes);
    eddy_heap_stats(w->heap, &stats);
    if (stats.misused_releases != 0 || w->retains != w->releases)
        fail(w, m, "%" PRIu64 " retained, %" PRIu64 " released, %" PRIu64 " misused", w->retains, w->releases,
             stats.misused_releases);
    if (stats.misused_unpins != 0 || (precise && (w->attached != w->finalized || stats.external_bytes != 0)))
        fail(w, m,
             "%" PRIu64 " finalizers attached, %" PRIu64 " run; %" PRIu64 " external bytes, %" PRIu64 " misused unpins",
             w->attached, w->finalized, stats.external_bytes, stats.misused_unpins);
    if (precise && stats.overflowed_counts != 0)
        fail(w, m, "%" PRIu64 " overflowed counts are left", stats.overflowed_counts);
}

/* ---- beside the mutators ---- */

/* Verifies, collects, changes the limit. */
static void audit_world(struct mutator *m)
{
    struct world *w = m->world;
    while (!EDDY_LOAD_RELAXED(&w->stop)) {
        note(m, "auditing");
        eddy_native_enter(m->thread);
        usleep(1000 + below(&m->rng, w->mode->collecting ? 2000 : 40000));
        eddy_native_leave(m->thread);
        if (one_in(&m->rng, w->mode->collecting ? 8 : 2))
            verify(m);
        else
            collect(m);
        uint32_t limit = (uint32_t)w->mode->limit;
        if (limit != 0 && one_in(&m->rng, 4))
            eddy_heap_set_limit(w->heap, limit / 2 + below(&m->rng, limit / 2));
#ifdef EDDY_HOOKS
        if (limit != 0)
            EDDY_STORE_RELAXED(&eddy__fail_countdown, 1 + below(&m->rng, 2000));
#endif
    }
}

static struct world *watched;

static void on_alarm(int signal)
{
    (void)signal;
    for (unsigned i = 0; i < PLACES; i++)
        if (watched->places[i].operation != NULL)
            fprintf(stderr, "torture: place %u: operation %" PRIu64 " (%s)\n", i, watched->places[i].operations,
                    watched->places[i].operation);
    fail(watched, NULL, "no progress in %d seconds", HANG_SECONDS);
}

/* Called now and then meanwhile, and at the end in place of a report, if not NULL. */
static void (*heap_goes_on)(const struct world *w), (*heap_ends)(const struct world *w);

/* Waits; as long as every place makes progress the alarm is put off. */
static void supervise(struct world *w, double seconds)
{
    uint64_t seen[PLACES] = {0};
    bool moved[PLACES] = {false};
    for (double end = now() + seconds; now() < end;) {
        usleep(10000);
        if (heap_goes_on != NULL)
            heap_goes_on(w);
        unsigned still = 0;
        for (unsigned i = 0; i < w->options.threads; i++) {
            uint64_t operations = EDDY_LOAD_RELAXED(&w->places[i].operations);
            moved[i] |= operations != seen[i];
            seen[i] = operations;
            still += !moved[i];
        }
        if (still != 0)
            continue;
        memset(moved, 0, sizeof moved);
        alarm(HANG_SECONDS);
    }
}

static void report(const struct world *w)
{
    eddy_stats s;
    uint64_t operations = 0;
    if (heap_ends != NULL) {
        heap_ends(w);
        return;
    }
    eddy_heap_stats(w->heap, &s);
    for (unsigned i = 0; i < PLACES; i++)
        operations += w->places[i].operations;
    printf("  %-13s seed %-6" PRIu64 " %u threads %8" PRIu64 " operations, %u lives, %" PRIu64 " epochs, %" PRIu64
           " promotions, %" PRIu64 " freed, cycles %" PRIu64 "/%" PRIu64 "s/%" PRIu64 "d, %" PRIu64 " verified %" PRIu64
           "x, oom %" PRIu64 "\n",
           w->mode->name, w->seed, w->options.threads, operations, w->lives, s.epochs, s.promotions, s.objects_freed,
           s.cycles_freed, s.cycles_rejected_sigma, s.cycles_rejected_delta, w->objects_verified, w->verifications,
           w->out_of_memory);
    fflush(stdout);
}

static inline void run_heap(const struct mode *mode, const struct options *options, uint64_t seed, double seconds)
{
    struct world *w = calloc(1, sizeof *w);
    struct life lives[THREADS_MOST], auditor = {w, THREADS_MOST + 1, 0, audit_world};
    pthread_t threads[THREADS_MOST] = {0}, audit;
    *w = (struct world){.mode = mode, .options = *options, .seed = seed};
    w->options.seed = seed;
    if (w->options.threads == 0)
        w->options.threads = 2 + (unsigned)(mix(seed) % 7);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    w->tiny_stacks = mix(seed) % 4 == 0;
#endif
    watched = w;
    alarm(HANG_SECONDS);
    create_heap(w);
    run_life(w, THREADS_MOST, 0, open_world);
    for (unsigned i = 0; i < w->options.threads; i++) {
        lives[i] = (struct life){w, i, 0, live};
        if (pthread_create(&threads[i], NULL, place_main, &lives[i]) != 0)
            fail(w, NULL, "no thread");
    }
    if (pthread_create(&audit, NULL, mutator_main, &auditor) != 0)
        fail(w, NULL, "no thread");
    supervise(w, seconds);
#ifdef EDDY_HOOKS /* from here on delays and short slices would only take time */
    EDDY_STORE_RELAXED(&eddy__slice_steps, 0);
    EDDY_STORE_RELAXED(&delays_over, true);
#endif
    EDDY_STORE_RELEASE(&w->stop, 1);
    for (unsigned i = 0; i < w->options.threads; i++)
        pthread_join(threads[i], NULL);
    pthread_join(audit, NULL);
#ifdef EDDY_HOOKS
    EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
#endif
    run_life(w, THREADS_MOST, 1, close_roots);
    run_life(w, THREADS_MOST, 2, close_world);
    report(w);
    eddy_status status = eddy_heap_destroy(w->heap);
    if (status != EDDY_OK)
        fail(w, NULL, "destroy: %s", eddy_status_text(status));
    alarm(0);
    free(w);
}

#endif
