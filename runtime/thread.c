/* Attaching and detaching threads, and the records that stand for them (design, section 7, "Threads").
 * A record outlives its thread: a detached one takes part in epochs like a thread in a native region
 * without roots, until everything it logged has been applied; then it is left out of them. Another thread
 * takes it over by leaving that region: logs and generations go on. A new one begins in such a region, too. The
 * registry lock makes attaching atomic with respect to the start of an epoch. */
#include <stdlib.h>
#include <string.h>

#include "runtime/cellmap.h"
#include "runtime/heap/record.h"
#include "runtime/runtime.h"

/* The records of the calling thread, linked through thread-local memory; a pthread key detaches what is
 * left when the thread ends. */
struct attachment {
    struct attachment *next;
    struct thread *thread;
};
static __thread struct attachment *attachments;

/* What a thread that is attached nowhere takes for its record: attached to nothing, and nothing is pinned there. */
static struct thread nobody;
__thread eddy_thread *eddy__self = &nobody.fast;
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static struct thread *own_record(const eddy_heap *heap)
{
    for (struct attachment *a = attachments; a != NULL; a = a->next)
        if (a->thread->heap == heap)
            return a->thread;
    return NULL;
}

static void remember(struct attachment *a)
{
    a->next = attachments;
    attachments = a;
    eddy__self = &a->thread->fast;
    pthread_setspecific(exit_key, attachments);
}

static void forget(const struct thread *t)
{
    for (struct attachment **link = &attachments; *link != NULL; link = &(*link)->next)
        if ((*link)->thread == t) {
            struct attachment *gone = *link;
            *link = gone->next;
            free(gone);
            break;
        }
    if (eddy__self == &t->fast)
        eddy__self = attachments != NULL ? &attachments->thread->fast : &nobody.fast;
    pthread_setspecific(exit_key, attachments);
}

eddy_status eddy_thread_select(eddy_thread *t)
{
    eddy_status status = eddy__check_owner(thread_of(t));
    if (status == EDDY_OK)
        eddy__self = t;
    return status;
}

eddy_status eddy__check_owner(const struct thread *t)
{
    if (t == NULL)
        return EDDY_EINVAL;
    if (EDDY_LOAD_RELAXED(&t->magic) != THREAD_MAGIC)
        return EDDY_EDETACHED;
    return pthread_equal(t->os_thread, pthread_self()) ? EDDY_OK : EDDY_ETHREAD;
}

/* The last handshake: no roots, and the collector acts for the record from now on. */
static void leave_heap(struct thread *t)
{
    eddy_heap *heap = t->heap;
    eddy__rights_leave(t);
    eddy__fibers_leave(t);
    eddy__ranges_leave(t);
    t->frames = NULL;
    eddy__forget_frames(t);
    memset(t->held, 0, sizeof t->held);
    eddy__handshake(t);
    if (MUTANT(MUTANT_PINS_LOST))
        t->pins_used = 0;
    eddy__pins_flush(t);
    if (!MUTANT(MUTANT_DETACH_KEEPS_ROOTS))
        eddy__root_buffer_clear(&t->roots[t->fast.epoch & 1]);
    forget(t);
    pthread_mutex_lock(&heap->registry_lock);
    eddy__stalls_merge(heap->past_stalls, t->stalls);
    eddy__record_thread(t, false);
    EDDY_STORE_RELAXED(&t->magic, THREAD_DEAD);
    t->life = RECORD_DETACHED;
    heap->attached--;
    uint64_t sequence = WORD_SEQUENCE(EDDY_LOAD_RELAXED(&t->word)) + 1, epoch = t->fast.epoch;
    EDDY_EXCHANGE_SEQ_CST(&t->word, WORD_MAKE(THREAD_NATIVE, sequence, epoch));
    eddy__own_asleep(t);
    pthread_mutex_unlock(&heap->registry_lock);
    if (EDDY_LOAD_SEQ_CST(&heap->epoch) != epoch) /* the record may be another thread's by now */
        wake_rendezvous(heap);
}

/* A thread ends while attached: detached for it; native regions it never left are ended first. */
static void on_thread_exit(void *unused)
{
    (void)unused;
    while (attachments != NULL) {
        struct thread *t = attachments->thread;
        if (t->native_depth != 0) {
            t->native_depth = 0;
            eddy__native_end(t);
        }
        leave_heap(t);
    }
}

static bool has_exit_key;

static void make_exit_key(void)
{
    has_exit_key = pthread_key_create(&exit_key, on_thread_exit) == 0;
}

/* A plug-in that contains Eddy is being unloaded: threads that end later must not run its code. */
__attribute__((destructor)) static void drop_exit_key(void)
{
    if (has_exit_key)
        pthread_key_delete(exit_key);
}

/* ---- records ---- */

static bool open_log(eddy_heap *heap, struct log *log)
{
    struct log_chunk *chunk = eddy__chunk_take(heap, true);
    if (chunk == NULL)
        return false;
    log->chunk = log->head = chunk;
    log->next = log->limit = log->tail = log->read = chunk->entries;
    return true;
}

static void free_record(eddy_heap *heap, struct thread *t)
{
    struct log *logs[] = {&t->inc, &t->dec};
    for (int i = 0; i < 2; i++) {
        if (logs[i]->chunk != NULL)
            eddy__chunk_give(heap, logs[i]->chunk);
        free(t->roots[i].words);
        eddy__discharge_overhead(heap, t->roots[i].room * sizeof(uintptr_t));
        eddy__internal_free(heap, t->accepted[i].objects, t->accepted[i].room * sizeof(uintptr_t));
    }
    eddy__internal_free(heap, t->stable.objects, t->stable.room * sizeof(uintptr_t));
    eddy__stalls_destroy(heap, t->stalls);
    eddy__ring_destroy(t->ring);
    eddy__right_table_destroy(t);
    for (unsigned slot = 0; slot < EDDY__SLOTS; slot++)
        eddy__internal_free(heap, t->maps[slot], sizeof *t->maps[slot]);
    eddy__internal_free(heap, t, sizeof *t);
}

static struct thread *make_record(eddy_heap *heap)
{
    struct thread *t = eddy__internal_alloc(heap, sizeof *t);
    if (t == NULL)
        return NULL;
    t->heap = heap;
    t->stalls = eddy__stalls_create(heap);
    if (t->stalls == NULL || !open_log(heap, &t->inc) || !open_log(heap, &t->dec)) {
        free_record(heap, t);
        return NULL;
    }
    t->number = ++heap->thread_count;
    t->fast.epoch_word = &heap->epoch;
    eddy__rights_open(t);
    t->next = heap->threads;
    EDDY_STORE_RELEASE(&heap->threads, t);
    return t;
}

/* One that takes part in no epoch, else that of any thread that has ended. */
static struct thread *reusable_record(eddy_heap *heap)
{
    struct thread *detached = NULL;
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        if (t->life == RECORD_FREE)
            return t;
        else if (t->life == RECORD_DETACHED)
            detached = t;
    return detached;
}

/* Under registry_lock: the record joins the epoch in hand, asleep, with nothing to hand over. */
static void join_epoch(struct thread *t)
{
    memset(t->handover, 0, sizeof t->handover);
    for (int i = 0; i < 2; i++) {
        eddy__root_buffer_clear(&t->roots[i]);
        t->handover[i].dec_mark = t->dec.next;
    }
    uint64_t sequence = WORD_SEQUENCE(EDDY_LOAD_RELAXED(&t->word)) + 1;
    t->fast.epoch = ~UINT64_C(0);
    eddy__catch_up(t, EDDY_LOAD_RELAXED(&t->heap->epoch));
    EDDY_STORE_RELEASE(&t->word, WORD_MAKE(THREAD_NATIVE, sequence, t->fast.epoch));
}

/* Under registry_lock: the record is the calling thread's, which has yet to leave the native region. */
static void take_over(struct thread *t, char *stack_base)
{
    if (t->life == RECORD_FREE && !MUTANT(MUTANT_ATTACH_NO_JOIN))
        join_epoch(t);
    t->native_depth = 0;
    t->error = EDDY_OK;
    t->stalled = false;
    t->quiet_epochs = 0;
    t->os_thread = pthread_self();
    t->tid = eddy__os_thread_id();
    t->stack_base = stack_base;
    t->life = RECORD_ATTACHED;
    t->heap->attached++;
    eddy__record_thread(t, true);
    EDDY_STORE_RELAXED(&t->magic, THREAD_MAGIC);
}

eddy_status eddy_thread_attach(eddy_heap *heap, eddy_thread **result)
{
    *result = NULL;
    pthread_once(&exit_once, make_exit_key);
    if (own_record(heap) != NULL)
        return EDDY_EBUSY;
    char *stack_base = eddy__os_stack_base();
    if (stack_base == NULL && (heap->flags & EDDY_HEAP_PRECISE_ROOTS) == 0)
        return EDDY_ESYSTEM; /* references on it would not be found */
    struct attachment *a = malloc(sizeof *a);
    if (a == NULL)
        return EDDY_ENOMEM;
    pthread_mutex_lock(&heap->registry_lock);
    eddy_status status = EDDY_OK;
    struct thread *t = reusable_record(heap);
    if (t == NULL && heap->thread_count == HEAP_MAX_THREADS)
        status = EDDY_ELIMIT;
    else if (t == NULL && (t = make_record(heap)) == NULL)
        status = EDDY_ENOMEM;
    else
        take_over(t, stack_base);
    pthread_mutex_unlock(&heap->registry_lock);
    if (status != EDDY_OK) {
        free(a);
        return status;
    }
    a->thread = t;
    remember(a);
    eddy__native_end(t); /* waits while eddy_verify holds all threads */
    *result = &t->fast;
    return EDDY_OK;
}

eddy_status eddy_thread_detach(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    eddy_status status = eddy__check_owner(t);
    if (status != EDDY_OK)
        return status;
    if (t->native_depth != 0 || t->frames != NULL || t->fibers != 0 || t->rights.legacy_depth != 0)
        return EDDY_EBUSY;
    leave_heap(t);
    return EDDY_OK;
}

void eddy__records_destroy(eddy_heap *heap)
{
    for (struct thread *t = heap->threads, *next; t != NULL; t = next) {
        next = t->next;
        free_record(heap, t);
    }
    heap->threads = NULL;
}

eddy_thread *eddy_thread_current(eddy_heap *heap)
{
    struct thread *t = own_record(heap);
    return t == NULL ? NULL : &t->fast;
}

eddy_heap *eddy_thread_heap(eddy_thread *t)
{
    return thread_of(t)->heap;
}

eddy_status eddy_thread_error(const eddy_thread *t)
{
    return ((const struct thread *)(const void *)t)->error;
}

void eddy__safepoint_slow(eddy_thread *ft)
{
    eddy__poll_slow(thread_of(ft));
}
