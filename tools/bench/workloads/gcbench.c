/* Workload "gcbench": Boehm's GCBench. A stretch tree is made and dropped; then, while a tree and an
 * array of doubles stay live, trees of depths 4, 6, … are made top-down and bottom-up and dropped. */
#include "engine.h"

#define GARBAGE(t, holes) ((void)(holes))
#include "gcbench.inc"

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(node);
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    ENGINE_FRAME(t, local, struct node * stretch;);
    local.stretch = make_tree(t, (int)run->request.params[GCBENCH_DEPTH] + 2, NULL);
    uint64_t sum = index + check_tree(t, local.stretch);
    ENGINE_DISPOSE(t, node, local.stretch);
    ENGINE_FRAME_END(t, local);
    return sum * 31 + run_gcbench(t, run, NULL);
}

const struct engine_workload ENGINE_SYMBOL(workload_gcbench) = {prepare, work, NULL};
