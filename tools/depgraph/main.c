/* eddy-depgraph: Debian's package dependencies in a managed heap, queried and replaced at the same time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "json.h"
#include "processes.h"
#include "report.h"
#include "run.h"
#include "util.h"

/* The work in this process, beside a control thread. */
static int run_here(const struct options *options)
{
    struct run_result *result = must_calloc(1, sizeof *result);
    struct run run = {.options = options, .result = result};
    struct control control;
    struct control_summary gaps;
    int code = run_load(&run);
    bool controlled = code == DONE && options->seconds > 0 && control_start(&control);
    if (code == DONE)
        code = run_live(&run);
    if (controlled)
        gaps = control_stop(&control);
    if (code == DONE)
        code = run_settle(&run);
    if (code == DONE)
        report_run(options, result, controlled ? &gaps : NULL);
    if (code == DONE && options->json != NULL)
        code = json_write(options, result, controlled ? &gaps : NULL, NULL, 0);
    run_end(&run);
    free(result);
    return code;
}

/* The work in one process and in several, each a child, for both to begin with empty memory. */
static int run_compared(const struct options *options)
{
    const unsigned count = options->processes;
    struct run_result *results = processes_results(1 + count);
    puts("one process");
    int code = processes_run(options, 1, false, &results[0]);
    if (code == DONE) {
        report_run(options, &results[0], NULL);
        printf("\n%u processes, each with a graph of its own\n", count);
        code = processes_run(options, count, true, &results[1]);
    }
    if (code == DONE)
        report_comparison(options, &results[0], &results[1], count);
    if (code == DONE && options->json != NULL)
        code = json_write(options, &results[0], NULL, &results[1], count);
    munmap(results, (1 + count) * sizeof *results);
    return code;
}

int main(int count, char **arguments)
{
    struct options options;
    bool finished;
    int code = options_read(&options, count, arguments, &finished);
    if (code != DONE || finished)
        return code;
    return options.processes > 0 ? run_compared(&options) : run_here(&options);
}
