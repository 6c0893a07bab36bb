/* Worker processes: whatever a wrong heap does to them, the supervisor goes on, and finds in the shared memory what
 * they were doing. */
#include "tools/fuzz/fuzz.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_OUTCOME 40 /* the outcome is in the shared memory */
#define TRY_SECONDS 30u

struct shared *fuzz_shared;
bool fuzz_failures_abort;
const char *fuzz_where = "";

const char *fuzz_outcome_text(enum outcome outcome)
{
    static const char *const text[OUTCOMES] = {
        "passed",           "a live object was freed",        "an object was changed",         "a count is wrong",
        "garbage was left", "a function gave a wrong result", "the misuse handler was called", "the process crashed",
        "no end",           "a check at full speed failed"};
    return outcome < OUTCOMES ? text[outcome] : "?";
}

struct shared *fuzz_shared_new(void)
{
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED) {
        perror("eddy-fuzz: shared memory");
        exit(1);
    }
    return s;
}

_Noreturn void fuzz_fail(enum outcome outcome, const char *format, ...)
{
    static uint32_t failing;
    if (EDDY_EXCHANGE_ACQ_REL(&failing, 1) != 0)
        for (;;)
            pause(); /* one report is enough */
    va_list arguments;
    va_start(arguments, format);
    int used = snprintf(fuzz_shared->message, sizeof fuzz_shared->message, "%s", fuzz_where);
    vsnprintf(fuzz_shared->message + used, sizeof fuzz_shared->message - (size_t)used, format, arguments);
    va_end(arguments);
    fuzz_shared->outcome = outcome;
    fuzz_exit();
}

_Noreturn void fuzz_exit(void)
{
    if (fuzz_failures_abort) {
        fprintf(stderr, "eddy-fuzz: %s: %s\n", fuzz_outcome_text((enum outcome)fuzz_shared->outcome), fuzz_shared->message);
        abort();
    }
    _exit(EXIT_OUTCOME);
}

static enum outcome outcome_of(struct shared *shared, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return OUTCOME_PASSED;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OUTCOME)
        return (enum outcome)shared->outcome;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        snprintf(shared->message, sizeof shared->message, FUZZ_NO_PROGRESS);
        return OUTCOME_HANG;
    }
    if (WIFSIGNALED(status))
        snprintf(shared->message, sizeof shared->message, "signal %d", WTERMSIG(status));
    else
        snprintf(shared->message, sizeof shared->message, "exit status %d: what a sanitizer says is above",
                 WEXITSTATUS(status));
    return OUTCOME_CRASH;
}

pid_t fuzz_fork(struct shared *shared, void (*body)(void *context), void *context, int cpu, unsigned seconds)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("eddy-fuzz: fork");
        exit(1);
    }
    if (child != 0)
        return child;
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        sched_setaffinity(0, sizeof set, &set); /* turns pass faster on one core; else no harm */
    }
    signal(SIGINT, SIG_DFL);
    alarm(seconds);
    fuzz_shared = shared;
    shared->outcome = OUTCOME_PASSED;
    shared->message[0] = 0;
    body(context);
    fflush(NULL);
    _exit(0);
}

enum outcome fuzz_await(struct shared *shared, pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            exit(1);
    return outcome_of(shared, status);
}

bool fuzz_poll(struct shared *shared, pid_t child, enum outcome *outcome)
{
    int status;
    if (waitpid(child, &status, WNOHANG) != child)
        return false;
    *outcome = outcome_of(shared, status);
    return true;
}

static void run_case(void *context)
{
    fuzz_run(context);
}

enum outcome fuzz_try(struct shared *shared, const struct fuzz_case *c)
{
    return fuzz_await(shared, fuzz_fork(shared, run_case, (void *)(uintptr_t)c,
                                        (int)(getpid() % sysconf(_SC_NPROCESSORS_ONLN)), TRY_SECONDS));
}
