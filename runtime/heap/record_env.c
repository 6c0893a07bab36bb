/* Recordings that the environment asks for (EDDY_RECORD): begun when a heap is made, ended when it is destroyed or,
 * since programs rarely destroy their heaps, when the process calls exit. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/heap/record.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static eddy_heap *configured; /* heaps with such a recording, through recorder.next_configured */
static unsigned heaps;        /* of this process that looked at EDDY_RECORD */
static long process;          /* the one they belong to: a child made by fork has no writers to wait for */

__attribute__((destructor)) static void stop_at_exit(void)
{
    pthread_mutex_lock(&lock);
    for (eddy_heap *heap = configured; heap != NULL && process == (long)getpid(); heap = heap->recorder->next_configured)
        eddy_record_stop(heap, NULL);
    configured = NULL;
    pthread_mutex_unlock(&lock);
}

static void complain(const char *path, const char *why)
{
    fprintf(stderr, "eddy: EDDY_RECORD: cannot record to %s: %s\n", path, why);
}

void eddy__record_configured(eddy_heap *heap)
{
    const char *asked = secure_getenv("EDDY_RECORD");
    if (asked == NULL || *asked == 0)
        return;
    if (strcmp(asked, "attach") == 0) {
        if (eddy_record_allow_attach(heap, true) != EDDY_OK)
            complain("the run directory", strerror(errno));
        return;
    }
    char path[4096];
    pthread_mutex_lock(&lock);
    unsigned number = ++heaps;
    int length =
        number == 1 ? snprintf(path, sizeof path, "%s", asked) : snprintf(path, sizeof path, "%s.%u", asked, number);
    const eddy_record_options options = {.path = path};
    eddy_status status = (size_t)length < sizeof path ? eddy_record_start(heap, &options) : EDDY_EINVAL;
    if (status == EDDY_OK) {
        process = (long)getpid();
        heap->recorder->next_configured = configured;
        configured = heap;
    } else {
        complain(path, status == EDDY_ESYSTEM ? strerror(errno) : eddy_status_text(status));
    }
    pthread_mutex_unlock(&lock);
}

void eddy__record_forget(eddy_heap *heap)
{
    pthread_mutex_lock(&lock);
    for (eddy_heap **link = &configured; *link != NULL; link = &(*link)->recorder->next_configured)
        if (*link == heap) {
            *link = heap->recorder->next_configured;
            break;
        }
    pthread_mutex_unlock(&lock);
}
