/* Forking the laboratory (lab.h) while its actors stand where they stand. */
#ifndef EDDY_TESTS_FORK_LAB_H
#define EDDY_TESTS_FORK_LAB_H

#include "tests/caught.h"

/* What a child, in which only the conductor is left, makes of the heap: what the root slots reach must live through
 * epochs and searches for cycles, and no count may be too low. Returns its verdict. */
static inline enum verdict fork_lab(void)
{
    fflush(NULL);
    eddy_fork_prepare(lab.heap);
    pid_t child = fork();
    if (child != 0) {
        eddy_fork_parent(lab.heap);
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
            return NOT_SET_UP;
        return (enum verdict)WEXITSTATUS(status);
    }
    alarm(CHILD_SECONDS);
    eddy_fork_child(lab.heap);
    lab.count = 0;
    enum verdict verdict = PASSED;
    for (unsigned i = 0; verdict == PASSED && i < 8; i++) {
        want_cycles();
        epoch_pass();
        if (!sound())
            verdict = FREED_LIVE;
    }
    if (verdict == PASSED && (!collect_all() || !verified()))
        verdict = MISCOUNTED;
    _exit(verdict);
}

#endif
