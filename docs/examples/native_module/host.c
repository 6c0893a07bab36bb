/* The program around the module: loads it, calls it from several threads at once, and sees that what it computes is right,
 * that nothing dies early, and that when all threads have ended nothing is pinned and nothing is left.
 * usage: example_native_module MODULE */
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

#define THREADS 4
#define ROUNDS 60
#define TEXTS 5

static struct {
    object *(*split)(object *text);
    object *(*count)(object *texts);
    int (*add)(object *totals, object *counts);
    object *(*longest)(object *list);
    object *(*swap)(object *kept);
} words;

static eddy_heap *heap;
static int failures; /* atomic */

static void check(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "native_module: %s (error: %s)\n", what, Nm_Error() != NULL ? Nm_Error() : "none");
    EDDY_ADD_SEQ_CST(&failures, 1);
}

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

/* TEXTS texts in which "alpha" occurs twice each, and "beta" once. */
static object *make_texts(void)
{
    object *list = Nm_List();
    for (int i = 0; i < TEXTS; i++) {
        char text[64];
        snprintf(text, sizeof text, "alpha beta  gamma%d alpha %s", i, i % 2 ? "a-rather-long-word" : "short");
        object *item = string(text);
        check(Nm_ListAppend(list, item) == 0, "append");
        Nm_DECREF(item);
    }
    return list;
}

static void expect_errors(object *texts)
{
    object *text = string("one two a-word-of-more-than-thirty-two-characters three");
    check(words.split(text) == NULL && strcmp(Nm_Error(), "word too long") == 0, "a long word was accepted");
    Nm_SetError(NULL);
    check(words.split(texts) == NULL && strcmp(Nm_Error(), "not a string") == 0, "a list was split");
    Nm_SetError(NULL);
    object *mixed = make_texts();
    check(Nm_ListAppend(mixed, text) == 0, "append");
    Nm_DECREF(text); /* the list holds it */
    check(words.count(mixed) == NULL && Nm_Error() != NULL, "a long word was counted");
    Nm_SetError(NULL);
    Nm_DECREF(mixed);
}

static object *totals; /* shared by the threads; owned by the first that came */

static void *thread_main(void *unused)
{
    eddy_thread *t;
    if (eddy_thread_attach(heap, &t) != EDDY_OK) {
        check(0, "attach");
        return unused;
    }
    for (int round = 0; round < ROUNDS; round++) {
        object *texts = make_texts(), *counts = words.count(texts);
        check(counts != NULL && value_of(counts, "alpha") == 2 * TEXTS && value_of(counts, "beta") == TEXTS
                  && value_of(counts, "gamma3") == 1,
              "wrong counts");
        object *before = words.swap(counts); /* counted by whatever thread */
        if (before != NULL) {
            check(value_of(before, "alpha") == 2 * TEXTS, "what was kept has changed");
            check(words.add(totals, before) == 0, "add");
        }
        Nm_XDECREF(before);
        Nm_CLEAR(counts);
        object *list = words.split(Nm_ListGet(texts, 1)), *longest = words.longest(list);
        Nm_DECREF(list);
        check(strcmp(Nm_StringText(longest), "a-rather-long-word") == 0, "wrong word");
        Nm_DECREF(longest);
        if (round % 10 == 0)
            expect_errors(texts);
        Nm_DECREF(texts);
        eddy_safepoint(t);
    }
    check(eddy_thread_detach(t) == EDDY_OK, "detach");
    return unused;
}

/* Begins and ends with the objects that all threads share. The main thread never sees an object, so that
 * nothing on its stack can keep one. */
static void *manager_main(void *unused)
{
    eddy_thread *t;
    pthread_t threads[THREADS];
    check(eddy_thread_attach(heap, &t) == EDDY_OK, "attach");
    totals = Nm_Dict();
    eddy_native_enter(t);
    for (int i = 0; i < THREADS; i++)
        check(pthread_create(&threads[i], NULL, thread_main, NULL) == 0, "pthread_create");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    eddy_native_leave(t);
    object *last = words.swap(NULL);
    check(last != NULL && value_of(last, "beta") == TEXTS, "what was kept last has gone");
    Nm_XDECREF(last);
    check(value_of(totals, "gamma0") > 0 && value_of(totals, "nowhere") == 0, "wrong totals");
    Nm_CLEAR(totals);
    return unused; /* its end detaches it */
}

static int load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        fprintf(stderr, "native_module: %s\n", dlerror());
        return -1;
    }
    *(void **)&words.split = dlsym(module, "words_split");
    *(void **)&words.count = dlsym(module, "words_count");
    *(void **)&words.add = dlsym(module, "words_add");
    *(void **)&words.longest = dlsym(module, "words_longest");
    *(void **)&words.swap = dlsym(module, "words_swap");
    bool complete =
        words.split != NULL && words.count != NULL && words.add != NULL && words.longest != NULL && words.swap != NULL;
    return complete ? 0 : -1;
}

int main(int argc, char **argv)
{
    eddy_thread *t;
    pthread_t manager;
    if (argc != 2 || load(argv[1]) != 0 || eddy_heap_create(NULL, &heap) != EDDY_OK || objects_create(heap) != 0
        || pthread_create(&manager, NULL, manager_main, NULL) != 0)
        return 1;
    pthread_join(manager, NULL);
    if (eddy_thread_attach(heap, &t) != EDDY_OK || eddy_collect(t, 0, NULL) != EDDY_OK)
        return 1;
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    check(stats.pinned_objects == 0, "objects are still pinned");
    check(stats.misused_unpins == 0, "more references were given back than taken");
    check(stats.live_objects == 0, "objects are left");
    check(eddy_thread_detach(t) == EDDY_OK && eddy_heap_destroy(heap) == EDDY_OK, "end");
    if (failures == 0)
        printf("native_module: %llu objects freed, none left, none pinned\n", (unsigned long long)stats.objects_freed);
    return failures != 0;
}
