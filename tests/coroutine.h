/* Coroutines for tests, on ucontext, each with a fiber of Eddy: resume, and yield to whoever resumed. */
#ifndef EDDY_TESTS_COROUTINE_H
#define EDDY_TESTS_COROUTINE_H

#include <ucontext.h>

#include "tests/support.h"

#if defined(__SANITIZE_THREAD__)
#define COROUTINE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COROUTINE_TSAN 1
#endif
#endif
#ifdef COROUTINE_TSAN /* it follows stacks only when told of switches */
#include <sanitizer/tsan_interface.h>
#define TSAN_FIBER_CREATE() __tsan_create_fiber(0)
#define TSAN_FIBER_CURRENT() __tsan_get_current_fiber()
#define TSAN_FIBER_SWITCH(f) __tsan_switch_to_fiber((f), 0)
#define TSAN_FIBER_DESTROY(f) __tsan_destroy_fiber(f)
#else
#define TSAN_FIBER_CREATE() NULL
#define TSAN_FIBER_CURRENT() NULL
#define TSAN_FIBER_SWITCH(f) ((void)(f))
#define TSAN_FIBER_DESTROY(f) ((void)(f))
#endif

#define STACK_BYTES ((size_t)128 << 10)

struct coroutine {
    struct world w; /* of the thread that runs it: set at each resumption */
    eddy_fiber *fiber;
    ucontext_t context, resumer;
    void *tsan, *resumer_tsan;
    char *stack;
    void (*body)(struct coroutine *self);
    uint64_t number;
    bool ended;
};

static inline void coroutine_yield(struct coroutine *self)
{
    CHECK(eddy_fiber_switch(self->w.t, NULL) == EDDY_OK);
    TSAN_FIBER_SWITCH(self->resumer_tsan);
    swapcontext(&self->context, &self->resumer);
}

static inline void coroutine_main(unsigned high, unsigned low)
{
    struct coroutine *self = (struct coroutine *)((uintptr_t)high << 32 | low);
    self->body(self);
    self->ended = true;
    coroutine_yield(self);
    abort();
}

static inline void coroutine_open(const struct world *w, struct coroutine *c, void (*body)(struct coroutine *self),
                                  uint64_t number)
{
    *c = (struct coroutine){.body = body, .number = number};
    c->stack = malloc(STACK_BYTES);
    CHECK(c->stack != NULL && eddy_fiber_create(w->t, c->stack, STACK_BYTES, &c->fiber) == EDDY_OK);
    CHECK(getcontext(&c->context) == 0);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = STACK_BYTES;
    c->tsan = TSAN_FIBER_CREATE();
    makecontext(&c->context, (void (*)(void))coroutine_main, 2, (unsigned)((uintptr_t)c >> 32), (unsigned)(uintptr_t)c);
}

/* Runs it until it yields or ends. */
static inline void coroutine_resume(const struct world *w, struct coroutine *c)
{
    c->w = *w;
    c->resumer_tsan = TSAN_FIBER_CURRENT();
    CHECK(eddy_fiber_switch(w->t, c->fiber) == EDDY_OK);
    TSAN_FIBER_SWITCH(c->tsan);
    swapcontext(&c->resumer, &c->context);
}

static inline void coroutine_close(const struct world *w, struct coroutine *c)
{
    CHECK(eddy_fiber_drop(w->t, c->fiber) == EDDY_OK);
    TSAN_FIBER_DESTROY(c->tsan);
    free(c->stack);
}

#endif
