/* From files to a catalog. */
#ifndef DEPGRAPH_LOAD_H
#define DEPGRAPH_LOAD_H

#include "catalog.h"
#include "options.h"

/* What reading the files was like. */
struct load_summary {
    uint64_t files;
    uint64_t skipped; /* files of the machine's database that cannot be read */
    uint64_t stanzas;
    uint64_t superseded;
    uint64_t malformed; /* lines, relations or stanzas left out */
    char architecture[16];
};

/* Reads the files that the options name, or the machine's package database. With `quiet`, says
 * nothing on the way. Returns DONE; FAILED when there is no package in them; USAGE when a file that was
 * asked for cannot be read (always reported). */
int load_files(const struct options *options, bool quiet, struct catalog *catalog, struct load_summary *summary);

#endif
