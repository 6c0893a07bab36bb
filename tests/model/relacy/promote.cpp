// Promotion and publication under C11 orders: an object is promoted once, and whoever sees it counted sees its fields counted.
//
// Models runtime/promote.c (eddy__self_promote, eddy__publish), collector/incs.c (promote, drain), with the orders of the code:
// header compare-and-swap release, acquire on failure; the log's tail release / acquire; fields acquire. One private-old
// object x refers to y. Two mutators promote x; the first also publishes z, which refers to y, by relaxed stores of headers, then
// makes it known by its inc. A collector drains the logs in rounds and promotes what leaves zero.
//
// Checked: y gets one count for x whoever wins (incs less compensations), one for z; x's promotion by the collector is not lost and
// not done twice; when the collector sees an inc of z, z's header says counted (else it would be promoted again).
//
// Wrong: NO_COMPENSATION PLAIN_PROMOTE PUBLISH_AFTER TAIL_RELAXED CAS_FIRST
#include "orders.h"

#ifdef TAIL_RELAXED
#define TAIL_ORDER RELAXED
#else
#define TAIL_ORDER RELEASE
#endif

enum { COUNTED, PRIVATE };
enum { X, Y, Z, OBJECTS };

struct log {
    atomic<int> entries[8];
    atomic<int> tail;
    int next;
    int read;
};

struct promote_test : rl::test_suite<promote_test, 3> {
    atomic<int> header[OBJECTS];
    atomic<int> field[OBJECTS]; // what it refers to, or -1
    log incs[2];
    int decs_of_y[2];
    int count[OBJECTS];
    int promotions;

    void before()
    {
        for (int i = 0; i < OBJECTS; i++) {
            header[i].store(i == Y ? COUNTED : PRIVATE, RELAXED);
            field[i].store(i == Y ? -1 : Y, RELAXED);
            count[i] = i == Y;
        }
        for (int t = 0; t < 2; t++) {
            incs[t].tail.store(0, RELAXED);
            incs[t].next = incs[t].read = decs_of_y[t] = 0;
        }
        promotions = 0;
    }

    void push_unpublished(int t, int object) { incs[t].entries[incs[t].next++].store(object, RELAXED); }
    void publish_log(int t) { incs[t].tail.store(incs[t].next, TAIL_ORDER); }
    void push(int t, int object)
    {
        push_unpublished(t, object);
        publish_log(t);
    }

    void self_promote(int t)
    {
        int seen = header[X].load(ACQUIRE);
        if (seen == COUNTED)
            return;
        int ref = field[X].load(ACQUIRE);
#ifndef CAS_FIRST
        push(t, ref);
        push(t, X); // and its dec, which is applied an epoch later
#endif
#ifdef PLAIN_PROMOTE
        header[X].store(COUNTED, RELEASE);
#else
        if (!header[X].compare_exchange_strong(seen, COUNTED, ACQ_REL, ACQUIRE)) {
#ifndef NO_COMPENSATION
#ifndef CAS_FIRST
            decs_of_y[t]++;
#endif
#endif
            return;
        }
#endif
        RL_ASSERT(++promotions == 1);
#ifdef CAS_FIRST
        push(t, ref);
        push(t, X);
#endif
    }

    void publish()
    {
#ifndef PUBLISH_AFTER
        header[Z].store(COUNTED, RELAXED);
#endif
        push_unpublished(0, field[Z].load(RELAXED));
        push_unpublished(0, Z);
        publish_log(0);
#ifdef PUBLISH_AFTER
        header[Z].store(COUNTED, RELAXED);
#endif
    }

    void inc(int object)
    {
        if (count[object]++ != 0)
            return;
        int seen = header[object].load(ACQUIRE);
        if (seen == COUNTED) {
            // its fields are counted by whoever promoted it, and those incs are pushed
            return;
        }
        RL_ASSERT(object != Z); // published: counted before its first inc is visible
        int ref = field[object].load(ACQUIRE);
        if (!header[object].compare_exchange_strong(seen, COUNTED, ACQ_REL, ACQUIRE))
            return;
        RL_ASSERT(++promotions == 1);
        inc(ref);
    }

    bool drain()
    {
        bool any = false;
        for (int t = 0; t < 2; t++) {
            int stop = incs[t].tail.load(ACQUIRE);
            for (; incs[t].read < stop; incs[t].read++, any = true)
                inc(incs[t].entries[incs[t].read].load(RELAXED));
        }
        return any;
    }

    void collect()
    {
        inc(X); // from the roots of a thread
        while (drain()) {
        }
        // x is counted now: a dec of what its field held could follow in step 2, so y must have the count for x
        RL_ASSERT(count[Y] >= 2);
    }

    void thread(unsigned index)
    {
        if (index == 2) {
            collect();
            return;
        }
        if (index == 0)
            publish();
        self_promote((int)index);
    }

    void after()
    {
        while (drain()) {
        }
        RL_ASSERT(promotions == 1);
        RL_ASSERT(count[Y] - decs_of_y[0] - decs_of_y[1] == 1 + 1 + 1); // the one it had, x's, z's
    }
};

int main()
{
    rl::test_params p;
    p.search_type = rl::sched_random;
    p.iteration_count = ITERATIONS;
    return rl::simulate<promote_test>(p) ? 0 : 1;
}
