#!/bin/bash
# tools/amalgamate: one file, which needs only itself, include/eddy and -pthread, compiles without a warning, carries the licences,
# and behaves. usage: tests/tool_amalgamate.sh
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

cp -r "$root/include" "$scratch/include"
cd "$scratch" || exit 1
"$root/tools/amalgamate" eddy.c || fail "the file was not made"
"$root/tools/amalgamate" >/dev/null 2>&1 && fail "no file name is accepted"
grep -q "Copyright (c) .* The Eddy authors" eddy.c || fail "Eddy's licence is missing"
grep -qF "$(sed -n 8p "$root/tools/third_party/hdr_histogram/LICENSE.txt")" eddy.c || fail "hdr_histogram's licence is missing"
grep -n '#include "' eddy.c && fail "it includes files of the source tree"
# Renamed is only what has namesakes, not what lies in a file of such a name. (What hdr_histogram has a namesake of stands once.)
for name in $(sed -nE 's/^#define ([A-Za-z_0-9]+) eddy__own_.*/\1/p' eddy.c | sort | uniq -u); do
  grep -qw "$name" "$root/tools/third_party/hdr_histogram/hdr_histogram.c" || fail "$name is renamed in one file, and has no namesake"
done
sed -n '/^```c$/,/^```$/p' "$root/README.md" | grep -v '^```' >readme.c

cat >stalls.c <<'EOF'
/* The part of hdr_histogram, its arithmetic included: stalls are counted, in order. */
#include <eddy/eddy.h>

int main(void)
{
    eddy_heap *heap;
    eddy_thread *t;
    eddy_stall_summary s;
    if (eddy_heap_create(NULL, &heap) || eddy_thread_attach(heap, &t))
        return 1;
    for (int i = 0; i < 2000000; i++)
        if (eddy_alloc_bytes(t, 64) == NULL)
            return 2;
    if (eddy_collect(t, 0, NULL) || eddy_stall_stats(heap, t, EDDY_STALL_KINDS, &s))
        return 3;
    if (s.count < 10 || s.p50_ns == 0 || s.p50_ns > s.p99_ns || s.p99_ns > s.max_ns || s.total_ns < s.max_ns)
        return 4;
    return eddy_thread_detach(t) || eddy_heap_destroy(heap) ? 5 : 0;
}
EOF

if cc -I include eddy.c readme.c -pthread -o program; then
  ./program || fail "the example of README.md ends with $?"
else
  fail "the example of README.md was not built"
fi
for compiler in "gcc -O2" "clang -std=c11 -O2" "gcc -std=c11 -O1 -g -fsanitize=address,undefined"; do
  # shellcheck disable=SC2086 # a compiler and its options
  $compiler -Wall -Wextra -Werror -I include -c eddy.c || { fail "$compiler: eddy.c"; continue; }
  for program in stalls.c "$root/tests/install/consumer.c"; do
    # shellcheck disable=SC2086
    $compiler -I include eddy.o "$program" -pthread -o program || { fail "$compiler: $program"; continue; }
    ASAN_OPTIONS=detect_stack_use_after_return=0 ./program >/dev/null || fail "$compiler: $program ends with $?"
    rm program
  done
done

[ "$failures" -eq 0 ] && echo "all passed"
exit "$((failures != 0))"
