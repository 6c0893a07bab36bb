/* From files to a catalog: see load.h. */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"
#include "util.h"

/* Reads one file. Returns NULL, or why it cannot be read. */
static const char *load_file(const char *path, struct catalog *catalog, struct complaints *complaints)
{
    struct source source;
    const char *reason = source_open(&source, path);
    if (reason != NULL)
        return reason;
    complaints_begin(complaints, path);
    struct deb822 reader = {.stream = source.stream, .complaints = complaints};
    struct stanza stanza = {0};
    const uint64_t before = catalog->stanzas;
    while (deb822_next(&reader, &stanza))
        catalog_add(catalog, &stanza, complaints);
    if (!source_close(&source))
        complain(complaints, reader.line, "the file ends early: it could not be read or unpacked to its end");
    stanza_free(&stanza);
    deb822_close(&reader);
    if (!complaints->quiet)
        printf("read     %s: %" PRIu64 " stanzas\n", path, catalog->stanzas - before);
    return NULL;
}

/* Files of the machine's database: one that cannot be read is left out. */
static void load_system(struct catalog *catalog, struct complaints *complaints, struct load_summary *summary)
{
    size_t count;
    char **paths = source_system_files(&count);
    for (size_t i = 0; i < count; i++) {
        const char *reason = load_file(paths[i], catalog, complaints);
        if (reason == NULL) {
            summary->files++;
        } else {
            summary->skipped++;
            if (!complaints->quiet)
                printf("skipped  %s: %s\n", paths[i], reason);
        }
        free(paths[i]);
    }
    free(paths);
}

int load_files(const struct options *options, bool quiet, struct catalog *catalog, struct load_summary *summary)
{
    struct complaints complaints = {.quiet = quiet};
    *catalog = (struct catalog){0};
    *summary = (struct load_summary){0};
    if (options->system)
        load_system(catalog, &complaints, summary);
    for (int i = 0; i < options->file_count; i++) {
        const char *reason = load_file(options->files[i], catalog, &complaints);
        if (reason != NULL) {
            fprintf(stderr, PROGRAM ": cannot read %s: %s\n", options->files[i], reason);
            return USAGE;
        }
        summary->files++;
    }
    summary->stanzas = catalog->stanzas;
    summary->superseded = catalog->superseded;
    summary->malformed = complaints.count;
    memcpy(summary->architecture, catalog->architecture, sizeof summary->architecture);
    if (summary->files == 0) {
        fprintf(stderr, PROGRAM ": this machine has no readable Debian package database "
                                "(/var/lib/dpkg/status): name a file\n");
        return USAGE;
    }
    if (catalog->package_count == 0) {
        fprintf(stderr, PROGRAM ": no package found\n");
        return FAILED;
    }
    return DONE;
}
