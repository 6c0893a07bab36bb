/* Options as text, for command lines and the environment. */
#ifndef EDDY_OPTIONS_H
#define EDDY_OPTIONS_H

#include "eddy/heap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room that any error text of eddy_config_parse fits into. */
#define EDDY_CONFIG_ERROR_BYTES 1536

/* Applies options to a configuration: "name=value" pairs separated by commas, such as
 * "heap_limit=1g,epoch=8m,verify=epoch". Spaces around a pair, empty pairs and NULL are allowed; the last of two
 * pairs of one name counts. SIZE is a decimal number of bytes with an optional k, m, g or t (powers of 1024).
 *
 *   heap_limit=SIZE     soft_limit=SIZE     reserve=SIZE      log_limit=SIZE    fields of eddy_config
 *   epoch=SIZE          epoch_min=SIZE      epoch_max=SIZE    log_epoch=SIZE
 *   log_chunk=ENTRIES   idle_ms=NUMBER      late_ms=NUMBER    cycle_growth=PERCENT   nice=NUMBER
 *   log=stderr|none     one line per epoch, and per thread that delays one: EDDY_HEAP_LOG_EPOCHS (format below)
 *   verify=epoch|none   EDDY_HEAP_VERIFY_EPOCHS
 *   interior=on|off     EDDY_HEAP_INTERIOR_POINTERS
 *   roots=precise|conservative, manual=on|off     EDDY_HEAP_PRECISE_ROOTS, EDDY_HEAP_MANUAL; not from the
 *                       environment, because the program has to be written for them
 *
 * Error: EDDY_EINVAL for a name or value that is not valid; then *config is unchanged, and `error` (if not NULL) receives
 * what was wrong and the list of valid options, cut off at `error_bytes`. Whether the values go together, eddy_heap_create
 * decides. Any thread, not a safepoint.
 *
 * The environment: eddy_heap_create applies the variable EDDY_OPTIONS in this way to its copy of the configuration, over what
 * the program has set, unless EDDY_HEAP_IGNORE_ENVIRONMENT is set, or the process runs with raised privileges
 * (secure_getenv). When it is not valid, eddy_heap_create prints the error to standard error and fails with EDDY_EINVAL.
 *
 * A line of log=stderr, written by the collecting thread at the end of each epoch (1 K = 1024 bytes, rounded down):
 *
 *   eddy NAME: epoch 12 @3.456s, 0.031 ms wait, 2.072 ms work, 1.998 ms cpu, 8192K allocated, live 1234K->1300K in 4567 objects,
 *     20480K committed, 89 incs, 34 decs, 12 freed, 1 cycles freed, next after 8192K        (one line)
 *
 *   NAME        eddy_config.name              @            seconds since the heap was made, when the epoch began
 *   wait        until all threads had passed their handshakes (nobody stops meanwhile)
 *   work, cpu   wall and CPU time that the collecting thread then took
 *   allocated   bytes handed out to threads between the beginnings of the epoch before and of this one
 *   live        counted objects before and after; committed, incs, decs, freed, cycles freed, next: see eddy_epoch_report
 *
 * And one for each thread that has reached no safepoint for late_ms since an epoch was asked for:
 *
 *   eddy NAME: thread 2 (reader, tid 1234) has reached no safepoint for 1000 ms; until it does, epoch 12 does not end and nothing is
 *     freed. It sleeps: what blocks belongs between eddy_native_enter and eddy_native_leave        (one line) */
EDDY_API eddy_status eddy_config_parse(eddy_config *config, const char *text, char *error, size_t error_bytes);

#ifdef __cplusplus
}
#endif

#endif
