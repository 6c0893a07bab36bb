/* eddy-fuzz: random programs on heaps, and an oracle that says whether a heap lied. */
#include "tools/fuzz/options.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

/* What lies on stacks must be the same in every run, addresses included. */
static void same_addresses(char **argv)
{
    int now = personality(0xffffffff);
    if (now < 0 || (now & ADDR_NO_RANDOMIZE) != 0 || personality((unsigned long)now | ADDR_NO_RANDOMIZE) < 0)
        return;
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    struct options options;
    int status;
    if (!options_parse(&options, argc, argv, &status))
        return status;
    same_addresses(argv);
    eddy__mutant = (int)options.mutant;
    switch (options.command) {
    case COMMAND_REPLAY: return command_replay(&options);
    case COMMAND_SHRINK: return command_shrink(&options);
    case COMMAND_MUTANTS: return command_mutants(&options);
    case COMMAND_EXHAUSTIVE: return command_exhaustive(&options);
    default: return command_run(&options);
    }
}
