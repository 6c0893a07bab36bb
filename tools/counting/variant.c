/* One strategy with all that is measured of it. Compiled once per strategy, so that everything below is inline in its loops. */
#include "object.h"

#include "lab.h"
#include "workloads/interpreter.h"
#include "workloads/memory.h"
#include "workloads/mix.h"
#include "workloads/pairs.h"

/* Not inline: what it leaves on the stack is gone when it returns. */
static COUNT_COLD void perform(struct lab_thread *t, const struct lab_request *request, struct lab_result *result)
{
    struct object *shared = lab_new_array(t, LAB_LARGE);
    lab_hold(t, shared);
    switch (request->which) {
    case CASE_MIX: mix_run(t, request, shared, result); break;
    case CASE_INTERPRETER: interpreter_run(t, request, shared, result); break;
    case CASE_MEMORY: memory_run(t, request, result); break;
    case CASE_FORK: fork_run(t, request, result); break;
    default: pairs_run(t, request, shared, result);
    }
    lab_unhold(t, shared);
}

static void variant_run(const struct lab_request *request, struct lab_result *result)
{
    *result = (struct lab_result){0};
    lab_open();
    struct lab_thread *t = lab_attach(0);
    perform(t, request, result);
    lab_detach(t);
    lab_close();
}

#define VARIANT_PASTE(a, b) a##b
#define VARIANT_SYMBOL(name) VARIANT_PASTE(lab_variant_, name)
#define VARIANT_TEXT(name) #name
#define VARIANT_STRING(name) VARIANT_TEXT(name)

#ifdef COUNT_EDDY
#define VARIANT_BYTES(words) (8 + (unsigned)(sizeof(struct object) + (words) * sizeof(void *)))
#else
#define VARIANT_BYTES(words) ((unsigned)(sizeof(struct object) + (words) * sizeof(void *)))
#endif

const struct lab_variant VARIANT_SYMBOL(COUNT_NAME) = {
    .name = VARIANT_STRING(COUNT_NAME),
    .number = COUNT_NUMBER,
    .title = COUNT_TITLE,
    .many_threads = COUNT_MANY_THREADS,
    .permanent = COUNT_PERMANENT,
    .bytes_int = VARIANT_BYTES(1),
    .bytes_pair = VARIANT_BYTES(2),
    .run = variant_run,
};
