/* The part of the engines "malloc" and "atomic" that is not inline: there is next to none. */
#include "engine.h"

void engine_open(const struct bench_request *request)
{
    (void)request;
}

engine_thread *engine_attach(void)
{
    return NULL;
}

void engine_detach(engine_thread *t)
{
    (void)t;
}

void engine_measure(void)
{
}

void engine_stalls(engine_thread *t)
{
    (void)t;
}

void engine_report(struct bench_run *run)
{
    run->stall.mmu_1ms = 1.0;
}

void engine_close(void)
{
}

void engine_collect(engine_thread *t)
{
    (void)t;
}

uint64_t engine_collector_cpu_ns(void)
{
    return 0;
}
