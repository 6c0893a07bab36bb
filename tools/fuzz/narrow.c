/* Narrow programs: very few objects, which a plan leads to where a bug can hide, and random details within it. Operations of
 * several threads stand in the list one behind the other; it is the schedule that lets them meet. */
#include "tools/fuzz/figures.h"

#include <string.h>

static void add(struct fuzz_case *c, unsigned thread, const char *name, unsigned a, unsigned b, unsigned o)
{
    unsigned code = fuzz_operation_code(name);
    if (c->count < FUZZ_OPERATIONS)
        c->operations[c->count++] = (struct operation){(uint8_t)thread, (uint8_t)code, (uint8_t)a, (uint8_t)b, (uint8_t)o};
}

static void add_pause(struct fuzz_case *c, uint64_t *state, unsigned thread)
{
    switch (fuzz_below(state, 12)) {
    case 0: break;
    case 1:
    case 2: /* long enough for a search to come to its end */
        add(c, thread, "native", 15, 0, 0);
        add(c, thread, "native", 15, 0, 0);
        break;
    case 3: add(c, thread, "collect", 1, 0, 0); break; /* asks for it only */
    default: add(c, thread, "safepoint", 0, 0, 0);
    }
}

/* ---- knots ---- */

/* Stores that tie a knot tighter or undo it. No handle holds it at a safepoint, or its counts would change all the time. */
static void add_ties(struct fuzz_case *c, uint64_t *state, unsigned thread, bool wide)
{
    unsigned last = wide ? 1 : fuzz_below(state, 2); /* handle of the member that is written */
    add(c, thread, "root-load", 0, thread, 0);
    if (last != 0)
        add(c, thread, "load", 1, 0, wide);
    for (unsigned times = 1 + fuzz_below(state, 2); times > 0; times--)
        add(c, thread, "store", wide ? 1 : fuzz_below(state, 1 + last), fuzz_below(state, wide ? 33 : 3),
            fuzz_below(state, wide ? 8 : 3) == 0 ? VALUE_NULL
            : fuzz_below(state, 4) == 0          ? last
                                                 : 0);
    if (fuzz_below(state, 3) == 0) { /* becomes a candidate root, and so where the next search begins */
        add(c, thread, "root-store", 2, last, 0);
        add(c, thread, "root-store", 2, VALUE_NULL, 0);
    }
    add(c, thread, "drop", 0, 0, 0);
    add(c, thread, "drop", 1, 0, 0);
}

/* Takes the knot from its root, undoes it perhaps, and lets go of it. */
static void add_end(struct fuzz_case *c, uint64_t *state, unsigned thread)
{
    add(c, thread, "root-load", 0, thread, 0);
    add(c, thread, "root-store", thread, VALUE_NULL, 0);
    for (unsigned field = 0; fuzz_below(state, 4) != 0 && field < 3; field++)
        add(c, thread, "store", 0, field, VALUE_NULL);
    add(c, thread, "drop", 0, 0, 0);
}

/* Knots, rings of very few objects, that hang on garbage and on a root, and are tied and undone while a search that goes step by
 * step looks at them: what it has read of a knot is out of date again and again. */
static void generate_knots(struct fuzz_case *c, uint64_t *state)
{
    c->settings.threads = (uint8_t)(1 + fuzz_below(state, 2));
    c->settings.slice_steps = (uint8_t)(1 + fuzz_below(state, 5));
    c->settings.portion_roots = (uint8_t)(fuzz_below(state, 4) == 0 ? 1 + fuzz_below(state, 4) : 0);
    c->settings.epoch_every = (uint8_t)(2u << fuzz_below(state, 4));
    c->settings.conservative = c->settings.interior = c->settings.on_stack = 0;
    c->settings.fail_at = 0;
    if (fuzz_below(state, 4) != 0) {
        c->schedule.strategy = STRATEGY_STEPS;
        c->schedule.rate = 1u << fuzz_below(state, 3);
    }
    for (unsigned knots = 1 + fuzz_below(state, 6); knots > 0; knots--) {
        unsigned thread = fuzz_below(state, c->settings.threads);
        add(c, thread, "figure", 0, FIGURE_RING, fuzz_below(state, 4));
        bool wide = fuzz_below(state, 2) == 0; /* one member has room for many references to another */
        if (wide) {
            add(c, thread, "new", 1, SHAPE_WIDE, 0);
            add(c, thread, "store", 0, 1, 1);
            add(c, thread, "store", 1, 0, 0);
        }
        add(c, thread, "root-store", thread, 0, 0);
        if (fuzz_below(state, 4) != 0) { /* garbage that refers to it */
            add(c, thread, "figure", 3, FIGURE_RING, fuzz_below(state, 2));
            add(c, thread, "load", 1, 0, wide);
            add(c, thread, "store", 3, 1, fuzz_below(state, 2)); /* the one that hangs on the root, or another */
            add(c, thread, "drop", 1, 0, 0);
            add(c, thread, "root-store", 2, 3, 0);
            add(c, thread, "root-store", 2, VALUE_NULL, 0);
            add(c, thread, "drop", 3, 0, 0);
        }
        add(c, thread, "drop", 0, 0, 0);
        add(c, thread, "collect", 1, 0, 0);
        for (unsigned rounds = 1 + fuzz_below(state, fuzz_below(state, 2) == 0 ? 8 : 40); rounds > 0; rounds--) {
            add_ties(c, state, thread, wide);
            add_pause(c, state, thread);
        }
        if (fuzz_below(state, 2) == 0)
            add_end(c, state, thread);
        for (unsigned pauses = fuzz_below(state, 8); pauses > 0; pauses--)
            add_pause(c, state, thread);
    }
}

/* ---- chains ---- */

/* Lists that are handed over private, and then promoted node by node by their thread, while the collector does the same. */
static void generate_chains(struct fuzz_case *c, uint64_t *state)
{
    c->settings.threads = (uint8_t)(1 + fuzz_below(state, 3));
    c->settings.epoch_every = (uint8_t)(2u << fuzz_below(state, 4));
    for (unsigned chains = 2 + fuzz_below(state, 12); chains > 0; chains--) {
        unsigned thread = fuzz_below(state, c->settings.threads), nodes = 3 + fuzz_below(state, 5);
        add(c, thread, "figure", 0, FIGURE_LIST, nodes);
        add(c, thread, "dup", 3, 0, 0);
        add(c, thread, "safepoint", 0, 0, 0);
        for (; nodes > 0; nodes--) {
            add(c, thread, "store", 0, 2, fuzz_below(state, 2) == 0 ? VALUE_NULL : 3);
            add(c, thread, "load", 0, 0, 0);
        }
        add_pause(c, state, thread);
    }
}

/* ---- deaths ---- */

/* None of the faults that make a run slow, and one thread or two. */
static void calm(struct fuzz_case *c, uint64_t *state, unsigned threads)
{
    c->settings.threads = (uint8_t)threads;
    c->settings.epoch_every = (uint8_t)(2u << fuzz_below(state, 4));
    c->settings.fail_at = 0;
    c->settings.faults = 0;
    if (c->schedule.strategy == STRATEGY_RANDOM)
        c->schedule.rate = 1u << fuzz_below(state, 5);
}

/* Some epochs, or a few steps. */
static void add_pauses(struct fuzz_case *c, uint64_t *state, unsigned thread)
{
    for (unsigned pauses = fuzz_below(state, 6); pauses > 0; pauses--)
        if (fuzz_below(state, 3) == 0)
            add(c, thread, "native", fuzz_below(state, 16), 0, 0);
        else
            add_pause(c, state, thread);
}

/* Something that tells of the death of what handle h0, h1 or h2 refers to. */
static void add_attachment(struct fuzz_case *c, uint64_t *state, unsigned thread, unsigned members, unsigned what)
{
    unsigned handle = fuzz_below(state, members), place = fuzz_below(state, 2);
    switch (what) {
    case 0: add(c, thread, "finalizer", handle, fuzz_below(state, 4) == 0, 0); break;
    case 1: /* the value may be what it dies with */
        add(c, thread, "ephemeron", place, handle, fuzz_below(state, 2) == 0 ? VALUE_NULL : fuzz_below(state, 3));
        break;
    default: /* each member has a place of its own, if there is one */
        add(c, thread, "weak", handle, VALUE_NULL, 0);
        add(c, thread, "weak", handle, handle, 0);
    }
}

/* A ring, or a list, that is let go of after something was attached to its members. */
static void add_mortal(struct fuzz_case *c, uint64_t *state, unsigned thread, bool weak, bool finalizers)
{
    unsigned members = 1 + fuzz_below(state, 3);
    add(c, thread, "figure", 0, fuzz_below(state, 4) == 0 ? FIGURE_LIST : FIGURE_RING, members - 1);
    for (unsigned i = 1; i < members; i++)
        add(c, thread, "load", i, i - 1, 0);
    for (unsigned times = 1 + fuzz_below(state, 5); weak && times > 0; times--)
        add_attachment(c, state, thread, members, fuzz_below(state, 8) == 0 ? 1 : 2);
    for (unsigned times = 1 + fuzz_below(state, 5); finalizers && times > 0; times--)
        add_attachment(c, state, thread, members, 0);
    if (fuzz_below(state, 2) == 0)
        add(c, thread, "root-store", 0, 0, 0);
    for (unsigned i = 0; i < members; i++)
        add(c, thread, "drop", i, 0, 0);
    add_pauses(c, state, thread);
    add(c, thread, "root-store", 0, VALUE_NULL, 0);
}

/* A few objects die, and are looked at meanwhile through weak references and finalizers, which may bring them back, to die
 * once more. */
static void generate_deaths(struct fuzz_case *c, uint64_t *state)
{
    bool finalizers = fuzz_below(state, 2) == 0, weak = !finalizers || fuzz_below(state, 2) == 0;
    calm(c, state, 1 + fuzz_below(state, 2));
    for (unsigned mortals = 1 + fuzz_below(state, 6); mortals > 0; mortals--) {
        add_mortal(c, state, fuzz_below(state, c->settings.threads), weak, finalizers);
        for (unsigned looks = fuzz_below(state, 12); looks > 0; looks--) {
            unsigned thread = fuzz_below(state, c->settings.threads);
            add_pauses(c, state, thread);
            if (finalizers && fuzz_below(state, 3) == 0)
                add(c, thread, "finalize", fuzz_below(state, 4) == 0, fuzz_below(state, 8), fuzz_below(state, 4));
            for (unsigned loads = weak ? 1 + fuzz_below(state, 3) : 0; loads > 0; loads--)
                add(c, thread, "weak-load", 3 + fuzz_below(state, 3), fuzz_below(state, 3), 0);
            if (fuzz_below(state, 4) == 0)
                add(c, thread, "safepoint", 0, 0, 0);
            for (unsigned handle = 0; handle < FUZZ_HANDLES; handle++)
                add(c, thread, "drop", handle, 0, 0);
        }
    }
}

/* ---- hand-overs ---- */

enum way { WAY_PIN, WAY_RETAIN, WAY_ROOT, WAY_FIBER, WAY_WEAK, WAYS };

#define PASS_IN 16u /* bits of the third operand of "fiber": see op_fiber */
#define TAKE_OUT 32u

/* What handle h0 refers to is given to everybody, and stays there. */
static void add_giving(struct fuzz_case *c, uint64_t *state, unsigned thread, enum way way)
{
    switch (way) {
    case WAY_PIN: add(c, thread, "pin", 0, 0, fuzz_below(state, 4)); break;
    case WAY_RETAIN: add(c, thread, "retain", 0, 0, 0); break;
    case WAY_FIBER: add(c, thread, "fiber", 0, 0, PASS_IN); break;
    case WAY_WEAK:
        add(c, thread, "weak", 0, VALUE_NULL, 0);
        add(c, thread, "weak", 0, 0, 0);
        break;
    default: add(c, thread, "root-store", 0, 0, 0);
    }
}

static void add_taking(struct fuzz_case *c, unsigned thread, enum way way)
{
    switch (way) {
    case WAY_PIN: add(c, thread, "pin-get", 0, 0, 0); break;
    case WAY_RETAIN: add(c, thread, "pin-get", 0, 0, 1); break;
    case WAY_FIBER: add(c, thread, "fiber", 0, 0, TAKE_OUT); break;
    case WAY_WEAK: add(c, thread, "weak-load", 0, 0, 0); break;
    default: add(c, thread, "root-load", 0, 0, 0);
    }
}

/* Changes what field 0 of h0 refers to; before, perhaps, looks at it. */
static void add_change(struct fuzz_case *c, uint64_t *state, unsigned thread)
{
    if (fuzz_below(state, 2) == 0)
        add(c, thread, "load", 1 + fuzz_below(state, 2), 0, 0);
    bool fresh = fuzz_below(state, 2) == 0;
    if (fresh)
        add(c, thread, "link", 3, 0, 0);
    add(c, thread, "store", 0, 0, fresh ? 3 : VALUE_NULL);
    if (fresh)
        add(c, thread, "drop", 3, 0, 0);
}

/* Two objects of a thread's own, of which one is handed over, and changed by whoever still has it and by whoever has it now. */
static void generate_handovers(struct fuzz_case *c, uint64_t *state)
{
    enum way way = (enum way)fuzz_below(state, WAYS);
    calm(c, state, 2 + (fuzz_below(state, 4) == 0));
    if (way == WAY_FIBER)
        c->settings.conservative = c->settings.interior = c->settings.on_stack = 0;
    for (unsigned rounds = 2 + fuzz_below(state, 10); rounds > 0; rounds--) {
        unsigned giver = fuzz_below(state, 4) == 0 ? 1 : 0;
        add(c, giver, "figure", 0, FIGURE_LIST, 1);
        add_giving(c, state, giver, way);
        for (unsigned changes = 1 + fuzz_below(state, 2); changes > 0; changes--)
            add_change(c, state, giver);
        if (fuzz_below(state, 2) == 0)
            add(c, giver, "safepoint", 0, 0, 0);
        for (unsigned takers = 1 + fuzz_below(state, 3); takers > 0; takers--) {
            unsigned taker = fuzz_below(state, c->settings.threads);
            add_taking(c, taker, way);
            add(c, taker, "load", 1 + fuzz_below(state, 2), 0, 0);
            if (fuzz_below(state, 4) == 0)
                add_change(c, state, taker);
            add_pause(c, state, taker);
        }
        if (way == WAY_PIN || way == WAY_RETAIN) /* gives it back */
            add(c, giver, way == WAY_PIN ? "pin" : "retain", 0, VALUE_NULL, 0);
    }
}

/* ---- growing ---- */

/* Arrays of about as many references as promotion copies at most become longer and shorter; what they refer to nobody else
 * does. */
static void generate_growing(struct fuzz_case *c, uint64_t *state)
{
    calm(c, state, 1 + fuzz_below(state, 2));
    for (unsigned rounds = 1 + fuzz_below(state, 8); rounds > 0; rounds--) {
        unsigned thread = fuzz_below(state, c->settings.threads);
        add(c, thread, "new", 0, fuzz_below(state, 3) == 0 ? SHAPE_TAILED : SHAPE_ARRAY, 9 + fuzz_below(state, 6));
        if (fuzz_below(state, 4) == 0)
            add_pause(c, state, thread);
        for (unsigned steps = 1 + fuzz_below(state, 4); steps > 0; steps--) {
            add(c, thread, "resize", 0, 8 + fuzz_below(state, 5), 0);
            add(c, thread, "link", 1, 0, 0);
            if (fuzz_below(state, 4) != 0) /* all of it */
                add(c, thread, "fill", 0, 1, 1);
            for (unsigned stores = fuzz_below(state, 3); stores > 0; stores--) {
                add(c, thread, "link", 1, 0, 0);
                add(c, thread, "store", 0, 28 + fuzz_below(state, 6), 1);
            }
            add(c, thread, "drop", 1, 0, 0);
            if (fuzz_below(state, 4) == 0)
                add(c, thread, "root-store", thread, 0, 0);
            add_pause(c, state, thread);
        }
    }
}

/* ---- which ---- */

static const struct {
    void (*generate)(struct fuzz_case *c, uint64_t *state);
    unsigned weight; /* of 100 programs */
} plans[] = {
    {generate_knots, 16}, {generate_chains, 8}, {generate_deaths, 12}, {generate_handovers, 6}, {generate_growing, 3},
};

bool fuzz_generate_narrow(struct fuzz_case *c, uint64_t *state)
{
    unsigned at = fuzz_below(state, 100), i = 0;
    for (; i < sizeof plans / sizeof plans[0] && at >= plans[i].weight; i++)
        at -= plans[i].weight;
    if (i == sizeof plans / sizeof plans[0])
        return false;
    plans[i].generate(c, state);
    return true;
}
