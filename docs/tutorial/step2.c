/* Step 2: symbols in a root slot, and a reader. */
#include <assert.h>
#include <ctype.h>
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* begin: structures */
enum kind { NUMBER, PAIR, SYMBOL };

struct value {
    enum kind kind;
}; /* every object begins like this */
struct number {
    enum kind kind;
    long number;
};
struct pair {
    enum kind kind;
    void *first, *rest;
};
/* end: structures */
/* begin: symbol */
struct symbol {
    enum kind kind;
    size_t length;
    char name[];
};
/* end: symbol */

/* begin: globals */
static eddy_heap *heap;
static const eddy_type *number_type, *pair_type, *symbol_type;

static void register_types(void)
{
    static const size_t pair_references[] = {offsetof(struct pair, first), offsetof(struct pair, rest)};
    const eddy_type_desc number_layout = {.name = "number", .size = sizeof(struct number)};
    const eddy_type_desc pair_layout = {
        .name = "pair", .size = sizeof(struct pair), .ref_offsets = pair_references, .ref_count = 2};
    const eddy_type_desc symbol_layout = {.name = "symbol",
                                          .size = offsetof(struct symbol, name),
                                          .tail = EDDY_TAIL_BYTES,
                                          .element_size = 1,
                                          .length_offset = offsetof(struct symbol, length)};
    if (eddy_type_register(heap, &number_layout, &number_type) || eddy_type_register(heap, &pair_layout, &pair_type)
        || eddy_type_register(heap, &symbol_layout, &symbol_type))
        abort();
}
/* end: globals */

/* begin: make */
static void *checked(eddy_thread *t, void *object)
{
    if (object == NULL) {
        fprintf(stderr, "%s\n", eddy_status_text(eddy_thread_error(t)));
        exit(1);
    }
    return object;
}

static void *make_number(eddy_thread *t, long value)
{
    struct number *n = checked(t, eddy_alloc(t, number_type));
    n->kind = NUMBER;
    n->number = value;
    return n;
}

static void *cons(eddy_thread *t, void *first, void *rest)
{
    struct pair *p = checked(t, eddy_alloc(t, pair_type));
    p->kind = PAIR;
    EDDY_SET(t, p, first, first);
    EDDY_SET(t, p, rest, rest);
    return p;
}
/* end: make */

static bool is(const void *object, enum kind kind)
{
    return object != NULL && ((const struct value *)object)->kind == kind;
}

/* begin: read fields */
static void *first(eddy_thread *t, void *object)
{
    return is(object, PAIR) ? EDDY_GET(t, (struct pair *)object, first) : NULL;
}

static void *rest(eddy_thread *t, void *object)
{
    return is(object, PAIR) ? EDDY_GET(t, (struct pair *)object, rest) : NULL;
}
/* end: read fields */

/* begin: intern */
static void *symbols; /* a root slot: the list of all symbols */

static void *intern(eddy_thread *t, const char *name, size_t length)
{
    for (void *p = eddy_root_load(t, &symbols); p != NULL; p = rest(t, p)) {
        struct symbol *s = first(t, p);
        if (s->length == length && memcmp(s->name, name, length) == 0)
            return s;
    }
    struct symbol *s = checked(t, eddy_alloc_tail(t, symbol_type, length));
    s->kind = SYMBOL;
    memcpy(s->name, name, length);
    eddy_root_store(t, &symbols, cons(t, s, eddy_root_load(t, &symbols)));
    return s;
}
/* end: intern */

/* begin: reader */
static void *read_value(eddy_thread *t, const char **text);

static void *read_list(eddy_thread *t, const char **text)
{
    while (isspace((unsigned char)**text))
        ++*text;
    if (**text == ')' || **text == 0) {
        *text += **text == ')';
        return NULL;
    }
    void *item = read_value(t, text);
    void *others = read_list(t, text);
    return cons(t, item, others);
}

static void *read_value(eddy_thread *t, const char **text)
{
    while (isspace((unsigned char)**text))
        ++*text;
    if (**text == '(') {
        ++*text;
        return read_list(t, text);
    }
    const char *begin = *text;
    while (**text != 0 && **text != '(' && **text != ')' && !isspace((unsigned char)**text))
        ++*text;
    char *end;
    long number = strtol(begin, &end, 10);
    if (end == *text && end != begin)
        return make_number(t, number);
    return intern(t, begin, (size_t)(*text - begin));
}
/* end: reader */

static void print(eddy_thread *t, void *object)
{
    if (is(object, NUMBER)) {
        printf("%ld", ((struct number *)object)->number);
        return;
    }
    if (is(object, SYMBOL)) {
        const struct symbol *s = object;
        printf("%.*s", (int)s->length, s->name);
        return;
    }
    printf("(");
    for (void *p = object; p != NULL; p = rest(t, p)) {
        if (p != object)
            printf(" ");
        print(t, first(t, p));
    }
    printf(")");
}

/* begin: main */
int main(void)
{
    eddy_thread *t;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_root_add(t, &symbols))
        return 1;
    register_types();
    const char *text = "(define square (lambda (x) (* x x)))";
    void *expression = read_value(t, &text);
    print(t, expression);
    printf("\n");
    text = "square";
    assert(read_value(t, &text) == first(t, rest(t, expression))); /* a symbol is one object */
    if (eddy_root_remove(t, &symbols))
        return 1;
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
/* end: main */
