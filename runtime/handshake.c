/* The handshake: a thread's own short step from epoch e to e+1 (design, section 3). Records the roots,
 * hands over the young blocks and the decs of epoch e, bumps the tag, acknowledges. Keeps I1 (the tag
 * changes before anyone else may reach what it covered) and I7. */
#include "collector/collector.h"
#include "runtime/heap/events.h"
#include "runtime/runtime.h"

#define BUMPS_PER_EPOCH (UINT64_C(1) << 22) /* far below half of the generation space */

void eddy__bump(struct thread *t)
{
    t->generation = (t->generation + 1) & HEADER_GENERATION_MASK;
    t->bumps_left--;
    t->fast.tag = (uint64_t)t->number << HEADER_OWNER_SHIFT | t->generation << EDDY__TAG_SHIFT;
}

static bool record_roots(struct thread *t)
{
    struct root_buffer *roots = &t->roots[t->fast.epoch & 1];
    if (!eddy__record_frames(t, roots))
        return false;
    for (size_t i = 0; i < sizeof t->held / sizeof t->held[0] && !MUTANT(MUTANT_ROOTS_NOT_HELD); i++)
        if (t->held[i] != NULL && !eddy__root_buffer_add(t, roots, (uintptr_t)t->held[i]))
            return false;
    roots->exact = roots->count;
    if (t->ranges != NULL && !MUTANT(MUTANT_RANGE_BLIND) && !eddy__record_ranges(t, roots))
        return false;
    return (t->heap->flags & EDDY_HEAP_PRECISE_ROOTS) != 0 || eddy__scan_stack(t, roots);
}

bool eddy__record_roots(struct thread *t)
{
    uint64_t begun = eddy__stall_part_begin(t);
    bool recorded = record_roots(t);
    eddy__stall_part_end(t, EDDY_RECORD_STACK_SCAN, begun);
    return recorded;
}

/* The first push of an epoch takes the slow path, where the collector learns that there is work. */
static void close_log(struct log *log)
{
    log->limit = log->next;
}

/* Gives the runs up: their blocks have been handed over. */
static void forget_blocks(struct thread *t)
{
    for (unsigned word = 0; word < 2; word++) {
        for (uint64_t left = t->slots_used[word]; left != 0; left &= left - 1) {
            struct eddy__run *run = &t->fast.runs[word * 64 + (unsigned)__builtin_ctzll(left)];
            EDDY_STORE_RELAXED(&run->next, NULL);
            EDDY_STORE_RELAXED(&run->limit, NULL);
        }
        EDDY_STORE_RELAXED(&t->slots_used[word], 0);
    }
    EDDY_STORE_RELAXED(&t->young, BLOCK_LINK_END);
    EDDY_STORE_RELAXED(&t->large, BLOCK_LINK_END);
    EDDY_STORE_RELAXED(&t->pin_chunks, NULL);
}

static void next_epoch(struct thread *t, uint64_t epoch)
{
    forget_blocks(t);
    close_log(&t->inc);
    close_log(&t->dec);
    eddy__settle_frames(t);
    t->bumps_left = BUMPS_PER_EPOCH;
    if (!MUTANT(MUTANT_HANDSHAKE_NO_BUMP))
        eddy__bump(t);
    EDDY_STORE_RELAXED(&t->fast.epoch, epoch);
}

void eddy__catch_up(struct thread *t, uint64_t epoch)
{
    if (epoch != t->fast.epoch)
        next_epoch(t, epoch);
}

/* The chain of all young blocks: the used-up ones, and those that are being allocated into. */
static uint32_t collect_young(struct thread *t)
{
    uint32_t chain = t->young;
    for (unsigned word = 0; word < 2 && !MUTANT(MUTANT_HANDSHAKE_KEEPS_RUN); word++)
        for (uint64_t left = t->slots_used[word]; left != 0; left &= left - 1) {
            const struct eddy__run *run = &t->fast.runs[word * 64 + (unsigned)__builtin_ctzll(left)];
            struct block *b = block_of(t->heap, run->limit - 1);
            size_t used = (size_t)(run->next - block_start(t->heap, b)) - BLOCK_FIRST_CELL;
            used -= MUTANT(MUTANT_YOUNG_END_SHORT) && used != 0 ? b->cell : 0;
            EDDY_STORE_RELAXED(&b->young_end, (uint32_t)(used / b->cell));
            EDDY_STORE_RELAXED(&b->next, chain);
            chain = (uint32_t)(b - t->heap->blocks) + 1;
        }
    return chain;
}

void eddy__handshake(struct thread *t)
{
    eddy_heap *heap = t->heap;
    uint64_t epoch = EDDY_LOAD_ACQUIRE(&heap->epoch);
    if (epoch == t->fast.epoch)
        return;
    uint64_t begun = eddy__stall_begin(t);
    if (!eddy__record_roots(t)) { /* no memory for the buffer: stay in the epoch, try at the next safepoint */
        t->error = EDDY_ENOMEM;
        eddy__stall_end(t, EDDY_RECORD_HANDSHAKE, begun);
        return;
    }
    HOOK(HOOK_ROOTS_RECORDED, t);
    struct handover *handover = &t->handover[t->fast.epoch & 1];
    handover->young = collect_young(t);
    handover->large = t->large;
    eddy__pins_flush(t);
    handover->pins = t->pin_chunks;
    if (MUTANT(MUTANT_LATE_HANDOVER))
        STORE_LATE(&handover->dec_mark, t->dec.next);
    else
        handover->dec_mark = t->dec.next;
    handover->carried = false;
    uint64_t sequence = WORD_SEQUENCE(EDDY_LOAD_RELAXED(&t->word));
    next_epoch(t, epoch);
    if (MUTANT(MUTANT_LATE_HANDOVER))
        EDDY_STORE_RELAXED(&t->word, WORD_MAKE(THREAD_RUNNING, sequence, epoch));
    else
        EDDY_STORE_RELEASE(&t->word, WORD_MAKE(THREAD_RUNNING, sequence, epoch));
    EDDY_STORE_RELAXED(&t->since, eddy__os_now_coarse());
    if ((MUTANT(MUTANT_LATE_HANDOVER) ? EDDY_ADD_RELAXED(&heap->unacknowledged, -1)
                                      : EDDY_ADD_SEQ_CST(&heap->unacknowledged, -1))
        == 1)
        wake_rendezvous(heap);
    EVENT(heap, handshake, &t->fast, epoch - 1, false);
    eddy__stall_end(t, EDDY_RECORD_HANDSHAKE, begun);
    eddy__stalls_flush(t);
}

void eddy__poll_slow(struct thread *t)
{
#ifdef EDDY_STRESS
    eddy__collector_request(t->heap, REQUEST_EPOCH);
#endif
    eddy__handshake(t);
    if (EDDY_LOAD_RELAXED(&t->fast.epoch_word) != &t->heap->epoch)
        eddy__own_safepoint(t);
    if (EDDY_UNLIKELY(EDDY_LOAD_RELAXED(&t->heap->parked) != 0)) { /* verification: wait in native state */
        eddy__native_begin(t);
        eddy__native_end(t);
    }
}
