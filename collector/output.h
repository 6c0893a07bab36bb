/* Buffered text for the writers of inspections. An error is kept, and what follows it is dropped. */
#ifndef EDDY_COLLECTOR_OUTPUT_H
#define EDDY_COLLECTOR_OUTPUT_H

#include "eddy/inspect.h"

struct output {
    eddy_write_fn *write;
    void *context;
    bool failed;
    size_t used;
    char bytes[8192];
};

static inline void output_begin(struct output *out, eddy_write_fn *write, void *context)
{
    out->write = write;
    out->context = context;
    out->failed = false;
    out->used = 0;
}
/* Hands over what is left; whether all went well. */
eddy_status eddy__output_end(struct output *out);
/* At most 512 bytes at once. */
__attribute__((format(printf, 2, 3))) void eddy__output(struct output *out, const char *format, ...);
/* The inside of a string literal of JSON, which dot reads, too, but for \u: quotes, backslashes and control characters escaped, what is
 * not UTF-8 replaced by U+FFFD. */
void eddy__output_quoted(struct output *out, const char *text);
/* What a kind of roots is called, with its thread. */
void eddy__output_group(struct output *out, eddy_root_kind kind, unsigned thread);

#endif
