#!/bin/sh
# Installs a finished build into a temporary directory, moves it, and builds and runs programs against it:
# with pkg-config and with find_package, shared and static, C11 and C++17, gcc and clang, and README.md's example.
# usage: check.sh BUILD_DIRECTORY
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "install check: $*" >&2
  exit 1
}

echo "== install"
cmake --install "$build" --prefix "$work/first" >"$work/log" || { cat "$work/log"; fail "cmake --install failed"; }
mv "$work/first" "$work/prefix" # an installation may be moved
prefix=$work/prefix
for header in "$root"/include/eddy/*.h; do
  cmp -s "$header" "$prefix/include/eddy/${header##*/}" || fail "${header##*/} is not installed"
done
libdir=$(dirname "$(find "$prefix" -name libeddy.a)")
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"
version=$(pkg-config --modversion eddy)

foreign=$(nm -D --defined-only "$libdir/libeddy.so" | awk '$2 != "A" && $3 !~ /^eddy_/ {print $3}') # A: the version
[ -z "$foreign" ] || fail "libeddy.so exports names of others: $foreign"

expect_version() { # expect_version PROGRAM
  printed=$("$1") || fail "$1 failed"
  [ "$printed" = "$version" ] || fail "$1 printed '$printed', eddy.pc says $version"
}

for driver in "gcc -x c -std=c11" "g++ -x c++ -std=c++17" "clang -x c -std=c11" "clang++ -x c++ -std=c++17"; do
  echo "== pkg-config, $driver"
  # shellcheck disable=SC2046,SC2086 # lists of flags
  {
    $driver -O2 -Wall -Wextra -Werror -c "$here/consumer.c" -o "$work/consumer.o" $(pkg-config --cflags eddy)
    ${driver%% *} "$work/consumer.o" -o "$work/shared" $(pkg-config --libs eddy)
    ${driver%% *} "$work/consumer.o" -o "$work/static" -static $(pkg-config --static --libs eddy)
  }
  expect_version "$work/shared"
  expect_version "$work/static"
done

echo "== find_package"
cmake -G Ninja -S "$here" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" || { cat "$work/log"; fail "configuration failed"; }
cmake --build "$work/build" >"$work/log" || { cat "$work/log"; fail "build failed"; }
for program in c_eddy c_static cpp_eddy cpp_static; do
  expect_version "$work/build/$program"
done

echo "== README.md"
sed -n '/^```c$/,/^```$/p' "$root/README.md" | grep -v '^```' >"$work/readme.c"
# shellcheck disable=SC2046 # a list of flags
cc -std=c11 -Wall -Wextra -Werror -o "$work/readme" "$work/readme.c" $(pkg-config --cflags --libs eddy)
"$work/readme" || fail "the example of README.md failed"
