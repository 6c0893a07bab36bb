/* Workloads "alloc-24" and "alloc-56": objects without references that die as soon as they are made. */
#include "engine.h"

struct small {
    uint64_t words[24 / sizeof(uint64_t)];
};
ENGINE_TYPE(small, NO_REFS)

struct medium {
    uint64_t words[56 / sizeof(uint64_t)];
};
ENGINE_TYPE(medium, NO_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(small);
    ENGINE_REGISTER(medium);
}

/* Makes an object, writes its ends, reads them back, lets it go. */
#define ALLOC_LOOP(t, tag, count, sum)                                                                                 \
    for (int64_t i = 0; i < (count); i++) {                                                                            \
        enum { LAST = sizeof(struct tag) / sizeof(uint64_t) - 1 };                                                     \
        struct tag *object = ENGINE_NEW_LEAF((t), tag);                                                                \
        object->words[0] = (uint64_t)i;                                                                                \
        object->words[LAST] = (uint64_t)i << 7;                                                                        \
        ENGINE_OPAQUE(object);                                                                                         \
        (sum) += object->words[0] ^ object->words[LAST];                                                               \
        ENGINE_DROP((t), tag, object);                                                                                 \
        ENGINE_FREE((t), object);                                                                                      \
    }

static uint64_t work_small(engine_thread *t, struct bench_run *run, unsigned index)
{
    int64_t count = run->request.params[ALLOC_OBJECTS];
    uint64_t sum = index;
    ALLOC_LOOP(t, small, count, sum)
    return sum;
}

static uint64_t work_medium(engine_thread *t, struct bench_run *run, unsigned index)
{
    int64_t count = run->request.params[ALLOC_OBJECTS];
    uint64_t sum = index;
    ALLOC_LOOP(t, medium, count, sum)
    return sum;
}

const struct engine_workload ENGINE_SYMBOL(workload_alloc_24) = {prepare, work_small, NULL};
const struct engine_workload ENGINE_SYMBOL(workload_alloc_56) = {prepare, work_medium, NULL};
