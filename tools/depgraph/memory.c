/* What the system says of this process's memory: see memory.h. */
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The sum of the values, in bytes, of the lines of a file whose name begins with `name`; their form is
 * "Name:  123 kB". */
static uint64_t sum_lines(const char *path, const char *name)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    uint64_t sum = 0;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        uint64_t value;
        const char *colon = strchr(line, ':');
        if (strncmp(line, name, strlen(name)) == 0 && colon != NULL && sscanf(colon + 1, "%" SCNu64, &value) == 1)
            sum += value * 1024;
    }
    fclose(file);
    return sum;
}

struct memory memory_read(void)
{
    return (struct memory){
        .peak_bytes = sum_lines("/proc/self/status", "VmHWM:"),
        .resident_bytes = sum_lines("/proc/self/status", "VmRSS:"),
        .proportional_bytes = sum_lines("/proc/self/smaps_rollup", "Pss:"),
        .private_bytes = sum_lines("/proc/self/smaps_rollup", "Private_"),
    };
}
