/* Coroutines over ucontext: do two trees have the same leaves in the same order? Each tree is walked by a coroutine with a stack
 * of its own, which hands out one leaf at a time. The trees are built as they are walked, and only the walkers' stacks
 * hold them. */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "eddy/eddy.h"

#define STACK_BYTES ((size_t)256 << 10)

struct tree {
    struct tree *left, *right; /* NULL: a leaf */
    long value;
};

static eddy_thread *t;
static const eddy_type *tree_type;

/* ---- coroutines ---- */

struct walker {
    eddy_fiber *fiber;
    ucontext_t mine, caller;
    char *stack;
    long first, count;
    int lopsided;
    const struct tree *leaf; /* handed out; NULL at the end */
};

/* Eddy is told first; then the stacks are switched, with nothing in between. */
static void hand_out(struct walker *w, const struct tree *leaf)
{
    w->leaf = leaf;
    eddy_fiber_switch(t, NULL);
    swapcontext(&w->mine, &w->caller);
}

static const struct tree *next_leaf(struct walker *w)
{
    if (eddy_fiber_switch(t, w->fiber) != EDDY_OK)
        abort();
    swapcontext(&w->caller, &w->mine);
    return w->leaf;
}

/* ---- trees ---- */

static struct tree *make_tree(long first, long count, int lopsided)
{
    struct tree *tree = eddy_alloc(t, tree_type);
    if (tree == NULL)
        abort();
    tree->value = first;
    if (count > 1) {
        long half = lopsided ? count / 3 + 1 : count / 2;
        EDDY_SET(t, tree, left, make_tree(first, half, lopsided));
        EDDY_SET(t, tree, right, make_tree(first + half, count - half, lopsided));
    }
    return tree;
}

static void walk(struct walker *w, const struct tree *tree)
{
    if (EDDY_GET(t, tree, left) == NULL) {
        hand_out(w, tree);
        return;
    }
    walk(w, EDDY_GET(t, tree, left));
    walk(w, EDDY_GET(t, tree, right));
    eddy_keep_alive(tree);
}

static void walker_main(unsigned high, unsigned low)
{
    struct walker *w = (struct walker *)((uintptr_t)high << 32 | low);
    walk(w, make_tree(w->first, w->count, w->lopsided));
    hand_out(w, NULL);
}

static int walker_open(struct walker *w, long count, int lopsided)
{
    *w = (struct walker){.count = count, .lopsided = lopsided, .stack = malloc(STACK_BYTES)};
    if (w->stack == NULL || eddy_fiber_create(t, w->stack, STACK_BYTES, &w->fiber) != EDDY_OK || getcontext(&w->mine) != 0)
        return 0;
    w->mine.uc_stack.ss_sp = w->stack;
    w->mine.uc_stack.ss_size = STACK_BYTES;
    makecontext(&w->mine, (void (*)(void))walker_main, 2, (unsigned)((uintptr_t)w >> 32), (unsigned)(uintptr_t)w);
    return 1;
}

static void walker_close(struct walker *w)
{
    eddy_fiber_drop(t, w->fiber);
    free(w->stack);
}

static long same_leaves(struct walker *a, struct walker *b)
{
    for (long n = 0;; n++) {
        const struct tree *x = next_leaf(a);
        const struct tree *y = next_leaf(b);
        if (x == NULL || y == NULL)
            return x == y ? n : -1;
        if (x->value != y->value)
            return -1;
        if (n % 1000 == 0)
            eddy_collect(t, 0, NULL); /* the trees are held by the suspended stacks */
    }
}

int main(void)
{
    static const size_t references[] = {offsetof(struct tree, left), offsetof(struct tree, right)};
    const eddy_type_desc layout = {.name = "tree", .size = sizeof(struct tree), .ref_offsets = references, .ref_count = 2};
    eddy_heap *heap;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &tree_type))
        return 1;
    struct walker a, b, c;
    if (!walker_open(&a, 5000, 0) || !walker_open(&b, 5000, 1) || !walker_open(&c, 4999, 1))
        return 1;
    long same = same_leaves(&a, &b);
    walker_close(&a);
    if (!walker_open(&a, 5000, 0))
        return 1;
    long different = same_leaves(&a, &c);
    printf("%ld leaves are the same; those of the other tree are %s\n", same, different == -1 ? "not" : "too");
    walker_close(&a);
    walker_close(&b);
    walker_close(&c);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap) || same != 5000 || different != -1;
}
