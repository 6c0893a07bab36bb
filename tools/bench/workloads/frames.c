/* Workload "frames": objects that die at once, allocated at the bottom of a deep recursion whose every call holds a
 * reference. What the handshakes cost there (handshake_p50_ns, with Eddy) is what a deep stack costs that does not
 * change: with frames of handles nothing, with conservative roots a scan of all of it. */
#include "engine.h"

enum { POLL_EVERY = 32 };

struct leaf {
    uint64_t value[3];
};
ENGINE_TYPE(leaf, NO_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(leaf);
}

static struct leaf *make_leaf(engine_thread *t, uint64_t value)
{
    struct leaf *leaf = ENGINE_NEW_LEAF(t, leaf);
    leaf->value[0] = leaf->value[1] = leaf->value[2] = value;
    return leaf;
}

static uint64_t churn(engine_thread *t, int64_t objects)
{
    uint64_t sum = 0;
    for (int64_t i = 0; i < objects; i++) {
        struct leaf *leaf = make_leaf(t, (uint64_t)i);
        sum += leaf->value[(uint64_t)i % 3];
        ENGINE_DROP(t, leaf, leaf);
        ENGINE_FREE(t, leaf);
        if (i % POLL_EVERY == 0) /* so that handshakes are not part of a slow path of allocation */
            ENGINE_POLL(t);
    }
    return sum;
}

__attribute__((noinline)) static uint64_t descend(engine_thread *t, int64_t depth, int64_t objects)
{
    ENGINE_FRAME(t, local, struct leaf * leaf;);
    local.leaf = make_leaf(t, (uint64_t)depth);
    uint64_t sum = depth == 0 ? churn(t, objects) : descend(t, depth - 1, objects);
    sum = sum * 31 + local.leaf->value[1];
    ENGINE_DISPOSE(t, leaf, local.leaf);
    ENGINE_KEEP(local.leaf);
    ENGINE_FRAME_END(t, local);
    return sum;
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    return index + descend(t, run->request.params[FRAMES_DEPTH], run->request.params[FRAMES_OBJECTS]);
}

const struct engine_workload ENGINE_SYMBOL(workload_frames) = {prepare, work, NULL};
