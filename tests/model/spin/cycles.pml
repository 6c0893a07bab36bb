/* Sliced cycle detection (docs/design.md, section 5): candidates, sigma and delta tests, an epoch later.
 *
 * Models collector/cycle_test.c (arm, copy_count, read_edges, sum_up, the tests of eddy__cycle_test) on the epochs of base.inc, with the
 * preparation cut anywhere by epochs. Two objects refer to each other; the first is in the root slot. Both are a
 * candidate whenever the collector likes: safety does not depend on how it was found. One thread loads, walks and stores, one loads and cuts.
 *
 * Checked: no reachable object is freed (assert); with the threads done and nothing held, the cycle goes within eight epochs.
 *
 * Wrong: NO_DELTA NO_SIGMA TEST_NOW ARM_LATE */
#ifndef OPS
#define OPS 2
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef START
#define START 0
#endif
#define OBJECTS 2
#define TOUCHED(o) touched = 1
#define ZERO(o) assert(!REACHABLE(o)); live[o] = 0; fallen = (o)

bit touched;
byte fallen;
byte field[3];
#define ROOTED(o) (slot == (o) || HELD(o))
#define REACHABLE(o) (ROOTED(o) || (live[3 - (o)] && ROOTED(3 - (o)) && field[3 - (o)] == (o)))
#include "base.inc"

proctype mutator(byte me)
{
    byte ops = 0;
    do
    :: ops < (me == 0 -> OPS : OPS1) ->
        ops++;
        if
        :: atomic { true -> held[me] = slot }
        :: atomic { me == 0 && held[me] != 0 -> held[me] = field[held[me]] }
        :: me == 0 && held[me] != 0 -> counted_store(slot, held[me])
        :: me == 0 && held[me] != 0 -> counted_store(field[held[me]], slot)
        :: me == 1 && slot != 0 -> counted_store(slot, 0)
        :: me == 1 && held[me] != 0 -> counted_store(field[held[me]], 0)
        fi
    :: epoch != in[me] -> handshake()
    :: ops == (me == 0 -> OPS : OPS1) -> break
    od;
    held[me] = 0;
    finished[me] = 1;
end:
    do
    :: epoch != in[me] -> handshake()
    od
}

/* Children of what a dec has freed: one at a time, since an object has one field. */
inline release()
{
    do
    :: atomic {
           fallen != 0 ->
           c = field[fallen];
           field[fallen] = 0;
           fallen = 0;
           if
           :: c != 0 -> dec(c)
           :: else
           fi;
           c = 0
       }
    :: else -> break
    od
}

#define IDLE 0
#define PREPARED 5 /* steps 1 to 4: counts of both, then edges of both */

inline slice()
{
    do
    :: atomic {
           phase < PREPARED && phase > IDLE ->
           if
           :: phase <= 2 -> crc[phase] = count[phase]
           :: phase > 2 && field[phase - 2] == 5 - phase && crc[5 - phase] > 0 -> crc[5 - phase]--
           :: else
           fi;
           phase++;
           if
           :: phase == PREPARED ->
#ifdef ARM_LATE
               touched = 0;
#endif
               sum = crc[1] + crc[2];
               crc[1] = 0;
               crc[2] = 0;
               age = 0
           :: else
           fi
       }
    :: atomic { phase == IDLE && live[1] && live[2] -> phase = 1; touched = 0 }
    :: break /* the next epoch comes first */
    od
}

#ifdef NO_SIGMA
#define SIGMA true
#else
#define SIGMA (sum == 0)
#endif
#ifdef NO_DELTA
#define DELTA true
#else
#define DELTA (!touched)
#endif

inline test()
{
    atomic {
        if
#ifdef TEST_NOW
        :: phase == PREPARED ->
#else
        :: phase == PREPARED && age == 1 ->
#endif
            if
            :: live[1] && live[2] && SIGMA && DELTA ->
                assert(!REACHABLE(1) && !REACHABLE(2));
                live[1] = 0;
                live[2] = 0;
                field[1] = 0;
                field[2] = 0;
                count[1] = 0;
                count[2] = 0
            :: else
            fi;
            phase = IDLE;
            sum = 0;
            age = 0
        :: else
        fi
    }
}

proctype collector()
{
    byte e, d, i, c, phase, sum, quiet, crc[3];
    bit age;
    do
    :: quiet < 8 ->
        begin_epoch();
        d = PREVIOUS(e);
        apply_incs();
        apply_decs();
        release();
        if
        :: phase == PREPARED -> age = 1
        :: else
        fi;
#ifndef TEST_NOW
        test();
#endif
        if
        :: !finished[0] || !finished[1] -> slice()
        :: else -> quiet++; /* for certain, not only perhaps */
            do
            :: phase < PREPARED && (phase > IDLE || (live[1] && live[2])) -> slice()
            :: else -> break
            od
        fi;
#ifdef TEST_NOW
        test();
#endif
    :: else -> break
    od;
    skip;
    atomic {
        i = 1;
        do
        :: i <= OBJECTS ->
            assert(live[i] == (REACHABLE(i) -> 1 : 0));
            i++
        :: else -> break
        od
    }
}

init
{
    atomic {
        live[1] = 1; live[2] = 1; field[1] = 2;
#if START == 0 /* a cycle, in the slot */
        slot = 1; field[2] = 1; count[1] = 2; count[2] = 1;
#elif START == 1 /* a chain, in the slot; a thread closes it */
        slot = 1; count[1] = 1; count[2] = 1;
#else /* a cycle that a thread holds by its second object; it was counted as a root of the epoch before */
        held[0] = 2; roots[2 * 2] = 2; field[2] = 1; count[1] = 1; count[2] = 2;
#endif
        run mutator(0); run mutator(1); run collector()
    }
}
