/* The driver of eddy/fuzz.h. Uses nothing but the public API.
 *
 * Each thread has *own* objects, which it alone writes: what their fields hold is known exactly. An object that goes into
 * a root slot is *shared* from then on: any thread writes it. Whatever is met on the way is checked to be alive and intact.
 * Addresses in the model are kept as their complements, which no conservative scan takes for references. */
#include "eddy/fuzz.h"

#include "eddy/eddy.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OWN = 8,
    HELD = 4,
    SLOTS = OWN + HELD,
    ROOTS = 12,
    FIELDS = 32,
    THREADS_MOST = 16,
    HEAP_OPERATIONS = 20000,
    STEPS = 6
};

struct world {
    const eddy_fuzz_target *target;
    const eddy_fuzz_options *options;
    eddy_fuzz_report *report;
    void *context;
    eddy_heap *heap;
    eddy_finalizer_queue *queue;
    void *roots[ROOTS];
    bool conservative;
    uint64_t attached, finalized, objects, operations; /* any thread */
    uint32_t failed;
};

struct own {
    unsigned fields;
    uintptr_t expected[FIELDS];
    eddy_weak *weak;
};

struct actor {
    struct world *world;
    eddy_thread *t;
    uint64_t random;
    void *slots[SLOTS];
    eddy_frame frame;
    struct own own[OWN];
};

/* splitmix64 (Steele, Lea and Flood, OOPSLA 2014) */
static uint64_t next_random(struct actor *a)
{
    uint64_t x = a->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static unsigned below(struct actor *a, unsigned bound)
{
    return (unsigned)((next_random(a) >> 32) * bound >> 32);
}

/* The first failure is told. */
__attribute__((format(printf, 2, 3))) static void fail(struct world *w, const char *format, ...)
{
    if (EDDY_EXCHANGE_ACQ_REL(&w->failed, 1) != 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->report->message, sizeof w->report->message, format, arguments);
    va_end(arguments);
}

static bool failed(const struct world *w)
{
    return EDDY_LOAD_RELAXED(&w->failed) != 0;
}

/* Whether it is alive and intact; else this is a failure. */
static bool check(struct actor *a, void *object)
{
    struct world *w = a->world;
    if (((uintptr_t)object & 15) != 0 || eddy_object_at(w->heap, object) != object) {
        fail(w, "%p can be reached, but is no live object", object);
        return false;
    }
    const eddy_fuzz_kind *kind = w->target->kind_of(object, w->context);
    const char *wrong = kind == NULL ? "is of no kind" : kind->check == NULL ? NULL : kind->check(object, w->context);
    if (wrong != NULL)
        fail(w, "%s %p: %s", kind == NULL ? "object" : kind->name, object, wrong);
    return wrong == NULL;
}

static const eddy_fuzz_kind *kind_of(struct actor *a, void *object)
{
    return a->world->target->kind_of(object, a->world->context);
}

static unsigned fields_of(struct actor *a, void *object)
{
    return kind_of(a, object)->fields(object, a->world->context);
}

/* ---- own objects ---- */

static void check_own(struct actor *a, unsigned i)
{
    void *object = a->slots[i];
    if (object == NULL || !check(a, object))
        return;
    for (unsigned k = 0; k < a->own[i].fields && !failed(a->world); k++) {
        void *found = kind_of(a, object)->load(a->t, object, k, a->world->context);
        if (~(uintptr_t)found != a->own[i].expected[k])
            fail(a->world, "field %u of the %s %p is %p, not %p", k, kind_of(a, object)->name, object, found,
                 (void *)~a->own[i].expected[k]);
        else if (found != NULL)
            check(a, found);
    }
}

static void let_go(struct actor *a, unsigned i)
{
    eddy_weak_drop(a->t, a->own[i].weak);
    a->own[i].weak = NULL;
    a->slots[i] = NULL;
}

static void on_finalizer(eddy_thread *t, void *object, void *data)
{
    struct world *w = data;
    (void)t;
    EDDY_ADD_RELAXED(&w->finalized, 1);
    if (eddy_object_at(w->heap, object) != object)
        fail(w, "a finalizer is run on %p, which is no live object", object);
}

static void make(struct actor *a, unsigned i)
{
    struct world *w = a->world;
    const eddy_fuzz_kind *kind = &w->target->kinds[below(a, w->target->count)];
    let_go(a, i);
    void *object = kind->make(a->t, next_random(a), w->context);
    if (object == NULL)
        return;
    a->slots[i] = object;
    EDDY_ADD_RELAXED(&w->objects, 1);
    a->own[i].fields = kind->fields(object, w->context);
    if (a->own[i].fields > FIELDS)
        a->own[i].fields = FIELDS;
    for (unsigned k = 0; k < a->own[i].fields; k++)
        a->own[i].expected[k] = ~(uintptr_t)kind->load(a->t, object, k, w->context);
    if (below(a, 4) == 0 && eddy_finalizer_attach(a->t, object, w->queue, on_finalizer, w) == EDDY_OK)
        EDDY_ADD_RELAXED(&w->attached, 1);
    if (below(a, 4) == 0)
        eddy_weak_create(a->t, object, &a->own[i].weak);
}

/* ---- finding ---- */

/* An object some steps from a root or an own object, or NULL; in a slot, so that it is held. */
static void *walk(struct actor *a, unsigned held)
{
    void *object = below(a, 2) == 0 ? a->slots[below(a, OWN)] : eddy_root_load(a->t, &a->world->roots[below(a, ROOTS)]);
    a->slots[OWN + held] = object;
    for (unsigned steps = below(a, STEPS); object != NULL && steps > 0 && !failed(a->world); steps--) {
        if (!check(a, object) || fields_of(a, object) == 0)
            break;
        void *next = kind_of(a, object)->load(a->t, object, below(a, fields_of(a, object)), a->world->context);
        if (next == NULL)
            break;
        a->slots[OWN + held] = object = next;
    }
    return object != NULL && check(a, object) ? object : NULL;
}

/* ---- operations ---- */

static void store_own(struct actor *a)
{
    unsigned i = below(a, OWN);
    void *object = a->slots[i], *value = below(a, 4) == 0 ? NULL : walk(a, 0);
    if (object == NULL || a->own[i].fields == 0 || failed(a->world))
        return;
    unsigned k = below(a, a->own[i].fields);
    if (kind_of(a, object)->store(a->t, object, k, value, a->world->context))
        a->own[i].expected[k] = ~(uintptr_t)value;
    check_own(a, i);
}

static void store_shared(struct actor *a)
{
    void **root = &a->world->roots[below(a, ROOTS)];
    void *object = a->slots[OWN + 1] = eddy_root_load(a->t, root), *value = below(a, 3) == 0 ? NULL : walk(a, 0);
    if (object == NULL || failed(a->world) || !check(a, object) || fields_of(a, object) == 0)
        return;
    kind_of(a, object)->store(a->t, object, below(a, fields_of(a, object)), value, a->world->context);
    check(a, object);
}

static void share(struct actor *a)
{
    unsigned i = below(a, OWN);
    if (below(a, 3) == 0) {
        eddy_root_store(a->t, &a->world->roots[below(a, ROOTS)], NULL);
        return;
    }
    check_own(a, i);
    eddy_root_store(a->t, &a->world->roots[below(a, ROOTS)], a->slots[i]);
    let_go(a, i);
}

static void act(struct actor *a)
{
    unsigned i = below(a, OWN);
    void *object = a->slots[i];
    if (object == NULL || kind_of(a, object)->act == NULL)
        return;
    kind_of(a, object)->act(a->t, object, next_random(a), a->world->context);
    check_own(a, i);
}

static void load_weak(struct actor *a)
{
    unsigned i = below(a, OWN);
    if (a->own[i].weak == NULL)
        return;
    const void *found = eddy_weak_load(a->t, a->own[i].weak);
    if (found != a->slots[i])
        fail(a->world, "a weak reference to %p, which is held, gives %p", a->slots[i], found);
}

static void collect(struct actor *a)
{
    eddy_verify_report report;
    struct world *w = a->world;
    eddy_collect_hint(w->heap);
    if (below(a, 64) == 0 && eddy_collect(a->t, 0, NULL) != EDDY_OK)
        fail(w, "a collection fails");
    if (below(a, 128) == 0 && eddy_verify(a->t, 0, &report) == EDDY_ECORRUPT)
        fail(w, "%s", report.message);
}

static void sleep_or_run_finalizers(struct actor *a)
{
    if (below(a, 2) == 0) {
        eddy_finalizers_run(a->t, a->world->queue, 8);
        return;
    }
    eddy_native_enter(a->t);
    sched_yield();
    eddy_native_leave(a->t);
}

static void operate(struct actor *a)
{
    switch (below(a, 32)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5: make(a, below(a, OWN)); break;
    case 6:
    case 7:
    case 8: share(a); break;
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14: store_shared(a); break;
    case 15: check_own(a, below(a, OWN)); break;
    case 16:
    case 17: act(a); break;
    case 18: load_weak(a); break;
    case 19: collect(a); break;
    case 20: sleep_or_run_finalizers(a); break;
    case 21: let_go(a, below(a, OWN)); break;
    default: store_own(a);
    }
    memset(a->slots + OWN, 0, HELD * sizeof a->slots[0]);
}

/* ---- threads and heaps ---- */

static bool begin(struct actor *a)
{
    if (eddy_thread_attach(a->world->heap, &a->t) != EDDY_OK)
        return false;
    if (!a->world->conservative)
        eddy_frame_push(a->t, &a->frame, a->slots, SLOTS);
    return true;
}

static void end(struct actor *a)
{
    for (unsigned i = 0; i < OWN; i++) {
        check_own(a, i);
        let_go(a, i);
    }
    if (!a->world->conservative)
        eddy_frame_pop(a->t, &a->frame);
    if (!failed(a->world) && eddy_thread_detach(a->t) != EDDY_OK)
        fail(a->world, "a thread cannot detach");
}

struct start {
    struct world *world;
    uint64_t seed;
};

/* The actor is on the stack: where that is scanned, its slots need no frame. */
static void *thread_main(void *argument)
{
    const struct start *start = argument;
    struct actor a = {.world = start->world, .random = start->seed};
    if (!begin(&a)) {
        fail(a.world, "a thread cannot attach");
        return NULL;
    }
    unsigned done = 0;
    for (; done < HEAP_OPERATIONS && !failed(a.world); done++)
        operate(&a);
    end(&a);
    EDDY_ADD_RELAXED(&a.world->operations, done);
    return NULL;
}

/* All objects die, and all finalizers run. */
static void empty(struct world *w)
{
    eddy_thread *t;
    eddy_verify_report report;
    eddy_stats stats;
    if (eddy_thread_attach(w->heap, &t) != EDDY_OK) {
        fail(w, "a thread cannot attach");
        return;
    }
    for (unsigned i = 0; i < ROOTS; i++)
        eddy_root_remove(t, &w->roots[i]);
    do
        eddy_collect(t, 0, NULL);
    while (eddy_finalizers_run(t, w->queue, SIZE_MAX) != 0);
    if (eddy_verify(t, 0, &report) == EDDY_ECORRUPT)
        fail(w, "%s", report.message);
    eddy_heap_stats(w->heap, &stats);
    if (!w->conservative && stats.live_objects != 0)
        fail(w, "in the end %llu objects are left", (unsigned long long)stats.live_objects);
    if (!w->conservative && w->finalized != w->attached)
        fail(w, "%llu finalizers were run, and %llu attached", (unsigned long long)w->finalized,
             (unsigned long long)w->attached);
    w->report->epochs += stats.epochs;
    w->report->cycles += stats.cycles_freed;
    if (!failed(w))
        eddy_thread_detach(t);
}

static bool open_world(struct world *w)
{
    eddy_config config;
    eddy_thread *t;
    eddy_config_init(&config);
    config.flags = w->options->heap_flags | (w->conservative ? 0 : EDDY_HEAP_PRECISE_ROOTS);
    config.heap_limit = w->options->heap_limit;
    config.epoch_bytes = config.epoch_bytes_min = 64 << 10; /* epochs follow on each other */
    config.cycle_growth_percent = 1;
    if (eddy_heap_create(&config, &w->heap) != EDDY_OK || w->target->open(w->heap, &w->context) != EDDY_OK
        || eddy_finalizer_queue_create(w->heap, &w->queue) != EDDY_OK || eddy_thread_attach(w->heap, &t) != EDDY_OK)
        return false;
    for (unsigned i = 0; i < ROOTS; i++)
        eddy_root_add(t, &w->roots[i]);
    return eddy_thread_detach(t) == EDDY_OK;
}

static void run_heap(struct world *w, uint64_t seed)
{
    pthread_t threads[THREADS_MOST];
    struct start starts[THREADS_MOST];
    unsigned wanted = w->options->threads == 0 ? 3 : w->options->threads, count = 0;
    if (!open_world(w)) {
        fail(w, "the heap cannot be opened");
        return;
    }
    for (; count < wanted && count < THREADS_MOST; count++) {
        starts[count] = (struct start){w, seed * THREADS_MOST + count};
        if (pthread_create(&threads[count], NULL, thread_main, &starts[count]) != 0)
            break;
    }
    while (count > 0)
        pthread_join(threads[--count], NULL);
    if (!failed(w))
        empty(w);
    if (!failed(w) && eddy_heap_destroy(w->heap) != EDDY_OK)
        fail(w, "the heap cannot be destroyed");
    if (!failed(w) && w->target->close != NULL)
        w->target->close(w->context);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool eddy_fuzz(const eddy_fuzz_target *target, const eddy_fuzz_options *options, eddy_fuzz_report *report)
{
    static const eddy_fuzz_options usual = {.seed = 1};
    options = options != NULL ? options : &usual;
    *report = (eddy_fuzz_report){.seed = options->seed};
    double until = now() + (options->seconds > 0 ? options->seconds : 1);
    do {
        struct world w = {.target = target, .options = options, .report = report};
        report->seed = options->seed + report->heaps;
        w.conservative = (report->seed & 1) != 0 && (options->heap_flags & EDDY_HEAP_PRECISE_ROOTS) == 0;
        run_heap(&w, report->seed);
        report->heaps++;
        report->operations += w.operations;
        report->objects += w.objects;
    } while (report->message[0] == 0 && now() < until);
    return report->message[0] == 0;
}
