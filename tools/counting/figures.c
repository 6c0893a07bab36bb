/* Statistics and look-ups of a measurement. */
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct spread spread_of(const double *values, unsigned count)
{
    double sorted[FIGURES_ROUNDS];
    memcpy(sorted, values, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], by_value);
    double median = count % 2 != 0 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
    return (struct spread){sorted[0], median, sorted[count - 1]};
}

struct spread series_wall(const struct figures *f, const struct series *s)
{
    return spread_of(s->wall_ns, f->rounds);
}

struct spread series_cpu(const struct figures *f, const struct series *s)
{
    return spread_of(s->cpu_ns, f->rounds);
}

const struct experiment *figures_find(const struct figures *f, const char *name)
{
    for (size_t i = 0; i < f->experiment_count; i++)
        if (strcmp(f->experiments[i].name, name) == 0)
            return &f->experiments[i];
    return NULL;
}

size_t variant_index(const char *name)
{
    size_t i = 0;
    while (i < LAB_VARIANTS && strcmp(lab_variants[i]->name, name) != 0)
        i++;
    return i;
}

static const struct series *find_series(const struct figures *f, const char *experiment, const char *variant)
{
    const struct experiment *e = figures_find(f, experiment);
    size_t i = variant_index(variant);
    return e != NULL && i < LAB_VARIANTS && e->series[i].runs ? &e->series[i] : NULL;
}

double figures_wall(const struct figures *f, const char *experiment, const char *variant)
{
    const struct series *s = find_series(f, experiment, variant);
    return s != NULL ? series_wall(f, s).median : 0;
}

double figures_cpu(const struct figures *f, const char *experiment, const char *variant)
{
    const struct series *s = find_series(f, experiment, variant);
    return s != NULL ? series_cpu(f, s).median : 0;
}

const struct lab_result *figures_result(const struct figures *f, const char *experiment, const char *variant)
{
    const struct series *s = find_series(f, experiment, variant);
    return s != NULL ? &s->last : NULL;
}

void machine_text(const struct figures *f, char *text, size_t size)
{
    static char line[8192];
    char model[128] = "an unknown processor";
    bool virtual = false;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "model name : %127[^\n]", model);
        virtual = virtual || (strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor") != NULL);
    }
    if (file != NULL)
        fclose(file);
    struct utsname system;
    uname(&system);
    snprintf(text, size, "%s%s, %ld processors, %s %s %s, compiled by %s %s; load of the machine %.1f before, %.1f after",
             model, virtual ? " (virtual machine)" : "", sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release,
             system.machine,
#ifdef __clang__
             "clang", __clang_version__,
#else
             "gcc", __VERSION__,
#endif
             f->load_before, f->load_after);
}
