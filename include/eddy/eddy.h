/* Eddy: a managed heap whose mutators never stop for each other. Includes the whole public API. */
#ifndef EDDY_EDDY_H
#define EDDY_EDDY_H

#include "eddy/alloc.h"
#include "eddy/atomic.h"
#include "eddy/base.h"
#include "eddy/collect.h"
#include "eddy/counting.h"
#include "eddy/ephemeron.h"
#include "eddy/events.h"
#include "eddy/external.h"
#include "eddy/fiber.h"
#include "eddy/finalize.h"
#include "eddy/fork.h"
#include "eddy/heap.h"
#include "eddy/inspect.h"
#include "eddy/jit.h"
#include "eddy/options.h"
#include "eddy/ownership.h"
#include "eddy/permanent.h"
#include "eddy/pin.h"
#include "eddy/record.h"
#include "eddy/ref.h"
#include "eddy/root.h"
#include "eddy/stats.h"
#include "eddy/table.h"
#include "eddy/thread.h"
#include "eddy/type.h"
#include "eddy/weak.h"

#endif
