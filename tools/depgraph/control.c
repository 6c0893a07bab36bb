/* The control thread: see control.h. */
#include "control.h"

#include <fcntl.h>
#include <hdr_histogram.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "util.h"

#define GAP_MIN_NS UINT64_C(1000) /* below: the clock itself */
#define GAP_MAX_NS UINT64_C(3600000000000)
#define COSTLY_NS UINT64_C(50000) /* from here on the run queue's share is taken off */

/* Time this thread has stood in the run queue, the second number of its schedstat file. */
static uint64_t queued_ns(int schedstat)
{
    char text[128];
    uint64_t queued = 0;
    ssize_t got = pread(schedstat, text, sizeof text - 1, 0);
    if (got > 0) {
        text[got] = '\0';
        sscanf(text, "%*s %" SCNu64, &queued);
    }
    return queued;
}

static void *control_main(void *argument)
{
    struct control *control = argument;
    int schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    uint64_t queued = queued_ns(schedstat);
    uint64_t last = now_ns();
    while (!atomic_load_explicit(&control->stop, memory_order_relaxed)) {
        uint64_t now = now_ns();
        uint64_t gap = now - last;
        last = now;
        if (gap < GAP_MIN_NS)
            continue;
        hdr_record_value(control->gaps, (int64_t)(gap < GAP_MAX_NS ? gap : GAP_MAX_NS));
        uint64_t waited = 0;
        if (gap >= COSTLY_NS) {
            uint64_t queued_before = queued;
            queued = queued_ns(schedstat);
            waited = queued - queued_before;
            last = now_ns();
        }
        uint64_t cost = gap > waited ? gap - waited : 0;
        if (cost > control->max_cost_ns)
            control->max_cost_ns = cost;
    }
    close(schedstat);
    return NULL;
}

bool control_start(struct control *control)
{
    *control = (struct control){0};
    if (hdr_init(1, (int64_t)GAP_MAX_NS, 3, &control->gaps) != 0)
        return false;
    if (pthread_create(&control->id, NULL, control_main, control) == 0)
        return true;
    hdr_close(control->gaps);
    return false;
}

struct control_summary control_stop(struct control *control)
{
    atomic_store(&control->stop, true);
    pthread_join(control->id, NULL);
    struct control_summary summary = {
        .count = (uint64_t)control->gaps->total_count,
        .p9999_ns = (uint64_t)hdr_value_at_percentile(control->gaps, 99.99),
        .max_ns = (uint64_t)hdr_max(control->gaps),
        .max_cost_ns = control->max_cost_ns,
    };
    hdr_close(control->gaps);
    return summary;
}
