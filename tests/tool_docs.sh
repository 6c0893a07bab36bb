# The documentation site builds without a warning, and every public function is in its reference.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v doxygen >/dev/null || ! /usr/bin/python3 -c 'import sphinx, breathe, myst_parser, furo' 2>/dev/null; then
  echo "skipped: tools/setup.sh docs installs what is missing"
  exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$root/tools/docs" --no-setup "$out"

# What the library exports, and what the headers define themselves.
{
  grep '^eddy_[a-z0-9]' "$root/tools/cmake/exports.txt"
  sed -nE 's/^static inline [^(]*\b(eddy_[a-z0-9][a-z0-9_]*)\(.*/\1/p' "$root"/include/eddy/*.h
  sed -nE 's/^#define (EDDY_[A-Z0-9][A-Z0-9_]*)\(.*/\1/p' "$root"/include/eddy/*.h
} | sort -u >"$out/public"
grep -ho 'id="c\.[A-Za-z0-9_]*"' "$out"/html/reference/*.html | sed 's/id="c\.\(.*\)"/\1/' | sort -u >"$out/shown"
missing=$(comm -23 "$out/public" "$out/shown")
if [ -n "$missing" ]; then
  echo "not in the reference:" $missing
  exit 1
fi
[ "$(wc -l <"$out/public")" -gt 150 ] || { echo "only $(wc -l <"$out/public") public functions found"; exit 1; }

# What the comments say arrives: the text above a function, and that behind a member.
grep -q 'Creates a heap and starts its collector thread' "$out/html/reference/heap.html"
grep -q 'lower bound of the adaptation, bytes' "$out/html/reference/heap.html"
# Names with two underscores are nobody's business.
! grep -q '^eddy__' "$out/shown"
echo "$(wc -l <"$out/public") functions and macros, all in the reference"
