/* The control thread: it only reads the clock and records the gaps. They show what the machine does to
 * any thread, beside which the stalls of the others are to be judged. */
#ifndef DEPGRAPH_CONTROL_H
#define DEPGRAPH_CONTROL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hdr_histogram;

struct control {
    pthread_t id;
    atomic_bool stop;
    struct hdr_histogram *gaps; /* of more than a microsecond, in nanoseconds */
    uint64_t max_cost_ns;       /* the longest gap less the time in the run queue */
};

struct control_summary {
    uint64_t count;
    uint64_t p9999_ns;
    uint64_t max_ns;
    uint64_t max_cost_ns;
};

/* Starts it. False when the system refuses a thread. */
bool control_start(struct control *control);

/* Stops it and sums up. */
struct control_summary control_stop(struct control *control);

#endif
