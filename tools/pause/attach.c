/* The command "attach": asks a running process for a recording. The process looks for requests in a directory of its
 * user's when an epoch ends, if it allows that; runtime/heap/record_attach.c has the other side. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis.h"
#include "control.h"

#define ANSWER_SECONDS 10u
#define END_SECONDS 10u

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* The value of a variable in the environment that a process was started with; false if it has none. */
static bool variable_of(long pid, const char *name, char *value, size_t room)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/environ", pid);
    FILE *file = fopen(path, "r");
    char *entry = NULL;
    size_t size = 0, length = strlen(name);
    bool found = false;
    while (file != NULL && !found && getdelim(&entry, &size, 0, file) > 0)
        if (strncmp(entry, name, length) == 0 && entry[length] == '=') {
            found = true;
            snprintf(value, room, "%s", entry + length + 1);
        }
    free(entry);
    if (file != NULL)
        fclose(file);
    return found;
}

/* The file that says that heap `number` of the process may be recorded. */
static void find_place(long pid, unsigned number, char *place, size_t room)
{
    char path[64], base[4096];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%ld", pid);
    if (stat(path, &status) != 0)
        fatal("there is no process %ld", pid);
    if (variable_of(pid, "XDG_RUNTIME_DIR", base, sizeof base) && base[0] == '/')
        snprintf(place, room, "%s/eddy/%ld-%u", base, pid, number);
    else
        snprintf(place, room, "/tmp/eddy-%ld/%ld-%u", (long)status.st_uid, pid, number);
    if (access(place, F_OK) != 0)
        fatal("process %ld allows no recording of heap %u (%s: %s); it must run with EDDY_RECORD=attach, or call "
              "eddy_record_allow_attach",
              pid, number, place, strerror(errno));
}

/* PLACE with an ending. */
static const char *beside(const char *place, const char *ending)
{
    static char path[4400];
    snprintf(path, sizeof path, "%s%s", place, ending);
    return path;
}

static void ask(const char *place, uint64_t seconds, const char *output)
{
    char made[4400];
    snprintf(made, sizeof made, "%s.%ld", place, (long)getpid());
    unlink(beside(place, ".answer"));
    FILE *file = fopen(made, "wx");
    if (file == NULL)
        fatal("cannot write %s: %s", made, strerror(errno));
    fprintf(file, "%" PRIu64 "\n%s\n", seconds * 1000, output);
    if (fclose(file) != 0 || rename(made, beside(place, ".ask")) != 0)
        fatal("cannot write %s: %s", beside(place, ".ask"), strerror(errno));
}

static void await_answer(const char *place, long pid)
{
    uint64_t deadline = now_ns() + ANSWER_SECONDS * UINT64_C(1000000000);
    char answer[256] = "";
    while (answer[0] == 0 && now_ns() < deadline && !interrupted) {
        FILE *file = fopen(beside(place, ".answer"), "r");
        if (file != NULL) {
            if (fgets(answer, sizeof answer, file) == NULL)
                answer[0] = 0;
            fclose(file);
        }
        if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            fatal("process %ld has ended", pid);
        usleep(5000);
    }
    unlink(beside(place, ".answer"));
    answer[strcspn(answer, "\n")] = 0;
    if (answer[0] == 0) {
        unlink(beside(place, ".ask"));
        fatal("process %ld did not answer: its collector has processed no epoch in %u s", pid, ANSWER_SECONDS);
    }
    if (strcmp(answer, "ok") != 0)
        fatal("process %ld cannot record: %s", pid, answer);
}

static bool has_ended(const char *path)
{
    eddy_record last = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    off_t bytes = file < 0 ? 0 : lseek(file, 0, SEEK_END);
    bool ended = bytes >= (off_t)(sizeof(eddy_record_header) + sizeof last)
                 && pread(file, &last, sizeof last, bytes - (off_t)sizeof last) == (ssize_t)sizeof last
                 && last.type == EDDY_RECORD_END && last.slots == 1;
    if (file >= 0)
        close(file);
    return ended;
}

/* Until the recording has its end; an interrupt asks for it early. */
static void await_end(const char *place, const char *output, long pid, uint64_t seconds)
{
    uint64_t begun = now_ns(), deadline = begun + (seconds + END_SECONDS) * UINT64_C(1000000000);
    bool shown = isatty(STDERR_FILENO), asked = false;
    while (!has_ended(output) && now_ns() < deadline) {
        if (interrupted && !asked) {
            asked = true;
            close(open(beside(place, ".stop"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
            deadline = now_ns() + END_SECONDS * UINT64_C(1000000000);
        }
        if (shown)
            fprintf(stderr, "\r%.1f of %" PRIu64 " s ", (double)(now_ns() - begun) * 1e-9, seconds);
        if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            break;
        usleep(50000);
    }
    if (shown)
        fputs("\r                    \r", stderr);
    if (!has_ended(output))
        fprintf(stderr, "eddy-pause: process %ld ended before the recording did\n", pid);
}

int pause_attach(int argc, char **argv)
{
    enum { OUTPUT = 'o', SECONDS = 256, HEAP, CONTROL };
    static const struct option table[] = {{"output", required_argument, NULL, OUTPUT},
                                          {"seconds", required_argument, NULL, SECONDS},
                                          {"heap", required_argument, NULL, HEAP},
                                          {"control-percent", required_argument, NULL, CONTROL},
                                          {0}};
    const char *output = "eddy-pause.rec";
    uint64_t seconds = 10, heap = 1, percent = 20;
    int option;
    while ((option = next_option(argc, argv, ":o:", table)) != -1) {
        if (option == OUTPUT)
            output = optarg;
        else if (option == SECONDS)
            seconds = number_of("--seconds", optarg, 1, 86400);
        else if (option == HEAP)
            heap = number_of("--heap", optarg, 1, 1000000);
        else
            percent = number_of("--control-percent", optarg, 0, 100);
    }
    if (optind + 1 != argc)
        usage_error(optind == argc ? "attach to which process?" : "one process at a time");
    long pid = (long)number_of("PID", argv[optind], 1, INT32_MAX);
    char place[4352], here[4096], target[8300];
    find_place(pid, (unsigned)heap, place, sizeof place);
    if (getcwd(here, sizeof here) == NULL)
        fatal("cannot tell the present directory: %s", strerror(errno));
    snprintf(target, sizeof target, "%s%s%s", output[0] == '/' ? "" : here, output[0] == '/' ? "" : "/", output);
    if (strlen(target) > 4000 || strchr(target, '\n') != NULL)
        fatal("the path of the recording is too long, or has a line break");
    unlink(target); /* the process makes it anew, and overwrites nothing */
    signal(SIGINT, on_interrupt);
    struct control *control = percent != 0 ? control_start((unsigned)percent) : NULL;
    ask(place, seconds, target);
    await_answer(place, pid);
    await_end(place, target, pid, seconds);
    struct addition addition;
    addition_begin(&addition, target);
    addition_note(&addition, "title", "process %ld", pid);
    addition_note(&addition, "processors", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    if (control != NULL)
        control_stop(control, &addition);
    addition_end(&addition);
    struct analysis *analysis = analyse(recording_read(target, false), false);
    print_table(analysis, stdout);
    analysis_free(analysis);
    return PAUSE_OK;
}
