/* A laboratory for interleavings, for builds with test hooks.
 *
 * The main thread, which is not attached, conducts. *Actors*, attached threads with a frame of handles each, do
 * one thing at a time at its word while nothing else runs. Epochs run on the conductor, in two halves: epoch_begin
 * asks for the handshakes, epoch_end processes the epoch once all actors have passed theirs. Hooks stop an
 * actor between two steps of its protocol (stop_at, resume), or call the conductor back between two steps of the
 * collector (at_point). So each interleaving is exact, and the same in every run.
 *
 * Oracles: alive (the object has not been freed), sound (all that is reachable is alive, and holds what it should),
 * verified (all counts recomputed), lab_empty (nothing is left once nothing is reachable). */
#ifndef EDDY_TESTS_LAB_H
#define EDDY_TESTS_LAB_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/collector.h"
#include "collector/state.h"

#define ACTORS 4
#define ROOTS 6
#define SLOTS 4
#define RETAINED 8
#define FIELDS 3
#define CANARY UINT64_C(0x5eed5eed5eed5eed)
#define WALK_MOST 4096u
#define EPOCHS_TO_COLLECT 20000u
#define EPOCH_TIMEOUT_NS UINT64_C(100000000000)

struct node {
    uint64_t canary; /* its own address, xor CANARY */
    struct node *f[FIELDS];
};

struct actor;
typedef void job_fn(struct actor *self);

enum actor_state { ACTOR_IDLE, ACTOR_BUSY, ACTOR_STOPPED };

struct actor {
    pthread_t os_thread;
    pthread_cond_t wake;
    eddy_thread *t; /* NULL while not attached */
    eddy_frame frame;
    void *roots[ROOTS];
    bool native;
    job_fn *job;
    void *object, *value; /* operands and result of the job */
    size_t index;
    enum actor_state state;
    int stop_at; /* the hook point at which it stops, or -1 */
};

static struct lab {
    eddy_heap *heap;
    const eddy_type *node;
    struct actor actors[ACTORS];
    unsigned count;
    void *slots[SLOTS]; /* global roots */
    void *retained[RETAINED];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool inlined;                    /* the only actor acts on the conductor's thread: fast, but cannot stop */
    bool begun;                      /* an epoch waits for handshakes */
    void (*act)(void);               /* called back by the collector … */
    enum eddy__hook_point act_point; /* … at the next arrival here */
    unsigned act_skip;               /* after so many arrivals */
    bool (*each)(enum eddy__hook_point point); /* called at every point of the collector */
    unsigned walked;
} lab = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static __thread struct actor *lab_self; /* NULL: the conductor */

/* ---- actors ---- */

static inline void *actor_main(void *argument)
{
    struct actor *self = lab_self = argument;
    pthread_mutex_lock(&lab.lock);
    for (;;) {
        while (self->state != ACTOR_BUSY)
            pthread_cond_wait(&self->wake, &lab.lock);
        job_fn *job = self->job;
        if (job == NULL)
            break;
        pthread_mutex_unlock(&lab.lock);
        job(self);
        pthread_mutex_lock(&lab.lock);
        self->state = ACTOR_IDLE;
        pthread_cond_signal(&lab.changed);
    }
    pthread_mutex_unlock(&lab.lock);
    return NULL;
}

/* Lets the actor go on, and does not wait for it. */
static inline void let_go(struct actor *a)
{
    pthread_mutex_lock(&lab.lock);
    a->state = ACTOR_BUSY;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&lab.lock);
}

/* Lets the actor go on until it has done its job, or stops. */
static inline void resume(struct actor *a)
{
    let_go(a);
    pthread_mutex_lock(&lab.lock);
    while (a->state == ACTOR_BUSY)
        pthread_cond_wait(&lab.changed, &lab.lock);
    pthread_mutex_unlock(&lab.lock);
}

static inline void perform(struct actor *a, job_fn *job)
{
    a->job = job;
    if (lab.inlined)
        job(a);
    else
        resume(a);
}

/* The next job of the actor stops when it reaches `point`. */
static inline void stop_at(struct actor *a, enum eddy__hook_point point)
{
    a->stop_at = (int)point;
}

static inline bool stopped(const struct actor *a)
{
    return a->state == ACTOR_STOPPED;
}

/* The collector calls `act` back when it reaches `point` the next time but `skip`. */
static inline void at_point(enum eddy__hook_point point, unsigned skip, void (*act)(void))
{
    lab.act_point = point;
    lab.act_skip = skip;
    lab.act = act;
}

static inline void lab_hook(enum eddy__hook_point point, void *subject)
{
    (void)subject;
    struct actor *self = lab_self;
    if (self == NULL) {
        if (lab.each != NULL && lab.each(point))
            return;
        if (lab.act == NULL || lab.act_point != point || lab.act_skip-- != 0)
            return;
        void (*act)(void) = lab.act;
        lab.act = NULL;
        act();
    } else if (self->stop_at == (int)point) {
        self->stop_at = -1;
        pthread_mutex_lock(&lab.lock);
        self->state = ACTOR_STOPPED;
        pthread_cond_signal(&lab.changed);
        while (self->state != ACTOR_BUSY)
            pthread_cond_wait(&self->wake, &lab.lock);
        pthread_mutex_unlock(&lab.lock);
    }
}

/* ---- what actors do ---- */

static inline void job_attach(struct actor *self)
{
    self->index = eddy_thread_attach(lab.heap, &self->t);
    if (self->index == EDDY_OK)
        eddy_frame_push(self->t, &self->frame, self->roots, ROOTS);
}
static inline void job_detach(struct actor *self)
{
    eddy_frame_pop(self->t, &self->frame);
    self->index = eddy_thread_detach(self->t);
    self->t = NULL;
}
static inline void job_new(struct actor *self)
{
    struct node *n = eddy_alloc(self->t, lab.node);
    self->roots[self->index] = self->value = n;
    if (n != NULL)
        n->canary = (uintptr_t)n ^ CANARY;
}
static inline void job_array(struct actor *self)
{
    void *array = eddy_alloc_array(self->t, (size_t)(uintptr_t)self->value);
    self->roots[self->index] = self->value = array;
}
static inline void job_put(struct actor *self)
{
    struct node *n = self->object;
    if (self->index >= FIELDS)
        abort();
    eddy_store(self->t, n, (void **)&n->f[self->index], self->value);
}
static inline void job_element(struct actor *self)
{
    eddy_array *array = self->object;
    eddy_store(self->t, array, &array->slots[self->index], self->value);
}
static inline void job_retain(struct actor *self)
{
    eddy_retain(self->t, self->value);
}
static inline void job_release(struct actor *self)
{
    eddy_release(self->t, self->value);
}
static inline void job_root(struct actor *self)
{
    eddy_root_store(self->t, &lab.slots[self->index], self->value);
}
static inline void job_safepoint(struct actor *self)
{
    eddy_safepoint(self->t);
}
static inline void job_enter(struct actor *self)
{
    eddy_native_enter(self->t);
}
static inline void job_leave(struct actor *self)
{
    eddy_native_leave(self->t);
}
static inline void job_root_add(struct actor *self)
{
    self->index = eddy_root_add(self->t, &lab.slots[self->index]);
}
static inline void job_root_remove(struct actor *self)
{
    self->index = eddy_root_remove(self->t, &lab.slots[self->index]);
}

/* The conductor's words for them. An actor that is stopped does what it was told when it is resumed. */

static inline void attach(struct actor *a)
{
    memset(a->roots, 0, sizeof a->roots);
    perform(a, job_attach);
}
static inline void detach(struct actor *a)
{
    perform(a, job_detach);
}
/* A new node, in handle k. */
static inline struct node *make(struct actor *a, unsigned k)
{
    a->index = k;
    perform(a, job_new);
    return a->value;
}
static inline eddy_array *make_array(struct actor *a, unsigned k, size_t length)
{
    a->index = k;
    a->value = (void *)(uintptr_t)length;
    perform(a, job_array);
    return a->value;
}
/* object.f[i] = value */
static inline void put(struct actor *a, void *object, unsigned i, void *value)
{
    a->object = object;
    a->index = i;
    a->value = value;
    perform(a, job_put);
}
static inline void put_element(struct actor *a, eddy_array *array, size_t i, void *value)
{
    a->object = array;
    a->index = i;
    a->value = value;
    perform(a, job_element);
}
/* root slot i = value */
static inline void put_root(struct actor *a, unsigned i, void *value)
{
    a->index = i;
    a->value = value;
    perform(a, job_root);
}
/* handle k = p; for p that the actor may have loaded just now */
static inline void hold(struct actor *a, unsigned k, void *p)
{
    a->roots[k] = p;
}
static inline void forget_all(struct actor *a)
{
    memset(a->roots, 0, sizeof a->roots);
}
static inline void handshake(struct actor *a)
{
    perform(a, job_safepoint);
}
static inline void enter(struct actor *a)
{
    a->native = true;
    perform(a, job_enter);
}
static inline void leave(struct actor *a)
{
    a->native = false;
    perform(a, job_leave);
}

/* Publishes something large into root slot i, so that all that the actor owns becomes private-old. */
static inline void job_bump(struct actor *self)
{
    unsigned slot = (unsigned)self->index;
    eddy_array *array = eddy_alloc_array(self->t, 12);
    self->roots[ROOTS - 1] = array;
    for (size_t i = 0; i < array->length; i++)
        eddy_store(self->t, array, &array->slots[i], eddy_alloc_bytes(self->t, 8));
    eddy_root_store(self->t, &lab.slots[slot], array);
    self->roots[ROOTS - 1] = NULL;
}
static inline void bump(struct actor *a, unsigned slot)
{
    a->index = slot;
    perform(a, job_bump);
}

/* ---- epochs ---- */

static inline void epoch_begin(void)
{
    lab.begun = !eddy__collector_epoch(lab.heap, 0, NULL);
}

/* All actors have passed their handshakes. False when they have not. */
static inline bool epoch_end(void)
{
    bool passed = !lab.begun || eddy__collector_epoch(lab.heap, EPOCH_TIMEOUT_NS, NULL);
    lab.begun = false;
    return passed;
}

static inline bool behind(const struct actor *a)
{
    return lab.begun && a->t != NULL && !a->native && a->t->epoch != lab.heap->epoch;
}

static inline void handshakes(void)
{
    for (unsigned i = 0; i < lab.count; i++)
        if (behind(&lab.actors[i]) && !stopped(&lab.actors[i]))
            handshake(&lab.actors[i]);
}

static inline void epoch_pass(void)
{
    epoch_begin();
    handshakes();
    epoch_end();
}

static inline void epochs(unsigned n)
{
    while (n-- != 0)
        epoch_pass();
}

static inline void want_cycles(void)
{
    eddy__collector_request(lab.heap, REQUEST_CYCLES);
}

/* Until all that was logged has been applied; then counts are what they should be. */
static inline bool settle(void)
{
    for (unsigned i = 0; i < EPOCHS_TO_COLLECT; i++) {
        epoch_pass();
        if (i >= 3 && eddy__collector_at_rest(lab.heap))
            return true;
    }
    return false;
}

/* Until everything unreachable has been reclaimed, as eddy_collect does. */
static inline bool collect_all(void)
{
    uint64_t from = lab.heap->epoch + 2;
    for (unsigned i = 0; i < EPOCHS_TO_COLLECT; i++) {
        if (lab.heap->exhausted_from >= from)
            return settle();
        want_cycles();
        epoch_pass();
    }
    return false;
}

static inline eddy_stats stats_now(void)
{
    eddy_stats stats;
    eddy_heap_stats(lab.heap, &stats);
    return stats;
}

static inline uint64_t live_objects(void)
{
    return stats_now().live_objects;
}

/* ---- oracles ---- */

static inline bool alive(const void *p)
{
    return eddy_object_at(lab.heap, p) == p;
}

struct walk {
    const void *seen[2 * WALK_MOST]; /* open addressing */
    const void *work[WALK_MOST];
    unsigned count, left;
};

static inline bool walk_add(struct walk *w, const void *p)
{
    if (p == NULL)
        return true;
    size_t i = ((uintptr_t)p >> 4) * 2654435761u % (2 * WALK_MOST);
    for (; w->seen[i] != NULL; i = (i + 1) % (2 * WALK_MOST))
        if (w->seen[i] == p)
            return true;
    if (w->count == WALK_MOST)
        abort();
    w->seen[i] = p;
    w->work[w->left++] = p;
    w->count++;
    return alive(p);
}

static inline bool walk_object(struct walk *w, const void *p)
{
    if (eddy_object_type(lab.heap, p) == lab.node) {
        const struct node *n = p;
        bool good = n->canary == ((uintptr_t)n ^ CANARY);
        for (unsigned i = 0; i < FIELDS; i++)
            good = good && walk_add(w, EDDY_LOAD_ACQUIRE(&n->f[i]));
        return good;
    }
    if (eddy_object_type(lab.heap, p) != eddy_type_array(lab.heap))
        return eddy_object_type(lab.heap, p) == eddy_type_bytes(lab.heap);
    const eddy_array *array = p;
    bool good = array->length <= 1000;
    for (size_t i = 0; good && i < array->length; i++)
        good = walk_add(w, EDDY_LOAD_ACQUIRE(&array->slots[i]));
    return good;
}

/* Whether all that is reachable is alive; lab.walked is then how many objects that is. */
static inline bool sound(void)
{
    static struct walk w;
    memset(&w, 0, sizeof w);
    bool good = true;
    for (unsigned i = 0; good && i < SLOTS; i++)
        good = walk_add(&w, EDDY_LOAD_ACQUIRE(&lab.slots[i]));
    for (unsigned i = 0; good && i < RETAINED; i++)
        good = walk_add(&w, lab.retained[i]);
    for (unsigned i = 0; good && i < lab.count; i++)
        for (unsigned k = 0; good && lab.actors[i].t != NULL && k < ROOTS; k++)
            good = walk_add(&w, lab.actors[i].roots[k]);
    while (good && w.left != 0)
        good = walk_object(&w, w.work[--w.left]);
    lab.walked = w.count;
    return good;
}

/* After settle: all counts are as recomputed. */
static inline bool verified(void)
{
    eddy_verify_report report;
    if (eddy__collector_verify(lab.heap, &report) == EDDY_OK)
        return true;
    fprintf(stderr, "verification: %s\n", report.message);
    return false;
}

/* ---- opening and closing ---- */

static inline eddy_config lab_config(void)
{
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS;
    config.reserve_bytes = (size_t)256 << 20;
    return config;
}

/* `actors` 0: one, on the conductor's own thread. */
static inline void lab_open_with(const eddy_config *config, unsigned actors)
{
    const size_t offsets[FIELDS] = {offsetof(struct node, f[0]), offsetof(struct node, f[1]), offsetof(struct node, f[2])};
    const eddy_type_desc desc = {.name = "node", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = FIELDS};
    lab.begun = false;
    lab.act = NULL;
    lab.each = NULL;
    lab.inlined = actors == 0;
    lab.count = actors == 0 ? 1 : actors;
    eddy__slice_steps = eddy__portion_roots = 0;
    eddy__hook = lab_hook;
    if (eddy_heap_create(config, &lab.heap) != EDDY_OK || eddy_type_register(lab.heap, &desc, &lab.node) != EDDY_OK)
        abort();
    for (unsigned i = 0; i < lab.count; i++) {
        struct actor *a = &lab.actors[i];
        *a = (struct actor){.wake = PTHREAD_COND_INITIALIZER, .stop_at = -1};
        if (!lab.inlined && pthread_create(&a->os_thread, NULL, actor_main, a) != 0)
            abort();
        attach(a);
        if (a->t == NULL)
            abort();
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        lab.actors[0].index = i;
        perform(&lab.actors[0], job_root_add);
    }
}

static inline void lab_open(unsigned actors)
{
    const eddy_config config = lab_config();
    lab_open_with(&config, actors);
}

/* Drops all references. False if anything is left then, or verification fails. */
static inline bool lab_empty(void)
{
    struct actor *first = &lab.actors[0];
    epoch_end();
    for (unsigned i = 0; i < lab.count; i++) {
        struct actor *a = &lab.actors[i];
        if (a->native)
            leave(a);
        forget_all(a);
    }
    if (first->t == NULL)
        attach(first);
    for (unsigned i = 0; i < SLOTS; i++)
        put_root(first, i, NULL);
    for (unsigned i = 0; i < RETAINED; i++) {
        first->value = lab.retained[i];
        lab.retained[i] = NULL;
        perform(first, job_release);
    }
    if (!collect_all() || !verified())
        return false;
    if ((lab.heap->flags & EDDY_HEAP_PRECISE_ROOTS) == 0 || live_objects() == 0)
        return true;
    fprintf(stderr, "%llu objects were never reclaimed\n", (unsigned long long)live_objects());
    return false;
}

/* Empties the laboratory and takes it down. */
static inline bool lab_close(void)
{
    bool good = lab_empty();
    for (unsigned i = 0; i < SLOTS; i++) {
        lab.actors[0].index = i;
        perform(&lab.actors[0], job_root_remove);
    }
    for (unsigned i = 0; i < lab.count; i++) {
        struct actor *a = &lab.actors[i];
        if (a->t != NULL)
            detach(a);
        if (lab.inlined)
            continue;
        pthread_mutex_lock(&lab.lock);
        a->job = NULL;
        a->state = ACTOR_BUSY;
        pthread_cond_signal(&a->wake);
        pthread_mutex_unlock(&lab.lock);
        pthread_join(a->os_thread, NULL);
        pthread_cond_destroy(&a->wake);
    }
    if (eddy_heap_destroy(lab.heap) != EDDY_OK)
        good = false;
    eddy__slice_steps = eddy__portion_roots = 0;
    return good;
}

/* Runs tests; the first failure ends the program, as actors may be anywhere then. */
#define LAB_RUN(tests) (setenv("CMOCKA_TEST_ABORT", "1", 1), cmocka_run_group_tests(tests, NULL, NULL))

#endif
