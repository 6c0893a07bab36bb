/* Requests for what another thread owns (design, section 8): the queue of each thread, who answers, and waiting.
 *
 * What is owned and not kept is given away by its owner at a safepoint, or taken by anybody while the owner is in native state
 * (or has ended): a taker counts itself in, sees that the owner sleeps, swaps, counts itself out; a thread that wakes waits until nobody is
 * counted. Requests that come too late for an object go on, in their order, to the one who has got it. */
#include "runtime/ownership.h"

#define TAKERS_NAP_NS UINT64_C(20000)

static const uint64_t no_epoch = UINT64_MAX;

void eddy__provoke(struct thread *v)
{
    EDDY_STORE_RELEASE(&v->fast.epoch_word, &no_epoch);
}

/* ---- the queue ---- */

static void push(struct thread *v, struct steal *node)
{
    struct steal *top = EDDY_LOAD_RELAXED(&v->rights.requests);
    do
        node->next = top;
    while (!EDDY_CAS_SEQ_CST(&v->rights.requests, &top, node));
}

/* All of them, the first one first. */
static struct steal *take_all(struct thread *v)
{
    struct steal *node = EDDY_EXCHANGE_ACQ_REL(&v->rights.requests, NULL), *first = NULL;
    while (node != NULL) {
        struct steal *next = node->next;
        node->next = first;
        first = node;
        node = next;
    }
    return first;
}

/* From here on the node is its owner's again. */
static void answer(struct steal *node)
{
    uint32_t *state = &node->state;
    if (EDDY_EXCHANGE_SEQ_CST(state, STEAL_ANSWERED) == STEAL_SLEEPING)
        eddy__os_wake(state);
}

/* ---- giving and taking ---- */

/* What the right becomes when the request is granted: kept until who asked is awake. */
static uint32_t granted(const eddy_heap *heap, const struct steal *node, uint32_t right)
{
    uint32_t kept = right_code(node->thread) | EDDY__RIGHT_KEPT;
    if (right_is_claim(right))
        return kept;
    if (node->write)
        return kept | EDDY__RIGHT_WRITE;
    uint32_t share = EDDY_LOAD_RELAXED(&heap->share_after);
    uint32_t reads = (right & EDDY__RIGHT_WRITE) != 0 ? 0 : (right & EDDY__RIGHT_READS) >> EDDY__RIGHT_READS_SHIFT;
    if (share != 0 && reads + 1 >= share)
        return 0;
    reads += reads != EDDY__RIGHT_READS >> EDDY__RIGHT_READS_SHIFT;
    return kept | reads << EDDY__RIGHT_READS_SHIFT;
}

/* Grants the request if the right is still as it was found, and v is not touching the object. */
static bool grant(struct thread *v, struct steal *node, uint32_t found)
{
    if (!EDDY_CAS_ACQ_REL(right_of(node->object), &found, granted(v->heap, node, found)))
        return false;
    if (!MUTANT(MUTANT_RIGHT_TOKEN_STAYS))
        EDDY_ADD_RELEASE(&v->fast.rights_token, 1);
    return true;
}

enum taken { TAKEN, CHANGED, AWAKE };

/* Grants it in v's sleep. */
static enum taken take_asleep(struct thread *v, struct steal *node, uint32_t found)
{
    EDDY_ADD_SEQ_CST(&v->rights.takers, 1);
    enum taken result = AWAKE;
    if ((right_asleep(v) && (!right_is_legacy(v) || MUTANT(MUTANT_RIGHT_LEGACY_PREEMPTED)))
        || MUTANT(MUTANT_RIGHT_TAKE_RUNNING)) {
        HOOK(HOOK_RIGHT_TAKING, node->object);
        result = grant(v, node, found) ? TAKEN : CHANGED;
    }
    EDDY_ADD_RELEASE(&v->rights.takers, -1);
    return result;
}

/* ---- settling ---- */

/* Answers a request, or puts it where somebody will look. `self`: the calling thread, if it is running, and then at a safepoint.
 * Returns requests of a sleeping thread that the caller has in hand then. */
static struct steal *settle(eddy_heap *heap, struct thread *self, struct steal *node)
{
    for (;;) {
        uint32_t found = EDDY_LOAD_ACQUIRE(right_of(node->object));
        struct thread *v = right_owner(heap, found);
        if (v == NULL || v == node->thread || (found & EDDY__RIGHT_MARKED) != 0) {
            answer(node);
            return NULL;
        }
        HOOK(HOOK_RIGHT_FOUND, node->object);
        uint32_t keeping = EDDY_LOAD_ACQUIRE(&v->rights.keeping);
        bool kept = (found & EDDY__RIGHT_KEPT) != 0 && (keeping & 1) != 0;
        if (MUTANT(MUTANT_RIGHT_KEPT_GRANTED))
            kept = false;
        /* If not, it is kept in the acquisition that `keeping` numbers. */
        bool moved = kept && EDDY_LOAD_ACQUIRE(right_of(node->object)) != found && !MUTANT(MUTANT_RIGHT_KEPT_BEFORE);
        bool legacy = right_is_legacy(v) && !MUTANT(MUTANT_RIGHT_LEGACY_PREEMPTED);
        if ((kept && node->legacy) || (v == self && !kept && !legacy)) {
            if (!grant(v, node, found))
                continue;
            answer(node);
            return NULL;
        }
        if (v == self) { /* to be looked at when its acquisition, or its foreign code, ends */
            push(v, node);
            return NULL;
        }
        if (!kept && !legacy) {
            enum taken taken = take_asleep(v, node, found);
            if (taken == CHANGED)
                continue;
            if (taken == TAKEN) {
                answer(node);
                return NULL;
            }
        }
        push(v, node); /* from here on others may answer it, and the object be freed */
        eddy__provoke(v);
        HOOK(HOOK_RIGHT_ASKED, v);
        if (kept && !moved && EDDY_ADD_ACQ_REL(&v->rights.keeping, 0) == keeping)
            return NULL; /* it looks when that acquisition ends */
        if (EDDY_ADD_ACQ_REL(&heap->legacy_holder, 0) == v->number || !right_asleep(v))
            return NULL; /* when its foreign code ends; at its next safepoint */
        return take_all(v);
    }
}

static void settle_all(eddy_heap *heap, struct thread *self, struct steal *first)
{
    while (first != NULL) {
        struct steal *node = first, **end = &first;
        first = node->next;
        struct steal *more = settle(heap, self, node);
        while (*end != NULL)
            end = &(*end)->next;
        *end = more;
    }
}

/* ---- the owner's part ---- */

static bool is_keeping(const struct thread *t)
{
    return (EDDY_LOAD_RELAXED(&t->rights.keeping) & 1) != 0;
}

void eddy__own_safepoint(struct thread *t)
{
    if (EDDY_LOAD_RELAXED(&t->fast.epoch_word) != &t->heap->epoch)
        (void)EDDY_EXCHANGE_ACQ_REL(&t->fast.epoch_word, &t->heap->epoch);
    if (!is_keeping(t))
        eddy__legacy_return(t);
    if (t->rights.legacy_depth != 0 && !MUTANT(MUTANT_RIGHT_LEGACY_PREEMPTED))
        return; /* no preemption */
    eddy__own_passed(t);
    if (EDDY_LOAD_ACQUIRE(&t->rights.requests) != NULL)
        settle_all(t->heap, t, take_all(t));
}

void eddy__own_asleep(struct thread *t)
{
    if (!is_keeping(t))
        eddy__legacy_return(t);
    if (t->rights.legacy_depth != 0)
        return; /* no preemption, asleep or not */
    if (EDDY_LOAD_SEQ_CST(&t->rights.requests) != NULL && !MUTANT(MUTANT_RIGHT_ASLEEP_DEAF))
        settle_all(t->heap, NULL, take_all(t));
    eddy__own_passed(t);
}

void eddy__own_woken(struct thread *t)
{
    uint32_t takers;
    while ((takers = EDDY_LOAD_SEQ_CST(&t->rights.takers)) != 0 && !MUTANT(MUTANT_RIGHT_WAKE_AT_ONCE)) {
        HOOK(HOOK_RIGHT_WAKING, t);
        eddy__os_wait(&t->rights.takers, takers, TAKERS_NAP_NS); /* it is about a compare-and-swap: nobody wakes us */
    }
}

/* ---- asking ---- */

bool eddy__own_spin(struct thread *t, unsigned *spins)
{
    HOOK(HOOK_RIGHT_WAIT, t);
    eddy__poll(t);
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    return ++*spins > (SPINS_FORCED() != 0 ? SPINS_FORCED() : RIGHT_SPINS);
}

void eddy__own_request(struct thread *t, void *object, bool write)
{
    struct steal *node = &t->rights.wanted;
    node->next = NULL;
    node->object = object;
    node->write = write;
    node->legacy = right_is_legacy(t);
    EDDY_STORE_RELAXED(&node->state, STEAL_WAITING);
    settle_all(t->heap, t, node);
    unsigned spins = 0;
    while (EDDY_LOAD_ACQUIRE(&node->state) != STEAL_ANSWERED)
        if (eddy__own_spin(t, &spins))
            break;
    uint32_t waiting = STEAL_WAITING;
    if (EDDY_LOAD_ACQUIRE(&node->state) == STEAL_ANSWERED)
        return;
    eddy__native_begin(t);
    EDDY_CAS_ACQ_REL(&node->state, &waiting, STEAL_SLEEPING);
    while (EDDY_LOAD_ACQUIRE(&node->state) != STEAL_ANSWERED)
        eddy__os_wait(&node->state, STEAL_SLEEPING, UINT64_MAX);
    eddy__native_end(t);
}
