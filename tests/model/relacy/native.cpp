// The handshake and native regions under C11 orders: what a thread hands over is complete, whoever performs its handshake, and
// no wake-up is lost.
//
// Models runtime/handshake.c (eddy__handshake, wake_rendezvous), runtime/native.c (eddy__native_begin, eddy__native_end),
// collector/rendezvous.c (begin, capture_thread, act_for, eddy__rendezvous), with the orders of the code: epoch word seq_cst store,
// acquire before acknowledging; the word of a thread: seq_cst exchange on entry, seq_cst compare-and-swap on leaving, acq_rel
// for the collector, release at the thread's own handshake; what is handed over relaxed; `unacknowledged` and `waiting` seq_cst.
//
// A thread goes into native state and leaves again, twice, changing what it would hand over in between, while one epoch begins.
//
// Checked: the collector gets the hand-over of the last moment before the handshake, one that belongs together; it is woken when it
// sleeps; after it, the thread knows of the new epoch.
//
// Wrong: NO_SEQUENCE CAS_RELAXED ENTER_RELAXED NO_LOOK WAITING_RELAXED PLAIN_ACKNOWLEDGE
#include "orders.h"

#ifdef ENTER_RELAXED
#define ENTER_ORDER RELAXED
#else
#define ENTER_ORDER SEQ_CST
#endif
#ifdef CAS_RELAXED
#define CAS_ORDER RELAXED
#define LOOK_ORDER RELAXED
#else
#define CAS_ORDER ACQ_REL
#define LOOK_ORDER ACQUIRE
#endif
#ifdef WAITING_RELAXED
#define FLAG_ORDER RELAXED
#else
#define FLAG_ORDER SEQ_CST
#endif
#ifdef PLAIN_ACKNOWLEDGE
#define ACK_ORDER RELAXED
#else
#define ACK_ORDER SEQ_CST
#endif

enum { RUNNING = 0, NATIVE = 1 };
static int make(int state, int sequence, int epoch) { return state | sequence << 1 | epoch << 8; }
static int state_of(int word) { return word & 1; }
static int sequence_of(int word) { return (word >> 1) & 127; }
static int epoch_of(int word) { return word >> 8; }

struct native_test : rl::test_suite<native_test, 2> {
    atomic<int> epoch, word, unacknowledged, waiting, woken;
    atomic<int> young, large; // handed over: must be of one moment
    var<int> roots;           // the buffer of epoch 0
    var<int> handed_young, handed_large;
    int own_epoch;

    void before()
    {
        epoch.store(0, RELAXED);
        word.store(make(RUNNING, 0, 0), RELAXED);
        unacknowledged.store(0, RELAXED);
        waiting.store(0, RELAXED);
        woken.store(0, RELAXED);
        young.store(1, RELAXED);
        large.store(1, RELAXED);
        roots($) = 1;
        handed_young($) = 0;
        handed_large($) = 0;
        own_epoch = 0;
    }

    void wake()
    {
        if (waiting.load(FLAG_ORDER) != 0)
            woken.fetch_add(1, SEQ_CST);
    }

    void handshake()
    {
        if (own_epoch != 0 || epoch.load(ACQUIRE) == 0)
            return;
        roots($) = 7;
        handed_young($) = young.load(RELAXED);
        handed_large($) = large.load(RELAXED);
        own_epoch = 1;
        word.store(make(RUNNING, sequence_of(word.load(RELAXED)), 1), RELEASE);
        if (unacknowledged.fetch_sub(1, ACK_ORDER) == 1)
            wake();
    }

    void sleep_and_wake(int n)
    {
        handshake();
        if (own_epoch == 0)
            roots($) = n; // record the roots of this moment
        int sequence = sequence_of(word.load(RELAXED));
#ifndef NO_SEQUENCE
        sequence++;
#endif
        word.exchange(make(NATIVE, sequence, own_epoch), ENTER_ORDER);
#ifndef NO_LOOK
        if (epoch.load(SEQ_CST) != own_epoch)
            wake();
#endif
        // asleep
        int seen = word.load(ACQUIRE);
        for (;;) {
            int next = sequence_of(seen);
#ifndef NO_SEQUENCE
            next++;
#endif
            if (word.compare_exchange_strong(seen, make(RUNNING, next, epoch_of(seen)), SEQ_CST, SEQ_CST))
                break;
        }
        own_epoch = epoch_of(seen);
        handshake();
        if (own_epoch == 0) { // belongs to the epoch still
            young.store(n + 1, RELAXED);
            large.store(n + 1, RELAXED);
        }
    }

    bool act_for()
    {
        int seen = word.load(LOOK_ORDER);
        if (state_of(seen) != NATIVE || epoch_of(seen) != 0)
            return false;
        int y = young.load(RELAXED), l = large.load(RELAXED);
        if (!word.compare_exchange_strong(seen, make(NATIVE, sequence_of(seen), 1), CAS_ORDER, ACQUIRE))
            return false;
        handed_young($) = y;
        handed_large($) = l;
        unacknowledged.fetch_sub(1, ACQ_REL);
        return true;
    }

    void collect()
    {
        unacknowledged.store(1, RELAXED);
        epoch.store(1, SEQ_CST);
        act_for();
        if (unacknowledged.load(ACQUIRE) != 0) {
            waiting.store(1, FLAG_ORDER);
            act_for();
            // the futex: sleeps if the value is still that, until somebody wakes it (in the code, or a while)
            rl::linear_backoff backoff;
            if (unacknowledged.load(SEQ_CST) != 0)
                while (woken.load(SEQ_CST) == 0)
                    backoff.yield($);
            waiting.store(0, FLAG_ORDER);
            while (unacknowledged.load(ACQUIRE) != 0) {
                act_for();
                backoff.yield($);
            }
        }
        int at = (int)handed_young($);
        RL_ASSERT(at == (int)handed_large($));
        RL_ASSERT(at >= 1);
        int of = (int)roots($);
        RL_ASSERT(of == 7 || of == at); // recorded at the handshake, or on the entry that it was performed in
    }

    void thread(unsigned index)
    {
        if (index == 1) {
            collect();
            return;
        }
        sleep_and_wake(1);
        sleep_and_wake(2);
        // asleep for good
        handshake();
        if (own_epoch == 0) {
            roots($) = 3;
            int sequence = sequence_of(word.load(RELAXED)) + 1;
            word.exchange(make(NATIVE, sequence, 0), ENTER_ORDER);
#ifndef NO_LOOK
            if (epoch.load(SEQ_CST) != 0)
                wake();
#endif
        }
    }
};

int main()
{
    rl::test_params p;
    p.search_type = rl::sched_random;
    p.iteration_count = ITERATIONS;
    p.execution_depth_limit = 2000;
    return rl::simulate<native_test>(p) ? 0 : 1;
}
