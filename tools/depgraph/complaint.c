/* Malformed input: see complaint.h. */
#include "complaint.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { SHOWN_MAX = 100 };

void complaints_begin(struct complaints *complaints, const char *file)
{
    complaints->file = file;
    complaints->shown = 0;
}

void complain(struct complaints *complaints, uint64_t line, const char *format, ...)
{
    complaints->count++;
    if (complaints->quiet || complaints->shown > SHOWN_MAX)
        return;
    if (complaints->shown++ == SHOWN_MAX) {
        fprintf(stderr, "%s: more malformed lines follow; they are only counted\n", complaints->file);
        return;
    }
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s:%" PRIu64 ": %s\n", complaints->file, line, reason);
}

const char *excerpt(const char *text, uint64_t length, struct excerpt *result)
{
    const uint64_t room = sizeof result->chars - sizeof "...";
    const uint64_t kept = length > room ? room : length;
    for (uint64_t i = 0; i < kept; i++) {
        bool blank = text[i] == '\t' || text[i] == '\n';
        bool printable = text[i] >= ' ' && text[i] <= '~';
        result->chars[i] = blank ? ' ' : printable ? text[i] : '?';
    }
    snprintf(result->chars + kept, sizeof result->chars - kept, "%s", length > kept ? "..." : "");
    return result->chars;
}
