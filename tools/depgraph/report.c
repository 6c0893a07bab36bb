/* What is printed for people to read: see report.h. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "util.h"

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static double per_second(uint64_t count, uint64_t ns)
{
    return ns > 0 ? (double)count / seconds(ns) : 0;
}

static void print_names(const struct shown_names *names, uint64_t all)
{
    for (unsigned i = 0; i < names->count; i++)
        printf("%s %s", i > 0 ? "," : ":", names->names[i]);
    puts(all > names->count ? ", ..." : "");
}

static void report_input(const struct load_summary *load)
{
    printf("input    %" PRIu64 " files, %" PRIu64 " stanzas, %" PRIu64 " malformed lines left out", load->files,
           load->stanzas, load->malformed);
    if (load->architecture[0] != '\0')
        printf("; architecture %s", load->architecture);
    printf("\n         %" PRIu64 " stanzas superseded: of one package the newest version counts, of equal ones the "
           "last\n",
           load->superseded);
    if (load->skipped > 0)
        printf("         %" PRIu64 " files skipped\n", load->skipped);
}

void report_found(const struct run_result *result)
{
    const struct found *found = &result->found;
    report_input(&result->load);
    printf("found    %" PRIu64 " packages, %" PRIu64 " virtual packages\n", found->packages, found->virtual_packages);
    printf("         %" PRIu64 " edges, %" PRIu64 " of them only Recommends or Suggests\n", found->edges,
           found->weak_edges);
    printf("         %" PRIu64 " unresolved names", found->unresolved);
    print_names(&found->unresolved_names, found->unresolved);
    printf("         %" PRIu64 " dependency cycles", found->cycles);
    if (found->cycles > 0) {
        printf("; the largest has %" PRIu64 " members", found->largest_cycle);
        print_names(&found->cycle_names, found->largest_cycle);
    } else {
        puts("");
    }
    printf("         with Recommends and Suggests, the largest cycle has %" PRIu64 " members\n",
           found->largest_weak_cycle > 1 ? found->largest_weak_cycle : 0);
    struct text live;
    printf("loaded   in %.2f s (CPU %.2f s); live in the heap: %s\n", seconds(result->load_ns),
           seconds(result->load_cpu_ns), size_text(result->before_bytes, &live));
    fflush(stdout);
}

void report_begin_live(const struct options *options)
{
    printf("working  %u readers, %u writers, %u s; a release after every %" PRIu64 " replacements of a writer\n",
           options->readers, options->writers, options->seconds, options->release_every);
    fflush(stdout);
}

static void report_reclaimed(const struct run_result *result)
{
    const eddy_stats *before = &result->before, *after = &result->after;
    struct text allocated, live_before, live_after;
    printf("\nreclaimed\n");
    printf("  releases dropped   %" PRIu64 "\n", result->work.releases);
    printf("  packages replaced  %" PRIu64 "\n", result->work.replacements);
    printf("  objects freed      %" PRIu64 ", %" PRIu64 " of them in %" PRIu64 " garbage cycles\n",
           after->objects_freed - before->objects_freed, after->cycle_objects_freed - before->cycle_objects_freed,
           after->cycles_freed - before->cycles_freed);
    printf("  bytes allocated    %s\n", size_text(after->allocated_bytes - before->allocated_bytes, &allocated));
    printf("  bytes live         %s before, %s after the last collection, which took %.2f s\n",
           size_text(result->before_bytes, &live_before), size_text(result->last.live_bytes, &live_after),
           seconds(result->collect_ns));
    if (result->last.ambiguous_objects > 0)
        printf("  held by the stack  %" PRIu64 " objects, by words that look like references\n",
               result->last.ambiguous_objects);
}

static void report_throughput(const struct run_result *result)
{
    const struct work *work = &result->work;
    const uint64_t time = result->live_ns;
    printf("\nthroughput\n");
    printf("  queries            %.0f/s: %" PRIu64 " closures, %" PRIu64 " reverse closures, %" PRIu64 " cycles\n",
           per_second(work_queries(work), time), work->queries[QUERY_CLOSURE], work->queries[QUERY_DEPENDENTS],
           work->queries[QUERY_CYCLE]);
    printf("  packages visited   %.0f/s, each checked; every answer as before\n", per_second(work->visits, time));
    printf("  replacements       %.0f/s, %.0f references/s relinked\n", per_second(work->replacements, time),
           per_second(work->relinks, time));
    printf("  releases           %.2f/s\n", per_second(work->releases, time));
}

static void report_cost(const struct run_result *result)
{
    const eddy_stats *before = &result->before, *after = &result->after;
    const uint64_t cpu = after->collector_cpu_ns - before->collector_cpu_ns;
    const uint64_t last_cpu = cpu - result->collector_cpu_ns;
    struct text peak, heap, logs;
    printf("\nmemory and collector\n");
    printf("  process peak       %s\n", size_text(result->memory.peak_bytes, &peak));
    printf("  heap peak          %s\n", size_text(after->peak_committed_bytes, &heap));
    printf("  collector CPU      %.2f s in %.2f s of work, %.2f s in the last collection; %" PRIu64 " epochs, "
           "%s logged\n",
           seconds(result->collector_cpu_ns), seconds(result->live_ns), seconds(last_cpu),
           after->epochs - before->epochs, size_text(after->log_bytes_total - before->log_bytes_total, &logs));
    printf("  cycle searches     %" PRIu64 " complete, %" PRIu64 " objects visited, %" PRIu64 " candidates refused\n",
           after->cycle_passes - before->cycle_passes, after->cycle_nodes - before->cycle_nodes,
           after->cycles_rejected_sigma + after->cycles_rejected_delta - before->cycles_rejected_sigma
               - before->cycles_rejected_delta);
}

static void report_stalls(const struct run_result *result, const struct control_summary *control)
{
    printf("\nstalls, us               count     p99.99    longest  longest cost    waited\n");
    for (unsigned i = 0; i < result->thread_count; i++) {
        const struct thread_result *thread = &result->threads[i];
        const eddy_stall_summary *stalls = &thread->stalls;
        printf("  %s %-2u          %10" PRIu64 " %10.1f %10.1f    %10.1f %9.1f\n", thread->writes ? "writer" : "reader",
               thread->index, stalls->count, (double)stalls->p9999_ns / 1e3, (double)stalls->max_ns / 1e3,
               (double)stalls->max_cost_ns / 1e3, (double)stalls->wait_ns / 1e3);
    }
    if (control != NULL)
        printf("  control thread     %10" PRIu64 " %10.1f %10.1f    %10.1f         -\n", control->count,
               (double)control->p9999_ns / 1e3, (double)control->max_ns / 1e3, (double)control->max_cost_ns / 1e3);
    puts("  (cost: without time in the run queue; control thread: gaps above 1 us of one that only reads the clock)");
}

void report_run(const struct options *options, const struct run_result *result, const struct control_summary *control)
{
    if (options->seconds > 0) {
        report_reclaimed(result);
        report_throughput(result);
    }
    report_cost(result);
    if (options->seconds > 0)
        report_stalls(result, control);
    if (options->verify)
        printf("\nverified  %" PRIu64 " objects and %" PRIu64 " references: no mismatch\n", result->verify.objects,
               result->verify.references);
}

/* ---- threads beside processes ---- */

/* What is compared: sums over all processes, but for times, of which the longest counts. */
struct totals {
    uint64_t load_ns, load_cpu_ns, live_ns, live_cpu_ns;
    uint64_t peak_bytes, proportional_bytes, private_bytes, heap_peak_bytes;
    struct work work;
};

static uint64_t longer(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct totals add_up(const struct run_result *results, unsigned count)
{
    struct totals totals = {0};
    for (unsigned i = 0; i < count; i++) {
        const struct run_result *result = &results[i];
        totals.load_ns = longer(totals.load_ns, result->load_ns);
        totals.live_ns = longer(totals.live_ns, result->live_ns);
        totals.load_cpu_ns += result->load_cpu_ns;
        totals.live_cpu_ns += result->live_cpu_ns;
        totals.peak_bytes += result->memory.peak_bytes;
        totals.proportional_bytes += result->memory.proportional_bytes;
        totals.private_bytes += result->memory.private_bytes;
        totals.heap_peak_bytes += result->after.peak_committed_bytes;
        work_add(&totals.work, &result->work);
    }
    return totals;
}

static void compare_sizes(const char *label, uint64_t threads, uint64_t processes)
{
    struct text left, right;
    printf("  %-32s %14s %14s\n", label, size_text(threads, &left), size_text(processes, &right));
}

static void compare_numbers(const char *label, int digits, double threads, double processes)
{
    printf("  %-32s %14.*f %14.*f\n", label, digits, threads, digits, processes);
}

static double us_per_query(const struct totals *totals)
{
    const uint64_t queries = work_queries(&totals->work);
    return queries > 0 ? (double)totals->live_cpu_ns / 1e3 / (double)queries : 0;
}

void report_comparison(const struct options *options, const struct run_result *threads,
                       const struct run_result *processes, unsigned process_count)
{
    const struct totals one = add_up(threads, 1), many = add_up(processes, process_count);
    printf("\nthreads beside processes              1 process   %3u processes\n", process_count);
    compare_numbers("graphs", 0, 1, process_count);
    compare_numbers("load, longest, s", 2, seconds(one.load_ns), seconds(many.load_ns));
    compare_numbers("load, CPU of all, s", 2, seconds(one.load_cpu_ns), seconds(many.load_cpu_ns));
    compare_sizes("memory, sum of peaks", one.peak_bytes, many.peak_bytes);
    compare_sizes("memory at the end, private", one.private_bytes, many.private_bytes);
    compare_sizes("memory at the end, proportional", one.proportional_bytes, many.proportional_bytes);
    compare_sizes("heap, sum of peaks", one.heap_peak_bytes, many.heap_peak_bytes);
    if (options->seconds == 0)
        return;
    compare_numbers("queries/s", 0, per_second(work_queries(&one.work), one.live_ns),
                    per_second(work_queries(&many.work), many.live_ns));
    compare_numbers("replacements/s, each graph", 0, per_second(one.work.replacements, one.live_ns),
                    per_second(many.work.replacements, many.live_ns) / process_count);
    compare_numbers("releases/s, each graph", 2, per_second(one.work.releases, one.live_ns),
                    per_second(many.work.releases, many.live_ns) / process_count);
    compare_numbers("CPU of all, s", 2, seconds(one.live_cpu_ns), seconds(many.live_cpu_ns));
    compare_numbers("CPU per query, updates and all, us", 1, us_per_query(&one), us_per_query(&many));
}
