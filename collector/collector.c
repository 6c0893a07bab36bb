/* The collector's thread: when it sleeps, what wakes it. It burns no time when there is nothing to do: an
 * untimed sleep follows an epoch that left nothing, a timed one anything else. Also its creation and end,
 * and its statistics. */
#include "collector/collector.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "collector/state.h"
#include "runtime/heap/fiber.h"

#define RENDEZVOUS_SLICE_NS UINT64_C(100000000)

/* ---- requests (any thread) ---- */

static void wake(eddy_heap *heap)
{
    if (EDDY_UNLIKELY(EDDY_LOAD_SEQ_CST(&heap->asleep) == ASLEEP_LOST))
        eddy__collector_revive(heap);
    EDDY_ADD_RELEASE(&heap->wake, 1);
    eddy__os_wake(&heap->wake);
}

void eddy__collector_request(eddy_heap *heap, uint32_t bits)
{
    if ((EDDY_LOAD_RELAXED(&heap->request) & bits) == bits)
        return;
    uint32_t old = __atomic_fetch_or(&heap->request, bits, __ATOMIC_SEQ_CST);
    if ((old & bits) != bits && EDDY_LOAD_SEQ_CST(&heap->asleep) != 0)
        wake(heap);
}

void eddy__collector_note_active(eddy_heap *heap)
{
    if (EDDY_EXCHANGE_SEQ_CST(&heap->active, 1) == 0 && EDDY_LOAD_SEQ_CST(&heap->asleep) >= 2)
        wake(heap);
}

/* ---- the thread ---- */

/* Sleeps until there is a request, or until a timer says that trailing work is due. */
static void wait_for_work(struct collector *c)
{
    eddy_heap *heap = c->heap;
    for (;;) {
        uint32_t seen = EDDY_LOAD_ACQUIRE(&heap->wake);
        bool timed = !c->at_rest || EDDY_LOAD_SEQ_CST(&heap->active) != 0;
        if (MUTANT(MUTANT_LATE_ASLEEP))
            STORE_LATE(&heap->asleep, timed ? 1u : 2u);
        else
            EDDY_STORE_SEQ_CST(&heap->asleep, timed ? 1 : 2);
        uint64_t begun = eddy__os_now(), timeout = (uint64_t)heap->config.idle_ms * 1000000u;
        bool asked = EDDY_LOAD_SEQ_CST(&heap->request) != 0;
        if (!asked && (timed || EDDY_LOAD_SEQ_CST(&heap->active) == 0)) {
            eddy__os_wait(&heap->wake, seen, timed ? timeout : UINT64_MAX);
            STAT_ADD(c->stats.collector_wakeups, 1);
        }
        EDDY_STORE_SEQ_CST(&heap->asleep, 0);
        if (EDDY_LOAD_SEQ_CST(&heap->request) != 0 || (timed && eddy__os_now() - begun >= timeout))
            return;
    }
}

static void *collector_main(void *argument)
{
    eddy_heap *heap = argument;
    struct collector *c = heap->collector;
    char name[16] = "gc ";
    for (size_t i = 0; heap->name[i] != 0 && i < sizeof name - 4; i++) {
        name[3 + i] = heap->name[i];
        name[4 + i] = 0;
    }
    eddy__os_thread_setup(name, heap->config.collector_nice);
    while ((EDDY_LOAD_SEQ_CST(&heap->request) & REQUEST_STOP) == 0) {
        if (!c->begun)
            wait_for_work(c);
        if ((EDDY_LOAD_SEQ_CST(&heap->request) & REQUEST_STOP) == 0)
            if (eddy__collector_epoch(heap, RENDEZVOUS_SLICE_NS, NULL) && (heap->flags & EDDY_HEAP_VERIFY_EPOCHS) != 0)
                eddy__collector_verify_epoch(heap);
    }
    return NULL;
}

/* ---- creation and end ---- */

eddy_status eddy__collector_create(eddy_heap *heap)
{
    struct collector *c = eddy__internal_alloc(heap, sizeof *c);
    if (c == NULL)
        return EDDY_ENOMEM;
    c->heap = heap;
    c->at_rest = true;
    c->surplus = UINT64_MAX;
    eddy__vector_init(&c->scan, heap, sizeof(void *));
    eddy__vector_init(&c->decs, heap, sizeof(void *));
    eddy__vector_init(&c->kept, heap, sizeof(void *));
    eddy__map_init(&c->overflow, heap);
    eddy__map_init(&c->retained, heap);
    eddy__pins_create(c);
    eddy__cycles_create(c);
    eddy__attached_create(c);
    heap->collector = c;
    return EDDY_OK;
}

eddy_status eddy__collector_start(eddy_heap *heap)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&heap->collector_thread, NULL, collector_main, heap);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    heap->collector_running = failed == 0;
    if (failed != 0)
        errno = failed;
    return failed ? EDDY_ESYSTEM : EDDY_OK;
}

void eddy__collector_stop(eddy_heap *heap)
{
    if (!heap->collector_running)
        return;
    eddy__collector_request(heap, REQUEST_STOP);
    pthread_join(heap->collector_thread, NULL);
    heap->collector_running = false;
}

void eddy__collector_destroy(eddy_heap *heap)
{
    struct collector *c = heap->collector;
    if (c == NULL)
        return;
    if (c->cycles.phase != CYCLE_IDLE)
        eddy__cycle_end_pass(c);                    /* frees what is attached to blocks */
    eddy__counts_reclaim(heap, &c->retired_counts); /* of the epoch before the last one, */
    eddy__counts_reclaim(heap, &c->retired_counts); /* and of the last one */
    eddy__vector_free(&c->scan);
    eddy__vector_free(&c->decs);
    eddy__vector_free(&c->kept);
    eddy__map_free(&c->overflow);
    eddy__map_free(&c->retained);
    eddy__pins_destroy(c);
    eddy__cycles_destroy(c);
    eddy__attached_destroy(c);
    eddy__internal_free(heap, c, sizeof *c);
    heap->collector = NULL;
}

/* ---- statistics ---- */

void eddy__collector_stats(eddy_heap *heap, eddy_stats *stats)
{
    const struct collector *c = heap->collector;
    const uint64_t *from = (const uint64_t *)(const void *)&c->stats;
    uint64_t *to = (uint64_t *)(void *)stats;
    for (size_t i = 0; i < sizeof *stats / sizeof *to; i++)
        to[i] = EDDY_LOAD_RELAXED(&from[i]);
    clockid_t clock;
    struct timespec ts;
    if (heap->collector_running && pthread_getcpuclockid(heap->collector_thread, &clock) == 0
        && clock_gettime(clock, &ts) == 0)
        stats->collector_cpu_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void add_words(struct object_map *words, const struct root_list *list)
{
    for (size_t i = list->exact; i < list->count; i++)
        eddy__map_get(words, (void *)list->objects[i])->value++;
}

uint64_t eddy__collector_ambiguous(eddy_heap *heap)
{
    struct collector *c = heap->collector;
    uint64_t ambiguous = 0;
    pthread_mutex_lock(&heap->collector_lock);
    unsigned parity = EDDY_LOAD_RELAXED(&heap->processed) & 1;
    struct object_map words;
    eddy__map_init(&words, heap);
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&heap->threads); t != NULL; t = t->next)
        add_words(&words, &t->accepted[parity]);
    for (const struct eddy_fiber *fiber = EDDY_LOAD_ACQUIRE(&heap->fibers); fiber != NULL; fiber = fiber->next)
        add_words(&words, &fiber->accepted[parity]);
    for (size_t i = 0; i < words.room; i++) {
        void *object = words.entries[i].object;
        if (object == NULL)
            continue;
        const struct block *b = block_of(heap, object);
        if (eddy__count_of(c, b, cell_number(b, object), object) <= words.entries[i].value)
            ambiguous++;
    }
    eddy__map_free(&words);
    pthread_mutex_unlock(&heap->collector_lock);
    return ambiguous;
}
