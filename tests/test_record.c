/* Recordings: what is in them, that nothing is lost unseen, and how they are switched on and off. */
#include "support.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a recording in memory ---- */

struct tape {
    char *bytes;
    size_t count, room;
    uint32_t held; /* not 0: the writer waits in the callback */
    uint32_t reached;
    bool refuse;
};

static bool tape_write(void *context, const void *bytes, size_t count)
{
    struct tape *tape = context;
    EDDY_STORE_RELEASE(&tape->reached, 1);
    while (EDDY_LOAD_ACQUIRE(&tape->held) != 0)
        support_nap();
    if (tape->refuse)
        return false;
    if (tape->count + count > tape->room) {
        tape->room = 2 * (tape->count + count);
        tape->bytes = realloc(tape->bytes, tape->room);
    }
    memcpy(tape->bytes + tape->count, bytes, count);
    tape->count += count;
    return true;
}

static void tape_start(struct tape *tape, eddy_heap *heap, unsigned ring_events)
{
    const eddy_record_options options = {.write = tape_write, .context = tape, .ring_events = ring_events};
    assert_int_equal(eddy_record_start(heap, &options), EDDY_OK);
    assert_true(eddy_record_active(heap));
}

/* Stops, and checks the frame of what has been written. */
static eddy_record_summary tape_stop(struct tape *tape, eddy_heap *heap)
{
    eddy_record_summary summary;
    assert_int_equal(eddy_record_stop(heap, &summary), EDDY_OK);
    assert_false(eddy_record_active(heap));
    assert_int_equal(summary.bytes, tape->count);
    eddy_record_header header;
    assert_true(tape->count >= sizeof header + sizeof(eddy_record));
    memcpy(&header, tape->bytes, sizeof header);
    assert_memory_equal(header.magic, EDDY_RECORD_MAGIC, 8);
    assert_int_equal(header.version, EDDY_RECORD_VERSION);
    assert_int_equal(header.header_bytes, sizeof header);
    assert_int_equal(header.pid, getpid());
    return summary;
}

/* The next record, or NULL. */
static const eddy_record *tape_next(const struct tape *tape, size_t *at)
{
    if (*at == 0)
        *at = sizeof(eddy_record_header);
    if (*at == tape->count)
        return NULL;
    const eddy_record *record = (const void *)(tape->bytes + *at);
    assert_true(record->slots != 0 && *at + record->slots * EDDY_RECORD_SLOT <= tape->count);
    *at += record->slots * EDDY_RECORD_SLOT;
    return record;
}

static uint64_t tape_count(const struct tape *tape, unsigned type, unsigned kind)
{
    uint64_t found = 0;
    size_t at = 0;
    for (const eddy_record *r; (r = tape_next(tape, &at)) != NULL;)
        found += r->type == type && r->kind == kind;
    return found;
}

/* ---- what is in it ---- */

static void make_garbage(const struct world *w, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++)
        assert_non_null(eddy_alloc_bytes(w->t, 4000));
}

static void test_epochs(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct tape tape = {0};
    ROOTS_PUSH(w.t, 1);
    tape_start(&tape, w.heap, 0);
    eddy_stats before = world_stats(&w);
    roots[0] = node_new(&w);
    eddy_retain(w.t, roots[0]);
    world_step(&w, 3);
    make_garbage(&w, 20);
    world_step(&w, 1);
    ROOTS_POP(w.t);
    eddy_stats after = world_stats(&w);
    uint64_t now = eddy_record_now();
    eddy_record_summary summary = tape_stop(&tape, w.heap);

    uint64_t records = 0, epochs = 0, phases = 0, last_end = 0, incs = 0;
    const eddy_record *last = NULL;
    size_t at = 0;
    for (const eddy_record *r; (r = tape_next(&tape, &at)) != NULL; records++, last = r) {
        assert_true(r->begin_ns + (r->type == EDDY_RECORD_END ? 0 : r->length_ns) <= now || r->type == EDDY_RECORD_END);
        if (r->type == EDDY_RECORD_PHASE) {
            assert_int_equal(r->kind, phases++ % EDDY_RECORD_PHASES);
            assert_true(r->begin_ns >= last_end);
            last_end = r->begin_ns + r->length_ns;
            if (r->kind == EDDY_RECORD_INCS)
                incs += r->extra;
        } else if (r->type == EDDY_RECORD_EPOCH) {
            const eddy_record_epoch *epoch = (const void *)r;
            epochs++;
            assert_int_equal(phases, epochs * EDDY_RECORD_PHASES);
            assert_int_equal(r->begin_ns + r->length_ns, last_end);
            assert_int_equal(epoch->incs, before.incs + incs);
        }
    }
    assert_int_equal(epochs, after.epochs - before.epochs);
    assert_true(epochs >= 4);
    assert_true(incs >= 1);
    assert_int_equal(last->type, EDDY_RECORD_END);
    assert_int_equal(last->length_ns, records);
    assert_int_equal(records, summary.records);
    assert_int_equal(summary.dropped, 0);
    eddy_release(w.t, roots[0]);
    world_close(&w);
    free(tape.bytes);
}

/* The stalls that lie in no other are those that the statistics count; handshakes contain a scan. */
static void test_stalls(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct tape tape = {0};
    eddy_stall_summary before[2], after[2];
    for (int kind = 0; kind < 2; kind++)
        assert_int_equal(eddy_stall_stats(w.heap, w.t, (eddy_stall_kind)kind, &before[kind]), EDDY_OK);
    tape_start(&tape, w.heap, 0);
    make_garbage(&w, 100);
    assert_non_null(eddy_alloc_bytes(w.t, 100000));
    eddy_native_enter(w.t);
    eddy_native_leave(w.t);
    world_step(&w, 2);
    for (unsigned i = 0; i < 3; i++) {
        eddy_collect_hint(w.heap);
        make_garbage(&w, 20);
    }
    for (int kind = 0; kind < 2; kind++)
        assert_int_equal(eddy_stall_stats(w.heap, w.t, (eddy_stall_kind)kind, &after[kind]), EDDY_OK);
    tape_stop(&tape, w.heap);

    uint64_t outer[EDDY_RECORD_STALLS] = {0}, inner[EDDY_RECORD_STALLS] = {0};
    const eddy_record *records[1000];
    size_t count = 0, at = 0;
    for (const eddy_record *r; (r = tape_next(&tape, &at)) != NULL;)
        if (r->type == EDDY_RECORD_STALL && count < 1000)
            records[count++] = r;
    uint64_t cover = UINT64_MAX; /* where the outer stall that was seen last begins, from the end backwards */
    for (size_t i = count; i-- > 0;) {
        bool inside = records[i]->begin_ns >= cover;
        (inside ? inner : outer)[records[i]->kind]++;
        if (!inside)
            cover = records[i]->begin_ns;
    }
    assert_int_equal(outer[EDDY_RECORD_HANDSHAKE] + outer[EDDY_RECORD_NATIVE], after[0].count - before[0].count);
    assert_int_equal(outer[EDDY_RECORD_ALLOC] + outer[EDDY_RECORD_LARGE] + outer[EDDY_RECORD_LOG],
                     after[1].count - before[1].count);
    assert_int_equal(outer[EDDY_RECORD_LARGE], 1);
    assert_int_equal(outer[EDDY_RECORD_NATIVE], 2);
    assert_true(outer[EDDY_RECORD_ALLOC] >= 10);
    assert_true(inner[EDDY_RECORD_STACK_SCAN] >= 1);
    world_close(&w);
    free(tape.bytes);
}

static void test_waits(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.heap_limit = 2 * MIB;
    struct world w = world_open_with(&config);
    struct tape tape = {0};
    ROOTS_PUSH(w.t, 1);
    tape_start(&tape, w.heap, 0);
    while (true) { /* until memory runs out */
        struct node *n = eddy_alloc(w.t, w.node);
        if (n == NULL)
            break;
        EDDY_SET(w.t, n, left, roots[0]);
        roots[0] = n;
    }
    ROOTS_POP(w.t);
    tape_stop(&tape, w.heap);
    assert_true(tape_count(&tape, EDDY_RECORD_STALL, EDDY_RECORD_WAIT_MEMORY) >= 1);
    world_close(&w);
    free(tape.bytes);
}

/* ---- threads, and what is lost ---- */

#define EMITTERS 4
#define EVENTS SUPPORT_SCALE(40000u, 5000u)

struct emitter {
    pthread_t id;
    eddy_heap *heap;
    uint32_t number;
};

static void *emit(void *argument)
{
    struct emitter *e = argument;
    eddy_thread *t;
    CHECK(eddy_thread_attach(e->heap, &t) == EDDY_OK);
    for (unsigned i = 0; i < EVENTS; i++) {
        eddy_record_event(t, 128 + e->number, i, 1, i);
        if (i % 64 == 0)
            CHECK(eddy_alloc_bytes(t, 4000) != NULL);
    }
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

/* What each thread recorded arrives in order, and what does not is counted; with a ring that is far too small. */
static void test_order_and_loss(void **state)
{
    (void)state;
    struct world w = world_open(0);
    struct tape tape = {0};
    tape_start(&tape, w.heap, 64);
    struct emitter emitters[EMITTERS];
    for (uint32_t i = 0; i < EMITTERS; i++) {
        emitters[i] = (struct emitter){.heap = w.heap, .number = i};
        assert_int_equal(pthread_create(&emitters[i].id, NULL, emit, &emitters[i]), 0);
    }
    for (int i = 0; i < EMITTERS; i++)
        pthread_join(emitters[i].id, NULL);
    eddy_record_summary summary = tape_stop(&tape, w.heap);
    assert_checks_passed();

    uint64_t seen[EMITTERS] = {0}, next[EMITTERS] = {0}, missing = 0, dropped = 0;
    size_t at = 0;
    for (const eddy_record *r; (r = tape_next(&tape, &at)) != NULL;) {
        if (r->type == EDDY_RECORD_DROPPED)
            dropped += r->extra;
        if (r->type != EDDY_RECORD_EVENT)
            continue;
        unsigned number = r->kind - 128u;
        assert_true(number < EMITTERS);
        assert_true(r->begin_ns >= next[number] && r->begin_ns == r->extra);
        next[number] = r->begin_ns + 1;
        seen[number]++;
    }
    for (int i = 0; i < EMITTERS; i++)
        missing += EVENTS - seen[i];
    assert_int_equal(dropped, summary.dropped);
    assert_true(missing <= dropped); /* stalls were lost, too */
    world_close(&w);
    free(tape.bytes);
}

/* While nobody empties the ring, it holds what it has room for; the rest is counted, nobody waits. */
static void test_full_ring(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct tape tape = {.held = 1};
    tape_start(&tape, w.heap, 64);
    WAIT_UNTIL(EDDY_LOAD_ACQUIRE(&tape.reached) != 0);
    for (unsigned i = 0; i < 100; i++)
        eddy_record_event(w.t, 200, i, 0, 0);
    EDDY_STORE_RELEASE(&tape.held, 0);
    eddy_record_summary summary = tape_stop(&tape, w.heap);
    assert_int_equal(tape_count(&tape, EDDY_RECORD_EVENT, 200), 64);
    assert_int_equal(summary.dropped, 36);
    free(tape.bytes);
    tape = (struct tape){0}; /* the next one begins with an empty ring, and counts its own losses only */
    tape_start(&tape, w.heap, 64);
    eddy_record_event(w.t, 200, 0, 0, 0);
    summary = tape_stop(&tape, w.heap);
    assert_int_equal(tape_count(&tape, EDDY_RECORD_EVENT, 200), 1);
    assert_int_equal(tape_count(&tape, EDDY_RECORD_THREAD, 1), 1);
    assert_int_equal(summary.dropped, 0);
    world_close(&w);
    free(tape.bytes);
}

static void *start_and_stop(void *argument)
{
    eddy_heap *heap = argument;
    for (unsigned i = 0; i < SUPPORT_SCALE(100, 20); i++) {
        struct tape tape = {0};
        const eddy_record_options options = {.write = tape_write, .context = &tape, .ring_events = 256};
        CHECK(eddy_record_start(heap, &options) == EDDY_OK);
        CHECK(eddy_record_stop(heap, NULL) == EDDY_OK);
        size_t at = 0;
        uint64_t records = 0;
        const eddy_record *last = NULL;
        for (const eddy_record *r; (r = tape_next(&tape, &at)) != NULL; last = r)
            records++;
        CHECK(last != NULL && last->type == EDDY_RECORD_END && last->length_ns == records);
        free(tape.bytes);
    }
    return NULL;
}

/* Switched on and off while threads come, record and go. */
static void test_switching(void **state)
{
    (void)state;
    struct world w = world_open(0);
    pthread_t switcher;
    assert_int_equal(pthread_create(&switcher, NULL, start_and_stop, w.heap), 0);
    for (int round = 0; round < 3; round++) {
        struct emitter emitters[2];
        for (uint32_t i = 0; i < 2; i++) {
            emitters[i] = (struct emitter){.heap = w.heap, .number = i};
            assert_int_equal(pthread_create(&emitters[i].id, NULL, emit, &emitters[i]), 0);
        }
        for (int i = 0; i < 2; i++)
            pthread_join(emitters[i].id, NULL);
    }
    eddy_native_enter(w.t);
    pthread_join(switcher, NULL);
    eddy_native_leave(w.t);
    assert_checks_passed();
    world_close(&w);
}

static void test_threads_named(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct tape tape = {0};
    tape_start(&tape, w.heap, 1u << 17);
    struct emitter emitter = {.heap = w.heap};
    eddy_native_enter(w.t);
    assert_int_equal(pthread_create(&emitter.id, NULL, emit, &emitter), 0);
    pthread_join(emitter.id, NULL);
    eddy_native_leave(w.t);
    tape_stop(&tape, w.heap);
    assert_int_equal(tape_count(&tape, EDDY_RECORD_THREAD, 1), 2);
    assert_int_equal(tape_count(&tape, EDDY_RECORD_THREAD, 0), 1);
    world_close(&w);
    free(tape.bytes);
}

/* ---- switching it on, and what may go wrong ---- */

static char scratch[64];

static int make_scratch(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/test_record.XXXXXX");
    return mkdtemp(scratch) == NULL ? -1 : 0;
}

static int drop_scratch(void **state)
{
    (void)state;
    char command[128];
    unsetenv("EDDY_RECORD");
    unsetenv("XDG_RUNTIME_DIR");
    snprintf(command, sizeof command, "rm -rf %s", scratch);
    return system(command);
}

static char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

/* Reads a file as a tape. */
static struct tape read_tape(const char *path)
{
    struct tape tape = {0};
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) != 0;)
        tape_write(&tape, bytes, got);
    fclose(file);
    return tape;
}

static void test_bad_options(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    struct tape tape = {0};
    assert_false(eddy_record_active(w.heap));
    assert_int_equal(eddy_record_stop(w.heap, NULL), EDDY_EINVAL);
    assert_int_equal(eddy_record_start(w.heap, NULL), EDDY_EINVAL);
    const eddy_record_options nowhere = {0}, twice = {.path = path_of("x"), .write = tape_write};
    const eddy_record_options small = {.write = tape_write, .context = &tape, .ring_events = 63};
    const eddy_record_options large = {.write = tape_write, .context = &tape, .ring_events = (1u << 20) + 1};
    assert_int_equal(eddy_record_start(w.heap, &nowhere), EDDY_EINVAL);
    assert_int_equal(eddy_record_start(w.heap, &twice), EDDY_EINVAL);
    assert_int_equal(eddy_record_start(w.heap, &small), EDDY_EINVAL);
    assert_int_equal(eddy_record_start(w.heap, &large), EDDY_EINVAL);
    const eddy_record_options missing = {.path = path_of("no/such/file")};
    assert_int_equal(eddy_record_start(w.heap, &missing), EDDY_ESYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_false(eddy_record_active(w.heap));
    tape_start(&tape, w.heap, 0);
    const eddy_record_options again = {.write = tape_write, .context = &tape};
    assert_int_equal(eddy_record_start(w.heap, &again), EDDY_EBUSY);
    tape_stop(&tape, w.heap);
    assert_int_equal(eddy_record_stop(w.heap, NULL), EDDY_EINVAL);
    eddy_record_event(w.t, 1, 0, 0, 0);
    world_close(&w);
    free(tape.bytes);
}

static void test_failing_writes(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    const eddy_record_options full = {.path = "/dev/full"};
    assert_int_equal(eddy_record_start(w.heap, &full), EDDY_OK);
    WAIT_UNTIL(!eddy_record_active(w.heap)); /* ends by itself */
    assert_int_equal(eddy_record_stop(w.heap, NULL), EDDY_ESYSTEM);
    assert_int_equal(errno, ENOSPC);
    struct tape tape = {.refuse = true};
    const eddy_record_options refused = {.write = tape_write, .context = &tape};
    assert_int_equal(eddy_record_start(w.heap, &refused), EDDY_OK);
    WAIT_UNTIL(!eddy_record_active(w.heap));
    tape.refuse = false; /* and another may begin without a stop */
    tape_start(&tape, w.heap, 0);
    tape_stop(&tape, w.heap);
    world_close(&w);
    free(tape.bytes);
}

static void test_time_limit(void **state)
{
    (void)state;
    struct world w = world_open(EDDY_HEAP_MANUAL);
    const eddy_record_options options = {.path = path_of("limit.%p"), .milliseconds = 1};
    assert_int_equal(eddy_record_start(w.heap, &options), EDDY_OK);
    WAIT_UNTIL(!eddy_record_active(w.heap));
    assert_int_equal(eddy_record_stop(w.heap, NULL), EDDY_OK);
    char name[64];
    snprintf(name, sizeof name, "limit.%ld", (long)getpid());
    struct tape tape = read_tape(path_of(name));
    assert_int_equal(tape_count(&tape, EDDY_RECORD_END, 0), 1);
    free(tape.bytes);
    world_close(&w);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("EDDY_RECORD", path_of("env"), 1);
    struct world first = world_open(EDDY_HEAP_MANUAL), second = world_open(EDDY_HEAP_MANUAL);
    assert_true(eddy_record_active(first.heap) && eddy_record_active(second.heap));
    world_step(&second, 2);
    world_close(&first);
    world_close(&second);
    struct tape one = read_tape(path_of("env")), two = read_tape(path_of("env.2"));
    assert_int_equal(tape_count(&one, EDDY_RECORD_EPOCH, 0), 0);
    assert_int_equal(tape_count(&two, EDDY_RECORD_EPOCH, 0), 2);
    assert_int_equal(tape_count(&one, EDDY_RECORD_END, 0), 1);
    free(one.bytes);
    free(two.bytes);
    setenv("EDDY_RECORD", path_of("no/such/file"), 1); /* says so on standard error, and goes on */
    struct world third = world_open(EDDY_HEAP_MANUAL);
    assert_false(eddy_record_active(third.heap));
    world_close(&third);
}

static void ask(const char *place, const char *text)
{
    char path[300], made[300];
    snprintf(made, sizeof made, "%s.new", place);
    snprintf(path, sizeof path, "%s.ask", place);
    FILE *file = fopen(made, "w");
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(made, path), 0);
}

/* One epoch at a time until there is an answer. */
static void await_answer(const struct world *w, const char *place, char *answer, int room)
{
    char path[300];
    snprintf(path, sizeof path, "%s.answer", place);
    answer[0] = 0;
    WAIT_UNTIL((world_step(w, 1), access(path, F_OK) == 0));
    WAIT_UNTIL(answer[0] != 0 || ({
                   FILE *file = fopen(path, "r");
                   bool got = file != NULL && fgets(answer, room, file) != NULL;
                   if (file != NULL)
                       fclose(file);
                   got;
               }));
    unlink(path);
}

static void test_attach(void **state)
{
    (void)state;
    setenv("XDG_RUNTIME_DIR", scratch, 1);
    struct world w = world_open(EDDY_HEAP_MANUAL);
    char name[64], place[256], text[1024], answer[256];
    snprintf(name, sizeof name, "eddy/%ld-1", (long)getpid());
    snprintf(place, sizeof place, "%s", path_of(name));
    assert_int_not_equal(access(place, F_OK), 0); /* off by default */
    assert_int_equal(eddy_record_allow_attach(w.heap, true), EDDY_OK);
    assert_int_equal(access(place, F_OK), 0);

    ask(place, "nonsense");
    await_answer(&w, place, answer, sizeof answer);
    assert_string_not_equal(answer, "ok\n");
    assert_false(eddy_record_active(w.heap));

    snprintf(text, sizeof text, "60000\n%s\n", path_of("attached"));
    ask(place, text);
    await_answer(&w, place, answer, sizeof answer);
    assert_string_equal(answer, "ok\n");
    assert_true(eddy_record_active(w.heap));
    world_step(&w, 2);
    char stop[300];
    snprintf(stop, sizeof stop, "%s.stop", place);
    fclose(fopen(stop, "w"));
    WAIT_UNTIL(!eddy_record_active(w.heap));
    assert_int_equal(eddy_record_stop(w.heap, NULL), EDDY_OK);
    struct tape tape = read_tape(path_of("attached"));
    assert_true(tape_count(&tape, EDDY_RECORD_EPOCH, 0) >= 2);
    assert_int_equal(tape_count(&tape, EDDY_RECORD_END, 0), 1);
    free(tape.bytes);

    ask(place, text); /* the file is there: not overwritten */
    await_answer(&w, place, answer, sizeof answer);
    assert_string_equal(answer, "File exists\n");
    assert_int_equal(eddy_record_allow_attach(w.heap, false), EDDY_OK);
    assert_int_not_equal(access(place, F_OK), 0);
    assert_int_equal(eddy_record_allow_attach(w.heap, true), EDDY_OK);
    world_close(&w);
    assert_int_not_equal(access(place, F_OK), 0);
}

/* A directory that others may write to is not used. */
static void test_attach_unsafe(void **state)
{
    (void)state;
    setenv("XDG_RUNTIME_DIR", scratch, 1);
    assert_int_equal(mkdir(path_of("eddy"), 0700), 0);
    assert_int_equal(chmod(path_of("eddy"), 0777), 0);
    struct world w = world_open(EDDY_HEAP_MANUAL);
    assert_int_equal(eddy_record_allow_attach(w.heap, true), EDDY_ESYSTEM);
    assert_int_equal(errno, EPERM);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_stalls),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_order_and_loss),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_switching),
        cmocka_unit_test(test_threads_named),
        cmocka_unit_test_setup_teardown(test_bad_options, make_scratch, drop_scratch),
        cmocka_unit_test(test_failing_writes),
        cmocka_unit_test_setup_teardown(test_time_limit, make_scratch, drop_scratch),
        cmocka_unit_test_setup_teardown(test_environment, make_scratch, drop_scratch),
        cmocka_unit_test_setup_teardown(test_attach, make_scratch, drop_scratch),
        cmocka_unit_test_setup_teardown(test_attach_unsafe, make_scratch, drop_scratch),
    };
    return RUN_TESTS("record", tests);
}
