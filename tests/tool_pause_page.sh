#!/bin/bash
# The page of eddy-pause report in a real browser. Skipped (77) where there is none: chromium, chromium-driver, nodejs.
# usage: EDDY_PAUSE=PROGRAM EDDY_BENCH=PROGRAM [PAUSE_SHOTS=DIRECTORY] tests/tool_pause_page.sh
set -u

pause=${EDDY_PAUSE:?is not set}
here=$(cd "$(dirname "$0")" && pwd)
driver=$(command -v chromedriver)
browser=$(command -v chromium)
if [ -z "$driver" ] || [ -z "$browser" ] || ! command -v node >/dev/null; then
  echo "skipped: needs chromium, chromedriver and node"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

make() { # make NAME WORKLOAD OPTION...
  name=$1
  shift
  "$pause" run --quiet -o "$scratch/$name" "$@" || exit 1
}
make server requests --param requests=800 --param entries=20000
make trees binary-trees --threads 2 --param depth=13
"$pause" report "$scratch/server" "$scratch/trees" -o "$scratch/page.html" || exit 1
node "$here/pause/page.mjs" "$driver" "$browser" "$scratch/page.html" 2 "$scratch" ${PAUSE_SHOTS:+"$PAUSE_SHOTS"}
