#!/bin/bash
# eddy-pause: recordings of workloads, of any program and of running processes; what show, report, export and compare make
# of them; wrong command lines and damaged recordings are refused with a reason.
# usage: EDDY_PAUSE=PROGRAM EDDY_BENCH=PROGRAM tests/tool_pause.sh
set -u

pause=${EDDY_PAUSE:?is not set}
bench=${EDDY_BENCH:?is not set}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

says() { # says WHAT FILE: the file has a line that matches
  grep -q -e "$1" "$2" || fail "no '$1' in: $(head -c 600 "$2")"
}

# ---- run ----
"$pause" run -o "$scratch/server" requests --param requests=500 --param entries=5000 >"$scratch/out" 2>"$scratch/err" ||
  fail "run requests: $(cat "$scratch/err")"
for line in '^requests --param requests=500 .*2 threads' '^new block  *[1-9]' '^native region  *[1-9]' '^all, nested as one  *[1-9]' \
  '^control, .*% of time  *[0-9]' '^requests: latency  *1000 ' '^  worst thread, without the run queue' '^allocated ' '^peak memory '; do
  says "$line" "$scratch/out"
done
"$pause" run --quiet -o "$scratch/trees" --control-percent 0 -- "$bench" run binary-trees --param depth=12 >"$scratch/out" ||
  fail "run -- COMMAND"
says '^binary-trees on eddy' "$scratch/out" # the command's own output
"$pause" run --quiet --runs 3 -o "$scratch/set" alloc-24 --param objects=200000 || fail "run --runs 3"
[ -s "$scratch/set.1" ] && [ -s "$scratch/set.3" ] && [ ! -e "$scratch/set.4" ] || fail "--runs 3 writes three files"
leftover=$(find "$scratch" -name '*.??????' -type d)
[ -z "$leftover" ] || fail "directories are left over: $leftover"

# ---- attach ----
export XDG_RUNTIME_DIR=$scratch
EDDY_RECORD=attach "$bench" run requests --param requests=1000000 --param entries=2000 >/dev/null &
server=$!
for _ in $(seq 200); do
  [ -e "$scratch/eddy/$server-1" ] && break
  sleep 0.05
done
"$pause" attach $server --seconds 1 -o "$scratch/attached" >"$scratch/out" 2>"$scratch/err" || fail "attach: $(cat "$scratch/err")"
says "^process $server: 2 threads" "$scratch/out"
says '^requests: latency  *[1-9]' "$scratch/out"
"$pause" attach $server --heap 2 -o "$scratch/none" >/dev/null 2>"$scratch/err" && fail "attach to a heap that is not there"
says 'allows no recording of heap 2' "$scratch/err"
kill $server
wait $server 2>/dev/null
"$pause" attach $$ >/dev/null 2>"$scratch/err" && fail "attach to a process that does not allow it"
says 'allows no recording' "$scratch/err"

# ---- report, export ----
"$pause" report "$scratch/server" "$scratch/trees" -o "$scratch/page.html" || fail "report"
says '<title>Pauses' "$scratch/page.html"
grep -q '@[A-Z_]*@' "$scratch/page.html" && fail "a part of the page is missing"
grep -qE '(src|href)=' "$scratch/page.html" && fail "the page refers to other files"
for format in hgrm hlog trace csv json; do
  "$pause" export "$scratch/server" --format $format -o "$scratch/export.$format" || fail "export --format $format"
done
count=$(sed -n 's/^#\[Max .*Total count *= *\([0-9]*\)\]/\1/p' "$scratch/export.hgrm")
outer=$("$pause" show "$scratch/server" | sed -n 's/^all, nested as one *\([0-9]*\) .*/\1/p')
[ -n "$count" ] && [ "$count" = "$outer" ] || fail "the histogram has $count stalls, the table $outer"
"$pause" export "$scratch/server" --format hgrm --kind request | grep -q 'Total count *= *1000\]' || fail "--kind request"
says '^Tag=all,.*,HISTFAA' "$scratch/export.hlog"
[ "$(grep -c '^event,1,' "$scratch/export.csv")" -eq 1000 ] || fail "the CSV has a line for each request"
bad=$(awk -F, 'NF != 9' "$scratch/export.csv" | wc -l)
[ "$bad" -eq 0 ] || fail "$bad lines of the CSV have not nine fields"
for key in format version metrics threads epochs p9999_us mmu_1ms survival_percent control.max_us request.p99_us; do
  says "\"$key\":" "$scratch/export.json"
done
# this workload asks for collections: there are epochs for sure
"$pause" run --quiet -o "$scratch/cycles" cycles --param pairs=20000 || fail "run cycles"
"$pause" export "$scratch/cycles" --format json --whole >"$scratch/export.json"
says '"live_bytes":' "$scratch/export.json"
says '"cycles_freed": [1-9]' "$scratch/export.json"
"$pause" export "$scratch/cycles" --format csv | grep -q '^phase,cycle_test,' || fail "the CSV has the collector's phases"
says '"ph":"X"' "$scratch/export.trace"
says '"thread_name"' "$scratch/export.trace"

# ---- compare, limits ----
sets="$scratch/set.1,$scratch/set.2,$scratch/set.3"
"$pause" compare "$sets" "$sets" --seed 7 >"$scratch/out" || fail "compare"
says 'seed 7' "$scratch/out"
says '^p99_us .*no difference seen' "$scratch/out"
"$pause" compare "$sets" "$scratch/server" --json >"$scratch/out" || fail "compare --json"
says '"format": "eddy-pause compare"' "$scratch/out"
"$pause" compare "$sets" "$sets" --fail 'p99_us>1%' >/dev/null || fail "a limit that is kept"
"$pause" show "$scratch/server" --fail 'max_us<1e9' >/dev/null 2>"$scratch/err" && fail "a limit that is exceeded"
says 'limit exceeded: max_us<1e9' "$scratch/err"
"$pause" show "$scratch/server" --fail 'request.count<1000' --fail 'mmu_1ms>1' >/dev/null || fail "limits that are kept"

# ---- what is refused ----
refused() { # refused STATUS WHAT-IS-SAID ARGUMENT...
  expected=$1 said=$2
  shift 2
  "$pause" "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  [ "$status" -eq "$expected" ] || fail "$*: exit status $status, not $expected"
  grep -q -e "$said" "$scratch/err" || fail "$*: says '$(cat "$scratch/err")'"
}

refused 2 "unknown command 'frob'; there are: run" frob
refused 2 "run what" run
refused 2 "unknown option '--nope'; there are: --output" run --nope
refused 2 "needs a value" run -o
refused 2 "control-percent must be a whole number from 0 to 100" run --control-percent 101 alloc-24
refused 2 "which process" attach
refused 2 "PID must be" attach x
refused 1 "no process 99999999" attach 99999999
refused 2 "which recording" show
refused 2 "must be FIGURE>NUMBER" show "$scratch/server" --fail nonsense
refused 2 "no such figure" show "$scratch/server" --fail 'nope>1'
refused 2 "only a comparison" show "$scratch/server" --fail 'max_us>1%'
refused 2 "format must be" export "$scratch/server" --format frob
refused 2 "unknown kind 'nope'" export "$scratch/server" --format hgrm --kind nope
refused 2 "which two" compare "$scratch/server"
refused 1 "cannot read" show "$scratch/not/there"
refused 1 "cannot write" report "$scratch/server" -o "$scratch/not/there.html"
refused 1 "cannot run" run -o "$scratch/x" -- "$scratch/no-program"
refused 1 "recorded nothing" run -o "$scratch/x" -- true
refused 1 "exit status 3 before" run -o "$scratch/x" -- sh -c 'exit 3'
refused 1 "recorded nothing" run -o "$scratch/x" alloc-24 --engine malloc --param objects=1000
refused 1 "unknown parameter 'nope'" run -o "$scratch/x" alloc-24 --param nope=1
refused 1 "is no recording" show "$0"
: >"$scratch/empty"
refused 1 "it is empty" show "$scratch/empty"
bytes=$(stat -c %s "$scratch/server")
head -c $((bytes - 32)) "$scratch/server" >"$scratch/cut"
refused 1 "cut short" show "$scratch/cut"
"$pause" show --salvage "$scratch/cut" >"$scratch/out" || fail "--salvage"
says 'was cut short' "$scratch/out"
head -c 20 "$scratch/server" >"$scratch/cut"
refused 1 "cut short within its header" show --salvage "$scratch/cut"
{ cat "$scratch/server"; echo; } >"$scratch/long"
refused 1 "bytes follow its end" show "$scratch/long"
{ head -c 64 "$scratch/server"; head -c 4096 /dev/zero; } >"$scratch/zeros"
refused 1 "there is no record" show "$scratch/zeros"
{ head -c 8 "$scratch/server"; printf '\7\0\0\0'; tail -c +13 "$scratch/server"; } >"$scratch/future"
refused 1 "format version 7" show "$scratch/future"

"$pause" --help | grep -q '^Usage: eddy-pause' || fail "--help does not help"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
