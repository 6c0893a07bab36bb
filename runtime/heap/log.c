/* The two ends of a log; see log.h. Keeps I5: what is published is complete, and nothing is lost. */
#include "runtime/heap/log.h"

void eddy__log_advance(struct log *log, unsigned chunk_entries)
{
    uintptr_t *end = log->chunk->entries + chunk_entries;
    if (log->next == end) {
        struct log_chunk *chunk = log->spare;
        log->spare = chunk->next;
        log->spares--;
        EDDY_STORE_RELAXED(&chunk->next, NULL);
        if (MUTANT(MUTANT_LATE_CHUNK_END)) {
            STORE_LATE(&log->chunk->end, end);
            EDDY_STORE_RELAXED(&log->chunk->next, chunk);
        } else {
            log->chunk->end = end;
            EDDY_STORE_RELEASE(&log->chunk->next, chunk);
        }
        log->chunk = chunk;
        EDDY_STORE_RELAXED(&log->next, chunk->entries);
        end = chunk->entries + chunk_entries;
    }
    log->limit = end;
}

size_t eddy__log_span(struct log *log, const uintptr_t *stop, uintptr_t **from, struct log_chunk **done)
{
    *done = NULL;
    if (stop == NULL)
        stop = EDDY_LOAD_ACQUIRE(&log->tail);
    struct log_chunk *chunk = log->head;
    bool last = log_in_chunk(chunk, stop);
    struct log_chunk *next = last ? NULL : EDDY_LOAD_ACQUIRE(&chunk->next);
    const uintptr_t *end = last ? stop : chunk->end - (MUTANT(MUTANT_LOG_SPAN_SHORT) && log->read < chunk->end);
    if (log->read == end && !last) {
        *done = chunk;
        log->head = next;
        log->read = next->entries;
        return 0;
    }
    *from = log->read;
    return (size_t)(end - log->read);
}
