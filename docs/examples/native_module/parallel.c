/* The same native module beside threads of managed code that run in parallel with it and with each other, and use the same objects:
 * only who calls the module takes the legacy lock. The module has been compiled with hooks at the beginning and the end of
 * each of its functions, so that it is seen that it never has two threads in it. Nothing is lost: get and set, as the module does
 * them, are one step for everybody else.
 * usage: example_parallel_module MODULE */
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define CALLERS 2
#define MANAGED 3
#define ROUNDS 40
#define TEXTS 4
#define ADDS 25

static struct {
    object *(*count)(object *texts);
    int (*add)(object *totals, object *counts);
    object *(*swap)(object *kept);
} words;

static eddy_heap *heap;
static object *totals, *texts_seen; /* shared by all threads; owned by the first */
static int failures;                /* atomic */

static void check(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "parallel_module: %s (error: %s)\n", what, Nm_Error() != NULL ? Nm_Error() : "none");
    EDDY_ADD_SEQ_CST(&failures, 1);
}

/* ---- the checker ---- */

static uint32_t threads_inside; /* atomic */
static uint64_t calls_seen;     /* written inside */
static __thread unsigned depth;

static void come(void)
{
    check(EDDY_ADD_SEQ_CST(&threads_inside, 1) == 0, "the module has two threads in it");
}
static void go(void)
{
    EDDY_ADD_SEQ_CST(&threads_inside, -1);
}

NM_API void __cyg_profile_func_enter(void *function, void *caller);
NM_API void __cyg_profile_func_exit(void *function, void *caller);
void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)function, (void)caller;
    if (depth++ == 0)
        come();
    if (++calls_seen % 8 == 0)
        sched_yield(); /* an invitation to those who should not come */
}
void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function, (void)caller;
    if (--depth == 0)
        go();
}

void module_pauses(void)
{
    go();
}
void module_resumes(void)
{
    come();
}

/* ---- threads ---- */

static object *string(const char *text)
{
    return Nm_String(text, strlen(text));
}

static long value_of(object *dict, const char *name)
{
    object *key = string(name), *number = Nm_DictGet(dict, key);
    long value = number == NULL ? 0 : Nm_NumberValue(number);
    Nm_XDECREF(key);
    return value;
}

static eddy_thread *attach(void)
{
    eddy_thread *t;
    check(eddy_thread_attach(heap, &t) == EDDY_OK, "attach");
    return t;
}

/* Calls the module, and is called back by it for everything that it does. */
static void *caller_main(void *unused)
{
    eddy_thread *t = attach();
    for (int round = 0; round < ROUNDS; round++) {
        object *texts = Nm_List();
        for (int i = 0; i < TEXTS; i++) {
            object *text = string(i % 2 == 0 ? "alpha beta alpha" : "beta gamma");
            check(Nm_ListAppend(texts, text) == 0 && Nm_ListAppend(texts_seen, text) == 0, "append");
            Nm_DECREF(text);
        }
        eddy_legacy_enter(t);
        object *counts = words.count(texts);
        check(counts != NULL && value_of(counts, "alpha") == TEXTS && value_of(counts, "beta") == TEXTS,
              "wrong counts");
        object *before = words.swap(counts); /* opens a window */
        check(words.add(totals, counts) == 0, "add");
        eddy_legacy_leave(t);
        Nm_XDECREF(before);
        Nm_CLEAR(counts);
        Nm_CLEAR(texts);
    }
    check(eddy_thread_detach(t) == EDDY_OK, "detach");
    return unused;
}

/* Managed code: no lock. Adds to the totals of the module's words, too. */
static void *managed_main(void *unused)
{
    eddy_thread *t = attach();
    object *names[] = {string("managed"), string("alpha")};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ADDS; i++) {
            check(dict_add(totals, names[i % 2], 1) == 0, "managed add");
            eddy_safepoint(t);
        }
        check(Nm_ListAppend(texts_seen, names[0]) == 0, "managed append");
        size_t size = Nm_ListSize(texts_seen);
        check(size != 0 && Nm_ListGet(texts_seen, size / 2) != NULL, "an item has gone");
    }
    Nm_DECREF(names[0]);
    Nm_DECREF(names[1]);
    check(eddy_thread_detach(t) == EDDY_OK, "detach");
    return unused;
}

/* The main thread never sees an object, so that nothing on its stack can keep one. */
static void *manager_main(void *unused)
{
    eddy_thread *t = attach();
    pthread_t threads[CALLERS + MANAGED];
    totals = Nm_Dict();
    texts_seen = Nm_List();
    eddy_native_enter(t);
    for (int i = 0; i < CALLERS + MANAGED; i++)
        check(pthread_create(&threads[i], NULL, i < CALLERS ? caller_main : managed_main, NULL) == 0, "pthread_create");
    for (int i = 0; i < CALLERS + MANAGED; i++)
        pthread_join(threads[i], NULL);
    eddy_native_leave(t);
    long managed = (long)MANAGED * ROUNDS * (ADDS / 2), module = (long)CALLERS * ROUNDS * TEXTS;
    check(value_of(totals, "managed") == managed + (long)MANAGED * ROUNDS * (ADDS % 2), "managed additions were lost");
    check(value_of(totals, "alpha") == module + managed, "additions were lost");
    check(value_of(totals, "beta") == module && value_of(totals, "gamma") == module / 2,
          "the module's additions were lost");
    check(Nm_ListSize(texts_seen) == (size_t)(module + (long)MANAGED * ROUNDS), "items were lost");
    eddy_legacy_enter(t);
    Nm_XDECREF(words.swap(NULL));
    eddy_legacy_leave(t);
    Nm_CLEAR(totals);
    Nm_CLEAR(texts_seen);
    return unused; /* its end detaches it */
}

static int load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        fprintf(stderr, "parallel_module: %s\n", dlerror());
        return -1;
    }
    *(void **)&words.count = dlsym(module, "words_count");
    *(void **)&words.add = dlsym(module, "words_add");
    *(void **)&words.swap = dlsym(module, "words_swap");
    return words.count != NULL && words.add != NULL && words.swap != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
    pthread_t manager;
    if (argc != 2 || load(argv[1]) != 0 || eddy_heap_create(NULL, &heap) != EDDY_OK || objects_create(heap) != 0
        || pthread_create(&manager, NULL, manager_main, NULL) != 0)
        return 1;
    pthread_join(manager, NULL);
    eddy_thread *t = attach();
    check(eddy_collect(t, 0, NULL) == EDDY_OK, "collect");
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    check(stats.pinned_objects == 0 && stats.misused_unpins == 0, "objects are still pinned");
    check(stats.live_objects == 0, "objects are left");
    check(calls_seen > (uint64_t)CALLERS * ROUNDS, "the checker has seen nothing");
    check(eddy_thread_detach(t) == EDDY_OK && eddy_heap_destroy(heap) == EDDY_OK, "end");
    if (failures == 0)
        printf("parallel_module: %llu calls inside the module, one thread at a time; nothing lost\n",
               (unsigned long long)calls_seen);
    return failures != 0;
}
