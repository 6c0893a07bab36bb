/* The counted store and its relatives (design, section 3): promote the container, publish the value, push
 * the inc, exchange, push the dec. All log entries are reserved before the first step; after a wait
 * nothing that was known of tags holds any more, so everything is looked at again. */
#include "runtime/runtime.h"

/* Publishing by bump needs generations in reserve. */
static bool may_publish(const struct thread *t)
{
    return t->bumps_left > 1;
}

static void wait_for_generations(struct thread *t)
{
    while (!may_publish(t))
        eddy__wait_for_memory(t, 0);
}

/* Whether a container that is not counted, or is permanent, has to be promoted before the store. */
static bool must_promote(const struct thread *t, const void *object, uint64_t header)
{
    if (header_is_permanent(header) && (!heap_contains(t->heap, object) || !type_of_header(t->heap, header)->mutable_fields))
        eddy__misuse("eddy_store", "the container is permanent and its type is not mutable");
    return !header_is_counted(header);
}

/* What was known of rights, too: the right to write an object of an arbitrated type is taken again. */
static void own_again(struct thread *t, void *object, void *value)
{
    if (object == NULL || !heap_contains(t->heap, object) || eddy_owns_write(&t->fast, object)
        || !type_of_header(t->heap, EDDY_LOAD_ACQUIRE(eddy__header(object)))->arbitrated
        || MUTANT(MUTANT_RIGHT_STORE_AFTER_WAIT))
        return;
    t->held[1] = value;
    eddy__own_write_slow(&t->fast, object);
    t->held[1] = NULL;
}

__attribute__((noinline)) void eddy__prepare_store(struct thread *t, void *object, void *value, size_t decs)
{
    for (;;) {
        uint64_t header = object != NULL ? EDDY_LOAD_ACQUIRE(eddy__header(object)) : 0;
        bool promote = EDDY_UNLIKELY(!header_is_plain(header)) && must_promote(t, object, header);
        bool publish = value != NULL && eddy__is_own(&t->fast, value);
        HOOK(HOOK_STORE_CHECKED, object);
        if (EDDY_LIKELY(!promote && !publish && eddy__has_room(t, 1, (ptrdiff_t)decs)))
            return;
        /* the usual case of a new object that is stored into an old one */
        if (!promote && may_publish(t) && eddy__has_room(t, 1 + PUBLISH_INCS, (ptrdiff_t)decs)) {
            if (publish)
                eddy__publish(t, value);
            return;
        }
        size_t needs = promote ? eddy__promote_needs(t, object) : 0;
        t->held[0] = object;
        t->held[1] = value;
        bool waited = publish && !may_publish(t);
        if (waited)
            wait_for_generations(t);
        waited |= eddy__reserve_entries(t, 1 + needs + (publish ? PUBLISH_INCS : 0), decs + needs);
        t->held[0] = t->held[1] = NULL;
        if (waited) {
            own_again(t, object, value);
            continue;
        }
        if (promote)
            eddy__self_promote(t, object);
        if (publish)
            eddy__publish(t, value);
        return;
    }
}

/* Whether nothing has to be done before the exchange: the container is counted and not permanent, the value is not
 * the thread's own, and there is room for one entry in each log. Sets *entry to the value's inc, or to 0 if
 * there is none to push. */
static inline bool is_simple(const struct thread *t, const void *object, const void *value, uintptr_t *entry)
{
    if ((object != NULL && !header_is_plain(EDDY_LOAD_ACQUIRE(eddy__header(object)))) || !eddy__has_room(t, 1, 1))
        return false;
    *entry = 0;
    if (value == NULL)
        return true;
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(value));
    if (EDDY_LIKELY(header_is_plain(header))) {
        *entry = (uintptr_t)value | ENTRY_COUNTED;
        return true;
    }
    if (header_is_permanent(header))
        return true;
    *entry = (uintptr_t)value;
    return (header ^ t->fast.tag) >> EDDY__TAG_SHIFT != 0;
}

static inline void *counted_exchange(struct thread *t, void *object, void **slot, void *value)
{
    uintptr_t entry;
    if (EDDY_LIKELY(is_simple(t, object, value, &entry))) {
        HOOK(HOOK_STORE_CHECKED, object);
        if (entry != 0) {
            if (MUTANT(MUTANT_STORE_INC_OF_OLD) && eddy__has_room(t, 2, 1) && (entry & ENTRY_COUNTED) != 0)
                log_push(&t->inc, entry);
            log_push(&t->inc, entry);
            log_publish(&t->inc);
        }
    } else {
        eddy__prepare_store(t, object, value, 1);
        if (value != NULL)
            eddy__push_value(t, value, 0);
    }
    HOOK(HOOK_STORE_PUSHED, object);
    void *old = EDDY_EXCHANGE_ACQ_REL(slot, value);
    HOOK(HOOK_STORE_EXCHANGED, object);
    if (heap_contains(t->heap, old) && !MUTANT(MUTANT_STORE_NO_DEC))
        eddy__push_dec(t, old);
    return old;
}

void eddy__store_slow(eddy_thread *t, void *object, void **field, void *value)
{
    counted_exchange(thread_of(t), object, field, value);
}

void *eddy__exchange_slow(eddy_thread *t, void *object, void **field, void *value)
{
    return counted_exchange(thread_of(t), object, field, value);
}

/* Nobody else writes the field: no exchange. The steps are visible in the same order. */
void eddy__own_store_slow(eddy_thread *ft, void *object, void **field, void *value)
{
    struct thread *t = thread_of(ft);
    uintptr_t entry;
    if (EDDY_LIKELY(is_simple(t, object, value, &entry))) {
        HOOK(HOOK_STORE_CHECKED, object);
        if (entry != 0) {
            log_push(&t->inc, entry);
            log_publish(&t->inc);
        }
    } else {
        eddy__prepare_store(t, object, value, 1);
        if (value != NULL)
            eddy__push_value(t, value, 0);
    }
    void *old = EDDY_LOAD_RELAXED(field);
    HOOK(HOOK_STORE_PUSHED, object);
    EDDY_STORE_RELEASE(field, value);
    HOOK(HOOK_STORE_EXCHANGED, object);
    if (heap_contains(t->heap, old))
        eddy__push_dec(t, old);
}

bool eddy__cas_slow(eddy_thread *ft, void *object, void **field, void *expected, void *value)
{
    struct thread *t = thread_of(ft);
    if (expected != NULL)
        t->held[2] = expected;
    eddy__prepare_store(t, object, value, 1);
    t->held[2] = NULL;
    if (value != NULL)
        eddy__push_value(t, value, 0);
    void *found = expected;
    bool swapped = EDDY_CAS_ACQ_REL(field, &found, value);
    void *lost = swapped ? expected : value; /* on failure the inc is taken back */
    if (MUTANT(MUTANT_CAS_DEC_VALUE))
        lost = value;
    if (heap_contains(t->heap, lost) && (swapped || !MUTANT(MUTANT_CAS_KEEPS_INC)))
        eddy__push_dec(t, lost);
    return swapped;
}

void eddy_root_store(eddy_thread *t, void **slot, void *value)
{
    counted_exchange(thread_of(t), NULL, slot, value);
}

void eddy_retain(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    if (object == NULL)
        return;
    eddy__prepare_store(t, NULL, object, 0);
    eddy__push_value(t, object, ENTRY_RETAIN);
}

void eddy_release(eddy_thread *ft, void *object)
{
    struct thread *t = thread_of(ft);
    if (object == NULL || eddy_is_permanent(object))
        return;
    eddy__prepare_store(t, NULL, NULL, 1);
    eddy__push(t, &t->dec, (uintptr_t)object | ENTRY_RETAIN);
}

void eddy_reserve(eddy_thread *t, unsigned n)
{
    size_t stores = n > 64 ? 64 : n;
    EDDY__NOTE_SAFEPOINT(t);
    while (thread_of(t)->bumps_left <= stores + 1)
        eddy__wait_for_memory(thread_of(t), 0);
    eddy__reserve_entries(thread_of(t), stores * (1 + OBJECT_REFS_BOUND + 1 + PUBLISH_INCS),
                          stores * (2 + OBJECT_REFS_BOUND));
    thread_of(t)->rights.reserved = (unsigned)stores;
    thread_of(t)->rights.reserved_at = t->safepoints;
}
