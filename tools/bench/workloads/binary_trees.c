/* Workload "binary-trees": the classic programme. A stretch tree is made and dropped; then, while one
 * tree stays live, many trees of each depth from 4 on are made bottom-up, walked and dropped. */
#include "engine.h"

enum { LEAST_DEPTH = 4 };

struct node {
    struct node *left;
    struct node *right;
    int64_t item;
};
#define NODE_REFS(REF) REF(node, left, node) REF(node, right, node)
ENGINE_TYPE(node, NODE_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(node);
}

static struct node *make_tree(engine_thread *t, int depth, int64_t item)
{
    if (depth == 0) {
        struct node *leaf = ENGINE_NEW(t, node);
        leaf->item = item;
        return leaf;
    }
    ENGINE_FRAME(t, local, struct node * left; struct node * right;);
    local.left = make_tree(t, depth - 1, 2 * item - 1);
    local.right = make_tree(t, depth - 1, 2 * item);
    struct node *node = ENGINE_NEW(t, node);
    node->item = item;
    ENGINE_INIT(t, node, left, local.left);
    ENGINE_INIT(t, node, right, local.right);
    ENGINE_FRAME_END(t, local);
    return node;
}

static uint64_t check_tree(engine_thread *t, struct node *node)
{
    struct node *left = ENGINE_GET(t, node, left);
    if (left == NULL)
        return 1 + (uint64_t)node->item;
    return 1 + (uint64_t)node->item + check_tree(t, left) - check_tree(t, ENGINE_GET(t, node, right));
}

/* Makes, walks and drops one tree. */
static uint64_t use_tree(engine_thread *t, int depth, int64_t item)
{
    ENGINE_FRAME(t, local, struct node * tree;);
    local.tree = make_tree(t, depth, item);
    uint64_t sum = check_tree(t, local.tree);
    ENGINE_POLL(t);
    ENGINE_DISPOSE(t, node, local.tree);
    ENGINE_FRAME_END(t, local);
    return sum;
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    int most_depth = (int)run->request.params[TREES_DEPTH];
    uint64_t sum = index + use_tree(t, most_depth + 1, 0);
    ENGINE_FRAME(t, local, struct node * long_lived;);
    local.long_lived = make_tree(t, most_depth, 0);
    for (int depth = LEAST_DEPTH; depth <= most_depth; depth += 2) {
        int64_t iterations = INT64_C(1) << (most_depth - depth + LEAST_DEPTH);
        for (int64_t i = 0; i < iterations; i++)
            sum = sum * 31 + use_tree(t, depth, i);
    }
    sum = sum * 31 + check_tree(t, local.long_lived);
    ENGINE_DISPOSE(t, node, local.long_lived);
    ENGINE_FRAME_END(t, local);
    return sum;
}

const struct engine_workload ENGINE_SYMBOL(workload_binary_trees) = {prepare, work, NULL};
