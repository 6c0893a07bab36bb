/* Workloads "graph" and "dag": structures that live long, then die. Every thread has a table of graphs. A step
 * makes a new graph, which replaces a random old one; walks through another and changes an edge of it. A
 * graph has a few dozen nodes with three references each: in "graph" a ring in both directions and an edge to
 * any node, so that all of it is one cycle; in "dag", the acyclic twin, the same number of references (but
 * for the last nodes), all to later nodes. At the end all are dropped and reclaimed.
 *
 * Reports the collector's processor time per object that died, from its birth on. Who frees by hand walks
 * along `next` and frees; who counts takes away the backward edges and cuts the ring, which is then an acyclic
 * list that goes with its head. */
#include "engine.h"

enum { MOST_NODES = 64, WALK = 8 };

struct node {
    struct node *next, *other, *edge; /* other: the previous node; in "dag" the one after the next */
    uint64_t value;
};
#define NODE_REFS(REF) REF(node, next, node) REF(node, other, node) REF(node, edge, node)
ENGINE_TYPE(node, NODE_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(node);
}

/* The node that an edge of node `from` goes to, by number; `count` if there is none. */
static size_t target_of(uint64_t draw, size_t from, size_t count, bool cyclic)
{
    if (cyclic)
        return (size_t)(draw >> 16) % count;
    return from + 1 < count ? from + 1 + (size_t)(draw >> 16) % (count - from - 1) : count;
}

/* Makes a graph in the slot, which is empty. */
static void make_graph(engine_thread *t, struct array *table, size_t slot, size_t count, uint64_t *random, bool cyclic)
{
    ENGINE_FRAME(t, local, struct node * nodes[MOST_NODES + 2];);
    for (size_t i = 0; i < count; i++) {
        local.nodes[i] = ENGINE_NEW(t, node);
        local.nodes[i]->value = engine_random(random);
    }
    for (size_t i = 0; i < count; i++) {
        struct node *node = local.nodes[i];
        size_t next = cyclic ? (i + 1) % count : i + 1; /* those behind the last one are NULL */
        size_t other = cyclic ? (i + count - 1) % count : i + 2;
        size_t edge = target_of(node->value, i, count, cyclic);
        /* In the ring the last node's `next` is the table's reference until here. */
        ENGINE_INIT(t, node, next, next > i ? local.nodes[next] : ENGINE_SHARE(t, local.nodes[next]));
        ENGINE_INIT(t, node, other, ENGINE_SHARE(t, local.nodes[other]));
        ENGINE_INIT(t, node, edge, ENGINE_SHARE(t, local.nodes[edge]));
    }
    ENGINE_SET(t, node, table, slots[slot], local.nodes[0]);
    ENGINE_FRAME_END(t, local);
}

static void drop_graph(engine_thread *t, struct array *table, size_t slot, bool cyclic)
{
#if defined(ENGINE_MANUAL)
    struct node *first = ENGINE_ARRAY_GET(t, node, table, slot), *node = first;
    (void)cyclic;
    do {
        struct node *next = node->next;
        ENGINE_FREE(t, node);
        node = next;
    } while (node != NULL && node != first);
#elif defined(ENGINE_ATOMIC)
    struct node *first = ENGINE_ARRAY_GET(t, node, table, slot);
    for (struct node *node = first; cyclic && node != NULL;) {
        struct node *next = node->next;
        ENGINE_SET(t, node, node, other, NULL);
        ENGINE_SET(t, node, node, edge, NULL);
        if (next == first)
            ENGINE_SET(t, node, node, next, NULL);
        node = next == first ? NULL : next;
    }
#else
    (void)cyclic;
#endif
    ENGINE_SET(t, node, table, slots[slot], NULL);
}

/* Walks from the first node, as the draw says, and changes the edge of the node where it ends: to the node
 * next to where it goes to, that is further on in both workloads. Returns a sum of what it met. */
static uint64_t change_graph(engine_thread *t, struct array *table, size_t slot, uint64_t draw)
{
    ENGINE_FRAME(t, local, struct node * node; struct node * edge;);
    local.node = ENGINE_ARRAY_GET(t, node, table, slot);
    uint64_t sum = local.node->value;
    for (int i = 0; i < WALK; i++) {
        struct node *next = draw >> i & 1 ? ENGINE_GET(t, local.node, edge) : ENGINE_GET(t, local.node, next);
        if (next == NULL)
            break;
        sum = sum * 31 + next->value;
        local.node = next;
    }
    local.edge = ENGINE_GET(t, local.node, edge);
    if (local.edge != NULL && ENGINE_GET(t, local.edge, next) != NULL)
        ENGINE_SET(t, node, local.node, edge, ENGINE_SHARE(t, ENGINE_GET(t, local.edge, next)));
    ENGINE_FRAME_END(t, local);
    return sum;
}

static uint64_t live_long(engine_thread *t, struct bench_run *run, unsigned index, bool cyclic)
{
    size_t slots = (size_t)run->request.params[GRAPH_SLOTS], count = (size_t)run->request.params[GRAPH_NODES];
    int64_t steps = run->request.params[GRAPH_STEPS];
    uint64_t random = engine_mix(index + 1), sum = index;
    ENGINE_FRAME(t, local, struct array * table;);
    local.table = ENGINE_NEW_ARRAY(t, slots);
    for (size_t slot = 0; slot < slots; slot++)
        make_graph(t, local.table, slot, count, &random, cyclic);
    for (int64_t step = 0; step < steps; step++) {
        uint64_t draw = engine_random(&random);
        size_t slot = (size_t)(draw >> 32) % slots;
        drop_graph(t, local.table, slot, cyclic);
        make_graph(t, local.table, slot, count, &random, cyclic);
        draw = engine_random(&random);
        sum = sum * 31 + change_graph(t, local.table, (size_t)(draw >> 32) % slots, draw);
    }
    for (size_t slot = 0; slot < slots; slot++)
        drop_graph(t, local.table, slot, cyclic);
    ENGINE_COLLECT(t);
    ENGINE_KEEP(local.table);
    ENGINE_DROP(t, array, local.table);
    ENGINE_FREE(t, local.table);
    ENGINE_FRAME_END(t, local);
    return sum;
}

static uint64_t work_cyclic(engine_thread *t, struct bench_run *run, unsigned index)
{
    return live_long(t, run, index, true);
}

static uint64_t work_acyclic(engine_thread *t, struct bench_run *run, unsigned index)
{
    return live_long(t, run, index, false);
}

static void finish(engine_thread *t, struct bench_run *run)
{
    (void)t;
    const int64_t *params = run->request.params;
    double objects =
        (double)(params[GRAPH_SLOTS] + params[GRAPH_STEPS]) * (double)params[GRAPH_NODES] * (double)run->request.threads;
    bench_real(run, "collector_ns_per_object_life", run->collector_cpu_s * 1e9 / objects);
    bench_real(run, "process_ns_per_object_life", run->cpu_s * 1e9 / objects);
}

const struct engine_workload ENGINE_SYMBOL(workload_graph) = {prepare, work_cyclic, finish};
const struct engine_workload ENGINE_SYMBOL(workload_dag) = {prepare, work_acyclic, finish};
