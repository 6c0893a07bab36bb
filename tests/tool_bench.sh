#!/bin/bash
# eddy-bench: every workload gives the same checksum on every engine, the JSON has its keys, wrong command
# lines are refused with a reason. usage: EDDY_BENCH=PROGRAM tests/tool_bench.sh
set -u

bench=${EDDY_BENCH:?is not set}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

engines=$("$bench" list | sed -n '/^Engines:/,$s/^  \([a-z][a-z-]*\) .*/\1/p' | paste -sd,)
case $engines in
eddy,eddy-precise,malloc,atomic*) ;;
*) fail "list shows the engines '$engines'" ;;
esac

same_checksum() { # same_checksum WORKLOAD OPTION...
  "$bench" compare "$@" --engines "$engines" --runs 1 --warmup 0 >"$scratch/out" 2>&1 ||
    fail "compare $*: $(tail -n 1 "$scratch/out")"
}

same_checksum alloc-24 --param objects=2000000
same_checksum alloc-56 --param objects=2000000 --threads 2
same_checksum binary-trees --param depth=13 --threads 2
same_checksum gcbench --param depth=11
same_checksum mt-gcbench --param depth=11 --threads 2
same_checksum quads --param depth=7
same_checksum hash-map --param keys=20000 --param ops=500000 --threads 2
same_checksum lru --param entries=5000 --param ops=200000 --threads 3
same_checksum lru --param entries=500 --param ops=50000 --param shards=1 --live-mb 3
same_checksum cycles --param pairs=50000
same_checksum acyclic --param pairs=50000 --threads 2
same_checksum graph --param slots=300 --param steps=20000
same_checksum dag --param slots=300 --param nodes=3 --param steps=20000 --threads 2
same_checksum store --param ops=1000000
same_checksum requests --param requests=300 --param rate=3000 --param entries=5000
same_checksum frames --param depth=1000 --param objects=1000000

# A child that reads a frozen heap copies next to none of its pages; one that counts inside the objects copies them all.
"$bench" fork-pages --mb 8 >"$scratch/out" 2>&1 || fail "fork-pages: $(tail -n 1 "$scratch/out")"
grep -q '^eddy .* shared 99\.' "$scratch/out" || fail "fork-pages: $(grep '^eddy' "$scratch/out")"
grep -q '^in-object .* shared [0-9]\.' "$scratch/out" || fail "fork-pages: $(grep '^in-object' "$scratch/out")"

# Rights to objects: no update is lost; each part has its lines.
"$bench" ownership all --ops 20000 --runs 1 >"$scratch/out" 2>&1 || fail "ownership: $(tail -n 1 "$scratch/out")"
for line in "hash map update        owned" "take from one that sleeps" "two of 1000 accounts" "100% common objects"; do
  grep -q "^$line" "$scratch/out" || fail "ownership: no line '$line'"
done

json=$scratch/run.json
"$bench" run binary-trees --engine eddy --param depth=12 --param collector_nice=1 --heap-mb 200 --live-mb 2 \
  --json "$json" >"$scratch/out" 2>&1 || fail "run --json: $(tail -n 1 "$scratch/out")"
for key in workload engine threads wall_s cpu_s collector_cpu_s peak_rss_bytes checksum stall params \
  count p50_ns p99_ns p999_ns p9999_ns max_ns max_cost_ns wait_ns mmu_1ms \
  depth live_mb heap_mb collector_nice epochs promotions incs decs cycles_freed epoch_bytes peak_committed_bytes; do
  grep -q "\"$key\":" "$json" || fail "the JSON has no key $key"
done

refused() { # refused WHAT-IS-SAID ARGUMENT...
  said=$1
  shift
  "$bench" "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  [ "$status" -eq 2 ] || fail "$*: exit status $status, not 2"
  grep -q -e "$said" "$scratch/err" || fail "$*: says '$(cat "$scratch/err")'"
}

refused "unknown command 'frob'; there are: run" frob
refused "which workload" run
refused "unknown workload 'nope'; there are: alloc-24" run nope
refused "unknown engine 'nope'; there are: eddy" run lru --engine nope
refused "unknown option '--nope'; there are: --threads" run lru --nope
refused "needs a value" run lru --json
refused "--threads must be a whole number from 1 to 256, not '0'" run lru --threads 0
refused "--heap-mb must be a whole number" run lru --heap-mb 3x
refused "unknown parameter 'nope'; lru on malloc has: entries" run lru --engine malloc --param nope=1
refused "parameter shards must be from 1 to 256, not 257" run lru --param shards=257
refused "NAME=NUMBER" run lru --param shards
refused "cannot write" run lru --json "$scratch/no/such/directory"
refused "at least two engines" compare lru --engines eddy
refused "twice" compare lru --engines eddy,eddy
refused "--runs must be" compare lru --engines eddy,malloc --runs 0

"$bench" --help | grep -q '^Usage: eddy-bench' || fail "--help does not help"

"$bench" run quads --engine eddy --heap-mb 8 >"$scratch/out" 2>"$scratch/err"
status=$?
[ "$status" -eq 3 ] || fail "a heap that is too small: exit status $status, not 3"
grep -q "out of memory" "$scratch/err" || fail "a heap that is too small: says '$(cat "$scratch/err")'"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
