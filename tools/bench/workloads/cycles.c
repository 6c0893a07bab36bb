/* Workloads "cycles" and "acyclic": pairs of objects that refer to each other, or one to the other, are
 * held by an array until a collection has made them old, then dropped and reclaimed by another one.
 *
 * Reports, per object, the collector's processor time and that of the whole process while they are
 * dropped and reclaimed; and the collector's from the beginning. Engines that count or free by hand
 * break the cycles themselves. */
#include "engine.h"

struct pair {
    struct pair *other;
    uint64_t value;
};
#define PAIR_REFS(REF) REF(pair, other, pair)
ENGINE_TYPE(pair, PAIR_REFS)

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(pair);
}

static void make_pairs(engine_thread *t, struct array *array, bool cyclic)
{
    ENGINE_FRAME(t, local, struct array * array; struct pair * first; struct pair * second;);
    local.array = array;
    for (size_t i = 0; i < local.array->length; i++) {
        local.first = ENGINE_NEW(t, pair);
        local.second = ENGINE_NEW(t, pair);
        local.first->value = i;
        local.second->value = ~(uint64_t)i * 3;
        if (cyclic)
            ENGINE_INIT(t, local.second, other, ENGINE_SHARE(t, local.first));
        ENGINE_INIT(t, local.first, other, local.second);
        ENGINE_SET(t, pair, local.array, slots[i], local.first);
    }
    ENGINE_FRAME_END(t, local);
}

static uint64_t sum_pairs(engine_thread *t, struct array *array)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < array->length; i++) {
        struct pair *first = ENGINE_ARRAY_GET(t, pair, array, i);
        struct pair *second = ENGINE_GET(t, first, other);
        sum = sum * 31 + first->value + second->value + (ENGINE_GET(t, second, other) == first);
    }
    return sum;
}

static void drop_pairs(engine_thread *t, struct array *array)
{
    ENGINE_FRAME(t, local, struct array * array;);
    local.array = array;
    for (size_t i = 0; i < local.array->length; i++) {
#if defined(ENGINE_MANUAL) || defined(ENGINE_ATOMIC)
        struct pair *first = ENGINE_ARRAY_GET(t, pair, local.array, i);
        struct pair *second = ENGINE_GET(t, first, other);
        ENGINE_SET(t, pair, second, other, NULL);
        ENGINE_FREE(t, second);
        ENGINE_FREE(t, first);
#endif
        ENGINE_SET(t, pair, local.array, slots[i], NULL);
    }
    ENGINE_FRAME_END(t, local);
}

static uint64_t reclaim(engine_thread *t, struct bench_run *run, unsigned index, bool cyclic)
{
    size_t pairs = (size_t)run->request.params[CYCLES_PAIRS];
    uint64_t birth_ns = engine_collector_cpu_ns();
    ENGINE_FRAME(t, local, struct array * array;);
    local.array = ENGINE_NEW_ARRAY(t, pairs);
    make_pairs(t, local.array, cyclic);
    ENGINE_COLLECT(t);
    uint64_t sum = index + sum_pairs(t, local.array);
    uint64_t collector_ns = engine_collector_cpu_ns();
    uint64_t process_ns = bench_process_cpu_ns();
    drop_pairs(t, local.array);
    ENGINE_COLLECT(t);
    if (index == 0) {
        double objects = 2.0 * (double)pairs * run->request.threads;
        uint64_t end_ns = engine_collector_cpu_ns();
        bench_real(run, "collector_ns_per_object", (double)(end_ns - collector_ns) / objects);
        bench_real(run, "process_ns_per_object", (double)(bench_process_cpu_ns() - process_ns) / objects);
        bench_real(run, "collector_ns_per_object_life", (double)(end_ns - birth_ns) / objects);
    }
    ENGINE_KEEP(local.array);
    ENGINE_DROP(t, array, local.array);
    ENGINE_FREE(t, local.array);
    ENGINE_FRAME_END(t, local);
    return sum;
}

static uint64_t work_cyclic(engine_thread *t, struct bench_run *run, unsigned index)
{
    return reclaim(t, run, index, true);
}

static uint64_t work_acyclic(engine_thread *t, struct bench_run *run, unsigned index)
{
    return reclaim(t, run, index, false);
}

const struct engine_workload ENGINE_SYMBOL(workload_cycles) = {prepare, work_cyclic, NULL};
const struct engine_workload ENGINE_SYMBOL(workload_acyclic) = {prepare, work_acyclic, NULL};
