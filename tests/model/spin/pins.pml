/* Pins (docs/design.md, section 7): counted apart, pins early, unpins an epoch late, never cancelled out against each other.
 *
 * Models runtime/pin.c (the table of a thread: pins and unpins of its epoch, handed over at the handshake) and collector/pins.c. Three
 * threads, one object, which a field refers to at first. Whoever may reach it (a pin, the field) may pin it; whoever knows of a
 * pin may take it off, also one that another thread made. Epochs modulo 3.
 *
 * Checked: the collector's number of pins is never negative; the object is not freed while pinned or referred to; it is freed when it
 * is neither.
 *
 * Wrong: NET (a thread hands over the difference) UNPIN_NOW PIN_LATE */
#ifndef OPS
#define OPS 2
#endif
#define NEXT(e) (((e) + 1) % 3)
#define PREVIOUS(e) (((e) + 2) % 3)

byte pins[3 * 3], unpins[3 * 3]; /* [epoch, thread] */
byte drops[3];                   /* decs of the field, by epoch */
byte pinned;                     /* pins that are in force, as the program sees it */
bit field = 1, live = 1;
byte epoch, in[3];
bit acked[3];
byte finished;

proctype mutator(byte me)
{
    byte ops = 0;
end:
    do
    :: atomic { ops < OPS && (pinned > 0 || field) -> ops++; pins[in[me] * 3 + me]++; pinned++ }
    :: atomic { ops < OPS && pinned > 0 -> ops++; unpins[in[me] * 3 + me]++; pinned-- }
    :: atomic { ops < OPS && field -> ops++; field = 0; drops[in[me]]++ }
    :: atomic {
           epoch != in[me] ->
#ifdef NET
           if
           :: pins[in[me] * 3 + me] >= unpins[in[me] * 3 + me] ->
               pins[in[me] * 3 + me] = pins[in[me] * 3 + me] - unpins[in[me] * 3 + me];
               unpins[in[me] * 3 + me] = 0
           :: else ->
               unpins[in[me] * 3 + me] = unpins[in[me] * 3 + me] - pins[in[me] * 3 + me];
               pins[in[me] * 3 + me] = 0
           fi;
#endif
           in[me] = NEXT(in[me]);
           acked[me] = 1
       }
    :: atomic { ops < OPS -> ops = OPS }
    :: atomic { ops == OPS -> ops++; finished++ }
    od
}

#define SUM(a, e) (a[(e)*3] + a[(e)*3 + 1] + a[(e)*3 + 2])
#define CLEAR(a, e) a[(e)*3] = 0; a[(e)*3 + 1] = 0; a[(e)*3 + 2] = 0

proctype collector()
{
    byte e, quiet;
    short number = 0, references = 1;
    do
    :: quiet < 4 ->
        atomic {
            if
            :: finished >= 3 -> quiet++
            :: else
            fi;
            e = epoch;
            acked[0] = 0; acked[1] = 0; acked[2] = 0;
            epoch = NEXT(epoch)
        };
        acked[0] && acked[1] && acked[2];
#ifdef PIN_LATE
        number = number + SUM(pins, PREVIOUS(e));
        atomic { CLEAR(pins, PREVIOUS(e)) };
#else
        atomic { number = number + SUM(pins, e); CLEAR(pins, e) };
#endif
        atomic {
#ifdef UNPIN_NOW
            number = number - SUM(unpins, e);
            CLEAR(unpins, e);
#else
            number = number - SUM(unpins, PREVIOUS(e));
            CLEAR(unpins, PREVIOUS(e));
#endif
            assert(number >= 0);
            references = references - drops[PREVIOUS(e)];
            drops[PREVIOUS(e)] = 0;
            if
            :: live && references == 0 && number == 0 ->
                assert(pinned == 0 && !field);
                live = 0
            :: else
            fi
        }
    :: else -> break
    od;
    assert(live == (pinned > 0 || field))
}

init { atomic { run mutator(0); run mutator(1); run mutator(2); run collector() } }
