/* Attaching something to an object: makes it counted first, so that its death will be noticed (I9), then finds or makes
 * its record. Own thread only. */
#include "runtime/attach.h"

#include "collector/collector.h"

/* What the inc/dec pair of I6 and the incs of all its fields may take. */
static bool reserve(struct thread *t, void *object, bool own)
{
    size_t needs = eddy__promote_needs(t, object);
    bool waited = false;
    t->held[0] = object;
    while (own && t->bumps_left <= 1)
        waited = eddy__wait_for_memory(t, 0) || waited;
    waited = eddy__reserve_entries(t, 1 + needs + PUBLISH_INCS, 1 + needs) || waited;
    t->held[0] = NULL;
    return !waited;
}

/* In debug builds. */
static void check(struct thread *t, const void *object)
{
#ifdef EDDY_DEBUG
    eddy_status owner = eddy__check_owner(t);
    if (owner != EDDY_OK)
        eddy__misuse("attaching to an object", eddy_status_text(owner));
    if (t->native_depth != 0)
        eddy__misuse("attaching to an object", "the thread is in a native region");
    if (eddy_object_at(t->heap, object) != object)
        eddy__misuse("attaching to an object", "it is no object of this heap");
#else
    (void)t, (void)object;
#endif
}

void eddy__make_counted(struct thread *t, void *object)
{
    check(t, object);
    while (!eddy__is_counted(object) && !MUTANT(MUTANT_ATTACH_PRIVATE)) {
        bool own = eddy__is_own(&t->fast, object);
        if (!reserve(t, object, own))
            continue; /* nothing that was known of tags holds any more */
        if (own)
            eddy__publish(t, object);
        if (eddy__is_counted(object)) {
            eddy__push_value(t, object, 0);
            eddy__push_dec(t, object);
        } else {
            eddy__self_promote(t, object);
        }
    }
}

static void mark(struct thread *t, void *object)
{
    struct block *b = block_of(t->heap, object);
    if (!EDDY_LOAD_RELAXED(&b->attached))
        EDDY_STORE_RELAXED(&b->attached, 1);
    __atomic_fetch_or(eddy__header(object), HEADER_ATTACHED, __ATOMIC_RELAXED);
}

struct object_record *eddy__attachment_of(struct thread *t, void *object)
{
    struct object_record *found = attachment_find(t->heap, object);
    if (found != NULL)
        return found;
    struct object_record *made = eddy__retirable_alloc(t->heap, sizeof *made);
    if (made == NULL)
        return NULL;
    made->object = object;
    struct object_record **chain = attachment_chain(t->heap, object), *head = EDDY_LOAD_ACQUIRE(chain);
    do {
        /* Nothing was inserted if the head is what it was: what is in the chain is not used again meanwhile. */
        for (found = head; found != NULL; found = EDDY_LOAD_ACQUIRE(&found->next))
            if (found->object == object) {
                eddy__retirable_free(t->heap, made);
                return found;
            }
        made->next = head;
    } while (!EDDY_CAS_RELEASE_ACQUIRE(chain, &head, made));
    mark(t, object);
    EDDY_ADD_RELAXED(&t->heap->attached_objects, 1);
    return made;
}

void eddy__note_active(struct thread *t)
{
    if (EDDY_LOAD_RELAXED(&t->heap->active) == 0)
        eddy__collector_note_active(t->heap);
}
