/* Store buffers, where an order weaker than sequential consistency is used, or would be tempting (docs/design.md, section 10).
 *
 * A store that is not seq_cst goes into the buffer of its thread and reaches memory later; loads look past the buffers of others;
 * a read-modify-write, or a seq_cst store, empties the own one first. (The C11 orders of other hand-offs are in ../relacy.)
 *
 * -DBARRIER: runtime/ownership_barrier.c (eddy__own_passed, eddy__own_barrier): a reader against one who claims. The acknowledgement names the number of a
 *   barrier that the reader has seen, and may be a release store. Checked: no writer beside the reader.
 *   Wrong: COUNTER (the reader counts its safepoints, and the writer waits until the count has changed)
 * -DSLEEP: runtime/native.c against collector/rendezvous.c, and runtime/ownership_queue.c (settle against eddy__own_asleep): whoever falls asleep and then
 *   looks, against whoever asks and then looks. Checked: one of the two sees the other.
 *   Wrong: ENTER_RELEASE ASK_RELEASE */
#ifdef BARRIER
byte right, barriers, passed; /* in memory */
bit reading, writing, over;
chan buffer = [2] of { byte }; /* of the reader: stores to `passed` */

active proctype reader()
{
    byte mine, n, safepoints = 0;
    do
    :: safepoints < 4 ->
        if
        :: right == 0 -> reading = 1; assert(!writing); reading = 0
        :: else
        fi;
        safepoints++;
#ifdef COUNTER
        mine++;
        buffer!mine
#else
        n = barriers;
        if
        :: n != mine -> mine = n; buffer!n
        :: else
        fi
#endif
    :: safepoints == 4 -> break
    od;
    over = 1
}

active proctype memory()
{
    byte value;
    do
    :: buffer?value -> passed = value
    :: over && empty(buffer) -> break
    od
}

active proctype writer()
{
    byte number;
    right = 1; /* compare-and-swap */
#ifdef COUNTER
    number = passed;
    (passed != number || over);
#else
    atomic { barriers++; number = barriers };
    (passed >= number || over);
#endif
    writing = 1;
    assert(!reading);
    writing = 0;
    right = 0
}
#endif

#ifdef SLEEP
bit asleep, asked;                 /* in memory */
bit asleep_buffered, asked_buffered;
bit sleeper_saw, asker_saw, sleeper_done, asker_done;

active proctype sleeper()
{
#ifdef ENTER_RELEASE
    asleep_buffered = 1;
#else
    asleep = 1;
#endif
    sleeper_saw = asked;
    sleeper_done = 1
}

active proctype asker()
{
#ifdef ASK_RELEASE
    asked_buffered = 1;
#else
    asked = 1;
#endif
    asker_saw = asleep;
    asker_done = 1
}

active proctype memory()
{
    do
    :: asleep_buffered -> asleep = 1; asleep_buffered = 0
    :: asked_buffered -> asked = 1; asked_buffered = 0
    :: sleeper_done && asker_done -> break
    od;
    assert(sleeper_saw || asker_saw)
}
#endif
