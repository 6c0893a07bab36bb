/* The contract with the operating system: everything Eddy asks of it goes through here.
 * One implementation per platform (os_linux.c). Callable from any thread. */
#ifndef EDDY_RUNTIME_HEAP_OS_H
#define EDDY_RUNTIME_HEAP_OS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eddy/inspect.h"

/* Reserves `bytes` of address space aligned to `alignment` (a power of two). Pages read as zero and
 * take memory only when touched. NULL when refused. */
void *eddy__os_reserve(size_t bytes, size_t alignment);
/* Gives a whole reservation back. */
void eddy__os_unreserve(void *base, size_t bytes);
/* Drops the contents of memory inside a reservation: it reads as zero again. Whole pages in it take no memory any more. */
void eddy__os_discard(void *start, size_t bytes);
/* Whether there is memory at an address. A system call. */
bool eddy__os_mapped(const void *p);
/* Bytes of a page. */
size_t eddy__os_page(void);

/* Monotonic clock, nanoseconds. */
uint64_t eddy__os_now(void);
/* The same clock to a few milliseconds, at a fraction of the cost. */
uint64_t eddy__os_now_coarse(void);
/* CPU time of the calling thread, nanoseconds. */
uint64_t eddy__os_thread_cpu(void);
/* Time the calling thread has spent runnable but waiting for a core, nanoseconds; `*handle` is a
 * per-thread cache, -1 at first; 0 when the kernel does not tell. */
uint64_t eddy__os_run_delay(int *handle);
void eddy__os_run_delay_close(int *handle);

/* Sleeps while *word == expected, at most timeout_ns (UINT64_MAX: no bound). Wakes spuriously. */
void eddy__os_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns);
/* Wakes all sleepers on `word`. */
void eddy__os_wake(const uint32_t *word);

/* The calling thread's stack: its highest address. NULL if unknown. */
void *eddy__os_stack_base(void);
/* Names the calling thread (15 characters) and adds to its nice value. */
void eddy__os_thread_setup(const char *name, int nice);

/* The kernel's number of the calling thread, of use in this process alone. */
int eddy__os_thread_id(void);
/* What the kernel tells of thread `tid` of this process: name, kernel_state, system_call, stack_pointer, program_counter and
 * waits_in of *state; what it does not tell stays as if unknown. Opens files. */
void eddy__os_thread_look(int tid, eddy_thread_state *state);
/* The C stack of a thread that has not ended. NULLs if unknown. */
void eddy__os_thread_stack(pthread_t thread, const void **low, const void **high);

/* In sanitizer builds: marks cells as unusable and usable. In builds with hooks: fills cells that are freed with a word
 * of their own, so that whoever looks into one sees it. Elsewhere nothing. */
#if defined(__SANITIZE_ADDRESS__)
#define EDDY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDDY_ASAN 1
#endif
#endif
#ifdef EDDY_ASAN
void __asan_poison_memory_region(void const volatile *start, size_t bytes);
void __asan_unpoison_memory_region(void const volatile *start, size_t bytes);
#define eddy__poison(start, bytes) __asan_poison_memory_region((start), (bytes))
#define eddy__unpoison(start, bytes) __asan_unpoison_memory_region((start), (bytes))
#define EDDY_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define EDDY_NO_SANITIZE __attribute__((no_sanitize("thread")))
#ifdef EDDY_HOOKS
/* As a header it is that of a private object. */
#define EDDY_POISON_WORD UINT64_C(0xdeadce11de2dce11)
EDDY_NO_SANITIZE static inline void eddy__poison(void *start, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
        ((volatile uint64_t *)start)[i] = EDDY_POISON_WORD;
}
#else
#define eddy__poison(start, bytes) ((void)(start), (void)(bytes))
#endif
#define eddy__unpoison(start, bytes) ((void)(start), (void)(bytes))
#endif

#endif
