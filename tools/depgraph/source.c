/* Files to read: see source.h. */
#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#define STATUS_FILE "/var/lib/dpkg/status"
#define LISTS_DIRECTORY "/var/lib/apt/lists"
#define APT_HELPER "/usr/lib/apt/apt-helper"

extern char **environ;

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_compressed(const char *path)
{
    static const char *const suffixes[] = {".lz4", ".gz", ".xz", ".bz2", ".zst", ".lzma"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends_with(path, suffixes[i]))
            return true;
    return false;
}

/* Starts `arguments[0]` with its standard output in a pipe, from which source->stream reads. */
static const char *start_helper(struct source *source, char **arguments)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return strerror(errno);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int error = posix_spawnp(&source->helper, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return error == ENOENT ? "compressed, and neither apt-helper nor lz4 is there to read it" : strerror(error);
    }
    source->stream = fdopen(ends[0], "r");
    return source->stream == NULL ? strerror(errno) : NULL;
}

static const char *open_compressed(struct source *source, const char *path)
{
    char *whole = realpath(path, NULL); /* never taken for an option */
    if (whole == NULL)
        return strerror(errno);
    char *with_apt[] = {APT_HELPER, "cat-file", whole, NULL};
    char *with_lz4[] = {"lz4", "-dcq", whole, NULL};
    const char *reason;
    if (access(APT_HELPER, X_OK) == 0)
        reason = start_helper(source, with_apt);
    else if (ends_with(path, ".lz4"))
        reason = start_helper(source, with_lz4);
    else
        reason = "compressed, and apt-helper is not there to read it";
    free(whole);
    return reason;
}

const char *source_open(struct source *source, const char *path)
{
    *source = (struct source){NULL, 0};
    struct stat status;
    if (stat(path, &status) != 0)
        return strerror(errno);
    if (S_ISDIR(status.st_mode))
        return strerror(EISDIR);
    if (access(path, R_OK) != 0)
        return strerror(errno);
    if (is_compressed(path))
        return open_compressed(source, path);
    source->stream = fopen(path, "re");
    return source->stream == NULL ? strerror(errno) : NULL;
}

bool source_close(struct source *source)
{
    bool complete = !ferror(source->stream);
    fclose(source->stream);
    if (source->helper != 0) {
        int status;
        while (waitpid(source->helper, &status, 0) < 0 && errno == EINTR)
            continue;
        complete = complete && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return complete;
}

static int is_package_list(const struct dirent *entry)
{
    const char *end = strstr(entry->d_name, "_Packages");
    return end != NULL && (strcmp(end, "_Packages") == 0 || (end[9] == '.' && is_compressed(end)));
}

char **source_system_files(size_t *count)
{
    struct dirent **lists = NULL;
    int found = scandir(LISTS_DIRECTORY, &lists, is_package_list, alphasort);
    if (found < 0)
        found = 0;
    char **paths = must_calloc((size_t)found + 1, sizeof *paths);
    *count = 0;
    if (access(STATUS_FILE, F_OK) == 0)
        paths[(*count)++] = strdup(STATUS_FILE);
    for (int i = 0; i < found; i++) {
        size_t size = sizeof LISTS_DIRECTORY + 1 + strlen(lists[i]->d_name);
        paths[*count] = must_calloc(size, 1);
        snprintf(paths[(*count)++], size, "%s/%s", LISTS_DIRECTORY, lists[i]->d_name);
        free(lists[i]);
    }
    free(lists);
    return paths;
}
