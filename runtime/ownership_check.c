/* Debug builds: whether a thread has the right that it uses (design, section 8). The right of the object says whose it is, but
 * not that the thread has asked since its last safepoint; so it notes for which objects it did. `safepoints` counts possible safepoints,
 * passed or not, so that what works by luck is found, too. */
#include "runtime/ownership.h"

#define NOTES 256u

struct note {
    const void *object;
    uint64_t at;    /* count of safepoints */
    uint64_t token; /* of rights */
    bool write;
};

struct right_table {
    struct note notes[NOTES];
    uint64_t confirmed; /* count of safepoints at which the token was found to be the same */
    uint64_t crowded;   /* token at which a note had no place: no complaints as long as it is the same */
};

void eddy__right_table_destroy(struct thread *t)
{
    eddy__internal_free(t->heap, t->rights.table, sizeof *t->rights.table);
}

static size_t place_of(const void *object)
{
    return (size_t)(((uintptr_t)object >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % NOTES;
}

static bool is_fresh(const struct thread *t, const struct note *note)
{
    uint64_t now = t->fast.safepoints;
    return note->at == now
           || (t->rights.table->confirmed == now && note->token == EDDY_LOAD_RELAXED(&t->fast.rights_token));
}

static bool is_noted(const struct thread *t, const void *object, bool write)
{
    const struct right_table *table = t->rights.table;
    if (table == NULL)
        return t->rights.table_missing;
    for (size_t i = 0, at = place_of(object); i < NOTES; i++, at = (at + 1) % NOTES) {
        const struct note *note = &table->notes[at];
        if (note->object == object && (note->write || !write) && is_fresh(t, note))
            return true;
    }
    return table->crowded == EDDY_LOAD_RELAXED(&t->fast.rights_token) + 1;
}

void eddy__note_only(struct thread *t, const void *object, bool write)
{
    struct right_table *table = t->rights.table;
    uint64_t token = EDDY_LOAD_RELAXED(&t->fast.rights_token);
    if (table == NULL)
        table = t->rights.table = eddy__internal_alloc(t->heap, sizeof *table);
    t->rights.table_missing = table == NULL;
    if (table == NULL)
        return;
    struct note *old = NULL;
    for (size_t i = 0, at = place_of(object); i < NOTES; i++, at = (at + 1) % NOTES) {
        struct note *note = &table->notes[at];
        if (note->object == object) {
            if (note->write && !write && is_fresh(t, note))
                return; /* says more */
            old = note;
            break;
        }
        if (old == NULL && (note->object == NULL || (note->token != token && note->at != t->fast.safepoints)))
            old = note;
    }
    if (old == NULL)
        table->crowded = token + 1;
    else
        *old = (struct note){object, t->fast.safepoints, token, write};
}

void eddy__note_right(eddy_thread *ft, const void *object, bool write)
{
    struct thread *t = thread_of(ft);
    if (is_noted(t, object, write))
        return; /* asked for again: cannot have been a safepoint */
    EDDY__NOTE_SAFEPOINT(ft);
    eddy__note_only(t, object, write);
}

void eddy__confirm_rights(eddy_thread *ft)
{
    struct thread *t = thread_of(ft);
    if (t->rights.table != NULL)
        t->rights.table->confirmed = ft->safepoints;
}

void eddy__check_right(eddy_thread *ft, const void *object, bool write, const char *function)
{
    struct thread *t = thread_of(ft);
    if (eddy__is_own(ft, object))
        return; /* nobody else can reach it */
    eddy__own_check(t, object, function);
    uint32_t right = EDDY_LOAD_ACQUIRE(right_of(object));
    if ((right & EDDY__RIGHT_MARKED) != 0) {
        if (!legacy_has(t))
            eddy__misuse(function, "the object is marked, and the thread does not have the legacy lock");
        return;
    }
#ifdef EDDY_DEBUG
    bool noted = t->rights.legacy_depth != 0 || is_noted(t, object, write);
#else
    bool noted = true; /* the program asks, but the library has not noted all: what the object says is all there is */
#endif
    if (write ? right != ft->own_key : (right & ft->own_mask) != 0 && !noted) /* somebody may claim what is being read */
        eddy__misuse(function, "the thread has no right to the object");
    if (!noted)
        eddy__misuse(function, "the right to the object is from before a safepoint");
}

void eddy__check_owned_store(struct thread *t, const void *object)
{
    const eddy_heap *heap = t->heap;
    if (heap_contains(heap, object) && type_of_header(heap, EDDY_LOAD_ACQUIRE(eddy__header(object)))->arbitrated)
        eddy__check_right(&t->fast, object, true, "eddy_store");
    if (eddy__is_own(&t->fast, object))
        return;
    if (t->rights.reserved != 0 && t->rights.reserved_at == t->fast.safepoints)
        t->rights.reserved--;
    else
        EDDY__NOTE_SAFEPOINT(&t->fast);
}
