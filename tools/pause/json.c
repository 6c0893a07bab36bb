/* See json.h. jansson's functions fail only when memory has run out, or on text that is no UTF-8. */
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        fatal("cannot make the JSON document");
}

void json_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        fatal("cannot make the JSON document");
}

json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string != NULL)
        return string;
    char *plain = need(strdup(text));
    for (char *p = plain; *p != 0; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    string = json_string(plain);
    free(plain);
    return string;
}

json_t *json_number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == floor(value) && fabs(value) < 9e15)
        return json_integer((json_int_t)value);
    char text[40];
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

json_t *json_metrics(const struct analysis *analysis)
{
    struct metrics metrics = {.count = 0};
    metrics_of(analysis, &metrics);
    json_t *object = json_object();
    for (size_t i = 0; i < metrics.count; i++)
        json_put(object, metrics.items[i].name, json_number(metrics.items[i].value));
    free(metrics.items);
    return object;
}
