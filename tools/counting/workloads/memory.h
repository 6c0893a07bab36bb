/* Bytes per object, and pages that a forked child dirties although it only reads: it retains each object, looks at it, and
 * releases it. All objects are permanent where the strategy knows that. */
#ifndef MEMORY_H
#define MEMORY_H

#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "object.h"

/* Arrays of numbers, held in plain memory. */
struct stock {
    struct object **arrays;
    size_t count;
    uint64_t bytes; /* taken from the system for the numbers */
};

static void stock_make(struct lab_thread *t, uint64_t objects, struct stock *s)
{
    s->count = objects / LAB_LARGE;
    s->arrays = calloc(s->count, sizeof(struct object *));
    if (s->arrays == NULL)
        count_fatal("out of memory");
    for (size_t i = 0; i < s->count; i++) { /* first, so that numbers alone lie between the two readings */
        s->arrays[i] = lab_new_array(t, LAB_LARGE);
        lab_hold(t, s->arrays[i]);
        lab_poll(t);
    }
    lab_settle(t);
    uint64_t before = lab_private_dirty();
    for (size_t i = 0; i < s->count; i++) {
        for (uint32_t k = 0; k < LAB_LARGE; k++)
            lab_set(t, s->arrays[i], k, lab_new_int(t, (int64_t)k));
        lab_poll(t);
    }
    lab_settle(t);
    s->bytes = lab_private_dirty() - before;
}

static void memory_run(struct lab_thread *t, const struct lab_request *request, struct lab_result *result)
{
    struct stock s;
    stock_make(t, request->operations, &s);
    result->operations = s.count * LAB_LARGE;
    result->bytes = s.bytes;
    for (size_t i = 0; i < s.count; i++)
        result->checksum += (uint64_t)lab_int(lab_get(t, s.arrays[i], (uint32_t)i % LAB_LARGE));
}

static uint64_t visit(struct lab_thread *t, const struct stock *s)
{
    uint64_t checksum = 0;
    for (size_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < LAB_LARGE; k++) {
            struct object *o = lab_get(t, s->arrays[i], k);
            lab_retain(t, o);
            checksum += (uint64_t)lab_int(o);
            lab_release(t, o);
        }
    return checksum;
}

struct child_answer {
    uint64_t dirtied, checksum;
};

static void fork_run(struct lab_thread *t, const struct lab_request *request, struct lab_result *result)
{
    struct stock s;
    int ends[2];
    struct child_answer answer = {0, 0};
    stock_make(t, request->operations, &s);
#ifdef COUNT_EDDY
    lab_require(eddy_heap_freeze(t->eddy));
#else
    for (size_t i = 0; i < s.count; i++)
        lab_permanent(t, s.arrays[i]);
#endif
    if (pipe(ends) != 0)
        count_fatal("cannot make a pipe");
#ifdef COUNT_EDDY
    eddy_fork_prepare(lab_heap);
#endif
    pid_t child = fork();
    if (child == 0) {
#ifdef COUNT_EDDY
        eddy_fork_child(lab_heap);
#endif
        uint64_t before = lab_private_dirty();
        answer.checksum = visit(t, &s);
        uint64_t after = lab_private_dirty();
        answer.dirtied = after > before ? after - before : 0;
        _exit(write(ends[1], &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 1);
    }
#ifdef COUNT_EDDY
    eddy_fork_parent(lab_heap);
#endif
    int status = 0;
    if (child < 0 || read(ends[0], &answer, sizeof answer) != (ssize_t)sizeof answer
        || waitpid(child, &status, 0) != child || status != 0)
        count_fatal("the child has failed");
    result->operations = s.count * LAB_LARGE;
    result->bytes = answer.dirtied;
    result->total_bytes = s.bytes;
    result->checksum = answer.checksum;
}

#endif
