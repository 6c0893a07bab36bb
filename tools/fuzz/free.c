/* The free-running mode as a part of eddy-fuzz: real threads at full speed, perturbed at hooks; signals rain on them, some
 * have hardly any stack. Each heap has a seed and a mode of its own. */
#include "tools/fuzz/fuzz.h"

#define FREE_FAILED(w, text) fuzz_fail(OUTCOME_CHECK, "%.300s (mode %s)", (text), (w)->mode->name)
#include "tools/fuzz/free/heaps.h"

#include <sys/time.h>

#define RAIN_MICROSECONDS 500
#define FREE_HEAP_SECONDS 1.0

static void on_rain(int number)
{
    (void)number;
}

/* SIGPROF, so often in CPU time, on whatever thread runs. */
static void rain(bool on)
{
    struct sigaction action = {.sa_handler = on_rain};
    struct itimerval timer = {{0, on ? RAIN_MICROSECONDS : 0}, {0, on ? RAIN_MICROSECONDS : 0}};
    sigaction(SIGPROF, &action, NULL); /* without SA_RESTART: calls are interrupted */
    setitimer(ITIMER_PROF, &timer, NULL);
}

static void count_and_delay(enum eddy__hook_point point, void *subject)
{
    if (point < HOOK_COUNT)
        EDDY_STORE_RELAXED(&fuzz_shared->coverage[point], EDDY_LOAD_RELAXED(&fuzz_shared->coverage[point]) + 1);
    delay(point, subject);
}

static void on_misuse_free(const char *function, const char *what)
{
    fuzz_fail(OUTCOME_MISUSE, "misuse of %s: %s", function, what);
}

static struct figures ended; /* all heaps before the present one */

static void count_heap(const struct world *w)
{
    struct figures f = ended;
    eddy_stats stats;
    eddy_heap_stats(w->heap, &stats);
    for (unsigned i = 0; i < PLACES; i++)
        f.operations += EDDY_LOAD_RELAXED(&w->places[i].operations);
    f.epochs += stats.epochs;
    f.cycles += stats.cycles_freed;
    f.objects += stats.promotions;
    fuzz_shared->free = f;
}

static void end_heap(const struct world *w)
{
    count_heap(w);
    fuzz_shared->free.runs++;
    ended = fuzz_shared->free;
}

void free_run(uint64_t seed, uint64_t step, double seconds, unsigned threads)
{
    struct options options = {.threads = threads};
    double end = now() + seconds;
    eddy_set_misuse_handler(on_misuse_free);
    eddy__hook = count_and_delay;
    heap_goes_on = count_heap;
    heap_ends = end_heap;
    ended = fuzz_shared->free; /* of the rounds before */
    signal(SIGALRM, on_alarm);
    for (; now() < end; seed += step) {
        uint64_t at = fuzz_mix(seed);
        fuzz_shared->seed = options.seed = seed;
        rain(at % 3 == 0);
        run_heap(&modes[at / 8 % MODES], &options, seed, FREE_HEAP_SECONDS);
    }
    rain(false);
    eddy__hook = NULL;
}
