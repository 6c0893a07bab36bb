#!/bin/sh
# Installs what is missing, builds eddy-bench in the release preset if needed, and runs it with the
# arguments given, in the caller's directory (--help lists them). "all" runs everything on every engine and on what
# there is of other languages, and "page" writes its results page once more: suite/ beside eddy-bench. "counting" runs
# eddy-counting instead.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

tool=bench
needs=run
case ${1:-} in
all | page)
  needs=bench
  for argument in "$@"; do
    [ "$argument" != --install-peers ] || needs=peers
  done
  ;;
counting)
  tool=counting
  needs=counting
  ;;
esac
"$root/tools/setup.sh" $needs >&2
mkdir -p "$root/build"
log=$root/build/$tool.log
(cd "$root" && cmake --preset release && cmake --build --preset release --target "eddy-$tool") >"$log" 2>&1 || {
  tail -n 60 "$log" >&2
  echo "$tool: the build failed; all of its output is in $log" >&2
  exit 1
}
case ${1:-} in
all | page) exec python3 -B "$root/tools/bench/suite" "$@" ;;
counting) shift ;;
esac
exec "$root/build/release/tools/$tool/eddy-$tool" "$@"
