#!/bin/sh
# Installs what is missing, builds eddy-bench in the release preset if needed, and runs it with the
# arguments given, in the caller's directory (--help lists them). "all" runs everything on every engine and on what
# there is of other languages, and "page" writes its results page once more: suite/ beside eddy-bench.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

case ${1:-} in
all | page)
  needs=bench
  for argument in "$@"; do
    [ "$argument" != --install-peers ] || needs=peers
  done
  "$root/tools/setup.sh" $needs >&2
  ;;
*) "$root/tools/setup.sh" run >&2 ;;
esac
mkdir -p "$root/build"
log=$root/build/bench.log
(cd "$root" && cmake --preset release && cmake --build --preset release --target eddy-bench) >"$log" 2>&1 || {
  tail -n 60 "$log" >&2
  echo "bench: the build failed; all of its output is in $log" >&2
  exit 1
}
case ${1:-} in
all | page) exec python3 -B "$root/tools/bench/suite" "$@" ;;
esac
exec "$root/build/release/tools/bench/eddy-bench" "$@"
