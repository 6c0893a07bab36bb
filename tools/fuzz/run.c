/* One deterministic run of a case: makes the heap, lets the program's threads go under the scheduler, and when all
 * have done their part brings everything to rest, twice: with what the handles hold, and with nothing. */
#include "collector/collector.h"
#include "collector/state.h"

#include "tools/fuzz/figures.h"
#include "tools/fuzz/sched.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIVES_MOST 64u
#define STACK_BYTES ((size_t)256 << 10)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES_TINY STACK_BYTES /* their frames are large */
#else
#define STACK_BYTES_TINY ((size_t)64 << 10)
#endif
#define LOG_BYTES_LEAST (4 * LOG_CHUNK_BYTES)

static struct run run;

/* ---- hooks ---- */

static __thread struct mutator *mutator; /* of the calling thread */

#define FAULTS_POINTS 20000u /* then memory is there again: threads that wait for log space wait as long as it takes */

static void check(void)
{
    if (sched_points() == FAULTS_POINTS) {
        EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
        EDDY_STORE_RELAXED(&eddy__fail_for_good, 0);
    }
    if (run.model.dirty)
        oracle_sound(&run);
}

static void hook(enum eddy__hook_point point, void *subject)
{
    if (point < HOOK_COUNT)
        EDDY_STORE_RELAXED(&fuzz_shared->coverage[point], fuzz_shared->coverage[point] + 1);
    if (!sched_is_actor())
        return;
    if (point == HOOK_CELL_FREED) {
        run.model.dirty = true;
        return;
    }
    if (mutator != NULL && point == HOOK_STORE_EXCHANGED)
        model_exchanged(mutator);
    else if (mutator != NULL && mutator->pending.kind == PENDING_BULK)
        model_sync_bulk(mutator);
    if (point == HOOK_STEP_SWEPT || point == HOOK_EPOCH_ENDS)
        run.model.dirty = true;
    sched_point(point, subject != NULL && heap_contains(run.heap, subject) ? model_at(&run, subject) : 0);
}

/* ---- the lives of a mutator ---- */

/* A mutator that ends its thread without detaching goes on in another one. The key's destructor runs again after
 * that of Eddy's key, which detaches: then the turn is over. */
static pthread_key_t end_key;
static void *mutator_main(void *argument);

/* Threads have stacks of ours, which are zero at the beginning of each run: nothing that an earlier run has left on
 * them is taken for a reference. */
static char *stacks;
static pthread_t lives[LIVES_MOST];
static uint32_t life_count;

static void on_end(void *argument)
{
    static __thread unsigned rounds;
    if (rounds++ == 0) {
        pthread_setspecific(end_key, argument);
        return;
    }
    rounds = 0;
    mutator = NULL;
    sched_succeed();
}

static void barrier(struct mutator *m, uint32_t phase)
{
    if (m->thread != NULL)
        eddy_native_enter(m->thread);
    EDDY_ADD_SEQ_CST(&run.arrived, 1);
    uint32_t seen;
    while ((seen = EDDY_LOAD_SEQ_CST(&run.phase)) < phase)
        sched_wait(&run.phase, seen, UINT64_MAX);
    if (m->thread != NULL)
        eddy_native_leave(m->thread);
}

/* The first mutator waits for the others, and brings the heap to rest. */
static void await_others(struct mutator *m)
{
    eddy_native_enter(m->thread);
    uint32_t seen;
    while ((seen = EDDY_LOAD_SEQ_CST(&run.arrived)) < run.c->settings.threads - 1u)
        sched_wait(&run.arrived, seen, UINT64_MAX);
    EDDY_STORE_SEQ_CST(&run.arrived, 0);
    eddy_native_leave(m->thread);
}

/* Searches that a collection of everything may take: whatever was found is gone after the second, the third shows it. */
#define PASSES_MOST 6u

/* When nothing has moved since the search before, a search takes only garbage for garbage. */
static void search_again(struct mutator *m)
{
    eddy_stats before, after;
    eddy_heap_stats(run.heap, &before);
    if (eddy_collect(m->thread, 0, NULL) != EDDY_OK)
        return;
    eddy_heap_stats(run.heap, &after);
    if (after.cycles_rejected_sigma != before.cycles_rejected_sigma)
        fuzz_fail(OUTCOME_GARBAGE, "a search at rest took %llu live cycles for garbage until it tested them",
                  (unsigned long long)(after.cycles_rejected_sigma - before.cycles_rejected_sigma));
}

static void rest(struct mutator *m)
{
    eddy_stats before, after;
    eddy_heap_stats(run.heap, &before);
    eddy_status status = eddy_collect(m->thread, 0, NULL);
    eddy_heap_stats(run.heap, &after);
    if (status != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "the last collection: %s", eddy_status_text(status));
    if (after.cycle_passes - before.cycle_passes > PASSES_MOST && run.c->settings.portion_roots == 0
        && run.c->settings.slice_steps == 0)
        fuzz_fail(OUTCOME_GARBAGE, "%llu searches for cycles were needed to reclaim everything",
                  (unsigned long long)(after.cycle_passes - before.cycle_passes));
    search_again(m);
    eddy_verify_report report;
    status = eddy_verify(m->thread, 0, &report);
    if (status != EDDY_OK)
        fuzz_fail(status == EDDY_ECORRUPT ? OUTCOME_MISCOUNTED : OUTCOME_WRONG, "verification: %s %.200s",
                  eddy_status_text(status), report.message);
}

static bool is_quiet(void)
{
    return sched_collector_sleeps() && eddy__collector_at_rest(run.heap);
}

/* Until the collector sleeps, and no epoch is begun; in stress builds none but one that follows from looking. */
static void await_quiet(struct mutator *m)
{
    eddy_native_enter(m->thread);
    while (!is_quiet() || EDDY_LOAD_RELAXED(&run.heap->epoch) != EDDY_LOAD_RELAXED(&run.heap->processed) + 1)
        sched_wait(NULL, 0, 1000000);
    eddy_native_leave(m->thread);
    while (!is_quiet()) {
        eddy_safepoint(m->thread);
        sched_wait(NULL, 0, 1000000);
    }
}

static void drop_handles(struct mutator *m)
{
    for (unsigned k = 0; k < FUZZ_HANDLES; k++)
        fuzz_hold(m, k, 0);
}

static void drop_words(struct mutator *m)
{
    for (unsigned i = 0; i < FUZZ_WORDS; i++)
        m->words[i] = 0;
}

/* Finalizers let more die, as do dead entries of tables that are taken out. Other words lie on the stacks each time: what
 * only they held may need another search. */
static void settle(struct mutator *m)
{
    unsigned attempts = run.c->settings.conservative ? 5 : 1;
    do
        do
            rest(m);
        while (extras_settle(m));
    while (await_quiet(m), --attempts != 0 && !oracle_nothing_left(&run));
}

static void conclude(struct mutator *m)
{
    await_others(m);
    run.resting = true;
    sched_request_epochs(run.heap, 0);
    settle(m);
    oracle_exact(&run);
    EDDY_STORE_SEQ_CST(&run.phase, 1); /* the others let go */
    await_others(m);
    extras_detach(m);
    drop_handles(m);
    drop_words(m);
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        fuzz_root_store(m, i, 0);
    for (unsigned i = 0; i < FUZZ_RETAINED; i++) {
        uint32_t number = run.model.retained[i];
        run.model.retained[i] = 0;
        if (number != 0)
            eddy_release(m->thread, model_address(&run, number));
    }
    extras_drop_all(m);
    settle(m);
    oracle_empty(&run);
    extras_close(m);
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        if (eddy_root_remove(m->thread, &run.root_slots[i]) != EDDY_OK)
            fuzz_fail(OUTCOME_WRONG, "a root slot cannot be removed");
    EDDY_STORE_SEQ_CST(&run.phase, 2);
}

static void attach_surely(struct mutator *m)
{
    EDDY_STORE_RELAXED(&eddy__fail_countdown, 0);
    EDDY_STORE_RELAXED(&eddy__fail_for_good, 0);
    eddy_heap_set_limit(run.heap, 0);
    while (m->thread == NULL)
        fuzz_attach(m);
}

static void end_life(struct mutator *m)
{
    attach_surely(m);
    if (m->number == 0) {
        conclude(m);
    } else {
        barrier(m, 1);
        extras_detach(m);
        drop_handles(m);
        drop_words(m);
        barrier(m, 2);
    }
    fuzz_detach(m);
    mutator = NULL;
    sched_leave();
}

/* One life: operations until there are no more, or until one ends the thread. */
static __attribute__((noinline)) void live(struct mutator *m, uint32_t *next)
{
    void *slots[FUZZ_HANDLES] = {NULL};
    volatile uintptr_t words[FUZZ_WORDS] = {0};
    m->slots = slots;
    m->words = words;
    memset(m->handles, 0, sizeof m->handles);
    if (m->thread == NULL)
        fuzz_attach(m);
    for (; *next < run.c->count && !m->dies; ++*next) {
        const struct operation *o = &run.c->operations[*next];
        if (o->thread != m->number)
            continue;
        sched_event(EVENT_OPERATION, *next);
        fuzz_execute(m, o);
        m->dies = m->dies && life_count < LIVES_MOST;
        sched_point(POINT_OPERATION, 0);
    }
    if (!m->dies) {
        end_life(m);
        return;
    }
    /* the handles go with the stack */
    if (m->thread != NULL && m->framed) {
        for (; m->depth != 0; m->depth--)
            eddy_frame_pop(m->thread, &m->nested[m->depth - 1].frame);
        eddy_frame_pop(m->thread, &m->frame);
    }
    extras_forget(m);
    for (unsigned k = 0; k < FUZZ_HANDLES; k++)
        fuzz_hold(m, k, 0);
    if (m->thread != NULL && (run.c->settings.faults & FAULT_DEATHS) != 0) {
        eddy_reserve(m->thread, 3);
        eddy_native_enter(m->thread);
    }
    m->thread = NULL;
}

static uint32_t progress[FUZZ_MUTATORS];

static void start_thread(struct mutator *m)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    size_t bytes = (run.c->settings.faults & FAULT_STACKS) != 0 ? STACK_BYTES_TINY : STACK_BYTES;
    pthread_attr_setstack(&attributes, stacks + (size_t)life_count * STACK_BYTES, bytes);
    if (pthread_create(&lives[life_count], &attributes, mutator_main, m) != 0)
        fuzz_fail(OUTCOME_WRONG, "no thread");
    EDDY_STORE_RELEASE(&life_count, life_count + 1);
    pthread_attr_destroy(&attributes);
}

static void make_stacks(void)
{
    stacks = mmap(NULL, LIVES_MOST * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stacks == MAP_FAILED || pthread_key_create(&end_key, on_end) != 0)
        fuzz_fail(OUTCOME_WRONG, "no stacks");
}

/* Whoever starts another thread does so before he ends. */
static void join_all(void)
{
    for (uint32_t i = 0; i < EDDY_LOAD_ACQUIRE(&life_count); i++)
        pthread_join(lives[i], NULL);
    madvise(stacks, life_count * STACK_BYTES, MADV_DONTNEED);
    life_count = 0;
}

static void *mutator_main(void *argument)
{
    struct mutator *m = argument;
    sched_enter(m->number, m->dies);
    m->dies = false;
    mutator = m;
    live(m, &progress[m->number]);
    if (m->dies) {
        start_thread(m);
        pthread_setspecific(end_key, m);
    }
    return NULL;
}

/* ---- the run ---- */

static void open_heap(const struct fuzz_case *c)
{
    eddy_config config;
    eddy_config_init(&config);
    config.flags = c->settings.conservative ? 0 : EDDY_HEAP_PRECISE_ROOTS;
    if (c->settings.interior)
        config.flags |= EDDY_HEAP_INTERIOR_POINTERS;
    config.reserve_bytes = (size_t)256 << 20;
    config.log_chunk_entries = c->settings.chunk_entries;
    config.log_limit = (c->settings.faults & FAULT_LOGS) != 0 ? LOG_BYTES_LEAST : 0;
    EDDY_STORE_RELAXED(&eddy__slice_steps, c->settings.slice_steps);
    EDDY_STORE_RELAXED(&eddy__portion_roots, c->settings.portion_roots);
    EDDY_STORE_RELAXED(&eddy__right_spins, 1 + (uint32_t)(c->schedule.seed % 16));
    if (eddy_heap_create(&config, &run.heap) != EDDY_OK || !shapes_register(run.heap, run.types))
        fuzz_fail(OUTCOME_WRONG, "no heap");
    sched_await(1);
    eddy_thread *t;
    if (eddy_thread_attach(run.heap, &t) != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "attach");
    for (unsigned i = 0; i < FUZZ_ROOTS; i++)
        if (eddy_root_add(t, &run.root_slots[i]) != EDDY_OK)
            fuzz_fail(OUTCOME_WRONG, "a root slot is refused");
    extras_open(&run);
    eddy_thread_detach(t);
}

static void on_misuse(const char *function, const char *what)
{
    fuzz_fail(OUTCOME_MISUSE, "misuse of %s: %s", function, what);
}

static void count_run(void)
{
    eddy_stats stats;
    eddy_heap_stats(run.heap, &stats);
    struct figures *f = &fuzz_shared->scheduled;
    fuzz_shared->last_points = sched_points();
    f->runs++;
    f->operations += run.operations;
    f->epochs += stats.epochs;
    f->objects += run.model.count;
    f->cycles += stats.cycles_freed;
}

static void reset(const struct fuzz_case *c)
{
    struct model *model = &run.model;
    memset(model->buckets, 0, sizeof model->buckets);
    model->count = model->field_count = model->walk = 0;
    model->objects[0] = (struct model_object){0};
    memset(model->roots, 0, sizeof model->roots);
    memset(model->retained, 0, sizeof model->retained);
    memset(run.mutators, 0, sizeof run.mutators);
    memset(run.root_slots, 0, sizeof run.root_slots);
    memset(progress, 0, sizeof progress);
    run.c = c;
    run.arrived = run.phase = run.exclusive = 0;
    run.resting = run.listening = false;
    run.operations = 0;
    model->dirty = false;
}

void fuzz_run(const struct fuzz_case *given)
{
    static bool begun;
    if (!begun)
        make_stacks();
    begun = true;
    fuzz_shared->current = *given;
    const struct fuzz_case *c = &fuzz_shared->current;
    reset(c);
    eddy_set_misuse_handler(on_misuse);
    eddy__hook = hook;
    sched_begin(c, check);
    open_heap(c);
    for (unsigned i = 0; i < c->settings.threads; i++) {
        run.mutators[i] = (struct mutator){.number = i, .run = &run};
        run.mutators[i].framed = !(c->settings.conservative && c->settings.on_stack);
        start_thread(&run.mutators[i]);
        sched_await(i + 2u);
    }
    EDDY_STORE_RELAXED(&eddy__fail_for_good, c->settings.fail_for_good);
    EDDY_STORE_RELAXED(&eddy__fail_countdown, c->settings.fail_at);
    sched_request_epochs(run.heap, c->settings.epoch_every);
    sched_start(0);
    join_all();
    count_run();
    sched_end();
    if (eddy_heap_destroy(run.heap) != EDDY_OK)
        fuzz_fail(OUTCOME_WRONG, "the heap cannot be destroyed");
    eddy__hook = NULL;
}
