/* What Eddy asks of the operating system, diverted to the scheduler while a deterministic run is under way. Linked
 * with --wrap for each function here: calls to NAME come to __wrap_NAME, __real_NAME is the original. */
#include <time.h>

#include "runtime/heap/os.h"

#include "tools/fuzz/sched.h"

void __real_eddy__os_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void __wrap_eddy__os_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void __wrap_eddy__os_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    if (sched_is_actor())
        sched_wait(word, expected, timeout_ns);
    else
        __real_eddy__os_wait(word, expected, timeout_ns);
}

/* What the clock has jumped so far in this run; FAULT_CLOCK lets it jump now. */
static uint64_t jumped(void)
{
    static uint64_t sum, random;
    if (sched_points() <= 1)
        sum = random = 0;
    if ((fuzz_shared->current.settings.faults & FAULT_CLOCK) != 0 && fuzz_below(&random, 16) == 0)
        sum += UINT64_C(1) << (16 + fuzz_below(&random, 28)); /* up to two hours */
    return sum;
}

uint64_t __real_eddy__os_now(void);
uint64_t __wrap_eddy__os_now(void);
uint64_t __wrap_eddy__os_now(void)
{
    return sched_is_actor() ? sched_now() + jumped() : __real_eddy__os_now();
}

uint64_t __real_eddy__os_run_delay(int *handle);
uint64_t __wrap_eddy__os_run_delay(int *handle);
uint64_t __wrap_eddy__os_run_delay(int *handle)
{
    return sched_is_actor() ? 0 : __real_eddy__os_run_delay(handle);
}

void __real_eddy__os_thread_setup(const char *name, int nice);
void __wrap_eddy__os_thread_setup(const char *name, int nice);
void __wrap_eddy__os_thread_setup(const char *name, int nice)
{
    __real_eddy__os_thread_setup(name, nice);
    sched_adopt_collector();
}

int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    if (!sched_is_actor())
        return __real_nanosleep(time, left);
    sched_wait(NULL, 0, (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec);
    return 0;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!sched_is_actor())
        return __real_pthread_mutex_lock(mutex);
    sched_lock(mutex);
    return 0;
}
