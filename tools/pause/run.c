/* The command "run": a workload of eddy-bench, or any program linked with Eddy, as a child process with EDDY_RECORD in
 * its environment, and a control thread in this one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis.h"
#include "control.h"

struct run {
    const char *output;
    unsigned runs, control_percent;
    bool quiet;
    char **command; /* of the child */
    bool workload;  /* of eddy-bench: its own report is not shown */
};

/* ---- the command line ---- */

static const char *bench_program(void)
{
    static char path[4200];
    const char *given = getenv("EDDY_BENCH");
    if (given != NULL && *given != 0)
        return given;
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = 0;
    snprintf(path, sizeof path, "%s/../bench/eddy-bench", self);
    if (access(path, X_OK) != 0)
        snprintf(path, sizeof path, "%s/eddy-bench", self);
    if (access(path, X_OK) != 0)
        fatal("there is no eddy-bench beside this program; set EDDY_BENCH to its path");
    return path;
}

static struct run parse(int argc, char **argv)
{
    enum { OUTPUT = 'o', RUNS = 256, CONTROL, QUIET };
    static const struct option table[] = {{"output", required_argument, NULL, OUTPUT},
                                          {"runs", required_argument, NULL, RUNS},
                                          {"control-percent", required_argument, NULL, CONTROL},
                                          {"quiet", no_argument, NULL, QUIET},
                                          {0}};
    struct run run = {.output = "eddy-pause.rec", .runs = 1, .control_percent = 20};
    int option;
    while ((option = next_option(argc, argv, "+:o:", table)) != -1) {
        if (option == OUTPUT)
            run.output = optarg;
        else if (option == RUNS)
            run.runs = (unsigned)number_of("--runs", optarg, 1, 1000);
        else if (option == CONTROL)
            run.control_percent = (unsigned)number_of("--control-percent", optarg, 0, 100);
        else
            run.quiet = true;
    }
    if (optind == argc)
        usage_error("run what? A workload of eddy-bench (eddy-bench list shows them), or -- COMMAND");
    run.workload = strcmp(argv[optind - 1], "--") != 0;
    if (!run.workload) {
        run.command = argv + optind;
        return run;
    }
    size_t count = (size_t)(argc - optind);
    run.command = need(calloc(count + 3, sizeof *run.command));
    run.command[0] = need(strdup(bench_program()));
    run.command[1] = "run";
    memcpy(run.command + 2, argv + optind, count * sizeof *argv);
    return run;
}

/* ---- the child ---- */

static pid_t start(const struct run *run, const char *directory)
{
    int status[2];
    if (pipe2(status, O_CLOEXEC) != 0)
        fatal("cannot make a pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        fatal("cannot start a process: %s", strerror(errno));
    if (child == 0) {
        char path[4210];
        snprintf(path, sizeof path, "%s/%%p", directory);
        setenv("EDDY_RECORD", path, 1);
        if (run->workload) {
            int null = open("/dev/null", O_WRONLY);
            dup2(null, STDOUT_FILENO);
        }
        execvp(run->command[0], run->command);
        int error = errno;
        ssize_t ignored = write(status[1], &error, sizeof error);
        (void)ignored;
        _exit(127);
    }
    close(status[1]);
    int error = 0;
    ssize_t got = read(status[0], &error, sizeof error);
    close(status[0]);
    if (got == (ssize_t)sizeof error) {
        waitpid(child, NULL, 0);
        rmdir(directory);
        fatal("cannot run %s: %s", run->command[0], strerror(error));
    }
    return child;
}

/* Calls `visit` for each file of a directory. */
static void each_file(const char *directory, void (*visit)(void *context, const char *path, uint64_t bytes), void *context)
{
    DIR *files = opendir(directory);
    for (struct dirent *file; files != NULL && (file = readdir(files)) != NULL;) {
        char path[4400];
        struct stat status;
        snprintf(path, sizeof path, "%s/%s", directory, file->d_name);
        if (file->d_name[0] != '.' && stat(path, &status) == 0)
            visit(context, path, (uint64_t)status.st_size);
    }
    if (files != NULL)
        closedir(files);
}

static void sum_bytes(void *context, const char *path, uint64_t bytes)
{
    (void)path;
    *(uint64_t *)context += bytes;
}

static int await(pid_t child, const char *directory, bool quiet)
{
    bool shown = isatty(STDERR_FILENO) && !quiet;
    uint64_t begun = now_ns();
    int status;
    for (unsigned i = 1;; i++) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            break;
        if (ended < 0 && errno != EINTR)
            fatal("cannot wait for the process: %s", strerror(errno));
        usleep(i < 20 ? 5000 : 50000);
        if (shown && i % 10 == 0) {
            uint64_t bytes = 0;
            char text[24];
            each_file(directory, sum_bytes, &bytes);
            fprintf(stderr, "\r%.1f s, %s recorded ", (double)(now_ns() - begun) * 1e-9,
                    show_bytes((double)bytes, text, sizeof text));
        }
    }
    if (shown)
        fputs("\r                                        \r", stderr);
    return status;
}

/* ---- its recordings ---- */

struct found {
    char *paths[64];
    uint64_t bytes[64];
    size_t count;
};

static void note_file(void *context, const char *path, uint64_t bytes)
{
    struct found *found = context;
    if (found->count == 64)
        return;
    size_t i = found->count++;
    for (; i > 0 && found->bytes[i - 1] < bytes; i--) { /* the largest first */
        found->paths[i] = found->paths[i - 1];
        found->bytes[i] = found->bytes[i - 1];
    }
    found->paths[i] = need(strdup(path));
    found->bytes[i] = bytes;
}

/* The words of a command, as far as there is room. */
static void join(char **words, char *text, size_t room)
{
    text[0] = 0;
    for (; *words != NULL; words++)
        snprintf(text + strlen(text), room - strlen(text), "%s%s", text[0] ? " " : "", *words);
}

static void describe(const struct run *run, struct addition *addition, int status, unsigned number)
{
    char command[1024], title[256];
    join(run->command, command, sizeof command);
    if (run->workload)
        join(run->command + 2, title, sizeof title);
    else
        snprintf(title, sizeof title, "%.255s", command);
    addition_note(addition, "title", "%s", title);
    addition_note(addition, "command", "%s", command);
    addition_note(addition, "exit_status", "%d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    addition_note(addition, "run", "%u", number);
    addition_note(addition, "processors", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
}

/* Where the recording of run `number` goes; heap 1 is the one with the largest recording. */
static const char *output_path(const struct run *run, unsigned number, size_t heap, char *path, size_t room)
{
    char runs[16] = "", heaps[32] = "";
    if (run->runs > 1)
        snprintf(runs, sizeof runs, ".%u", number);
    if (heap > 1)
        snprintf(heaps, sizeof heaps, ".heap%zu", heap);
    snprintf(path, room, "%s%s%s", run->output, runs, heaps);
    return path;
}

static void collect(const struct run *run, const char *directory, struct control *control, int status, unsigned number)
{
    struct found found = {.count = 0};
    each_file(directory, note_file, &found);
    for (size_t i = 0; i < found.count; i++) {
        char path[4200];
        output_path(run, number, i + 1, path, sizeof path);
        struct addition addition;
        if (i == 0) {
            addition_begin(&addition, found.paths[0]);
            describe(run, &addition, status, number);
            if (control != NULL)
                control_stop(control, &addition);
            addition_end(&addition);
        }
        if (rename(found.paths[i], path) != 0)
            fatal("cannot write %s: %s", path, strerror(errno));
        free(found.paths[i]);
    }
    rmdir(directory);
    if (found.count == 0) {
        if (control != NULL)
            control_drop(control);
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            fatal("%s failed with exit status %d before it made a heap", run->command[0], WEXITSTATUS(status));
        fatal("%s recorded nothing: is it linked with Eddy%s?", run->command[0],
              run->workload ? " (engine eddy or eddy-precise)" : "");
    }
    if (found.count > 1 && !run->quiet)
        fprintf(stderr, "eddy-pause: %zu heaps; the table is about the one with the longest recording\n", found.count);
}

static bool run_once(const struct run *run, unsigned number)
{
    char directory[4200], path[4200];
    snprintf(directory, sizeof directory, "%s.XXXXXX", run->output);
    if (mkdtemp(directory) == NULL)
        fatal("cannot write %s: %s", run->output, strerror(errno));
    struct control *control = run->control_percent != 0 ? control_start(run->control_percent) : NULL;
    pid_t child = start(run, directory);
    int status = await(child, directory, run->quiet);
    collect(run, directory, control, status, number);
    output_path(run, number, 1, path, sizeof path);
    if (!run->quiet) {
        struct analysis *analysis = analyse(recording_read(path, false), false);
        print_table(analysis, stdout);
        printf("\n%s; eddy-pause report %s -o pause.html makes a page of it\n", path, path);
        analysis_free(analysis);
    }
    if (WIFSIGNALED(status))
        fprintf(stderr, "eddy-pause: %s ended by signal %d\n", run->command[0], WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        fprintf(stderr, "eddy-pause: %s ended with exit status %d\n", run->command[0], WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int pause_run(int argc, char **argv)
{
    struct run run = parse(argc, argv);
    signal(SIGINT, SIG_IGN); /* the child's; what it has recorded until then is shown */
    bool good = true;
    for (unsigned number = 1; number <= run.runs; number++)
        good = run_once(&run, number) && good;
    return good ? PAUSE_OK : PAUSE_FAILED;
}
