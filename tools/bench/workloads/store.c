/* Workload "store": what one store of a reference costs, in nanoseconds, reported as
 *   plain_ns     into memory outside the heap, an ordinary store
 *   young_ns     into an object that this thread has just made
 *   counted_ns   into an object that is old and reachable from other threads
 *   exchange_ns  the same, taking out what was there
 * in loops of four stores each, and young_per_plain, the ratio of the first two. */
#include "engine.h"

enum { CHUNK = 1 << 20, POLL_EVERY = 64, HOLDER_SLOTS = 1024 };

struct cell {
    struct cell *a, *b, *c, *d;
    uint64_t id;
};
#define CELL_REFS(REF) REF(cell, a, cell) REF(cell, b, cell) REF(cell, c, cell) REF(cell, d, cell)
ENGINE_TYPE(cell, CELL_REFS)

/* Keeps stores of one iteration from being merged with those of the next. */
#define ITERATION_END() __asm__ volatile("" ::: "memory")

static void prepare(engine_thread *t, struct bench_run *run)
{
    (void)t;
    (void)run;
    ENGINE_REGISTER(cell);
}

static struct cell *make_cell(engine_thread *t, uint64_t id)
{
    struct cell *cell = ENGINE_NEW(t, cell);
    cell->id = id;
    return cell;
}

static uint64_t sum_cell(engine_thread *t, struct cell *cell)
{
    return ENGINE_GET(t, cell, a)->id + 3 * ENGINE_GET(t, cell, b)->id + 5 * ENGINE_GET(t, cell, c)->id
           + 7 * ENGINE_GET(t, cell, d)->id;
}

/* One store instruction, as any of a reference is; the compiler may not merge it with others. */
#define STORE_PLAIN(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

static uint64_t store_plain(struct cell *x, struct cell *y, int64_t ops)
{
    struct cell target = {0};
    struct cell *cell = &target;
    ENGINE_OPAQUE(cell);
    for (int64_t op = 0; op < ops; op += 4) {
        STORE_PLAIN(cell->a, x);
        STORE_PLAIN(cell->b, y);
        STORE_PLAIN(cell->c, y);
        STORE_PLAIN(cell->d, x);
        ITERATION_END();
    }
    return cell->a->id + 3 * cell->b->id + 5 * cell->c->id + 7 * cell->d->id;
}

static uint64_t store_young(engine_thread *t, struct cell *x, struct cell *y, int64_t ops)
{
    ENGINE_FRAME(t, local, struct cell * cell;);
    local.cell = make_cell(t, 0);
    struct cell *cell = local.cell;
    ENGINE_OPAQUE(cell);
    for (int64_t op = 0; op < ops; op += 4) {
        ENGINE_SET(t, cell, cell, a, ENGINE_SHARE(t, x));
        ENGINE_SET(t, cell, cell, b, ENGINE_SHARE(t, y));
        ENGINE_SET(t, cell, cell, c, ENGINE_SHARE(t, y));
        ENGINE_SET(t, cell, cell, d, ENGINE_SHARE(t, x));
        ITERATION_END();
    }
    uint64_t sum = sum_cell(t, cell);
    ENGINE_POLL(t);
    ENGINE_DROP(t, cell, cell);
    ENGINE_FREE(t, cell);
    ENGINE_FRAME_END(t, local);
    return sum;
}

static uint64_t store_counted(engine_thread *t, struct cell *cell, struct cell *x, struct cell *y, int64_t ops)
{
    for (int64_t op = 0; op < ops; op += 4) {
        ENGINE_SET(t, cell, cell, a, ENGINE_SHARE(t, x));
        ENGINE_SET(t, cell, cell, b, ENGINE_SHARE(t, y));
        ENGINE_SET(t, cell, cell, c, ENGINE_SHARE(t, y));
        ENGINE_SET(t, cell, cell, d, ENGINE_SHARE(t, x));
        if (op % POLL_EVERY == 0)
            ENGINE_POLL(t);
        ITERATION_END();
    }
    return sum_cell(t, cell);
}

#define EXCHANGE(t, cell, field, value)                                                                                \
    do {                                                                                                               \
        struct cell *taken = ENGINE_EXCHANGE(t, cell, cell, field, ENGINE_SHARE(t, value));                            \
        ENGINE_DROP(t, cell, taken);                                                                                   \
    } while (0)

static uint64_t store_exchange(engine_thread *t, struct cell *cell, struct cell *x, struct cell *y, int64_t ops)
{
    for (int64_t op = 0; op < ops; op += 4) {
        EXCHANGE(t, cell, a, y);
        EXCHANGE(t, cell, b, x);
        EXCHANGE(t, cell, c, x);
        EXCHANGE(t, cell, d, y);
        if (op % POLL_EVERY == 0)
            ENGINE_POLL(t);
        ITERATION_END();
    }
    return sum_cell(t, cell);
}

static uint64_t work(engine_thread *t, struct bench_run *run, unsigned index)
{
    int64_t chunks = run->request.params[STORE_OPS] / CHUNK + 1;
    int64_t old_ops = run->request.params[STORE_OPS] / 10;
    uint64_t plain_ns = 0, young_ns = 0, sum = index;

    ENGINE_FRAME(t, local, struct array * holder; struct cell * x; struct cell * y; struct cell * old;);
    local.x = make_cell(t, 3);
    local.y = make_cell(t, 4);
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
        uint64_t begin_ns = bench_now_ns();
        sum += store_plain(local.x, local.y, CHUNK);
        uint64_t middle_ns = bench_now_ns();
        sum = sum * 31 + store_young(t, local.x, local.y, CHUNK);
        young_ns += bench_now_ns() - middle_ns;
        plain_ns += middle_ns - begin_ns;
    }

    /* A store into a large array makes `old` reachable from other threads, a collection makes it old. */
    local.holder = ENGINE_NEW_ARRAY(t, HOLDER_SLOTS);
    local.old = make_cell(t, 0);
    ENGINE_SET(t, cell, local.holder, slots[0], local.old);
    ENGINE_COLLECT(t);
    uint64_t begin_ns = bench_now_ns();
    sum = sum * 31 + store_counted(t, local.old, local.x, local.y, old_ops);
    uint64_t middle_ns = bench_now_ns();
    sum = sum * 31 + store_exchange(t, local.old, local.x, local.y, old_ops);
    uint64_t end_ns = bench_now_ns();

    ENGINE_SET(t, cell, local.holder, slots[0], NULL);
    ENGINE_FREE(t, local.old);
    ENGINE_DROP(t, array, local.holder);
    ENGINE_FREE(t, local.holder);
    ENGINE_DISPOSE(t, cell, local.x);
    ENGINE_DISPOSE(t, cell, local.y);
    ENGINE_KEEP(local.holder);
    ENGINE_FRAME_END(t, local);
    if (index == 0) {
        double young_ops = (double)chunks * CHUNK;
        bench_real(run, "plain_ns", (double)plain_ns / young_ops);
        bench_real(run, "young_ns", (double)young_ns / young_ops);
        bench_real(run, "counted_ns", (double)(middle_ns - begin_ns) / (double)old_ops);
        bench_real(run, "exchange_ns", (double)(end_ns - middle_ns) / (double)old_ops);
        bench_real(run, "young_per_plain", (double)young_ns / (double)plain_ns);
    }
    return sum;
}

const struct engine_workload ENGINE_SYMBOL(workload_store) = {prepare, work, NULL};
