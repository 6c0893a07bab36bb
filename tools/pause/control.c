/* See control.h. */
#include "control.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GAP_LEAST_NS UINT64_C(1000) /* below: the clock itself */
#define GAP_LONG_NS UINT64_C(20000) /* from here on the run queue's share is looked at */
#define BURST_NS UINT64_C(2000000)
#define GAPS_MOST ((size_t)1 << 20)

struct control {
    pthread_t id;
    atomic_bool stop;
    unsigned percent;
    uint64_t begun, watched; /* ns */
    uint64_t dropped;
    struct gap *gaps;
    size_t count, room;
};

static uint64_t queued_ns(int schedstat)
{
    char text[128];
    uint64_t queued = 0;
    ssize_t got = pread(schedstat, text, sizeof text - 1, 0);
    if (got > 0) {
        text[got] = 0;
        sscanf(text, "%*s %" SCNu64, &queued);
    }
    return queued;
}

static void note_gap(struct control *c, uint64_t begin, uint64_t length, uint64_t queued)
{
    if (c->count == GAPS_MOST) {
        c->dropped++;
        return;
    }
    c->gaps = grow(c->gaps, c->count, &c->room, sizeof *c->gaps);
    c->gaps[c->count++] = (struct gap){begin, length, queued < length ? queued : length};
}

static void burst(struct control *c, int schedstat)
{
    uint64_t queued = queued_ns(schedstat), begun = now_ns(), last = begun;
    while (last - begun < BURST_NS && !atomic_load_explicit(&c->stop, memory_order_relaxed)) {
        uint64_t now = now_ns(), gap = now - last;
        if (gap >= GAP_LEAST_NS) {
            uint64_t waited = 0;
            if (gap >= GAP_LONG_NS) {
                uint64_t before = queued;
                queued = queued_ns(schedstat);
                waited = queued - before;
            }
            note_gap(c, last, gap, waited);
            now = gap >= GAP_LONG_NS ? now_ns() : now;
        }
        last = now;
    }
    c->watched += last - begun;
}

static void *control_main(void *argument)
{
    struct control *c = argument;
    int schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    uint64_t rest = BURST_NS * (100 - c->percent) / c->percent;
    const struct timespec pause = {(time_t)(rest / 1000000000u), (long)(rest % 1000000000u)};
    while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
        burst(c, schedstat);
        if (rest != 0)
            nanosleep(&pause, NULL);
    }
    if (schedstat >= 0)
        close(schedstat);
    return NULL;
}

struct control *control_start(unsigned percent)
{
    struct control *c = need(calloc(1, sizeof *c));
    c->percent = percent;
    c->begun = now_ns();
    int failed = pthread_create(&c->id, NULL, control_main, c);
    if (failed != 0)
        fatal("cannot start the control thread: %s", strerror(failed));
    return c;
}

void control_drop(struct control *c)
{
    atomic_store(&c->stop, true);
    pthread_join(c->id, NULL);
    free(c->gaps);
    free(c);
}

void control_stop(struct control *c, struct addition *a)
{
    atomic_store(&c->stop, true);
    pthread_join(c->id, NULL);
    double passed = (double)(now_ns() - c->begun);
    addition_note(a, "control_share", "%.6f", (double)c->watched / passed);
    if (c->dropped != 0)
        addition_note(a, "control_dropped", "%" PRIu64, c->dropped);
    for (size_t i = 0; i < c->count; i++)
        if (c->gaps[i].begin >= a->begun) {
            const eddy_record record = {EDDY_RECORD_GAP,  0, 1, 0, c->gaps[i].begin, c->gaps[i].length,
                                        c->gaps[i].queued};
            addition_record(a, &record);
        }
    free(c->gaps);
    free(c);
}
