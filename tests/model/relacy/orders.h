// Memory orders in the form that relacy wants: with the place in the source.
#ifndef EDDY_MODEL_ORDERS_H
#define EDDY_MODEL_ORDERS_H

#include <relacy/relacy.hpp>

#define RELAXED rl::mo_relaxed, $
#define ACQUIRE rl::mo_acquire, $
#define RELEASE rl::mo_release, $
#define ACQ_REL rl::mo_acq_rel, $
#define SEQ_CST rl::mo_seq_cst, $

using rl::atomic;
using rl::var;

#endif
