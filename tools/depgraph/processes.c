/* Runs in child processes: see processes.h. */
#include "processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "util.h"

struct run_result *processes_results(unsigned count)
{
    void *memory =
        mmap(NULL, count * sizeof(struct run_result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, PROGRAM ": out of memory for the results\n");
        exit(NO_MEMORY);
    }
    return memory;
}

/* The part of `whole` that process `index` of `count` gets. */
static unsigned share(unsigned whole, unsigned count, unsigned index)
{
    unsigned part = whole / count + (index < whole % count);
    return part > 0 || whole == 0 ? part : 1;
}

/* Tells the parent that the graph stands, and waits for the end of the pipe from which nothing comes. */
static void wait_for_others(int ready, int go)
{
    char byte = 0;
    if (write(ready, &byte, 1) != 1)
        exit(FAILED);
    close(ready);
    while (read(go, &byte, 1) < 0 && errno == EINTR)
        continue;
    close(go);
}

static int child_main(const struct options *options, bool quiet, struct run_result *result, int ready, int go)
{
    struct run run = {.options = options, .quiet = quiet, .result = result};
    int code = run_load(&run);
    if (code == DONE) {
        wait_for_others(ready, go);
        code = run_live(&run);
    }
    if (code == DONE)
        code = run_settle(&run);
    run_end(&run);
    fflush(stdout);
    return code;
}

/* Waits until all children are ready, or have ended. */
static void wait_until_ready(int ready, unsigned count)
{
    char byte;
    while (count > 0) {
        ssize_t got = read(ready, &byte, 1);
        if (got == 0 || (got < 0 && errno != EINTR))
            return;
        count -= got > 0;
    }
}

/* A child's exit code; one that was killed counts as failed. */
static int wait_for_child(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return FAILED;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, PROGRAM ": a process was ended by signal %d\n", WTERMSIG(status));
    return FAILED;
}

int processes_run(const struct options *options, unsigned count, bool quiet, struct run_result *results)
{
    int ready[2], go[2];
    pid_t children[PROCESSES_MAX];
    if (pipe(ready) != 0 || pipe(go) != 0) {
        fprintf(stderr, PROGRAM ": no pipe to the processes: %s\n", strerror(errno));
        return FAILED;
    }
    fflush(stdout);
    unsigned started = 0;
    for (; started < count; started++) {
        struct options own = *options;
        own.readers = share(options->readers, count, started);
        own.writers = share(options->writers, count, started);
        children[started] = fork();
        if (children[started] < 0) {
            fprintf(stderr, PROGRAM ": cannot start a process: %s\n", strerror(errno));
            break;
        }
        if (children[started] == 0) {
            close(ready[0]);
            close(go[1]);
            exit(child_main(&own, quiet || started > 0, &results[started], ready[1], go[0]));
        }
    }
    close(ready[1]);
    close(go[0]);
    wait_until_ready(ready[0], started);
    close(go[1]); /* all begin */
    int worst = started == count ? DONE : FAILED;
    for (unsigned i = 0; i < started; i++) {
        int code = wait_for_child(children[i]);
        worst = code > worst ? code : worst;
    }
    close(ready[0]);
    return worst;
}
