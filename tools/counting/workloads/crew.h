/* The threads of a measured run: they get ready, begin together, and are timed until the last one is done. */
#ifndef CREW_H
#define CREW_H

#include "lab.h"
#include "object.h"

struct crew;

struct hand {
    struct crew *crew;
    unsigned index;
    pthread_t thread;
    uint64_t checksum, operations, begun_ns, ended_ns;
};

struct crew {
    const struct lab_request *request;
    struct object *shared; /* LAB_LARGE slots that all threads may read; made by the main thread and held by it */
    void (*share)(struct lab_thread *t, struct object *shared); /* the first thread makes what all use; may be NULL */
    void (*prepare)(struct lab_thread *t, struct hand *hand, void *own);
    void (*work)(struct lab_thread *t, struct hand *hand, void *own);
    void (*finish)(struct lab_thread *t, struct hand *hand, void *own);
    void *own[LAB_MOST_THREADS]; /* memory of each thread */
    pthread_barrier_t barrier;
    struct hand hands[LAB_MOST_THREADS];
};

static void crew_meet(struct lab_thread *t, struct crew *crew)
{
    lab_block(t);
    pthread_barrier_wait(&crew->barrier);
    lab_unblock(t);
}

/* Not inline, so that conservative scans of the stack find what the work has there. */
static COUNT_COLD void *crew_run(void *argument)
{
    struct hand *hand = argument;
    struct crew *crew = hand->crew;
    void *own = crew->own[hand->index];
    struct lab_thread *t = lab_attach(hand->index + 1);
    if (hand->index == 0 && crew->share != NULL)
        crew->share(t, crew->shared);
    crew_meet(t, crew);
    crew->prepare(t, hand, own);
    crew_meet(t, crew); /* all have made what the others use */
    crew_meet(t, crew); /* the clock is running */
    hand->begun_ns = lab_now_ns();
    crew->work(t, hand, own);
    hand->ended_ns = lab_now_ns();
    lab_own_cpu_ns(); /* or the process's time may lack some milliseconds of this thread */
    crew_meet(t, crew);
    crew->finish(t, hand, own);
    lab_detach(t);
    return NULL;
}

/* Runs the crew's functions on the threads that the request asks for; `size` bytes, zeroed, for each. */
static void crew_perform(struct lab_thread *t, struct crew *crew, size_t size, struct lab_result *result)
{
    unsigned threads = crew->request->threads;
    pthread_barrier_init(&crew->barrier, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++) {
        crew->own[i] = aligned_alloc(64, (size + 63) / 64 * 64);
        if (crew->own[i] == NULL)
            count_fatal("out of memory");
        memset(crew->own[i], 0, size);
        crew->hands[i] = (struct hand){.crew = crew, .index = i};
        if (pthread_create(&crew->hands[i].thread, NULL, crew_run, &crew->hands[i]) != 0)
            count_fatal("cannot make a thread");
    }
    crew_meet(t, crew);
    crew_meet(t, crew);
    uint64_t cpu = lab_cpu_ns();
    crew_meet(t, crew);
    crew_meet(t, crew);
    lab_settle(t);
    result->cpu_s = (double)(lab_cpu_ns() - cpu) * 1e-9;
    lab_block(t);
    uint64_t begun = UINT64_MAX, ended = 0;
    for (unsigned i = 0; i < threads; i++) {
        struct hand *hand = &crew->hands[i];
        pthread_join(hand->thread, NULL);
        result->checksum += hand->checksum;
        result->operations += hand->operations;
        begun = hand->begun_ns < begun ? hand->begun_ns : begun;
        ended = hand->ended_ns > ended ? hand->ended_ns : ended;
        free(crew->own[i]);
    }
    lab_unblock(t);
    result->wall_s = (double)(ended - begun) * 1e-9;
    pthread_barrier_destroy(&crew->barrier);
}

#endif
