/* See sched.h. `turn` of an actor is the word on which its thread sleeps; everything else here is touched only by
 * the thread that has its turn. */
#include "tools/fuzz/sched.h"

#include "collector/collector.h"
#include "runtime/heap/os.h"

#define WIPED_WORDS 1024u
#define POINTS_MOST 3000000u
#define TICK_NS 20000u /* every look at the clock: more than the rendezvous spins */

enum actor_state { ACTOR_NONE, ACTOR_READY, ACTOR_WAITING, ACTOR_LOCKING };

struct actor {
    enum actor_state state;
    uint32_t turn;
    uint32_t vacant; /* its thread has ended, another one goes on for it */
    const uint32_t *word;
    uint32_t expected;
    uint64_t deadline; /* UINT64_MAX: none */
    pthread_mutex_t *mutex;
};

static struct scheduler {
    bool active, adopting;
    bool scans; /* C stacks are scanned */
    uint32_t entered;
    unsigned current;
    struct actor actors[FUZZ_ACTORS];
    struct strategy_state strategy;
    uint32_t point;
    unsigned kind; /* of the point that was reached last */
    uint64_t now;
    void (*check)(void);
    eddy_heap *heap;
    uint32_t epoch_one_in;
    uint64_t random;
} sched;

static __thread struct actor *self;

void __real_eddy__os_wait(const uint32_t *word, uint32_t expected, uint64_t timeout_ns);

const char *fuzz_point_name(unsigned point)
{
    static const char *const names[] = {
#define NAME(name, text) #name,
        EDDY_HOOK_POINTS(NAME)
#undef NAME
            "OPERATION",
        "WAIT", "LOCK", "END"};
    return point < sizeof names / sizeof names[0] ? names[point] : "?";
}

void sched_begin(const struct fuzz_case *c, void (*check)(void))
{
    sched = (struct scheduler){.adopting = true, .check = check, .now = UINT64_C(1000000000)};
    sched.scans = c->settings.conservative;
    sched.random = fuzz_mix(c->schedule.seed ^ 0xe90c);
    strategy_begin(&sched.strategy, c);
    buffers_begin(c->schedule.seed);
    fuzz_shared->switch_count = 0;
    fuzz_shared->hash = 0;
    fuzz_shared->event_count = 0;
}

void sched_request_epochs(eddy_heap *heap, unsigned one_in)
{
    sched.heap = heap;
    sched.epoch_one_in = one_in;
}

bool sched_is_actor(void)
{
    return self != NULL && EDDY_LOAD_RELAXED(&sched.active);
}

unsigned sched_actor(void)
{
    return sched_is_actor() ? (unsigned)(self - sched.actors) : FUZZ_ACTORS;
}

uint32_t sched_points(void)
{
    return sched.point;
}

uint64_t sched_now(void)
{
    return sched.now += TICK_NS;
}

/* ---- turns ---- */

static void sleep_until_turn(struct actor *a)
{
    while (EDDY_LOAD_ACQUIRE(&a->turn) == 0)
        __real_eddy__os_wait(&a->turn, 0, UINT64_MAX);
    EDDY_STORE_RELAXED(&a->turn, 0);
}

static void give_turn(unsigned actor)
{
    sched.current = actor;
    EDDY_STORE_RELEASE(&sched.actors[actor].turn, 1);
    eddy__os_wake(&sched.actors[actor].turn);
}

void sched_enter(unsigned actor, bool succeeds)
{
    struct actor *a = &sched.actors[actor];
    while (succeeds && EDDY_LOAD_ACQUIRE(&a->vacant) == 0)
        __real_eddy__os_wait(&a->vacant, 0, UINT64_MAX);
    EDDY_STORE_RELAXED(&a->vacant, 0);
    self = a;
    if (!succeeds) {
        a->state = ACTOR_READY;
        EDDY_ADD_SEQ_CST(&sched.entered, 1);
        eddy__os_wake(&sched.entered);
    }
    sleep_until_turn(a);
}

void sched_adopt_collector(void)
{
    if (EDDY_LOAD_ACQUIRE(&sched.adopting))
        sched_enter(FUZZ_COLLECTOR, false);
}

void sched_await(unsigned actors)
{
    uint32_t entered;
    while ((entered = EDDY_LOAD_ACQUIRE(&sched.entered)) < actors)
        __real_eddy__os_wait(&sched.entered, entered, UINT64_MAX);
}

void sched_start(unsigned actor)
{
    EDDY_STORE_SEQ_CST(&sched.active, true);
    give_turn(actor);
}

/* ---- who may go on ---- */

static bool can_go_on(const struct actor *a)
{
    switch (a->state) {
    case ACTOR_READY: return true;
    case ACTOR_WAITING: return a->word != NULL && EDDY_LOAD_SEQ_CST(a->word) != a->expected;
    case ACTOR_LOCKING:
        if (pthread_mutex_trylock(a->mutex) != 0)
            return false;
        pthread_mutex_unlock(a->mutex);
        return true;
    default: return false;
    }
}

static unsigned enabled_actors(bool timeouts)
{
    unsigned enabled = 0;
    for (unsigned a = 0; a < FUZZ_ACTORS; a++)
        if (can_go_on(&sched.actors[a])
            || (timeouts && sched.actors[a].state == ACTOR_WAITING && sched.actors[a].deadline != UINT64_MAX))
            enabled |= 1u << a;
    return enabled;
}

static void wake_up(struct actor *a)
{
    if (a->state == ACTOR_WAITING && !can_go_on(a) && a->deadline > sched.now)
        sched.now = a->deadline;
    a->state = ACTOR_READY;
}

static unsigned first_deadline(void)
{
    unsigned first = FUZZ_ACTORS;
    for (unsigned a = 0; a < FUZZ_ACTORS; a++)
        if (sched.actors[a].state == ACTOR_WAITING
            && (first == FUZZ_ACTORS || sched.actors[a].deadline < sched.actors[first].deadline))
            first = a;
    return first;
}

static void record(unsigned actor)
{
    if (fuzz_shared->switch_count < FUZZ_SWITCHES)
        fuzz_shared->switches[fuzz_shared->switch_count++] = (struct fuzz_switch){sched.point, (uint8_t)actor};
}

/* What was recorded for this point; NULL if nothing (more) was. */
static const struct fuzz_switch *recorded(void)
{
    struct strategy_state *s = &sched.strategy;
    const struct schedule *schedule = s->schedule;
    if (schedule->strategy != STRATEGY_SWITCHES)
        return NULL;
    while (s->at < schedule->switch_count && schedule->switches[s->at].point < sched.point)
        s->at++;
    bool now = s->at < schedule->switch_count && schedule->switches[s->at].point == sched.point;
    return now ? &schedule->switches[s->at++] : NULL;
}

/* Picks an actor; it may be the current one. */
static unsigned pick(void)
{
    unsigned current = sched.current, at_once = enabled_actors(false), ever = enabled_actors(true);
    if (ever == 0)
        fuzz_fail(OUTCOME_HANG, "all threads wait for each other");
    if (at_once == 0) /* time passes until the first wait runs out */
        at_once = 1u << first_deadline();
    unsigned usual = strategy_default(sched.point, current, at_once), next = usual;
    if (sched.point < FUZZ_POINTS) {
        fuzz_shared->enabled[sched.point] = (uint8_t)at_once;
        fuzz_shared->usual[sched.point] = (uint8_t)usual;
    }
    const struct fuzz_switch *known = recorded();
    if (sched.strategy.schedule->strategy != STRATEGY_SWITCHES) {
        /* Waits end early now and then, as those of the system may. */
        bool early = sched.strategy.schedule->strategy == STRATEGY_RANDOM && fuzz_below(&sched.strategy.random, 64) == 0;
        next = strategy_pick(&sched.strategy, sched.kind, sched.point, current, early ? ever : at_once);
    } else if (known != NULL && known->actor < FUZZ_ACTORS && (ever & 1u << known->actor) != 0) {
        next = known->actor;
    }
    if (next != usual)
        record(next);
    wake_up(&sched.actors[next]);
    return next;
}

void sched_event(unsigned kind, uint32_t object)
{
    struct shared *s = fuzz_shared;
    if (s->event_count < FUZZ_EVENTS)
        s->events[s->event_count++] = (struct fuzz_event){object, (uint16_t)kind, (uint16_t)sched.current};
}

bool fuzz_trace_write(const struct shared *shared, const char *path)
{
    FILE *file = fopen(path, "w");
    uint32_t point = 0;
    if (file == NULL) {
        fprintf(stderr, "eddy-fuzz: cannot write %s: ", path);
        perror(NULL);
        return false;
    }
    for (uint32_t i = 0; i < shared->event_count; i++) {
        const struct fuzz_event *e = &shared->events[i];
        char text[120];
        if (e->kind == EVENT_OPERATION) {
            fuzz_operation_print(&shared->current.operations[e->object], text, sizeof text);
            fprintf(file, "      %s\n", text);
            continue;
        }
        fprintf(file, "%5u %c%u %s", point++, e->actor == FUZZ_COLLECTOR ? 'c' : 't', e->actor, fuzz_point_name(e->kind));
        fprintf(file, e->object != 0 ? " object %u\n" : "\n", e->object);
    }
    return fclose(file) == 0;
}

static void note(unsigned point, uint32_t object)
{
    unsigned actor = sched.current;
    struct shared *s = fuzz_shared;
    s->points++;
    sched.kind = point;
    s->hash = fuzz_mix(s->hash ^ ((uint64_t)object << 32 | actor << 16 | point));
    sched_event(point, object);
    buffers_advance(sched.point);
    if (++sched.point > POINTS_MOST)
        fuzz_fail(OUTCOME_HANG, "no end after %u scheduling points", sched.point);
}

static void switch_away(void)
{
    unsigned next = pick();
    struct actor *me = self;
    if (&sched.actors[next] != me) {
        give_turn(next);
        sleep_until_turn(me);
    }
    buffers_flush(sched.current);
}

#define ASK_EPOCH FUZZ_ACTORS /* among recorded switches */
#define ASK_CYCLES (FUZZ_ACTORS + 1)

/* Epochs begin at points that the case chooses, while there is a program: when operations were taken out of it, what was recorded
 * for them must not disturb the end. */
static void ask_for_epoch(void)
{
    unsigned what = 0;
    const struct strategy_state *s = &sched.strategy;
    if (sched.epoch_one_in == 0)
        return;
    if (s->schedule->strategy == STRATEGY_SWITCHES) {
        while (s->at < s->schedule->switch_count && s->schedule->switches[s->at].point < sched.point)
            sched.strategy.at++;
        const struct fuzz_switch *next = s->schedule->switches + s->at;
        if (s->at < s->schedule->switch_count && next->point == sched.point && next->actor >= FUZZ_ACTORS)
            what = recorded()->actor;
    } else if (fuzz_below(&sched.random, sched.epoch_one_in) == 0) {
        what = fuzz_below(&sched.random, 3) == 0 ? ASK_CYCLES : ASK_EPOCH;
        record(what);
    }
    if (what != 0)
        eddy__collector_request(sched.heap, what == ASK_CYCLES ? REQUEST_EPOCH | REQUEST_CYCLES : REQUEST_EPOCH);
}

/* Overwrites what the scheduler and the oracles have left on the stack below their caller, addresses of objects
 * among it: a conservative scan must not depend on them. */
static __attribute__((noinline)) void wipe_stack(void)
{
    volatile uint64_t words[WIPED_WORDS];
    for (unsigned i = 0; i < WIPED_WORDS; i++)
        words[i] = 0;
    (void)words[0];
}

static void wipe(void)
{
    if (sched.scans && self != &sched.actors[FUZZ_COLLECTOR])
        wipe_stack();
}

void sched_point(unsigned point, uint32_t object)
{
    note(point, object);
    sched.check();
    ask_for_epoch();
    switch_away();
    wipe();
}

void sched_wait(const uint32_t *word, uint32_t expected, uint64_t timeout)
{
    note(POINT_WAIT, 0);
    sched.check();
    self->state = ACTOR_WAITING;
    self->word = word;
    self->expected = expected;
    self->deadline = timeout == UINT64_MAX ? UINT64_MAX : sched.now + timeout;
    switch_away();
    wipe();
}

void sched_lock(pthread_mutex_t *mutex)
{
    while (pthread_mutex_trylock(mutex) != 0 && sched_is_actor()) {
        note(POINT_LOCK, 0);
        self->state = ACTOR_LOCKING;
        self->mutex = mutex;
        switch_away();
        wipe();
    }
}

bool sched_collector_sleeps(void)
{
    const struct actor *c = &sched.actors[FUZZ_COLLECTOR];
    return c->state == ACTOR_WAITING && !can_go_on(c);
}

/* ---- ends ---- */

/* The last mutator leaves the collector where it is. */
static void pass_on(void)
{
    buffers_flush(sched.current);
    self = NULL;
    for (unsigned a = 0; a < FUZZ_MUTATORS; a++)
        if (sched.actors[a].state != ACTOR_NONE) {
            give_turn(pick());
            return;
        }
}

void sched_leave(void)
{
    note(POINT_END, 0);
    self->state = ACTOR_NONE;
    pass_on();
}

void sched_succeed(void)
{
    note(POINT_END, 0);
    struct actor *a = self;
    pass_on();
    EDDY_STORE_RELEASE(&a->vacant, 1);
    eddy__os_wake(&a->vacant);
}

void sched_end(void)
{
    EDDY_STORE_SEQ_CST(&sched.active, false);
    EDDY_STORE_SEQ_CST(&sched.adopting, false);
    buffers_end();
    give_turn(FUZZ_COLLECTOR);
}

void sched_abandon(void)
{
    self = NULL;
    EDDY_STORE_SEQ_CST(&sched.active, false);
    EDDY_STORE_SEQ_CST(&sched.adopting, false);
}
