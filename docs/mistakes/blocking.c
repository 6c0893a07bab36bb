/* A thread waits for something, and is in no native region: epochs wait for it, and memory grows meanwhile.
 * switch: a listener, or the timeout of eddy_collect
 * diagnosis: thread 2 has reached no safepoint; the collection: a thread reached no safepoint in time */
#include <pthread.h>
#include <unistd.h>

#include "mistake.h"

static int ends[2];
static eddy_thread_state late; /* written by the collector's thread */
static int reported;

static void on_late_thread(void *context, eddy_heap *h, uint64_t epoch, const eddy_thread_state *state)
{
    (void)context, (void)h, (void)epoch;
    late = *state;
    __atomic_store_n(&reported, 1, __ATOMIC_RELEASE);
}

static void *sleeper(void *unused)
{
    eddy_thread *t;
    char byte;
    (void)unused;
    if (eddy_thread_attach(heap, &t) != EDDY_OK)
        exit(2);
    if (write(ends[1], "a", 1) != 1 || read(ends[0], &byte, 1) != 1) /* attached; below it blocks */
        exit(2);
    __atomic_store_n(&reported, 0, __ATOMIC_RELEASE);
    static int never[2];
    if (pipe(never) == 0
        && read(never[0], &byte, 1) != 1) /* the mistake; right: eddy_native_enter before, eddy_native_leave behind */
        exit(2);
    return NULL;
}

int main(void)
{
    static const eddy_listener listener = {.late_thread = on_late_thread};
    eddy_thread *t = begin(0);
    pthread_t thread;
    if (pipe(ends) != 0 || eddy_listener_add(heap, &listener) || pthread_create(&thread, NULL, sleeper, NULL) != 0)
        return 2;
    eddy_native_enter(t);
    while (eddy_heap_threads(heap) < 2 || !__atomic_load_n(&reported, __ATOMIC_ACQUIRE))
        usleep(1000), eddy_collect_hint(heap);
    eddy_native_leave(t);
    eddy_status status = eddy_collect(t, 100, NULL);
    printf("thread %u has reached no safepoint; the collection: %s\n", late.number, eddy_status_text(status));
    fflush(stdout);
    _exit(status == EDDY_ETIMEDOUT ? 1 : 0);
}
