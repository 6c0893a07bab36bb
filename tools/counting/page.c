/* The measured parts of the documentation page: what stands between "<!-- eddy-counting: NAME -->" and "<!-- end -->" is
 * written anew, everything else is kept. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"

/* "1.234 (1.200–1.300)" of paired ratios. */
static void ratio_text(const struct figures *f, const struct pairing *p, char *text, size_t size)
{
    struct spread s = spread_of(p->ratios, f->pairs);
    snprintf(text, size, "%.3f (%.3f–%.3f)", s.median, s.least, s.most);
}

static const struct pairing *pairing_of(const struct figures *f, const char *name)
{
    for (size_t i = 0; i < f->pairing_count; i++)
        if (strcmp(f->pairings[i].name, name) == 0)
            return &f->pairings[i];
    lab_fatal("no comparison is called %s", name);
}

static double time_of(const struct figures *f, const char *name)
{
    return spread_of(pairing_of(f, name)->ratios, f->pairs).median;
}

static void write_machine(FILE *file, const struct figures *f)
{
    char text[512];
    machine_text(f, text, sizeof text);
    fprintf(file, "Measured on: %s. %u rounds, %u pairs%s.\n", text, f->rounds, f->pairs,
            f->quick ? "; **with `--quick`: figures to look at, not to rely on**" : "");
}

static void write_bars(FILE *file, const struct figures *f)
{
    fputs("| compared | strategies | CPU time, median (least–most) | instructions | bar |\n|---|---|---|---|---|\n", file);
    for (size_t i = 0; i < f->pairing_count; i++) {
        const struct pairing *p = &f->pairings[i];
        char ratio[64], instructions[32] = "–", bar[32] = "–";
        ratio_text(f, p, ratio, sizeof ratio);
        if (p->instructions != 0)
            snprintf(instructions, sizeof instructions, "%.3f", p->instructions);
        if (p->bar != 0)
            snprintf(bar, sizeof bar, "%.2f: %s", p->bar,
                     spread_of(p->ratios, f->pairs).median <= p->bar && p->instructions <= p->bar ? "met" : "missed");
        fprintf(file, "| %s | %s / %s | %s | %s | %s |\n", p->what, p->of->name, p->to->name, ratio, instructions, bar);
    }
    const struct lab_result *c = &f->census, *e = &f->census_elided;
    double n = (double)c->operations;
    fprintf(file,
            "\nAn iteration of the program takes %.1f byte codes with %.1f retains and %.1f releases, and %.0f ns with "
            "plain counts. "
            "Lifetime analysis leaves %.1f retains and %.1f releases.\n",
            (double)c->byte_codes / n, (double)c->retains / n, (double)c->releases / n,
            figures_wall(f, "interpreter-1", "plain"), (double)e->retains / n, (double)e->releases / n);
}

static void write_block(FILE *file, const struct figures *f, const struct block *block)
{
    fprintf(file, "\n**%s**\n\n| strategy |", block->title);
    size_t columns = 0;
    for (; columns < BLOCK_COLUMNS && block->columns[columns].experiment != NULL; columns++)
        fprintf(file, " %s |", block->columns[columns].head);
    fputs("\n|---|", file);
    for (size_t c = 0; c < columns; c++)
        fputs("---|", file);
    fputc('\n', file);
    for (size_t v = 0; v < LAB_VARIANTS; v++) {
        char cells[BLOCK_COLUMNS][96];
        bool any = false;
        for (size_t c = 0; c < columns; c++)
            any = block_cell(f, &block->columns[c], v, true, cells[c], sizeof cells[c]) || any;
        if (!any)
            continue;
        fprintf(file, "| %s %s |", lab_variants[v]->number, lab_variants[v]->name);
        for (size_t c = 0; c < columns; c++)
            fprintf(file, " %s |", cells[c]);
        fputc('\n', file);
    }
}

static void write_tables(FILE *file, const struct figures *f)
{
    for (size_t i = 0; i < BLOCKS; i++)
        write_block(file, f, &blocks[i]);
}

static double percent(const struct figures *f, const char *variant)
{
    const struct lab_result *r = figures_result(f, "fork", variant);
    return 100.0 * (double)r->bytes / (double)r->total_bytes;
}

/* What is said, and what was measured. The words stand here, because the figures do. */
static void write_anecdotes(FILE *file, const struct figures *f)
{
    char ratio[64];
    double plain = figures_wall(f, "interpreter-1", "plain");
    fputs("| said | measured here |\n|---|---|\n", file);
    ratio_text(f, pairing_of(f, "atomic"), ratio, sizeof ratio);
    fprintf(
        file,
        "| Atomic counts make a program twice as slow (or at least it is worth much to avoid them: Choi, Shull and "
        "Torrellas, PACT 2018) | The bare pair costs %.1f times as "
        "much (%.2f instead of %.2f ns); the interpreter, with one thread, takes %s of the time of plain counts. "
        "Sequentially consistent "
        "atomics: %.2f ns for the pair, %.2f in the interpreter: on this machine the order makes %s difference. |\n",
        time_of(f, "atomic-pair"), figures_wall(f, "hot", "atomic"), figures_wall(f, "hot", "plain"), ratio,
        figures_wall(f, "hot", "atomic_sc"), figures_wall(f, "interpreter-1", "atomic_sc") / plain,
        figures_wall(f, "hot", "atomic_sc") < 1.1 * figures_wall(f, "hot", "atomic") ? "no" : "a");
    const struct pairing *check = pairing_of(f, "permanent-check"), *all = pairing_of(f, "permanent-everywhere");
    fprintf(file,
            "| Telling permanent objects apart costs some percent (PEP 683: 4%% if done naively, about nothing after "
            "mitigation; 2%% would be acceptable) | Where every operation looks at the bit: %.1f%% more "
            "instructions, %+.1f%% time. Where constants, true and false are known to be permanent and not counted at "
            "all: %.1f%% more instructions, "
            "%+.1f%% time. A large count without a branch: %+.1f%% time, and it writes. |\n",
            100 * (all->instructions - 1), 100 * (time_of(f, "permanent-everywhere") - 1), 100 * (check->instructions - 1),
            100 * (time_of(f, "permanent-check") - 1), 100 * (time_of(f, "permanent-large") - 1));
    ratio_text(f, pairing_of(f, "locks"), ratio, sizeof ratio);
    fprintf(file,
            "| Locks in each object halve the speed of one thread (the Python FAQ on the free-threading patches; later "
            "editions: at least 30%% slower) | One thread: "
            "%s of the time of plain counts. Two threads: %.0f ns per iteration, %.0f with a global lock. Only counts "
            "are locked here, "
            "not every access to a container, so this is a lower bound. |\n",
            ratio, figures_wall(f, "interpreter-2", "locks"), figures_wall(f, "interpreter-2", "gil"));
    ratio_text(f, pairing_of(f, "local-path"), ratio, sizeof ratio);
    fprintf(file,
            "| Counts local to a thread make most of the cost go away (Ewing 2007) | One thread, everything its own: "
            "%s of the time of plain counts in the interpreter; the bare pair "
            "%.2f instead of %.2f ns. Two threads that share constants: %.0f ns per iteration, %.0f with atomic "
            "counts, %.0f with atomic counts "
            "and permanent constants. With a quarter of the operations on the other's objects a pair costs %.2f ns, "
            "with all of them %.2f; atomic counts: %.2f "
            "and %.2f. So it does while objects are not shared, and not where they are. |\n",
            ratio, figures_wall(f, "hot", "biased"), figures_wall(f, "hot", "plain"),
            figures_wall(f, "interpreter-2", "biased"), figures_wall(f, "interpreter-2", "atomic"),
            figures_wall(f, "interpreter-2", "atomic_bit"), figures_wall(f, "share-25", "biased"),
            figures_wall(f, "share-100", "biased"), figures_wall(f, "share-25", "atomic"),
            figures_wall(f, "share-100", "atomic"));
    fprintf(file,
            "| Counts defeat copy-on-write (PEP 683) | A child that only reads dirties %.0f%% of the memory of the "
            "objects with plain counts, %.0f%% with large "
            "permanent counts, %.1f%% with a permanent bit, %.1f%% with Eddy (frozen), whose counts are elsewhere. |\n",
            percent(f, "plain"), percent(f, "plain_big"), percent(f, "plain_bit"), percent(f, "eddy"));
    fprintf(file,
            "| The free race of split counts can be closed by a barrier or by compare-and-swap | Two threads, half of "
            "the operations on the other's objects: %.2f ns with "
            "compare-and-swap, %.2f with the barrier; on one object %.2f and %.2f. In the interpreter, where objects "
            "die all the time: %.0f and %.0f ns with one "
            "thread. |\n",
            figures_wall(f, "share-50", "split_cas"), figures_wall(f, "share-50", "split_barrier"),
            figures_wall(f, "one-2", "split_cas"), figures_wall(f, "one-2", "split_barrier"),
            figures_wall(f, "interpreter-1", "split_cas"), figures_wall(f, "interpreter-1", "split_barrier"));
    fprintf(file,
            "| Logs of counts take the cost from the threads (Talin 2007, after Bacon's Recycler) | If each retain and "
            "release of the stack is logged: %.1f times the time of plain counts, and %.1f times "
            "the CPU with the collector. With Eddy's pins: %.1f. If the stack is not counted at all: %.2f of the time, "
            "%.2f of the CPU. What makes logs fast "
            "is what is not logged. |\n",
            figures_wall(f, "interpreter-1", "eddy_log") / plain,
            figures_cpu(f, "interpreter-1", "eddy_log") / figures_cpu(f, "interpreter-1", "plain"),
            figures_wall(f, "interpreter-1", "eddy_pin") / plain, figures_wall(f, "interpreter-1", "eddy") / plain,
            figures_cpu(f, "interpreter-1", "eddy") / figures_cpu(f, "interpreter-1", "plain"));
    double elided = figures_wall(f, "interpreter-elided", "plain");
    fprintf(file,
            "| Most pairs can be removed when the program is compiled (Barth, CACM 1977; Joisha, ISMM 2006) | With the "
            "pairs that lifetime analysis removes taken out: plain counts %.2f of the time they took, atomic ones "
            "%.2f, locks %.2f, local ones %.2f. |\n",
            elided / plain, figures_wall(f, "interpreter-elided", "atomic") / figures_wall(f, "interpreter-1", "atomic"),
            figures_wall(f, "interpreter-elided", "locks") / figures_wall(f, "interpreter-1", "locks"),
            figures_wall(f, "interpreter-elided", "biased") / figures_wall(f, "interpreter-1", "biased"));
}

static void write_atomic(FILE *file, const struct figures *f)
{
    double plain = figures_wall(f, "hot", "plain"), atomic = figures_wall(f, "hot", "atomic");
    double iteration = figures_wall(f, "interpreter-1", "plain"),
           more = figures_wall(f, "interpreter-1", "atomic") - iteration;
    double operations = (double)(f->census.retains + f->census.releases) / (double)f->census.operations;
    fprintf(file,
            "Here a plain pair takes %.2f ns, an atomic one %.2f. In the interpreter %.0f operations of an iteration "
            "become atomic and it takes %.0f ns longer: "
            "%.1f ns for each, although no other thread exists, and no cache line moves. Two threads on one object: "
            "%.1f ns per pair.\n",
            plain, atomic, operations, more, more / operations, figures_wall(f, "one-2", "atomic"));
}

static const struct {
    const char *name;
    void (*write)(FILE *file, const struct figures *f);
} parts[] = {{"machine", write_machine},
             {"bars", write_bars},
             {"anecdotes", write_anecdotes},
             {"atomic", write_atomic},
             {"tables", write_tables}};

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    size_t length = 0, room = 1 << 20;
    char *text = malloc(room + 1);
    if (text == NULL)
        lab_fatal("out of memory");
    length = fread(text, 1, room, file);
    fclose(file);
    text[length] = 0;
    return text;
}

bool page_write(const struct figures *f, const char *path)
{
    static const char begin[] = "<!-- eddy-counting: ", end[] = "<!-- end -->";
    char *text = read_all(path), directory[4096];
    FILE *file = text != NULL ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "eddy-counting: cannot write %s: %s\n", path, strerror(errno));
        free(text);
        return false;
    }
    const char *at = text;
    for (const char *mark; (mark = strstr(at, begin)) != NULL;) {
        const char *line = strchr(mark, '\n'), *last = strstr(mark, end);
        if (line == NULL || last == NULL)
            break;
        fwrite(at, 1, (size_t)(line + 1 - at), file);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            if (strncmp(mark + strlen(begin), parts[i].name, strlen(parts[i].name)) == 0)
                parts[i].write(file, f);
        at = last;
    }
    fputs(at, file);
    free(text);
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    snprintf(slash != NULL ? slash + 1 : directory,
             sizeof directory - (size_t)(slash != NULL ? slash + 1 - directory : 0), "counting");
    return fclose(file) == 0 && chart_write_all(f, directory);
}
