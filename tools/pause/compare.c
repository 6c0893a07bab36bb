/* The command "compare": two recordings, or two sets of repeated runs. For sets, intervals by the percentile bootstrap
 * of the difference of medians (Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979). */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { RUNS_MOST = 256, RESAMPLES = 4000 };

struct set {
    struct metrics runs[RUNS_MOST];
    size_t count;
};

/* What happened to one figure. */
struct change {
    double before, after; /* medians */
    double low, high;     /* of the difference, 95% */
    bool interval;        /* there are enough runs for one */
    const char *verdict;
};

static void read_set(struct set *set, const char *list, bool whole)
{
    char *names = need(strdup(list));
    for (char *rest = names, *name; (name = strsep(&rest, ",")) != NULL;) {
        if (*name == 0)
            usage_error("an empty name in the list '%s'", list);
        if (set->count == RUNS_MOST)
            usage_error("more than %d recordings in a set", RUNS_MOST);
        struct analysis *a = analyse(recording_read(name, false), whole);
        metrics_of(a, &set->runs[set->count++]);
        analysis_free(a);
    }
    free(names);
}

/* The values of a figure in all runs of a set; false if one has it not. */
static bool values_of(const struct set *set, const char *name, double *values)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct metric *metric = metrics_find(&set->runs[i], name, strlen(name));
        if (metric == NULL)
            return false;
        values[i] = metric->value;
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t count)
{
    double sorted[RUNS_MOST];
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static uint64_t draw(uint64_t *state) /* xorshift64*: Vigna, ACM TOMS 42, 2016 */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static double resampled_median(const double *values, size_t count, uint64_t *state)
{
    double sample[RUNS_MOST];
    for (size_t i = 0; i < count; i++)
        sample[i] = values[(draw(state) >> 11) % count];
    return median(sample, count);
}

static struct change compare(const struct set *a, const double *before, const struct set *b, const double *after,
                             int better, uint64_t *state)
{
    static double differences[RESAMPLES];
    struct change change = {.before = median(before, a->count), .after = median(after, b->count), .verdict = ""};
    change.interval = a->count >= 3 && b->count >= 3;
    if (!change.interval)
        return change;
    for (int i = 0; i < RESAMPLES; i++)
        differences[i] = resampled_median(after, b->count, state) - resampled_median(before, a->count, state);
    qsort(differences, RESAMPLES, sizeof *differences, by_value);
    change.low = differences[RESAMPLES * 25 / 1000];
    change.high = differences[RESAMPLES - 1 - RESAMPLES * 25 / 1000];
    if (change.low > 0 || change.high < 0)
        change.verdict = better == 0 ? "changed" : (change.low > 0) == (better > 0) ? "better" : "worse";
    else
        change.verdict = "no difference seen";
    return change;
}

static void print_change(const char *name, const struct change *c)
{
    char percent[24] = "", low[24] = "", high[24] = "";
    if (c->before != 0)
        snprintf(percent, sizeof percent, "%+.1f%%", 100 * (c->after - c->before) / c->before);
    if (c->interval && c->before != 0) {
        snprintf(low, sizeof low, "%+.1f%%", 100 * c->low / c->before);
        snprintf(high, sizeof high, "%+.1f%%", 100 * c->high / c->before);
    }
    printf("%-26s %12.5g %12.5g %10s   %9s %9s   %s\n", name, c->before, c->after, percent, low, high, c->verdict);
}

static json_t *change_of(const struct change *c)
{
    json_t *object = json_object();
    json_put(object, "before", json_number(c->before));
    json_put(object, "after", json_number(c->after));
    if (c->interval) {
        json_put(object, "difference_low", json_number(c->low));
        json_put(object, "difference_high", json_number(c->high));
        json_put(object, "verdict", json_text(c->verdict));
    }
    return object;
}

/* The medians of all figures of a set, which limits are about. */
static void take_median(struct metrics *to, const struct metric *like, double value)
{
    to->items = grow(to->items, to->count, &to->room, sizeof *to->items);
    to->items[to->count] = *like;
    to->items[to->count++].value = value;
}

int pause_compare(int argc, char **argv)
{
    enum { SEED = 256, WHOLE, FAIL, JSON };
    static const struct option table[] = {{"seed", required_argument, NULL, SEED},
                                          {"whole", no_argument, NULL, WHOLE},
                                          {"fail", required_argument, NULL, FAIL},
                                          {"json", no_argument, NULL, JSON},
                                          {0}};
    static struct set a, b;
    struct limits limits = {.count = 0};
    uint64_t seed = 1;
    bool whole = false, as_json = false;
    int option;
    while ((option = next_option(argc, argv, ":", table)) != -1) {
        whole = whole || option == WHOLE;
        as_json = as_json || option == JSON;
        if (option == SEED)
            seed = number_of("--seed", optarg, 1, INT64_MAX);
        if (option == FAIL)
            limits_add(&limits, optarg, true);
    }
    if (optind + 2 != argc)
        usage_error("compare which two? Recordings of a set are separated by commas");
    read_set(&a, argv[optind], whole);
    read_set(&b, argv[optind + 1], whole);
    struct metrics before = {.count = 0}, after = {.count = 0};
    json_t *figures = json_object();
    uint64_t state = seed;
    if (!as_json) {
        printf(
            "A: %zu run%s, B: %zu run%s; medians, and 95%% intervals of their difference by bootstrap%s (seed %" PRIu64
            ")\n\n",
            a.count, a.count == 1 ? "" : "s", b.count, b.count == 1 ? "" : "s",
            a.count < 3 || b.count < 3 ? ": none, for which three runs of each are needed" : "", seed);
        printf("%-26s %12s %12s %10s   %9s %9s\n", "", "A", "B", "change", "from", "to");
    }
    for (size_t i = 0; i < a.runs[0].count; i++) {
        const struct metric *metric = &a.runs[0].items[i];
        double x[RUNS_MOST], y[RUNS_MOST];
        if (!values_of(&a, metric->name, x) || !values_of(&b, metric->name, y))
            continue;
        struct change change = compare(&a, x, &b, y, metric->better, &state);
        take_median(&before, metric, change.before);
        take_median(&after, metric, change.after);
        if (as_json)
            json_put(figures, metric->name, change_of(&change));
        else
            print_change(metric->name, &change);
    }
    if (as_json) {
        json_t *document = json_pack("{s:s,s:i,s:I,s:I,s:I,s:o}", "format", "eddy-pause compare", "version", 1, "seed",
                                     (json_int_t)seed, "runs_before", (json_int_t)a.count, "runs_after",
                                     (json_int_t)b.count, "figures", figures);
        json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        putchar('\n');
        json_decref(document);
    } else {
        json_decref(figures);
    }
    return limits_hold(&limits, &after, &before) ? PAUSE_OK : PAUSE_FAILED;
}
