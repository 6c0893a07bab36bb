/* Asking for an epoch and waiting until every thread has passed its handshake (design, sections 3 and 7).
 * A thread in a native region is not waited for: one compare-and-swap on its state word is its
 * handshake. Keeps I7; attaching is atomic with respect to the start of an epoch. */
#include "collector/state.h"
#include "runtime/heap/events.h"
#include "runtime/heap/who.h"

#define SPIN_NS UINT64_C(10000) /* running threads mostly pass within a few microseconds: no sleep, no wake-up */
#define WAIT_FIRST_NS UINT64_C(500000)
#define WAIT_MOST_NS UINT64_C(20000000)

static void begin(struct collector *c)
{
    eddy_heap *heap = c->heap;
    pthread_mutex_lock(&heap->registry_lock);
    c->epoch = EDDY_LOAD_RELAXED(&heap->epoch);
    uint32_t waiting = 0;
    for (struct thread *t = heap->threads; t != NULL; t = t->next)
        if (t->life != RECORD_FREE) {
            t->in_epoch = c->epoch;
            waiting++;
        }
    c->allocated = EDDY_LOAD_RELAXED(&heap->allocated);
    EDDY_SUB_RELAXED(&heap->allocated, c->allocated);
    EDDY_ADD_RELAXED(&heap->allocated_total, c->allocated);
    EDDY_STORE_RELAXED(&heap->logged, 0);
    EDDY_STORE_RELAXED(&heap->external_fresh, 0);
    EDDY_STORE_RELAXED(&heap->active, 0);
    EDDY_STORE_RELAXED(&heap->unacknowledged, waiting);
    STAT_ADD(c->stats.handshakes, waiting);
    EDDY_STORE_SEQ_CST(&heap->epoch, c->epoch + 1);
    pthread_mutex_unlock(&heap->registry_lock);
    c->begun = true;
    c->begun_ns = eddy__os_now();
    c->late_reported = false;
    EVENT(heap, epoch_begin, c->epoch);
}

/* Names the threads that have not passed for longer than the configuration tolerates. Once per epoch. */
static void report_late(struct collector *c)
{
    eddy_heap *heap = c->heap;
    uint64_t most = (uint64_t)heap->config.late_thread_ms * 1000000u;
    if (c->late_reported || eddy__os_now() - c->begun_ns < most)
        return;
    if (!EVENT_WANTED(heap, late_thread) && !eddy__late_lines_wanted(c))
        return;
    c->late_reported = true;
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&heap->threads); t != NULL; t = t->next) {
        eddy_thread_state state;
        if (t->in_epoch == c->epoch && eddy__who(t, &state) && !state.native && state.epoch == c->epoch) {
            eddy__os_thread_look(state.tid, &state);
            EVENT(heap, late_thread, c->epoch, &state);
            eddy__late_line(c, &state);
        }
    }
}

/* What a sleeping thread would hand over. Read before the compare-and-swap and used only if that succeeds,
 * which shows that the thread slept meanwhile and that these were its last writes. */
struct capture {
    uint32_t young, large;
    uintptr_t *dec_mark;
    struct log_chunk *pins;
    uint64_t used[2];
    struct {
        char *next, *limit;
    } runs[EDDY__SLOTS];
};

static void capture_thread(const struct thread *t, struct capture *capture)
{
    capture->young = EDDY_LOAD_RELAXED(&t->young);
    capture->large = EDDY_LOAD_RELAXED(&t->large);
    capture->dec_mark = EDDY_LOAD_RELAXED(&t->dec.next);
    capture->pins = EDDY_LOAD_RELAXED(&t->pin_chunks);
    for (unsigned word = 0; word < 2; word++) {
        capture->used[word] = EDDY_LOAD_RELAXED(&t->slots_used[word]);
        for (uint64_t left = capture->used[word]; left != 0; left &= left - 1) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(left);
            capture->runs[slot].next = EDDY_LOAD_RELAXED(&t->fast.runs[slot].next);
            capture->runs[slot].limit = EDDY_LOAD_RELAXED(&t->fast.runs[slot].limit);
        }
    }
}

static void hand_over(eddy_heap *heap, struct handover *handover, const struct capture *capture)
{
    uint32_t chain = capture->young;
    for (unsigned word = 0; word < 2 && !MUTANT(MUTANT_NATIVE_RUN_FORGOTTEN); word++)
        for (uint64_t left = capture->used[word]; left != 0; left &= left - 1) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(left);
            struct block *b = block_of(heap, capture->runs[slot].limit - 1);
            size_t used = (size_t)(capture->runs[slot].next - block_start(heap, b)) - BLOCK_FIRST_CELL;
            used -= MUTANT(MUTANT_YOUNG_END_SHORT) && used != 0 ? b->cell : 0;
            EDDY_STORE_RELAXED(&b->young_end, (uint32_t)(used / b->cell));
            EDDY_STORE_RELAXED(&b->next, chain);
            chain = (uint32_t)(b - heap->blocks) + 1;
        }
    handover->young = chain;
    handover->large = capture->large;
    handover->dec_mark = capture->dec_mark;
    handover->pins = capture->pins;
    handover->carried = false;
}

/* Performs the handshake of a thread in a native region; false when it is not in one, or has passed. State and
 * epoch must be of one moment: a thread may pass by itself and then fall asleep, in the next epoch. */
static bool act_for(struct collector *c, struct thread *t)
{
    uint64_t word = EDDY_LOAD_SEQ_CST(&t->word); /* after the store of the epoch: see eddy__native_begin */
    if (WORD_STATE(word) != THREAD_NATIVE || WORD_EPOCH(word) != c->epoch)
        return false;
    /* A thread that still is in an earlier epoch by its own account was acted for before and has slept since. */
    bool carried = EDDY_LOAD_RELAXED(&t->fast.epoch) != c->epoch;
    struct capture capture;
    if (!carried)
        capture_thread(t, &capture);
    HOOK(HOOK_NATIVE_CAPTURED, t);
    uint64_t passed = WORD_MAKE(THREAD_NATIVE, WORD_SEQUENCE(word), c->epoch + 1);
    if (MUTANT(MUTANT_NATIVE_PLAIN_STORE))
        word = EDDY_LOAD_ACQUIRE(&t->word); /* so that the swap succeeds whatever the thread has done */
    if (!EDDY_CAS_ACQ_REL(&t->word, &word, passed))
        return false;
    struct handover *handover = &t->handover[c->epoch & 1];
    if (carried) {
        uintptr_t *mark = t->handover[(c->epoch + 1) & 1].dec_mark;
        *handover = (struct handover){.dec_mark = mark, .carried = true};
        STAT_ADD(c->stats.handshakes_carried, 1);
    } else {
        hand_over(c->heap, handover, &capture);
    }
    EDDY_SUB_ACQ_REL(&c->heap->unacknowledged, 1);
    STAT_ADD(c->stats.handshakes_native, 1);
    STAT_SET(c->stats.handshakes, c->stats.handshakes - 1);
    EVENT(c->heap, handshake, &t->fast, c->epoch, true);
    return true;
}

/* Acts for those that sleep; how many have not passed yet. */
static uint32_t pass_sleepers(struct collector *c)
{
    for (struct thread *t = EDDY_LOAD_ACQUIRE(&c->heap->threads); t != NULL; t = t->next)
        if (t->in_epoch == c->epoch)
            act_for(c, t);
    return EDDY_LOAD_ACQUIRE(&c->heap->unacknowledged);
}

bool eddy__rendezvous(struct collector *c, uint64_t timeout_ns, unsigned *late)
{
    if (!c->begun)
        begin(c);
    uint64_t start = eddy__os_now(), slice = WAIT_FIRST_NS;
    for (;;) {
        uint32_t left = pass_sleepers(c);
        if (left == 0)
            break;
        if (eddy__os_now() - start < SPIN_NS)
            continue;
        if (timeout_ns != UINT64_MAX && eddy__os_now() - start >= timeout_ns) {
            if (late != NULL)
                *late = left;
            return false;
        }
        report_late(c);
        EDDY_STORE_SEQ_CST(&c->heap->waiting, 1);
        if (pass_sleepers(c) == left)
            eddy__os_wait(&c->heap->unacknowledged, left, slice);
        EDDY_STORE_SEQ_CST(&c->heap->waiting, 0);
        slice = slice * 2 < WAIT_MOST_NS ? slice * 2 : WAIT_MOST_NS;
    }
    c->begun = false;
    return true;
}
