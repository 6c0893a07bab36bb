/* Options as text; see eddy/options.h. One table names every option; parsing works on a copy of the configuration, so
 * that an error leaves it as it was. Any thread. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "runtime/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "EDDY_OPTIONS"

enum option_kind { OPTION_SIZE, OPTION_NUMBER, OPTION_FLAG };

struct option {
    const char *name;
    const char *value; /* what may follow the equals sign; of a flag: the word that sets it, |, the one that clears it */
    enum option_kind kind;
    size_t offset; /* of a size_t, or an unsigned */
    unsigned flag;
    bool by_program; /* not from the environment */
};

#define SIZE_OPTION(name, field)                                                                                       \
    {                                                                                                                  \
        name, "SIZE", OPTION_SIZE, offsetof(eddy_config, field), 0, false                                              \
    }
#define NUMBER_OPTION(name, value, field)                                                                              \
    {                                                                                                                  \
        name, value, OPTION_NUMBER, offsetof(eddy_config, field), 0, false                                             \
    }

static const struct option options[] = {
    SIZE_OPTION("heap_limit", heap_limit),
    SIZE_OPTION("soft_limit", soft_limit),
    SIZE_OPTION("reserve", reserve_bytes),
    SIZE_OPTION("epoch", epoch_bytes),
    SIZE_OPTION("epoch_min", epoch_bytes_min),
    SIZE_OPTION("epoch_max", epoch_bytes_max),
    SIZE_OPTION("log_epoch", log_bytes_epoch),
    SIZE_OPTION("log_limit", log_limit),
    NUMBER_OPTION("log_chunk", "ENTRIES", log_chunk_entries),
    NUMBER_OPTION("idle_ms", "NUMBER", idle_ms),
    NUMBER_OPTION("late_ms", "NUMBER", late_thread_ms),
    NUMBER_OPTION("cycle_growth", "PERCENT", cycle_growth_percent),
    NUMBER_OPTION("nice", "NUMBER", collector_nice),
    {"log", "stderr|none", OPTION_FLAG, 0, EDDY_HEAP_LOG_EPOCHS, false},
    {"verify", "epoch|none", OPTION_FLAG, 0, EDDY_HEAP_VERIFY_EPOCHS, false},
    {"interior", "on|off", OPTION_FLAG, 0, EDDY_HEAP_INTERIOR_POINTERS, false},
    {"roots", "precise|conservative", OPTION_FLAG, 0, EDDY_HEAP_PRECISE_ROOTS, true},
    {"manual", "on|off", OPTION_FLAG, 0, EDDY_HEAP_MANUAL, true},
};
#define OPTIONS (sizeof options / sizeof options[0])

_Static_assert(sizeof(int) == sizeof(unsigned), "a number that is not negative is the same in both");

/* A piece of the text. */
struct span {
    const char *start;
    size_t length;
};

static bool span_is(struct span s, const char *text, size_t length)
{
    return s.length == length && memcmp(s.start, text, length) == 0;
}

static struct span trimmed(struct span s)
{
    while (s.length != 0 && s.start[0] == ' ')
        s.start++, s.length--;
    while (s.length != 0 && s.start[s.length - 1] == ' ')
        s.length--;
    return s;
}

/* ---- errors ---- */

static void list_options(char *error, size_t room, bool by_environment)
{
    size_t used = strlen(error);
    for (size_t i = 0; i < OPTIONS && used < room; i++) {
        if (by_environment && options[i].by_program)
            continue;
        int n = snprintf(error + used, room - used, " %s=%s", options[i].name, options[i].value);
        used += n > 0 ? (size_t)n : 0;
    }
}

#define QUOTED_MOST 64

static eddy_status refuse(char *error, size_t room, const char *what, struct span text, bool by_environment)
{
    if (error == NULL || room == 0)
        return EDDY_EINVAL;
    int shown = text.length > QUOTED_MOST ? QUOTED_MOST : (int)text.length;
    snprintf(error, room, "%s: \"%.*s%s\"; valid options:", what, shown, text.start,
             text.length > QUOTED_MOST ? "..." : "");
    list_options(error, room, by_environment);
    return EDDY_EINVAL;
}

/* ---- values ---- */

static bool parse_digits(struct span *s, uint64_t *value)
{
    size_t digits = 0;
    *value = 0;
    for (; digits < s->length && s->start[digits] >= '0' && s->start[digits] <= '9'; digits++)
        if (__builtin_mul_overflow(*value, 10, value)
            || __builtin_add_overflow(*value, (uint64_t)(s->start[digits] - '0'), value))
            return false;
    s->start += digits;
    s->length -= digits;
    return digits != 0;
}

static bool parse_size(struct span s, size_t *size)
{
    static const char units[] = "kmgt";
    uint64_t value;
    if (!parse_digits(&s, &value) || s.length > 1)
        return false;
    if (s.length == 1) {
        const char *unit = s.start[0] != 0 ? strchr(units, s.start[0] | 0x20) : NULL;
        if (unit == NULL || *unit == 0)
            return false;
        uint64_t factor = UINT64_C(1) << (10 * (unit - units + 1));
        if (__builtin_mul_overflow(value, factor, &value))
            return false;
    }
    *size = value;
    return value <= SIZE_MAX;
}

static bool parse_number(struct span s, unsigned *number)
{
    uint64_t value;
    if (!parse_digits(&s, &value) || s.length != 0 || value > INT32_MAX)
        return false;
    *number = (unsigned)value;
    return true;
}

static bool parse_flag(struct span s, const struct option *option, unsigned *flags)
{
    const char *bar = strchr(option->value, '|');
    if (span_is(s, option->value, (size_t)(bar - option->value)))
        *flags |= option->flag;
    else if (span_is(s, bar + 1, strlen(bar + 1)))
        *flags &= ~option->flag;
    else
        return false;
    return true;
}

static bool apply(eddy_config *config, const struct option *option, struct span value)
{
    char *field = (char *)config + option->offset;
    switch (option->kind) {
    case OPTION_SIZE: return parse_size(value, (size_t *)(void *)field);
    case OPTION_NUMBER: return parse_number(value, (unsigned *)(void *)field);
    case OPTION_FLAG: return parse_flag(value, option, &config->flags);
    }
    return false;
}

/* ---- pairs ---- */

static const struct option *find_option(struct span name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (span_is(name, options[i].name, strlen(options[i].name)))
            return &options[i];
    return NULL;
}

eddy_status eddy__options_parse(eddy_config *config, const char *text, bool by_environment, char *error, size_t room)
{
    eddy_config parsed = *config;
    if (error != NULL && room != 0)
        error[0] = 0;
    while (text != NULL && *text != 0) {
        struct span pair = {text, strcspn(text, ",")};
        text += pair.length + (text[pair.length] == ',');
        pair = trimmed(pair);
        if (pair.length == 0)
            continue;
        const char *equals = memchr(pair.start, '=', pair.length);
        if (equals == NULL)
            return refuse(error, room, "option without a value", pair, by_environment);
        struct span name = {pair.start, (size_t)(equals - pair.start)};
        struct span value = {equals + 1, pair.length - name.length - 1};
        const struct option *option = find_option(name);
        if (option == NULL)
            return refuse(error, room, "unknown option", name, by_environment);
        if (by_environment && option->by_program)
            return refuse(error, room, "option for programs only, not for the environment", pair, by_environment);
        if (!apply(&parsed, option, value))
            return refuse(error, room, "malformed value", pair, by_environment);
    }
    *config = parsed;
    return EDDY_OK;
}

eddy_status eddy_config_parse(eddy_config *config, const char *text, char *error, size_t error_bytes)
{
    return eddy__options_parse(config, text, false, error, error_bytes);
}

eddy_status eddy__options_environment(eddy_config *config)
{
    if (config->flags & EDDY_HEAP_IGNORE_ENVIRONMENT)
        return EDDY_OK;
    char error[EDDY_CONFIG_ERROR_BYTES];
    eddy_status status = eddy__options_parse(config, secure_getenv(VARIABLE), true, error, sizeof error);
    if (status != EDDY_OK)
        fprintf(stderr, "eddy: " VARIABLE ": %s\n", error);
    return status;
}
