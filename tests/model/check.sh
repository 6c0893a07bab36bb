#!/bin/sh
# Checks the protocol of docs/design.md, then every wrong variant that must be caught. Needs a C++ compiler. A few minutes.
# usage: check.sh [--long]     (--long: larger heaps, about an hour and several GB)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

run() { # run EXPECTED NAME FLAGS...
  expected=$1 name=$2; shift 2
  c++ -O2 -w -o "$out/checker" "$here/checker.cpp" -DF=1 "$@"
  verdict=$("$out/checker" 2>/dev/null | head -n 1) || true
  case $verdict in "$expected"*) state=as-expected ;; *) state=UNEXPECTED; failed=1 ;; esac
  printf '%-12s %-26s %s\n' "$state" "$name" "$verdict"
}

base="-DN=3 -DEPOCHS=3"
weak="-DN=2 -DL=1 -DOPS=4 -DEPOCHS=5 -DNO_CYCLES -DWEAK"
cycle="-DN=3 -DL=1 -DEPOCHS=4 -DWEAK -DSTART"
cons="-DN=2 -DL=2 -DOPS=4 -DEPOCHS=3 -DNO_CYCLES -DCONS"

run OK        "protocol with cycles"     $base -DL=1 -DOPS=3 -DOPS1=1
run OK        "protocol, no cycles"      $base -DL=1 -DOPS=5 -DOPS1=1 -DNO_CYCLES
run OK        "publish by closure"       $base -DL=1 -DOPS=4 -DOPS1=1 -DNO_CYCLES -DPUBLISH_CLOSURE
run OK        "sliced preparation"       -DN=3 -DEPOCHS=4 -DL=1 -DOPS=3 -DOPS1=1 -DSLICED
run OK        "weak references"          -DN=2 -DL=1 -DOPS=3 -DOPS1=2 -DEPOCHS=4 -DNO_CYCLES -DWEAK
run OK        "weak references, cycles"  -DN=2 -DL=1 -DOPS=3 -DOPS1=1 -DEPOCHS=4 -DWEAK
run OK        "weak cells of a cycle"    $cycle -DW=2 -DOPS=2 -DOPS1=1
run OK        "ephemerons"               $cycle -DEPH -DOPS=2 -DOPS1=1
run OK        "conservative roots"       -DN=2 -DL=1 -DOPS=3 -DOPS1=1 -DEPOCHS=3 -DNO_CYCLES -DCONS
run VIOLATION "dec in its own epoch"     $base -DL=2 -DOPS=3 -DNO_CYCLES -DBUG_DEC_NOW
run VIOLATION "no drain"                 $base -DL=2 -DOPS=5 -DOPS1=1 -DNO_CYCLES -DBUG_NO_DRAIN
run VIOLATION "CAS before push"          $base -DL=2 -DOPS=5 -DOPS1=1 -DNO_CYCLES -DBUG_CAS_FIRST
run VIOLATION "no compensation"          $base -DL=1 -DOPS=5 -DOPS1=1 -DNO_CYCLES -DBUG_NO_COMP
run VIOLATION "no bump at publish"       $base -DL=1 -DOPS=5 -DOPS1=1 -DNO_CYCLES -DBUG_NO_BUMP
run VIOLATION "no delta test"            $base -DL=1 -DOPS=4 -DOPS1=2 -DBUG_NO_DELTA
run VIOLATION "no sigma test"            $base -DL=1 -DOPS=4 -DOPS1=2 -DBUG_NO_SIGMA
run VIOLATION "tests without epoch"      $base -DL=1 -DOPS=4 -DOPS1=2 -DBUG_TEST_NOW
run VIOLATION "weak: no hold"            $weak -DNOHOLD
run VIOLATION "weak: no count test"      $weak -DNOHOLD -DWK_NOCOUNT
run VIOLATION "weak: push before rescue" $weak -DWK_INCFIRST
run VIOLATION "weak: private target"     $weak -DWK_PRIV
run VIOLATION "weak: decided at once"    $weak -DWK_SAME
run VIOLATION "weak: cycle at once"      -DN=2 -DL=1 -DOPS=5 -DOPS1=2 -DEPOCHS=5 -DWEAK -DWK_CYCLE_SAME
run VIOLATION "weak: delta not extended" -DN=2 -DL=1 -DOPS=5 -DOPS1=2 -DEPOCHS=5 -DWEAK -DWK_NO_WINDOW
run VIOLATION "weak: loaded long ago"    $weak -DWK_SEEN_EVER
run VIOLATION "weak: a word per cell"    $cycle -DW=2 -DOPS=2 -DWK_EACH
run VIOLATION "ephemeron: not counted"   $cycle -DEPH -DOPS=3 -DOPS1=2 -DEPH_NOINC
run VIOLATION "ephemeron: key not held"  $cycle -DEPH -DOPS=3 -DOPS1=2 -DEPH_BARE
run VIOLATION "ephemeron: not released"  $cycle -DEPH -DOPS=3 -DOPS1=2 -DEPH_NORELEASE
run VIOLATION "ephemeron: dropped now"   $cycle -DEPH -DOPS=3 -DOPS1=2 -DEPH_NOW
run VIOLATION "ephemeron: no touch"      $cycle -DEPH -DOPS=3 -DOPS1=2 -DEPH_NOTOUCH
run VIOLATION "filter after last drain"  $cons -DFILTER_LAST
run VIOLATION "filter: any private word" $cons -DFILTER_ANYPRIV
if [ "${1:-}" = --long ]; then
  run OK      "protocol with cycles"     $base -DL=1 -DOPS=4 -DOPS1=2
  run OK      "two locals"               $base -DL=2 -DOPS=5 -DOPS1=1 -DNO_CYCLES
  run OK      "sliced preparation"       -DN=3 -DEPOCHS=4 -DL=1 -DOPS=4 -DOPS1=2 -DSLICED
  run OK      "weak references"          $weak
  run OK      "weak references, cycles"  -DN=2 -DL=1 -DOPS=4 -DOPS1=2 -DEPOCHS=5 -DWEAK
  run OK      "weak cells of a cycle"    $cycle -DW=2 -DOPS=3 -DOPS1=2
  run OK      "ephemerons"               $cycle -DEPH -DOPS=3 -DOPS1=2
  run OK      "closure, 4 cells"         -DN=4 -DEPOCHS=3 -DL=1 -DOPS=4 -DOPS1=2 -DNO_CYCLES -DPUBLISH_CLOSURE
fi
exit $failed
