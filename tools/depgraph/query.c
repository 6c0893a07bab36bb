/* Queries: see query.h. */
#include "query.h"

#include <stdlib.h>

#include "util.h"

void answers_begin(struct answers *answers, const struct graph *graph, const uint32_t *cycle_sizes)
{
    answers->cycle_sizes = cycle_sizes;
    for (enum direction direction = 0; direction < DIRECTIONS; direction++)
        answers->digests[direction] = must_calloc(graph->capacity, sizeof *answers->digests[direction]);
}

void answers_end(struct answers *answers)
{
    for (enum direction direction = 0; direction < DIRECTIONS; direction++)
        free(answers->digests[direction]);
}

void querier_begin(struct querier *querier, const struct graph *graph, eddy_thread *thread, struct answers *answers)
{
    *querier = (struct querier){.graph = graph, .thread = thread, .answers = answers};
    for (enum direction direction = 0; direction < DIRECTIONS; direction++) {
        querier->walks[direction].seen = must_calloc(graph->capacity / 64 + 1, sizeof(uint64_t));
        querier->walks[direction].queue = must_calloc(graph->node_count, sizeof(uint32_t));
    }
}

void querier_end(struct querier *querier)
{
    for (enum direction direction = 0; direction < DIRECTIONS; direction++) {
        free(querier->walks[direction].seen);
        free(querier->walks[direction].queue);
    }
}

static bool has_seen(const struct walk *walk, uint32_t number)
{
    return (walk->seen[number / 64] >> number % 64 & 1) != 0;
}

/* Marks a number reached and queues it, unless it was before. */
static void reach(const struct querier *querier, struct walk *walk, uint32_t number)
{
    if (has_seen(walk, number))
        return;
    if (walk->length == querier->graph->node_count)
        graph_damaged("more packages than there are: number %u has no name", number);
    walk->seen[number / 64] |= UINT64_C(1) << number % 64;
    walk->queue[walk->length++] = number;
}

/* Reaches the neighbours of one package. No safepoint in here: a package that a writer has just
 * replaced is held by nothing else than this thread's being in the epoch. */
static void visit(struct querier *querier, const struct release *release, enum direction direction, struct walk *walk,
                  uint32_t number)
{
    eddy_thread *thread = querier->thread;
    const struct package *package = graph_package(querier->graph, thread, release, number);
    graph_check_name(thread, package);
    walk->digest += package->name_hash;
    bool forward = direction == TO_DEPENDS;
    const eddy_array *edges = forward ? EDDY_GET(thread, package, depends) : EDDY_GET(thread, package, dependents);
    size_t count = forward ? package->needed_depends : package->needed_dependents;
    for (size_t i = 0; i < count; i++)
        reach(querier, walk, graph_neighbour(querier->graph, thread, edges, i)->number);
}

/* Compares with the answer that was first to be found, which this may be. */
static void compare(struct querier *querier, enum direction direction, uint32_t number, uint64_t digest)
{
    uint64_t known = 0;
    if (!atomic_compare_exchange_strong(&querier->answers->digests[direction][number], &known, digest) && known != digest)
        graph_damaged("the closure of package %u is not what it was", number);
}

static const struct walk *close_over(struct querier *querier, const struct release *release, enum direction direction,
                                     uint32_t number)
{
    struct walk *walk = &querier->walks[direction];
    for (uint32_t i = 0; i < walk->length; i++)
        walk->seen[walk->queue[i] / 64] = 0;
    walk->length = 0;
    walk->digest = 1; /* never 0, or hardly ever: then it is just found again */
    reach(querier, walk, number);
    for (uint32_t i = 0; i < walk->length; i++) {
        eddy_safepoint(querier->thread);
        visit(querier, release, direction, walk, walk->queue[i]);
    }
    querier->visits += walk->length;
    compare(querier, direction, number, walk->digest);
    return walk;
}

/* The cycle through a package is what it needs and what needs it. */
static void find_cycle(struct querier *querier, const struct release *release, uint32_t number)
{
    const struct walk *depends = close_over(querier, release, TO_DEPENDS, number);
    const struct walk *dependents = close_over(querier, release, TO_DEPENDENTS, number);
    uint32_t common = 0;
    for (uint32_t i = 0; i < depends->length; i++)
        common += has_seen(dependents, depends->queue[i]);
    if (common != querier->answers->cycle_sizes[number])
        graph_damaged("the cycle through package %u has %u members instead of %u", number, common,
                      querier->answers->cycle_sizes[number]);
}

static void look_up(const struct querier *querier, const struct release *release, uint32_t number)
{
    eddy_thread *thread = querier->thread;
    const struct package *package = graph_package(querier->graph, thread, release, number);
    const struct package *found =
        graph_find(querier->graph, thread, release, EDDY_GET(thread, package, name), package->name_length);
    if (found == NULL || found->number != number)
        graph_damaged("package %u is not found by its name", number);
}

void query_run(struct querier *querier, const struct release *release, enum query_kind kind, uint32_t number)
{
    look_up(querier, release, number);
    if (kind == QUERY_CLOSURE)
        close_over(querier, release, TO_DEPENDS, number);
    else if (kind == QUERY_DEPENDENTS)
        close_over(querier, release, TO_DEPENDENTS, number);
    else
        find_cycle(querier, release, number);
}
