#!/bin/bash
# eddy-depgraph: small graphs whose figures are known, malformed and missing input, wrong command lines,
# a heap that is too small, threads and processes at work. usage: tests/tool_depgraph.sh [PROGRAM], or
# EDDY_DEPGRAPH=PROGRAM tests/tool_depgraph.sh
set -u

program=$(realpath "${1:-${EDDY_DEPGRAPH:?is not set}}") || exit 1
cd "$(dirname "$0")/data/depgraph" || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

run() { # run EXIT-CODE ARGUMENT...
  wanted=$1
  shift
  command="eddy-depgraph $*"
  "$program" "$@" >"$scratch/out" 2>"$scratch/err"
  code=$?
  [ "$code" -eq "$wanted" ] || fail "$command: exit code $code, not $wanted: $(tail -n 3 "$scratch/err")"
}

prints() { # prints TEXT...: each is in the standard output of the last run
  for text; do
    grep -qF -e "$text" "$scratch/out" || fail "$command: does not print '$text'"
  done
}

says() { # says TEXT...: the same for the error output
  for text; do
    grep -qF -e "$text" "$scratch/err" || fail "$command: says '$(head -c 300 "$scratch/err")', not '$text'"
  done
}

holds() { # holds FILE TEXT...
  file=$1
  shift
  for text; do
    grep -qF -e "$text" "$file" || fail "$command: no $text in the JSON"
  done
}

# Number at a key of the last run's JSON (of its first place).
number() {
  sed -n "s/^ *\"$1\": \([0-9]*\),\{0,1\}$/\1/p" "$scratch/json" | head -n 1
}

# What is found.
run 0 --seconds 0 known.packages
prints "1 files, 9 stanzas, 0 malformed lines" "9 packages, 2 virtual packages" \
  "14 edges, 2 of them only Recommends or Suggests" "2 unresolved names: ghost, phantom" \
  "2 dependency cycles; the largest has 5 members: alpha, beta, gamma, mail-server, postman" \
  "with Recommends and Suggests, the largest cycle has 7 members"
[ -s "$scratch/err" ] && fail "$command: complains: $(cat "$scratch/err")"

run 0 --seconds 0 older.packages
prints "3 stanzas superseded" "3 packages, 0 virtual packages" "4 edges, 0 of them" "0 unresolved names" \
  "the largest has 3 members: new, tool, tool:i386"

run 0 --seconds 0 known.packages older.packages
prints "2 files, 15 stanzas" "12 packages, 2 virtual packages" "18 edges"

# Malformed lines are named and left out, and the rest is loaded.
run 0 --seconds 0 malformed.packages
prints "15 malformed lines left out" "3 packages, 1 virtual packages" "3 edges"
says 'malformed.packages:3: an empty dependency' \
  'malformed.packages:3: a version constraint without an operator: "third (1.0)"' \
  'malformed.packages:3: unexpected text after a dependency: "Fo$o"' \
  'malformed.packages:3: a version constraint without a closing parenthesis' \
  'malformed.packages:4: an alternative is missing at the end' \
  'malformed.packages:6: a continuation line without a field' \
  'malformed.packages:8: a stanza without a field Package' \
  'malformed.packages:11: not a package name: "$bad"' \
  'malformed.packages:13: no colon after a field name: "this is no field"' \
  'malformed.packages:14: empty field name' \
  'malformed.packages:17: second field Version in one stanza' \
  'malformed.packages:18: not a field name: "bad name"' \
  'malformed.packages:20: a version constraint without an operator: "first (!= 3)"' \
  'malformed.packages:27: a line with a NUL byte'

seq 300 >"$scratch/numbers"
run 1 --seconds 0 "$scratch/numbers"
says "numbers:100: no colon" "more malformed lines follow" "no package found"
grep -q "numbers:101:" "$scratch/err" && fail "$command: shows more than 100 malformed lines"
: >"$scratch/empty"
run 1 --seconds 0 "$scratch/empty"
says "no package found"

# Compressed files, whole and broken.
if [ -x /usr/lib/apt/apt-helper ]; then
  gzip -c known.packages >"$scratch/known.gz"
  run 0 --seconds 0 "$scratch/known.gz"
  prints "9 packages, 2 virtual packages" "14 edges"
  { head -c 100 "$scratch/known.gz"; cat known.packages; } >"$scratch/broken.gz"
  run 0 --seconds 0 older.packages "$scratch/broken.gz"
  says "the file ends early"
fi

# What cannot be read, and wrong command lines.
run 2 known.packages missing.packages
says "cannot read missing.packages: No such file or directory"
run 2 .
says "cannot read .: Is a directory"
run 2 --frob known.packages
says "frob" "Try eddy-depgraph --help"
run 2 --seconds 1s known.packages
says '--seconds takes a number from 0 to 86400, not "1s"'
run 2 --readers -1 known.packages
says "--readers takes a number"
run 2 --processes 0 known.packages
says "--processes takes a number"
run 2 --heap-limit 10 known.packages
says "--heap-limit takes a size"
run 2 --heap-limit 1T known.packages
says "--heap-limit takes a size"
run 2 --seconds 0 --json "$scratch/no/such/file" known.packages
says "cannot write $scratch/no/such/file"
run 0 --help
prints "Usage: eddy-depgraph" "--processes N"

# Threads at work: old releases are reclaimed, every answer stays the same, the heap is sound at the end.
for kind in "" --precise; do
  # shellcheck disable=SC2086
  run 0 --seconds 1 --readers 2 --writers 2 --release-every 50 --verify $kind --json "$scratch/json" known.packages
  prints "releases dropped" "garbage cycles" "queries" "replacements" "process peak" "reader 2" "writer 2" \
    "control thread" "no mismatch"
  holds "$scratch/json" '"edges": 14' '"largest_cycle": 5' '"mail-server"' '"mismatches": 0' '"mmu_1ms"' \
    '"p9999_ns"' '"max_cost_ns"' '"control"'
  [ "$(number releases)" -gt 5 ] || fail "$command: only $(number releases) releases"
  [ "$(number cycle_objects_freed)" -gt 100 ] || fail "$command: $(number cycle_objects_freed) objects freed in cycles"
  [ "$(number live_bytes_after)" -le $(($(number live_bytes_before) * 3 + 4096)) ] ||
    fail "$command: $(number live_bytes_after) bytes live at the end, $(number live_bytes_before) before"
done

# A graph of some size: limits that are too small, and one that is not.
seq 5000 | awk '{ n = $1 % 5000 + 1; m = $1 * 7 % 5000 + 1
  printf "Package: package-%d\nVersion: 1.%d\nDepends: package-%d, package-%d, package-1\n\n", $1, $1, n, m }' \
  >"$scratch/ring"
run 3 --seconds 1 --heap-limit 1M "$scratch/ring"
says "out of memory: a heap limited to 1.0 MB is too small to hold the graph"
run 0 --seconds 1 --heap-limit 32M --release-every 100 --verify --json "$scratch/json" "$scratch/ring"
prints "the largest has 5000 members" "no mismatch"
[ "$(number live_bytes_after)" -le $(($(number live_bytes_before) * 3 / 2)) ] ||
  fail "$command: $(number live_bytes_after) bytes live at the end, $(number live_bytes_before) before"
peak=$(sed -n '/"heap"/,/}/s/.*"peak_bytes": \([0-9]*\).*/\1/p' "$scratch/json" | head -n 1)
# Tables of a search for cycles may exceed the limit while it lasts.
[ "$peak" -le $((32 * 1024 * 1024 * 5 / 4)) ] || fail "$command: the heap has grown to $peak bytes"

# Threads beside processes.
run 0 --seconds 1 --processes 2 --release-every 100 --json "$scratch/json" "$scratch/ring"
prints "threads beside processes" "memory, sum of peaks" "releases/s, each graph" "CPU of all"
holds "$scratch/json" '"processes"'
run 3 --seconds 1 --processes 2 --heap-limit 1M "$scratch/ring"
says "out of memory"
run 2 --processes 2 missing.packages
says "cannot read missing.packages"

# This machine's own data.
if [ -r /var/lib/dpkg/status ]; then
  run 0 --seconds 0
  prints "/var/lib/dpkg/status" "dependency cycles"
  run 0 --seconds 0 --system known.packages
  prints "/var/lib/dpkg/status" "known.packages"
fi

if [ "$failures" -gt 0 ]; then
  echo "$failures failures"
  exit 1
fi
echo "all passed"
