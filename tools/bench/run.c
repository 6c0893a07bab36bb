/* The command "run": one workload on one engine, in this process. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "report.h"

/* Prints the other figures, as many to a line as there is room for. */
static void print_metrics(const struct bench_run *run)
{
    int column = 0;
    for (size_t i = 0; i < run->metric_count; i++) {
        const struct bench_metric *metric = &run->metrics[i];
        char text[128];
        int length = metric->is_count ? snprintf(text, sizeof text, "%s %" PRIu64, metric->name, metric->count)
                                      : snprintf(text, sizeof text, "%s %.4g", metric->name, metric->real);
        bool first = column == 0 || column + length > 100;
        column = first ? length : column + 2 + length;
        printf("%s%s", first ? (i == 0 ? "  " : ",\n  ") : ", ", text);
    }
    if (column != 0)
        putchar('\n');
}

static void print_text(const struct bench_run *run)
{
    const struct bench_request *request = &run->request;
    const struct bench_stall *stall = &run->stall;
    printf("%s on %s, %u thread%s\n", request->workload->name, request->engine->name, request->threads,
           request->threads == 1 ? "" : "s");
    printf("  wall %.3f s, CPU %.3f s, of it collector %.3f s, peak memory %.1f MiB, checksum %016" PRIx64 "\n",
           run->wall_s, run->cpu_s, run->collector_cpu_s, (double)run->peak_rss_bytes / (1 << 20), run->checksum);
    printf("  %" PRIu64 " stalls: p50 %.1f, p99 %.1f, p99.9 %.1f, p99.99 %.1f, longest %.1f us; "
           "greatest cost %.1f us; waits %.1f us; MMU(1 ms) %.3f\n",
           stall->count, (double)stall->p50_ns * 1e-3, (double)stall->p99_ns * 1e-3, (double)stall->p999_ns * 1e-3,
           (double)stall->p9999_ns * 1e-3, (double)stall->max_ns * 1e-3, (double)stall->max_cost_ns * 1e-3,
           (double)stall->wait_ns * 1e-3, stall->mmu_1ms);
    print_metrics(run);
}

int bench_command_run(int argc, char **argv)
{
    enum { OPTION_ENGINE = OPTION_OWN };
    static const struct option table[] = {OPTIONS_LONG, {"engine", required_argument, NULL, OPTION_ENGINE}, {0}};
    struct options options = {0};
    const struct bench_engine *engine = &bench_engines[0];
    int option;
    while ((option = options_next(argc, argv, table)) != -1) {
        if (option == OPTION_ENGINE)
            engine = options_engine(optarg, strlen(optarg));
        else
            options_take(&options, option, optarg);
    }
    options_take_workload(&options, argc, argv, optind);
    for (size_t i = 0; i < options.setting_count; i++)
        if (!options_knows(&options, engine, &options.settings[i]))
            options_unknown_setting(&options, engine, &options.settings[i]);

    static struct bench_run run;
    run.request = options_request(&options, engine);
    engine->execute(&run);
    if (!options.json_only)
        print_text(&run);
    return options.json == NULL || report_write(report_of_run(&run), options.json) ? BENCH_OK : BENCH_FAILED;
}
