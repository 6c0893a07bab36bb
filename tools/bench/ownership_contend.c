/* Several threads that want the same objects: one object in turns, one that is mostly read, transfers between two accounts out of a
 * thousand, and a mix of own and common objects with the share of the common ones going up: where locks begin to win. */
#include "ownership.h"

#include <stdio.h>

#define ACCOUNTS 1000u
#define OWN_ITEMS 256u
#define COMMON_ITEMS 64u
#define MOST_THREADS 256u
#define MOST_RUNS 256u
#define READS_PER_WRITE 1000u

enum task { TASK_TURNS, TASK_READ_MOSTLY, TASK_TRANSFER, TASK_MIX };

struct contention {
    const struct ownership *o;
    enum way way;
    enum task task;
    unsigned percent; /* of common objects, in the mix */
    eddy_array *common, *own[MOST_THREADS];
    pthread_barrier_t start;
};

struct contender {
    struct contention *c;
    unsigned number;
    uint64_t fast; /* accesses that asked nobody */
    uint64_t begun, ended;
};

static inline struct item *item_at(eddy_thread *t, eddy_array *array, uint64_t i)
{
    return eddy_load(t, &array->slots[i % array->length]);
}

/* Both at once, and in order. */
static inline void transfer(eddy_thread *t, struct item *a, struct item *b, enum way way, int64_t sum)
{
    if (way == WAY_OWNED) {
        eddy_own_request both[] = {{a, true}, {b, true}};
        eddy_own_all(t, both, 2);
    } else {
        begin_access(t, a < b ? a : b, way, true);
        if (a != b)
            begin_access(t, a < b ? b : a, way, true);
    }
    a->value -= sum;
    b->value += sum;
    if (way != WAY_OWNED) {
        end_access(a, way);
        if (a != b)
            end_access(b, way);
    }
}

__attribute__((always_inline)) static inline void run_way(struct contender *me, eddy_thread *t, enum way way)
{
    struct contention *c = me->c;
    uint64_t random = 88172645463325252u + me->number * UINT64_C(0x9e3779b97f4a7c15);
    int64_t seen = 0;
    for (uint64_t i = 0; i < c->o->ops; i++) {
        struct item *item;
        bool write = true;
        switch (c->task) {
        case TASK_TURNS: item = item_at(t, c->common, 0); break;
        case TASK_READ_MOSTLY:
            item = item_at(t, c->common, 0);
            write = ownership_random(&random) % READS_PER_WRITE == 0;
            break;
        case TASK_TRANSFER:
            transfer(t, item_at(t, c->common, ownership_random(&random)),
                     item_at(t, c->common, ownership_random(&random)), way, (int64_t)(i % 16));
            eddy_safepoint(t);
            continue;
        default:
            item = ownership_random(&random) % 100 < c->percent ? item_at(t, c->common, random >> 32)
                                                                : item_at(t, c->own[me->number], random >> 32);
            break;
        }
        if (way == WAY_OWNED)
            me->fast += write ? eddy_owns_write(t, item) : eddy_owns_read(t, item);
        begin_access(t, item, way, write);
        if (write)
            item->value++;
        else
            seen += item->value;
        end_access(item, way);
        eddy_safepoint(t);
    }
    eddy_keep_alive((void *)seen);
}

static void *contender_main(void *argument)
{
    struct contender *me = argument;
    eddy_thread *t = ownership_attach(me->c->o);
    eddy_array *own = me->c->own[me->number];
    for (size_t i = 0; own != NULL && i < own->length; i++)
        eddy_own_write(t, item_at(t, own, i));
    eddy_native_enter(t);
    pthread_barrier_wait(&me->c->start);
    eddy_native_leave(t);
    me->begun = bench_now_ns();
    switch (me->c->way) {
    case WAY_OWNED: run_way(me, t, WAY_OWNED); break;
    case WAY_MUTEX: run_way(me, t, WAY_MUTEX); break;
    case WAY_SPIN: run_way(me, t, WAY_SPIN); break;
    default: run_way(me, t, WAY_RWLOCK); break;
    }
    me->ended = bench_now_ns();
    eddy_thread_detach(t);
    return NULL;
}

/* Nanoseconds of wall time per operation of all threads together; *fast: share of accesses that asked nobody. */
static double measure(const struct ownership *o, enum task task, enum way way, unsigned percent, double *fast)
{
    static void *slots[MOST_THREADS + 1];
    eddy_thread *t = ownership_attach(o);
    struct contention c = {.o = o, .way = way, .task = task, .percent = percent};
    struct contender contenders[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    size_t common = task == TASK_TRANSFER ? ACCOUNTS : task == TASK_MIX ? COMMON_ITEMS : 1;
    c.common = ownership_items(o, t, way, common, &slots[MOST_THREADS], true);
    for (unsigned i = 0; i < o->threads && task == TASK_MIX; i++)
        c.own[i] = ownership_items(o, t, way, OWN_ITEMS, &slots[i], true);
    pthread_barrier_init(&c.start, NULL, o->threads + 1);
    eddy_native_enter(t);
    for (unsigned i = 0; i < o->threads; i++) {
        contenders[i] = (struct contender){.c = &c, .number = i};
        if (pthread_create(&ids[i], NULL, contender_main, &contenders[i]) != 0)
            bench_out_of_memory();
    }
    pthread_barrier_wait(&c.start);
    uint64_t fasts = 0, begun = UINT64_MAX, ended = 0;
    for (unsigned i = 0; i < o->threads; i++) {
        pthread_join(ids[i], NULL);
        fasts += contenders[i].fast;
        begun = contenders[i].begun < begun ? contenders[i].begun : begun;
        ended = contenders[i].ended > ended ? contenders[i].ended : ended;
    }
    eddy_native_leave(t);
    int64_t sum = 0;
    for (size_t i = 0; i < c.common->length; i++) {
        eddy_own_read(t, item_at(t, c.common, i));
        sum += item_at(t, c.common, i)->value;
    }
    uint64_t ops = o->ops * o->threads;
    if ((task == TASK_TURNS && sum != (int64_t)ops) || (task == TASK_TRANSFER && sum != 0))
        bench_fatal("updates were lost: %s", ownership_ways[way]);
    pthread_barrier_destroy(&c.start);
    eddy_root_remove(t, &slots[MOST_THREADS]);
    for (unsigned i = 0; i < o->threads && task == TASK_MIX; i++)
        eddy_root_remove(t, &slots[i]);
    eddy_thread_detach(t);
    *fast = (double)fasts / (double)ops;
    return (double)(ended - begun) / (double)ops;
}

/* All ways in turns; medians into ns and fast. */
static void compare(const struct ownership *o, enum task task, unsigned percent, double ns[WAYS], double *fast)
{
    static double all[WAYS][MOST_RUNS], fasts[MOST_RUNS];
    for (unsigned run = 0; run < o->runs; run++)
        for (enum way way = WAY_OWNED; way < WAYS; way++)
            if (ownership_wants(o, way)) {
                double its;
                all[way][run] = measure(o, task, way, percent, &its);
                if (way == WAY_OWNED)
                    fasts[run] = its;
            }
    for (enum way way = WAY_OWNED; way < WAYS; way++)
        ns[way] = ownership_wants(o, way) ? ownership_median(all[way], o->runs) : 0;
    *fast = ownership_median(fasts, o->runs);
}

static void line(const struct ownership *o, const char *what, enum task task)
{
    double ns[WAYS], fast;
    compare(o, task, 0, ns, &fast);
    printf("%-22s %u threads:", what, o->threads);
    for (enum way way = WAY_OWNED; way < WAYS; way++)
        printf(" %s %.1f ns", ownership_ways[way], ns[way]);
    printf("; owned is %.2f of mutex", ns[WAY_OWNED] / ns[WAY_MUTEX]);
    printf(task == TASK_TRANSFER ? "\n" : ", fast path %.2f%%\n", fast * 100);
}

/* The share of common objects at which a way becomes as fast as rights, between two that were measured; 100: nowhere. */
static double crossing(const unsigned *percent, const double (*ns)[WAYS], size_t count, enum way way)
{
    for (size_t i = 0; i < count; i++) {
        double gap = ns[i][WAY_OWNED] - ns[i][way];
        if (gap < 0)
            continue;
        if (i == 0)
            return percent[0];
        double before = ns[i - 1][way] - ns[i - 1][WAY_OWNED];
        return percent[i - 1] + (percent[i] - percent[i - 1]) * before / (before + gap);
    }
    return 100;
}

static void mix(const struct ownership *o)
{
    static const unsigned percent[] = {0, 1, 2, 5, 10, 20, 40, 60, 80, 100};
    enum { STEPS = sizeof percent / sizeof percent[0] };
    double ns[STEPS][WAYS], fast;
    for (size_t i = 0; i < STEPS; i++) {
        compare(o, TASK_MIX, percent[i], ns[i], &fast);
        printf("%3u%% common objects    %u threads:", percent[i], o->threads);
        for (enum way way = WAY_OWNED; way < WAYS; way++)
            printf(" %s %.1f ns", ownership_ways[way], ns[i][way]);
        printf("; fast path %.2f%%\n", fast * 100);
    }
    for (enum way way = WAY_MUTEX; way < WAYS && o->only == NULL; way++)
        printf("%s wins from %.1f%% common objects on\n", ownership_ways[way],
               crossing(percent, (const double(*)[WAYS])ns, STEPS, way));
}

void ownership_contend(struct ownership *o)
{
    ownership_open(o);
    line(o, "one object in turns", TASK_TURNS);
    line(o, "read mostly", TASK_READ_MOSTLY);
    line(o, "two of 1000 accounts", TASK_TRANSFER);
    mix(o);
    ownership_close(o);
}
