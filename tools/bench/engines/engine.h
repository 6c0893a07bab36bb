/* The interface between workloads and engines.
 *
 * The build compiles every workload once per engine and chooses the engine by one of the macros
 * below. An operation is inline and means what it costs a program written for that engine:
 *
 *                      eddy            boehm        malloc              atomic
 *   ENGINE_NEW         eddy_alloc      GC_MALLOC    malloc, clear       the same, count 1
 *   ENGINE_SHARE       -               -            -                   increment
 *   ENGINE_INIT        store           plain store  plain store         plain store
 *   ENGINE_SET         store           plain store  plain store         store, drop what was there
 *   ENGINE_DROP        -               -            -                   decrement, destroy at zero
 *   ENGINE_FREE        -               -            free this object    -
 *   ENGINE_DISPOSE     -               -            free all below it   decrement, destroy at zero
 *
 * ENGINE_MEASURED and ENGINE_REQUEST tell a recording (eddy/record.h) what it is about; elsewhere they are nothing.
 *
 * A reference from ENGINE_NEW or ENGINE_SHARE is *owned*; ENGINE_INIT (a field that holds NULL so far)
 * and ENGINE_SET move ownership into the field; whatever is still owned at the end is given up with
 * ENGINE_DROP and, since malloc must be told which owner is the last, ENGINE_FREE or ENGINE_DISPOSE.
 * With Eddy, ENGINE_NEW…, ENGINE_SET, ENGINE_INIT, ENGINE_POLL, ENGINE_COLLECT and ENGINE_LOCK are
 * possible safepoints: a reference that is used after one of them must be reachable from a frame or
 * from another object that is.
 *
 * A type is a structure and the list of its reference fields with the types they refer to:
 *     #define NODE_REFS(REF) REF(node, left, node) REF(node, right, node)
 *     ENGINE_TYPE(node, NODE_REFS)
 * and is registered by ENGINE_REGISTER(node) in the workload's prepare function. Objects of a type
 * without references (NO_REFS) have undefined contents at first; all others are zero.
 *
 * A frame declares local references:
 *     ENGINE_FRAME(t, local, struct node *left; struct node *right;);
 *     local.left = ENGINE_NEW(t, node);
 *     …
 *     ENGINE_FRAME_END(t, local);
 * It is a frame of handles for eddy-precise and a plain structure, kept in registers, elsewhere. */
#ifndef ENGINE_H
#define ENGINE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"
#include "system.h"

#if defined(ENGINE_EDDY) && defined(ENGINE_PRECISE)
#define ENGINE_SYMBOL(name) name##_eddy_precise
#elif defined(ENGINE_EDDY)
#define ENGINE_SYMBOL(name) name##_eddy
#elif defined(ENGINE_MALLOC)
#define ENGINE_SYMBOL(name) name##_malloc
#elif defined(ENGINE_ATOMIC)
#define ENGINE_SYMBOL(name) name##_atomic
#elif defined(ENGINE_BOEHM)
#define ENGINE_SYMBOL(name) name##_boehm
#else
#error "no engine chosen"
#endif

/* An array of references; the same layout in all engines. Freed or dropped by itself, not with what
 * its slots hold: empty them first. */
struct array {
    size_t length;
    void *slots[];
};

/* An object of any size without references. */
struct bytes {
    uint64_t length;
    uint64_t words[];
};

#define NO_REFS(REF)

static inline void *engine_checked(void *object)
{
    if (__builtin_expect(object == NULL, 0))
        bench_out_of_memory();
    return object;
}

/* Hides from the compiler what is known of an object, so that its accesses are real. */
#define ENGINE_OPAQUE(object) __asm__ volatile("" : "+r"(object))

#if defined(ENGINE_EDDY)
#include "engine_eddy.h"
#elif defined(ENGINE_BOEHM)
#include "engine_boehm.h"
#elif defined(ENGINE_MALLOC)
#include "engine_malloc.h"
#else
#include "engine_atomic.h"
#endif

#ifndef ENGINE_MEASURED
#define ENGINE_MEASURED(t, begin, end) ((void)(t), (void)(begin), (void)(end))
#define ENGINE_REQUEST(t, due, begin, end) ((void)(t), (void)(due), (void)(begin), (void)(end))
#endif

/* An array slot as a pointer to the structure `tag`; slots are set like fields. */
#define ENGINE_ARRAY_GET(t, tag, array, index) ((struct tag *)ENGINE_GET(t, array, slots[index]))

static inline void engine_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Takes a lock of the workload. Spins first, since they are held for a fraction of a microsecond. */
static inline void engine_lock(engine_thread *t, pthread_mutex_t *mutex)
{
    for (int spins = 0; spins < 100; spins++) {
        if (pthread_mutex_trylock(mutex) == 0)
            return;
        engine_pause();
    }
    ENGINE_BLOCK_BEGIN(t);
    pthread_mutex_lock(mutex);
    ENGINE_BLOCK_END(t);
}

/* A workload's code. `prepare` runs once, on the main thread, before the clock starts: it registers
 * types and makes what the threads share. `work` runs on every thread and returns its checksum. `finish`
 * (may be NULL) runs on the main thread after the clock has stopped: it checks and reports. */
struct engine_workload {
    void (*prepare)(engine_thread *t, struct bench_run *run);
    uint64_t (*work)(engine_thread *t, struct bench_run *run, unsigned index);
    void (*finish)(engine_thread *t, struct bench_run *run);
};

#define ENGINE_WORKLOAD(name) extern const struct engine_workload ENGINE_SYMBOL(name)
ENGINE_WORKLOAD(workload_alloc_24);
ENGINE_WORKLOAD(workload_alloc_56);
ENGINE_WORKLOAD(workload_binary_trees);
ENGINE_WORKLOAD(workload_gcbench);
ENGINE_WORKLOAD(workload_mt_gcbench);
ENGINE_WORKLOAD(workload_quads);
ENGINE_WORKLOAD(workload_hash_map);
ENGINE_WORKLOAD(workload_lru);
ENGINE_WORKLOAD(workload_cycles);
ENGINE_WORKLOAD(workload_acyclic);
ENGINE_WORKLOAD(workload_graph);
ENGINE_WORKLOAD(workload_dag);
ENGINE_WORKLOAD(workload_store);
ENGINE_WORKLOAD(workload_requests);
ENGINE_WORKLOAD(workload_frames);
#undef ENGINE_WORKLOAD

/* The part of an engine that is not inline: engine_….c. */
#define engine_open ENGINE_SYMBOL(engine_open)
#define engine_attach ENGINE_SYMBOL(engine_attach)
#define engine_detach ENGINE_SYMBOL(engine_detach)
#define engine_measure ENGINE_SYMBOL(engine_measure)
#define engine_stalls ENGINE_SYMBOL(engine_stalls)
#define engine_report ENGINE_SYMBOL(engine_report)
#define engine_close ENGINE_SYMBOL(engine_close)
#define engine_collect ENGINE_SYMBOL(engine_collect)
#define engine_collector_cpu_ns ENGINE_SYMBOL(engine_collector_cpu_ns)

void engine_open(const struct bench_request *request); /* makes the heap */
engine_thread *engine_attach(void);                    /* makes the calling thread a mutator */
void engine_detach(engine_thread *t);
void engine_measure(void);                 /* the measured part begins */
void engine_stalls(engine_thread *t);      /* takes down the stalls of the calling thread */
void engine_report(struct bench_run *run); /* the measured part has ended: stalls and statistics */
void engine_close(void);                   /* no thread is attached any more */
void engine_collect(engine_thread *t);     /* reclaims all garbage */
uint64_t engine_collector_cpu_ns(void);    /* processor time of collection since the heap was made */

/* The live heap of --live-mb: live.c. */
#define live_build ENGINE_SYMBOL(live_build)
#define live_check ENGINE_SYMBOL(live_check)
void live_build(engine_thread *t, uint64_t megabytes);
uint64_t live_check(engine_thread *t, uint64_t megabytes);

/* A fast random generator (xorshift64*) for workloads; `state` must not be zero. */
static inline uint64_t engine_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* Spreads the bits of a number. */
static inline uint64_t engine_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

#endif
