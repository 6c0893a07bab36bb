/* The distance between epochs, in bytes allocated (and, in proportion, in bytes logged).
 *
 * What dies before the next epoch costs nothing, so a longer distance may save work; but it also costs memory and
 * cache, several times over, because the allocation of up to three epochs is in flight. Whether it saves work
 * shows in the survival rate: the share of what was allocated that became counted. So the distance climbs
 * as long as a doubling lowers survival, and sinks as long as a halving does not raise it; what is known of a
 * distance is forgotten after a while, and then tried again. Collector only. */
#include "collector/state.h"
#include "runtime/heap/soft_limit.h"

#define TRIAL_EPOCHS 4u        /* at one distance, before the next decision */
#define MEMORY_EPOCHS 96u      /* after so many epochs a survival rate counts as unknown */
#define NEGLIGIBLE_PERMILLE 30 /* survival below which the shortest distance is the best */
#define BETTER_PERCENT 85      /* a doubling must lower survival to so much of what it was */
#define WORSE_PERCENT 110      /* a halving may raise it to so much */
#define EPOCH_LEAST ((size_t)256 << 10)
#define EPOCHS_IN_FLIGHT 5u
#define LOG_LEAST ((size_t)64 << 10)

static bool known(const struct collector *c, unsigned power)
{
    const struct survival *s = &c->survival[power];
    return s->epochs != 0 && c->epoch - s->seen < MEMORY_EPOCHS;
}

static void note_survival(struct collector *c, unsigned power, unsigned permille)
{
    struct survival *s = &c->survival[power];
    if (!known(c, power))
        *s = (struct survival){.permille = permille};
    s->permille = (3 * s->permille + permille) / 4;
    s->epochs++;
    s->seen = c->epoch;
}

/* The next distance to use, as a power of two. */
static unsigned climb(const struct collector *c, unsigned power, unsigned least, unsigned most)
{
    unsigned now = c->survival[power].permille;
    if (power > least
        && (now < NEGLIGIBLE_PERMILLE || !known(c, power - 1)
            || c->survival[power - 1].permille * 100 <= now * WORSE_PERCENT))
        return power - 1;
    if (power < most && now >= NEGLIGIBLE_PERMILLE
        && (!known(c, power + 1) || c->survival[power + 1].permille * 100 < now * BETTER_PERCENT))
        return power + 1;
    return power;
}

static unsigned power_of(uint64_t bytes)
{
    return 63 - (unsigned)__builtin_clzll(bytes | 1);
}

/* The longest distance that memory allows: half of what is live, or what the configuration starts with; and below a
 * limit, several epochs' allocation must fit beside what is live; so they should below a soft one. */
static uint64_t longest(const struct collector *c)
{
    const eddy_heap *heap = c->heap;
    const eddy_config *config = &heap->config;
    uint64_t most = c->counted_bytes / 2;
    if (most < config->epoch_bytes)
        most = config->epoch_bytes;
    if (most > config->epoch_bytes_max)
        most = config->epoch_bytes_max;
    uint64_t room = eddy__room(heap);
    if (room != UINT64_MAX) {
        room = (room + EDDY_LOAD_RELAXED(&heap->unswept)) / EPOCHS_IN_FLIGHT;
        if (most > room)
            most = room;
    }
    uint64_t soft = heap_soft_room(heap);
    if (soft != UINT64_MAX) {
        soft = (soft + EDDY_LOAD_RELAXED(&heap->unswept)) / EPOCHS_IN_FLIGHT;
        if (soft < config->epoch_bytes_min) /* so that the work stays in proportion however long it lasts */
            soft = config->epoch_bytes_min;
        if (most > soft)
            most = soft;
    }
    return most < EPOCH_LEAST ? EPOCH_LEAST : most;
}

void eddy__adapt_distance(struct collector *c)
{
    eddy_heap *heap = c->heap;
    uint64_t most = longest(c), least = heap->config.epoch_bytes_min;
    uint64_t distance = heap->epoch_bytes;
    if (c->allocated != 0 && c->allocated >= distance / 4) {
        note_survival(c, power_of(distance), (unsigned)(c->promoted_bytes * 1000 / c->allocated));
        if (++c->trial >= TRIAL_EPOCHS) {
            c->trial = 0;
            distance = UINT64_C(1) << climb(c, power_of(distance), power_of(least), power_of(most));
        }
    }
    if (distance < least)
        distance = least;
    if (distance > most)
        distance = most;
    EDDY_STORE_RELAXED(&heap->epoch_bytes, distance);
    size_t logs = distance / 2 < LOG_LEAST ? LOG_LEAST : distance / 2;
    if (logs > heap->config.log_bytes_epoch)
        logs = heap->config.log_bytes_epoch;
    EDDY_STORE_RELAXED(&heap->log_bytes, logs);
}
