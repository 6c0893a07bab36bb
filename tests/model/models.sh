#!/bin/bash
# Checks the models in spin/ (Promela) and relacy/ (C++), and every wrong variant of them, which must be caught.
# usage: models.sh [--long] [WORD]    without --long: small sizes, about a minute on two cores; with: up to an hour and 12 GB
#   WORD: only the models in whose line it occurs
# Exit status: 0 all as expected, 1 not, 77 nothing run because spin or relacy is missing (tools/setup.sh installs both).
# A line: whether the result is as expected; what was expected, pass or fail; the model and its variant; figures, or what was violated.
set -u
here=$(cd "$(dirname "$0")" && pwd)
long=
if [ "${1:-}" = --long ]; then
  long=1
  shift
fi
only=${1:-}
jobs=${JOBS:-$(nproc)}
[ "$jobs" -le 2 ] || jobs=2 # memory
memory=$([ -n "$long" ] && echo 12000000 || echo 2500000) # kilobytes
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

missing=
command -v spin >/dev/null || missing="spin "
echo '#include <relacy/relacy.hpp>' | ${CXX:-c++} -std=c++14 -w -include stdexcept -fsyntax-only -x c++ - 2>/dev/null ||
  missing="${missing}relacy"
if [ -n "$missing" ]; then
  echo "models: not installed: $missing (tools/setup.sh does that)"
  exit 77
fi

runs=0

verdict() { # verdict EXPECTED GOT NAME FIGURES
  local state=as-expected
  if [ "$1" != "$2" ]; then
    state="UNEXPECTED"
    touch "$out/failed"
    set -- "$1" "$2" "$3" "$2; $4"
  fi
  printf '%-12s %-5s %-48s %s\n' "$state" "$1" "$3" "$4"
}

spin_job() { # spin_job DIRECTORY CLAIM EXPECTED FILE FLAGS...
  local directory=$1 claim=$2 expected=$3 file=$4 got=broken compile search quickly=-O1
  [ "$expected" = pass ] || quickly=-O0 # most of the time goes into the compiler then
  shift 4
  cd "$directory" || exit 1
  cp "$here"/spin/* .
  case "$claim" in
    fairness) compile="-DNFAIR=4 -DCOLLAPSE" search="-a -f" ;;
    large) compile="-DSAFETY -DHC4" search="-w28 -m20000000" ;; # that two of 100 million states are taken for one: 3e-4
    *) compile="-DSAFETY -DCOLLAPSE" search= ;;
  esac
  ulimit -v "$memory"
  # shellcheck disable=SC2086 # lists
  if spin -a "$@" "$file.pml" >log 2>&1 && ${CC:-cc} $quickly -w $compile -o pan pan.c >>log 2>&1; then
    ./pan -m2000000 $search >pan.log 2>&1
    if grep -q 'errors: [1-9]' pan.log; then
      got=fail
    elif grep -q 'errors: 0' pan.log && ! grep -q 'too small\|Search not completed\|out of memory' pan.log; then
      got=pass
    fi
    sed -n 's/^pan:1: \(.*\) (at depth.*/\1/p; s/^ *\([0-9.e+]*\) states, stored.*/\1 states/p' pan.log >figures
  else
    tail -n 2 log >figures
  fi
  verdict "$expected" "$got" "$file ${claim:+($claim) }$*" "$(tac figures 2>/dev/null | tr '\n' ' ' | cut -c1-110)"
}

relacy_job() { # relacy_job DIRECTORY CLAIM EXPECTED FILE FLAGS...
  local directory=$1 expected=$3 file=$4 got=broken
  shift 4
  cd "$directory" || exit 1
  if ${CXX:-c++} -std=c++14 -O0 -w -include stdexcept "-DITERATIONS=$([ -n "$long" ] && echo 5000000 || echo 50000)" "$@" \
      -o model "$here/relacy/$file.cpp" 2>log; then
    timeout 1800 ./model >relacy.log 2>&1
    case $? in 0) got=pass ;; 1) got=fail ;; esac
  fi
  verdict "$expected" "$got" "$file $*" "$(grep -hE '^(iterations:|[A-Z][A-Z ]+)' relacy.log log 2>/dev/null | head -n 1 | cut -c1-110)"
}

start() { # start JOB CLAIM EXPECTED FILE FLAGS...
  case "$*" in *"$only"*) ;; *) return 0 ;; esac
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
    wait -n || true
  done
  runs=$((runs + 1))
  local job=$1
  shift
  mkdir "$out/$runs"
  ( "$job" "$out/$runs" "$@"; rm -rf "${out:?}/$runs" ) &
}

# For models.list: EXPECTED (pass or fail) FILE FLAGS...
safety() { start spin_job "" "$@"; }
large() { start spin_job large "$@"; } # states that do not fit into memory as they are
fairness() { start spin_job fairness "$@"; }
orders() { start relacy_job "" "$@"; }
at_length() { [ -z "$long" ] || "$@"; }

. "$here/models.list"
wait
[ "$runs" -gt 0 ] || { echo "models: nothing has '$only' in its line" >&2; exit 1; }
[ ! -e "$out/failed" ]
