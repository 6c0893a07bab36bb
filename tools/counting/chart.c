/* Plots as SVG, drawn by hand: bars, and lines. They have their own background, so that they can be read on any page. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "figures.h"

static const char *const hues[] = {"#2a6fdb", "#d9622b", "#16876a", "#b58900",
                                   "#8a4fc7", "#c93a77", "#4d6b87", "#2b94a8"};

enum { WIDTH = 860, LEFT = 150, RIGHT = 90, TOP = 54, PLOT = 320 };

static FILE *begin(const char *directory, const char *name, const char *title, const char *unit, int height)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.svg", directory, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "eddy-counting: cannot write %s: %s\n", path, strerror(errno));
        return NULL;
    }
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#24292f\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
            "<text x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"600\">%s</text>\n"
            "<text x=\"12\" y=\"40\" fill=\"#59636e\">%s</text>\n",
            WIDTH, height, WIDTH, height, title, unit);
    return file;
}

static bool end(FILE *file)
{
    fputs("</svg>\n", file);
    return fclose(file) == 0;
}

/* Bars for each strategy, one for each of so many experiments, on a logarithmic scale if they differ much. */
static bool bars(const struct figures *f, const char *directory, const char *name, const char *title, const char *unit,
                 const char *const *experiments, const char *const *legend, int count)
{
    double most = 0, least = INFINITY;
    int rows = 0;
    for (size_t v = 0; v < LAB_VARIANTS; v++) {
        bool any = false;
        for (int i = 0; i < count; i++) {
            double value = figures_wall(f, experiments[i], lab_variants[v]->name);
            any = any || value > 0;
            most = value > most ? value : most;
            least = value > 0 && value < least ? value : least;
        }
        rows += any;
    }
    if (rows == 0)
        return true;
    bool log_scale = most > 20 * least;
    double low = log_scale ? pow(10, floor(log10(least))) : 0, span = WIDTH - LEFT - RIGHT;
    int bar = count == 1 ? 14 : 10, row = count * bar + 8;
    FILE *file = begin(directory, name, title, unit, TOP + rows * row + 24);
    if (file == NULL)
        return false;
    for (int i = 0; i < count && count > 1; i++)
        fprintf(file, "<rect x=\"%d\" y=\"31\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"40\">%s</text>\n",
                WIDTH - 110 * (count - i), hues[i], WIDTH - 110 * (count - i) + 14, legend[i]);
    int y = TOP;
    for (size_t v = 0; v < LAB_VARIANTS; v++) {
        bool any = false;
        for (int i = 0; i < count; i++) {
            double value = figures_wall(f, experiments[i], lab_variants[v]->name);
            if (value <= 0)
                continue;
            any = true;
            double length = span * (log_scale ? log(value / low) / log(most / low) : value / most);
            fprintf(file, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", LEFT, y + i * bar,
                    length, bar - 1, hues[i]);
            fprintf(file, "<text x=\"%.1f\" y=\"%d\" font-size=\"10\">%.3g</text>\n", LEFT + length + 4,
                    y + i * bar + bar - 2, value);
        }
        if (!any)
            continue;
        fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + row / 2,
                lab_variants[v]->name);
        y += row;
    }
    fprintf(file, "<text x=\"%d\" y=\"%d\" fill=\"#59636e\" font-size=\"10\">%s</text>\n", LEFT, y + 14,
            log_scale ? "logarithmic scale" : "from zero");
    return end(file);
}

/* A line for each strategy over some experiments, on a logarithmic scale. */
static bool lines(const struct figures *f, const char *directory, const char *name, const char *title, const char *unit,
                  const char *const *experiments, const char *const *ticks, int count, const char *const *variants,
                  int variant_count)
{
    double least = INFINITY, most = 0;
    for (int v = 0; v < variant_count; v++)
        for (int i = 0; i < count; i++) {
            double value = figures_wall(f, experiments[i], variants[v]);
            least = value > 0 && value < least ? value : least;
            most = value > most ? value : most;
        }
    if (most == 0)
        return true;
    double low = log10(least) - 0.05, high = log10(most) + 0.05, span = WIDTH - LEFT - RIGHT - 40;
    FILE *file = begin(directory, name, title, unit, TOP + PLOT + 36);
    if (file == NULL)
        return false;
    for (int e = (int)floor(low); e <= (int)ceil(high); e++)
        for (int m = 1; m < 10; m += m == 1 ? 1 : m == 2 ? 3 : 5) {
            double at = log10(m) + e;
            if (at < low || at > high)
                continue;
            double y = TOP + PLOT * (high - at) / (high - low);
            fprintf(file, "<line x1=\"%d\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#d0d7de\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#59636e\">%g</text>\n",
                    LEFT - 40, LEFT - 40 + span, y, y, LEFT - 46, y + 4, m * pow(10, e));
        }
    for (int i = 0; i < count; i++)
        fprintf(file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#59636e\">%s</text>\n",
                LEFT - 40 + span * i / (count - 1), TOP + PLOT + 20, ticks[i]);
    double label_at[LAB_VARIANTS];
    int labels = 0;
    for (int v = 0; v < variant_count; v++) {
        double y = 0;
        fprintf(file, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"", hues[v % 8],
                v >= 8 ? " stroke-dasharray=\"5 3\"" : "");
        for (int i = 0; i < count; i++) {
            double value = figures_wall(f, experiments[i], variants[v]);
            if (value <= 0)
                continue;
            y = TOP + PLOT * (high - log10(value)) / (high - low);
            fprintf(file, "%.1f,%.1f ", LEFT - 40 + span * i / (count - 1), y);
        }
        fputs("\"/>\n", file);
        if (y == 0)
            continue;
        for (int i = 0; i < labels; i++) /* labels that would lie upon each other move down, by more than rounding takes back */
            if (fabs(label_at[i] - y) < 12) {
                y = label_at[i] + 12.5;
                i = -1;
            }
        label_at[labels++] = y;
        fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n", LEFT - 40 + span + 6, y + 4, hues[v % 8],
                variants[v]);
    }
    return end(file);
}

bool chart_write_all(const struct figures *f, const char *directory)
{
    static const char *const pairs[] = {"hot", "cold"}, *const pair_names[] = {"hot", "cold"};
    static const char *const shares[] = {"share-0", "share-10", "share-25", "share-50", "share-75", "share-100"};
    static const char *const share_names[] = {"0%", "10%", "25%", "50%", "75%", "100%"};
    static const char *const ones[] = {"one-1", "one-2", "one-4", "one-8"}, *const counts[] = {"1", "2", "4", "8"};
    static const char *const machines[] = {"interpreter-1", "interpreter-2"}, *const machine_names[] = {"1 thread",
                                                                                                        "2 threads"};
    static const char *const elisions[] = {"interpreter-1", "interpreter-elided"}, *const elision_names[] = {
                                                                                       "all pairs", "elided"};
    static const char *const threaded[] = {"gil",       "locks",         "atomic",   "atomic_bit", "biased",
                                           "split_cas", "split_barrier", "eddy_log", "eddy_pin",   "eddy"};
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "eddy-counting: cannot make %s: %s\n", directory, strerror(errno));
        return false;
    }
    bool written =
        bars(f, directory, "pairs", "One retain and one release, one thread", "ns per pair", pairs, pair_names, 2);
    written = lines(f, directory, "share", "Two threads, by the share of operations on the other's objects",
                    "ns per pair, wall time", shares, share_names, 6, threaded, 10)
              && written;
    written = lines(f, directory, "one-object", "So many threads, one object", "ns per pair, wall time", ones, counts,
                    4, threaded, 10)
              && written;
    written = bars(f, directory, "interpreter", "The interpreter",
                   "ns per iteration, wall time of all threads together", machines, machine_names, 2)
              && written;
    written = bars(f, directory, "elision", "The interpreter, one thread, with the pairs that lifetime analysis removes",
                   "ns per iteration", elisions, elision_names, 2)
              && written;
    return written;
}
