/* The control thread: in bursts it only reads the clock, and notes the gaps. They show what the machine does to any
 * thread, beside which stalls are to be judged. Bursts, not all the time: it shall not take a core from what it watches. */
#ifndef PAUSE_CONTROL_H
#define PAUSE_CONTROL_H

#include "recording.h"

struct control;

/* Starts it, watching for `percent` of the time (1 to 100). */
struct control *control_start(unsigned percent);
/* Stops it and adds what it saw to a recording. */
void control_stop(struct control *control, struct addition *addition);
/* Stops it and forgets what it saw. */
void control_drop(struct control *control);

#endif
