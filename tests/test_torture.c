/* The torture test: random programs on several threads over the whole public API, each of which can tell
 * when an object that it may reach is not what it must be. Without arguments a short run over all modes, the
 * same seeds every time; with arguments as long as one likes:
 *
 *   test_torture [--seed N] [--seconds S] [--threads N] [--mode NAME] [--mutant N]
 *
 * The engine is that of eddy-fuzz's free-running mode (tools/fuzz/free/).
 * The seed fixes what every thread tries, not how the threads interleave. Oracles: canaries, identities and
 * payload of every object on every access; exact models of private objects; a color rule for shared slots;
 * stacks whose nodes are popped once; eddy_verify beside the mutators; in the end nothing may be left. */
#include "tools/fuzz/free/heaps.h"

/* ---- the program ---- */

static int usage(void)
{
    fprintf(stderr, "usage: test_torture [--seed N] [--seconds S] [--threads N] [--mode NAME] [--mutant N]\nmodes:");
    for (unsigned i = 0; i < MODES; i++)
        fprintf(stderr, " %s", modes[i].name);
    fprintf(stderr, "\n");
    return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return false;
        if (strcmp(argv[i], "--seed") == 0)
            o->seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--seconds") == 0)
            o->seconds = strtod(argv[i + 1], NULL);
        else if (strcmp(argv[i], "--threads") == 0)
            o->threads = (unsigned)strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--mutant") == 0)
            o->mutant = (unsigned)strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--mode") == 0)
            o->mode = argv[i + 1];
        else
            return false;
    }
    if (o->threads == 1 || o->threads > THREADS_MOST)
        return false;
    for (unsigned i = 0; i < MODES; i++)
        if (o->mode == NULL || strcmp(o->mode, modes[i].name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .seconds = 0};
    if (!parse(argc, argv, &options))
        return usage();
    signal(SIGALRM, on_alarm);
#ifdef EDDY_HOOKS
    eddy__hook = delay;
    eddy__mutant = (int)options.mutant;
#else
    if (options.mutant != 0) {
        fprintf(stderr, "test_torture: built without EDDY_HOOKS: there are no mutants\n");
        return 2;
    }
#endif
    double end = now() + options.seconds;
    uint64_t seed = options.seed;
    do {
        for (unsigned i = 0; i < MODES; i++)
            if (options.mode == NULL || strcmp(options.mode, modes[i].name) == 0)
                run_heap(&modes[i], &options, seed, options.seconds == 0 ? HEAP_SECONDS_SHORT : HEAP_SECONDS);
        seed++;
    } while (now() < end);
    printf("torture: passed\n");
    return 0;
}
