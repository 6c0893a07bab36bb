/* What the system says of this process's memory. */
#ifndef DEPGRAPH_MEMORY_H
#define DEPGRAPH_MEMORY_H

#include <stdint.h>

struct memory {
    uint64_t peak_bytes;         /* VmHWM: the most that was ever resident */
    uint64_t resident_bytes;     /* VmRSS: now */
    uint64_t proportional_bytes; /* Pss: now, pages shared with others counted in part */
    uint64_t private_bytes;      /* now, in pages of this process alone */
};

/* Reads it; what the system does not tell is 0. */
struct memory memory_read(void);

#endif
