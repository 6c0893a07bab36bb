#!/bin/bash
# tools/gdb/eddy-gdb.py on a stopped program whose heap is known (tests/gdb/target.c). Skipped (exit code 77) where gdb, its
# Python or the right to trace is missing. usage: EDDY_GDB_TARGET=PROGRAM tests/tool_gdb.sh
set -u

target=${EDDY_GDB_TARGET:?is not set}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

command -v gdb >/dev/null || { echo "skipped: no gdb"; exit 77; }
gdb -nx -batch -ex 'python print("has python")' 2>/dev/null | grep -q 'has python' || { echo "skipped: gdb without Python"; exit 77; }
gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break main' -ex run "$target" 2>&1 | grep -q '^Breakpoint 1, main' || {
  echo "skipped: gdb cannot run programs here"
  exit 77
}

run_gdb() { # run_gdb COMMAND...: output in $scratch/out
  local arguments=()
  for command in "$@"; do
    arguments+=(-ex "echo == $command\\n" -ex "$command")
  done
  timeout 100 gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'set width 0' -x "$here/../tools/gdb/eddy-gdb.py" \
    -ex 'break stop_here' -ex run "${arguments[@]}" "$target" >"$scratch/out" 2>&1
}

expect() { # expect PATTERN: a line of the output matches the extended regular expression
  grep -Eq -- "$1" "$scratch/out" || {
    echo "FAILED: no line matches: $1"
    failures=$((failures + 1))
  }
}

# Its constants are those of the sources.
for name in COUNT_OVERFLOW COUNT_PERMANENT COUNT_DYING COUNT_MASK COUNT_FLAGGED; do
  value=$(sed -nE "s/^#define $name ([0-9]+).*/\1/p" "$here/../runtime/heap/block.h")
  constants+=("python print('$name is', $name, 'and should be $value')")
done
run_gdb "${constants[@]}"
expect '^COUNT_FLAGGED is [0-9]+ and should be [0-9]+$'
while read -r name _ is _ _ _ should; do
  [ "$is" = "$should" ] || { echo "FAILED: $name is $is in eddy-gdb.py, $should in block.h"; failures=$((failures + 1)); }
done < <(grep '^COUNT_[A-Z]* is' "$scratch/out")

run_gdb 'eddy heap' 'eddy heap heap' 'eddy threads' 'eddy log 1' 'eddy log 1 1' 'eddy object counted' 'eddy object (char *)array + 20' \
  'eddy object young' 'eddy object heap->base + heap->range / 2' 'eddy object &failures' 'eddy log 9' 'eddy log' \
  'print *heap' 'print *heap->threads' 'print heap->blocks[0].state == 0' 'print *heap->bytes_type'

expect '^heap target at 0x[0-9a-f]+: epoch 5, processed 4$'
expect '^ +1 +32 bytes  gadget$'
expect '^ +1 +[0-9]+ bytes  array$'
expect '^blocks: .*[0-9]+ young'
expect '^thread 1: attached, tid [0-9]+, running, epoch 5, generation [0-9]+, 1 frames of handles$'
expect '^inc log of thread 1: 3 entries not applied$'
expect '^dec log of thread 1: 2 entries not applied$'
expect '^  0x[0-9a-f]+ gadget retain'
expect '^object 0x[0-9a-f]+ of type gadget, 24 bytes$'
expect '^  header 0x[0-9a-f]+: counted$'
expect '^  count: 2' # the root slot and the handle
expect '^  \+0: null$'
expect '^  \+8: 0x[0-9a-f]+ array$'
expect '^object 0x[0-9a-f]+ \+ 20 of type array, [0-9]+ bytes$'
expect '^  \+64: 0x[0-9a-f]+ gadget$'
expect '^  and 8 more references$'
expect '^  header 0x[0-9a-f]+: private to thread 1, generation [0-9]+$'
expect '^  count: none: private or free$'
expect '^0x[0-9a-f]+: no object; block [0-9]+ \(none\)$'
expect '^there is no thread 9$'
expect '^eddy log NUMBER \[N\]$'
expect '^\$1 = heap \{target, epoch 5, [0-9]+ KiB committed, 1 threads\}$'
expect '^\$2 = \{thread 1: attached'
expect 'type \{bytes, 0 bytes, 0 reference fields\}$'
if grep -q Traceback "$scratch/out"; then
  echo "FAILED: an exception in the script"
  failures=$((failures + 1))
fi

[ "$failures" -eq 0 ] || cat "$scratch/out"
exit $((failures != 0))
