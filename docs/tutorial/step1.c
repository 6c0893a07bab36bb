/* Step 1: a heap, two types, a list. */
#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>

/* begin: structures */
enum kind { NUMBER, PAIR };

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

/* begin: globals */
static eddy_heap *heap;
static const eddy_type *number_type, *pair_type;

static void register_types(void)
{
    static const size_t pair_references[] = {offsetof(struct pair, first), offsetof(struct pair, rest)};
    const eddy_type_desc number_layout = {.name = "number", .size = sizeof(struct number)};
    const eddy_type_desc pair_layout = {
        .name = "pair", .size = sizeof(struct pair), .ref_offsets = pair_references, .ref_count = 2};
    if (eddy_type_register(heap, &number_layout, &number_type) || eddy_type_register(heap, &pair_layout, &pair_type))
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

static void print(eddy_thread *t, void *object)
{
    if (is(object, NUMBER)) {
        printf("%ld", ((struct number *)object)->number);
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
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t))
        return 1;
    register_types();
    void *list = NULL;
    for (long i = 10; i > 0; i--)
        list = cons(t, make_number(t, i * i), list);
    print(t, list);
    printf("\n");
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
/* end: main */
