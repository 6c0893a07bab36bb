/* Getting a right to one object (design, section 8). Nothing that is not kept survives: these functions are safepoints. */
#include "runtime/ownership.h"

void eddy__own_check(struct thread *t, const void *object, const char *function)
{
    if (t->native_depth != 0)
        eddy__misuse(function, "the thread is in a native region");
    if (heap_contains(t->heap, object) && !type_of_header(t->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)))->arbitrated)
        eddy__misuse(function, "the type of the object is not arbitrated");
}

void eddy__own_begin(struct thread *t)
{
    EDDY_ADD_ACQ_REL(&t->rights.keeping, 1);
}

/* What was asked for meanwhile of what was kept has been put aside: it is looked at again at the next safepoint. */
void eddy__own_end(struct thread *t)
{
    EDDY_ADD_ACQ_REL(&t->rights.keeping, 1);
    if (EDDY_LOAD_ACQUIRE(&t->rights.requests) != NULL || t->rights.borrowed)
        eddy__provoke(t);
}

/* What nobody owned has been claimed: readers may be reading until they pass a safepoint. Only the holder of the legacy lock may
 * have taken the claim over, who then waits on its own account. */
static void pass_claim(struct thread *t, uint32_t *right, uint32_t claim, uint32_t keep)
{
    if (!MUTANT(MUTANT_RIGHT_NO_BARRIER))
        eddy__own_barrier(t, true);
    EDDY_CAS_ACQ_REL(right, &claim, right_code(t) | EDDY__RIGHT_WRITE | keep);
}

bool eddy__own_step(struct thread *t, void *object, bool write, uint32_t keep)
{
    uint32_t *right = right_of(object), code = right_code(t);
    for (;;) {
        uint32_t found = EDDY_LOAD_ACQUIRE(right), owner = found & EDDY__RIGHT_CODE;
        if ((found & EDDY__RIGHT_MARKED) != 0)
            return false;
        if (owner == 0) {
            if (!write)
                return true;
            if (eddy__is_own(&t->fast, object)) { /* nobody else can reach it */
                EDDY_STORE_RELAXED(right, code | EDDY__RIGHT_WRITE | keep);
                return true;
            }
            EDDY_CAS_ACQ_REL(right, &found, code | EDDY__RIGHT_KEPT);
        } else if (owner != code) {
            eddy__own_request(t, object, write);
        } else if (right_is_claim(found)) {
            pass_claim(t, right, found, keep);
        } else {
            uint32_t mine = write ? code | EDDY__RIGHT_WRITE : found & ~EDDY__RIGHT_KEPT;
            if (found == (mine | keep) || EDDY_CAS_ACQ_REL(right, &found, mine | keep))
                return true;
        }
    }
}

/* The whole of it for a single object. */
static void own(struct thread *t, void *object, bool write)
{
    bool marked = (EDDY_LOAD_ACQUIRE(right_of(object)) & EDDY__RIGHT_MARKED) != 0;
    if (marked && legacy_has(t))
        return;
    EDDY__NOTE_SAFEPOINT(&t->fast);
    eddy__legacy_return(t);
    void *held[1] = {object};
    eddy_frame frame;
    eddy_frame_push(&t->fast, &frame, held, 1);
    eddy__own_begin(t);
    while (!eddy__own_step(t, object, write, 0) && !legacy_has(t))
        eddy__legacy_borrow(t);
    eddy__own_end(t);
    eddy_frame_pop(&t->fast, &frame);
}

void eddy__own_write_slow(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    eddy__own_check(t, object, "eddy_own_write");
    own(t, object, true);
}

void eddy__own_read_slow(eddy_thread *ft, const void *object)
{
    struct thread *t = thread_of(ft);
    eddy__own_check(t, object, "eddy_own_read");
    own(t, (void *)(uintptr_t)object, false);
}

void eddy_own_write_reserve(eddy_thread *ft, void *object, unsigned n)
{
    struct thread *t = thread_of(ft);
    void *held[1] = {object};
    eddy_frame frame;
    eddy_frame_push(ft, &frame, held, 1);
    do { /* a reservation that waits ends rights, and waiting for a right ends reservations */
        eddy_own_write(ft, object);
        eddy_reserve(ft, n);
    } while (!eddy_owns_write(ft, object)
             && !((EDDY_LOAD_ACQUIRE(right_of(object)) & EDDY__RIGHT_MARKED) != 0 && legacy_has(t)));
    eddy_frame_pop(ft, &frame);
#ifdef EDDY_DEBUG
    eddy__note_only(t, object, true);
#endif
}

eddy_status eddy_own_share_after(eddy_heap *heap, unsigned reads)
{
    if (reads > EDDY__RIGHT_READS >> EDDY__RIGHT_READS_SHIFT)
        return EDDY_EINVAL;
    EDDY_STORE_RELAXED(&heap->share_after, reads);
    return EDDY_OK;
}

/* ---- threads ---- */

/* The number, and how many of its bits are zero: no code covers another. */
static uint32_t code_of(uint32_t number)
{
    uint32_t ones = (uint32_t)__builtin_popcount(number);
    return MUTANT(MUTANT_RIGHT_PLAIN_NUMBER) ? number : number | (RIGHT_CODE_BITS - ones) << RIGHT_CODE_BITS;
}

void eddy__rights_open(struct thread *t)
{
    uint32_t key = code_of(t->number) | EDDY__RIGHT_WRITE;
    t->fast.own_key = key;
    t->fast.own_mask = ~(key | EDDY__RIGHT_READS);
    t->rights.wanted.thread = t;
    EDDY_STORE_RELEASE(&t->heap->numbered[t->number], t);
}

/* A forked child: the others are gone, wherever they were. What they kept is believed no longer. */
void eddy__rights_after_fork(eddy_heap *heap, const struct thread *self)
{
    for (struct thread *t = heap->threads; t != NULL; t = t->next) {
        t->rights.takers = 0;
        t->rights.requests = NULL;
        if (t == self)
            continue;
        t->rights.keeping &= ~1u;
        t->rights.borrowed = false;
        t->rights.legacy_depth = 0;
    }
    bool has = self != NULL && legacy_has(self);
    heap->legacy_next = heap->legacy_now + has;
    heap->legacy_holder = has && self->rights.legacy_depth != 0 ? self->number : 0;
    heap->barrier_sleepers = 0;
}
