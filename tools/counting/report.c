/* Results as JSON: every figure of every round. */
#include "figures.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* jansson's setters fail only when memory has run out, or on text that is no UTF-8. */
static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        lab_fatal("cannot make the JSON document");
}

static json_t *json_of_spread(struct spread s)
{
    return json_pack("{s:f,s:f,s:f}", "median", s.median, "least", s.least, "most", s.most);
}

static json_t *json_of_values(const double *values, unsigned count)
{
    json_t *array = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(array, json_real(values[i]));
    return array;
}

static json_t *json_of_series(const struct figures *f, const struct experiment *e, size_t variant)
{
    const struct series *s = &e->series[variant];
    const struct lab_variant *v = lab_variants[variant];
    char checksum[17];
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)s->last.checksum);
    json_t *object = json_pack("{s:s,s:s,s:s}", "strategy", v->name, "number", v->number, "checksum", checksum);
    set(object, "operations", json_integer((json_int_t)s->last.operations));
    if (e->request.which == CASE_MEMORY || e->request.which == CASE_FORK) {
        set(object, "bytes", json_integer((json_int_t)s->last.bytes));
        set(object, "of_bytes", json_integer((json_int_t)s->last.total_bytes));
        return object;
    }
    set(object, "wall_ns", json_of_spread(series_wall(f, s)));
    set(object, "cpu_ns", json_of_spread(series_cpu(f, s)));
    set(object, "wall_ns_rounds", json_of_values(s->wall_ns, f->rounds));
    set(object, "cpu_ns_rounds", json_of_values(s->cpu_ns, f->rounds));
    return object;
}

static json_t *document_of(const struct figures *f)
{
    char machine[512];
    machine_text(f, machine, sizeof machine);
    json_t *document = json_pack("{s:s,s:b,s:i}", "machine", machine, "quick", f->quick, "rounds", (int)f->rounds);
    json_t *strategies = json_array(), *experiments = json_array(), *pairings = json_array();
    for (size_t i = 0; i < LAB_VARIANTS; i++) {
        const struct lab_variant *v = lab_variants[i];
        json_array_append_new(strategies, json_pack("{s:s,s:s,s:s,s:i,s:i}", "name", v->name, "number", v->number,
                                                    "title", v->title, "bytes_number", (int)v->bytes_int,
                                                    "bytes_array_of_2", (int)v->bytes_pair));
    }
    for (size_t i = 0; i < f->experiment_count; i++) {
        const struct experiment *e = &f->experiments[i];
        json_t *series = json_array();
        for (size_t v = 0; v < LAB_VARIANTS; v++)
            if (e->series[v].runs)
                json_array_append_new(series, json_of_series(f, e, v));
        json_array_append_new(experiments, json_pack("{s:s,s:s,s:s,s:i,s:o}", "name", e->name, "title", e->title, "unit",
                                                     e->unit, "threads", (int)e->request.threads, "series", series));
    }
    for (size_t i = 0; i < f->pairing_count; i++) {
        const struct pairing *p = &f->pairings[i];
        json_array_append_new(
            pairings, json_pack("{s:s,s:s,s:s,s:s,s:o,s:f,s:f,s:o}", "name", p->name, "what", p->what, "of", p->of->name,
                                "to", p->to->name, "time", json_of_spread(spread_of(p->ratios, f->pairs)), "instructions",
                                p->instructions, "bar", p->bar, "ratios", json_of_values(p->ratios, f->pairs)));
    }
    const struct lab_result *c = &f->census, *e = &f->census_elided;
    json_t *census =
        json_pack("{s:f,s:f,s:f,s:f,s:f}", "byte_codes", (double)c->byte_codes / (double)c->operations, "retains",
                  (double)c->retains / (double)c->operations, "releases", (double)c->releases / (double)c->operations,
                  "retains_elided", (double)e->retains / (double)e->operations, "releases_elided",
                  (double)e->releases / (double)e->operations);
    set(document, "strategies", strategies);
    set(document, "experiments", experiments);
    set(document, "pairings", pairings);
    set(document, "program_per_iteration", census);
    return document;
}

bool report_write(const struct figures *f, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    json_t *document = document_of(f);
    bool written = file != NULL && document != NULL
                   && json_dumpf(document, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file) != EOF;
    if (file != NULL)
        written = (file == stdout ? fflush(file) : fclose(file)) == 0 && written;
    if (!written)
        fprintf(stderr, "eddy-counting: cannot write %s: %s\n", path, strerror(errno));
    json_decref(document);
    return written;
}
