/* Random cases. Each seed gives a kind of program of its own: which operations it prefers, how often threads change,
 * how logs are cut. Most programs are short: what fails, fails with few objects. Some follow a plan (narrow.c). */
#include "tools/fuzz/figures.h"

#include <string.h>

static unsigned pick_kind(uint64_t *state, const unsigned *weights)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < fuzz_operation_kinds; i++)
        sum += weights[i];
    unsigned at = fuzz_below(state, sum), i = 0;
    while (at >= weights[i])
        at -= weights[i++];
    return i;
}

static unsigned pick_shape(uint64_t *state)
{
    unsigned sum = 0, i = 0;
    for (unsigned k = 0; k < SHAPES; k++)
        sum += fuzz_shapes[k].weight;
    unsigned at = fuzz_below(state, sum);
    while (at >= fuzz_shapes[i].weight)
        at -= fuzz_shapes[i++].weight;
    return i;
}

static uint8_t pick_operand(uint64_t *state, enum operand kind)
{
    switch (kind) {
    case OPERAND_HANDLE: return (uint8_t)fuzz_below(state, FUZZ_HANDLES);
    case OPERAND_VALUE: return (uint8_t)(fuzz_below(state, 4) == 0 ? VALUE_NULL : fuzz_below(state, FUZZ_HANDLES));
    case OPERAND_SHAPE: return (uint8_t)pick_shape(state);
    case OPERAND_FIGURE: return (uint8_t)fuzz_below(state, FIGURES);
    case OPERAND_ROOT: return (uint8_t)fuzz_below(state, FUZZ_ROOTS);
    case OPERAND_PLACE: return (uint8_t)fuzz_below(state, FUZZ_RETAINED);
    case OPERAND_NUMBER: return (uint8_t)fuzz_below(state, 256);
    default: return 0;
    }
}

static struct operation make(uint64_t *state, unsigned thread, const unsigned *weights)
{
    struct operation o = {.thread = (uint8_t)thread, .code = (uint8_t)pick_kind(state, weights)};
    const struct operation_kind *kind = &fuzz_operations[o.code];
    o.a = pick_operand(state, kind->operands[0]);
    o.b = pick_operand(state, kind->operands[1]);
    o.c = pick_operand(state, kind->operands[2]);
    return o;
}

/* `themes`: a bit for each. */
static void usual_weights(unsigned *weights, unsigned themes)
{
    for (unsigned i = 0; i < fuzz_operation_kinds; i++)
        weights[i] = fuzz_operations[i].theme == 0 || (themes >> fuzz_operations[i].theme & 1) != 0
                         ? fuzz_operations[i].weight
                         : 0;
}

struct operation fuzz_random_operation(uint64_t *state, unsigned thread)
{
    unsigned weights[128] = {0};
    usual_weights(weights, ~0u);
    return make(state, thread, weights);
}

static void generate_settings(struct settings *s, uint64_t *state)
{
    s->threads = (uint8_t)(1 + fuzz_below(state, FUZZ_MUTATORS));
    s->conservative = fuzz_below(state, 3) == 0;
    s->interior = s->conservative && fuzz_below(state, 2) == 0;
    s->on_stack = s->conservative && fuzz_below(state, 2) == 0;
    s->chunk_entries = (uint8_t)fuzz_below(state, 9);
    s->slice_steps = (uint8_t)(fuzz_below(state, 3) == 0 ? 1 + fuzz_below(state, 6) : 0);
    s->portion_roots = (uint8_t)(fuzz_below(state, 3) == 0 ? 1 + fuzz_below(state, 4) : 0);
    s->epoch_every = (uint8_t)(8u << fuzz_below(state, 5));
    if (fuzz_below(state, 6) == 0) {
        s->fail_at = (uint16_t)(1 + fuzz_below(state, 120));
        s->fail_for_good = fuzz_below(state, 4) == 0;
    }
    if (fuzz_below(state, 4) == 0)
        s->faults = (uint8_t)(1u << fuzz_below(state, 4));
}

static void only(unsigned *weights, const char *name, unsigned weight)
{
    weights[fuzz_operation_code(name)] = weight;
}

/* Leaves what belongs to the program's themes. */
static void themes_only(unsigned *weights)
{
    for (unsigned i = 0; i < fuzz_operation_kinds; i++)
        if (fuzz_operations[i].theme == 0)
            weights[i] = 0;
}

/* Small rings that hang on one reference, which moves, while they are tied to each other and broken up: what searches
 * for cycles are most easily deceived by. Beside that what belongs to the program's themes. */
static void like_toys(struct fuzz_case *c, unsigned *weights, uint64_t *state)
{
    themes_only(weights);
    only(weights, "figure", 10);
    only(weights, "store", 60);
    only(weights, "load", 40);
    only(weights, "root-store", 30);
    only(weights, "root-load", 30);
    only(weights, "exchange", 10);
    only(weights, "drop", 20);
    only(weights, "safepoint", 30);
    c->settings.threads = (uint8_t)(1 + fuzz_below(state, 2));
    c->settings.epoch_every = (uint8_t)(4u << fuzz_below(state, 5));
    c->settings.slice_steps = (uint8_t)(fuzz_below(state, 2) == 0 ? 1 + fuzz_below(state, 4) : 0);
}

/* Small private structures that are published and then changed at once, beside epochs that follow on each other. */
static void like_publishing(struct fuzz_case *c, unsigned *weights, uint64_t *state)
{
    memset(weights, 0, fuzz_operation_kinds * sizeof *weights);
    only(weights, "link", 60);
    only(weights, "store", 60);
    only(weights, "load", 10);
    only(weights, "root-store", 40);
    only(weights, "root-load", 6);
    only(weights, "safepoint", 12);
    only(weights, "word", fuzz_below(state, 2) == 0 ? 30 : 0);
    c->settings.epoch_every = (uint8_t)(4u << fuzz_below(state, 4));
}

/* A few purses in root slots, which all threads take, and little else. `made`: operations that make them. */
static void like_rights(struct fuzz_case *c, unsigned *weights, uint64_t *state, uint32_t made)
{
    themes_only(weights);
    only(weights, "purse-new", 2);
    only(weights, "root-load", 60);
    only(weights, "safepoint", 20);
    only(weights, "native", 12);
    only(weights, "detach", 4);
    if (fuzz_below(state, 2) == 0)
        only(weights, "legacy", 0);
    c->settings.threads = (uint8_t)(2 + fuzz_below(state, FUZZ_MUTATORS - 1));
    const uint8_t code = (uint8_t)fuzz_operation_code("purse-new");
    for (uint32_t i = 0; i < made; i++)
        c->operations[i] = (struct operation){0, code, (uint8_t)i, 2, (uint8_t)i};
}

/* A third of the programs have none, some have two. */
static unsigned pick_themes(uint64_t *state)
{
    if (fuzz_below(state, 3) == 0)
        return 0;
    unsigned themes = 1u << (1 + fuzz_below(state, THEMES - 1));
    return themes == 1u << THEME_FORK || fuzz_below(state, 3) == 0 ? themes | 1u << (1 + fuzz_below(state, THEMES - 1))
                                                                   : themes;
}

void fuzz_generate(struct fuzz_case *c, uint64_t seed)
{
    uint64_t state = fuzz_mix(seed + 0xca5e);
    unsigned weights[128] = {0};
    memset(c, 0, offsetof(struct fuzz_case, operations));
    generate_settings(&c->settings, &state);
    c->schedule.strategy = fuzz_below(&state, 4) == 0 ? STRATEGY_PCT : STRATEGY_RANDOM;
    c->schedule.rate = c->schedule.strategy == STRATEGY_PCT ? 1 + fuzz_below(&state, 8) : 1u << fuzz_below(&state, 6);
    c->schedule.seed = fuzz_random(&state);
    if (fuzz_generate_narrow(c, &state)) {
        fuzz_case_normalise(c);
        return;
    }
    unsigned themes = pick_themes(&state);
    bool rights = fuzz_below(&state, 10) == 0;
    if (rights)
        themes = 1u << THEME_RIGHTS;
    usual_weights(weights, themes);
    for (unsigned i = 0; i < fuzz_operation_kinds; i++) /* each program has its likes and dislikes */
        if (fuzz_below(&state, 4) == 0)
            weights[i] *= fuzz_below(&state, 2) == 0 ? 0 : 4;
    weights[0] += 10;
    bool toys = !rights && fuzz_below(&state, 4) == 0;
    uint32_t made = rights ? 1 + fuzz_below(&state, 4) : 0;
    if (rights)
        like_rights(c, weights, &state, made);
    else if (toys)
        like_toys(c, weights, &state);
    else if (themes == 0 && fuzz_below(&state, 4) == 0)
        like_publishing(c, weights, &state);
    c->count = 20 + fuzz_below(&state, fuzz_below(&state, 3) == 0 ? 400 : 140);
    for (uint32_t i = made; i < c->count; i++)
        c->operations[i] = make(&state, fuzz_below(&state, c->settings.threads), weights);
    for (uint32_t i = 0; toys && i < c->count; i++)
        if (fuzz_operations[c->operations[i].code].run == figure_build)
            c->operations[i] = (struct operation){c->operations[i].thread, c->operations[i].code, c->operations[i].a,
                                                  FIGURE_RING, (uint8_t)fuzz_below(&state, 4)};
    fuzz_case_normalise(c);
}
