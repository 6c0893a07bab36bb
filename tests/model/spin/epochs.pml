/* Epochs, logs, handshakes, native regions, attaching (docs/design.md, sections 3, 4 and 7), on counted objects.
 *
 * Models runtime/handshake.c, runtime/native.c (the word with state, epoch and sequence), runtime/barrier.c (counted_exchange),
 * runtime/thread.c (take_over, leave_heap), collector/rendezvous.c (begin, act_for), collector/incs.c and the decs of step 2.
 * Two threads with one local reference each, one global root slot, OBJECTS cells that are born counted. Epochs modulo 3.
 * Not here: private objects and promotion, which ../checker.cpp and ../relacy/promote.cpp have.
 *
 * Checked: what is reachable is never freed, no count falls below zero (I5, I6); with all threads asleep for good, four epochs later
 * counts are in-degrees and all that is unreachable is free; no deadlock.
 *
 * Wrong: DEC_NOW INC_AFTER NO_BIRTH_PAIR NO_SEQUENCE NATIVE_PLAIN_STORE OLD_ROOTS ATTACH_UNLOCKED NO_STACKS DEC_EARLY_OF_NEXT */
#ifndef OPS
#define OPS 2
#endif
#ifndef OPS1
#define OPS1 2
#endif
#define OBJECTS 2

byte slot;             /* the global root slot: 0, or an object */
byte held[2];
bit live[OBJECTS + 1];
short count[OBJECTS + 1];
byte incs[2 * 3];      /* [thread * 3 + object]: pushed and not applied: an inc log may be consumed at any time */
byte decs[3 * 3];      /* [epoch * 3 + object] */
byte roots[3 * 2];     /* [epoch * 2 + thread] */
byte epoch;            /* the epoch word, modulo 3 */
byte in[2];            /* the epoch of a thread, by its own account */
/* the word */
bit asleep[2];
byte word_epoch[2];
byte sequence[2];
bit attached[2], acked[2], takes_part[2];
bit done[2];           /* asleep for good */

#define NEXT(e) (((e) + 1) % 3)
#define PREVIOUS(e) (((e) + 2) % 3)
#define REACHABLE(o) (slot == (o) || held[0] == (o) || held[1] == (o))

/* ---- mutators ---- */

inline handshake()
{
    atomic {
        roots[in[me] * 2 + me] = held[me];
        in[me] = NEXT(in[me])
    };
    atomic { word_epoch[me] = in[me]; acked[me] = 1 }
}

/* The thread may read the epoch word late (the load is relaxed), or have no memory for its roots: then it stays in its epoch. */
inline poll()
{
    if
    :: epoch != in[me] -> handshake()
    :: true
    fi
}

inline native_begin()
{
    poll();
#ifndef OLD_ROOTS
    roots[in[me] * 2 + me] = held[me];
#endif
    atomic {
        asleep[me] = 1;
#ifndef NO_SEQUENCE
        sequence[me] = (sequence[me] + 1) % 3
#endif
    }
}

inline native_end()
{
    atomic { asleep[me] = 0; in[me] = word_epoch[me] };
    poll()
}

init
{
    atomic { /* one object, in the slot */
        slot = 1;
        live[1] = 1;
        count[1] = 1;
        run mutator(0);
        run mutator(1);
        run collector()
    }
}

proctype mutator(byte me)
{
    byte ops = 0, o, old;

    /* attaching: under the lock that covers "write the epoch and take the list of threads" */
#ifdef ATTACH_UNLOCKED
    atomic { in[me] = epoch; word_epoch[me] = epoch };
    attached[me] = 1;
#else
    atomic { in[me] = epoch; word_epoch[me] = epoch; attached[me] = 1 };
#endif
    do
    :: ops < (me == 0 -> OPS : OPS1) ->
        atomic { ops++; o = 0 };
        if
        :: atomic { true -> held[me] = slot }
        :: atomic { true -> held[me] = 0 }
        :: atomic { /* a new object, born counted */
               !live[1] || !live[2] ->
               o = (!live[1] -> 1 : 2);
               live[o] = 1;
               count[o] = 0;
               held[me] = o;
#ifndef NO_BIRTH_PAIR
               incs[me * 3 + o]++;
               decs[in[me] * 3 + o]++
#endif
           }
        :: true -> /* the counted store: of the held, or of NULL */
            if
            :: atomic { held[me] != 0 -> o = held[me] };
                incs[me * 3 + o]++
            :: true -> o = 0
            fi;
            atomic { old = slot; slot = o };
            atomic { decs[in[me] * 3 + old]++; old = 0; o = 0 };
        :: true -> native_begin(); native_end()
        fi;
        poll()
    :: ops < (me == 0 -> OPS : OPS1) -> poll(); ops++
    :: else -> break
    od;
    native_begin();
    done[me] = 1;
end: false
}

/* ---- the collector ---- */

inline inc(o) { count[o]++ }
inline dec(o)
{
    count[o]--;
    assert(count[o] >= 0);
    if
    :: count[o] == 0 ->
        assert(live[o]);
        assert(!REACHABLE(o));
        live[o] = 0
    :: else
    fi
}

/* Performs the handshake of a thread that sleeps: read, then compare and swap. */
inline act_for(t)
{
    if
    :: takes_part[t] && asleep[t] && word_epoch[t] == e && !acked[t] ->
        captured = roots[e * 2 + t];
        seen = sequence[t];
        atomic {
            if
#ifdef NATIVE_PLAIN_STORE
            :: true ->
#else
            :: asleep[t] && word_epoch[t] == e && sequence[t] == seen ->
#endif
                roots[e * 2 + t] = captured;
                word_epoch[t] = NEXT(e);
                roots[NEXT(e) * 2 + t] = captured; /* stands for it while it sleeps on */
                acked[t] = 1
            :: else
            fi;
            captured = 0;
            seen = 0
        }
    :: else
    fi
}

inline drain(t)
{
    d_step {
        count[1] = count[1] + incs[t * 3 + 1];
        count[2] = count[2] + incs[t * 3 + 2];
        incs[t * 3] = 0;
        incs[t * 3 + 1] = 0;
        incs[t * 3 + 2] = 0
    }
}

proctype collector()
{
    byte e, captured, seen, quiet, i;

    do
    :: true ->
        /* begin: the list of threads and the epoch, at once */
        atomic {
            if
            :: done[0] && done[1] -> quiet++
            :: else
            fi;
            e = epoch;
            takes_part[0] = attached[0];
            takes_part[1] = attached[1];
            acked[0] = 0;
            acked[1] = 0;
            epoch = NEXT(epoch)
        };
        do
        :: (!takes_part[0] || acked[0]) && (!takes_part[1] || acked[1]) -> break
        :: takes_part[0] && asleep[0] && word_epoch[0] == e && !acked[0] -> act_for(0)
        :: takes_part[1] && asleep[1] && word_epoch[1] == e && !acked[1] -> act_for(1)
        od;
        /* step 1: roots and incs of the epoch, and what else has been pushed */
        skip;
#ifndef NO_STACKS
        atomic {
            count[roots[e * 2]]++;
            count[roots[e * 2 + 1]]++;
            count[0] = 0
        };
#endif
        drain(0);
        drain(1);
        /* step 2: decs and roots of the epoch before */
        for (i : 1 .. 2) {
            do
#ifdef DEC_NOW
            :: atomic { decs[e * 3 + i] > 0 -> decs[e * 3 + i]--; dec(i) }
#endif
#ifdef DEC_EARLY_OF_NEXT
            :: atomic { decs[NEXT(e) * 3 + i] > 0 -> decs[NEXT(e) * 3 + i]--; dec(i) }
#endif
            :: atomic { decs[PREVIOUS(e) * 3 + i] > 0 -> decs[PREVIOUS(e) * 3 + i]--; dec(i) }
            :: else -> break
            od
        }
        i = 0;
        do
#ifndef NO_STACKS
        :: atomic {
               i < 2 ->
               if
               :: roots[PREVIOUS(e) * 2 + i] != 0 -> dec(roots[PREVIOUS(e) * 2 + i])
               :: else
               fi;
               roots[PREVIOUS(e) * 2 + i] = 0;
               i++
           }
#endif
        :: else -> break
        od;
        atomic { decs[PREVIOUS(e) * 3] = 0; i = 0 };
        if
        :: quiet == 4 -> break
        :: else
        fi
    od;
    skip;
    atomic {
        i = 1;
        do
        :: i <= OBJECTS ->
            assert(live[i] == REACHABLE(i));
            /* a thread's roots are counted as long as it sleeps */
            assert(!live[i] || count[i] == (slot == i -> 1 : 0) + (held[0] == i -> 1 : 0) + (held[1] == i -> 1 : 0));
            i++
        :: else -> break
        od
    }
}
