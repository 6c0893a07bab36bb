/* What docs/limits.md promises and no other test looks at: figures, and what the collector's thread is to the system. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support.h"

#include "runtime/heap/heap.h"

static void test_figures(void **state)
{
    (void)state;
    assert_int_equal(HEAP_MAX_THREADS, 65534);
    assert_int_equal(HEAP_MAX_TYPES, 65535);
    assert_int_equal(LOG_CHUNK_BYTES, 8192);
    assert_int_equal(LOG_CHUNK_ENTRIES, 1022);
    assert_int_equal(BLOCK_BYTES, 32768);
    assert_int_equal(CELL_MAX - EDDY__HEADER_SIZE, 8168);
    assert_int_equal(sizeof(struct block), 64);
    /* One of these classes is at most a fifth larger than what it is asked for, from 256 bytes on; below, 16 bytes. */
    for (size_t cell = 16; cell <= CELL_MAX; cell += 16) {
        size_t given = eddy__class_cell[eddy__class_of(cell)];
        assert_true(given == cell || given - cell < given / 5);
    }
}

static void test_types_have_bounds(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    eddy_type_desc desc = {.name = "huge", .size = UINT32_MAX / 2};
    const eddy_type *type;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_OK);
    desc.size++;
    assert_int_equal(eddy_type_register(w.heap, &desc, &type), EDDY_EINVAL);
    desc.size = 8;
    unsigned registered = 0;
    eddy_status status;
    while ((status = eddy_type_register(w.heap, &desc, &type)) == EDDY_OK)
        registered++;
    assert_int_equal(status, EDDY_ELIMIT);
    assert_true(registered <= 65535 && registered >= 65520); /* some are Eddy's own */
    assert_non_null(eddy_alloc_bytes(w.t, 100));             /* nothing is lost */
    world_close(&w);
}

static void test_objects_have_bounds(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_PRECISE_ROOTS);
    assert_null(eddy_alloc_bytes(w.t, SIZE_MAX));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    assert_null(eddy_alloc_array(w.t, SIZE_MAX / 8));
    assert_int_equal(eddy_thread_error(w.t), EDDY_EINVAL);
    assert_null(eddy_alloc_bytes(w.t, w.heap->range)); /* its header and a page are on top */
    assert_int_equal(eddy_thread_error(w.t), EDDY_ENOMEM);
    assert_non_null(eddy_alloc_bytes(w.t, 100));
    world_close(&w);
}

/* The number of this process's thread of that name; 0: there is none. */
static int thread_named(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int found = 0;
    for (const struct dirent *entry; found == 0 && (entry = readdir(tasks)) != NULL;) {
        char path[300], text[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        if (f == NULL)
            continue;
        if (fgets(text, sizeof text, f) != NULL && strcspn(text, "\n") == strlen(name)
            && strncmp(text, name, strlen(name)) == 0)
            found = atoi(entry->d_name);
        fclose(f);
    }
    closedir(tasks);
    return found;
}

static uint64_t blocked_signals(int tid)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    uint64_t mask = 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "SigBlk:", 7) == 0)
            mask = strtoull(line + 7, NULL, 16);
    fclose(f);
    return mask;
}

static void test_the_collectors_thread(void **state)
{
    (void)state;
    cpu_set_t all, one, its;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    config.name = "a name of many letters";
    struct world w = world_open_with(&config);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < 65; signal++)
        assert_int_equal(sigismember(&before, signal), sigismember(&after, signal));

    eddy_collect(w.t, 0, NULL); /* it has begun by now */
    int tid = thread_named("gc a name of ma");
    assert_true(tid != 0);
    assert_int_equal(sched_getaffinity(tid, sizeof its, &its), 0);
    assert_true(CPU_EQUAL(&its, &one)); /* that of the thread that made the heap */
    uint64_t blocked = blocked_signals(tid);
    for (int signal = 1; signal < 65; signal++)
        if (signal != SIGKILL && signal != SIGSTOP && (signal < 32 || signal >= SIGRTMIN)) /* 32 and 33 are glibc's */
            assert_true(blocked >> (signal - 1) & 1);
    world_close(&w);
    assert_int_equal(thread_named("gc a name of ma"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_types_have_bounds),
        cmocka_unit_test(test_objects_have_bounds),
        cmocka_unit_test(test_the_collectors_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
