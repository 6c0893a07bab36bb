/* A thread waits for something, and is in no native region: epochs wait for it, and memory grows meanwhile.
 * switch: EDDY_OPTIONS=log=stderr; a debug build by itself; or a listener, or the timeout of eddy_collect
 * diagnosis: has reached no safepoint for 100 ms; until it does, epoch
 * diagnosis: does not end and nothing is freed. It sleeps: what blocks belongs between eddy_native_enter and eddy_native_leave
 * diagnosis: the collection: a thread reached no safepoint in time */
#include <pthread.h>
#include <unistd.h>

#include "mistake.h"

static uint32_t attached;

static void *sleeper(void *unused)
{
    eddy_thread *t;
    char byte;
    int never[2];
    (void)unused;
    if (eddy_thread_attach(heap, &t) != EDDY_OK || pipe(never) != 0)
        exit(2);
    __atomic_store_n(&attached, 1, __ATOMIC_RELEASE);
    if (read(never[0], &byte, 1) != 1) /* the mistake; right: eddy_native_enter before, eddy_native_leave behind */
        exit(2);
    return NULL;
}

int main(void)
{
    eddy_thread *t = begin(0);
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleeper, NULL) != 0)
        return 2;
    while (!__atomic_load_n(&attached, __ATOMIC_ACQUIRE))
        eddy_safepoint(t);
    eddy_status status = eddy_collect(t, 1000, NULL);
    printf("the collection: %s\n", eddy_status_text(status));
    fflush(stdout);
    _exit(status == EDDY_ETIMEDOUT ? 1 : 0);
}
