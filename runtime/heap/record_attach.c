/* Recordings that another process of the same user asks for (eddy-pause attach), without signals or sockets: files
 * in a directory that only the user may enter. PLACE (PID-NUMBER, one per heap) says that attaching is allowed; the
 * tool makes PLACE.ask (milliseconds, then the path of the recording, a line each), the collector takes it
 * away at the end of an epoch and makes PLACE.answer ("ok" or what went wrong). PLACE.stop ends it early. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/heap/record.h"

#define POLL_NS UINT64_C(50000000)

/* Makes or checks the directory; false with errno set. */
static bool run_directory(char *path, size_t room)
{
    const char *base = secure_getenv("XDG_RUNTIME_DIR");
    int length = base != NULL && *base == '/' ? snprintf(path, room, "%s/eddy", base)
                                              : snprintf(path, room, "/tmp/eddy-%ld", (long)geteuid());
    if ((size_t)length >= room) {
        errno = ENAMETOOLONG;
        return false;
    }
    struct stat found;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    if (lstat(path, &found) != 0)
        return false;
    if (S_ISDIR(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 077) == 0)
        return true;
    errno = EPERM;
    return false;
}

static bool write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return false;
    size_t length = strlen(text);
    bool written = write(file, text, length) == (ssize_t)length;
    return close(file) == 0 && written;
}

static eddy_status allow(eddy_heap *heap)
{
    static unsigned heaps;
    struct recorder *r = heap->recorder;
    char directory[160], text[64];
    if (!run_directory(directory, sizeof directory))
        return EDDY_ESYSTEM;
    if (r->place[0] == 0)
        snprintf(r->place, sizeof r->place, "%s/%ld-%u", directory, (long)getpid(), EDDY_ADD_RELAXED(&heaps, 1) + 1);
    snprintf(text, sizeof text, "eddy %u %.40s\n", EDDY_RECORD_VERSION, heap->name);
    if (!write_file(r->place, text))
        return EDDY_ESYSTEM;
    EDDY_STORE_RELEASE(&r->allowed, 1);
    return EDDY_OK;
}

eddy_status eddy_record_allow_attach(eddy_heap *heap, bool allowed)
{
    struct recorder *r = heap->recorder;
    eddy_status status = EDDY_OK;
    pthread_mutex_lock(&r->lock);
    if (allowed && !r->allowed) {
        status = allow(heap);
    } else if (!allowed && r->allowed) {
        EDDY_STORE_RELEASE(&r->allowed, 0);
        unlink(r->place);
    }
    pthread_mutex_unlock(&r->lock);
    return status;
}

void eddy__record_refuse_attach(eddy_heap *heap)
{
    eddy_record_allow_attach(heap, false);
}

/* PLACE with an ending. */
static const char *beside(const struct recorder *r, const char *ending, char *path, size_t room)
{
    snprintf(path, room, "%s%s", r->place, ending);
    return path;
}

/* Reads a request and takes it away; false if there is none. */
static bool take_request(const struct recorder *r, char *text, size_t room)
{
    char path[256];
    int file = open(beside(r, ".ask", path, sizeof path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    ssize_t length = read(file, text, room - 1);
    close(file);
    unlink(path);
    text[length > 0 ? length : 0] = 0;
    return true;
}

void eddy__record_poll(eddy_heap *heap)
{
    struct recorder *r = heap->recorder;
    if (EDDY_LOAD_ACQUIRE(&r->allowed) == 0)
        return;
    uint64_t now = eddy__os_now();
    if (now - r->polled_at < POLL_NS)
        return;
    r->polled_at = now;
    char text[4200], answer[256], path[256];
    if (!take_request(r, text, sizeof text))
        return;
    char *line_end = strchr(text, '\n');
    unsigned long milliseconds = strtoul(text, NULL, 10);
    eddy_status status = EDDY_EINVAL;
    if (line_end != NULL && milliseconds != 0 && milliseconds <= 86400000u) {
        line_end[1 + strcspn(line_end + 1, "\n")] = 0;
        unlink(beside(r, ".stop", path, sizeof path));
        const eddy_record_options options = {.path = line_end + 1, .milliseconds = (unsigned)milliseconds};
        status = eddy__record_begin(heap, &options, true);
    }
    snprintf(answer, sizeof answer, "%s\n",
             status == EDDY_OK        ? "ok"
             : status == EDDY_ESYSTEM ? strerror(errno)
                                      : eddy_status_text(status));
    write_file(beside(r, ".answer", path, sizeof path), answer);
}

bool eddy__record_asked_to_stop(const eddy_heap *heap)
{
    const struct recorder *r = heap->recorder;
    char path[256];
    return EDDY_LOAD_ACQUIRE(&r->allowed) != 0 && unlink(beside(r, ".stop", path, sizeof path)) == 0;
}
