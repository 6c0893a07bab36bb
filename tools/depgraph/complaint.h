/* Malformed input: reported as "file:line: reason" on standard error, and counted. */
#ifndef DEPGRAPH_COMPLAINT_H
#define DEPGRAPH_COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>

struct complaints {
    const char *file; /* being read now */
    uint64_t count;   /* over all files */
    uint64_t shown;   /* of the present file: a file of another kind would fill the screen */
    bool quiet;       /* count, but print nothing */
};

/* Starts the complaints about another file. */
void complaints_begin(struct complaints *complaints, const char *file);

/* One malformed line. */
__attribute__((format(printf, 3, 4))) void complain(struct complaints *complaints, uint64_t line, const char *format, ...);

/* A piece of the input, fit for a message: cut to a moderate length, with blanks for line ends and
 * question marks for whatever else is not printable. */
struct excerpt {
    char chars[44];
};
const char *excerpt(const char *text, uint64_t length, struct excerpt *result);

#endif
