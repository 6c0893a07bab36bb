/* Rights to several objects at once (design, section 8): in the order of addresses, each kept until all are there. What
 * is kept can be lost to the holder of the legacy lock only, and what all may read to whoever claims it; then it
 * starts again, keeping nothing. The legacy lock comes before all objects. */
#include "runtime/ownership.h"

/* Sorted by address, each object once. */
struct requests {
    void *objects[EDDY_OWN_MOST];
    bool write[EDDY_OWN_MOST];
    size_t count;
};

static void add(struct requests *r, const eddy_own_request *request)
{
    size_t at = r->count;
    while (at > 0 && (uintptr_t)r->objects[at - 1] > (uintptr_t)request->object && !MUTANT(MUTANT_RIGHT_UNSORTED))
        at--;
    if (at > 0 && r->objects[at - 1] == request->object) {
        r->write[at - 1] |= request->write;
        return;
    }
    for (size_t i = r->count; i > at; i--) {
        r->objects[i] = r->objects[i - 1];
        r->write[i] = r->write[i - 1];
    }
    r->objects[at] = request->object;
    r->write[at] = request->write;
    r->count++;
}

/* Ends the keeping of what is the thread's; false if the right is not there any more. */
static bool settle_right(struct thread *t, const void *object, bool write)
{
    uint32_t *right = right_of(object), found = EDDY_LOAD_ACQUIRE(right);
    if ((found & EDDY__RIGHT_MARKED) != 0)
        return legacy_has(t);
    if ((found & EDDY__RIGHT_CODE) == 0)
        return !write;
    if ((found & EDDY__RIGHT_CODE) != right_code(t))
        return false;
    return (found & EDDY__RIGHT_KEPT) == 0 || EDDY_CAS_ACQ_REL(right, &found, found & ~EDDY__RIGHT_KEPT);
}

/* False when a marked object asks for the legacy lock: then nothing is kept. */
static bool acquire(struct thread *t, const struct requests *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (eddy__own_step(t, r->objects[i], r->write[i], EDDY__RIGHT_KEPT) || legacy_has(t))
            continue;
        while (i-- > 0)
            settle_right(t, r->objects[i], r->write[i]);
        return false;
    }
    return true;
}

/* No safepoint from the first to the last: true if all rights hold. */
static bool settle_rights(struct thread *t, const struct requests *r)
{
    bool all = true;
    for (size_t i = 0; i < r->count; i++)
        all &= settle_right(t, r->objects[i], r->write[i]);
    return all;
}

/* The usual case: nobody has wanted any of them. */
static bool has_all(const struct thread *t, const eddy_own_request *requests, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(requests[i].write ? eddy_owns_write : eddy_owns_read)(&t->fast, requests[i].object))
            return false;
    return true;
}

/* Debug builds check that what is used has been asked for. */
static void note(struct thread *t, const eddy_own_request *requests, size_t n)
{
#ifdef EDDY_DEBUG
    for (size_t i = 0; i < n; i++)
        if (requests[i].write)
            eddy__note_only(t, requests[i].object, true);
    for (size_t i = 0; i < n; i++)
        if (!requests[i].write)
            eddy__note_only(t, requests[i].object, false);
#else
    (void)t, (void)requests, (void)n;
#endif
}

eddy_status eddy_own_all(eddy_thread *ft, const eddy_own_request *requests, size_t n)
{
    struct thread *t = thread_of(ft);
    if (n > EDDY_OWN_MOST)
        return EDDY_EINVAL;
    EDDY__NOTE_SAFEPOINT(ft);
    if (has_all(t, requests, n)) {
        note(t, requests, n);
        return EDDY_OK;
    }
    struct requests r = {.count = 0};
    for (size_t i = 0; i < n; i++) {
        eddy__own_check(t, requests[i].object, "eddy_own_all");
        add(&r, &requests[i]);
    }
    eddy_frame frame;
    eddy_frame_push(ft, &frame, r.objects, r.count);
    eddy__legacy_return(t);
    eddy__own_begin(t);
    for (;;) {
        bool marked = !acquire(t, &r);
        if (!marked && settle_rights(t, &r))
            break;
        if (!MUTANT(MUTANT_RIGHT_RESTART_KEEPING)) { /* what was asked for meanwhile has been put aside, and must not wait for us */
            eddy__own_end(t);
            eddy__poll(t);
            eddy__own_begin(t);
        }
        if (marked)
            eddy__legacy_borrow(t);
    }
    eddy__own_end(t);
    eddy_frame_pop(ft, &frame);
    note(t, requests, n);
    return EDDY_OK;
}
