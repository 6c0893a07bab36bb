/* eddy-pause: what took time from the threads of a program that uses Eddy. */
#include <getopt.h>
#include <string.h>

#include "analysis.h"

static const char usage[] =
    "Usage: eddy-pause run [-o FILE] [--runs N] [--control-percent P] [--quiet] WORKLOAD [OPTION OF EDDY-BENCH]...\n"
    "       eddy-pause run [-o FILE] ... -- COMMAND [ARGUMENT]...\n"
    "       eddy-pause attach PID [-o FILE] [--seconds S] [--heap N] [--control-percent P]\n"
    "       eddy-pause show RECORDING... [--whole] [--salvage] [--fail LIMIT]...\n"
    "       eddy-pause report RECORDING... -o FILE.html [--whole] [--salvage]\n"
    "       eddy-pause export RECORDING --format hgrm|hlog|trace|csv|json [-o FILE] [--kind KIND] [--whole] "
    "[--salvage]\n"
    "       eddy-pause compare A[,A2...] B[,B2...] [--seed N] [--whole] [--fail LIMIT]... [--json]\n"
    "\n"
    "run starts a workload (eddy-bench list names them; 'requests' is a server under open-loop load) or any program\n"
    "linked with Eddy with EDDY_RECORD set, writes a recording and prints a table: stalls of the threads by kind,\n"
    "minimum mutator utilisation, memory, and beside them what a control thread suffered meanwhile.\n"
    "attach records a running process that allows it (EDDY_RECORD=attach, or eddy_record_allow_attach).\n"
    "show prints the table of recordings. report makes one HTML page of them, for a browser. export writes other "
    "formats.\n"
    "compare says what became better and worse from A to B, with confidence intervals when there are several of each.\n"
    "\n"
    "  -o FILE             the recording (default: eddy-pause.rec), or the result (default: standard output)\n"
    "  --runs N            run it N times, into FILE.1, FILE.2, ...\n"
    "  --control-percent P how much of the time the control thread watches (default: 20; 0: none)\n"
    "  --seconds S         how long to record (default: 10)\n"
    "  --heap N            which heap of the process (default: the first)\n"
    "  --whole             also what the program does outside the part it calls measured\n"
    "  --salvage           read a recording that was cut short as far as it goes\n"
    "  --fail LIMIT        a figure, < or >, a number, as in 'max_cost_us>1000': exit status 1 if it is so; in a\n"
    "                      comparison of B's median, or with %, as in 'p99_us>10%', of the change from A to B\n"
    "  --kind KIND         for hgrm: all (default), request, control, or a kind of stall\n"
    "  --seed N            of the bootstrap (default: 1)\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0; 1 if a limit is exceeded, a run failed or a file is no recording; 2 for a wrong command line.\n"
    "docs/pause.md explains figures and formats.\n";

int pause_show(int argc, char **argv)
{
    enum { WHOLE = 256, SALVAGE, FAIL };
    static const struct option table[] = {{"whole", no_argument, NULL, WHOLE},
                                          {"salvage", no_argument, NULL, SALVAGE},
                                          {"fail", required_argument, NULL, FAIL},
                                          {0}};
    struct limits limits = {.count = 0};
    bool whole = false, salvage = false, good = true;
    int option;
    while ((option = next_option(argc, argv, ":", table)) != -1) {
        whole = whole || option == WHOLE;
        salvage = salvage || option == SALVAGE;
        if (option == FAIL)
            limits_add(&limits, optarg, false);
    }
    if (optind == argc)
        usage_error("which recording?");
    for (int i = optind; i < argc; i++) {
        struct analysis *analysis = analyse(recording_read(argv[i], salvage), whole);
        struct metrics metrics = {.count = 0};
        print_table(analysis, stdout);
        metrics_of(analysis, &metrics);
        good = limits_hold(&limits, &metrics, NULL) && good;
        if (i + 1 < argc)
            putchar('\n');
        analysis_free(analysis);
    }
    return good ? PAUSE_OK : PAUSE_FAILED;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"run", pause_run},       {"attach", pause_attach}, {"show", pause_show},
                    {"report", pause_report}, {"export", pause_export}, {"compare", pause_compare}};
    const char *command = argc > 1 ? argv[1] : "";
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            return PAUSE_OK;
        }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(command, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (argc > 1)
        fprintf(stderr, "eddy-pause: unknown command '%s'; there are: run, attach, show, report, export, compare\n",
                command);
    fputs(usage, stderr);
    return PAUSE_USAGE;
}
