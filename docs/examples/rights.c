/* Rights to objects as an interpreter and its compiler use them: asking at each access; a guard, asked once, and actions as long as nothing
 * was taken; and an object that refers to itself, where an action would invalidate its own guard. Two threads work on the same
 * counters and records; nothing is lost, whichever way the code was written. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <eddy/eddy.h>

#define TURNS 200000

struct record {
    eddy_right right;
    uint32_t shape; /* how `value` is to be understood; code is compiled for one shape */
    long value;
    struct record *peer; /* perhaps itself */
};

enum { SHAPE_NUMBER = 1, SHAPE_TEXT = 2 };

static eddy_heap *heap;
static void *counter_slot, *record_slot;
static int failures; /* atomic */

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "rights: %s\n", what);
    EDDY_ADD_SEQ_CST(&failures, 1);
}

/* ---- a loop, written in two ways ---- */

/* As an interpreter has it: every access asks. */
static void count_with_checks(eddy_thread *t, struct record *counter)
{
    for (int i = 0; i < TURNS; i++) {
        eddy_own_write(t, counter);
        EDDY_WRITABLE(t, counter)->value++;
        eddy_safepoint(t);
    }
}

/* As a compiler has it: the guard asks, and notes the token; the actions ask nothing, and after each safepoint one compare says
 * whether the guard still holds. Returns how often the guard had to be asked. */
static unsigned count_with_guard(eddy_thread *t, struct record *counter)
{
    unsigned guards = 0;
    for (int i = 0; i < TURNS;) {
        eddy_own_write(t, counter);
        uint64_t token = eddy_rights_token(t);
        guards++;
        do {
            EDDY_WRITABLE(t, counter)->value++;
            eddy_safepoint(t);
        } while (++i < TURNS && eddy_rights_hold(t, token));
    }
    return guards;
}

/* ---- guards on a shape ---- */

/* For records that are numbers: moves what the record has to its peer, and makes the peer a text. The guard says that `r` is a number; the
 * action on the peer needs a right of its own. Taken after the guard, that right would be a safepoint between guard and
 * action: another thread may change the shape there. And when the record is its own peer, the action itself changes what the guard
 * was about, without anybody else. So: all rights first, in one step; then the guard; and what an
 * action may have changed through another name is looked at again, or the names are compared. */
static long move_to_peer(eddy_thread *t, struct record *r)
{
    long moved = 0;
    for (;;) {
        eddy_own_read(t, r);
        struct record *peer = EDDY_GET(t, r, peer);
        eddy_own_request both[] = {{r, true}, {peer, true}}; /* the same one twice: one right */
        eddy_own_all(t, both, 2);
        if (EDDY_GET(t, r, peer) == peer) /* the way to it was read before */
            break;
    }
    struct record *peer = EDDY_GET(t, r, peer);
    if (EDDY_WRITABLE(t, r)->shape != SHAPE_NUMBER) /* the guard */
        return 0;
    moved = r->value;
    EDDY_WRITABLE(t, peer)->shape = SHAPE_TEXT; /* the first action */
    if (r == peer)
        return -1; /* its own guard holds no more: the compiled code is left here */
    r->value = 0;
    peer->value += moved;
    return moved;
}

/* Numbers become texts by this, and texts numbers; beside it the shape changes under the others' feet. */
static void *other_main(void *unused)
{
    eddy_thread *t;
    check(eddy_thread_attach(heap, &t) == EDDY_OK, "attach");
    struct record *counter = eddy_root_load(t, &counter_slot), *r = eddy_root_load(t, &record_slot);
    count_with_checks(t, counter);
    for (int i = 0; i < TURNS / 100; i++) {
        eddy_own_write(t, r);
        EDDY_WRITABLE(t, r)->shape = i % 2 == 0 ? SHAPE_TEXT : SHAPE_NUMBER;
        eddy_safepoint(t);
    }
    check(eddy_thread_detach(t) == EDDY_OK, "detach");
    return unused;
}

static struct record *make(eddy_thread *t, const eddy_type *type)
{
    struct record *r = eddy_alloc(t, type);
    if (r == NULL)
        exit(1);
    eddy_own_write(t, r); /* nobody else can reach it: costs a store */
    r->shape = SHAPE_NUMBER;
    return r;
}

int main(void)
{
    const size_t references[] = {offsetof(struct record, peer)};
    const eddy_type_desc layout = {.name = "record",
                                   .size = sizeof(struct record),
                                   .ref_offsets = references,
                                   .ref_count = 1,
                                   .flags = EDDY_TYPE_ARBITRATED};
    const eddy_type *type;
    eddy_thread *t;
    pthread_t other;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t) || eddy_type_register(heap, &layout, &type)
        || eddy_root_add(t, &counter_slot) || eddy_root_add(t, &record_slot))
        return 1;
    struct record *counter = make(t, type), *pair = make(t, type), *alone = make(t, type), *peer = make(t, type);
    eddy_own_write(t, counter);
    EDDY_SET(t, counter, peer, peer);
    eddy_root_store(t, &counter_slot, counter);
    eddy_own_write(t, pair);
    EDDY_SET(t, pair, peer, peer);
    eddy_root_store(t, &record_slot, pair);
    eddy_own_write(t, alone);
    EDDY_SET(t, alone, peer, alone);

    check(move_to_peer(t, alone) == -1, "the record that refers to itself was changed under its own guard");
    if (pthread_create(&other, NULL, other_main, NULL) != 0)
        return 1;
    unsigned guards = count_with_guard(t, counter);
    long sum = 0;
    for (int i = 0; i < TURNS / 100; i++) {
        eddy_own_write(t, pair);
        if (EDDY_WRITABLE(t, pair)->shape == SHAPE_NUMBER)
            pair->value = i;
        long moved = move_to_peer(t, pair);
        check(moved >= 0, "two records took each other for one");
        sum += moved;
        eddy_safepoint(t);
    }
    eddy_native_enter(t);
    pthread_join(other, NULL);
    eddy_native_leave(t);
    eddy_own_request all[] = {{counter, false}, {peer, false}};
    eddy_own_all(t, all, 2);
    check(EDDY_READABLE(t, counter)->value == 2L * TURNS, "counts were lost");
    check(EDDY_READABLE(t, peer)->value == sum, "what was moved has not arrived");
    check(eddy_root_remove(t, &counter_slot) == EDDY_OK && eddy_root_remove(t, &record_slot) == EDDY_OK, "roots");
    check(eddy_thread_detach(t) == EDDY_OK && eddy_heap_destroy(heap) == EDDY_OK, "end");
    printf("rights: %d increments under %u guards, %ld moved\n", TURNS, guards, sum);
    return failures != 0;
}
