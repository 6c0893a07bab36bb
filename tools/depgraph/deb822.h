/* The file format of Debian's control data: stanzas of "Field: value" lines, values continued on lines
 * that begin with a blank, stanzas separated by empty lines. Only the fields that matter here are kept. */
#ifndef DEPGRAPH_DEB822_H
#define DEPGRAPH_DEB822_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "complaint.h"

enum field_id {
    FIELD_PACKAGE,
    FIELD_VERSION,
    FIELD_ARCHITECTURE,
    FIELD_PRE_DEPENDS,
    FIELD_DEPENDS,
    FIELD_RECOMMENDS,
    FIELD_SUGGESTS,
    FIELD_PROVIDES,
    FIELDS
};

struct field {
    char *text; /* the value, NUL-terminated, blanks at both ends removed; line ends of continued
                        values are kept */
    size_t length;
    size_t capacity;
    uint64_t line; /* where it began; 0: the stanza has no such field */
};

struct stanza {
    struct field fields[FIELDS];
    uint64_t line; /* the first one */
};

struct deb822 {
    FILE *stream;
    struct complaints *complaints;
    uint64_t line;
    char *buffer;
    size_t capacity;
};

/* Reads the next stanza into `stanza`, whose buffers are used again; malformed lines are reported and
 * left out. False at the end of the file. */
bool deb822_next(struct deb822 *reader, struct stanza *stanza);

/* Frees the buffers. The stream is the caller's. */
void deb822_close(struct deb822 *reader);
void stanza_free(struct stanza *stanza);

#endif
