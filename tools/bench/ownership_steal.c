/* How long it takes to get another thread's object: from one that runs, with safepoints so far apart, and how many of them it
 * passes meanwhile; from one that sleeps in a native region; from one that has ended. Each object is taken once. */
#include "ownership.h"

#include <stdio.h>
#include <stdlib.h>

#define OBJECTS 2000u

enum owner { OWNER_RUNS, OWNER_SLEEPS, OWNER_ENDS };

struct victim {
    const struct ownership *o;
    eddy_array *items;
    enum owner what;
    uint64_t distance; /* turns of an empty loop between safepoints */
    uint32_t ready, end;
    uint64_t safepoints; /* reached */
    uint64_t given;      /* of these, the one at which it gave something away last */
};

static void *victim_main(void *argument)
{
    struct victim *v = argument;
    eddy_thread *t = ownership_attach(v->o);
    for (size_t i = 0; i < OBJECTS; i++)
        eddy_own_write(t, eddy_load(t, &v->items->slots[i]));
    if (v->what == OWNER_SLEEPS)
        eddy_native_enter(t);
    if (v->what == OWNER_ENDS)
        eddy_thread_detach(t);
    EDDY_STORE_RELEASE(&v->ready, 1);
    while (EDDY_LOAD_ACQUIRE(&v->end) == 0)
        if (v->what == OWNER_RUNS) {
            for (volatile uint64_t turn = 0; turn < v->distance; turn++) {
            }
            uint64_t token = eddy_rights_token(t);
            EDDY_STORE_RELEASE(&v->safepoints, v->safepoints + 1);
            eddy_safepoint(t);
            if (eddy_rights_token(t) != token)
                EDDY_STORE_RELEASE(&v->given, v->safepoints);
        } else {
            struct timespec nap = {.tv_nsec = 200000};
            nanosleep(&nap, NULL);
        }
    if (v->what == OWNER_SLEEPS)
        eddy_native_leave(t);
    if (v->what != OWNER_ENDS)
        eddy_thread_detach(t);
    return NULL;
}

static void measure(const struct ownership *o, const char *name, enum owner what, uint64_t distance)
{
    static void *slot;
    static double ns[OBJECTS], passed[OBJECTS];
    eddy_thread *t = ownership_attach(o);
    struct victim v = {.o = o, .what = what, .distance = distance};
    v.items = ownership_items(o, t, WAY_OWNED, OBJECTS, &slot, true);
    pthread_t id;
    eddy_native_enter(t);
    if (pthread_create(&id, NULL, victim_main, &v) != 0)
        bench_out_of_memory();
    while (EDDY_LOAD_ACQUIRE(&v.ready) == 0)
        sched_yield();
    eddy_native_leave(t);
    uint64_t first = bench_now_ns();
    for (size_t i = 0; i < OBJECTS; i++) {
        struct item *item = eddy_load(t, &v.items->slots[i]);
        uint64_t before = EDDY_LOAD_ACQUIRE(&v.safepoints), begun = bench_now_ns();
        eddy_own_write(t, item);
        ns[i] = (double)(bench_now_ns() - begun);
        while (what == OWNER_RUNS && EDDY_LOAD_ACQUIRE(&v.given) < before) /* it is about to note it */
            sched_yield();
        passed[i] = (double)(EDDY_LOAD_ACQUIRE(&v.given) - before);
        item->value++;
    }
    double mean = (double)(bench_now_ns() - first) / OBJECTS;
    EDDY_STORE_RELEASE(&v.end, 1);
    eddy_native_enter(t);
    pthread_join(id, NULL);
    eddy_native_leave(t);
    double median = ownership_median(ns, OBJECTS), within = 0, number = ownership_median(passed, OBJECTS);
    for (size_t i = 0; i < OBJECTS; i++)
        within += passed[i] <= 2;
    printf("take from one that %-26s median %8.0f ns, 99%% %8.0f ns, mean %8.0f ns", name, median,
           ns[OBJECTS * 99 / 100], mean);
    if (distance != 0) /* else it passes many while the request is under way */
        printf("; at a safepoint of the owner's after the call: median number %.0f, %.1f%% within two", number,
               within * 100 / OBJECTS);
    printf("\n");
    eddy_root_remove(t, &slot);
    eddy_thread_detach(t);
}

void ownership_steal(struct ownership *o)
{
    ownership_open(o);
    measure(o, "runs, polls at once", OWNER_RUNS, 0);
    measure(o, "runs, polls every 1000", OWNER_RUNS, 1000);
    measure(o, "runs, polls every 20000", OWNER_RUNS, 20000);
    measure(o, "sleeps", OWNER_SLEEPS, 0);
    measure(o, "has ended", OWNER_ENDS, 0);
    ownership_close(o);
}
