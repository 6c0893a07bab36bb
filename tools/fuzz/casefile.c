/* Failure files: text, self-contained. Lines that begin with "x-" tell what the failure was; the rest is the case, as
 * program.c reads it. An input of libFuzzer's is read, too. */
#include "tools/fuzz/options.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MOST ((size_t)1 << 20)

double fuzz_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void failure_take(struct failure *f, const struct shared *shared, enum outcome outcome)
{
    *f = (struct failure){.c = shared->current,
                          .outcome = outcome,
                          .mutant = (unsigned)eddy__mutant,
                          .free_running = shared->free_running,
                          .seed = shared->seed};
    memcpy(f->message, shared->message, sizeof f->message);
    if (f->free_running)
        return;
    f->c.schedule.strategy = STRATEGY_SWITCHES;
    f->c.schedule.switch_count = shared->switch_count;
    memcpy(f->c.schedule.switches, shared->switches, sizeof shared->switches);
    /* a longer schedule than a file holds: from its seed */
    if (shared->switch_count >= FUZZ_SWITCHES || outcome == OUTCOME_HANG)
        f->c.schedule = shared->current.schedule;
}

bool failure_save(const struct failure *f, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "eddy-fuzz: cannot write %s: ", path);
        perror(NULL);
        return false;
    }
    fprintf(file, "# A failure that eddy-fuzz has found; eddy-fuzz replay FILE repeats it%s.\n",
            f->free_running ? ", if the threads meet again" : ", eddy-fuzz shrink FILE makes it small");
    fprintf(file, "x-outcome %u %s: %s\n", f->outcome, fuzz_outcome_text(f->outcome), f->message);
    if (f->mutant != 0)
        fprintf(file, "x-mutant %s\n", mutant_name(f->mutant));
    if (f->free_running)
        fprintf(file, "x-free %llu\n", (unsigned long long)f->seed);
    else
        fuzz_case_print(&f->c, file);
    return fclose(file) == 0;
}

/* Ends with a zero behind its `size` bytes. */
static char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, FILE_MOST + 1);
    *size = file != NULL && text != NULL ? fread(text, 1, FILE_MOST, file) : 0;
    if (*size == 0) {
        fprintf(stderr, "eddy-fuzz: cannot read %s: ", path);
        perror(NULL);
        free(text);
        text = NULL;
    }
    if (file != NULL)
        fclose(file);
    return text;
}

static const char *line_of(const char *text, const char *key)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, strlen(key)) == 0)
            return line + strlen(key);
    }
    return NULL;
}

/* An input of libFuzzer's has bytes that no text has. */
static bool is_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ' && memchr("\t\r\n", text[i], 3) == NULL)
            return false;
    return true;
}

bool failure_load(struct failure *f, const char *path)
{
    size_t size;
    char *text = read_all(path, &size), complaint[200], name[40];
    if (text == NULL)
        return false;
    memset(f, 0, sizeof *f);
    if (!is_text(text, size)) {
        fuzz_case_from_bytes(&f->c, (const uint8_t *)text, size);
        free(text);
        return true;
    }
    bool good = fuzz_case_parse(&f->c, text, complaint);
    const char *outcome = line_of(text, "x-outcome "), *mutant = line_of(text, "x-mutant "),
               *seed = line_of(text, "x-free ");
    if (good && mutant != NULL && sscanf(mutant, "%39s", name) == 1 && (f->mutant = mutant_named(name)) == MUTANT_COUNT) {
        snprintf(complaint, sizeof complaint, "there is no deliberate bug '%s'", name);
        good = false;
    }
    f->outcome = outcome != NULL ? (enum outcome)strtoul(outcome, NULL, 10) : OUTCOME_PASSED;
    f->free_running = seed != NULL;
    f->seed = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    if (!good)
        fprintf(stderr, "eddy-fuzz: %s: %s\n", path, complaint);
    free(text);
    return good;
}

static void run_free(void *context)
{
    const struct failure *f = context;
    free_run(f->seed, 1, 20, 0);
}

enum outcome failure_replay(const struct failure *f, struct shared *shared)
{
    eddy__mutant = (int)f->mutant;
    if (!f->free_running)
        return fuzz_try(shared, &f->c);
    return fuzz_await(shared, fuzz_fork(shared, run_free, (void *)(uintptr_t)f, -1, 200));
}

int command_replay(const struct options *o)
{
    static struct failure f;
    struct shared *shared = fuzz_shared_new();
    if (!failure_load(&f, o->file))
        return 2;
    if (o->mutant_given)
        f.mutant = o->mutant;
    enum outcome outcome = failure_replay(&f, shared);
    if (o->trace != NULL && !fuzz_trace_write(shared, o->trace))
        return 2;
    printf("%s%s%s\n", fuzz_outcome_text(outcome), shared->message[0] != 0 ? ": " : "", shared->message);
    if (f.outcome != OUTCOME_PASSED && outcome != f.outcome)
        printf("(the file says: %s)\n", fuzz_outcome_text(f.outcome));
    return outcome == OUTCOME_PASSED ? 0 : 1;
}
