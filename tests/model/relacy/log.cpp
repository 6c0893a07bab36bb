// The inc log under C11 orders: what is published is complete (I5), and nothing is lost between chunks.
//
// Models runtime/heap/log.h and log.c (log_push, log_publish, eddy__log_advance, eddy__log_span) with the orders of the code: entries and
// `next` relaxed, `tail` and the link of a chunk release / acquire, `end` plain before the link. Chunks of two entries; the
// producer pushes four, each naming an object that it has written before; the consumer reads what is published, twice.
//
// Checked: entries arrive in order, none is lost, and what was written before an entry is seen by who read it; no data race.
//
// Wrong: TAIL_RELAXED TAIL_FIRST (the tail before the entry). Not wrong here: LINK_RELAXED END_AFTER_LINK, since whoever follows a link
// has acquired a tail that was published after it.
#include "orders.h"

#ifdef TAIL_RELAXED
#define TAIL_ORDER RELAXED
#else
#define TAIL_ORDER RELEASE
#endif
#ifdef LINK_RELAXED
#define LINK_ORDER RELAXED
#else
#define LINK_ORDER RELEASE
#endif

enum { CHUNK = 2, CHUNKS = 2, ENTRIES = 4 };

struct log_test : rl::test_suite<log_test, 2> {
    atomic<int> entries[CHUNKS * CHUNK]; // of chunk n: from n * CHUNK
    atomic<int> next[CHUNKS];            // 0: the last chunk
    var<int> end[CHUNKS];
    atomic<int> tail;                    // chunk * 16 + how many in it
    var<int> object[ENTRIES + 1];

    void before()
    {
        for (int i = 0; i < CHUNKS; i++)
            next[i].store(0, RELAXED);
        tail.store(0, RELAXED);
    }

    void produce()
    {
        int chunk = 0, at = 0;
        for (int i = 1; i <= ENTRIES; i++) {
            object[i]($) = 100 + i;
            if (at == CHUNK) { // eddy__log_advance
#ifndef END_AFTER_LINK
                end[chunk]($) = CHUNK;
#endif
                next[chunk].store(chunk + 1, LINK_ORDER);
#ifdef END_AFTER_LINK
                end[chunk]($) = CHUNK;
#endif
                chunk++;
                at = 0;
            }
#ifdef TAIL_FIRST
            tail.store(chunk * 16 + at + 1, TAIL_ORDER);
#endif
            entries[chunk * CHUNK + at++].store(i, RELAXED);
            tail.store(chunk * 16 + at, TAIL_ORDER);
        }
    }

    int head, read, expected;

    void drain()
    {
        for (;;) { // eddy__log_span, up to one published tail
            int stop = tail.load(ACQUIRE);
            bool last = stop / 16 == head;
            int following = last ? 0 : next[head].load(ACQUIRE);
            int to = last ? stop % 16 : (int)end[head]($);
            RL_ASSERT(last || following == head + 1);
            if (read == to && !last) {
                head = following;
                read = 0;
                continue;
            }
            for (; read < to; read++) {
                int entry = entries[head * CHUNK + read].load(RELAXED);
                RL_ASSERT(entry == ++expected);
                RL_ASSERT((int)object[entry]($) == 100 + entry);
            }
            if (last)
                return;
        }
    }

    void thread(unsigned index)
    {
        if (index == 0) {
            produce();
            return;
        }
        head = read = expected = 0;
        drain();
        drain();
    }
};

int main()
{
    rl::test_params p;
    p.search_type = rl::sched_random;
    p.iteration_count = ITERATIONS;
    return rl::simulate<log_test>(p) ? 0 : 1;
}
