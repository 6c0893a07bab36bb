/* Store buffers of the deterministic scheduler, for wrong variants with weakened memory orders (STORE_LATE of
 * runtime/heap/mutants.h). What a thread stores so is seen by itself and others only when it goes on after its next scheduling
 * point, or a bounded number of points later: until then its own later steps are ahead of it. In the order in which they were made,
 * as far as they are of one thread. Orders as they are need none of this: they are what they are under a scheduler that
 * runs one thread at a time. */
#include "tools/fuzz/sched.h"

#define BUFFERED_MOST 64u
#define LATE_MOST 48u /* points */

static struct {
    struct buffered {
        void *where;
        uint64_t value;
        uint32_t due;
        unsigned bytes;
    } stores[BUFFERED_MOST];
    unsigned count;
} buffers[FUZZ_ACTORS];
static uint64_t random_state;

static void make_visible(const struct buffered *s)
{
    if (s->bytes == 8)
        EDDY_STORE_RELEASE((uint64_t *)s->where, s->value);
    else if (s->bytes == 4)
        EDDY_STORE_RELEASE((uint32_t *)s->where, (uint32_t)s->value);
    else
        fuzz_fail(OUTCOME_WRONG, "a late store of %u bytes", s->bytes);
}

static void flush(unsigned actor, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        make_visible(&buffers[actor].stores[i]);
    for (unsigned i = n; i < buffers[actor].count; i++)
        buffers[actor].stores[i - n] = buffers[actor].stores[i];
    buffers[actor].count -= n;
}

static void store(void *where, uint64_t value, unsigned bytes)
{
    unsigned actor = sched_actor();
    struct buffered s = {where, value, sched_points() + 1 + fuzz_below(&random_state, LATE_MOST), bytes};
    if (actor == FUZZ_ACTORS) {
        make_visible(&s);
        return;
    }
    if (buffers[actor].count == BUFFERED_MOST)
        flush(actor, 1);
    buffers[actor].stores[buffers[actor].count++] = s;
}

void buffers_begin(uint64_t seed)
{
    random_state = fuzz_mix(seed ^ 0xb0ff);
    for (unsigned a = 0; a < FUZZ_ACTORS; a++)
        buffers[a].count = 0;
    eddy__buffer_store = store;
}

void buffers_end(void)
{
    eddy__buffer_store = NULL;
}

void buffers_flush(unsigned actor)
{
    flush(actor, buffers[actor].count);
}

void buffers_advance(uint32_t point)
{
    for (unsigned a = 0; a < FUZZ_ACTORS; a++) {
        unsigned n = 0;
        while (n < buffers[a].count && buffers[a].stores[n].due <= point)
            n++;
        if (n != 0)
            flush(a, n);
    }
}
