/* Step 5: several threads. */
#include <assert.h>
#include <ctype.h>
#include <eddy/eddy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* begin: structures */
enum kind { NUMBER, PAIR, SYMBOL, BUILTIN, CLOSURE };

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
/* begin: functions */
typedef void *builtin_fn(eddy_thread *t, void *arguments);
struct builtin {
    enum kind kind;
    builtin_fn *call;
};
struct closure {
    enum kind kind;
    void *parameters, *body, *environment;
};
/* end: functions */

/* begin: globals */
static eddy_heap *heap;
static const eddy_type *number_type, *pair_type, *symbol_type, *builtin_type, *closure_type;

static void register_types(void)
{
    static const size_t pair_references[] = {offsetof(struct pair, first), offsetof(struct pair, rest)};
    static const size_t closure_references[] = {offsetof(struct closure, parameters), offsetof(struct closure, body),
                                                offsetof(struct closure, environment)};
    const eddy_type_desc number_layout = {.name = "number", .size = sizeof(struct number)};
    const eddy_type_desc pair_layout = {
        .name = "pair", .size = sizeof(struct pair), .ref_offsets = pair_references, .ref_count = 2};
    const eddy_type_desc symbol_layout = {.name = "symbol",
                                          .size = offsetof(struct symbol, name),
                                          .tail = EDDY_TAIL_BYTES,
                                          .element_size = 1,
                                          .length_offset = offsetof(struct symbol, length)};
    const eddy_type_desc builtin_layout = {.name = "builtin", .size = sizeof(struct builtin)};
    const eddy_type_desc closure_layout = {
        .name = "closure", .size = sizeof(struct closure), .ref_offsets = closure_references, .ref_count = 3};
    if (eddy_type_register(heap, &number_layout, &number_type) || eddy_type_register(heap, &pair_layout, &pair_type)
        || eddy_type_register(heap, &symbol_layout, &symbol_type)
        || eddy_type_register(heap, &builtin_layout, &builtin_type)
        || eddy_type_register(heap, &closure_layout, &closure_type))
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
    if (is(object, BUILTIN) || is(object, CLOSURE)) {
        printf("<function>");
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

/* begin: environment */
static void *globals; /* a root slot: a pair whose rest is the list of (symbol . value) */

static void *lookup(eddy_thread *t, void *symbol, void *environment)
{
    for (void *p = environment; p != NULL; p = rest(t, p))
        if (first(t, first(t, p)) == symbol)
            return rest(t, first(t, p));
    for (void *p = rest(t, eddy_root_load(t, &globals)); p != NULL; p = rest(t, p))
        if (first(t, first(t, p)) == symbol)
            return rest(t, first(t, p));
    fprintf(stderr, "undefined: %.*s\n", (int)((struct symbol *)symbol)->length, ((struct symbol *)symbol)->name);
    exit(1);
}

static void define(eddy_thread *t, void *symbol, void *value)
{
    struct pair *box = eddy_root_load(t, &globals);
    void *binding = cons(t, symbol, value), *old, *changed;
    do {
        old = EDDY_GET(t, box, rest);
        changed = cons(t, binding, old);
    } while (!eddy_compare_and_swap(t, box, &box->rest, old, changed));
}
/* end: environment */

static bool named(const void *object, const char *name)
{
    const struct symbol *s = object;
    return is(object, SYMBOL) && s->length == strlen(name) && memcmp(s->name, name, s->length) == 0;
}

static void *eval(eddy_thread *t, void *x, void *environment);

/* begin: parallel */
struct job {
    pthread_t thread;
    struct pair *cell; /* retained: first is an expression, in the end its value; rest is the environment */
};

static void *run_job(void *argument)
{
    struct job *job = argument;
    eddy_thread *t;
    if (eddy_thread_attach(heap, &t))
        abort();
    struct pair *cell = job->cell;
    void *value = eval(t, EDDY_GET(t, cell, first), EDDY_GET(t, cell, rest));
    EDDY_SET(t, cell, first, value);
    eddy_thread_detach(t);
    return NULL;
}

/* Evaluates each expression on a thread of its own; the list of their values. */
static void *parallel(eddy_thread *t, void *expressions, void *environment)
{
    if (expressions == NULL)
        return NULL;
    struct job job;
    job.cell = cons(t, first(t, expressions), environment);
    eddy_retain(t, job.cell);
    if (pthread_create(&job.thread, NULL, run_job, &job) != 0)
        abort();
    void *others = parallel(t, rest(t, expressions), environment);
    eddy_native_enter(t); /* pthread_join blocks: nobody waits for this thread meanwhile */
    pthread_join(job.thread, NULL);
    eddy_native_leave(t);
    void *value = EDDY_GET(t, job.cell, first);
    eddy_release(t, job.cell);
    return cons(t, value, others);
}
/* end: parallel */

/* begin: eval */

static void *eval_list(eddy_thread *t, void *list, void *environment)
{
    if (list == NULL)
        return NULL;
    void *value = eval(t, first(t, list), environment);
    return cons(t, value, eval_list(t, rest(t, list), environment));
}

static void *apply(eddy_thread *t, void *function, void *arguments)
{
    if (is(function, BUILTIN))
        return ((struct builtin *)function)->call(t, arguments);
    if (!is(function, CLOSURE)) {
        fprintf(stderr, "not a function\n");
        exit(1);
    }
    struct closure *c = function;
    void *environment = EDDY_GET(t, c, environment);
    for (void *p = EDDY_GET(t, c, parameters); p != NULL; p = rest(t, p), arguments = rest(t, arguments))
        environment = cons(t, cons(t, first(t, p), first(t, arguments)), environment);
    return eval(t, EDDY_GET(t, c, body), environment);
}

static void *eval(eddy_thread *t, void *x, void *environment)
{
    eddy_safepoint(t);
    if (is(x, SYMBOL))
        return lookup(t, x, environment);
    if (!is(x, PAIR))
        return x;
    void *head = first(t, x), *tail = rest(t, x);
    if (named(head, "quote"))
        return first(t, tail);
    if (named(head, "if")) {
        bool yes = eval(t, first(t, tail), environment) != NULL;
        return eval(t, first(t, yes ? rest(t, tail) : rest(t, rest(t, tail))), environment);
    }
    if (named(head, "define")) {
        define(t, first(t, tail), eval(t, first(t, rest(t, tail)), environment));
        return first(t, tail);
    }
    if (named(head, "parallel"))
        return parallel(t, tail, environment);
    if (named(head, "lambda")) {
        struct closure *c = checked(t, eddy_alloc(t, closure_type));
        c->kind = CLOSURE;
        EDDY_SET(t, c, parameters, first(t, tail));
        EDDY_SET(t, c, body, first(t, rest(t, tail)));
        EDDY_SET(t, c, environment, environment);
        return c;
    }
    void *function = eval(t, head, environment);
    return apply(t, function, eval_list(t, tail, environment));
}
/* end: eval */

static long number(eddy_thread *t, void *arguments, int which)
{
    void *x = first(t, which == 0 ? arguments : rest(t, arguments));
    if (!is(x, NUMBER)) {
        fprintf(stderr, "not a number\n");
        exit(1);
    }
    return ((struct number *)x)->number;
}

/* begin: builtins */
static void *add(eddy_thread *t, void *a)
{
    return make_number(t, number(t, a, 0) + number(t, a, 1));
}
static void *subtract(eddy_thread *t, void *a)
{
    return make_number(t, number(t, a, 0) - number(t, a, 1));
}
static void *multiply(eddy_thread *t, void *a)
{
    return make_number(t, number(t, a, 0) * number(t, a, 1));
}
static void *less(eddy_thread *t, void *a)
{
    return number(t, a, 0) < number(t, a, 1) ? make_number(t, 1) : NULL;
}
static void *pair(eddy_thread *t, void *a)
{
    return cons(t, first(t, a), first(t, rest(t, a)));
}
static void *head_of(eddy_thread *t, void *a)
{
    return first(t, first(t, a));
}
static void *tail_of(eddy_thread *t, void *a)
{
    return rest(t, first(t, a));
}
/* end: builtins */

/* begin: set-rest */
static void *set_rest(eddy_thread *t, void *a)
{
    struct pair *box = first(t, a);
    if (!is(box, PAIR))
        return NULL;
    EDDY_SET(t, box, rest, first(t, rest(t, a))); /* an old object: the barrier logs an increment and a decrement */
    return box;
}
/* end: set-rest */

static void define_builtins(eddy_thread *t)
{
    static const struct {
        const char *name;
        builtin_fn *call;
    } builtins[] = {
        {"+", add},     {"-", subtract},    {"*", multiply},   {"<", less},
        {"cons", pair}, {"first", head_of}, {"rest", tail_of}, {"set-rest", set_rest},
    };
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
        struct builtin *b = checked(t, eddy_alloc(t, builtin_type));
        b->kind = BUILTIN;
        b->call = builtins[i].call;
        define(t, intern(t, builtins[i].name, strlen(builtins[i].name)), b);
    }
}

static void *run(eddy_thread *t, const char *text)
{
    void *value = NULL;
    for (;;) {
        while (isspace((unsigned char)*text))
            text++;
        if (*text == 0)
            return value;
        value = eval(t, read_value(t, &text), NULL);
    }
}

/* begin: main */
int main(void)
{
    eddy_thread *t;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_root_add(t, &symbols)
        || eddy_root_add(t, &globals))
        return 1;
    register_types();
    eddy_root_store(t, &globals, cons(t, NULL, NULL));
    define_builtins(t);
    void *value = run(t, "(define fibonacci (lambda (n) (if (< n 2) n (+ (fibonacci (- n 1)) (fibonacci (- n 2))))))"
                         "(parallel (fibonacci 17) (fibonacci 18) (define a 1) (define b 2))");
    print(t, value);
    printf("\n");
    assert(((struct number *)first(t, value))->number == 1597);
    value = run(t, "(+ a b)"); /* both definitions are there: none got lost */
    assert(((struct number *)value)->number == 3);
    if (eddy_root_remove(t, &globals) || eddy_root_remove(t, &symbols))
        return 1;
    return eddy_thread_detach(t) || eddy_heap_destroy(heap);
}
/* end: main */
