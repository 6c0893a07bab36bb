/* The results of one process's work: plain values, so that a child process can leave them in memory
 * that it shares with its parent. */
#ifndef DEPGRAPH_RESULT_H
#define DEPGRAPH_RESULT_H

#include <eddy/eddy.h>

#include "load.h"
#include "memory.h"
#include "options.h"
#include "query.h"

enum { SHOWN_NAMES = 8, SHOWN_NAME_SIZE = 64, THREADS_MAX = READERS_MAX + WRITERS_MAX };

/* Some names out of many, in alphabetical order. */
struct shown_names {
    unsigned count;
    char names[SHOWN_NAMES][SHOWN_NAME_SIZE];
};

struct found {
    uint64_t packages;
    uint64_t virtual_packages;
    uint64_t edges;
    uint64_t weak_edges;         /* Recommends and Suggests among them */
    uint64_t unresolved;         /* names that something depends on but that nothing bears or provides */
    uint64_t cycles;             /* strongly connected components along needed edges, of two nodes or more */
    uint64_t largest_cycle;      /* nodes of the largest one */
    uint64_t largest_weak_cycle; /* nodes of the largest one along all edges */
    struct shown_names unresolved_names;
    struct shown_names cycle_names;
};

struct work {
    uint64_t queries[QUERIES];
    uint64_t visits; /* packages visited and checked by queries */
    uint64_t replacements;
    uint64_t relinks; /* references changed by replacements */
    uint64_t releases;
};

struct thread_result {
    bool writes;
    unsigned index; /* from 1, among the readers or writers */
    uint64_t cpu_ns;
    struct work work;
    eddy_stall_summary stalls;
};

struct run_result {
    struct load_summary load;
    struct found found;
    uint64_t load_ns, load_cpu_ns;
    eddy_stats before;         /* the heap when the threads began */
    uint64_t before_bytes;     /* live then, after a collection: one release */
    uint64_t live_ns;          /* how long the threads worked */
    uint64_t live_cpu_ns;      /* CPU time of the threads and of the collector meanwhile */
    uint64_t collector_cpu_ns; /* the collector's part of it */
    struct work work;          /* of all threads */
    unsigned thread_count;
    struct thread_result threads[THREADS_MAX];
    uint64_t collect_ns;      /* the last collection's duration */
    eddy_collect_report last; /* what it did */
    eddy_stats after;         /* the heap after it */
    struct memory memory;
    bool verified; /* a verification took place and found no mismatch */
    eddy_verify_report verify;
};

uint64_t work_queries(const struct work *work);

/* Adds one thread's work to a sum. */
void work_add(struct work *sum, const struct work *work);

#endif
