/* Atomic operations with the memory order in the name.
 *
 * Every access of Eddy to shared memory goes through these macros, so that the order is visible at
 * each access (docs/design.md, section 10) and so that public inline functions compile as C11 and as
 * C++17, which rejects _Atomic. They are the gcc and clang __atomic builtins and nothing else.
 * No stand-alone fences: thread sanitizers do not model them. */
#ifndef EDDY_ATOMIC_H
#define EDDY_ATOMIC_H

#define EDDY_LOAD_RELAXED(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define EDDY_LOAD_ACQUIRE(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define EDDY_LOAD_SEQ_CST(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define EDDY_STORE_RELAXED(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define EDDY_STORE_RELEASE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define EDDY_STORE_SEQ_CST(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define EDDY_EXCHANGE_ACQ_REL(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define EDDY_EXCHANGE_SEQ_CST(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define EDDY_ADD_RELAXED(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define EDDY_ADD_RELEASE(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELEASE)
#define EDDY_ADD_ACQ_REL(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define EDDY_ADD_SEQ_CST(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define EDDY_SUB_RELAXED(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define EDDY_SUB_ACQ_REL(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
/* Compare and swap: on failure *expected_ptr receives what was found. Strong; true on success. */
#define EDDY_CAS_RELEASE_ACQUIRE(p, expected_ptr, desired)                                                             \
    __atomic_compare_exchange_n((p), (expected_ptr), (desired), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define EDDY_CAS_ACQ_REL(p, expected_ptr, desired)                                                                     \
    __atomic_compare_exchange_n((p), (expected_ptr), (desired), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define EDDY_CAS_SEQ_CST(p, expected_ptr, desired)                                                                     \
    __atomic_compare_exchange_n((p), (expected_ptr), (desired), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define EDDY_LIKELY(x) __builtin_expect(!!(x), 1)
#define EDDY_UNLIKELY(x) __builtin_expect(!!(x), 0)

#endif
