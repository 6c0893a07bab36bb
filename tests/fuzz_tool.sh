#!/bin/bash
# eddy-fuzz: finds nothing in a short run, finds a deliberate bug, repeats and shrinks it, writes the same trace twice,
# refuses wrong command lines with a reason. usage: EDDY_FUZZ=PROGRAM tests/fuzz_tool.sh
set -u

fuzz=${EDDY_FUZZ:?is not set}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

status_of() { # status_of EXPECTED ARGUMENT...
  expected=$1
  shift
  "$fuzz" "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  [ "$status" -eq "$expected" ] || fail "$*: exit status $status, not $expected: $(tail -n 3 "$scratch/out" "$scratch/err")"
}

said() { # said TEXT: in the output of the last command
  grep -q -e "$1" "$scratch/out" "$scratch/err" || fail "does not say '$1' but: $(cat "$scratch/out" "$scratch/err")"
}

status_of 0 --seconds 2 --mode scheduled --seed 100 --json "$scratch/run.json" --output "$scratch/none"
said "nothing was found"
said "hook points reached"
for key in seconds schedules operations operations_per_s points epochs objects cycles_reclaimed hooks outcome; do
  grep -q "\"$key\":" "$scratch/run.json" || fail "the JSON has no key $key"
done
[ -e "$scratch/none" ] && fail "a failure was written, and there is none"

status_of 0 --seconds 2 --mode free --threads 3 --output "$scratch/none"

for i in 1 2; do
  status_of 0 --schedules 1 --seed 77 --mode scheduled --trace "$scratch/trace$i"
done
cmp -s "$scratch/trace1" "$scratch/trace2" || fail "two traces of one seed differ"
[ -s "$scratch/trace1" ] || fail "the trace is empty"

status_of 1 --seconds 60 --mode scheduled --mutant NO_COMPENSATION --output "$scratch/found"
said "FOUND: a count is wrong"
status_of 1 replay "$scratch/found" --trace "$scratch/trace"
said "a count is wrong"
status_of 1 shrink "$scratch/found" --seconds 15
said "assert_case_passes"
status_of 1 replay "$scratch/found.small"
left=$(grep -c '^t[0-9]' "$scratch/found.small")
all=$(grep -c '^t[0-9]' "$scratch/found")
[ "$left" -lt "$all" ] || fail "$left operations of $all are left by shrinking"
status_of 0 replay "$scratch/found.small" --mutant NONE
status_of 0 mutants --mutant SWEEP_EARLY --seeds 1 --seconds 30
said "1 of 1 found"

printf 'threads 2\nt0 link h0 0 0\nt1 safepoint\nt0 root-store r0 h0\nt1 collect 1\n' >"$scratch/tiny"
status_of 0 exhaustive "$scratch/tiny" --bound 1 --seconds 30
said "schedules with at most 1 preemptions; passed"

refused() { # refused WHAT-IS-SAID ARGUMENT...
  what=$1
  shift
  status_of 2 "$@"
  said "$what"
}
refused "unknown command 'frob'; there are: run" frob
refused "unknown option '--nope'" --nope 1
refused "value is missing" --json
refused "--threads must be a whole number from 2 to 16, not '1'" --threads 1
refused "--seconds must be a number above 0, not '0'" --seconds 0
refused "unknown mode 'nope'; there are: scheduled" --mode nope
refused "there is no deliberate bug 'NOPE'" --mutant NOPE
refused "which file? replay needs one" replay
refused "cannot read" replay "$scratch/no/such/file"
printf 'threads 2\nt0 frob\n' >"$scratch/wrong"
refused "line 2: unknown operation 'frob'" replay "$scratch/wrong"
"$fuzz" --help | grep -q '^Usage: eddy-fuzz' || fail "--help does not help"
"$fuzz" list | grep -q '^  DEC_NOW' || fail "list does not list"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
