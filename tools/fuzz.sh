#!/bin/sh
# Installs what is missing, builds eddy-fuzz if needed, and runs it with the arguments given, in the caller's directory
# (--help lists them). A first argument --sanitize=address or --sanitize=thread chooses a build with that sanitizer.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
preset=mutants
case ${1:-} in
--sanitize=address) preset=fuzz-asan; shift ;;
--sanitize=thread) preset=fuzz-tsan; shift ;;
--sanitize=*)
  echo "fuzz: --sanitize must be address or thread, not '${1#*=}'" >&2
  exit 2
  ;;
esac

"$root/tools/setup.sh" test >&2
mkdir -p "$root/build"
log=$root/build/fuzz.log
(cd "$root" && cmake --preset $preset && cmake --build --preset $preset --target eddy-fuzz) >"$log" 2>&1 || {
  tail -n 60 "$log" >&2
  echo "fuzz: the build failed; all of its output is in $log" >&2
  exit 1
}
# Conservative scans read the real stack only, so no fake one.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=0}"
exec "$root/build/$preset/tools/fuzz/eddy-fuzz" "$@"
