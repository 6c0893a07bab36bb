/* An index of words, made by several threads at once: which word is on which lines of which text.
 *
 * Each thread reads a text of its own from a pipe, in native regions since reading blocks, and enters its words into one table
 * of chains that all share. Chains grow at their heads by compare-and-swap; there is no lock. A writer thread meanwhile feeds
 * the pipes. In the end the words are counted in two ways.
 *
 *     example_word_index             indexes texts that it makes up
 *     example_word_index FILE ...    indexes files, a thread for each, and prints the ten most frequent words */
#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <eddy/eddy.h>

enum { CHAINS = 1024, TEXTS = 4, LINES = 500, WORDS = 8, MOST_FILES = 64 };

struct place {
    struct place *next;
    unsigned text, line;
};

struct word {
    struct word *next;    /* in its chain; set once, before others see the word */
    struct place *places; /* newest first */
    size_t length;
    char spelling[];
};

static eddy_heap *heap;
static const eddy_type *word_type, *place_type;
static void *index_slot; /* a root slot: an array of chains */

struct reader {
    pthread_t thread;
    unsigned text;
    int file;
    unsigned long words;
};

static struct word *find(eddy_thread *t, struct word *chain, const struct word *end, const char *spelling, size_t length)
{
    for (struct word *w = chain; w != end; w = EDDY_GET(t, w, next))
        if (w->length == length && memcmp(w->spelling, spelling, length) == 0)
            return w;
    return NULL;
}

/* The word, entered if it was not there. */
static struct word *enter(eddy_thread *t, eddy_array *index, const char *spelling, size_t length)
{
    size_t hash = 5381;
    for (size_t i = 0; i < length; i++)
        hash = hash * 33 + (unsigned char)spelling[i];
    void **chain = &index->slots[hash % CHAINS];
    struct word *head = eddy_load(t, chain), *made = NULL, *known = NULL;
    for (;;) {
        struct word *found = find(t, head, known, spelling, length);
        if (found != NULL)
            return found;
        if (made == NULL) {
            made = eddy_alloc_tail(t, word_type, length);
            if (made == NULL)
                abort();
            memcpy(made->spelling, spelling, length);
        }
        EDDY_SET(t, made, next, head);
        if (eddy_compare_and_swap(t, index, chain, head, made))
            return made;
        known = head; /* somebody was faster: only what is new needs a look */
        head = eddy_load(t, chain);
    }
}

static void add_place(eddy_thread *t, struct word *word, unsigned text, unsigned line)
{
    struct place *place = eddy_alloc(t, place_type), *old;
    if (place == NULL)
        abort();
    place->text = text;
    place->line = line;
    do {
        old = EDDY_GET(t, word, places);
        EDDY_SET(t, place, next, old);
    } while (!eddy_compare_and_swap(t, word, (void **)(void *)&word->places, old, place));
}

static void *read_text(void *argument)
{
    struct reader *reader = argument;
    eddy_thread *t;
    if (eddy_thread_attach(heap, &t) != EDDY_OK)
        abort();
    eddy_array *index = eddy_root_load(t, &index_slot);
    char buffer[512], spelling[64];
    size_t length = 0;
    unsigned line = 1;
    for (;;) {
        eddy_native_enter(t); /* may block: nobody waits for this thread */
        ssize_t n = read(reader->file, buffer, sizeof buffer);
        eddy_native_leave(t);
        for (ssize_t i = 0; i < n; i++) {
            if (isalnum((unsigned char)buffer[i])) {
                if (length < sizeof spelling)
                    spelling[length++] = (char)tolower((unsigned char)buffer[i]);
                continue;
            }
            if (length > 0) {
                add_place(t, enter(t, index, spelling, length), reader->text, line);
                reader->words++;
            }
            length = 0;
            line += buffer[i] == '\n';
        }
        if (n <= 0)
            break;
    }
    if (length > 0) {
        add_place(t, enter(t, index, spelling, length), reader->text, line);
        reader->words++;
    }
    eddy_thread_detach(t);
    close(reader->file);
    return NULL;
}

static unsigned long count_places(eddy_thread *t, struct word *word)
{
    unsigned long n = 0;
    for (struct place *p = EDDY_GET(t, word, places); p != NULL; p = EDDY_GET(t, p, next))
        n++;
    return n;
}

/* Prints the most frequent words; returns the places of all. */
static unsigned long report(eddy_thread *t, eddy_array *index, unsigned most, unsigned long *different)
{
    unsigned long total = 0, limit = (unsigned long)-1;
    struct word *last = NULL; /* the one shown last; among equals the address decides */
    *different = 0;
    for (unsigned shown = 0; shown <= most; shown++) {
        struct word *best = NULL;
        unsigned long best_count = 0;
        for (size_t i = 0; i < CHAINS; i++)
            for (struct word *w = eddy_load(t, &index->slots[i]); w != NULL; w = EDDY_GET(t, w, next)) {
                unsigned long n = count_places(t, w);
                if (shown == 0)
                    total += n, ++*different;
                if ((n < limit || (n == limit && w > last)) && (n > best_count || (n == best_count && w < best)))
                    best = w, best_count = n;
            }
        if (best == NULL)
            break;
        if (shown < most)
            printf("%8lu %.*s\n", best_count, (int)best->length, best->spelling);
        limit = best_count;
        last = best;
        eddy_safepoint(t);
    }
    return total;
}

/* Text `text`: each line has the words "w0" to "w7", one that all texts have on this line, and one of its own. */
static void *write_texts(void *argument)
{
    int *ends = argument;
    for (unsigned line = 0; line < LINES; line++)
        for (unsigned text = 0; text < TEXTS; text++)
            for (unsigned i = 0; i < WORDS; i++) /* a few words in each write, so that readers wait for more */
                if (i < WORDS - 1)
                    dprintf(ends[text], "w%u l%u ", i, line);
                else
                    dprintf(ends[text], "w%u t%ul%u\n", i, text, line);
    for (unsigned text = 0; text < TEXTS; text++)
        close(ends[text]);
    return NULL;
}

int main(int argc, char **argv)
{
    static const size_t word_references[] = {offsetof(struct word, next), offsetof(struct word, places)};
    static const size_t place_references[] = {offsetof(struct place, next)};
    const eddy_type_desc word_layout = {.name = "word",
                                        .size = offsetof(struct word, spelling),
                                        .ref_offsets = word_references,
                                        .ref_count = 2,
                                        .tail = EDDY_TAIL_BYTES,
                                        .element_size = 1,
                                        .length_offset = offsetof(struct word, length)};
    const eddy_type_desc place_layout = {
        .name = "place", .size = sizeof(struct place), .ref_offsets = place_references, .ref_count = 1};
    eddy_thread *t;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &word_layout, &word_type)
        || eddy_type_register(heap, &place_layout, &place_type) || eddy_root_add(t, &index_slot))
        return 1;
    eddy_array *index = eddy_alloc_array(t, CHAINS);
    eddy_root_store(t, &index_slot, index);

    static struct reader readers[MOST_FILES];
    int ends[TEXTS];
    unsigned n = argc > 1 ? (unsigned)(argc - 1) : TEXTS;
    pthread_t writer;
    assert(n <= MOST_FILES);
    for (unsigned i = 0; i < n; i++) {
        int both[2];
        readers[i].text = i;
        if (argc > 1) {
            readers[i].file = open(argv[i + 1], O_RDONLY);
        } else {
            if (pipe(both) != 0)
                return 1;
            readers[i].file = both[0];
            ends[i] = both[1];
        }
        if (pthread_create(&readers[i].thread, NULL, read_text, &readers[i]) != 0)
            return 1;
    }
    if (argc == 1 && pthread_create(&writer, NULL, write_texts, ends) != 0)
        return 1;

    unsigned long words = 0, different;
    eddy_native_enter(t);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(readers[i].thread, NULL);
        words += readers[i].words;
    }
    if (argc == 1)
        pthread_join(writer, NULL);
    eddy_native_leave(t);
    unsigned long places = report(t, index, 10, &different);
    printf("%lu words, %lu different ones\n", words, different);
    assert(places == words); /* no entry got lost */
    if (argc == 1)
        assert(words == TEXTS * LINES * WORDS * 2ul && different == WORDS + LINES + TEXTS * LINES);
    if (eddy_root_remove(t, &index_slot))
        return 1;
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
