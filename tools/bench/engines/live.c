/* The live heap of --live-mb: small linked objects that stay reachable and unchanged during a workload,
 * to show what their number costs. They form chains; each object also refers to the one after its
 * successor. A megabyte counts as 2^20 bytes of 32-byte objects, the engine's header included. */
#include "engine.h"

enum { CHAINS = 1024, LINK_BYTES = 32 };

struct link {
    struct link *next;
    struct link *beyond;
    uint64_t value;
};
#define LINK_REFS(REF) REF(link, next, link) REF(link, beyond, link)
ENGINE_TYPE(link, LINK_REFS)

static void *live; /* the struct array of chains */

static uint64_t chain_length(uint64_t megabytes)
{
    return (megabytes << 20) / LINK_BYTES / CHAINS;
}

void live_build(engine_thread *t, uint64_t megabytes)
{
    ENGINE_REGISTER(link);
    ENGINE_ROOT_ADD(t, live);
    ENGINE_FRAME(t, local, struct array * chains; struct link * head; struct link * link;);
    local.chains = ENGINE_NEW_ARRAY(t, CHAINS);
    ENGINE_ROOT_SET(t, live, local.chains);
    for (size_t chain = 0; chain < CHAINS; chain++) {
        local.head = NULL;
        for (uint64_t i = 0; i < chain_length(megabytes); i++) {
            local.link = ENGINE_NEW(t, link);
            local.link->value = i + chain;
            if (local.head != NULL)
                ENGINE_INIT(t, local.link, beyond, ENGINE_SHARE(t, ENGINE_GET(t, local.head, next)));
            ENGINE_INIT(t, local.link, next, local.head);
            local.head = local.link;
        }
        ENGINE_SET(t, link, local.chains, slots[chain], local.head);
    }
    ENGINE_KEEP(local.chains);
    ENGINE_FRAME_END(t, local);
}

uint64_t live_check(engine_thread *t, uint64_t megabytes)
{
    struct array *chains = ENGINE_ROOT_GET(t, live);
    uint64_t sum = 0;
    for (size_t chain = 0; chain < CHAINS; chain++) {
        uint64_t length = 0;
        struct link *link = ENGINE_ARRAY_GET(t, link, chains, chain);
        for (; link != NULL; link = ENGINE_GET(t, link, next)) {
            struct link *beyond = ENGINE_GET(t, link, beyond);
            sum = sum * 31 + link->value + (beyond == NULL ? 0 : beyond->value);
            length++;
        }
        if (length != chain_length(megabytes))
            bench_fatal("the live heap has lost objects: chain %zu has %llu of %llu", chain, (unsigned long long)length,
                        (unsigned long long)chain_length(megabytes));
    }
    return sum;
}
