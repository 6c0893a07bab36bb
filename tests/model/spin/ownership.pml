/* Ownership (docs/design.md, section 8): who may write an object, and who may read it.
 *
 * Models runtime/ownership.c (own_step), ownership_queue.c (settle, take_asleep, eddy__own_safepoint, _asleep, _woken, _request),
 * ownership_barrier.c, ownership_all.c (acquire, settle_rights), ownership_legacy.c (sections; not marked objects). N threads, 2 objects.
 * A thread's request is in a queue, in somebody's hand, or answered. Sequentially consistent; see order.pml for the rest.
 *
 * Checked: no two writers, no writer beside a reader, at any access between a right and the next safepoint (assert); no deadlock
 * (invalid end states); with -DASK: thread 0 gets what it asks for (LTL "served", weak fairness).
 *
 * -DOPS=mask: what threads do: 1 write, 2 read, 4 both at once, 8 sleep, 16 foreign code, 32 end (the last thread), 64 write both
 * Wrong: WAKE_NO_BARRIER UPGRADE_NO_BARRIER UNSORTED KEPT_GRANTED READS_NOT_RECHECKED CLAIM_LATE TAKE_UNCOUNTED
 *   ASLEEP_DEAF PUSH_AND_LEAVE LEGACY_PREEMPTED ASIDE_FOREVER RESTART_KEEPING KEPT_BEFORE */
#ifndef N
#define N 2
#endif
#ifndef OPS
#define OPS 15
#endif

/* the right of an object: number of the owner plus one, and flags; 0: nobody's, all may read */
#define OWNER 3
#define KEPT 4
#define WRITE 8
#define READ 16 /* owned, and granted for reading last */
#define IS_CLAIM(w) (((w) & (KEPT | WRITE | READ)) == KEPT)

byte right[2];
bit asleep[N];
bit provoked[N];  /* the next poll looks */
byte queue[N];    /* set of threads whose requests lie there */
byte keeping[N];  /* odd: inside an acquisition */
byte takers[N];
bit owes[N * N];  /* [barrier of * N + thread]: not passed yet */
byte holder;      /* of the legacy lock, plus one */
byte lock;        /* the same, from before it is the holder until after */
bit answered[N];
byte wanted[N];   /* object * 4 + write * 2 + legacy, of the request of this thread */

#define W_OBJECT(x) (wanted[x] >> 2)
#define W_WRITE(x) ((wanted[x] >> 1) & 1)
#define W_LEGACY(x) (wanted[x] & 1)

byte writers[2], readers[2]; /* for the assertions */
#ifdef ASK
bit asked; /* thread 0 waits for a right */
ltl served { [] (asked -> <> !asked) }
#define ASKS(a) atomic { if :: me == 0 -> asked = a :: else fi }
#else
#define ASKS(a) skip
#endif

#if N == 2
#define THIRD(i, e) skip
#define OTHERS(e) e((1 - me))
#define ALL_PASSED (HAS_PASSED(1 - me))
#else
#define THIRD(i, e) e
#define OTHERS(e) e(((me + 1) % 3)); e(((me + 2) % 3))
#define ALL_PASSED (HAS_PASSED((me + 1) % 3) && HAS_PASSED((me + 2) % 3))
#endif
#ifdef LEGACY_PREEMPTED
#define IS_LEGACY(v) false
#else
#define IS_LEGACY(v) (holder == 1 + (v))
#endif
#define HAS_PASSED(v) (!owes[me * N + (v)] || (asleep[v] && !IS_LEGACY(v)))

/* ---- requests ---- */

/* The right becomes that of who asks, kept until it has seen so; or everybody's. After a compare. */
inline granted()
{
    if
    :: IS_CLAIM(found) -> right[W_OBJECT(x)] = (1 + x) | KEPT
    :: !IS_CLAIM(found) && W_WRITE(x) -> right[W_OBJECT(x)] = (1 + x) | KEPT | WRITE
    :: !IS_CLAIM(found) && !W_WRITE(x) -> right[W_OBJECT(x)] = (1 + x) | KEPT | READ
    :: !IS_CLAIM(found) && !W_WRITE(x) -> right[W_OBJECT(x)] = 0
    fi
}

#ifdef KEPT_GRANTED
#define IS_KEPT(v) false
#else
#define IS_KEPT(v) ((found & KEPT) && (kept & 1))
#endif

/* Settles all requests in hand. `self`: the thread runs, at a safepoint; else it is asleep. */
inline settle_all(self)
{
    do
    :: hand == 0 -> break
    :: else ->
        atomic {
            if
            :: hand & 1 -> x = 0
            :: hand & 2 -> x = 1
            :: hand & 4 -> x = 2
            fi;
            hand = hand & (7 - (1 << x))
        };
        settle(self)
    od;
    atomic { x = 0; v = 0; found = 0; kept = 0; moved = 0 }
}

inline settle(self)
{
    do
    :: atomic {
           found = right[W_OBJECT(x)];
           if
           :: (found & OWNER) == 0 || (found & OWNER) == 1 + x -> answered[x] = 1; leave_with = 1
           :: else -> v = (found & OWNER) - 1
           fi
       };
       if
       :: leave_with -> leave_with = 0; break
       :: else -> kept = keeping[v]
       fi;
#ifndef KEPT_BEFORE
       moved = (IS_KEPT(v) && right[W_OBJECT(x)] != found); /* if not, it is kept in the acquisition that was read */
#endif
       if
       :: (IS_KEPT(v) && W_LEGACY(x)) || (self && v == me && !IS_KEPT(v) && !IS_LEGACY(v)) ->
           atomic {
               if
               :: right[W_OBJECT(x)] == found -> granted(); answered[x] = 1; break
               :: else
               fi
           }
       :: else ->
           if
           :: self && v == me ->
               queue[v] = queue[v] | (1 << x);
               break
           :: else
           fi;
           if
           :: !IS_KEPT(v) && !IS_LEGACY(v) ->
#ifndef TAKE_UNCOUNTED
               takers[v]++;
#endif
               if
               :: asleep[v] && !IS_LEGACY(v) ->
                   atomic {
                       if
                       :: right[W_OBJECT(x)] == found -> granted(); leave_with = 1
                       :: else -> leave_with = 2
                       fi
                   }
               :: else
               fi;
#ifndef TAKE_UNCOUNTED
               takers[v]--
#endif
           :: else
           fi;
           if
           :: atomic { leave_with == 1 -> leave_with = 0; answered[x] = 1 }; break
           :: atomic { leave_with == 2 -> leave_with = 0 }
           :: atomic { leave_with == 0 -> queue[v] = queue[v] | (1 << x) };
               provoked[v] = 1;
#ifndef PUSH_AND_LEAVE
               if
               :: IS_KEPT(v) && !moved && keeping[v] == kept -> break /* it looks when that acquisition ends */
               :: else
               fi;
               if
               :: IS_LEGACY(v) || !asleep[v] -> break
               :: else
               fi;
               atomic { hand = hand | queue[v]; queue[v] = 0 }; break
#else
               break
#endif
           fi
       fi
    od
}

/* ---- safepoints, sleep ---- */

inline passed()
{
    d_step { owes[me] = 0; owes[N + me] = 0; THIRD(2, owes[(N - 1) * N + me] = 0) }
}

#ifdef LEGACY_PREEMPTED
#define PREEMPTED true
#else
#define PREEMPTED (!depth)
#endif

inline safepoint() /* eddy__own_safepoint */
{
    provoked[me] = 0;
    if
    :: PREEMPTED ->
        passed();
        if
        :: atomic { queue[me] != 0 -> hand = queue[me]; queue[me] = 0 }; settle_all(true)
        :: else
        fi
    :: else
    fi
}

inline poll()
{
    if
    :: provoked[me] -> safepoint()
    :: else
    fi
}

#define IS_OVER                                                                                                       \
    ((waits == FOR_ANSWER && answered[me]) || (waits == FOR_BARRIER && ALL_PASSED)                                    \
     || (waits == FOR_LOCK && (lock == 0 || lock == 1 + me)))

#define OWE(v) owes[me * N + (v)] = 1
#define PROVOKE(v) if :: !HAS_PASSED(v) -> provoked[v] = 1 :: else fi
#define PROVOKE_AGAIN(v) atomic { if :: HAS_PASSED(v) -> owes[me * N + (v)] = 0 :: else -> provoked[v] = 1 fi }
#define FORGET(v) owes[me * N + (v)] = 0

inline do_write(o)
{
    d_step { writers[o]++; assert(writers[o] == 1 && readers[o] == 0) };
    writers[o]--
}
inline do_read(o)
{
    d_step { readers[o]++; assert(writers[o] == 0) };
    readers[o]--
}

inline begin() { keeping[me] = (keeping[me] + 1) % 4 }
inline end_keeping()
{
    keeping[me] = (keeping[me] + 1) % 4;
#ifndef ASIDE_FOREVER
    if
    :: queue[me] != 0 -> provoked[me] = 1
    :: else
    fi
#endif
}

/* settle_right: ends the keeping; `some` if the right is gone. */
inline settle_right(o, write)
{
    atomic {
        if
        :: (right[o] & OWNER) == 0 && !(write)
        :: (right[o] & OWNER) == 1 + me -> right[o] = right[o] & (255 - KEPT)
        :: else -> some = 1
        fi
    }
}

#ifdef UNSORTED
#define FIRST (me & 1)
#else
#define FIRST 0
#endif
#define IS_WRITE(i) ((writes >> (i)) & 1)

#define WRITE_ONE 1
#define READ_ONE 2
#define BOTH 3
#define FOREIGN 4
#define SLEEP 5

#define FOR_ANSWER 1
#define FOR_BARRIER 2
#define FOR_LOCK 3

active [N] proctype thread()
{
    byte me = _pid, w, x, v, found, kept, hand, leave_with, at, op, waits, writes;
    bit depth, some, second, moved;

idle:
    poll();
    if
    :: atomic { true -> at = 0 }
    :: atomic { true -> at = 1 }
    fi;
    if
    /* the fast path: the check that compiled code makes */
    :: right[at] == ((1 + me) | WRITE) -> do_write(at); goto idle
    :: right[at] == 0 || right[at] == ((1 + me) | READ) -> do_read(at); goto idle
#if OPS & 1
    :: atomic { true -> op = WRITE_ONE; writes = 3 }
#endif
#if OPS & 2
    :: atomic { true -> op = READ_ONE; writes = 0 }
#endif
#if OPS & 4
    :: atomic { true -> op = BOTH; writes = 2; at = FIRST }
#endif
#if OPS & 68
    :: atomic { true -> op = BOTH; writes = 3; at = FIRST }
#endif
#if OPS & 16
    :: atomic { true -> op = FOREIGN; writes = 3 }
    :: atomic { true -> op = FOREIGN; writes = 3 - (1 << at) }
#endif
#if OPS & 8
    :: atomic { true -> op = SLEEP; goto asleep_now }
#endif
    fi;
    ASKS(1);
    if
    :: op == FOREIGN -> waits = FOR_LOCK; goto wait
    :: else
    fi;

acquire:
    begin();
step: /* eddy__own_step: a right to `at`, kept if both are wanted */
    w = right[at];
    if
    :: (w & OWNER) == 0 && !IS_WRITE(at) -> goto granted_one
    :: (w & OWNER) == 0 && IS_WRITE(at) ->
#ifdef CLAIM_LATE
        goto barrier;
late:
#endif
        atomic {
            if
#ifdef CLAIM_LATE
            :: right[at] == 0 -> right[at] = (1 + me) | WRITE | (op == BOTH -> KEPT : 0)
#else
            :: right[at] == 0 -> right[at] = (1 + me) | KEPT
#endif
            :: else
            fi;
            goto step
        }
    :: (w & OWNER) == 1 + me && IS_CLAIM(w) ->
#ifndef UPGRADE_NO_BARRIER
        goto barrier;
passed_all:
#endif
        atomic {
            if
            :: right[at] == w -> right[at] = (1 + me) | WRITE | (op == BOTH -> KEPT : 0)
            :: else
            fi;
            goto step
        }
    :: (w & OWNER) == 1 + me && !IS_CLAIM(w) ->
        atomic {
            if
            :: right[at] == w ->
                right[at] = (1 + me) | (op == BOTH -> KEPT : 0) | (IS_WRITE(at) -> WRITE : (w & (WRITE | READ)));
                goto granted_one
            :: else -> goto step
            fi
        }
    :: (w & OWNER) != 0 && (w & OWNER) != 1 + me ->
        atomic {
            wanted[me] = at * 4 + IS_WRITE(at) * 2 + (holder == 1 + me);
            answered[me] = 0;
            hand = 1 << me
        };
        settle_all(true);
        waits = FOR_ANSWER;
        goto wait
    fi;

granted_one:
    w = 0;
    if
    :: op == BOTH && !second -> second = 1; at = 1 - at; goto step
    :: op == BOTH && second ->
        second = 0;
        settle_right(0, IS_WRITE(0));
        settle_right(1, IS_WRITE(1));
        at = FIRST;
        if
        :: some ->
            some = 0;
#ifdef READS_NOT_RECHECKED
            if
            :: IS_WRITE(0)
            :: else -> goto all_granted
            fi;
#endif
#ifdef RESTART_KEEPING
            goto step
#else
            /* nothing is kept now: requests that were put aside are looked at, or all wait for each other */
            end_keeping();
            poll();
            goto acquire
#endif
        :: else
        fi
    :: else
    fi;
all_granted:
    end_keeping();
    if
    :: op == FOREIGN && !second -> second = 1; at = 1 - at; goto acquire
    :: else
    fi;
    ASKS(0);
    if
    :: op == WRITE_ONE -> do_write(at)
    :: op == READ_ONE -> do_read(at)
    :: op == BOTH ->
        if
        :: IS_WRITE(0) ->
            d_step {
                writers[0]++; writers[1]++;
                assert(writers[0] == 1 && readers[0] == 0 && writers[1] == 1 && readers[1] == 0)
            };
            atomic { writers[0]--; writers[1]-- }
        :: else ->
            d_step {
                readers[0]++; writers[1]++;
                assert(writers[0] == 0 && writers[1] == 1 && readers[1] == 0)
            };
            atomic { readers[0]--; writers[1]-- }
        fi
    :: op == FOREIGN -> /* no preemption: what it has got first is still its own, or shared */
        second = 0;
        do_write(at);
        at = 1 - at;
        if
        :: IS_WRITE(at) -> do_write(at)
        :: else -> do_read(at)
        fi;
        depth = 0;
        holder = 0;
        lock = 0;
        provoked[me] = 1 /* ends with eddy__own_safepoint */
    fi;
    atomic { op = 0; writes = 0; at = 0; goto idle };

barrier:
    atomic { OTHERS(OWE) };
    OTHERS(PROVOKE);
    OTHERS(PROVOKE_AGAIN); /* one that slept may have woken */
    waits = FOR_BARRIER;
wait: /* polls, or sleeps, until it is over */
    do
    :: IS_OVER -> break
    :: provoked[me] -> safepoint()
#if OPS & 8
    :: !IS_OVER -> goto asleep_now
#endif
    od;
woken:
    if
    :: waits == FOR_ANSWER -> atomic { waits = 0; wanted[me] = 0; goto step }
    :: waits == FOR_BARRIER ->
        atomic {
            OTHERS(FORGET);
            waits = 0;
#ifdef UPGRADE_NO_BARRIER
            goto step
#else
#ifdef CLAIM_LATE
            goto late
#else
            goto passed_all
#endif
#endif
        }
    :: waits == FOR_LOCK ->
        if
        :: atomic { lock == 0 -> lock = 1 + me; waits = 0; depth = 1 };
            holder = 1 + me;
            goto acquire
        :: else -> goto wait
        fi
    fi;

asleep_now: /* eddy__native_begin, and until eddy__native_end has ended */
    poll();
    asleep[me] = 1;
#ifndef ASLEEP_DEAF
    if
    :: queue[me] != 0 && !depth ->
        atomic { hand = queue[me]; queue[me] = 0 };
        settle_all(false)
    :: else
    fi;
#endif
    if
    :: PREEMPTED -> passed()
    :: else
    fi;
    if
    :: op == SLEEP
#if OPS & 32
    :: op == SLEEP && me == N - 1 -> ended: false /* the thread has ended */
#endif
    :: op != SLEEP -> IS_OVER
    fi;
    asleep[me] = 0;
#ifndef WAKE_NO_BARRIER
    takers[me] == 0;
#endif
    poll();
    if
    :: op == SLEEP -> op = 0; goto idle
    :: else -> goto woken
    fi
}
