/* Results as tables in the terminal. */
#include "blocks.h"

#include <stdio.h>

const struct block blocks[BLOCKS] = {
    {"One thread: ns per retain/release pair; CPU with helper threads; bytes of a boxed number; pages dirtied by a "
     "child that reads",
     {{"hot", "hot", COLUMN_WALL},
      {"hot", "hot, CPU", COLUMN_CPU},
      {"cold", "cold", COLUMN_WALL},
      {"cold", "cold, CPU", COLUMN_CPU},
      {"memory", "bytes", COLUMN_BYTES},
      {"fork", "dirtied", COLUMN_DIRTIED}}},
    {"Two threads: ns per pair, wall time, by the share of operations on the other thread's objects",
     {{"share-0", "0%", COLUMN_WALL},
      {"share-10", "10%", COLUMN_WALL},
      {"share-25", "25%", COLUMN_WALL},
      {"share-50", "50%", COLUMN_WALL},
      {"share-75", "75%", COLUMN_WALL},
      {"share-100", "100%", COLUMN_WALL}}},
    {"Contention: ns per pair, wall time; so many threads on one object; two threads on neighbours in the same cache "
     "lines",
     {{"one-1", "1 thread", COLUMN_WALL},
      {"one-2", "2", COLUMN_WALL},
      {"one-4", "4", COLUMN_WALL},
      {"one-8", "8", COLUMN_WALL},
      {"one-2", "2, CPU", COLUMN_CPU},
      {"neighbours-2", "neighbours", COLUMN_WALL}}},
    {"Operations of an interpreter (80% stack and locals, 10% hot objects, 5% tuples, 5% stores): ns per operation",
     {{"mix-1", "1 thread", COLUMN_WALL},
      {"mix-2", "2", COLUMN_WALL},
      {"mix-4", "4", COLUMN_WALL},
      {"mix-8", "8", COLUMN_WALL},
      {"mix-1", "1, CPU", COLUMN_CPU},
      {"mix-2", "2, CPU", COLUMN_CPU}}},
    {"The interpreter: ns per iteration of its program, wall time of all threads together",
     {{"interpreter-1", "1 thread", COLUMN_WALL},
      {"interpreter-2", "2", COLUMN_WALL},
      {"interpreter-4", "4", COLUMN_WALL},
      {"interpreter-8", "8", COLUMN_WALL},
      {"interpreter-1", "1, CPU", COLUMN_CPU},
      {"interpreter-2", "2, CPU", COLUMN_CPU}}},
    {"The interpreter, one thread: ns per iteration as it is, with pairs elided, and with permanent constants counted "
     "all the same",
     {{"interpreter-1", "as it is", COLUMN_WALL},
      {"interpreter-elided", "elided", COLUMN_WALL},
      {"interpreter-checked", "checked", COLUMN_WALL},
      {"interpreter-elided", "elided, CPU", COLUMN_CPU}}},
};

bool block_cell(const struct figures *f, const struct column *column, size_t variant, bool spread, char *text, size_t size)
{
    const struct experiment *e = figures_find(f, column->experiment);
    snprintf(text, size, "-");
    if (e == NULL || !e->series[variant].runs)
        return false;
    const struct series *s = &e->series[variant];
    struct spread figure;
    switch (column->kind) {
    case COLUMN_BYTES: snprintf(text, size, "%.1f", (double)s->last.bytes / (double)s->last.operations); return true;
    case COLUMN_DIRTIED:
        snprintf(text, size, "%.1f%%", 100.0 * (double)s->last.bytes / (double)s->last.total_bytes);
        return true;
    case COLUMN_WALL: figure = series_wall(f, s); break;
    default: figure = series_cpu(f, s);
    }
    int decimals = figure.median < 10 ? 2 : figure.median < 100 ? 1 : 0;
    if (spread)
        snprintf(text, size, "%.*f (%.*f–%.*f)", decimals, figure.median, decimals, figure.least, decimals, figure.most);
    else
        snprintf(text, size, "%.*f", decimals, figure.median);
    return true;
}

bool block_measured(const struct figures *f, const struct block *block)
{
    for (size_t c = 0; c < BLOCK_COLUMNS && block->columns[c].experiment != NULL; c++)
        if (figures_find(f, block->columns[c].experiment) != NULL)
            return true;
    return false;
}

static void print_block(const struct figures *f, const struct block *block)
{
    printf("\n%s\n\n   %-14s", block->title, "strategy");
    for (size_t c = 0; c < BLOCK_COLUMNS && block->columns[c].experiment != NULL; c++)
        printf(" %11s", block->columns[c].head);
    putchar('\n');
    for (size_t v = 0; v < LAB_VARIANTS; v++) {
        char line[256], text[64];
        int length = snprintf(line, sizeof line, "%s  %-14s", lab_variants[v]->number, lab_variants[v]->name);
        bool any = false;
        for (size_t c = 0; c < BLOCK_COLUMNS && block->columns[c].experiment != NULL; c++) {
            any = block_cell(f, &block->columns[c], v, false, text, sizeof text) || any;
            length += snprintf(line + length, sizeof line - (size_t)length, " %11s", text);
        }
        if (any)
            puts(line);
    }
}

void table_print(const struct figures *f)
{
    char text[512];
    machine_text(f, text, sizeof text);
    printf("%s\nmedians of %u rounds, strategies in turns\n", text, f->rounds);
    for (size_t i = 0; i < BLOCKS; i++)
        if (block_measured(f, &blocks[i]))
            print_block(f, &blocks[i]);
    const struct lab_result *c = &f->census, *e = &f->census_elided;
    printf("\nThe interpreter's program, per iteration: %.1f byte codes, %.1f retains, %.1f releases; elided: %.1f "
           "retains, %.1f releases\n",
           (double)c->byte_codes / (double)c->operations, (double)c->retains / (double)c->operations,
           (double)c->releases / (double)c->operations, (double)e->retains / (double)e->operations,
           (double)e->releases / (double)e->operations);
    if (f->pairing_count == 0)
        return;
    printf("\n%-22s %-24s %-20s %12s %9s\n", "compared, in pairs", "of", "CPU (least-most)", "instructions", "bar");
    for (size_t i = 0; i < f->pairing_count; i++) {
        const struct pairing *p = &f->pairings[i];
        struct spread s = spread_of(p->ratios, f->pairs);
        char of[64], time[64], instructions[32] = "-", bar[32] = "";
        snprintf(of, sizeof of, "%s / %s", p->of->name, p->to->name);
        snprintf(time, sizeof time, "%.3f (%.3f-%.3f)", s.median, s.least, s.most);
        if (p->instructions != 0)
            snprintf(instructions, sizeof instructions, "%.3f", p->instructions);
        if (p->bar != 0)
            snprintf(bar, sizeof bar, "%.2f %s", p->bar,
                     s.median <= p->bar && p->instructions <= p->bar ? "met" : "missed");
        printf("%-22s %-24s %-20s %12s %9s\n", p->name, of, time, instructions, bar);
    }
    if (f->no_instructions[0] != 0)
        printf("instructions were not counted: %s\n", f->no_instructions);
}
