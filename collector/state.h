/* The collector's own state, and what the files of collector/ share. Everything here is touched by the
 * collector only (the thread that holds heap->collector_lock), except where a field says otherwise.
 *
 * One epoch (design, section 4), file by file:
 *   rendezvous.c  asks for the epoch, acts for sleeping threads, waits for the others
 *   incs.c        step 1: roots and inc logs, promotion, drain; filter.c the words of C stacks
 *   pins.c        pins in step 1, unpins in step 2
 *   release.c     step 2: decs, freeing at count zero; attach.c what is attached to the objects, weak.c weak references,
 *                 hidden.c hidden fields
 *   cycle_test.c  the tests on the candidates of the round before
 *   sweep.c       step 3: young blocks
 *   cycle_….c     step 4: new candidates; what a search knows is in cycles.h
 *   epoch.c       calls them in this order
 *   distance.c    how much is allocated until the next
 *   activity.c    what recordings show of it
 * Between epochs: permanent.c makes objects permanent, verify.c verifies. */
#ifndef EDDY_COLLECTOR_STATE_H
#define EDDY_COLLECTOR_STATE_H

#include "collector/cycles.h"
#include "collector/object_map.h"
#include "collector/vector.h"
#include "runtime/heap/attach.h"
#include "runtime/heap/edges.h"
#include "runtime/heap/memory.h"
#include "runtime/heap/record.h"

#define STAT_ADD(field, n) EDDY_STORE_RELAXED(&(field), (field) + (n))
#define STAT_SET(field, n) EDDY_STORE_RELAXED(&(field), (n))

struct survival {  /* share of the allocation that became counted, at one distance of epochs */
    uint64_t seen; /* the last epoch at that distance */
    unsigned permille, epochs;
};

/* Where an epoch's processing began: what its report is the difference to. */
struct epoch_marks {
    uint64_t ns, cpu_ns; /* 0: nobody listens */
    uint64_t incs, decs, objects_freed, cycles_freed, live_bytes;
};

/* What is attached to objects. */
struct attached {
    struct vector held;       /* struct object_record *: objects that got a hold in this epoch, */
    struct vector due;        /* in the one before: to be decided on */
    struct vector own[2];     /* objects: the collector's own log of decs, by parity of the epoch */
    struct vector cells;      /* scratch: weak cells of a candidate */
    struct vector finalizers; /* scratch: to be queued */
};

struct collector {
    eddy_heap *heap;
    uint64_t epoch;             /* the one being processed */
    bool begun;                 /* its handshakes have been asked for */
    bool late_reported;         /* threads that delay it have been named */
    bool late_told;             /* a line was written about one, in this or an earlier epoch */
    uint64_t begun_ns;          /* when they were asked for */
    struct epoch_marks marks;   /* of the epoch being processed, when somebody wants a report */
    struct vector scan;         /* objects whose count left zero: to be promoted */
    struct vector kept;         /* scratch: the roots of a thread, sorted */
    struct vector decs;         /* objects to be decremented: consequences of releases; may outlive an epoch */
    struct object_map overflow; /* object -> true count, for count bytes that say COUNT_OVERFLOW */
    struct object_map retained; /* object -> number of eddy_retain */
    struct object_map pins;     /* object -> pins less unpins, never 0 */
    struct vector unpins[2]; /* object and number in turn: to be applied in the epoch after, by parity of their epoch */
    struct cycles cycles;
    struct attached attached;
    void *retired_counts;            /* arrays to be freed in the next epoch */
    uint32_t misplaced[EDDY__SLOTS]; /* blocks in the slot's pools that have become sparse or empty since they came there */
    uint64_t first_incs;             /* counts that left zero, of objects born in or before the epoch */
    uint64_t promoted_bytes;         /* in this epoch */
    uint64_t applied;                /* log entries and young blocks seen in this epoch */
    uint64_t allocated;              /* bytes handed out during the epoch in hand */
    struct survival survival[64]; /* by the distance's power of two */
    unsigned trial;               /* epochs at the present distance since the last decision */
    bool at_rest;                 /* nothing was left to do after this epoch */
    bool releasing_cycles;        /* decs are consequences of freed candidates: they lower `external` */
    bool cycles_wanted;           /* REQUEST_CYCLES */
    uint64_t surplus;             /* least number of free blocks in the last epochs */
    uint64_t surplus_since;       /* when that was last looked at */
    uint64_t counted_bytes, counted_objects;
    struct {
        uint64_t begun, at, cpu_at, cpu, work;
    } activity;       /* activity.c: of the epoch in hand */
    eddy_stats stats; /* counters; relaxed stores, read by any thread */
};

/* count.c: count bytes. The object must be one of this heap. */
void eddy__count_inc_slow(struct collector *c, void *object, struct block *b, uint32_t cell, bool counted);
bool eddy__count_dec_slow(struct collector *c, void *object, struct block *b, uint32_t cell);
uint64_t eddy__count_of(const struct collector *c, const struct block *b, uint32_t cell, const void *object);
/* Erases everything known of a dead object and frees its cell; its fields must have been read. */
void eddy__cell_free(struct collector *c, struct block *b, uint32_t cell, void *object);
/* The cell and block of an address that may be stale: true if it is a counted object. */
bool eddy__is_counted_object(const eddy_heap *heap, const void *p, struct block **block, uint32_t *cell);

static inline void count_prefetch(const struct collector *c, const void *object)
{
    const struct block *b = block_of(c->heap, object);
    __builtin_prefetch(b->counts + cell_number(b, object), 1);
}

/* Whether a flag needs no attention: the object is a candidate root, but no node of a search. */
static inline bool count_plain(const struct block *b, uint8_t count)
{
    return (count & COUNT_FLAGGED) == 0 || b->marks == NULL;
}

/* cycle_roots.c: there are many candidate roots */
void eddy__cycle_compact_roots(struct collector *c);

/* `counted`: the object's header is known to say so, it need not be promoted. */
static inline void count_inc(struct collector *c, void *object, bool counted)
{
    struct block *b = block_of(c->heap, object);
    uint32_t cell = cell_number(b, object);
    uint8_t count = b->counts[cell];
    if (EDDY_LIKELY((uint8_t)((count & COUNT_MASK) - 1) < COUNT_OVERFLOW - 2 && count_plain(b, count)))
        EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(count + 1));
    else
        eddy__count_inc_slow(c, object, b, cell, counted);
}

/* A count that stays above zero: the object may be part of a garbage cycle. Its flag has just been set. */
static inline void cycle_add_root(struct collector *c, void *object)
{
    vector_push(&c->cycles.roots, object);
    if (EDDY_UNLIKELY(c->cycles.roots.count > c->cycles.compact_at))
        eddy__cycle_compact_roots(c);
}

/* Returns true when the count has reached zero: the caller releases the object, whose count byte still says 1. */
static inline bool count_dec(struct collector *c, void *object, struct block *b, uint32_t cell)
{
    uint8_t count = b->counts[cell], value = count & COUNT_MASK;
    if (EDDY_LIKELY((uint8_t)(value - 1) < COUNT_OVERFLOW - 1 && count_plain(b, count))) {
        if (value == 1)
            return true;
        if ((count & COUNT_FLAGGED) != 0 || b->kind != KIND_CYCLIC) {
            EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)(count - 1));
            return false;
        }
        if (!MUTANT(MUTANT_NO_CANDIDATES)) {
            EDDY_STORE_RELAXED(&b->counts[cell], (uint8_t)((count - 1) | COUNT_FLAGGED));
            cycle_add_root(c, object);
            return false;
        }
    }
    return eddy__count_dec_slow(c, object, b, cell);
}

/* Undoes an inc of an object that is known to have another reference: it does not become a candidate. */
void eddy__count_undo(struct collector *c, void *object);

/* hold.c */
/* Takes collector_lock, as soon as an epoch may begin. */
void eddy__collector_lock_free(eddy_heap *heap);
/* Makes the collector's thread again, if it was lost. Any thread. */
void eddy__collector_revive(eddy_heap *heap);

/* permanent.c */
void eddy__born_permanent(struct collector *c, void *object);

/* Where a swept block belongs: how much of it is free. */
static inline bool block_is_sparse(const struct block *b)
{
    return b->live <= b->cells / 2;
}
static inline bool block_is_partial(const struct block *b)
{
    return b->live <= b->cells - b->cells / 4 && b->live < b->cells;
}

/* attach.c */
void eddy__attached_create(struct collector *c);
void eddy__attached_destroy(struct collector *c);
bool eddy__attached_at_rest(const struct collector *c);
/* Before step 2. */
void eddy__attached_begin(struct collector *c);
/* Logs a dec in the collector's own log of the epoch: it is applied in the next. */
void eddy__own_dec(struct collector *c, void *object);
/* The record of an object, or NULL. */
struct object_record *eddy__attachment(const struct collector *c, const void *object);
/* An object in a block with attachments has come to count zero (its byte says 1): whether it dies now. What was attached
 * to it has ended then. Otherwise it keeps that count, a hold or that of an entry in a queue of finalizers. */
bool eddy__attached_dies(struct collector *c, struct block *b, void *object);
/* Ends what is attached to an object that is being freed. */
void eddy__attachment_end(struct collector *c, struct object_record *a);
/* Takes the finalizers of an object away from it, whether there are any; then queues all that were gathered, each entry
 * with a count of its object, except that with `have_one` the first one has its count already. */
bool eddy__finalizers_gather(struct collector *c, struct object_record *a);
void eddy__finalizers_queue(struct collector *c, bool have_one);

/* hidden.c */
/* Calls edge for the hidden fields of an object. */
void eddy__hidden_each(const struct collector *c, const void *object, edge_fn *edge, void *context);
/* Before step 2: new hidden fields, and those that were dropped. */
void eddy__hidden_begin(struct collector *c);
/* The key dies: its values have been seen to. */
void eddy__hidden_end(struct object_record *a);
/* table.c */
/* The weak side of what may be an entry of a table has died. */
void eddy__table_notify(hidden_edge *edge);
/* The table dies. */
void eddy__table_end(struct table *table);

/* weak.c */
/* Whether the weak cell of an object at count zero has been cleared, or there is none. */
bool eddy__weak_decided(struct collector *c, struct object_record *a);
void eddy__weak_decide(struct collector *c);
void eddy__weak_cool(struct collector *c);
/* Decides on a candidate that has passed both tests. */
enum cycle_verdict eddy__weak_candidate(struct collector *c, uint32_t number);

/* rendezvous.c */
bool eddy__rendezvous(struct collector *c, uint64_t timeout_ns, unsigned *late);
/* late_lines.c */
bool eddy__late_lines_wanted(const struct collector *c);
void eddy__late_line(struct collector *c, const eddy_thread_state *state);
/* incs.c: step 1 */
void eddy__apply_incs(struct collector *c);
void eddy__promote_all(struct collector *c);
/* filter.c: accepts words of the stacks of epoch `c->epoch`, counts them, and remembers them */
void eddy__filter_roots(struct collector *c, bool exact);
/* pins.c: pins in step 1, unpins in step 2 of the next epoch */
void eddy__pins_create(struct collector *c);
void eddy__pins_destroy(struct collector *c);
void eddy__apply_pins(struct collector *c);
void eddy__apply_unpins(struct collector *c);
bool eddy__unpins_pending(const struct collector *c);
/* Whether there are words to filter in the epoch: on heaps with precise roots, of ambiguous ranges. */
bool eddy__words_recorded(const struct collector *c);
void eddy__accept_exact(struct collector *c, struct root_list *list, const struct root_buffer *roots);
void eddy__accept_words(struct collector *c, struct root_list *list, const struct root_buffer *roots);
/* Roots that stayed through the epoch as they were remain counted once, until they are looked at again. */
void eddy__carry_roots(struct collector *c, struct root_list lists[2]);
/* fibers.c: the same for suspended fibers; and what step 2 does for them */
void eddy__fibers_filter(struct collector *c, bool exact);
void eddy__fibers_uncount(struct collector *c);
/* release.c: step 2 */
void eddy__apply_decs(struct collector *c);
/* Takes back the counts of the roots of the epoch before. `stable` may be NULL. */
void eddy__uncount_roots(struct collector *c, struct root_list lists[2], const struct root_list *stable);
/* Works off c->decs; with `slice`, stops when an epoch is asked for and enough was done. */
void eddy__release_all(struct collector *c, bool slice);
/* sweep.c: step 3; and giving back blocks and large objects in which nothing is live */
void eddy__give_block(struct collector *c, struct block *b);
/* Puts a swept block that is partial into the pool where it belongs. */
void eddy__pool_block(struct collector *c, struct block *b);
void eddy__give_large(struct collector *c, struct block *b);
void eddy__sweep_young(struct collector *c);
void eddy__sort_partial(struct collector *c);

/* activity.c: for recordings, if one is being made: an epoch begins; a phase of it ends; it ends */
void eddy__activity_begin(struct collector *c);
void eddy__activity_phase(struct collector *c, eddy_record_phase phase);
void eddy__activity_end(struct collector *c);
/* report.c: events of the epoch and of the search for cycles, measured only when somebody listens */
void eddy__report_begin(struct collector *c);
void eddy__report_end(struct collector *c);
/* One slice of the search for cycles, reported. */
void eddy__report_cycle_slice(struct collector *c);

/* reserve.c: after an epoch */
void eddy__reserve_blocks(struct collector *c);

/* distance.c: sets the distance to the next epoch */
void eddy__adapt_distance(struct collector *c);

/* cycle_pass.c: step 4 */
void eddy__cycles_create(struct collector *c);
void eddy__cycles_destroy(struct collector *c);
void eddy__cycle_slice(struct collector *c);
/* Ends a pass, or a part of it: the tests of what has been found are over. */
void eddy__cycle_end_pass(struct collector *c);
/* cycle_roots.c */
bool eddy__cycle_take_roots(struct collector *c, uint64_t *done);
/* Whether an address is that of an object that may be on a cycle. */
bool eddy__cycle_possible(const struct collector *c, void *object, struct block **b, uint32_t *cell);
/* The object is to be looked at in the next pass. */
void eddy__cycle_put_back(struct collector *c, void *object);
/* cycle_find.c */
bool eddy__cycle_discover(struct collector *c, uint64_t *done);
bool eddy__cycle_scan(struct collector *c, uint64_t *done);
/* cycle_split.c */
bool eddy__cycle_split(struct collector *c, uint64_t *done);
/* cycle_test.c */
bool eddy__cycle_prepare(struct collector *c, uint64_t *done);
void eddy__cycle_test(struct collector *c);

/* cycle_marks.c */
/* Makes an object gray that has no mark, with its count; false, giving up the portion, when there is no memory. */
bool eddy__mark_gray(struct collector *c, void *object, struct block *b, uint32_t cell);
/* It is gray, and reachable from outside. */
void eddy__mark_live(struct block *b, uint32_t cell);
/* Makes nodes of all gray objects of a block; false, giving up the portion, when there is no memory. */
bool eddy__mark_nodes(struct collector *c, struct block *b);
/* Erases the nodes from this one on. */
void eddy__nodes_drop(struct collector *c, uint32_t from);
/* Erases the marks of all gray objects of the portion. */
void eddy__marks_undo(struct collector *c);
/* The end of a pass or of a part of it: erases all marks. */
void eddy__marks_drop(struct collector *c);
/* Erases the marks of a block that is given back. */
void eddy__marks_drop_block(struct collector *c, struct block *b);
/* An object that is a node was incremented or decremented. */
void eddy__mark_touch(struct collector *c, struct block *b, uint32_t cell, bool dec);
/* It is being freed, or leaves the search otherwise. */
void eddy__mark_erase(struct collector *c, struct block *b, uint32_t cell);

static inline uint32_t mark_of(const struct block *b, uint32_t cell)
{
    return b->marks == NULL ? MARK_UNMET : b->marks->of[cell];
}
static inline void cycle_touch(struct collector *c, struct block *b, uint32_t cell, bool dec)
{
    if (mark_is_node(mark_of(b, cell)))
        eddy__mark_touch(c, b, cell, dec);
}
static inline void cycle_erase(struct collector *c, struct block *b, uint32_t cell)
{
    if (EDDY_UNLIKELY(mark_of(b, cell) != MARK_UNMET) && !(MUTANT(MUTANT_MARK_STAYS) && !mark_is_node(mark_of(b, cell))))
        eddy__mark_erase(c, b, cell);
}
/* Makes room for one more item. The heap's limit may refuse that once something has been prepared, which is then
 * tested first; before that, or while the tables are small, the search goes on beyond the limit, or garbage would be found
 * too late. On refusal
 * sets failed_memory. */
bool eddy__cycle_room(struct collector *c, struct vector *v);
static inline bool cycle_push(struct collector *c, struct vector *v, uint32_t number)
{
    if (v->count == v->room && !eddy__cycle_room(c, v))
        return false;
    ((uint32_t *)v->items)[v->count++] = number;
    return true;
}
/* Whether a pass is under way, at rest between two of its parts perhaps. */
static inline bool cycle_searching(const struct collector *c)
{
    return c->cycles.phase != CYCLE_IDLE || c->cycles.portion.count != 0;
}
/* The node number of an object that may be garbage, or UINT32_MAX. */
static inline uint32_t cycle_node_of(const struct collector *c, const void *object)
{
    const struct block *b = block_of(c->heap, object);
    uint32_t mark = mark_of(b, cell_number(b, object));
    return mark_is_node(mark) ? mark - MARK_NODE : UINT32_MAX;
}

static inline struct cycle_node *cycle_node(const struct collector *c, uint32_t number)
{
    return (struct cycle_node *)c->cycles.nodes.items + number;
}
static inline void *cycle_object(const struct cycle_node *node)
{
    return (void *)(node->object & ~NODE_AGAIN);
}
static inline struct cycle_candidate *cycle_candidate(const struct collector *c, uint32_t number)
{
    return (struct cycle_candidate *)c->cycles.candidates.items + number;
}
static inline uint32_t cycle_member(const struct collector *c, uint32_t i)
{
    return ((uint32_t *)c->cycles.members.items)[i];
}
/* Calls edge for the reference fields of an object, hidden ones included. */
__attribute__((always_inline)) static inline void cycle_edges(const struct collector *c, const void *object,
                                                              edge_fn *edge, void *context)
{
    uint64_t header = EDDY_LOAD_ACQUIRE(eddy__header(object));
    edges_each(c->heap, header, object, edge, context);
    if (EDDY_UNLIKELY(header & HEADER_ATTACHED))
        eddy__hidden_each(c, object, edge, context);
}

#define SLICE_STEPS_USUAL 1024u /* work done between two looks at the requests */

/* Whether the mutators wait for an epoch long enough that slow work gives way to it. */
bool eddy__epoch_presses(const struct collector *c);
/* Whether slow work that has taken `done` steps must give way to an epoch. */
static inline bool slice_over(const struct collector *c, uint64_t done)
{
    HOOK(HOOK_SLICE, NULL);
    const uint64_t forced = SLICE_STEPS();
    if (forced != 0)
        return done >= forced;
    return EDDY_UNLIKELY(done % SLICE_STEPS_USUAL == SLICE_STEPS_USUAL - 1) && eddy__epoch_presses(c);
}

#endif
