/* eddy-counting: every way of counting references, side by side. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "Usage: eddy-counting [OPTION]...\n"
    "       eddy-counting list\n"
    "\n"
    "Measures retain and release with every strategy of counting, each run in a process of its own, strategies in\n"
    "turns, and prints tables of medians. docs/counting.md tells what the strategies are. list shows them, and the\n"
    "experiments.\n"
    "\n"
    "  --quick             within a minute: shorter runs, fewer rounds\n"
    "  --rounds K          rounds (default: 9; 3 if quick)\n"
    "  --pairs K           runs of each comparison in pairs (default: 30; 10 if quick)\n"
    "  --only NAME         only experiments whose names begin so; no comparisons in pairs\n"
    "  --strategies A,B    only these\n"
    "  --no-instructions   do not count instructions (which takes valgrind)\n"
    "  --json FILE         write all figures as JSON ('-': to standard output, instead of the tables)\n"
    "  --plots DIRECTORY   write plots there, as SVG\n"
    "  --page FILE         write the measured parts of the documentation page, and its plots beside it (in counting/)\n"
    "  --help              this text\n"
    "\n"
    "Exit status: 0; 1 if strategies disagree on a checksum, or a run failed; 2 for a wrong command line.\n";

static _Noreturn void wrong(const char *what, const char *argument)
{
    fprintf(stderr, "eddy-counting: %s '%s'\nTry 'eddy-counting --help' or 'eddy-counting list'.\n", what, argument);
    exit(EXIT_USAGE);
}

static unsigned number(const char *what, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != 0 || value < 1 || value > FIGURES_ROUNDS)
        wrong(what, text);
    return (unsigned)value;
}

static void take_strategies(struct plan_choice *choice, const char *list)
{
    memset(choice->chosen, 0, sizeof choice->chosen);
    for (const char *name = list; name != NULL;) {
        size_t length = strcspn(name, ",");
        char one[64];
        snprintf(one, sizeof one, "%.*s", (int)length, name);
        size_t i = variant_index(one);
        if (i == LAB_VARIANTS)
            wrong("unknown strategy", one);
        choice->chosen[i] = true;
        name = name[length] == ',' ? name + length + 1 : NULL;
    }
}

static int list(struct figures *f)
{
    struct plan_choice all = {.quick = true};
    memset(all.chosen, 1, sizeof all.chosen);
    puts("Strategies:");
    for (size_t i = 0; i < LAB_VARIANTS; i++)
        printf("  %s  %-14s %s%s\n", lab_variants[i]->number, lab_variants[i]->name, lab_variants[i]->title,
               lab_variants[i]->many_threads ? "" : " (one thread)");
    plan_make(f, &all);
    puts("Experiments:");
    for (size_t i = 0; i < f->experiment_count; i++)
        printf("  %-20s %s (%s)\n", f->experiments[i].name, f->experiments[i].title, f->experiments[i].unit);
    return 0;
}

/* "once CASE STRATEGY OPERATIONS FLAGS": one run in this process; what counts instructions starts it. */
static int once(char **argv)
{
    size_t variant = variant_index(argv[1]);
    int flags = atoi(argv[3]), which = atoi(argv[0]);
    if (variant == LAB_VARIANTS)
        wrong("unknown strategy", argv[1]);
    if (which < 0 || which >= CASES)
        wrong("unknown case", argv[0]);
    struct lab_request request = {(enum lab_case)which, 1, .operations = strtoull(argv[2], NULL, 10)};
    request.elide = (flags & 1) != 0;
    request.unknowing = (flags & 2) != 0;
    struct lab_result result;
    lab_variants[variant]->run(&request, &result);
    printf("%016" PRIx64 "\n", result.checksum);
    return 0;
}

int main(int argc, char **argv)
{
    enum { QUICK = 256, ROUNDS, PAIRS, ONLY, STRATEGIES, NO_INSTRUCTIONS, JSON, PLOTS, PAGE, HELP };
    static const struct option table[] = {{"quick", no_argument, NULL, QUICK},
                                          {"rounds", required_argument, NULL, ROUNDS},
                                          {"pairs", required_argument, NULL, PAIRS},
                                          {"only", required_argument, NULL, ONLY},
                                          {"strategies", required_argument, NULL, STRATEGIES},
                                          {"no-instructions", no_argument, NULL, NO_INSTRUCTIONS},
                                          {"json", required_argument, NULL, JSON},
                                          {"plots", required_argument, NULL, PLOTS},
                                          {"page", required_argument, NULL, PAGE},
                                          {"help", no_argument, NULL, HELP},
                                          {0}};
    static struct figures figures;
    struct plan_choice choice = {.instructions = true};
    const char *json = NULL, *plots = NULL, *page = NULL;
    memset(choice.chosen, 1, sizeof choice.chosen);
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list(&figures);
    if (argc == 6 && strcmp(argv[1], "once") == 0)
        return once(argv + 2);
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":", table, NULL)) != -1;) {
        switch (option) {
        case QUICK: choice.quick = true; break;
        case ROUNDS: choice.rounds = number("--rounds must be a number from 1 to 64, not", optarg); break;
        case PAIRS: choice.pairs = number("--pairs must be a number from 1 to 64, not", optarg); break;
        case ONLY: choice.only = optarg; break;
        case STRATEGIES: take_strategies(&choice, optarg); break;
        case NO_INSTRUCTIONS:
            choice.instructions = false;
            snprintf(figures.no_instructions, sizeof figures.no_instructions, "not asked for");
            break;
        case JSON: json = optarg; break;
        case PLOTS: plots = optarg; break;
        case PAGE: page = optarg; break;
        case HELP: fputs(usage, stdout); return 0;
        case ':': wrong("a value is missing for", argv[optind - 1]);
        default: wrong("unknown option", argv[optind - 1]);
        }
    }
    if (optind != argc)
        wrong("unknown command", argv[optind]);
    plan_make(&figures, &choice);
    if (figures.experiment_count == 0)
        wrong("no experiment begins with", choice.only);
    if (page != NULL && figures.only_some)
        wrong("the page needs all strategies and experiments:", page);
    choice.progress = true;
    plan_run(&figures, &choice);
    if (!figures.only_some) {
        bars_make(&figures);
        bars_run(&figures, &choice);
    }
    if (json == NULL || strcmp(json, "-") != 0)
        table_print(&figures);
    bool written = json == NULL || report_write(&figures, json);
    written = (plots == NULL || chart_write_all(&figures, plots)) && written;
    written = (page == NULL || page_write(&figures, page)) && written;
    return figures.disagree || !written ? 1 : 0;
}
