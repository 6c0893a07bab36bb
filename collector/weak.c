/* Weak cells, the collector's side (design, section 6): which objects that seem dead are so.
 *
 * A cell is PENDING while nobody has loaded it since the collector last looked. If that was in an earlier epoch, whoever
 * found the cell LIVE before has pushed an inc which has been applied: then count zero can be decided on at once, by
 * one compare-and-swap, and so can chains of such objects. A cell that was loaded since is LIVE: then the object gets a
 * hold, a count of one, the cell becomes PENDING, and the decision is taken at the end of step 2 of the next epoch. */
#include "collector/state.h"

static void cool(struct collector *c, eddy_weak *cell)
{
    cell->cooled = c->epoch;
    EDDY_STORE_RELEASE(&cell->word, WEAK_PENDING);
}

static bool clear(struct collector *c, eddy_weak *cell)
{
    uintptr_t word = WEAK_PENDING;
    if (!EDDY_CAS_ACQ_REL(&cell->word, &word, WEAK_CLEARED))
        return false;
    STAT_ADD(c->stats.weak_cleared, 1);
    return true;
}

/* Takes a cell that is cleared, or that nobody has, away from its record. */
static void take_away(struct object_record *a)
{
    eddy_weak *cell = a->cell;
    EDDY_STORE_RELEASE(&a->cell, NULL);
    eddy__weak_release(cell);
}

/* Whether anybody may load it: more than its record has a hold of it. */
static bool in_use(const eddy_weak *cell)
{
    return cell != NULL && EDDY_LOAD_ACQUIRE(&cell->holders) > 1;
}

bool eddy__weak_decided(struct collector *c, struct object_record *a)
{
    eddy_weak *cell = EDDY_LOAD_ACQUIRE(&a->cell);
    if (in_use(cell)) {
        if (MUTANT(MUTANT_WEAK_AT_ONCE))
            EDDY_STORE_RELEASE(&cell->word, WEAK_PENDING);
        if ((cell->cooled == c->epoch && !MUTANT(MUTANT_WEAK_AT_ONCE)) || !clear(c, cell)) {
            if (EDDY_LOAD_RELAXED(&cell->word) == WEAK_LIVE)
                cool(c, cell);
            return false;
        }
    }
    if (cell != NULL)
        take_away(a);
    return true;
}

/* ---- decisions, at the end of step 2 ---- */

static void decide(struct collector *c, struct object_record *a)
{
    void *object = a->object;
    struct block *b = block_of(c->heap, object);
    eddy_weak *cell = a->cell;
    HOOK(HOOK_WEAK_DECIDE, object);
    if (eddy__count_of(c, b, cell_number(b, object), object) == 1 && clear(c, cell)) {
        take_away(a);
        vector_push(&c->decs, object); /* the hold */
        return;
    }
    STAT_ADD(c->stats.weak_rescued, 1);
    cool(c, cell);
    eddy__own_dec(c, object);
}

void eddy__weak_decide(struct collector *c)
{
    struct vector *due = &c->attached.due;
    for (size_t i = 0; i < due->count; i++)
        decide(c, vector_at(due, i));
    due->count = 0;
    eddy__vector_trim(due);
    eddy__release_all(c, true);
}

/* At the end of an epoch: cells that were loaded become PENDING, to be decided on at once from the next epoch on. */
void eddy__weak_cool(struct collector *c)
{
    eddy_weak *cell = EDDY_EXCHANGE_ACQ_REL(&c->heap->warm_cells, NULL);
    for (eddy_weak *next; cell != NULL; cell = next) {
        next = EDDY_LOAD_RELAXED(&cell->warm);
        EDDY_STORE_RELEASE(&cell->warmed, 0); /* before a load can make it LIVE again */
        if (EDDY_LOAD_RELAXED(&cell->word) == WEAK_LIVE)
            cool(c, cell);
        eddy__weak_release(cell);
    }
}

/* ---- candidate cycles ---- */

/* The cells of a candidate that somebody may load; whether any has been loaded since the last epoch. Those are PENDING
 * from now on. */
static bool gather(struct collector *c, const struct cycle_candidate *candidate)
{
    struct vector *cells = &c->attached.cells;
    bool warm = false;
    cells->count = 0;
    for (uint32_t m = 0; m < candidate->count; m++) {
        struct object_record *a = eddy__attachment(c, cycle_object(cycle_node(c, cycle_member(c, candidate->first + m))));
        eddy_weak *cell = a == NULL ? NULL : EDDY_LOAD_ACQUIRE(&a->cell);
        if (!in_use(cell))
            continue;
        vector_push(cells, cell);
        if (EDDY_LOAD_ACQUIRE(&cell->word) == WEAK_LIVE)
            cool(c, cell);
        warm = warm || (cell->cooled == c->epoch && !MUTANT(MUTANT_WEAK_NO_WINDOW));
    }
    return warm;
}

/* Makes one word decide on all cells. A cell that was loaded meanwhile is the rescue of all. Whoever finds the word in a cell
 * may look at it until the next safepoint. */
static bool decide_together(struct collector *c)
{
    struct vector *cells = &c->attached.cells;
    uintptr_t *word = eddy__retirable_alloc(c->heap, sizeof *word);
    if (word == NULL)
        return false;
    *word = WEAK_PENDING;
    size_t moved = 0;
    for (; moved < cells->count; moved++) {
        uintptr_t pending = WEAK_PENDING;
        eddy_weak *cell = vector_at(cells, moved);
        HOOK(HOOK_WEAK_MOVE, cell);
        uintptr_t to = MUTANT(MUTANT_WEAK_EACH) ? WEAK_CLEARED : (uintptr_t)word;
        if (!EDDY_CAS_ACQ_REL(&cell->word, &pending, to))
            break;
    }
    HOOK(HOOK_WEAK_MOVE, NULL);
    uintptr_t pending = WEAK_PENDING;
    bool all = moved == cells->count;
    bool dead = EDDY_CAS_ACQ_REL(word, &pending, all ? WEAK_CLEARED : WEAK_LIVE) && all;
    for (size_t i = 0; i < moved; i++) {
        eddy_weak *cell = vector_at(cells, i);
        if (dead)
            EDDY_STORE_RELEASE(&cell->word, WEAK_CLEARED);
        else if (!MUTANT(MUTANT_WEAK_EACH))
            cool(c, cell);
    }
    eddy__retire(c->heap, word);
    STAT_ADD(c->stats.weak_cleared, dead ? moved : 0);
    return dead;
}

static bool clear_cells(struct collector *c)
{
    struct vector *cells = &c->attached.cells;
    if (cells->count == 0)
        return true;
    HOOK(HOOK_WEAK_DECIDE, NULL);
    bool dead = cells->count == 1 ? clear(c, vector_at(cells, 0)) : decide_together(c);
    if (!dead)
        STAT_ADD(c->stats.weak_rescued, 1);
    return dead;
}

/* The finalizers of its members; and cells that are cleared, or nobody's, go. */
static bool gather_finalizers(struct collector *c, const struct cycle_candidate *candidate, bool cleared)
{
    bool any = false;
    for (uint32_t m = 0; m < candidate->count; m++) {
        struct object_record *a = eddy__attachment(c, cycle_object(cycle_node(c, cycle_member(c, candidate->first + m))));
        if (a == NULL)
            continue;
        if (cleared && a->cell != NULL)
            take_away(a);
        any = eddy__finalizers_gather(c, a) || any;
    }
    return any;
}

enum cycle_verdict eddy__weak_candidate(struct collector *c, uint32_t number)
{
    const struct cycle_candidate *candidate = cycle_candidate(c, number);
    if (MUTANT(MUTANT_FINALIZE_EARLY) && gather_finalizers(c, candidate, false)) {
        eddy__finalizers_queue(c, false);
        return CYCLE_LIVES;
    }
    if (gather(c, candidate))
        return CYCLE_WAITS;
    if (!clear_cells(c))
        return CYCLE_LIVES;
    if (!gather_finalizers(c, candidate, true))
        return CYCLE_DEAD;
    eddy__finalizers_queue(c, false);
    return CYCLE_FINALIZED;
}
