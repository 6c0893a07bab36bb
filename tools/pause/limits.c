/* Limits for continuous integration: "FIGURE>NUMBER" says when a result is a failure. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

void limits_add(struct limits *limits, const char *text, bool relative)
{
    size_t length = strcspn(text, "<>");
    struct limit limit = {.text = text, .length = length};
    char *end = NULL;
    if (text[length] != 0) {
        limit.above = text[length] == '>';
        limit.value = strtod(text + length + 1, &end);
        limit.percent = *end == '%';
        end += limit.percent;
    }
    if (length == 0 || end == NULL || end == text + length + 1 || *end != 0)
        usage_error("--fail must be FIGURE>NUMBER or FIGURE<NUMBER, not '%s'", text);
    if (limit.percent && !relative)
        usage_error("--fail %s: only a comparison knows changes in percent", text);
    if (limits->count == LIMITS_MOST)
        usage_error("more than %d --fail", LIMITS_MOST);
    limits->items[limits->count++] = limit;
}

bool limits_hold(const struct limits *limits, const struct metrics *metrics, const struct metrics *before)
{
    bool hold = true;
    for (size_t i = 0; i < limits->count; i++) {
        const struct limit *limit = &limits->items[i];
        const struct metric *metric = metrics_find(metrics, limit->text, limit->length);
        const struct metric *old = before == NULL ? NULL : metrics_find(before, limit->text, limit->length);
        if (metric == NULL || (limit->percent && old == NULL))
            usage_error("--fail %s: the recording has no such figure (eddy-pause export --format json lists them)",
                        limit->text);
        double value = metric->value;
        if (limit->percent)
            value = old->value != 0 ? 100 * (metric->value - old->value) / old->value : metric->value != 0 ? 1e9 : 0;
        if (limit->above ? value > limit->value : value < limit->value) {
            fflush(stdout);
            fprintf(stderr, "eddy-pause: limit exceeded: %s (it is %.6g%s)\n", limit->text, value,
                    limit->percent ? "%" : "");
            hold = false;
        }
    }
    return hold;
}
