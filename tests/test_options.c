/* Options as text and from the environment: every name sets its field, errors name what is wrong and change nothing; the lines of
 * log=stderr say what they are documented to say; verify=epoch finds a damaged count, and only that. */
#include "tests/support.h"

#include <unistd.h>

#include "runtime/runtime.h"

/* ---- parsing ---- */

static eddy_config parsed(const char *text)
{
    eddy_config config;
    char error[EDDY_CONFIG_ERROR_BYTES];
    eddy_config_init(&config);
    if (eddy_config_parse(&config, text, error, sizeof error) != EDDY_OK)
        fail_msg("%s: %s", text, error);
    assert_string_equal(error, "");
    return config;
}

static void test_every_option(void **state)
{
    (void)state;
    assert_int_equal(parsed("heap_limit=1g").heap_limit, 1024 * MIB);
    assert_int_equal(parsed("soft_limit=512m").soft_limit, 512 * MIB);
    assert_int_equal(parsed("reserve=2T").reserve_bytes, (size_t)2 << 40);
    assert_int_equal(parsed("epoch=8m").epoch_bytes, 8 * MIB);
    assert_int_equal(parsed("epoch_min=64k").epoch_bytes_min, 64 << 10);
    assert_int_equal(parsed("epoch_max=1000000").epoch_bytes_max, 1000000);
    assert_int_equal(parsed("log_epoch=3K").log_bytes_epoch, 3072);
    assert_int_equal(parsed("log_limit=0").log_limit, 0);
    assert_int_equal(parsed("log_chunk=17").log_chunk_entries, 17);
    assert_int_equal(parsed("idle_ms=250").idle_ms, 250);
    assert_int_equal(parsed("late_ms=5").late_thread_ms, 5);
    assert_int_equal(parsed("cycle_growth=70").cycle_growth_percent, 70);
    assert_int_equal(parsed("nice=19").collector_nice, 19);
    assert_int_equal(parsed("log=stderr").flags, EDDY_HEAP_LOG_EPOCHS);
    assert_int_equal(parsed("verify=epoch").flags, EDDY_HEAP_VERIFY_EPOCHS);
    assert_int_equal(parsed("interior=on").flags, EDDY_HEAP_INTERIOR_POINTERS);
    assert_int_equal(parsed("roots=precise").flags, EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(parsed("manual=on").flags, EDDY_HEAP_MANUAL);
    assert_int_equal(parsed("log=stderr,verify=epoch,log=none").flags, EDDY_HEAP_VERIFY_EPOCHS);
    assert_int_equal(parsed("interior=on,manual=on,roots=precise,manual=off").flags,
                     EDDY_HEAP_INTERIOR_POINTERS | EDDY_HEAP_PRECISE_ROOTS);
}

static void test_lists(void **state)
{
    (void)state;
    eddy_config config = parsed(" heap_limit=1g , epoch=8m,,verify=epoch, ");
    assert_int_equal(config.heap_limit, 1024 * MIB);
    assert_int_equal(config.epoch_bytes, 8 * MIB);
    assert_int_equal(config.flags, EDDY_HEAP_VERIFY_EPOCHS);
    config = parsed("");
    const eddy_config zero = {0};
    assert_memory_equal(&config, &zero, sizeof zero);
    config = parsed(NULL);
    assert_memory_equal(&config, &zero, sizeof zero);
    assert_int_equal(parsed("epoch=1m,epoch=2m").epoch_bytes, 2 * MIB);
}

static void assert_refused(const char *text, const char *says)
{
    eddy_config config, before;
    char error[EDDY_CONFIG_ERROR_BYTES];
    eddy_config_init(&config);
    config.epoch_bytes = 123;
    before = config;
    assert_int_equal(eddy_config_parse(&config, text, error, sizeof error), EDDY_EINVAL);
    assert_memory_equal(&config, &before, sizeof config);
    if (strstr(error, says) == NULL)
        fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, error, says);
    static const char *const names[] = {" heap_limit=SIZE", " log=stderr|none", " nice=NUMBER", " manual=on|off"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) /* the list is complete */
        assert_non_null(strstr(error, names[i]));
    assert_int_equal(eddy_config_parse(&config, text, NULL, 0), EDDY_EINVAL);
    char small[8];
    memset(small, 'x', sizeof small);
    assert_int_equal(eddy_config_parse(&config, text, small, 5), EDDY_EINVAL);
    assert_int_equal(strlen(small), 4);
    assert_int_equal(small[5], 'x');
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const unknown[] = {"heaplimit=1g", "heap_limi=1g", "heap_limits=1g", "=1",
                                          "HEAP_LIMIT=1", "epoch=1m,x=2", "heap_limit =1"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_refused(unknown[i], "unknown option: \"");
    /* clang-format off */
    static const char *const malformed[] = {
        "heap_limit=", "heap_limit=g", "heap_limit=1gb", "heap_limit=-1", "heap_limit=1.5g", "heap_limit=0x10", "heap_limit=1 g",
        "heap_limit=18446744073709551616", "heap_limit=16777216t", "heap_limit= 1", "idle_ms=1k", "idle_ms=2147483648",
        "idle_ms=99999999999999999999", "nice=-1", "log=stdout", "log=", "verify=epochs", "verify=epoch|none", "interior=yes",
        "roots=both", "epoch=1m,epoch=x"};
    /* clang-format on */
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_refused(malformed[i], "malformed value: \"");
    assert_refused("log", "option without a value: \"log\"");
    assert_refused("epoch=1m;log=stderr", "malformed value: \"epoch=1m;log=stderr\"");
    char longer[5000];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = 0;
    assert_refused(longer, "aaa...\"");
    longer[10] = '=';
    assert_refused(longer, "unknown option: \"aaaaaaaaaa\"");
}

/* Text made of pieces of options: whatever it is, an error changes nothing, and what is accepted is accepted again. */
static void test_random_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"heap_limit", "epoch", "=",      "=",    ",", "1",    "8m",
                                         "g",          "log",   "stderr", "none", " ", "nice", "k"};
    uint64_t random = support_seed("options");
    unsigned accepted = 0;
    for (int round = 0; round < 20000; round++) {
        char text[256] = "";
        for (uint64_t n = support_random(&random) % 9; n != 0; n--)
            strcat(text, pieces[support_random(&random) % (sizeof pieces / sizeof pieces[0])]);
        eddy_config a = {.idle_ms = 7}, b = {.idle_ms = 7};
        const eddy_config before = a;
        char error[EDDY_CONFIG_ERROR_BYTES];
        if (eddy_config_parse(&a, text, error, sizeof error) == EDDY_OK) {
            accepted++;
            assert_int_equal(eddy_config_parse(&b, text, NULL, 0), EDDY_OK);
            assert_memory_equal(&a, &b, sizeof a);
        } else {
            assert_memory_equal(&a, &before, sizeof a);
            assert_true(strlen(error) > 20);
        }
    }
    assert_true(accepted > 0 && accepted < 20000);
}

/* ---- the environment ---- */

static eddy_status create(const eddy_config *config, eddy_config *filled)
{
    eddy_heap *heap = NULL;
    eddy_status status = eddy_heap_create(config, &heap);
    if (status == EDDY_OK) {
        *filled = heap->config;
        assert_int_equal(eddy_heap_destroy(heap), EDDY_OK);
    } else {
        assert_null(heap);
    }
    return status;
}

static FILE *saved_stderr; /* set while standard error is being captured */

static int capture_begin(void)
{
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    saved_stderr = tmpfile();
    assert_non_null(saved_stderr);
    dup2(fileno(saved_stderr), STDERR_FILENO);
    return saved;
}

static void capture_end(int saved, char *text, size_t room)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(saved_stderr);
    text[fread(text, 1, room - 1, saved_stderr)] = 0;
    fclose(saved_stderr);
}

static void test_environment(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS), filled;
    config.heap_limit = 32 * MIB;
    config.epoch_bytes = 5 * MIB;
    setenv("EDDY_OPTIONS", "heap_limit=64m,idle_ms=12", 1);
    assert_int_equal(create(&config, &filled), EDDY_OK);
    assert_int_equal(filled.heap_limit, 64 * MIB);
    assert_int_equal(filled.idle_ms, 12);
    assert_int_equal(filled.epoch_bytes, 5 * MIB);
    assert_int_equal(config.heap_limit, 32 * MIB);
    assert_int_equal(create(NULL, &filled), EDDY_OK);
    assert_int_equal(filled.heap_limit, 64 * MIB);

    config.flags |= EDDY_HEAP_IGNORE_ENVIRONMENT;
    assert_int_equal(create(&config, &filled), EDDY_OK);
    assert_int_equal(filled.heap_limit, 32 * MIB);
    assert_int_equal(filled.idle_ms, 100);
    config.flags &= ~(unsigned)EDDY_HEAP_IGNORE_ENVIRONMENT;

    static const char *const bad[] = {"heap_limi=64m", "heap_limit=x", "manual=on", "roots=conservative", "heap_limit=1"};
    static const char *const says[] = {"unknown option", "malformed value", "for programs only", "for programs only", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("EDDY_OPTIONS", bad[i], 1);
        char text[4096];
        int saved = capture_begin();
        eddy_status status = create(&config, &filled);
        capture_end(saved, text, sizeof text);
        assert_int_equal(status, EDDY_EINVAL);
        if (says[i][0] == 0)
            continue; /* well-formed, but out of range */
        assert_non_null(strstr(text, "eddy: EDDY_OPTIONS: "));
        assert_non_null(strstr(text, says[i]));
        assert_non_null(strstr(text, "valid options: heap_limit=SIZE"));
        assert_null(strstr(text, " manual=on|off")); /* not valid here */
    }
    unsetenv("EDDY_OPTIONS");
    assert_int_equal(create(&config, &filled), EDDY_OK);
    assert_int_equal(filled.heap_limit, 32 * MIB);
}

/* ---- log=stderr ---- */

static void test_a_line_per_epoch(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.name = "logged";
    assert_int_equal(eddy_config_parse(&config, "log=stderr", NULL, 0), EDDY_OK);
    struct world w = world_open_with(&config);
    ROOTS_PUSH(w.t, 1);
    char text[8192];
    int saved = capture_begin();
    struct node *n = roots[0] = node_new(&w);
    EDDY_SET(w.t, n, left, node_new(&w));
    world_step(&w, 2);
    EDDY_SET(w.t, n, left, NULL);
    world_step(&w, 2);
    capture_end(saved, text, sizeof text);
    unsigned long long epochs = 0, incs = 0, freed = 0;
    for (const char *line = text; *line != 0; line = strchr(line, '\n') + 1) {
        unsigned long long v[11];
        double at, wait, work, cpu;
        int end = 0;
        sscanf(line,
               "eddy logged: epoch %llu @%lfs, %lf ms wait, %lf ms work, %lf ms cpu, %lluK allocated, live "
               "%lluK->%lluK in %llu "
               "objects, %lluK committed, %llu incs, %llu decs, %llu freed, %llu cycles freed, next after %lluK%n",
               &v[0], &at, &wait, &work, &cpu, &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10],
               &end);
        assert_true(end > 0 && line[end] == '\n');
        assert_int_equal(v[0], ++epochs);
        assert_int_equal(v[4], epochs == 4 ? 1 : 2);
        assert_true(v[5] > 0);
        incs += v[6];
        freed += v[8];
        assert_true(at >= 0 && wait >= 0 && work >= 0 && cpu >= 0 && v[10] > 0);
    }
    assert_int_equal(epochs, 4);
    assert_int_equal(incs, world_stats(&w).incs);
    assert_int_equal(freed, 1);
    ROOTS_POP(w.t);
    world_close(&w);
}

struct sleeper {
    eddy_heap *heap;
    int pipe[2];
    uint32_t attached;
};

static void *sleeper_main(void *argument)
{
    struct sleeper *s = argument;
    eddy_thread *t;
    char byte;
    CHECK(eddy_thread_attach(s->heap, &t) == EDDY_OK);
    EDDY_STORE_SEQ_CST(&s->attached, 1);
    CHECK(read(s->pipe[0], &byte, 1) == 1); /* in no native region */
    CHECK(eddy_thread_detach(t) == EDDY_OK);
    return NULL;
}

static unsigned occurrences(const char *text, const char *part)
{
    unsigned count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void test_a_line_for_a_late_thread(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    config.name = "logged";
    assert_int_equal(eddy_config_parse(&config, "log=stderr,late_ms=1", NULL, 0), EDDY_OK);
    struct world w = world_open_with(&config);
    struct sleeper s = {.heap = w.heap};
    pthread_t id;
    char text[8192];
    assert_int_equal(pipe(s.pipe), 0);
    assert_int_equal(pthread_create(&id, NULL, sleeper_main, &s), 0);
    WAIT_UNTIL((eddy_safepoint(w.t), EDDY_LOAD_SEQ_CST(&s.attached) == 1));
    int saved = capture_begin();
    eddy_status status = eddy_collect(w.t, 50, NULL);
    eddy_status again = eddy_collect(w.t, 50, NULL);
    capture_end(saved, text, sizeof text);
    assert_int_equal(write(s.pipe[1], "x", 1), 1);
    pthread_join(id, NULL);
    assert_int_equal(status, EDDY_ETIMEDOUT);
    assert_int_equal(again, EDDY_ETIMEDOUT);
    assert_int_equal(occurrences(text, "eddy logged: thread 2 ("), 1); /* once per epoch, and never the caller */
    assert_int_equal(occurrences(text, "no safepoint for 1 ms; until it does, epoch"), 1);
    assert_int_equal(occurrences(text, "eddy_native_enter") + occurrences(text, "eddy_safepoint"), 1);
    close(s.pipe[0]);
    close(s.pipe[1]);
    assert_checks_passed();
    world_close(&w);
}

/* ---- verify=epoch ---- */

struct finding {
    eddy_listener listener;
    int count;
    char message[512];
};

static void on_corrupt(void *context, eddy_heap *heap, const eddy_verify_report *report)
{
    struct finding *f = context;
    (void)heap;
    snprintf(f->message, sizeof f->message, "%s", report->message);
    EDDY_ADD_SEQ_CST(&f->count, 1);
}

static void test_verification_of_epochs(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_MANUAL | EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(eddy_config_parse(&config, "verify=epoch", NULL, 0), EDDY_OK);
    struct world w = world_open_with(&config);
    struct finding f = {.listener = {.context = &f, .corrupt = on_corrupt}};
    assert_int_equal(eddy_listener_add(w.heap, &f.listener), EDDY_OK);
    ROOTS_PUSH(w.t, 1);
    struct node *n = roots[0] = node_new(&w), *child = node_new(&w);
    EDDY_SET(w.t, n, left, child);
    world_step(&w, 4);
    assert_true(world_stats(&w).epochs >= 4 * 4); /* each verification takes some */
    assert_int_equal(f.count, 0);
    struct block *b = block_of(w.heap, child);
    b->counts[cell_number(b, child)]++;
    world_step(&w, 1);
    assert_int_equal(f.count, 1);
    assert_non_null(strstr(f.message, "count differs from the number of references (found 2, expected 1)"));
    assert_int_equal(eddy_listener_remove(w.heap, &f.listener), EDDY_OK);
    const char *text;
    CATCH_MISUSE(eddy_collector_step(w.t), text); /* nobody listens */
    assert_non_null(strstr(text, "count differs"));
    eddy__native_end(thread_of(w.t)); /* which the handler has jumped over */
    b->counts[cell_number(b, child)]--;
    ROOTS_POP(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    world_close(&w);
}

/* Beside running threads; they stop and go on. */
static void *storing_main(void *argument)
{
    struct world mine = *(struct world *)argument;
    CHECK(eddy_thread_attach(mine.heap, &mine.t) == EDDY_OK);
    ROOTS_PUSH(mine.t, 1);
    uint64_t random = (uintptr_t)&mine | 1;
    for (int i = 0; i < SUPPORT_SCALE(200000, 20000); i++) {
        struct node *n = node_new(&mine);
        uint64_t r = support_random(&random);
        EDDY_SET(mine.t, n, left, r % 64 ? roots[0] : NULL);
        EDDY_SET(mine.t, n, right, r % 16 ? NULL : n);
        roots[0] = n;
    }
    CHECK(eddy_verify(mine.t, 0, NULL) == EDDY_OK); /* waits for the collector's own */
    ROOTS_POP(mine.t);
    CHECK(eddy_thread_detach(mine.t) == EDDY_OK);
    return NULL;
}

static void test_verification_beside_threads(void **state)
{
    (void)state;
    eddy_config config = support_config(EDDY_HEAP_PRECISE_ROOTS);
    assert_int_equal(eddy_config_parse(&config, "verify=epoch,epoch=128k,idle_ms=1", NULL, 0), EDDY_OK);
    struct world w = world_open_with(&config);
    struct finding f = {.listener = {.context = &f, .corrupt = on_corrupt}};
    assert_int_equal(eddy_listener_add(w.heap, &f.listener), EDDY_OK);
    pthread_t id;
    assert_int_equal(pthread_create(&id, NULL, storing_main, &w), 0);
    ROOTS_PUSH(w.t, 1);
    for (int i = 0; i < SUPPORT_SCALE(100000, 10000); i++)
        roots[0] = node_new(&w);
    ROOTS_POP(w.t);
    eddy_native_enter(w.t);
    pthread_join(id, NULL);
    eddy_native_leave(w.t);
    assert_int_equal(live_after_collect(&w), 0);
    assert_checks_passed();
    if (f.count != 0)
        fail_msg("%s", f.message);
    world_close(&w);
}

int main(void)
{
    unsetenv("EDDY_OPTIONS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_random_text),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_a_line_per_epoch),
        cmocka_unit_test(test_a_line_for_a_late_thread),
        cmocka_unit_test(test_verification_of_epochs),
        cmocka_unit_test(test_verification_beside_threads),
    };
    return RUN_TESTS("options", tests);
}
