/* Forking (fork.h; design, section 7). The image that a child gets holds, of every thread, what it had done up to some
 * moment, in its order. The thread that forks holds the collector between epochs, and the locks; the others may be in the
 * middle of anything. What that can be is harmless, because of the order of the steps of a store: an inc that was pushed
 * and not published belongs to an exchange that was not done; an exchange whose dec is missing leaves a count too high.
 *
 * In the child the records of the other threads become those of detached ones: what they had published is applied as
 * ever, they have no roots, and their young blocks are handed over: all of them, wherever they had them, found in
 * the block table. Of blocks that no thread had put where it allocates, no cell counts as allocated. */
#include "eddy/fork.h"

#include <string.h>

#include "collector/collector.h"
#include "runtime/runtime.h"

/* ---- before ---- */

static void each_stall_record(const eddy_heap *heap, void (*f)(struct stall_record *))
{
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        f(t->stalls);
    f(heap->past_stalls);
}

void eddy_fork_prepare(eddy_heap *heap)
{
    eddy_thread *ft = eddy_thread_current(heap);
    bool enter = ft != NULL && thread_of(ft)->native_depth == 0;
    if (enter)
        eddy__native_begin(thread_of(ft));
    eddy__collector_hold(heap);
    pthread_mutex_lock(&heap->registry_lock);
    each_stall_record(heap, eddy__stalls_lock);
    eddy__backing_lock(heap);
    heap->forker_entered = enter;
}

/* ---- after, in both processes ---- */

static void resume(eddy_heap *heap)
{
    eddy__backing_unlock(heap);
    each_stall_record(heap, eddy__stalls_unlock);
    bool entered = heap->forker_entered;
    pthread_mutex_unlock(&heap->registry_lock);
    eddy__collector_let_go(heap);
    if (entered)
        eddy__native_end(thread_of(eddy_thread_current(heap)));
}

void eddy_fork_parent(eddy_heap *heap)
{
    resume(heap);
}

/* ---- the child: logs ---- */

/* Ends the log at `end`, wherever its owner was with it. */
static void cut_log(eddy_heap *heap, struct log *log, uintptr_t *end)
{
    struct log_chunk *chunk = log->head;
    while (!log_in_chunk(chunk, end))
        chunk = chunk->next;
    if (chunk->next != NULL) { /* nothing in it counts */
        eddy__chunk_give(heap, chunk->next);
        chunk->next = NULL;
    }
    while (log->spare != NULL) {
        struct log_chunk *spare = log->spare;
        log->spare = spare->next;
        eddy__chunk_give(heap, spare);
    }
    log->spares = 0;
    log->chunk = chunk;
    log->next = log->limit = log->tail = end;
}

/* ---- the child: young blocks ---- */

/* Marks in `swept`, which otherwise says something of large objects only: that they have outlived their sweep. */
enum { MARK_NONE = 0, MARK_KNOWN = 1, MARK_OWN = 2 };

static void mark_chain(eddy_heap *heap, uint32_t chain, uint8_t mark)
{
    for (; chain != BLOCK_LINK_END; chain = heap->blocks[chain - 1].next)
        heap->blocks[chain - 1].swept = mark;
}

/* The block in hand; of another thread's, notes up to where it was allocated from. */
static void mark_run(eddy_heap *heap, const struct eddy__run *run, uint8_t mark)
{
    if (run->limit == NULL)
        return;
    struct block *b = block_of(heap, run->limit - 1);
    b->swept = mark;
    size_t used = (size_t)(run->next - block_start(heap, b)) - BLOCK_FIRST_CELL;
    if (mark == MARK_KNOWN) /* without `next` it was just found to be used up */
        b->young_end = run->next != NULL && used < BLOCK_BYTES ? (uint32_t)(used / b->cell) : b->cells;
}

static void mark_blocks(const struct thread *t, uint8_t mark)
{
    if (t->fast.epoch != t->heap->epoch)
        return; /* it slept, and what it had was handed over */
    mark_chain(t->heap, t->young, mark);
    if (mark == MARK_OWN)
        mark_chain(t->heap, t->large, mark);
    for (unsigned word = 0; word < 2; word++)
        for (uint64_t left = t->slots_used[word]; left != 0; left &= left - 1)
            mark_run(t->heap, &t->fast.runs[word * 64 + (unsigned)__builtin_ctzll(left)], mark);
}

static void link_to(eddy_heap *heap, uint32_t *chain, struct block *b)
{
    b->next = *chain;
    *chain = (uint32_t)(b - heap->blocks) + 1;
}

/* Gives all young blocks that are not marked as own to `heir`, erases the marks, and counts anew what is unswept: threads
 * may have stood between taking a block and counting it. */
static void gather_young(eddy_heap *heap, struct thread *heir)
{
    uint64_t unswept = 0;
    for (uint32_t n = 0; n < heap->blocks_touched; n++) {
        struct block *b = &heap->blocks[n];
        bool young = b->state == BLOCK_YOUNG, own = b->swept == MARK_OWN;
        if (!young && (b->state != BLOCK_LARGE || b->swept == MARK_KNOWN))
            continue;
        unswept += b->bytes;
        if (young && b->swept == MARK_NONE)
            b->young_end = 0; /* nobody had it in hand */
        b->swept = 0;
        if (!own && heir != NULL)
            link_to(heap, young ? &heir->young : &heir->large, b);
    }
    heap->unswept = unswept;
}

/* ---- the child: records ---- */

/* From now on the record is that of a thread that has detached in this epoch. */
static void abandon(struct thread *t)
{
    eddy_heap *heap = t->heap;
    if (t->fast.epoch != heap->epoch && !MUTANT(MUTANT_FORK_PINS_AGAIN)) /* it slept, and what it had pinned was handed over */
        t->pin_chunks = NULL;
    if (t->life == RECORD_ATTACHED) {
        cut_log(heap, &t->inc, MUTANT(MUTANT_FORK_DROP_INCS) ? t->inc.read : t->inc.tail);
        cut_log(heap, &t->dec, t->dec.next);
        eddy__bump(t);
        eddy__pins_abandon(t);
        eddy__fibers_abandon(t);
    }
    for (int i = 0; i < 2; i++)
        if (MUTANT(MUTANT_FORK_KEEPS_FRAMES))
            t->roots[i].count = t->roots[i].exact = 0;
        else
            eddy__root_buffer_clear(&t->roots[i]);
    eddy__forget_frames(t);
    memset(t->fast.runs, 0, sizeof t->fast.runs);
    memset(t->slots_used, 0, sizeof t->slots_used);
    memset(t->held, 0, sizeof t->held);
    eddy__ranges_leave(t);
    t->young = t->large = BLOCK_LINK_END;
    t->frames = NULL;
    t->native_depth = 0;
    t->stalled = false;
    t->quiet_epochs = 0;
    t->magic = THREAD_DEAD;
    t->life = RECORD_DETACHED;
    t->fast.epoch = heap->epoch;
    t->word = WORD_MAKE(THREAD_NATIVE, WORD_SEQUENCE(t->word) + 1, heap->epoch);
}

static void abandon_others(eddy_heap *heap, const struct thread *self)
{
    struct thread *heir = NULL;
    for (uint32_t n = 0; n < heap->blocks_touched; n++)
        if (heap->blocks[n].state == BLOCK_YOUNG)
            heap->blocks[n].swept = MARK_NONE;
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        if (t != self && t->life != RECORD_FREE)
            mark_blocks(t, MARK_KNOWN);
    if (self != NULL)
        mark_blocks(self, MARK_OWN);
    for (struct thread *t = heap->threads; t != NULL; t = t->next) {
        if (t == self || t->life == RECORD_FREE)
            continue;
        heap->orphaned = heap->orphaned || t->life == RECORD_ATTACHED;
        abandon(t);
        heir = t;
    }
    gather_young(heap, heir);
    heap->attached = self != NULL;
}

void eddy_fork_child(eddy_heap *heap)
{
    eddy_thread *self = eddy_thread_current(heap);
    abandon_others(heap, self == NULL ? NULL : thread_of(self));
    eddy__rights_after_fork(heap, self == NULL ? NULL : thread_of(self));
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        eddy__stalls_after_fork(t->stalls, t->life != RECORD_ATTACHED);
    heap->parked = 0;
    eddy__collector_lost(heap);
    resume(heap);
}

/* ---- heaps that see to it themselves ---- */

static pthread_mutex_t heaps_lock = PTHREAD_MUTEX_INITIALIZER;
static eddy_heap *heaps; /* with EDDY_HEAP_ATFORK, linked by `next_atfork`; under heaps_lock */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool registered;

static void prepare_all(void)
{
    pthread_mutex_lock(&heaps_lock);
    for (eddy_heap *heap = heaps; heap != NULL; heap = heap->next_atfork)
        eddy_fork_prepare(heap);
}

static void parent_all(void)
{
    for (eddy_heap *heap = heaps; heap != NULL; heap = heap->next_atfork)
        eddy_fork_parent(heap);
    pthread_mutex_unlock(&heaps_lock);
}

static void child_all(void)
{
    for (eddy_heap *heap = heaps; heap != NULL; heap = heap->next_atfork)
        eddy_fork_child(heap);
    pthread_mutex_unlock(&heaps_lock);
}

static void register_hooks(void)
{
    registered = pthread_atfork(prepare_all, parent_all, child_all) == 0;
}

eddy_status eddy__atfork_add(eddy_heap *heap)
{
    pthread_once(&once, register_hooks);
    if (!registered)
        return EDDY_ENOMEM;
    pthread_mutex_lock(&heaps_lock);
    heap->next_atfork = heaps;
    heaps = heap;
    pthread_mutex_unlock(&heaps_lock);
    return EDDY_OK;
}

void eddy__atfork_remove(eddy_heap *heap)
{
    pthread_mutex_lock(&heaps_lock);
    for (eddy_heap **link = &heaps; *link != NULL; link = &(*link)->next_atfork)
        if (*link == heap) {
            *link = heap->next_atfork;
            break;
        }
    pthread_mutex_unlock(&heaps_lock);
}
