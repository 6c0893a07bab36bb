#!/bin/bash
# The installed headers, as programs see them: each alone, and all of them twice (with EDDY_DEBUG, too), under C11, C17 and C++17, with gcc and
# clang, with -Wall -Wextra -pedantic. usage: EDDY_BUILD=DIRECTORY tests/tool_headers.sh
set -u

build=${EDDY_BUILD:?is not set}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

cmake --install "$build" --component development --prefix "$scratch/prefix" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
cd "$scratch/prefix/include" || exit 1
headers=$(printf '%s\n' eddy/*.h)
[ "$(echo "$headers" | wc -l)" -gt 20 ] || fail "hardly a header is installed"
for header in $headers; do
  name=${header#eddy/}
  echo "#include <$header>" >"$scratch/${name%.h}.c"
  echo "int eddy_header_${name%.h};" >>"$scratch/${name%.h}.c"
done
for header in $headers $headers; do
  echo "#include <$header>"
done >"$scratch/all_twice.c"
echo "int main(void) { return EDDY_OK; }" >>"$scratch/all_twice.c"

warnings="-Wall -Wextra -pedantic -Werror"
for compiler in gcc clang; do
  for language in "c -std=c11" "c -std=c17" "c++ -std=c++17"; do
    # shellcheck disable=SC2086 # lists of options
    {
      $compiler -x $language $warnings -I . -fsyntax-only "$scratch"/*.c &&
        $compiler -x $language $warnings -I . -fsyntax-only -DEDDY_DEBUG "$scratch/all_twice.c"
    } 2>"$scratch/log" || {
      head -n 20 "$scratch/log"
      fail "$compiler -x $language $warnings"
    }
  done
done

[ "$failures" -eq 0 ] && echo "all passed"
exit "$((failures != 0))"
