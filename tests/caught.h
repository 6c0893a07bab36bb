/* Shows that a wrong variant of the protocol is caught: its scenario runs in a child process twice, as designed,
 * where it must pass, and with the variant switched on, where it must end in the failure that is expected of it. */
#ifndef EDDY_TESTS_CAUGHT_H
#define EDDY_TESTS_CAUGHT_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lab.h"

#define CHILD_SECONDS 200
#define SANITIZER_EXIT 1 /* AddressSanitizer ended the child: it saw a use of what was freed */

enum verdict {
    PASSED = 0,
    NOT_SET_UP = 10, /* the scenario did not get to where the variant matters: an error of the test */
    FREED_LIVE,      /* a reachable object was freed */
    MISCOUNTED,      /* verification found a count that differs from the number of references */
    LEFT_GARBAGE,    /* what should have been reclaimed was not */
    MISUSE,          /* the collector met something impossible and called the misuse handler */
    TWO_OWNERS,      /* two threads had rights to an object that exclude each other */
    STARVED,         /* who asked for a right did not get it */
    VERDICTS
};

typedef enum verdict scenario_fn(void);

static inline const char *verdict_text(int verdict)
{
    static const char *const text[VERDICTS - NOT_SET_UP] = {[NOT_SET_UP - NOT_SET_UP] = "was not set up",
                                                            [FREED_LIVE - NOT_SET_UP] = "a live object was freed",
                                                            [MISCOUNTED - NOT_SET_UP] = "a count is wrong",
                                                            [LEFT_GARBAGE - NOT_SET_UP] = "garbage was left",
                                                            [MISUSE - NOT_SET_UP] = "the misuse handler was called",
                                                            [TWO_OWNERS - NOT_SET_UP] = "two threads had the right",
                                                            [STARVED - NOT_SET_UP] = "who asked did not get"};
    return verdict == PASSED                             ? "passed"
           : verdict >= NOT_SET_UP && verdict < VERDICTS ? text[verdict - NOT_SET_UP]
                                                         : "failed";
}

/* Ends the scenario, unless the condition holds, which its steps rely on. */
#define SET_UP(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            return NOT_SET_UP;                                                                                         \
        }                                                                                                              \
    } while (0)
/* Ends the scenario with a verdict, unless the condition holds. */
#define MUST(condition, verdict)                                                                                       \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return (verdict);                                                                                          \
    } while (0)

static inline void misuse_ends_child(const char *function, const char *what)
{
    fprintf(stderr, "misuse of %s: %s\n", function, what);
    _exit(MISUSE);
}

/* What waitpid says of a child in which the scenario ran. */
static inline int run_in_child(scenario_fn *scenario, enum eddy__mutant mutant)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(CHILD_SECONDS);
        eddy_set_misuse_handler(misuse_ends_child);
        eddy__mutant = (int)mutant;
        enum verdict verdict = scenario();
        fflush(NULL);
        _exit(verdict);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static inline void assert_verdict(int status, const char *what, enum verdict expected)
{
    if (WIFSIGNALED(status))
        fail_msg("%s: ended by signal %d", what, WTERMSIG(status));
    printf("%s: %s\n", what, verdict_text(WEXITSTATUS(status)));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static inline void assert_caught(scenario_fn *scenario, enum eddy__mutant mutant, const char *name, enum verdict expected)
{
    char what[80];
    snprintf(what, sizeof what, "%s, as designed", name);
    assert_verdict(run_in_child(scenario, MUTANT_NONE), what, PASSED);
    snprintf(what, sizeof what, "%s, wrong variant", name);
    int status = run_in_child(scenario, mutant);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != SANITIZER_EXIT)
        assert_verdict(status, what, expected);
}

/* A test that shows MUTANT_<name> to be caught by scenario <function>. */
#define CAUGHT(name, function, expected)                                                                               \
    static void test_##function(void **state)                                                                          \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        assert_caught(function, MUTANT_##name, #name, (expected));                                                     \
    }

#endif
