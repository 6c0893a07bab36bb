#!/bin/bash
# What the libraries make visible: the shared one the names of tools/cmake/exports.txt, which are those that the public headers declare, under a
# version of their own; the static one and the single file nothing that does not begin with eddy_. usage: EDDY_BUILD=DIRECTORY tests/tool_symbols.sh
set -u

build=${EDDY_BUILD:?is not set}
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

"$root/tools/symbols" "$build" >"$scratch/exports"
diff "$root/tools/cmake/exports.txt" "$scratch/exports" ||
  fail "libeddy.so does not export what tools/cmake/exports.txt lists; is that meant? tools/symbols $build >tools/cmake/exports.txt"

# Functions and variables marked EDDY_API, declared over one line or two; fuzz.h is that of a library of its own.
find "$root/include/eddy" -name '*.h' ! -name fuzz.h -exec cat {} + | tr '\n' ' ' | grep -oE 'EDDY_API[^;({]*[ *]eddy_[a-z0-9_]+ *([(;]|__attribute__)' |
  sed -E 's/.*[ *](eddy_[a-z0-9_]+) *([(;]|__attribute__)$/\1/' | LC_ALL=C sort -u >"$scratch/declared"
[ "$(wc -l <"$scratch/declared")" -gt 100 ] || fail "declarations of public functions are not recognised"
grep '^eddy_' "$scratch/exports" | diff "$scratch/declared" - || fail "the headers declare other names than libeddy.so exports"

version=$(sed -nE 's/#define EDDY_VERSION_(MAJOR|MINOR) //p' "$root/include/eddy/base.h" | paste -sd.)
case $version in 0.*) abi=$version ;; *) abi=${version%%.*} ;; esac
objdump -p "$build/libeddy.so" >"$scratch/dump"
grep -q " SONAME  *libeddy\.so\.$abi\$" "$scratch/dump" || fail "its SONAME is not libeddy.so.$abi"
nm -D --defined-only "$build/libeddy.so" | grep -v " A EDDY_$abi\$" | grep -v "@@EDDY_$abi\$" && fail "names without the version EDDY_$abi"

# (_.stapsdt.base: what <sys/sdt.h> puts beside probes, hidden and the same in all programs.)
foreign() { # foreign FILE
  nm -g --defined-only "$1" | awk 'NF == 3 && $3 !~ /^eddy_/ && $3 != "_.stapsdt.base" {print $3}'
}
names=$(foreign "$build/libeddy.a") || fail "nm"
[ -z "$names" ] || fail "libeddy.a has names that are not its own:" $names
"$root/tools/amalgamate" "$scratch/eddy.c" && cc -I "$root/include" -c "$scratch/eddy.c" -o "$scratch/eddy.o" || fail "the single file"
names=$(foreign "$scratch/eddy.o")
[ -z "$names" ] || fail "the single file has names that are not its own:" $names

[ "$failures" -eq 0 ] && echo "all passed"
exit "$((failures != 0))"
