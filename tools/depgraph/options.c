/* The command line: see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char help[] =
    "Usage: " PROGRAM " [OPTION]... [FILE]...\n"
    "\n"
    "Reads Debian package data into a graph of packages in an Eddy heap, full of cycles. Then some threads\n"
    "query the graph while others replace single packages and whole releases of it, so that old graphs\n"
    "become garbage. Shows what was found, what was reclaimed, how fast, and what it cost each thread.\n"
    "\n"
    "Each FILE has the format of /var/lib/dpkg/status or of apt's package lists and may be compressed.\n"
    "Without FILE the machine's own database is read: dpkg's status and apt's lists. Of several stanzas of\n"
    "one package the newest version counts. Malformed lines are reported and left out.\n"
    "\n"
    "  --system             read the machine's database too when FILEs are given\n"
    "  --seconds N          how long the threads work (default 5; 0: only load)\n"
    "  --readers N          threads that query (default 2)\n"
    "  --writers N          threads that replace packages and releases (default 1)\n"
    "  --release-every N    replacements by a writer between two releases (default 20000)\n"
    "  --processes N        do the same work twice, in one process and in N that each hold a graph, and\n"
    "                       compare. Readers and writers are divided among the N; each has at least one\n"
    "                       reader, and one writer, as its graph must be kept up to date\n"
    "  --heap-limit SIZE    limit of the heap of each process, for example 200M (default: none)\n"
    "  --precise            roots in frames of handles only: no scan of C stacks\n"
    "  --verify             check every count and reference of the heap at the end\n"
    "  --json FILE          also write the results as JSON\n"
    "  --seed N             seed of the threads' random numbers (default 1)\n"
    "  --help               this text\n"
    "\n"
    "Exit code: 0 done; 1 no package found, or verification failed; 2 bad option or unreadable file;\n"
    "3 out of memory.\n";

enum option_id {
    OPTION_SYSTEM = 256, /* above every character, which getopt_long returns for errors */
    OPTION_SECONDS,
    OPTION_READERS,
    OPTION_WRITERS,
    OPTION_RELEASE_EVERY,
    OPTION_PROCESSES,
    OPTION_HEAP_LIMIT,
    OPTION_PRECISE,
    OPTION_VERIFY,
    OPTION_JSON,
    OPTION_SEED,
    OPTION_HELP
};

static const struct option names[] = {
    {"system", no_argument, NULL, OPTION_SYSTEM},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"readers", required_argument, NULL, OPTION_READERS},
    {"writers", required_argument, NULL, OPTION_WRITERS},
    {"release-every", required_argument, NULL, OPTION_RELEASE_EVERY},
    {"processes", required_argument, NULL, OPTION_PROCESSES},
    {"heap-limit", required_argument, NULL, OPTION_HEAP_LIMIT},
    {"precise", no_argument, NULL, OPTION_PRECISE},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"json", required_argument, NULL, OPTION_JSON},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* Digits, then whatever *rest points to. False when there are none or too many. */
static bool read_digits(const char *text, uint64_t *value, const char **rest)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

static bool read_number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    const char *rest;
    if (read_digits(text, value, &rest) && *rest == '\0' && *value >= least && *value <= most)
        return true;
    fprintf(stderr, PROGRAM ": --%s takes a number from %llu to %llu, not \"%s\"\n", name, (unsigned long long)least,
            (unsigned long long)most, text);
    return false;
}

static bool read_count(const char *name, const char *text, unsigned least, unsigned most, unsigned *value)
{
    uint64_t number;
    if (!read_number(name, text, least, most, &number))
        return false;
    *value = (unsigned)number;
    return true;
}

/* "64M": a number with K, M or G for powers of 1024. */
static bool read_size(const char *name, const char *text, size_t *value)
{
    static const char units[] = "KMG";
    uint64_t number;
    const char *rest;
    bool good = read_digits(text, &number, &rest);
    unsigned shift = 0;
    if (good && *rest != '\0') {
        const char *unit = strchr(units, *rest);
        good = unit != NULL && rest[1] == '\0';
        shift = good ? 10 * (unsigned)(unit - units + 1) : 0;
    }
    if (good && number <= SIZE_MAX >> shift && number << shift >= 1u << 20) {
        *value = (size_t)number << shift;
        return true;
    }
    fprintf(stderr, PROGRAM ": --%s takes a size of at least 1M, with K, M or G, not \"%s\"\n", name, text);
    return false;
}

static bool take_option(struct options *options, int id, const char *value)
{
    switch (id) {
    case OPTION_SYSTEM: options->system = true; return true;
    case OPTION_SECONDS: return read_count("seconds", value, 0, SECONDS_MAX, &options->seconds);
    case OPTION_READERS: return read_count("readers", value, 0, READERS_MAX, &options->readers);
    case OPTION_WRITERS: return read_count("writers", value, 0, WRITERS_MAX, &options->writers);
    case OPTION_RELEASE_EVERY: return read_number("release-every", value, 1, UINT64_MAX, &options->release_every);
    case OPTION_PROCESSES: return read_count("processes", value, 1, PROCESSES_MAX, &options->processes);
    case OPTION_HEAP_LIMIT: return read_size("heap-limit", value, &options->heap_limit);
    case OPTION_PRECISE: options->precise = true; return true;
    case OPTION_VERIFY: options->verify = true; return true;
    case OPTION_JSON: options->json = value; return true;
    case OPTION_SEED: return read_number("seed", value, 0, UINT64_MAX, &options->seed);
    default: return false;
    }
}

int options_read(struct options *options, int count, char **arguments, bool *finished)
{
    *options = (struct options){.seconds = 5, .readers = 2, .writers = 1, .release_every = 20000, .seed = 1};
    *finished = false;
    int id;
    while ((id = getopt_long(count, arguments, "", names, NULL)) != -1) {
        if (id == OPTION_HELP) {
            fputs(help, stdout);
            *finished = true;
            return DONE;
        }
        if (!take_option(options, id, optarg)) {
            fprintf(stderr, "Try " PROGRAM " --help.\n");
            return USAGE;
        }
    }
    options->files = arguments + optind;
    options->file_count = count - optind;
    options->system = options->system || options->file_count == 0;
    return DONE;
}
