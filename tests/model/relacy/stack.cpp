// The stacks of free blocks and log chunks under C11 orders: what lies in a pool reaches one thread at a time, with its contents.
//
// Models runtime/heap/memory.c (eddy__blocks_push, eddy__blocks_pop, chunk_push, chunk_pop, eddy__blocks_take_all): a word with the number of the
// top and a tag, compare-and-swap acq_rel, first load acquire in pop, else relaxed; links relaxed. Two threads pop,
// use and push; the collector pushes and takes all.
//
// Checked: no block in two hands (data race on its contents), contents are those of the last one who had it, none is lost.
//
// Wrong: NO_TAG CAS_RELAXED
#include "orders.h"

#ifdef CAS_RELAXED
#define SWAP_ORDER RELAXED
#define LOOK_ORDER RELAXED
#else
#define SWAP_ORDER ACQ_REL
#define LOOK_ORDER ACQUIRE
#endif
#ifdef NO_TAG
#define NEXT_TAG(word) 0
#else
#define NEXT_TAG(word) ((word) / 16 + 1)
#endif

enum { BLOCKS = 3 };

struct stack_test : rl::test_suite<stack_test, 3> {
    atomic<int> top; // tag * 16 + number, 0: none
    atomic<int> link[BLOCKS + 1];
    var<int> contents[BLOCKS + 1];
    int uses[BLOCKS + 1];

    void before()
    {
        for (int i = 1; i <= BLOCKS; i++) {
            link[i].store(i < BLOCKS ? i + 1 : 0, RELAXED);
            contents[i]($) = 0;
            uses[i] = 0;
        }
        top.store(1, RELAXED);
    }

    void push(int block)
    {
        int old = top.load(RELAXED);
        do
            link[block].store(old % 16, RELAXED);
        while (!top.compare_exchange_strong(old, NEXT_TAG(old) * 16 + block, SWAP_ORDER, ACQUIRE));
    }

    int pop()
    {
        int old = top.load(LOOK_ORDER);
        for (;;) {
            int block = old % 16;
            if (block == 0)
                return 0;
            int next = link[block].load(RELAXED);
            if (top.compare_exchange_strong(old, NEXT_TAG(old) * 16 + next, SWAP_ORDER, LOOK_ORDER))
                return block;
        }
    }

    int take_all()
    {
        int old = top.load(RELAXED);
        while (!top.compare_exchange_strong(old, NEXT_TAG(old) * 16, SWAP_ORDER, LOOK_ORDER)) {
        }
        return old % 16;
    }

    void use(int block)
    {
        RL_ASSERT((int)contents[block]($) == uses[block]);
        contents[block]($) = ++uses[block];
    }

    void thread(unsigned index)
    {
        if (index == 2) {
            for (int block = take_all(), next; block != 0; block = next) {
                next = link[block].load(RELAXED);
                use(block);
                push(block);
            }
            return;
        }
        int first = pop(), second = pop();
        if (first != 0)
            use(first);
        if (second != 0)
            use(second);
        if (first != 0)
            push(first);
        int third = pop();
        if (third != 0) {
            use(third);
            push(third);
        }
        if (second != 0)
            push(second);
    }

    void after()
    {
        bool seen[BLOCKS + 1] = {};
        for (int block; (block = pop()) != 0; seen[block] = true)
            RL_ASSERT(!seen[block]);
        for (int i = 1; i <= BLOCKS; i++)
            RL_ASSERT(seen[i]);
    }
};

int main()
{
    rl::test_params p;
    p.search_type = rl::sched_random;
    p.iteration_count = ITERATIONS;
    return rl::simulate<stack_test>(p) ? 0 : 1;
}
