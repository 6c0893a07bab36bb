/* The scheduler of deterministic runs. Mutators and the collector's own thread are *actors*; one has its turn, all
 * others sleep. At each scheduling point (a hook between two steps of Eddy's protocol, a wait, a lock that is
 * held, the end of an operation) the strategy of the schedule says who goes on. Time is virtual: it passes by
 * being looked at, and by waits that run out. So a run depends on its case alone. What Eddy asks of the system
 * (futexes, mutexes, clocks) comes here by the linker's --wrap (interpose.c). */
#ifndef EDDY_FUZZ_SCHED_H
#define EDDY_FUZZ_SCHED_H

#include <pthread.h>

#include "tools/fuzz/fuzz.h"

/* Points besides Eddy's hooks. */
enum fuzz_point {
    POINT_OPERATION = HOOK_COUNT, /* between two operations */
    POINT_WAIT,
    POINT_LOCK,
    POINT_END,
    POINTS
};
const char *fuzz_point_name(unsigned point);

/* Prepares a run; `check` is called at each point with the point's number. */
void sched_begin(const struct fuzz_case *c, void (*check)(void));
/* Whether the calling thread is an actor of a run under way. */
bool sched_is_actor(void);
/* The calling thread becomes an actor, and sleeps until its turn. `succeeds`: until the actor's thread before it has
 * called sched_succeed, too. */
void sched_enter(unsigned actor, bool succeeds);
/* The first turn; called by the thread that prepares the run, once all actors have entered. */
void sched_start(unsigned actor);
/* Whether so many actors have entered. */
void sched_await(unsigned actors);
/* The calling actor's turn and part are over; it runs on as an ordinary thread. */
void sched_leave(void);
/* The same, but another thread goes on as the same actor. */
void sched_succeed(void);
/* A scheduling point; `subject` may be an object. */
void sched_point(unsigned point, uint32_t object);
/* Sleeps until *word differs from `expected` (NULL: until asked again), at most so long. */
void sched_wait(const uint32_t *word, uint32_t expected, uint64_t timeout);
void sched_lock(pthread_mutex_t *mutex);
uint64_t sched_now(void);
/* Waits until the collector's thread sleeps and has nothing to do. */
bool sched_collector_sleeps(void);
/* The run is over: the collector's thread is let loose. */
void sched_end(void);
/* In a forked child: there is no scheduler any more. */
void sched_abandon(void);
/* The collector's thread has come to life. */
void sched_adopt_collector(void);
void sched_request_epochs(eddy_heap *heap, unsigned one_in);

/* Notes an event of the current actor. */
void sched_event(unsigned kind, uint32_t object);
/* Scheduling points so far. */
uint32_t sched_points(void);

/* The actor whose thread the caller is, FUZZ_ACTORS if none of a run under way. */
unsigned sched_actor(void);

/* buffers.c: late stores. A run begins, ends; an actor's thread goes on, or leaves; a point is reached. */
void buffers_begin(uint64_t seed);
void buffers_end(void);
void buffers_flush(unsigned actor);
void buffers_advance(uint32_t point);

/* strategy.c: who goes on. `enabled` is not 0. */
struct strategy_state {
    const struct schedule *schedule;
    uint64_t random;
    uint32_t at; /* next recorded switch */
    int32_t priority[FUZZ_ACTORS];
    uint32_t changes[16]; /* points at which a priority is lowered, ascending */
    uint32_t change;
};
void strategy_begin(struct strategy_state *s, const struct fuzz_case *c);
/* Without a strategy: stays, else takes turns, so that nobody is kept from running. */
unsigned strategy_default(uint32_t point, unsigned current, unsigned enabled);
/* `kind` of the point that was reached. */
unsigned strategy_pick(struct strategy_state *s, unsigned kind, uint32_t point, unsigned current, unsigned enabled);

#endif
