/* Weak references (docs/design.md, section 6): what was loaded is rescued, what is dead is cleared before it is freed.
 *
 * Models runtime/weak.c (eddy_weak_load, rescue, loaded_before) and collector/weak.c (eddy__weak_decided, decide, eddy__weak_cool) on
 * the epochs of base.inc. One object with one weak cell, in the root slot at first. Threads load it by the slot or by the cell,
 * drop it, store it or NULL into the slot. Not here: the one word of a candidate cycle, and ephemerons: ../checker.cpp has them.
 *
 * Checked: what a thread holds, or the slot, is not freed; a load never gives a freed object; freed implies CLEARED; with the threads done and nothing
 * held, the object is gone after ten epochs (no hold is lost).
 *
 * Wrong: AT_ONCE (a cell just loaded is cleared at count zero) NO_COUNT_TEST PUSH_FIRST SEEN_EVER
 * Not wrong: NEVER_COOL (decisions take an epoch longer); HOLD_NOW (the hold is taken off at once: who left the cell LIVE at count zero
 * is a thread in the next epoch, whose inc has been applied when that is decided on) */
#ifndef OPS
#define OPS 2
#endif
#ifndef OPS1
#define OPS1 2
#endif
#define OBJECTS 1
#define TOUCHED(o) skip
#define ZERO(o) at_zero = 1

#define PENDING 0
#define LIVE 1
#define CLEARED 2
bit at_zero;
byte word = PENDING;
byte cooled = 3; /* epoch of the last change to PENDING; 3: long ago */
bit seen[2];     /* has loaded the cell in its epoch: that pair speaks for this load, too */
#include "base.inc"

inline push_pair()
{
    atomic { incs[me * SIZE + 1]++; decs[in[me] * SIZE + 1]++ }
}

inline weak_load()
{
    if
    :: seen[me] -> atomic { assert(live[1]); held[me] = 1 }
    :: else ->
        w = word;
#ifdef PUSH_FIRST
        if
        :: w != CLEARED -> push_pair()
        :: else
        fi;
#endif
        if
        :: w == PENDING ->
            atomic {
                if
                :: word == PENDING -> word = LIVE
                :: else
                fi;
                w = word
            }
        :: else
        fi;
        if
        :: w == LIVE ->
            atomic { assert(live[1]); taking[me] = 1 };
#ifndef PUSH_FIRST
            push_pair();
#endif
            atomic { held[me] = 1; taking[me] = 0; seen[me] = 1 }
        :: w == CLEARED
        fi
    fi;
    w = 0
}

inline pass() /* the handshake, after which loads push again */
{
    handshake();
#ifndef SEEN_EVER
    seen[me] = 0
#else
    skip
#endif
}

proctype mutator(byte me)
{
    byte ops = 0, w;
    do
    :: ops < (me == 0 -> OPS : OPS1) ->
        ops++;
        if
        :: atomic { slot != 0 -> held[me] = slot }
        :: weak_load()
        :: atomic { held[me] != 0 -> held[me] = 0 }
        :: slot != 0 -> counted_store(slot, 0)
        :: held[me] != 0 && slot == 0 -> counted_store(slot, held[me])
        fi
    :: epoch != in[me] -> pass()
    :: ops == (me == 0 -> OPS : OPS1) -> break
    od;
    if
    :: atomic { true -> held[me] = 0 }
    :: true
    fi;
    finished[me] = 1;
end:
    do
    :: epoch != in[me] -> pass()
    od
}

inline free_object()
{
    assert(slot == 0 && !HELD(1));
    assert(word == CLEARED);
    live[1] = 0
}

/* At count zero: eddy__weak_decided. */
inline decided()
{
    if
    :: at_zero ->
#ifdef AT_ONCE
        word = PENDING;
        cooled = 3;
#endif
        if
        :: atomic { word == PENDING && cooled != e -> word = CLEARED; free_object() }
        :: else ->
            atomic { count[1] = 1; due = 1 }; /* the hold, before the cell cools */
            atomic {
                if
                :: word == LIVE -> word = PENDING; cooled = e
                :: else
                fi
            }
        fi;
        at_zero = 0
    :: else
    fi
}

/* At the end of step 2 of the next epoch: decide. */
inline decide()
{
    if
#ifdef NO_COUNT_TEST
    :: atomic { word == PENDING -> word = CLEARED; count[1]--; free_object() }
#else
    :: atomic { word == PENDING && count[1] == 1 -> word = CLEARED; count[1] = 0; free_object() }
#endif
    :: else ->
        atomic { word = PENDING; cooled = e };
#ifdef HOLD_NOW
        atomic {
            count[1]--;
            if
            :: count[1] == 0 -> word = CLEARED; free_object()
            :: else
            fi
        }
#else
        decs[e * SIZE + 1]++ /* the collector's own log: applied one epoch later */
#endif
    fi
}

proctype collector()
{
    byte e, d, i, quiet;
    bit due, was_due;
    do
    :: quiet < 10 ->
        if
        :: finished[0] && finished[1] -> quiet++
        :: else
        fi;
        begin_epoch();
        d = PREVIOUS(e);
        was_due = due;
        due = 0;
        apply_incs();
        apply_decs();
        decided();
        if
        :: was_due -> decide(); was_due = 0
        :: else
        fi;
        atomic {
            if
            :: cooled != e -> cooled = 3
            :: else
            fi;
#ifndef NEVER_COOL
            if /* eddy__weak_cool */
            :: word == LIVE -> word = PENDING; cooled = e
            :: else
            fi
#endif
        }
    :: else -> break
    od;
    assert(live[1] == (slot == 1 || HELD(1)));
    assert(!live[1] || count[1] == slot + held[0] + held[1])
}

init
{
    atomic {
        slot = 1; live[1] = 1; count[1] = 1;
        run mutator(0); run mutator(1); run collector()
    }
}
