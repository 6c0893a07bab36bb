/* Weak references, the mutator's side (design, section 6). A load that finds its cell LIVE pushes inc and dec: the decision
 * on an object that seems dead waits for those that were pushed in the epoch of its PENDING. One that finds PENDING makes it
 * LIVE first, which no decision can follow, then pushes. No safepoint from the look at the word to the push. */
#include "eddy/weak.h"

#include "runtime/attach.h"

/* The cell has become LIVE: the collector will look at it at the end of the next epoch it processes. */
static void warm(struct thread *t, eddy_weak *cell)
{
    if (EDDY_EXCHANGE_ACQ_REL(&cell->warmed, 1) != 0)
        return;
    EDDY_ADD_RELAXED(&cell->holders, 1);
    eddy_weak *top = EDDY_LOAD_RELAXED(&t->heap->warm_cells);
    do
        EDDY_STORE_RELAXED(&cell->warm, top);
    while (!EDDY_CAS_ACQ_REL(&t->heap->warm_cells, &top, cell));
}

/* The word of a candidate cycle: one for all cells of all its members. */
static bool rescue_candidate(uintptr_t *decision)
{
    uintptr_t word = WEAK_PENDING;
    return EDDY_CAS_ACQ_REL(decision, &word, WEAK_LIVE) || word == WEAK_LIVE;
}

/* Whether the object lives: not if the cell has been cleared before a compare-and-swap could prevent that. */
static bool rescue(struct thread *t, eddy_weak *cell, uintptr_t word)
{
    while (word == WEAK_PENDING)
        if (EDDY_CAS_ACQ_REL(&cell->word, &word, WEAK_LIVE)) {
            warm(t, cell);
            return true;
        }
    if (word == WEAK_LIVE || word == WEAK_CLEARED)
        return word == WEAK_LIVE;
    return rescue_candidate((uintptr_t *)word);
}

static void push_pair(struct thread *t, void *object)
{
    eddy__push(t, &t->inc, (uintptr_t)object | ENTRY_COUNTED);
    log_publish(&t->inc);
    eddy__push_dec(t, object);
}

/* Whether the thread has loaded the cell in the epoch that it is in: then the inc and dec of that load speak for this one,
 * too. As the thread has not passed that epoch's handshake, no decision has come between; and after it the object has
 * that inc until the thread's roots of the epoch have been counted. */
static bool loaded_before(struct thread *t, const eddy_weak *cell)
{
    unsigned at = (unsigned)((uintptr_t)cell >> 4) % WEAK_RECENT;
    if (t->recent[at].cell == cell && (t->recent[at].epoch == t->fast.epoch || MUTANT(MUTANT_WEAK_SEEN_EVER)))
        return true;
    return false;
}

static void remember(struct thread *t, const eddy_weak *cell)
{
    unsigned at = (unsigned)((uintptr_t)cell >> 4) % WEAK_RECENT;
    t->recent[at].cell = cell;
    t->recent[at].epoch = t->fast.epoch;
}

void *eddy_weak_load(eddy_thread *ft, eddy_weak *cell)
{
    struct thread *t = thread_of(ft);
    if (loaded_before(t, cell))
        return cell->object;
    if (EDDY_UNLIKELY(!eddy__has_room(t, 1, 1)))
        eddy__reserve_entries(t, 1, 1);
    uintptr_t word = EDDY_LOAD_ACQUIRE(&cell->word);
    HOOK(HOOK_WEAK_SEEN, cell);
    if (MUTANT(MUTANT_WEAK_LATE_PUSH) && word != WEAK_CLEARED) {
        push_pair(t, cell->object);
        HOOK(HOOK_WEAK_RESCUED, cell);
        return rescue(t, cell, word) ? cell->object : NULL;
    }
    if (EDDY_UNLIKELY(word != WEAK_LIVE) && !rescue(t, cell, word))
        return NULL;
    HOOK(HOOK_WEAK_RESCUED, cell);
    push_pair(t, cell->object);
    remember(t, cell);
    return cell->object;
}

static eddy_weak *make_cell(struct thread *t, void *object)
{
    eddy_weak *cell = eddy__internal_alloc(t->heap, sizeof *cell);
    if (cell == NULL)
        return NULL;
    cell->object = object;
    cell->heap = t->heap;
    cell->word = WEAK_PENDING; /* nobody has loaded it */
    cell->holders = 1;
    return cell;
}

eddy_weak *eddy__weak_cell_of(struct thread *t, void *object)
{
    struct object_record *a = eddy__attachment_of(t, object);
    if (a == NULL)
        return NULL;
    eddy_weak *cell = EDDY_LOAD_ACQUIRE(&a->cell);
    if (cell == NULL) {
        eddy_weak *made = make_cell(t, object);
        if (made == NULL)
            return NULL;
        if (EDDY_CAS_RELEASE_ACQUIRE(&a->cell, &cell, made))
            cell = made;
        else
            eddy__weak_release(made);
    }
    EDDY_ADD_RELAXED(&cell->holders, 1);
    return cell;
}

eddy_status eddy_weak_create(eddy_thread *ft, void *object, eddy_weak **weak)
{
    struct thread *t = thread_of(ft);
    *weak = NULL;
    if (!heap_contains(t->heap, object))
        return EDDY_EINVAL;
    eddy__make_counted(t, object);
    *weak = eddy__weak_cell_of(t, object);
    return *weak == NULL ? EDDY_ENOMEM : EDDY_OK;
}

void eddy_weak_drop(eddy_thread *t, eddy_weak *weak)
{
    (void)t;
    if (weak != NULL)
        eddy__weak_release(weak);
}

/* ---- as objects ---- */

struct weak_reference {
    eddy_weak *cell;
};

/* Both are counted and held. */
static eddy_status bind(struct thread *t, struct weak_reference *reference, void *object)
{
    eddy__make_counted(t, object);
    eddy__make_counted(t, reference);
    struct object_record *a = eddy__attachment_of(t, reference);
    eddy_weak *cell = a == NULL ? NULL : eddy__weak_cell_of(t, object);
    if (cell == NULL)
        return EDDY_ENOMEM;
    reference->cell = cell;
    EDDY_STORE_RELEASE(&a->owned, cell);
    return EDDY_OK;
}

void *eddy_alloc_weak(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    if (!heap_contains(t->heap, object)) {
        t->error = EDDY_EINVAL;
        return NULL;
    }
    void *held[2] = {object, NULL};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, held, 2);
    held[1] = eddy_alloc(ft, t->heap->weak_type);
    eddy_status status = held[1] == NULL ? EDDY_ENOMEM : bind(t, held[1], object);
    eddy_frame_pop(ft, &frame);
    if (status == EDDY_OK)
        return held[1];
    t->error = status;
    return NULL;
}

void *eddy_weak_get(eddy_thread *ft, void *reference)
{
    /* The cell lives as long as the reference, which may be held by nothing else. */
    if (EDDY_UNLIKELY(!eddy__has_room(thread_of(ft), 1, 1))) {
        eddy_frame frame;
        eddy_frame_push(ft, &frame, &reference, 1);
        eddy__reserve_entries(thread_of(ft), 1, 1);
        eddy_frame_pop(ft, &frame);
    }
    eddy_weak *cell = ((struct weak_reference *)reference)->cell;
    return cell == NULL ? NULL : eddy_weak_load(ft, cell);
}
