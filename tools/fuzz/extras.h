/* What a deterministic program has besides objects, fields, handles and root slots: the model's side of pins, nested
 * frames, fibers, ambiguous ranges, weak cells, ephemerons, tables and finalizers. Part of the model (model.h), kept by the
 * thread that has its turn. Objects are numbers.
 *
 * What dies and comes back. An object that a finalizer brings back to life is dead to all that was attached to it before: weak
 * cells, ephemerons and entries of tables. So each of these knows at which tick of `clock` it was made, and each object at
 * which it *lapsed*: when a finalizer of it, or of a member of the same dead cycle, was found in its queue. */
#ifndef EDDY_FUZZ_EXTRAS_H
#define EDDY_FUZZ_EXTRAS_H

#include "eddy/eddy.h"
#include "tools/fuzz/program.h"

enum {
    FUZZ_PLACES = FUZZ_RETAINED, /* of pins, weak cells, ephemerons, fibers each; shared by all threads */
    FUZZ_NESTED = 3,             /* frames of a thread above its first */
    FUZZ_NESTED_SLOTS = 2,
    FUZZ_RANGE = 4, /* words of a thread's ambiguous range */
    FUZZ_TABLES = 12,
    FUZZ_ENTRIES = 16, /* most of a table, dead ones included */
    FUZZ_QUEUES = 2,
    FUZZ_RECORDS = 24 /* finalizers ever attached */
};

/* A frame of two handles that is pushed above the thread's own, or by a fiber. */
struct small_frame {
    eddy_frame frame;
    void *slots[FUZZ_NESTED_SLOTS];
    uint32_t handles[FUZZ_NESTED_SLOTS];
};

struct weak_place {
    eddy_weak *cell; /* NULL: an empty place */
    uint32_t target, made;
    uint32_t users; /* threads that are loading it */
    bool gone;      /* it has said that its target is dead */
};

struct ephemeron_place {
    eddy_ephemeron *ephemeron; /* NULL: an empty place */
    uint32_t key, value, made;
    uint32_t users; /* threads that read it */
    bool setting;   /* one thread writes it */
    bool gone;
};

struct fiber_place {
    eddy_fiber *fiber; /* NULL: an empty place */
    uint32_t owner;    /* number of the mutator */
    bool offered, running;
    bool orphaned; /* its thread ends, and leaves it on offer: by now, or soon */
    bool framed;   /* has run, and pushed its frame */
    struct small_frame f;
};

struct table_entry_model {
    uint32_t key, value, made; /* key 0: free */
    bool dropped;              /* its weak side is not reachable: found by the last walk */
};

struct table_model {
    uint32_t object;
    eddy_table_kind kind;
    bool busy; /* used by a thread */
    struct table_entry_model entries[FUZZ_ENTRIES];
};

enum record_state { RECORD_UNUSED = 0, RECORD_WAITS, RECORD_RUN, RECORD_DISPOSED };

/* A finalizer; in the order in which they were attached. */
struct record_model {
    uint32_t object, made, queue;
    enum record_state state;
    uint32_t lapsed; /* when it was run: the tick at which its object had lapsed */
};

struct extras {
    uint32_t clock;
    uint32_t pins[FUZZ_PLACES];
    struct weak_place weak[FUZZ_PLACES];
    struct ephemeron_place ephemerons[FUZZ_PLACES];
    struct fiber_place fibers[FUZZ_PLACES];
    struct table_model tables[FUZZ_TABLES];
    uint32_t table_count;
    eddy_finalizer_queue *queues[FUZZ_QUEUES];
    struct record_model records[FUZZ_RECORDS];
    uint32_t record_count;
    uint32_t attaching;       /* operations under way that change what is attached: their effects have no order */
    uint32_t taking;          /* threads that take finalizers now */
    uint32_t finalized_all;   /* tick of the last eddy_finalize_all; 0: none */
    uint32_t permanent_count; /* objects known to be permanent */
};

struct run;
struct mutator;
struct walk;

/* Reaches the roots that are kept here, those of one mutator, what is strongly held by a table that was reached. */
void extras_roots(struct run *r, struct walk *w);
void extras_roots_of(const struct mutator *m, struct walk *w);
void extras_table(struct run *r, struct walk *w, uint32_t table);
/* Reaches the values of ephemerons whose keys have been reached. */
void extras_follow(struct run *r, struct walk *w);
/* Before the first walk, after each: entries of tables whose weak side was not reached hold nothing strongly. Whether there are
 * more of them than before, so that the walk must be repeated. */
void extras_begin(struct run *r);
bool extras_drop(struct run *r);

/* Adds the counts that come from what is kept here. */
void extras_degrees(struct run *r, uint32_t *degrees);
/* Objects of the heap that the program does not see: parts of the tables that are reachable. */
uint32_t extras_hidden(struct run *r);
/* When everything rests: what the statistics say of pins and external bytes, and that no finalizer was forgotten. */
void extras_exact(struct run *r, const eddy_stats *stats);

/* Makes the queues, at the beginning; gives up what is left, at the end. */
void extras_open(struct run *r);
void extras_close(struct mutator *m);
/* What thread `m` has besides handles goes with it: before it detaches, or after it has ended without. */
void extras_detach(struct mutator *m);
void extras_forget(struct mutator *m);
/* Drops what all threads share; done by the first. */
void extras_drop_all(struct mutator *m);
/* Runs all queued finalizers, takes dead entries out of tables; whether there were any, so that more may have died. */
bool extras_settle(struct mutator *m);

/* Fails unless a weak load of `target`, made at tick `made`, may have had this result. `gone` is what it said before. */
void extras_check_weak(struct mutator *m, const char *what, const void *found, uint32_t target, uint32_t made, bool *gone);
/* Whether a finalizer of the object was queued since that tick; or it may have been found dead then. */
bool extras_doubtful(const struct run *r, uint32_t object, uint32_t made);
bool extras_lapsed(const struct run *r, uint32_t object, uint32_t made);
/* Takes the record that `data` stands for; `object` came with it. Its number. */
uint32_t extras_finalized(struct mutator *m, const void *object, const void *data);

#endif
