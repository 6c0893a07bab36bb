/* A server that forks its workers: what is loaded at the start becomes permanent, so that the workers share its pages with
 * their parent however much they read of it; what changes lives behind fields that are declared mutable.
 *
 * Three ways to permanent objects: a word that the compiler lays out, a settings object that is born permanent, and
 * the dictionary, which is frozen as a whole. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eddy/eddy.h>

struct word {
    struct word *next;
    char text[24];
};

struct settings {
    struct word *greeting; /* set anew at run time: the type is mutable */
};

/* Needs no heap, and may be referred to from every heap. */
EDDY_STATIC_OBJECT(struct word, nothing, {.text = "(nothing)"});

static struct word *load_dictionary(eddy_thread *t, const eddy_type *word)
{
    struct word *first = EDDY_STATIC_REF(nothing);
    for (int i = 0; i < 1000; i++) {
        struct word *w = eddy_alloc(t, word);
        assert(w != NULL);
        snprintf(w->text, sizeof w->text, "word %d", i);
        EDDY_SET(t, w, next, first);
        first = w;
    }
    return first;
}

/* In the worker. Returns how many words it has read. */
static int work(eddy_thread *t, const eddy_type *word, struct settings *settings, struct word *dictionary)
{
    struct word *hello = eddy_alloc(t, word);
    assert(hello != NULL);
    strcpy(hello->text, "hello");
    EDDY_SET(t, settings, greeting, hello); /* an ordinary object, which the permanent one keeps alive */
    int words = 0;
    for (const struct word *w = dictionary; w != EDDY_STATIC_REF(nothing); w = EDDY_GET(t, w, next))
        words++; /* reads; writes to no page of the dictionary */
    if (eddy_collect(t, 0, NULL) != EDDY_OK)
        return -1;
    return strcmp(EDDY_GET(t, settings, greeting)->text, "hello") == 0 ? words : -1;
}

int main(void)
{
    static const size_t word_refs[] = {offsetof(struct word, next)},
                        settings_refs[] = {offsetof(struct settings, greeting)};
    const eddy_type_desc word_layout = {
        .name = "word", .size = sizeof(struct word), .ref_offsets = word_refs, .ref_count = 1};
    const eddy_type_desc settings_layout = {.name = "settings",
                                            .size = sizeof(struct settings),
                                            .ref_offsets = settings_refs,
                                            .ref_count = 1,
                                            .flags = EDDY_TYPE_MUTABLE};
    eddy_config config;
    eddy_config_init(&config);
    config.reserve_bytes = (size_t)256 << 20;
    config.flags = EDDY_HEAP_ATFORK | EDDY_HEAP_MANUAL; /* fork() sees to the heap; no collector thread in this example */
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *word, *settings_type;
    if (eddy_heap_create(&config, &heap) || eddy_thread_attach(heap, &t)
        || eddy_type_register(heap, &word_layout, &word) || eddy_type_register(heap, &settings_layout, &settings_type))
        return 1;

    struct settings *settings = eddy_alloc_permanent(t, settings_type);
    assert(settings != NULL);
    EDDY_SET(t, settings, greeting, EDDY_STATIC_REF(nothing));
    struct word *dictionary = load_dictionary(t, word);
    if (eddy_heap_freeze(t) != EDDY_OK) /* the end of the start-up */
        return 1;
    eddy_stats stats;
    eddy_heap_stats(heap, &stats);
    printf("%llu permanent objects\n", (unsigned long long)stats.permanent_objects);

    fflush(stdout);
    pid_t worker = fork();
    if (worker == 0)
        _exit(work(t, word, settings, dictionary) == 1000 ? 0 : 1);
    int status = 1;
    eddy_native_enter(t);
    waitpid(worker, &status, 0);
    eddy_native_leave(t);
    printf("worker: %s\n", status == 0 ? "all words read" : "failed");
    return status != 0 || eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
