/* The fuzzer (tools/fuzz/) on cases that are fixed: they run the same each time, event by event; text and bytes give
 * back the case that they were made of; what is known to have gone wrong once (tests/corpus/) goes well; some wrong
 * variants are found, and by the right oracle. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/fuzz/fuzz.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(EDDY_STRESS)
#define CASES 20u
#else
#define CASES 150u
#endif

static struct shared *shared;

static int set_up(void **state)
{
    (void)state;
    shared = fuzz_shared_new();
    return 0;
}

static void assert_case_passes(const char *text)
{
    static struct fuzz_case c;
    char complaint[200];
    if (!fuzz_case_parse(&c, text, complaint))
        fail_msg("%s", complaint);
    enum outcome outcome = fuzz_try(shared, &c);
    if (outcome != OUTCOME_PASSED)
        fail_msg("%s: %s", fuzz_outcome_text(outcome), shared->message);
}

/* ---- the same case, the same run ---- */

static void run_others_and_again(void *context)
{
    static struct fuzz_case other;
    const struct fuzz_case *c = context;
    uint64_t *hashes = (uint64_t *)(void *)fuzz_shared->enabled;
    fuzz_run(c);
    uint64_t first = fuzz_shared->hash;
    fuzz_generate(&other, fuzz_shared->seed + 77);
    fuzz_run(&other);
    fuzz_run(c);
    uint64_t second = fuzz_shared->hash;
    hashes[0] = first;
    hashes[1] = second;
}

static void test_runs_are_repeatable(void **state)
{
    static struct fuzz_case c;
    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        fuzz_generate(&c, seed);
        shared->seed = seed;
        assert_int_equal(fuzz_await(shared, fuzz_fork(shared, run_others_and_again, &c, -1, 100)), OUTCOME_PASSED);
        uint64_t hashes[2];
        memcpy(hashes, shared->enabled, sizeof hashes);
        if (hashes[0] != hashes[1])
            fail_msg("seed %llu runs otherwise after another case", (unsigned long long)seed);
        assert_int_equal(fuzz_try(shared, &c), OUTCOME_PASSED);
        if (shared->hash != hashes[0])
            fail_msg("seed %llu runs otherwise in another process", (unsigned long long)seed);
    }
}

/* ---- text and bytes ---- */

static void assert_same_case(const struct fuzz_case *a, const struct fuzz_case *b)
{
    assert_memory_equal(&a->settings, &b->settings, sizeof a->settings);
    assert_int_equal(a->schedule.strategy, b->schedule.strategy);
    assert_int_equal(a->schedule.rate, b->schedule.rate);
    assert_int_equal(a->schedule.seed, b->schedule.seed);
    assert_int_equal(a->count, b->count);
}

static char *text_of(const struct fuzz_case *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fuzz_case_print(c, stream);
    fclose(stream);
    return text;
}

static void test_text_and_bytes(void **state)
{
    static struct fuzz_case c, again;
    static uint8_t bytes[1 << 13];
    char complaint[200];
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        fuzz_generate(&c, seed);
        char *text = text_of(&c);
        assert_true(fuzz_case_parse(&again, text, complaint));
        assert_same_case(&c, &again);
        char *second = text_of(&again);
        assert_string_equal(text, second);
        size_t size = fuzz_case_to_bytes(&c, bytes, sizeof bytes);
        assert_true(size > 0);
        fuzz_case_from_bytes(&again, bytes, size);
        assert_same_case(&c, &again);
        assert_memory_equal(c.operations, again.operations, c.count * sizeof c.operations[0]);
        free(second);
        free(text);
    }
    assert_false(fuzz_case_parse(&c, "threads 1\nt0 frobnicate h1\n", complaint));
    assert_string_equal(complaint, "line 2: unknown operation 'frobnicate'");
    assert_false(fuzz_case_parse(&c, "threads 9\n", complaint));
    assert_string_equal(complaint, "line 1: threads must be a whole number from 1 to 4");
    assert_false(fuzz_case_parse(&c, "t0 store h1 2 r3\n", complaint));
    assert_string_equal(complaint, "line 1: operand 3 of 'store' is wrong");
}

/* ---- what went wrong once ---- */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    assert_non_null(file);
    *size = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    return text;
}

static void test_corpus(void **state)
{
    static struct fuzz_case c;
    (void)state;
    DIR *directory = opendir(CORPUS);
    unsigned cases = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char path[1024];
        size_t size;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", CORPUS, entry->d_name);
        char *text = read_file(path, &size);
        if (strstr(entry->d_name, ".case") != NULL) {
            assert_case_passes(text);
        } else {
            fuzz_case_from_bytes(&c, (const uint8_t *)text, size);
            enum outcome outcome = fuzz_try(shared, &c);
            if (outcome != OUTCOME_PASSED)
                fail_msg("%s: %s: %s", path, fuzz_outcome_text(outcome), shared->message);
        }
        free(text);
        cases++;
    }
    closedir(directory);
    assert_true(cases >= 4);
}

/* What is rarely met at random: a case of the corpus fails with the wrong variant that it was made for; as it was recorded, or,
 * since any change of the heap moves its points, under another schedule. */
static const struct {
    const char *name;
    enum eddy__mutant mutant;
} made_for[] = {
    {"finalizers_of_a_cycle", MUTANT_FINALIZERS_MIXED},
    {"array_grown_while_private", MUTANT_GROW_PRIVATE},
#ifndef EDDY_STRESS /* which has few interleavings */
    {"pin_of_a_private_object", MUTANT_PIN_PRIVATE},
    {"fiber_offered_with_private_objects", MUTANT_OFFER_CURRENT},
    {"finalized_cycle_with_weak_cells", MUTANT_FINALIZE_EARLY},
    {"weak_cells_of_a_cycle", MUTANT_WEAK_EACH},
    {"weak_load_before_the_tests", MUTANT_WEAK_NO_WINDOW},
    {"weak_rescue_too_late", MUTANT_WEAK_LATE_PUSH},
    {"frontier_freed_meanwhile", MUTANT_FRONTIER_BLIND},
    {"mark_of_a_freed_cell", MUTANT_MARK_STAYS},
#endif
};

static struct fuzz_case found;

static void try_schedules(void *context)
{
    (void)context;
    fuzz_run(&found);
    found.schedule.strategy = STRATEGY_RANDOM;
    for (found.schedule.seed = 1; found.schedule.seed < 100000; found.schedule.seed++) {
        found.schedule.rate = 1u << found.schedule.seed % 5;
        fuzz_run(&found);
    }
}

static void test_corpus_finds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof made_for / sizeof made_for[0]; i++) {
        char path[1024], complaint[200];
        size_t size;
        snprintf(path, sizeof path, "%s/%s.case", CORPUS, made_for[i].name);
        char *text = read_file(path, &size);
        assert_true(fuzz_case_parse(&found, text, complaint));
        free(text);
        eddy__mutant = (int)made_for[i].mutant;
        enum outcome outcome = fuzz_await(shared, fuzz_fork(shared, try_schedules, NULL, -1, 100));
        eddy__mutant = MUTANT_NONE;
        printf("%s: %s: %s, schedule %llu\n", made_for[i].name, fuzz_outcome_text(outcome), shared->message,
               (unsigned long long)shared->current.schedule.seed);
        assert_int_not_equal(outcome, OUTCOME_PASSED);
        assert_int_not_equal(outcome, OUTCOME_HANG);
    }
}

/* ---- the oracles ---- */

#define ANY_STRATEGY NULL

static void hunt(void *context)
{
    static struct fuzz_case c;
    const enum strategy *strategy = context;
    for (uint64_t seed = 1; seed < 3000; seed++) {
        fuzz_generate(&c, seed);
        if (strategy != ANY_STRATEGY) {
            c.schedule.strategy = *strategy;
            c.schedule.rate = 1 + (uint32_t)(seed % 4);
        }
        fuzz_run(&c);
    }
}

static void assert_found_by(enum eddy__mutant mutant, unsigned outcomes, enum strategy *strategy)
{
    eddy__mutant = (int)mutant;
    enum outcome outcome = fuzz_await(shared, fuzz_fork(shared, hunt, strategy, -1, 250));
    eddy__mutant = MUTANT_NONE;
    printf("wrong variant %d: %s: %s\n", mutant, fuzz_outcome_text(outcome), shared->message);
    assert_true((outcomes >> outcome & 1) != 0);
}

static void assert_found(enum eddy__mutant mutant, unsigned outcomes)
{
    assert_found_by(mutant, outcomes, ANY_STRATEGY);
}

/* A bug that takes two threads, and one that takes a search and a thread. */
static void test_each_strategy_finds(void **state)
{
    (void)state;
    for (enum strategy strategy = STRATEGY_RANDOM; strategy <= STRATEGY_STEPS; strategy++) {
        if (strategy == STRATEGY_SWITCHES)
            continue;
        assert_found_by(MUTANT_DEC_NOW, ~1u, &strategy);
        assert_found_by(MUTANT_NO_SIGMA, ~1u, &strategy);
    }
}

/* A store that comes too late is seen too late, on any machine. */
static void test_weakened_orders_are_found(void **state)
{
    (void)state;
    assert_found(MUTANT_LATE_ENTRY, ~1u);
    assert_found(MUTANT_LATE_HEADER, ~1u);
}

static void test_wrong_variants_are_found(void **state)
{
    (void)state;
    const unsigned lost = 1u << OUTCOME_FREED_LIVE | 1u << OUTCOME_CHANGED | 1u << OUTCOME_MISUSE | 1u << OUTCOME_CRASH;
    const unsigned counts = 1u << OUTCOME_MISCOUNTED | 1u << OUTCOME_GARBAGE | lost;
    assert_found(MUTANT_SWEEP_EARLY, lost);
    assert_found(MUTANT_DEC_NOW, lost);
    assert_found(MUTANT_STORE_NO_DEC, counts);
    assert_found(MUTANT_ROOTS_NOT_UNCOUNTED, counts);
    assert_found(MUTANT_DISCOVER_SKIPS, counts);
    assert_found(MUTANT_SCAN_SKIPS, counts);
#ifndef EDDY_STRESS /* which has few interleavings, and takes its time */
    assert_found(MUTANT_WEAK_SEEN_EVER, lost | 1u << OUTCOME_WRONG);
    assert_found(MUTANT_EDGE_UNRELEASED, counts);
    assert_found(MUTANT_RANGE_BLIND, lost);
    assert_found(MUTANT_FIBER_BLIND, lost);
    assert_found(MUTANT_RESIZE_SHORT, lost);
    assert_found(MUTANT_EXTERNAL_KEPT, counts);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_bytes),
        cmocka_unit_test(test_runs_are_repeatable),
        cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_corpus_finds),
        cmocka_unit_test(test_wrong_variants_are_found),
        cmocka_unit_test(test_each_strategy_finds),
        cmocka_unit_test(test_weakened_orders_are_found),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
