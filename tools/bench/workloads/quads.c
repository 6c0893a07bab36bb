/* Workload "quads": a full 4-ary tree stays live while 20 rounds of small 4-ary trees are made and
 * dropped; the live tree is walked after each round. A round makes heap / 7.5 bytes of garbage, where a
 * node counts as 40 bytes and the heap is --heap-mb, or three times the live tree if there is no limit;
 * each thread has a tree and an equal share of the heap. */
#include "engine.h"

enum { ROUNDS = 20, GARBAGE_DEPTH = 3, QUAD_BYTES = 40 };

struct quad {
    struct quad *kids[4];
};
#define QUAD_REFS(REF)                                                                                                 \
    REF(quad, kids[0], quad) REF(quad, kids[1], quad) REF(quad, kids[2], quad) REF(quad, kids[3], quad)
ENGINE_TYPE(quad, QUAD_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(quad);
}

/* Nodes of a tree: (4^(depth+1) - 1) / 3. */
static uint64_t tree_size(int depth)
{
    return ((UINT64_C(4) << 2 * depth) - 1) / 3;
}

static struct quad *make_tree(engine_thread *t, int depth)
{
    if (depth == 0)
        return ENGINE_NEW(t, quad);
    ENGINE_FRAME(t, local, struct quad * kids[4];);
    for (int i = 0; i < 4; i++)
        local.kids[i] = make_tree(t, depth - 1);
    struct quad *quad = ENGINE_NEW(t, quad);
    for (int i = 0; i < 4; i++)
        ENGINE_INIT(t, quad, kids[i], local.kids[i]);
    ENGINE_FRAME_END(t, local);
    return quad;
}

/* Counts the nodes, weighted by their places. The caller keeps the root. */
static uint64_t check_tree(engine_thread *t, struct quad *quad, int depth)
{
    uint64_t sum = 1;
    for (unsigned i = 0; i < 4; i++) {
        struct quad *kid = ENGINE_GET(t, quad, kids[i]);
        if ((kid == NULL) != (depth == 0))
            bench_fatal("quads: a tree has the wrong shape");
        if (kid != NULL)
            sum += (i + 1) * check_tree(t, kid, depth - 1);
    }
    if (depth == GARBAGE_DEPTH)
        ENGINE_POLL(t);
    return sum;
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    int depth = (int)run->request.params[QUADS_DEPTH];
    uint64_t heap = 3 * tree_size(depth) * QUAD_BYTES;
    if (run->request.heap_mb != 0)
        heap = (run->request.heap_mb << 20) / run->request.threads;
    uint64_t trees = (uint64_t)((double)heap / 7.5) / (tree_size(GARBAGE_DEPTH) * QUAD_BYTES);

    ENGINE_FRAME(t, local, struct quad * live; struct quad * garbage;);
    local.live = make_tree(t, depth);
    uint64_t sum = index + check_tree(t, local.live, depth);
    for (int round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < trees; i++) {
            local.garbage = make_tree(t, GARBAGE_DEPTH);
            sum += (uintptr_t)ENGINE_GET(t, local.garbage, kids[i & 3]) != 0;
            ENGINE_DISPOSE(t, quad, local.garbage);
        }
        sum = sum * 31 + check_tree(t, local.live, depth);
    }
    ENGINE_DISPOSE(t, quad, local.live);
    ENGINE_FRAME_END(t, local);
    return sum;
}

const struct engine_workload ENGINE_SYMBOL(workload_quads) = {prepare, work, NULL};
