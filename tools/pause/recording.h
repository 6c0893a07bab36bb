/* A recording in memory (the format is described in eddy/record.h): read and checked as a whole, the nesting of
 * stalls worked out. Also adding to a recording. All times are nanoseconds since the recording began. */
#ifndef PAUSE_RECORDING_H
#define PAUSE_RECORDING_H

#include "eddy/record.h"
#include "pause.h"

struct stall {
    uint64_t begin, length;
    uint64_t queued; /* of it, in the run queue */
    uint64_t self;   /* length less that of the stalls inside it; a scan is part of what it lies in */
    uint32_t thread;
    uint8_t kind;
    bool outer; /* lies in no other */
};

struct phase {
    uint64_t begin, length, work;
    uint8_t kind;
};

struct event {
    uint64_t begin, length, extra;
    uint32_t thread;
    uint8_t kind;
};

struct gap {
    uint64_t begin, length, queued;
};

/* A thread's time in the heap. */
struct life {
    uint32_t thread, os_id;
    uint64_t begin, end;
};

struct note {
    char *name, *value;
};

struct recording {
    char *path;
    eddy_record_header header;
    uint64_t end;         /* of the recording */
    uint64_t dropped;     /* events that found a ring full */
    bool ended;           /* there is an end; else it was cut short, and read with salvage */
    struct stall *stalls; /* those of one thread in the order of their ends */
    size_t stall_count, stall_room;
    struct phase *phases;
    size_t phase_count, phase_room;
    eddy_record_epoch *epochs;
    size_t epoch_count, epoch_room;
    struct event *events;
    size_t event_count, event_room;
    struct gap *gaps;
    size_t gap_count, gap_room;
    struct life *lives;
    size_t life_count, life_room;
    struct note *notes;
    size_t note_count, note_room;
};

extern const char *const stall_names[EDDY_RECORD_STALLS];  /* for machines */
extern const char *const stall_titles[EDDY_RECORD_STALLS]; /* for people */
extern const char *const phase_names[EDDY_RECORD_PHASES];

/* Reads a file, or ends the process with a message. `salvage`: a file without an end is read as far as it goes. */
struct recording *recording_read(const char *path, bool salvage);
void recording_free(struct recording *recording);
/* The value of a note, or NULL. */
const char *recording_note(const struct recording *recording, const char *name);
/* What to call it: workload or command, else the heap's name. */
const char *recording_title(const struct recording *recording);

/* Adding to a file: takes its end away (there may be none); then records; then puts a new end. */
struct addition {
    const char *path;
    FILE *file;
    uint64_t begun, records, dropped;
};
void addition_begin(struct addition *addition, const char *path);
void addition_note(struct addition *addition, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void addition_record(struct addition *addition, const eddy_record *record);
void addition_end(struct addition *addition);

#endif
