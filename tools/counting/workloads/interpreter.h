/* The measured run of the small stack machine: each thread runs the program for itself; constants, names and small
 * numbers are shared by all, and permanent where the strategy knows that. */
#ifndef INTERPRETER_H
#define INTERPRETER_H

#include "workloads/crew.h"
#include "workloads/machine.h"

enum { TABLE_LENGTH = 16 };

struct interpreter {
    struct machine machine;
    struct object *table;       /* the container, LAB_MIDDLE slots */
    uint64_t retains, releases; /* of the census */
};

static struct object *text_of(struct lab_thread *t, const char *characters)
{
    union {
        char text[8 + LAB_TEXT_LENGTH];
        int64_t words[LAB_TEXT_WORDS];
    } payload = {{0}};
    snprintf(payload.text + 8, LAB_TEXT_LENGTH, "%s", characters);
    for (size_t i = 8; i < sizeof payload.text && payload.text[i] != 0; i++)
        payload.words[0] = payload.words[0] * 31 + payload.text[i];
    payload.words[0] &= INT64_C(0x7fffffff);
    return lab_new_words(t, payload.words);
}

/* Slots of the crew's shared array: small numbers first, then these. */
enum shared_slot {
    SHARED_FALSE = SMALL_INTS,
    SHARED_TRUE,
    SHARED_LINES,
    SHARED_SCALE,
    SHARED_LIMIT,
    SHARED_GLOBALS,
    SHARED_CLASSES,
    SHARED_SELECTORS = SHARED_CLASSES + 3
};

static void share_permanent(struct lab_thread *t, struct object *shared, uint32_t slot, struct object *o)
{
    lab_permanent(t, o);
    lab_set_shared(t, shared, slot, o);
}

static void define(struct lab_thread *t, struct object *globals, struct object *name, struct object *value)
{
    uint32_t at = (uint32_t)lab_int(name) % (GLOBALS_ROOM / 2);
    while (lab_get(t, globals, 2 * at) != NULL)
        at = (at + 1) % (GLOBALS_ROOM / 2);
    lab_retain(t, name);
    lab_set(t, globals, 2 * at, name);
    lab_set(t, globals, 2 * at + 1, value);
}

static const char *const lines[LAB_SMALL] = {
    "a program that counts references spends its time on counting, or so it is said by those who measured it",
    "whoever retains an object has the use of one reference to it already, and needs no order for that",
    "the last release acquires what all others released, and destroys the object; nobody looks at it again",
    "an owner counts for itself, the others count together, and once in its life the two become one number",
    "numbers that all threads write are carried from cache to cache, whether or not anybody reads them soon",
    "what is permanent need not be counted; to find out whether it is costs a compare and a branch each time",
    "a log of increments, a log of decrements, and one thread that applies them when nobody can mind it more",
    "a cycle of objects keeps itself alive, whatever is done to make the counting of its references cheaper"};

static const char *const operators[OPERATORS] = {"hash", "item", "less", "add", "subtract", "multiply", "modulo"};

static void interpreter_share(struct lab_thread *t, struct object *shared)
{
    for (uint32_t i = 0; i < SMALL_INTS; i++)
        share_permanent(t, shared, i, lab_new_int(t, SMALL_FIRST + (int64_t)i));
    share_permanent(t, shared, SHARED_FALSE, lab_new_int(t, 0));
    share_permanent(t, shared, SHARED_TRUE, lab_new_int(t, 1));
    struct object *array = lab_new_array(t, LAB_SMALL);
    for (uint32_t i = 0; i < LAB_SMALL; i++)
        lab_set(t, array, i, text_of(t, lines[i]));
    share_permanent(t, shared, SHARED_LINES, array);
    struct object *globals = lab_new_array(t, GLOBALS_ROOM), *scale = text_of(t, "scale"), *limit = text_of(t, "limit");
    lab_set_shared(t, shared, SHARED_GLOBALS, globals);
    define(t, globals, scale, lab_new_int(t, 7));
    define(t, globals, limit, lab_new_int(t, 1000003));
    share_permanent(t, shared, SHARED_SCALE, scale);
    share_permanent(t, shared, SHARED_LIMIT, limit);
    for (uint32_t i = 0; i < OPERATORS; i++)
        share_permanent(t, shared, SHARED_SELECTORS + i, text_of(t, operators[i]));
    for (uint32_t kind = 0; kind < 3; kind++) {
        struct object *class = lab_new_array(t, LAB_MIDDLE);
        for (uint32_t i = 0; i < OPERATORS; i++)
            define(t, class, lab_get(t, shared, SHARED_SELECTORS + i), lab_new_int(t, i));
        share_permanent(t, shared, SHARED_CLASSES + kind, class);
    }
}

static void interpreter_prepare(struct lab_thread *t, struct hand *hand, void *own)
{
    struct interpreter *in = own;
    struct machine *m = &in->machine;
    struct object *shared = hand->crew->shared;
    m->main.elide = m->f.elide = hand->crew->request->elide;
    m->main.known = m->f.known = COUNT_PERMANENT && !hand->crew->request->unknowing;
    write_main(&m->main);
    write_f(&m->f);
    m->small = shared->slots;
    static const int64_t numbers[] = {[CONST_0] = 0, [CONST_1] = 1, [CONST_3] = 3, [CONST_8] = 8, [CONST_16] = 16};
    for (uint32_t i = 0; i <= CONST_16; i++)
        m->consts[i] = lab_get(t, shared, (uint32_t)(numbers[i] - SMALL_FIRST));
    m->consts[CONST_LINES] = lab_get(t, shared, SHARED_LINES);
    m->consts[CONST_SCALE] = lab_get(t, shared, SHARED_SCALE);
    m->consts[CONST_LIMIT] = lab_get(t, shared, SHARED_LIMIT);
    m->truth[0] = lab_get(t, shared, SHARED_FALSE);
    m->truth[1] = lab_get(t, shared, SHARED_TRUE);
    m->globals = lab_get(t, shared, SHARED_GLOBALS);
    for (uint32_t i = 0; i < 3; i++)
        m->classes[i] = lab_get(t, shared, SHARED_CLASSES + i);
    for (uint32_t i = 0; i < OPERATORS; i++)
        m->selectors[i] = lab_get(t, shared, SHARED_SELECTORS + i);
    in->table = lab_new_array(t, LAB_MIDDLE);
    lab_hold(t, in->table);
    for (uint32_t i = 0; i < TABLE_LENGTH; i++)
        lab_set(t, in->table, i, machine_new_int(t, m, i));
}

static void interpreter_work(struct lab_thread *t, struct hand *hand, void *own)
{
    struct interpreter *in = own;
    struct object *n = lab_new_int(t, (int64_t)hand->crew->request->operations);
    struct object *arguments[VAR_TABLE + 1] = {n, n, n, in->table};
#ifdef COUNT_CENSUS_H
    census_retains = census_releases = 0;
#endif
    struct object *result = machine_call(t, &in->machine, &in->machine.main, arguments, VAR_TABLE + 1);
#ifdef COUNT_CENSUS_H
    in->retains = census_retains;
    in->releases = census_releases;
#endif
    hand->checksum = (uint64_t)lab_int(result);
    hand->operations = hand->crew->request->operations;
    lab_release(t, result);
    lab_release(t, n);
}

static void interpreter_finish(struct lab_thread *t, struct hand *hand, void *own)
{
    struct interpreter *in = own;
    for (uint32_t i = 0; i < TABLE_LENGTH; i++)
        hand->checksum += (uint64_t)lab_int(lab_get(t, in->table, i)) * (i + 1);
    lab_unhold(t, in->table);
#ifdef COUNT_CENSUS_H
    census_byte_codes = in->machine.byte_codes;
    census_retains = in->retains;
    census_releases = in->releases;
#endif
}

static void interpreter_run(struct lab_thread *t, const struct lab_request *request, struct object *shared,
                            struct lab_result *result)
{
    struct crew crew = {.request = request,
                        .shared = shared,
                        .share = interpreter_share,
                        .prepare = interpreter_prepare,
                        .work = interpreter_work,
                        .finish = interpreter_finish};
    crew_perform(t, &crew, sizeof(struct interpreter), result);
#ifdef COUNT_CENSUS_H
    result->retains = census_retains;
    result->releases = census_releases;
    result->byte_codes = census_byte_codes;
#endif
}

#endif
