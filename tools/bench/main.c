/* eddy-bench: runs workloads on Eddy and on other ways of managing memory, and compares them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

static const char usage[] =
    "Usage: eddy-bench run WORKLOAD [--engine E] [OPTION]...\n"
    "       eddy-bench compare WORKLOAD --engines A,B[,C...] [--runs K] [--warmup W] [OPTION]...\n"
    "       eddy-bench fork-pages [--mb M]\n"
    "       eddy-bench ownership [check|steal|contend|all] [--threads N] [--ops N] [--runs K] [--only WAY]\n"
    "       eddy-bench list\n"
    "\n"
    "run measures one workload on one engine. compare runs each engine in a process of its own, in turns\n"
    "A B A B ..., and prints medians and the medians of the paired ratios of A to the others; it fails if\n"
    "their checksums differ. fork-pages tells how many pages of a frozen heap of M MiB (default: 40) a forked child\n"
    "that visits every object shares with its parent, and how many if counts lie inside the objects. ownership "
    "compares\n"
    "rights to objects with locks in them: what asking costs alone, what it takes to get another thread's object, and "
    "several\n"
    "threads that want the same (--ops of each). list shows workloads, engines and their parameters.\n"
    "'./tools/bench.sh all' runs all of it, beside programs in other languages, and writes a page of results.\n"
    "\n"
    "  --engine E        engine of a run (default: eddy)\n"
    "  --engines A,B     engines to compare\n"
    "  --runs K          rounds that count (default: 5)\n"
    "  --warmup W        rounds before them that do not (default: 1)\n"
    "  --threads N       threads, each with the full work (default: 1; lru, requests: 2)\n"
    "  --heap-mb M       heap limit in MiB (Eddy and Boehm; default: none)\n"
    "  --live-mb L       keep L MiB of small linked objects alive meanwhile\n"
    "  --param NAME=N    set a parameter of the workload or the engine; may be repeated\n"
    "  --json FILE       write the result as JSON ('-': to standard output, instead of the text)\n"
    "  --help            this text\n"
    "\n"
    "Exit status: 0; 1 if a run failed or checksums differ; 2 for a wrong command line; 3 if memory ran out.\n";

static void list_params(const struct bench_param *params, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("      %s=%" PRId64 "  %s\n", params[i].name, params[i].initial, params[i].meaning);
}

static int command_list(void)
{
    puts("Workloads:");
    for (size_t i = 0; i < WORKLOADS; i++) {
        printf("  %-18s %s\n", bench_workloads[i].name, bench_workloads[i].summary);
        list_params(bench_workloads[i].params, bench_workloads[i].param_count);
    }
    puts("Engines:");
    for (size_t i = 0; i < bench_engine_count; i++) {
        printf("  %-18s %s\n", bench_engines[i].name, bench_engines[i].summary);
        list_params(bench_engines[i].params, bench_engines[i].param_count);
    }
    return BENCH_OK;
}

int main(int argc, char **argv)
{
    bool help = false;
    for (int i = 1; i < argc; i++)
        help = help || strcmp(argv[i], "--help") == 0;
    if (help) {
        fputs(usage, stdout);
        return BENCH_OK;
    }
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "run") == 0)
        return bench_command_run(argc - 1, argv + 1);
    if (strcmp(command, "compare") == 0)
        return bench_command_compare(argc - 1, argv + 1);
    if (strcmp(command, "fork-pages") == 0)
        return bench_command_fork_pages(argc - 1, argv + 1);
    if (strcmp(command, "ownership") == 0)
        return bench_command_ownership(argc - 1, argv + 1);
    if (strcmp(command, "list") == 0 && argc == 2)
        return command_list();
    if (argc > 1)
        fprintf(stderr, "eddy-bench: unknown command '%s'; there are: run, compare, fork-pages, ownership, list\n",
                command);
    fputs(usage, stderr);
    return BENCH_USAGE;
}
