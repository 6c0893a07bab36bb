/* Workload "mt-gcbench": GCBench without the stretch tree, on every thread, with "holes" of odd sizes
 * allocated between the nodes, which die at once.
 *
 * The words of a hole follow a power law: n with probability 0.15 * 0.85^n. The table holds the 256
 * quantiles of that distribution in a scattered order. */
#include "engine.h"

enum { SIZES = 256 };

static unsigned char sizes[SIZES];

static void make_hole(engine_thread *t, size_t *holes)
{
    size_t words = sizes[(*holes)++ % SIZES];
    if (words == 0)
        return;
    struct bytes *hole = ENGINE_NEW_BYTES(t, sizeof *hole + words * sizeof hole->words[0]);
    hole->length = words;
    ENGINE_OPAQUE(hole);
    ENGINE_DISPOSE(t, bytes, hole);
}

#define GARBAGE(t, holes) make_hole((t), (holes))
#include "gcbench.inc"

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(node);
    /* The quantile of (i + 1/2) / 256: the least n with 1 - 0.85^(n+1) above it. 101 is odd, so every
     * place of the table is filled. */
    for (size_t i = 0; i < SIZES; i++) {
        double above = 0.85;
        unsigned char words = 0;
        while (1 - above < ((double)i + 0.5) / SIZES) {
            above *= 0.85;
            words++;
        }
        sizes[i * 101 % SIZES] = words;
    }
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    size_t holes = 0;
    uint64_t sum = run_gcbench(t, run, &holes);
    return sum * 31 + holes + index;
}

const struct engine_workload ENGINE_SYMBOL(workload_mt_gcbench) = {prepare, work, NULL};
