#!/bin/sh
# Installs the Debian packages that are missing (needs root, or sudo, only then).
# usage: tools/setup.sh [run|test|full|bench|peers|counting|coverage|cross|docs|package]
#   run: what the release build needs; test (default): also what the tests need; full: also a browser and what drives
#   it, for the test of eddy-pause's pages; bench: what the release build and ./tools/bench.sh all need; peers: also
#   the other languages that it compares with; counting: also what counts instructions;
#   coverage: what tools/coverage needs; cross: what tools/cross-aarch64 needs; docs: what tools/docs needs; package: what tools/package needs
set -eu

packages="gcc g++ libc6-dev cmake ninja-build pkg-config libjemalloc-dev libcmocka-dev libgc-dev libjansson-dev"
docs="doxygen python3 python3-sphinx python3-breathe python3-myst-parser furo"
tests="clang clang-format clang-tidy libclang-rt-14-dev valgrind gdb python3 spin relacy-dev $docs"
case ${1:-test} in
run) ;;
test) packages="$packages $tests" ;;
full) packages="$packages $tests chromium chromium-driver nodejs" ;;
bench) packages="$packages python3" ;;
peers) packages="$packages python3 openjdk-17-jdk-headless golang-go nim" ;;
counting) packages="$packages valgrind" ;;
coverage) packages="$packages python3 gcovr" ;;
docs) packages=$docs ;;
package) packages="$packages file dpkg-dev" ;;
cross) packages="cmake ninja-build pkg-config gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" ;;
*)
  echo "usage: $0 [run|test|full|bench|peers|counting|coverage|cross|docs|package]" >&2
  exit 2
  ;;
esac

fail() {
  echo "setup: $*" >&2
  exit 1
}

command -v dpkg-query >/dev/null || fail "this is no Debian system; install by hand what corresponds to: $packages"
missing=
for package in $packages; do
  case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
  installed) ;;
  *) missing="$missing $package" ;;
  esac
done
if [ -z "$missing" ]; then
  exit 0
fi

echo "setup: installing$missing"
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  fail "packages are missing, and this is neither root nor is there sudo; as root: apt-get install$missing"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { # quietly COMMAND...
  # shellcheck disable=SC2086 # as_root may be nothing
  $as_root env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "$* failed"
  }
}
quietly apt-get update -q
# shellcheck disable=SC2086 # a list
quietly apt-get install -q -y --no-install-recommends $missing
echo "setup: done"
