/* Making JSON documents. Each function takes `value` over. */
#ifndef PAUSE_JSON_H
#define PAUSE_JSON_H

#include <jansson.h>

#include "analysis.h"

void json_put(json_t *object, const char *key, json_t *value);
void json_push(json_t *array, json_t *value);
/* Text that may be no UTF-8: then question marks take the place of what is not ASCII. */
json_t *json_text(const char *text);
/* A number with so many significant digits; null if it is none. */
json_t *json_number(double value);
json_t *json_metrics(const struct analysis *analysis);

#endif
