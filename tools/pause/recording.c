/* Reading, checking and adding to recordings; see recording.h. */
#include "recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const stall_names[EDDY_RECORD_STALLS] = {"handshake", "stack_scan", "alloc",       "large",
                                                     "log",       "native",     "wait_memory", "wait_log",
                                                     "pacing",    "verify",     "finalizer"};
const char *const stall_titles[EDDY_RECORD_STALLS] = {
    "handshake",       "  of which stack scan", "new block",    "large object",   "log chunk", "native region",
    "wait for memory", "wait for log space",    "pacing sleep", "held by verify", "finalizers"};
const char *const phase_names[EDDY_RECORD_PHASES] = {"rendezvous", "incs",        "decs",  "cycle_test",
                                                     "sweep",      "cycle_slice", "finish"};

/* ---- the file ---- */

static char *read_all(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fatal("cannot read %s: %s", path, strerror(errno));
    char *bytes = NULL;
    size_t room = 0;
    *count = 0;
    for (size_t got = 1; got != 0; *count += got) {
        if (room - *count < 65536)
            bytes = need(realloc(bytes, room = 2 * room + 131072));
        got = fread(bytes + *count, 1, room - *count, file);
    }
    if (ferror(file))
        fatal("cannot read %s: %s", path, strerror(errno));
    fclose(file);
    return bytes;
}

static void check_header(const char *path, const char *bytes, size_t count, eddy_record_header *header)
{
    if (count < 8 || memcmp(bytes, EDDY_RECORD_MAGIC, 8) != 0)
        fatal("%s is no recording of Eddy%s", path, count == 0 ? ": it is empty" : "");
    if (count < sizeof *header)
        fatal("%s is cut short within its header", path);
    memcpy(header, bytes, sizeof *header);
    if (header->version != EDDY_RECORD_VERSION)
        fatal("%s has format version %" PRIu32 "; this program reads version %u", path, header->version,
              EDDY_RECORD_VERSION);
    if (header->header_bytes < sizeof *header || header->header_bytes > count)
        fatal("%s is damaged: a header of %" PRIu32 " bytes", path, header->header_bytes);
    header->heap[sizeof header->heap - 1] = 0;
}

/* ---- what is in it ---- */

static struct life *life_of(struct recording *r, uint32_t thread)
{
    for (size_t i = r->life_count; i-- > 0;)
        if (r->lives[i].thread == thread)
            return &r->lives[i];
    return NULL;
}

static void take_thread(struct recording *r, const eddy_record *record, uint64_t begin)
{
    struct life *life = life_of(r, record->thread);
    bool open = life != NULL && life->end == UINT64_MAX;
    if (record->kind == 0) {
        if (open)
            life->end = begin;
        return;
    }
    if (open && life->os_id == record->extra)
        return;
    if (open)
        life->end = begin;
    r->lives = grow(r->lives, r->life_count, &r->life_room, sizeof *r->lives);
    r->lives[r->life_count++] = (struct life){record->thread, (uint32_t)record->extra, begin, UINT64_MAX};
}

static void take_text(struct recording *r, const eddy_record *record)
{
    size_t room = record->slots * (size_t)EDDY_RECORD_SLOT - 8;
    char *text = need(strndup((const char *)record + 8, room));
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        free(text);
        return;
    }
    *equals = 0;
    r->notes = grow(r->notes, r->note_count, &r->note_room, sizeof *r->notes);
    r->notes[r->note_count++] = (struct note){text, equals + 1};
}

static void take_record(struct recording *r, const eddy_record *record)
{
    uint64_t begun = r->header.begun_ns;
    uint64_t begin = record->begin_ns > begun ? record->begin_ns - begun : 0;
    uint64_t length = record->length_ns, queued = record->extra < length ? record->extra : length;
    switch (record->type) {
    case EDDY_RECORD_STALL:
        if (record->kind >= EDDY_RECORD_STALLS)
            return;
        r->stalls = grow(r->stalls, r->stall_count, &r->stall_room, sizeof *r->stalls);
        r->stalls[r->stall_count++] = (struct stall){begin, length, queued, length, record->thread, record->kind, true};
        break;
    case EDDY_RECORD_PHASE:
        if (record->kind >= EDDY_RECORD_PHASES)
            return;
        r->phases = grow(r->phases, r->phase_count, &r->phase_room, sizeof *r->phases);
        r->phases[r->phase_count++] = (struct phase){begin, length, record->extra, record->kind};
        break;
    case EDDY_RECORD_EPOCH:
        if (record->slots * EDDY_RECORD_SLOT < sizeof(eddy_record_epoch))
            return;
        r->epochs = grow(r->epochs, r->epoch_count, &r->epoch_room, sizeof *r->epochs);
        memcpy(&r->epochs[r->epoch_count], record, sizeof(eddy_record_epoch));
        r->epochs[r->epoch_count++].base.begin_ns = begin;
        break;
    case EDDY_RECORD_EVENT:
        r->events = grow(r->events, r->event_count, &r->event_room, sizeof *r->events);
        r->events[r->event_count++] = (struct event){begin, length, record->extra, record->thread, record->kind};
        break;
    case EDDY_RECORD_GAP:
        r->gaps = grow(r->gaps, r->gap_count, &r->gap_room, sizeof *r->gaps);
        r->gaps[r->gap_count++] = (struct gap){begin, length, queued};
        break;
    case EDDY_RECORD_THREAD: take_thread(r, record, begin); break;
    case EDDY_RECORD_DROPPED: r->dropped += record->extra; break;
    case EDDY_RECORD_TEXT: take_text(r, record); break;
    default: break;
    }
    uint64_t end = begin + (record->type == EDDY_RECORD_STALL || record->type == EDDY_RECORD_PHASE ? length : 0);
    if (end > r->end)
        r->end = end;
}

/* Stalls of one thread come in the order of their ends, hence inner ones first: one takes in those before it that begin
 * later than it. */
static void work_out_nesting(struct recording *r)
{
    uint32_t most = 0;
    for (size_t i = 0; i < r->stall_count; i++)
        most = r->stalls[i].thread > most ? r->stalls[i].thread : most;
    size_t *last = need(malloc((most + 1) * sizeof *last)); /* of each thread, the last one that no other contains so far */
    size_t *before = need(malloc((r->stall_count + 1) * sizeof *before));
    for (size_t i = 0; i <= most; i++)
        last[i] = SIZE_MAX;
    for (size_t i = 0; i < r->stall_count; i++) {
        struct stall *s = &r->stalls[i];
        size_t *top = &last[s->thread];
        while (*top != SIZE_MAX && r->stalls[*top].begin >= s->begin) {
            struct stall *inner = &r->stalls[*top];
            inner->outer = false;
            if (inner->kind != EDDY_RECORD_STACK_SCAN)
                s->self -= inner->length < s->self ? inner->length : s->self;
            *top = before[*top];
        }
        before[i] = *top;
        *top = i;
    }
    free(last);
    free(before);
}

struct recording *recording_read(const char *path, bool salvage)
{
    size_t count;
    char *bytes = read_all(path, &count);
    struct recording *r = need(calloc(1, sizeof *r));
    r->path = need(strdup(path));
    check_header(path, bytes, count, &r->header);
    uint64_t records = 0;
    size_t at = r->header.header_bytes;
    while (!r->ended && count - at >= EDDY_RECORD_SLOT) {
        eddy_record *record = (void *)(bytes + at);
        size_t length = record->slots * (size_t)EDDY_RECORD_SLOT;
        if (record->type == 0 || length == 0 || (record->thread > 65535 && record->type != EDDY_RECORD_TEXT))
            fatal("%s is damaged: at byte %zu there is no record", path, at);
        if (length > count - at)
            break;
        records++;
        at += length;
        if (record->type == EDDY_RECORD_END) {
            r->ended = true;
            if (record->length_ns != records)
                fatal("%s is damaged: it has %" PRIu64 " records, its end says %" PRIu64, path, records, record->length_ns);
            r->dropped = record->extra;
            if (record->begin_ns > r->header.begun_ns)
                r->end = record->begin_ns - r->header.begun_ns;
        } else {
            take_record(r, record);
        }
    }
    if (r->ended && at != count)
        fatal("%s is damaged: %zu bytes follow its end", path, count - at);
    if (!r->ended && !salvage)
        fatal("%s is cut short: the process was killed, or is recording still (--salvage reads what there is)", path);
    free(bytes);
    for (size_t i = 0; i < r->life_count; i++)
        if (r->lives[i].end == UINT64_MAX)
            r->lives[i].end = r->end;
    work_out_nesting(r);
    return r;
}

void recording_free(struct recording *r)
{
    for (size_t i = 0; i < r->note_count; i++)
        free(r->notes[i].name);
    free(r->path);
    free(r->stalls);
    free(r->phases);
    free(r->epochs);
    free(r->events);
    free(r->gaps);
    free(r->lives);
    free(r->notes);
    free(r);
}

const char *recording_note(const struct recording *r, const char *name)
{
    for (size_t i = 0; i < r->note_count; i++)
        if (strcmp(r->notes[i].name, name) == 0)
            return r->notes[i].value;
    return NULL;
}

const char *recording_title(const struct recording *r)
{
    const char *title = recording_note(r, "title");
    return title != NULL ? title : r->header.heap;
}

/* ---- adding ---- */

void addition_begin(struct addition *a, const char *path)
{
    size_t count;
    char *bytes = read_all(path, &count);
    eddy_record_header header;
    check_header(path, bytes, count, &header);
    *a = (struct addition){.path = path, .begun = header.begun_ns};
    size_t at = header.header_bytes;
    while (count - at >= EDDY_RECORD_SLOT) {
        const eddy_record *record = (const void *)(bytes + at);
        size_t length = record->slots * (size_t)EDDY_RECORD_SLOT;
        if (length == 0 || length > count - at || record->type == EDDY_RECORD_END)
            break;
        if (record->type == EDDY_RECORD_DROPPED)
            a->dropped += record->extra;
        a->records++;
        at += length;
    }
    free(bytes);
    a->file = fopen(path, "r+b");
    if (a->file == NULL || ftruncate(fileno(a->file), (off_t)at) != 0 || fseek(a->file, (long)at, SEEK_SET) != 0)
        fatal("cannot add to %s: %s", path, strerror(errno));
}

void addition_record(struct addition *a, const eddy_record *record)
{
    fwrite(record, EDDY_RECORD_SLOT, record->slots, a->file);
    a->records++;
}

void addition_note(struct addition *a, const char *name, const char *format, ...)
{
    union {
        eddy_record record;
        char bytes[EDDY_RECORD_SLOT * 64];
    } text;
    memset(&text, 0, sizeof text);
    int used = 8 + snprintf(text.bytes + 8, 64, "%s=", name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text.bytes + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    text.record.type = EDDY_RECORD_TEXT;
    text.record.slots = (uint16_t)((8 + strlen(text.bytes + 8)) / EDDY_RECORD_SLOT + 1);
    addition_record(a, &text.record);
}

void addition_end(struct addition *a)
{
    const eddy_record end = {EDDY_RECORD_END, 0, 1, 0, now_ns(), a->records + 1, a->dropped};
    addition_record(a, &end);
    bool failed = ferror(a->file) != 0;
    if (fclose(a->file) != 0 || failed)
        fatal("cannot add to %s: %s", a->path, strerror(errno));
}
