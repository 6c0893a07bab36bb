/* A Lisp: numbers, symbols, pairs, functions with tail calls, macros, assignment; on a heap with precise roots.
 *
 * No C stack is looked at: every reference that must outlive a safepoint is in a frame of handles. The evaluator keeps its
 * registers (expression, environment, what it has computed) in one frame for each level of nesting; tail calls reuse it.
 *
 *     example_lisp             runs the programs below
 *     example_lisp FILE ...    runs files, and prints the value of each expression */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <eddy/eddy.h>

enum kind { NUMBER, SYMBOL, PAIR, BUILTIN, FUNCTION };

struct object {
    enum kind kind;
};
struct number {
    enum kind kind;
    long value;
};
struct symbol {
    enum kind kind;
    size_t length;
    char name[];
};
struct pair {
    enum kind kind;
    void *first, *rest;
};
struct function {
    enum kind kind;
    bool macro;
    void *parameters, *body, *environment;
};

typedef struct lisp {
    eddy_heap *heap;
    eddy_thread *t;
    const eddy_type *number, *symbol, *pair, *builtin, *function;
    void *symbols, *globals;                                   /* root slots: lists */
    void *quote, *if_, *define, *set, *lambda, *macro, *begin; /* symbols; the list of symbols keeps them */
} lisp;

typedef void *builtin_fn(lisp *l, void *arguments);
struct builtin {
    enum kind kind;
    builtin_fn *call;
};

/* The references that a function holds: names for the slots of a frame, and the frame, popped on every way out. */
struct held {
    eddy_thread *t;
    eddy_frame frame;
};

static void drop_held(struct held *held)
{
    eddy_frame_pop(held->t, &held->frame);
}

#define HOLD(l, ...)                                                                                                   \
    void *slots[] = {__VA_ARGS__};                                                                                     \
    struct held held __attribute__((cleanup(drop_held))) = {.t = (l)->t};                                              \
    eddy_frame_push((l)->t, &held.frame, slots, sizeof slots / sizeof *slots)

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "lisp: %s\n", what);
    exit(1);
}

/* ---- objects ---- */

static void *made(lisp *l, void *object, enum kind kind)
{
    if (object == NULL)
        fail(eddy_status_text(eddy_thread_error(l->t)));
    ((struct object *)object)->kind = kind;
    return object;
}

static bool is(const void *object, enum kind kind)
{
    return object != NULL && ((const struct object *)object)->kind == kind;
}

static void *make_number(lisp *l, long value)
{
    struct number *n = made(l, eddy_alloc(l->t, l->number), NUMBER);
    n->value = value;
    return n;
}

static void *cons(lisp *l, void *first, void *rest)
{
    HOLD(l, first, rest); /* the allocation is a safepoint */
    struct pair *p = made(l, eddy_alloc(l->t, l->pair), PAIR);
    EDDY_SET(l->t, p, first, first); /* stores into a new object that nobody else has seen are no safepoints */
    EDDY_SET(l->t, p, rest, rest);
    return p;
}

static void *first(lisp *l, void *p)
{
    return is(p, PAIR) ? EDDY_GET(l->t, (struct pair *)p, first) : NULL;
}

static void *rest(lisp *l, void *p)
{
    return is(p, PAIR) ? EDDY_GET(l->t, (struct pair *)p, rest) : NULL;
}

static void *second(lisp *l, void *p)
{
    return first(l, rest(l, p));
}

static void *intern(lisp *l, const char *name, size_t length)
{
    for (void *p = eddy_root_load(l->t, &l->symbols); p != NULL; p = rest(l, p)) {
        const struct symbol *s = first(l, p);
        if (s->length == length && memcmp(s->name, name, length) == 0)
            return first(l, p);
    }
    struct symbol *s = made(l, eddy_alloc_tail(l->t, l->symbol, length), SYMBOL);
    memcpy(s->name, name, length);
    HOLD(l, s);
    eddy_root_store(l->t, &l->symbols, cons(l, s, eddy_root_load(l->t, &l->symbols)));
    return s;
}

/* ---- reading and printing ---- */

static const char *skip(const char *text)
{
    while (isspace((unsigned char)*text) || *text == ';')
        if (*text++ == ';')
            while (*text != 0 && *text != '\n')
                text++;
    return text;
}

static void *read_value(lisp *l, const char **text)
{
    *text = skip(*text);
    HOLD(l, NULL, NULL); /* the list so far, and its last pair */
    if (**text == '\'') {
        ++*text;
        slots[0] = cons(l, read_value(l, text), NULL);
        return cons(l, l->quote, slots[0]);
    }
    if (**text == '(') {
        for (*text = skip(*text + 1); **text != ')'; *text = skip(*text)) {
            if (**text == 0)
                fail("a list has no end");
            if (**text == '.' && isspace((unsigned char)(*text)[1]) && slots[1] != NULL) {
                ++*text;
                EDDY_SET(l->t, (struct pair *)slots[1], rest, read_value(l, text));
                continue;
            }
            void *pair = cons(l, read_value(l, text), NULL);
            if (slots[0] == NULL) {
                slots[0] = pair;
            } else {
                EDDY_SET(l->t, (struct pair *)slots[1], rest, pair); /* holds what it gets */
            }
            slots[1] = pair;
        }
        ++*text;
        return slots[0];
    }
    const char *begin = *text;
    while (**text != 0 && strchr("()'; \t\r\n", **text) == NULL)
        ++*text;
    if (begin == *text)
        fail("this is no expression");
    char *end;
    long number = strtol(begin, &end, 10);
    return end == *text ? make_number(l, number) : intern(l, begin, (size_t)(*text - begin));
}

static void print(lisp *l, void *x)
{
    if (x != NULL && !is(x, PAIR)) {
        if (is(x, NUMBER))
            printf("%ld", ((struct number *)x)->value);
        else if (is(x, SYMBOL))
            printf("%.*s", (int)((struct symbol *)x)->length, ((struct symbol *)x)->name);
        else
            printf("<function>");
        return;
    }
    printf("(");
    for (void *p = x; p != NULL; p = is(rest(l, p), PAIR) ? rest(l, p) : NULL) {
        print(l, first(l, p));
        if (rest(l, p) != NULL)
            printf(is(rest(l, p), PAIR) ? " " : " . ");
        if (rest(l, p) != NULL && !is(rest(l, p), PAIR))
            print(l, rest(l, p));
    }
    printf(")");
}

/* ---- evaluating ---- */

static _Noreturn void fail_named(const struct symbol *s)
{
    fprintf(stderr, "lisp: %.*s is not defined\n", (int)s->length, s->name);
    exit(1);
}

/* The pair (symbol . value) of a variable. */
static struct pair *binding(lisp *l, void *symbol, void *environment)
{
    for (void *p = environment; p != NULL; p = rest(l, p))
        if (first(l, first(l, p)) == symbol)
            return first(l, p);
    for (void *p = eddy_root_load(l->t, &l->globals); p != NULL; p = rest(l, p))
        if (first(l, first(l, p)) == symbol)
            return first(l, p);
    return NULL;
}

static void define(lisp *l, void *symbol, void *value)
{
    struct pair *found = binding(l, symbol, NULL);
    if (found != NULL)
        EDDY_SET(l->t, found, rest, value);
    else
        eddy_root_store(l->t, &l->globals, cons(l, cons(l, symbol, value), eddy_root_load(l->t, &l->globals)));
}

/* The environment of a call: parameters bound to arguments; a symbol in place of the list's end takes the others. */
static void *bind(lisp *l, struct function *f, void *arguments)
{
    HOLD(l, EDDY_GET(l->t, f, environment), EDDY_GET(l->t, f, parameters), arguments);
    while (is(slots[1], PAIR)) {
        if (slots[2] == NULL)
            fail("too few arguments");
        void *bound = cons(l, first(l, slots[1]), first(l, slots[2]));
        slots[0] = cons(l, bound, slots[0]);
        slots[1] = rest(l, slots[1]);
        slots[2] = rest(l, slots[2]);
    }
    if (slots[1] != NULL) {
        void *bound = cons(l, slots[1], slots[2]);
        slots[0] = cons(l, bound, slots[0]);
    }
    return slots[0];
}

static void assign(lisp *l, void *symbol, void *value, void *environment)
{
    struct pair *found = binding(l, symbol, environment);
    if (found == NULL)
        fail_named(symbol);
    EDDY_SET(l->t, found, rest, value);
}

static void *eval(lisp *l, void *x, void *environment);

/* Evaluates all but the last expression of a body; returns the last. */
static void *all_but_last(lisp *l, void *body, void *environment)
{
    HOLD(l, body, environment);
    for (; rest(l, slots[0]) != NULL; slots[0] = rest(l, slots[0]))
        eval(l, first(l, slots[0]), slots[1]);
    return first(l, slots[0]);
}

static void *eval_arguments(lisp *l, void *list, void *environment)
{
    HOLD(l, list, environment, NULL, NULL);
    for (; slots[0] != NULL; slots[0] = rest(l, slots[0])) {
        void *pair = cons(l, eval(l, first(l, slots[0]), slots[1]), NULL);
        if (slots[2] == NULL) {
            slots[2] = pair;
        } else {
            EDDY_SET(l->t, (struct pair *)slots[3], rest, pair);
        }
        slots[3] = pair;
    }
    return slots[2];
}

static void *make_function(lisp *l, void *tail, void *environment, bool macro)
{
    HOLD(l, tail, environment);
    struct function *f = made(l, eddy_alloc(l->t, l->function), FUNCTION);
    f->macro = macro;
    EDDY_SET(l->t, f, parameters, first(l, tail));
    EDDY_SET(l->t, f, body, rest(l, tail));
    EDDY_SET(l->t, f, environment, environment);
    return f;
}

/* The loop is for tail calls: their expression and environment replace those of the caller. */
static void *eval(lisp *l, void *x, void *environment)
{
    enum { X, ENVIRONMENT, TAIL, VALUE };
    HOLD(l, x, environment, NULL, NULL);
    for (;;) {
        eddy_safepoint(l->t);
        x = slots[X];
        if (is(x, SYMBOL)) {
            struct pair *found = binding(l, x, slots[ENVIRONMENT]);
            if (found == NULL)
                fail_named(x);
            return EDDY_GET(l->t, found, rest);
        }
        if (!is(x, PAIR))
            return x;
        void *head = first(l, x), *tail = slots[TAIL] = rest(l, x);
        if (head == l->quote)
            return first(l, tail);
        if (head == l->lambda || head == l->macro)
            return make_function(l, tail, slots[ENVIRONMENT], head == l->macro);
        if (head == l->define || head == l->set) {
            slots[VALUE] = eval(l, second(l, tail), slots[ENVIRONMENT]);
            if (head == l->define)
                define(l, first(l, tail), slots[VALUE]);
            else
                assign(l, first(l, tail), slots[VALUE], slots[ENVIRONMENT]);
            return slots[VALUE];
        }
        if (head == l->if_) {
            bool yes = eval(l, first(l, tail), slots[ENVIRONMENT]) != NULL;
            slots[X] = yes ? second(l, tail) : second(l, rest(l, tail));
            continue;
        }
        if (head == l->begin) {
            slots[X] = all_but_last(l, tail, slots[ENVIRONMENT]);
            continue;
        }
        struct function *f = slots[VALUE] = eval(l, head, slots[ENVIRONMENT]);
        if (is(f, BUILTIN))
            return ((struct builtin *)slots[VALUE])->call(l, eval_arguments(l, tail, slots[ENVIRONMENT]));
        if (!is(f, FUNCTION))
            fail("what is called is no function");
        void *arguments = f->macro ? tail : eval_arguments(l, tail, slots[ENVIRONMENT]);
        slots[TAIL] = bind(l, f, arguments);
        void *last = all_but_last(l, EDDY_GET(l->t, f, body), slots[TAIL]);
        if (f->macro)
            slots[X] = eval(l, last, slots[TAIL]); /* what the macro made of the expression is evaluated in its place */
        else
            slots[X] = last, slots[ENVIRONMENT] = slots[TAIL];
    }
}

/* ---- builtins ---- */

static long number(lisp *l, void *arguments)
{
    void *x = first(l, arguments);
    if (!is(x, NUMBER))
        fail("a number is needed");
    return ((struct number *)x)->value;
}

static void *add(lisp *l, void *a)
{
    long sum = 0;
    for (; a != NULL; a = rest(l, a))
        sum += number(l, a);
    return make_number(l, sum);
}

static void *subtract(lisp *l, void *a)
{
    return make_number(l, number(l, a) - number(l, rest(l, a)));
}
static void *multiply(lisp *l, void *a)
{
    return make_number(l, number(l, a) * number(l, rest(l, a)));
}
static void *remainder_of(lisp *l, void *a)
{
    long divisor = number(l, rest(l, a));
    if (divisor == 0 || divisor == -1)
        fail("no remainder of that");
    return make_number(l, number(l, a) % divisor);
}
static void *less(lisp *l, void *a)
{
    return number(l, a) < number(l, rest(l, a)) ? first(l, a) : NULL;
}
static void *equal(lisp *l, void *a)
{
    return number(l, a) == number(l, rest(l, a)) ? first(l, a) : NULL;
}
static void *pair_of(lisp *l, void *a)
{
    return cons(l, first(l, a), second(l, a));
}
static void *first_of(lisp *l, void *a)
{
    return first(l, first(l, a));
}
static void *rest_of(lisp *l, void *a)
{
    return rest(l, first(l, a));
}
static void *list_of(lisp *l, void *a)
{
    (void)l;
    return a;
}

static void *set_rest(lisp *l, void *a)
{
    if (!is(first(l, a), PAIR))
        fail("a pair is needed");
    EDDY_SET(l->t, (struct pair *)first(l, a), rest, second(l, a));
    return NULL;
}

/* ---- the whole ---- */

static void open_lisp(lisp *l)
{
    static const size_t pair_refs[] = {offsetof(struct pair, first), offsetof(struct pair, rest)};
    static const size_t function_refs[] = {offsetof(struct function, parameters), offsetof(struct function, body),
                                           offsetof(struct function, environment)};
    const eddy_type_desc number = {.name = "number", .size = sizeof(struct number)};
    const eddy_type_desc symbol = {.name = "symbol",
                                   .size = offsetof(struct symbol, name),
                                   .tail = EDDY_TAIL_BYTES,
                                   .element_size = 1,
                                   .length_offset = offsetof(struct symbol, length)};
    const eddy_type_desc pair = {.name = "pair", .size = sizeof(struct pair), .ref_offsets = pair_refs, .ref_count = 2};
    const eddy_type_desc builtin = {.name = "builtin", .size = sizeof(struct builtin)};
    const eddy_type_desc function = {
        .name = "function", .size = sizeof(struct function), .ref_offsets = function_refs, .ref_count = 3};
    eddy_config config;
    eddy_config_init(&config);
    config.flags = EDDY_HEAP_PRECISE_ROOTS;
    config.name = "lisp";
    if (eddy_heap_create(&config, &l->heap) || eddy_thread_attach(l->heap, &l->t) || eddy_root_add(l->t, &l->symbols)
        || eddy_root_add(l->t, &l->globals) || eddy_type_register(l->heap, &number, &l->number)
        || eddy_type_register(l->heap, &symbol, &l->symbol) || eddy_type_register(l->heap, &pair, &l->pair)
        || eddy_type_register(l->heap, &builtin, &l->builtin) || eddy_type_register(l->heap, &function, &l->function))
        fail("no heap");

    const struct {
        void **symbol;
        const char *name;
    } words[] = {
        {&l->quote, "quote"},   {&l->if_, "if"},      {&l->define, "define"}, {&l->set, "set!"},
        {&l->lambda, "lambda"}, {&l->macro, "macro"}, {&l->begin, "begin"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        *words[i].symbol = intern(l, words[i].name, strlen(words[i].name));
    static const struct {
        const char *name;
        builtin_fn *call;
    } builtins[] = {
        {"+", add},        {"-", subtract},   {"*", multiply},         {"remainder", remainder_of},
        {"<", less},       {"=", equal},      {"cons", pair_of},       {"first", first_of},
        {"rest", rest_of}, {"list", list_of}, {"set-rest!", set_rest},
    };
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
        struct builtin *b = made(l, eddy_alloc(l->t, l->builtin), BUILTIN);
        b->call = builtins[i].call;
        HOLD(l, b);
        define(l, intern(l, builtins[i].name, strlen(builtins[i].name)), b);
    }
}

static void close_lisp(lisp *l)
{
    if (eddy_root_remove(l->t, &l->globals) || eddy_root_remove(l->t, &l->symbols) || eddy_thread_detach(l->t)
        || eddy_heap_destroy(l->heap))
        fail("the heap is not closed");
}

/* The value of the last expression, which the caller holds before its next safepoint. */
static void *run(lisp *l, const char *text, bool show)
{
    void *value = NULL;
    for (text = skip(text); *text != 0; text = skip(text)) {
        value = eval(l, read_value(l, &text), NULL);
        if (show) {
            print(l, value);
            printf("\n");
        }
    }
    return value;
}

static void run_file(lisp *l, const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail("the file cannot be opened");
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    run(l, text, true);
}

int main(int argc, char **argv)
{
    lisp l = {0};
    open_lisp(&l);
    for (int i = 1; i < argc; i++)
        run_file(&l, argv[i]);
    if (argc == 1) {
        run(&l,
            "(define map (lambda (f l) (if l (cons (f (first l)) (map f (rest l))) '())))"
            "(define unless (macro (test . body) (list 'if test ''() (cons 'begin body))))",
            false);
        run(&l, "(map (lambda (x) (* x x)) '(1 2 3 4 5)) '(1 (2 ()) x)", true);
        assert(
            ((struct number *)run(&l,
                                  "(define count 0)"
                                  "(define loop (lambda (n) (unless (= n 0) (set! count (+ count n)) (loop (- n 1)))))"
                                  "(loop 20000) count",
                                  true))
                ->value
            == 200010000); /* tail calls: no deep stack */
        run(&l,
            "(define knot (lambda () (set-rest! (first (rings)) (rings))))"
            "(define rings (lambda () ((lambda (a) (begin (set-rest! a a) (list a))) (cons 1 2))))"
            "(define again (lambda (n) (unless (= n 0) (knot) (again (- n 1)))))"
            "(again 1000)",
            false); /* cyclic garbage */
        eddy_stats stats;
        eddy_verify_report verified;
        if (eddy_collect(l.t, 0, NULL) || eddy_verify(l.t, 0, &verified))
            fail("the heap is not sound");
        eddy_heap_stats(l.heap, &stats);
        printf("%llu objects live\n", (unsigned long long)stats.live_objects);
        assert(stats.live_objects < 1000);
    }
    close_lisp(&l);
    return 0;
}
