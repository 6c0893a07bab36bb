/* What the test programs share: heaps of a modest size, a type of nodes, handles, and how threads other
 * than the main one report failures (cmocka's assertions work on the main thread only). */
#ifndef EDDY_TESTS_SUPPORT_H
#define EDDY_TESTS_SUPPORT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "eddy/eddy.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SUPPORT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SUPPORT_SANITIZED 1
#endif
#endif

/* `full` in plain builds; fewer where every step costs ten times as much. */
#if defined(SUPPORT_SANITIZED) || defined(EDDY_STRESS)
#define SUPPORT_SCALE(full, slow) (slow)
#else
#define SUPPORT_SCALE(full, slow) (full)
#endif

#define MIB ((size_t)1 << 20)

/* ---- failures on any thread ---- */

static int support_failures;

static inline void support_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    EDDY_ADD_SEQ_CST(&support_failures, 1);
}

/* Any thread: notes a failure, goes on. */
#define CHECK(condition) ((condition) ? (void)0 : support_fail(#condition, __FILE__, __LINE__))

/* Main thread, after the others have been joined. */
static inline void assert_checks_passed(void)
{
    assert_int_equal(EDDY_LOAD_SEQ_CST(&support_failures), 0);
}

/* ---- waiting for a condition, never for a time ---- */

static inline time_t support_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static inline void support_nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

#define WAIT_MOST_SECONDS 200

/* Any thread: evaluates `condition` until it holds; a condition that never does is a failure. */
#define WAIT_UNTIL(condition)                                                                                          \
    for (time_t support_begun = support_seconds(); !(condition); support_nap())                                        \
        if (support_seconds() - support_begun > WAIT_MOST_SECONDS) {                                                   \
            support_fail("never came true: " #condition, __FILE__, __LINE__);                                          \
            abort();                                                                                                   \
        }

/* ---- random numbers (xorshift; Marsaglia, "Xorshift RNGs", J. Stat. Software 8, 2003) ---- */

static inline uint64_t support_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A seed from the environment (EDDY_SEED), else from the clock; printed, so that a failure can be repeated. */
static inline uint64_t support_seed(const char *test)
{
    const char *given = getenv("EDDY_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)now.tv_nsec * 2654435761u + (uint64_t)now.tv_sec;
    seed |= 1;
    printf("%s: EDDY_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}

/* ---- running ---- */

/* All tests of a program, or those whose names match the pattern in the environment (EDDY_TEST). */
#define RUN_TESTS(name, tests)                                                                                         \
    (cmocka_set_test_filter(getenv("EDDY_TEST")), cmocka_run_group_tests_name(name, tests, NULL, NULL))

/* ---- heaps ---- */

struct node {
    struct node *left, *right;
    uint64_t value;
};

/* A heap with the calling thread attached. */
struct world {
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *node;
};

static inline eddy_config support_config(unsigned flags)
{
    eddy_config config;
    eddy_config_init(&config);
    config.reserve_bytes = (size_t)1 << 30;
    config.flags = flags;
    return config;
}

static inline const eddy_type *support_node_type(eddy_heap *heap)
{
    const size_t offsets[] = {offsetof(struct node, left), offsetof(struct node, right)};
    const eddy_type_desc desc = {.name = "node", .size = sizeof(struct node), .ref_offsets = offsets, .ref_count = 2};
    const eddy_type *type = NULL;
    CHECK(eddy_type_register(heap, &desc, &type) == EDDY_OK);
    return type;
}

static inline struct world world_open_with(const eddy_config *config)
{
    struct world w = {0};
    assert_int_equal(eddy_heap_create(config, &w.heap), EDDY_OK);
    assert_int_equal(eddy_thread_attach(w.heap, &w.t), EDDY_OK);
    w.node = support_node_type(w.heap);
    return w;
}

static inline struct world world_open(unsigned flags)
{
    const eddy_config config = support_config(flags);
    return world_open_with(&config);
}

static inline void world_close(struct world *w)
{
    if (w->t != NULL)
        assert_int_equal(eddy_thread_detach(w->t), EDDY_OK);
    assert_int_equal(eddy_heap_destroy(w->heap), EDDY_OK);
}

static inline struct node *node_new(const struct world *w)
{
    struct node *n = eddy_alloc(w->t, w->node);
    if (n == NULL)
        support_fail("allocation failed", __FILE__, __LINE__);
    return n;
}

static inline eddy_stats world_stats(const struct world *w)
{
    eddy_stats stats;
    eddy_heap_stats(w->heap, &stats);
    return stats;
}

/* Objects that are alive after a collection: exact on heaps with precise roots. */
static inline uint64_t live_after_collect(const struct world *w)
{
    assert_int_equal(eddy_collect(w->t, 0, NULL), EDDY_OK);
    return world_stats(w).live_objects;
}

/* One epoch each, on manual heaps. */
static inline void world_step(const struct world *w, unsigned epochs)
{
    for (unsigned i = 0; i < epochs; i++)
        assert_int_equal(eddy_collector_step(w->t), EDDY_OK);
}

static inline void assert_verifies(const struct world *w)
{
    eddy_verify_report report;
    eddy_status status = eddy_verify(w->t, 0, &report);
    if (status != EDDY_OK)
        print_error("eddy_verify: %s; %s\n", eddy_status_text(status), report.message);
    assert_int_equal(status, EDDY_OK);
}

/* ---- handles: a frame of `n` slots named `roots` ---- */

#define ROOTS_PUSH(thread, n)                                                                                          \
    void *roots[n] = {NULL};                                                                                           \
    eddy_frame roots_frame;                                                                                            \
    eddy_frame_push((thread), &roots_frame, roots, (n))
#define ROOTS_POP(thread) eddy_frame_pop((thread), &roots_frame)

/* Stores into a slot of an eddy_array. */
static inline void array_put(eddy_thread *t, eddy_array *array, size_t i, void *value)
{
    eddy_store(t, array, &array->slots[i], value);
}

/* ---- misuse: the handler returns to where CATCH_MISUSE stands ---- */

/* gcc warns of inlined code's variables, none of which is used after the jump. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

static jmp_buf support_misuse_jump;
static char support_misuse_text[256];

static inline void support_misuse(const char *function, const char *what)
{
    snprintf(support_misuse_text, sizeof support_misuse_text, "%s: %s", function, what);
    longjmp(support_misuse_jump, 1);
}

/* Runs `statement`; `text` is then what the misuse handler was told ("" if it was not called). */
#define CATCH_MISUSE(statement, text)                                                                                  \
    do {                                                                                                               \
        eddy_misuse_fn *support_handler = eddy_set_misuse_handler(support_misuse);                                     \
        support_misuse_text[0] = 0;                                                                                    \
        if (setjmp(support_misuse_jump) == 0) {                                                                        \
            statement;                                                                                                 \
        }                                                                                                              \
        eddy_set_misuse_handler(support_handler);                                                                      \
        (text) = support_misuse_text;                                                                                  \
    } while (0)

#endif
