/* What eddy-bench asks of the operating system: clocks, peak memory, fatal ends. */
#ifndef BENCH_SYSTEM_H
#define BENCH_SYSTEM_H

#include <stdint.h>

uint64_t bench_now_ns(void);         /* monotonic clock */
uint64_t bench_process_cpu_ns(void); /* processor time of all threads */
uint64_t bench_peak_rss_bytes(void); /* VmHWM; 0 if /proc does not say */
uint64_t bench_run_queue_ns(void);   /* time this thread stood in the run queue; 0 if /proc does not say */

/* Name and version of the malloc that this process uses. */
const char *bench_allocator_name(void);

/* Print one line to standard error and end the process at once, from any thread. */
_Noreturn void bench_out_of_memory(void);
_Noreturn void bench_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
