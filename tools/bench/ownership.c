/* eddy-bench ownership: what rights to objects cost, against locks in the objects. */
#include "ownership.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "options.h"

const char *const ownership_ways[WAYS] = {"unchecked", "owned", "mutex", "spin", "rwlock"};

void ownership_open(struct ownership *o)
{
    const size_t offsets[] = {offsetof(struct item, next)};
    if (eddy_heap_create(NULL, &o->heap) != EDDY_OK)
        bench_out_of_memory();
    for (int way = 0; way < WAYS; way++) {
        size_t size = way == WAY_MUTEX || way == WAY_RWLOCK ? sizeof(struct item) : offsetof(struct item, lock);
        eddy_type_desc desc = {
            .name = ownership_ways[way], .size = size, .ref_offsets = offsets, .ref_count = 1, .flags = EDDY_TYPE_ARBITRATED};
        if (eddy_type_register(o->heap, &desc, &o->types[way]) != EDDY_OK)
            bench_out_of_memory();
    }
}

void ownership_close(struct ownership *o)
{
    if (eddy_heap_destroy(o->heap) != EDDY_OK)
        bench_fatal("a thread is still attached");
}

eddy_thread *ownership_attach(const struct ownership *o)
{
    eddy_thread *t;
    if (eddy_thread_attach(o->heap, &t) != EDDY_OK)
        bench_out_of_memory();
    return t;
}

eddy_array *ownership_items(const struct ownership *o, eddy_thread *t, enum way way, size_t count, void **slot, bool own)
{
    if (eddy_root_add(t, slot) != EDDY_OK)
        bench_out_of_memory();
    eddy_array *array = eddy_alloc_array(t, count);
    if (array == NULL)
        bench_out_of_memory();
    eddy_root_store(t, slot, array);
    for (size_t i = 0; i < count; i++) {
        struct item *item = eddy_alloc(t, o->types[way]);
        if (item == NULL)
            bench_out_of_memory();
        item->key = i;
        if (way == WAY_MUTEX)
            pthread_mutex_init(&item->lock.mutex, NULL);
        if (way == WAY_RWLOCK)
            pthread_rwlock_init(&item->lock.rwlock, NULL);
        if (own)
            eddy_own_write(t, item);
        eddy_store(t, array, &array->slots[i], item);
    }
    return array;
}

bool ownership_wants(const struct ownership *o, enum way way)
{
    return o->only == NULL || strcmp(o->only, ownership_ways[way]) == 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ownership_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void check_way(const char *name)
{
    for (int way = 0; way < WAYS; way++)
        if (strcmp(name, ownership_ways[way]) == 0)
            return;
    options_error("--only: there is no '%s'; there are: unchecked, owned, mutex, spin, rwlock", name);
}

int bench_command_ownership(int argc, char **argv)
{
    enum { OPTION_OPS = OPTION_OWN, OPTION_RUNS, OPTION_WAY };
    static const struct option table[] = {{"threads", required_argument, NULL, OPTION_THREADS},
                                          {"ops", required_argument, NULL, OPTION_OPS},
                                          {"runs", required_argument, NULL, OPTION_RUNS},
                                          {"only", required_argument, NULL, OPTION_WAY},
                                          {NULL, 0, NULL, 0}};
    struct ownership o = {.ops = 2000000, .runs = 5, .threads = 2};
    for (int option; (option = options_next(argc, argv, table)) != -1;) {
        if (option == OPTION_WAY) {
            check_way(optarg);
            o.only = optarg;
        } else {
            uint64_t n = options_number(argv[optind - 1], optarg, 1, option == OPTION_OPS ? UINT64_C(1) << 40 : 256);
            *(option == OPTION_THREADS ? &o.threads : option == OPTION_RUNS ? &o.runs : &(unsigned){0}) = (unsigned)n;
            o.ops = option == OPTION_OPS ? n : o.ops;
        }
    }
    const char *part = optind < argc ? argv[optind] : "all";
    bool all = strcmp(part, "all") == 0, check = strcmp(part, "check") == 0, steal = strcmp(part, "steal") == 0,
         contend = strcmp(part, "contend") == 0;
    if (optind + 1 < argc || !(all || check || steal || contend))
        options_error("ownership takes one of: check, steal, contend, all");
    if (all || check)
        ownership_check(&o);
    if (all || steal)
        ownership_steal(&o);
    if (all || contend)
        ownership_contend(&o);
    return BENCH_OK;
}
