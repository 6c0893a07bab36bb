/* Workload "requests": a server. Every thread has a large live table; requests arrive at random times (exponential
 * distances), whether the thread is ready or not, and latency counts from the arrival: a stall delays all that
 * arrive meanwhile, as it would for users. (A loop that sends the next request when the last one is done would hide that:
 * "coordinated omission", Gil Tene.) A request makes a list of small objects with texts, reads some entries of the
 * table, and some replace one; the rest dies with it. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "engine.h"

enum { LOOKUPS = 8, VALUE_WORDS = 8, TEXT_WORDS = 3, EARLY_NS = 120000 };

struct field {
    struct field *next;
    struct bytes *text;
    uint64_t key;
};
#define FIELD_REFS(REF) REF(field, next, field) REF(field, text, bytes)
ENGINE_TYPE(field, FIELD_REFS)

struct item {
    struct bytes *value;
    uint64_t key;
};
#define ITEM_REFS(REF) REF(item, value, bytes)
ENGINE_TYPE(item, ITEM_REFS)

static void *tables; /* root: an array of one table per thread */
static uint64_t *latencies[BENCH_MAX_THREADS];

static struct bytes *make_bytes(engine_thread *t, uint64_t seed, size_t words)
{
    struct bytes *bytes = ENGINE_NEW_BYTES(t, sizeof *bytes + words * sizeof bytes->words[0]);
    bytes->length = words;
    for (size_t i = 0; i < words; i++)
        bytes->words[i] = seed + i;
    return bytes;
}

/* Puts a new entry for `key` into its slot, whose old one (if there is one) dies. */
static void put_item(engine_thread *t, struct array *table, size_t slot, uint64_t key)
{
    ENGINE_FRAME(t, made, struct bytes * value; struct item * item;);
    made.value = make_bytes(t, key, VALUE_WORDS);
    made.item = ENGINE_NEW(t, item);
    made.item->key = key;
    ENGINE_INIT(t, made.item, value, made.value);
    struct item *old = ENGINE_ARRAY_GET(t, item, table, slot);
    if (old != NULL) {
        ENGINE_FREE(t, ENGINE_GET(t, old, value));
        ENGINE_FREE(t, old);
    }
    ENGINE_SET(t, item, table, slots[slot], made.item);
    ENGINE_FRAME_END(t, made);
}

static void prepare(engine_thread *t, struct bench_run *run)
{
    ENGINE_REGISTER(field);
    ENGINE_REGISTER(item);
    ENGINE_ROOT_ADD(t, tables);
    size_t threads = run->request.threads;
    size_t entries = (size_t)run->request.params[REQUESTS_ENTRIES] / threads + 1;
    ENGINE_FRAME(t, local, struct array * tables; struct array * table;);
    local.tables = ENGINE_NEW_ARRAY(t, threads);
    ENGINE_ROOT_SET(t, tables, local.tables);
    for (size_t i = 0; i < threads; i++) {
        local.table = ENGINE_NEW_ARRAY(t, entries);
        ENGINE_SET(t, array, local.tables, slots[i], local.table);
        for (size_t slot = 0; slot < entries; slot++)
            put_item(t, local.table, slot, engine_mix(slot + i));
        latencies[i] = engine_checked(calloc((size_t)run->request.params[REQUESTS_COUNT], sizeof(uint64_t)));
    }
    ENGINE_KEEP(local.tables);
    ENGINE_FRAME_END(t, local);
}

static uint64_t serve(engine_thread *t, struct array *table, uint64_t *random, int64_t objects, int64_t updates)
{
    uint64_t sum = 0;
    ENGINE_FRAME(t, local, struct field * head; struct field * field; struct bytes * text;);
    for (int64_t i = 0; i < objects; i++) {
        local.text = make_bytes(t, engine_random(random), TEXT_WORDS);
        local.field = ENGINE_NEW(t, field);
        local.field->key = local.text->words[0];
        ENGINE_INIT(t, local.field, text, local.text);
        ENGINE_INIT(t, local.field, next, local.head);
        local.head = local.field;
    }
    for (int i = 0; i < LOOKUPS; i++) {
        struct item *item = ENGINE_ARRAY_GET(t, item, table, engine_random(random) % table->length);
        sum += item->key ^ ENGINE_GET(t, item, value)->words[0];
    }
    for (struct field *field = local.head; field != NULL; field = ENGINE_GET(t, field, next))
        sum += field->key + ENGINE_GET(t, field, text)->words[TEXT_WORDS - 1];
    uint64_t draw = engine_random(random);
    if ((int64_t)(draw % 100) < updates)
        put_item(t, table, (draw >> 8) % table->length, draw);
    ENGINE_DISPOSE(t, field, local.head);
    ENGINE_FRAME_END(t, local);
    return sum;
}

/* Sleeps until shortly before `due`, then watches the clock: a sleep alone ends late. */
static void await(engine_thread *t, uint64_t due)
{
    uint64_t now = bench_now_ns();
    if (now + EARLY_NS < due) {
        uint64_t until = due - EARLY_NS;
        const struct timespec time = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
        ENGINE_BLOCK_BEGIN(t);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
        ENGINE_BLOCK_END(t);
    }
    while (bench_now_ns() < due) {
        ENGINE_POLL(t);
        engine_pause();
    }
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    const int64_t *params = run->request.params;
    double mean = 1e9 / (double)params[REQUESTS_RATE];
    uint64_t random = engine_mix(index + 1), sum = 0, due = bench_now_ns();
    ENGINE_FRAME(t, local, struct array * table;);
    local.table = ENGINE_ARRAY_GET(t, array, (struct array *)ENGINE_ROOT_GET(t, tables), index);
    for (int64_t i = 0; i < params[REQUESTS_COUNT]; i++) {
        double uniform = ((double)(engine_random(&random) >> 11) + 1) / 9007199254740993.0;
        due += (uint64_t)(-log(uniform) * mean);
        await(t, due);
        uint64_t begin = bench_now_ns();
        sum += serve(t, local.table, &random, params[REQUESTS_OBJECTS], params[REQUESTS_UPDATES]);
        uint64_t end = bench_now_ns();
        ENGINE_REQUEST(t, due, begin, end);
        latencies[index][i] = end - due;
    }
    ENGINE_KEEP(local.table);
    ENGINE_FRAME_END(t, local);
    return sum;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double quantile_us(const uint64_t *sorted, size_t count, size_t thousandths)
{
    size_t place = (count - 1) * thousandths / 1000;
    return (double)sorted[place] * 1e-3;
}

static void finish(engine_thread *t, struct bench_run *run)
{
    (void)t;
    size_t each = (size_t)run->request.params[REQUESTS_COUNT], count = each * run->request.threads;
    uint64_t *all = engine_checked(malloc(count * sizeof *all));
    for (size_t i = 0; i < count; i++)
        all[i] = latencies[i / each][i % each];
    qsort(all, count, sizeof *all, by_size);
    bench_real(run, "latency_p50_us", quantile_us(all, count, 500));
    bench_real(run, "latency_p99_us", quantile_us(all, count, 990));
    bench_real(run, "latency_p999_us", quantile_us(all, count, 999));
    bench_real(run, "latency_max_us", (double)all[count - 1] * 1e-3);
    free(all);
    for (size_t i = 0; i < run->request.threads; i++)
        free(latencies[i]);
}

const struct engine_workload ENGINE_SYMBOL(workload_requests) = {prepare, work, finish};
