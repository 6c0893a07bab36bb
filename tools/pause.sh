#!/bin/sh
# Installs what is missing, builds eddy-pause and eddy-bench in the release preset if needed, and runs eddy-pause with
# the arguments given, in the caller's directory (--help lists them).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

"$root/tools/setup.sh" run >&2
mkdir -p "$root/build"
log=$root/build/pause.log
(cd "$root" && cmake --preset release && cmake --build --preset release --target eddy-pause eddy-bench) >"$log" 2>&1 || {
  tail -n 60 "$log" >&2
  echo "pause: the build failed; all of its output is in $log" >&2
  exit 1
}
exec "$root/build/release/tools/pause/eddy-pause" "$@"
