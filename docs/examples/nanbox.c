/* NaN boxing: a value of a small dynamic language is one word, a double or, in the payload of a NaN, an integer or a reference to
 * an object. Eddy is told the encoding once; the fields of lists are such words. Sums a list that refers to itself. */
#include <stdio.h>
#include <string.h>

#include "eddy/eddy.h"

typedef uintptr_t value;

#define TAG(n) ((uintptr_t)(n) << 48)
#define TAG_INTEGER TAG(0xfffd)
#define TAG_OBJECT TAG(0xfffc)
#define TAG_MASK TAG(0xffff)
#define PAYLOAD (TAG(1) - 1)
#define NOTHING TAG_OBJECT

struct list {
    value head, tail;
};

static const eddy_encoding encoding = {.test = TAG_MASK, .value = TAG_OBJECT, .address = PAYLOAD & ~(uintptr_t)15};

static value from_double(double d)
{
    value v;
    memcpy(&v, &d, sizeof v);
    return v;
}
static value from_integer(long i)
{
    return TAG_INTEGER | ((uintptr_t)i & PAYLOAD);
}
static value from_object(const void *object)
{
    return TAG_OBJECT | (uintptr_t)object;
}

static double to_number(value v)
{
    double d;
    if ((v & TAG_MASK) == TAG_INTEGER)
        return (double)((int64_t)(v << 16) >> 16);
    memcpy(&d, &v, sizeof d);
    return d;
}

static eddy_thread *t;
static const eddy_type *list_type;

static struct list *cons(value head, value tail)
{
    struct list *list =
        eddy_alloc(t, list_type); /* conservative roots: `tail` is held by its object on the stack of the caller */
    if (list == NULL)
        return NULL;
    eddy_store_tagged(t, list, &list->head, head);
    eddy_store_tagged(t, list, &list->tail, tail);
    return list;
}

int main(void)
{
    static const size_t references[] = {offsetof(struct list, head), offsetof(struct list, tail)};
    const eddy_type_desc layout = {
        .name = "list", .size = sizeof(struct list), .ref_offsets = references, .ref_count = 2, .encoding = &encoding};
    eddy_heap *heap;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &list_type))
        return 1;
    struct list *last = cons(from_integer(-7), NOTHING), *list = last;
    for (int i = 1; i < 1000 && list != NULL; i++) {
        struct list *longer = cons(i % 2 ? from_double(i + 0.5) : from_integer(i), from_object(list));
        eddy_keep_alive(list); /* the word alone would not hold it */
        list = longer;
    }
    if (list == NULL)
        return 1;
    eddy_store_tagged(t, last, &last->tail, from_object(list)); /* a ring */
    eddy_collect(t, 0, NULL);
    double sum = 0;
    const struct list *at = list;
    do {
        sum += to_number(eddy_load_tagged(t, &at->head));
        at = eddy_decode(&encoding, eddy_load_tagged(t, &at->tail));
    } while (at != list);
    eddy_keep_alive(list);
    printf("sum %.1f\n", sum);
    return eddy_thread_detach(t) || eddy_heap_destroy(heap) || sum != 499743.0;
}
