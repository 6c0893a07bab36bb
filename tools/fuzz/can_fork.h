/* Whether programs may fork in this build. ThreadSanitizer's run-time starts no threads in a child; AddressSanitizer's allocator stays
 * locked there for ever if another thread was in it. */
#ifndef EDDY_FUZZ_CAN_FORK_H
#define EDDY_FUZZ_CAN_FORK_H

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CAN_FORK false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CAN_FORK false
#endif
#endif
#ifndef CAN_FORK
#define CAN_FORK true
#endif

#endif
