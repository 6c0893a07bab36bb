/* Cases as bytes and as text; see program.h. What operands mean, and so how they are written, the table of
 * operations says. */
#include "tools/fuzz/program.h"

#include <stdlib.h>
#include <string.h>

#include "tools/fuzz/figures.h"

/* ---- settings: one table for bytes, text and ranges ---- */

/* clang-format off */
#define SETTING(name, least, most) {#name, offsetof(struct settings, name), sizeof(((struct settings *)0)->name), least, most}
static const struct setting {
    const char *name;
    size_t offset, bytes;
    unsigned least, most;
} table[] = {
    SETTING(threads, 1, FUZZ_MUTATORS),  SETTING(conservative, 0, 1),  SETTING(interior, 0, 1),
    SETTING(on_stack, 0, 1),             SETTING(chunk_entries, 0, 64), SETTING(slice_steps, 0, 64),
    SETTING(portion_roots, 0, 64),       SETTING(epoch_every, 0, 255), SETTING(fail_for_good, 0, 1),
    SETTING(fail_at, 0, 65535),          SETTING(faults, 0, FAULTS - 1),
};
/* clang-format on */
enum { SETTINGS = sizeof table / sizeof table[0], HEAD_BYTES = 12 + 10, OPERATION_BYTES = 5 };

static unsigned get(const struct settings *s, unsigned i)
{
    const uint8_t *p = (const uint8_t *)s + table[i].offset;
    return table[i].bytes == 1 ? *p : *(const uint16_t *)(const void *)p;
}

static void set(struct settings *s, unsigned i, unsigned value)
{
    uint8_t *p = (uint8_t *)s + table[i].offset;
    unsigned range = table[i].most - table[i].least + 1;
    if (value < table[i].least || value > table[i].most)
        value = table[i].least + value % range;
    if (table[i].bytes == 1)
        *p = (uint8_t)value;
    else
        *(uint16_t *)(void *)p = (uint16_t)value;
}

void fuzz_case_normalise(struct fuzz_case *c)
{
    for (unsigned i = 0; i < SETTINGS; i++)
        set(&c->settings, i, get(&c->settings, i));
    if (c->settings.fail_at == 0)
        c->settings.fail_for_good = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        c->operations[i].thread = (uint8_t)(c->operations[i].thread % c->settings.threads);
        c->operations[i].code = (uint8_t)(c->operations[i].code % fuzz_operation_kinds);
    }
}

/* ---- bytes: settings, strategy, rate, seed, then five bytes an operation ---- */

void fuzz_case_from_bytes(struct fuzz_case *c, const uint8_t *bytes, size_t size)
{
    uint8_t head[HEAD_BYTES] = {0};
    memset(c, 0, sizeof *c);
    memcpy(head, bytes, size < HEAD_BYTES ? size : HEAD_BYTES);
    for (unsigned i = 0, at = 0; i < SETTINGS; at += (unsigned)table[i].bytes, i++)
        set(&c->settings, i, table[i].bytes == 1 ? head[at] : head[at] | (unsigned)head[at + 1] << 8);
    c->schedule.strategy = head[12] == 2 ? STRATEGY_STEPS : head[12] % 2 == 0 ? STRATEGY_RANDOM : STRATEGY_PCT;
    c->schedule.rate = 1 + head[13] % 64u;
    memcpy(&c->schedule.seed, head + 14, 8);
    for (size_t at = HEAD_BYTES; at + OPERATION_BYTES <= size && c->count < FUZZ_OPERATIONS; at += OPERATION_BYTES)
        memcpy(&c->operations[c->count++], bytes + at, OPERATION_BYTES);
    fuzz_case_normalise(c);
}

size_t fuzz_case_to_bytes(const struct fuzz_case *c, uint8_t *bytes, size_t room)
{
    size_t size = HEAD_BYTES + (size_t)c->count * OPERATION_BYTES;
    if (size > room)
        return 0;
    memset(bytes, 0, HEAD_BYTES);
    for (unsigned i = 0, at = 0; i < SETTINGS; at += (unsigned)table[i].bytes, i++) {
        unsigned value = get(&c->settings, i);
        memcpy(bytes + at, &value, table[i].bytes);
    }
    bytes[12] = c->schedule.strategy == STRATEGY_STEPS ? 2 : c->schedule.strategy == STRATEGY_PCT;
    bytes[13] = (uint8_t)((c->schedule.rate - 1) % 64);
    memcpy(bytes + 14, &c->schedule.seed, 8);
    for (uint32_t i = 0; i < c->count; i++)
        memcpy(bytes + HEAD_BYTES + (size_t)i * OPERATION_BYTES, &c->operations[i], OPERATION_BYTES);
    return size;
}

/* ---- printing ---- */

static const char *shape_name(unsigned i)
{
    return fuzz_shapes[i].name;
}
static const char *figure_name(unsigned i)
{
    return figure_names[i];
}

static int print_operand(enum operand kind, unsigned value, char *text, size_t room)
{
    switch (kind) {
    case OPERAND_HANDLE: return snprintf(text, room, " h%u", value % FUZZ_HANDLES);
    case OPERAND_VALUE:
        return value == VALUE_NULL ? snprintf(text, room, " null") : snprintf(text, room, " h%u", value % FUZZ_HANDLES);
    case OPERAND_SHAPE: return snprintf(text, room, " %s", shape_name(value % SHAPES));
    case OPERAND_FIGURE: return snprintf(text, room, " %s", figure_name(value % FIGURES));
    case OPERAND_NUMBER: return snprintf(text, room, " %u", value);
    case OPERAND_ROOT: return snprintf(text, room, " r%u", value % FUZZ_ROOTS);
    case OPERAND_PLACE: return snprintf(text, room, " p%u", value % FUZZ_RETAINED);
    default: return 0;
    }
}

void fuzz_operation_print(const struct operation *o, char *text, size_t room)
{
    const struct operation_kind *kind = &fuzz_operations[o->code % fuzz_operation_kinds];
    const uint8_t values[] = {o->a, o->b, o->c};
    size_t used = (size_t)snprintf(text, room, "t%u %s", o->thread, kind->name);
    for (unsigned i = 0; i < 3 && used < room; i++)
        used += (size_t)print_operand(kind->operands[i], values[i], text + used, room - used);
}

static const char *const strategies[] = {"random", "pct", "switches", "steps"};

void fuzz_case_print(const struct fuzz_case *c, FILE *to)
{
    char text[120];
    for (unsigned i = 0; i < SETTINGS; i++)
        if (i == 0 || get(&c->settings, i) != table[i].least)
            fprintf(to, "%s %u\n", table[i].name, get(&c->settings, i));
    fprintf(to, "schedule %s rate %u seed %llu\n", strategies[c->schedule.strategy], c->schedule.rate,
            (unsigned long long)c->schedule.seed);
    if (c->schedule.strategy == STRATEGY_SWITCHES) {
        fprintf(to, "switches");
        for (uint32_t i = 0; i < c->schedule.switch_count; i++)
            fprintf(to, " %u:%u", c->schedule.switches[i].point, c->schedule.switches[i].actor);
        fprintf(to, "\n");
    }
    for (uint32_t i = 0; i < c->count; i++) {
        fuzz_operation_print(&c->operations[i], text, sizeof text);
        fprintf(to, "%s\n", text);
    }
}

/* ---- parsing ---- */

static int find_name(const char *word, const char *(*name)(unsigned), unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(word, name(i)) == 0)
            return (int)i;
    return -1;
}

static int number_in(const char *word, char prefix, unsigned count)
{
    char *end;
    if (prefix != 0 && *word++ != prefix)
        return -1;
    unsigned long value = strtoul(word, &end, 10);
    return end == word || *end != 0 || value >= count ? -1 : (int)value;
}

static int parse_operand(enum operand kind, const char *word)
{
    switch (kind) {
    case OPERAND_HANDLE: return number_in(word, 'h', FUZZ_HANDLES);
    case OPERAND_VALUE: return strcmp(word, "null") == 0 ? (int)VALUE_NULL : number_in(word, 'h', FUZZ_HANDLES);
    case OPERAND_SHAPE: return find_name(word, shape_name, SHAPES);
    case OPERAND_FIGURE: return find_name(word, figure_name, FIGURES);
    case OPERAND_NUMBER: return number_in(word, 0, 256);
    case OPERAND_ROOT: return number_in(word, 'r', FUZZ_ROOTS);
    case OPERAND_PLACE: return number_in(word, 'p', FUZZ_RETAINED);
    default: return -1;
    }
}

#define MOST_WORDS 6

static bool parse_operation(struct fuzz_case *c, char **words, unsigned count, char *complaint)
{
    int thread = number_in(words[0], 't', FUZZ_MUTATORS);
    unsigned code = 0;
    while (count > 1 && code < fuzz_operation_kinds && strcmp(words[1], fuzz_operations[code].name) != 0)
        code++;
    if (thread < 0 || count < 2 || code == fuzz_operation_kinds) {
        snprintf(complaint, 200, "unknown %s '%.40s'", thread < 0 ? "setting" : "operation",
                 words[count > 1 && thread >= 0]);
        return false;
    }
    if (c->count == FUZZ_OPERATIONS) {
        snprintf(complaint, 200, "more than %u operations", FUZZ_OPERATIONS);
        return false;
    }
    struct operation *o = &c->operations[c->count++];
    *o = (struct operation){.thread = (uint8_t)thread, .code = (uint8_t)code};
    uint8_t *values[] = {&o->a, &o->b, &o->c};
    for (unsigned i = 0; i < 3 && fuzz_operations[code].operands[i] != OPERAND_NONE; i++) {
        int value = i + 2 < count ? parse_operand(fuzz_operations[code].operands[i], words[i + 2]) : -1;
        if (value < 0) {
            snprintf(complaint, 200, "operand %u of '%s' is wrong", i + 1, words[1]);
            return false;
        }
        *values[i] = (uint8_t)value;
    }
    return true;
}

static bool parse_schedule(struct fuzz_case *c, char **words, unsigned count, char *complaint)
{
    struct schedule *s = &c->schedule;
    for (unsigned k = 0; count == 6 && k < sizeof strategies / sizeof strategies[0]; k++)
        if (strcmp(words[1], strategies[k]) == 0) {
            s->strategy = (enum strategy)k;
            s->rate = (uint32_t)strtoul(words[3], NULL, 10);
            s->seed = strtoull(words[5], NULL, 10);
            return true;
        }
    snprintf(complaint, 200, "the schedule is not 'NAME rate N seed N'");
    return false;
}

static bool parse_switches(struct fuzz_case *c, const char *text, char *complaint)
{
    struct schedule *s = &c->schedule;
    unsigned point, actor;
    int used;
    while (sscanf(text, " %u:%u%n", &point, &actor, &used) == 2 && s->switch_count < FUZZ_SWITCHES) {
        s->switches[s->switch_count++] = (struct fuzz_switch){point, (uint8_t)actor};
        text += used;
    }
    if (text[strspn(text, " ")] == 0)
        return true;
    snprintf(complaint, 200, "the switches are not POINT:ACTOR");
    return false;
}

static bool parse_line(struct fuzz_case *c, char *line, char *complaint)
{
    char *words[MOST_WORDS] = {NULL}, *rest = NULL;
    unsigned count = 0;
    if (line[0] == '#' || strncmp(line, "x-", 2) == 0)
        return true;
    if (strncmp(line, "switches", 8) == 0)
        return parse_switches(c, line + 8, complaint);
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL && count < MOST_WORDS;
         word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    if (count == 0)
        return true;
    if (strcmp(words[0], "schedule") == 0)
        return parse_schedule(c, words, count, complaint);
    for (unsigned i = 0; i < SETTINGS; i++)
        if (strcmp(words[0], table[i].name) == 0) {
            int value = count == 2 ? number_in(words[1], 0, table[i].most + 1) : -1;
            if (value < (int)table[i].least) {
                snprintf(complaint, 200, "%s must be a whole number from %u to %u", words[0], table[i].least,
                         table[i].most);
                return false;
            }
            set(&c->settings, i, (unsigned)value);
            return true;
        }
    return parse_operation(c, words, count, complaint);
}

bool fuzz_case_parse(struct fuzz_case *c, const char *text, char *complaint)
{
    memset(c, 0, sizeof *c);
    c->settings.threads = 1;
    c->schedule.rate = 1;
    char *copy = strdup(text), *rest = NULL;
    bool good = copy != NULL;
    unsigned number = 1;
    for (char *line = copy; good && line != NULL; line = rest, number++) {
        rest = strchr(line, '\n');
        if (rest != NULL)
            *rest++ = 0;
        char what[200];
        good = parse_line(c, line, what);
        if (!good)
            snprintf(complaint, 200, "line %u: %.150s", number, what);
    }
    free(copy);
    if (good)
        fuzz_case_normalise(c);
    return good;
}
