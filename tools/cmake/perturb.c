/* Perturbed builds only (EDDY_PERTURB): threads give way now and then where they touch memory that others see. The compiler
 * instruments every access as for ThreadSanitizer, and what it calls is here instead of in that library: atomic
 * accesses are done as they are written, one in a few hundred of them after a yield, a short loop or a sleep, so that other threads get
 * in between two that follow each other. Plain accesses cost a call.
 *
 * The choices follow from the time and from the addresses of threads: another run is another schedule. */
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))
#define ONE_IN 512u /* a power of two */
#define LOOP_MOST 4096u
#define SLEEP_MOST_NS 100000u

static __thread uint64_t state;

static void give_way(uint64_t random)
{
    unsigned how = random % 64;
    if (how < 36) {
        sched_yield();
    } else if (how < 62) {
        for (volatile unsigned i = (unsigned)(random >> 8) % LOOP_MOST; i != 0; i--) {
        }
    } else {
        const struct timespec nap = {.tv_nsec = (long)((random >> 8) % SLEEP_MOST_NS)};
        nanosleep(&nap, NULL);
    }
}

/* xorshift64: Marsaglia, "Xorshift RNGs", 2003. */
static void perturb(void)
{
    if (state == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        state = ((uint64_t)(uintptr_t)&state + (uint64_t)now.tv_nsec) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    if (state % ONE_IN == 0)
        give_way(state >> 9);
}

/* What is called for an atomic access of `bits` bits; `order` is a constant of the compiler's, the strongest is always right. */
#define FETCH(bits, name)                                                                                               \
    EXPORTED uint##bits##_t __tsan_atomic##bits##_fetch_##name(volatile uint##bits##_t *p, uint##bits##_t v, int order) \
    {                                                                                                                   \
        (void)order;                                                                                                    \
        perturb();                                                                                                      \
        return __atomic_fetch_##name(p, v, __ATOMIC_SEQ_CST);                                                           \
    }
#define COMPARE(bits, name)                                                                                            \
    EXPORTED int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *p, uint##bits##_t *expected,   \
                                                               uint##bits##_t v, int order, int failure)               \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        (void)failure;                                                                                                 \
        perturb();                                                                                                     \
        return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
    }
#define ATOMIC(bits)                                                                                                   \
    EXPORTED uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *p, int order)                    \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        perturb();                                                                                                     \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                                   \
    }                                                                                                                  \
    EXPORTED void __tsan_atomic##bits##_store(volatile uint##bits##_t *p, uint##bits##_t v, int order)                 \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        perturb();                                                                                                     \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                                      \
    }                                                                                                                  \
    EXPORTED uint##bits##_t __tsan_atomic##bits##_exchange(volatile uint##bits##_t *p, uint##bits##_t v, int order)    \
    {                                                                                                                  \
        (void)order;                                                                                                   \
        perturb();                                                                                                     \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                            \
    }                                                                                                                  \
    FETCH(bits, add)                                                                                                   \
    FETCH(bits, sub) FETCH(bits, and) FETCH(bits, or) FETCH(bits, xor) COMPARE(bits, strong) COMPARE(bits, weak)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

EXPORTED void __tsan_atomic_thread_fence(int order)
{
    (void)order;
    perturb();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
EXPORTED void __tsan_atomic_signal_fence(int order)
{
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#define PLAIN(name)                                                                                                    \
    EXPORTED void __tsan_##name(const void *p)                                                                         \
    {                                                                                                                  \
        (void)p;                                                                                                       \
    }
#define PLAIN_OF(bytes)                                                                                                \
    PLAIN(read##bytes)                                                                                                 \
    PLAIN(write##bytes)                                                                                                \
    PLAIN(unaligned_read##bytes) PLAIN(unaligned_write##bytes) PLAIN(volatile_read##bytes) PLAIN(volatile_write##bytes)
PLAIN_OF(1)
PLAIN_OF(2)
PLAIN_OF(4)
PLAIN_OF(8)
PLAIN_OF(16)
PLAIN(func_entry)

EXPORTED void __tsan_read_range(const void *p, uintptr_t bytes)
{
    (void)p, (void)bytes;
}
EXPORTED void __tsan_write_range(const void *p, uintptr_t bytes)
{
    (void)p, (void)bytes;
}
EXPORTED void __tsan_func_exit(void)
{
}
EXPORTED void __tsan_init(void)
{
}
