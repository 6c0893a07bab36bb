/* Minimum mutator utilisation, exactly: of all windows of a length one that is worst begins where an interval
 * begins or ends where one ends, so it is enough to look at those; sums of what was lost before make each a look
 * at two places. After Cheng and Blelloch, "A parallel, real-time garbage collector", PLDI 2001. */
#include <math.h>
#include <stdlib.h>

#include "analysis.h"

void lost_add(struct lost *lost, uint64_t begin, uint64_t end)
{
    begin = begin < lost->from ? lost->from : begin;
    end = end > lost->to ? lost->to : end;
    if (lost->count != 0 && begin < lost->end[lost->count - 1])
        begin = lost->end[lost->count - 1];
    if (begin >= end)
        return;
    size_t room = lost->room;
    lost->begin = grow(lost->begin, lost->count, &room, sizeof *lost->begin);
    lost->end = room == lost->room ? lost->end : need(realloc(lost->end, room * sizeof *lost->end));
    lost->room = room;
    lost->begin[lost->count] = begin;
    lost->end[lost->count++] = end;
}

void lost_sum(struct lost *lost)
{
    lost->before = need(malloc((lost->count + 1) * sizeof *lost->before));
    lost->before[0] = 0;
    for (size_t i = 0; i < lost->count; i++)
        lost->before[i + 1] = lost->before[i] + lost->end[i] - lost->begin[i];
}

void lost_free(struct lost *lost)
{
    free(lost->begin);
    free(lost->end);
    free(lost->before);
}

/* What was lost from the beginning up to `time`; `near` is the number of intervals that begin before it. */
static uint64_t lost_until(const struct lost *lost, size_t near, uint64_t time)
{
    if (near == 0)
        return 0;
    uint64_t end = lost->end[near - 1] < time ? lost->end[near - 1] : time;
    return lost->before[near - 1] + (end > lost->begin[near - 1] ? end - lost->begin[near - 1] : 0);
}

double lost_mmu(const struct lost *lost, uint64_t window)
{
    uint64_t life = lost->to - lost->from;
    if (life == 0)
        return 1;
    if (window >= life)
        return 1 - (double)lost->before[lost->count] / (double)life;
    uint64_t worst = 0;
    size_t left = 0, right = 0;
    while (right < lost->count && lost->begin[right] < lost->from + window) /* the first window of the life */
        right++;
    worst = lost_until(lost, right, lost->from + window);
    right = 0;
    for (size_t i = 0; i < lost->count; i++) {           /* windows that begin with interval i */
        bool last = lost->begin[i] + window >= lost->to; /* it and all later ones: the last window of the life */
        uint64_t begin = last ? lost->to - window : lost->begin[i], end = begin + window;
        while (right < lost->count && lost->begin[right] < end)
            right++;
        size_t near = i;
        while (near > 0 && lost->end[near - 1] > begin)
            near--;
        uint64_t sum = lost_until(lost, right, end) - lost_until(lost, near + (lost->begin[near] < begin), begin);
        worst = sum > worst ? sum : worst;
        if (last)
            break;
    }
    for (size_t i = 0; i < lost->count; i++) { /* that end with it */
        if (lost->end[i] < lost->from + window)
            continue; /* such a window would begin before the life */
        uint64_t end = lost->end[i], begin = end - window;
        while (left < lost->count && lost->begin[left] < begin)
            left++;
        uint64_t sum = lost_until(lost, i + 1, end) - lost_until(lost, left, begin);
        worst = sum > worst ? sum : worst;
    }
    return 1 - (double)worst / (double)window;
}

double least_mmu(const struct lost *lost, size_t count, uint64_t window)
{
    double least = 1;
    for (size_t i = 0; i < count; i++) {
        double mmu = lost_mmu(&lost[i], window);
        least = mmu < least ? mmu : least;
    }
    return least;
}

void curve_windows(uint64_t windows[CURVE_WINDOWS])
{
    for (int i = 0; i < CURVE_WINDOWS; i++)
        windows[i] = (uint64_t)llround(pow(10, 4 + i * 6.0 / (CURVE_WINDOWS - 1)));
}
