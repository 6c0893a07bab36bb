/* The table of size classes; see sizeclass.h. */
#include "runtime/heap/sizeclass.h"

const uint16_t eddy__class_cell[EDDY__CLASSES] = {
    16,  32,  48,  64,  80,   96,   112,  128,  144,  160,  176,  192,  208,  224,  240,  256,  320,  384,  448,
    512, 640, 768, 896, 1024, 1168, 1360, 1632, 1920, 2176, 2512, 2976, 3264, 3632, 4080, 4672, 5456, 6544, CELL_MAX,
};

unsigned eddy__class_of(size_t cell)
{
    if (cell <= 256)
        return (unsigned)(cell / 16) - 1;
    unsigned low = 16, high = EDDY__CLASSES - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (eddy__class_cell[middle] >= cell)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
