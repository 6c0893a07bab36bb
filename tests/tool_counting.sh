#!/bin/bash
# eddy-counting: all strategies agree on every checksum, tables, JSON, plots and the page have what they should; a strategy that
# disagrees is noticed; wrong command lines are refused with a reason. usage: EDDY_COUNTING=PROGRAM tests/tool_counting.sh
set -u

counting=${EDDY_COUNTING:?is not set}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

says() { # says WHAT FILE: the file has a line that matches
  grep -q -e "$1" "$2" || fail "no '$1' in $2: $(head -c 400 "$2")"
}

"$counting" list >"$scratch/list" || fail "list"
strategies=$(sed -n '/^Strategies:/,/^Experiments:/s/^  [1-8]  \([a-z_]*\) .*/\1/p' "$scratch/list")
[ "$(echo "$strategies" | wc -w)" -eq 15 ] || fail "list shows the strategies '$strategies'"

# All of it, briefly, with the page.
cp "$here/../docs/counting.md" "$scratch/counting.md"
"$counting" --quick --rounds 1 --pairs 1 --no-instructions --json "$scratch/all.json" --plots "$scratch/plots" --page "$scratch/counting.md" \
  >"$scratch/out" 2>"$scratch/err" || fail "all: $(tail -c 300 "$scratch/err")"
for strategy in $strategies; do
  says "^[1-8]  $strategy  *[0-9]" "$scratch/out"
  says "\"strategy\": \"$strategy\"" "$scratch/all.json"
  says "^| [1-8] $strategy | [0-9]" "$scratch/counting.md"
done
says '^local-path  *biased / plain  *[0-9.]* ' "$scratch/out"
says '^permanent-check  *plain_bit / plain' "$scratch/out"
says '^Measured on: .*processors' "$scratch/counting.md"
for key in machine strategies experiments pairings program_per_iteration cpu_ns wall_ns median least most bytes instructions; do
  says "\"$key\":" "$scratch/all.json"
done
for plot in pairs share one-object interpreter elision; do
  says '^<svg ' "$scratch/plots/$plot.svg"
  says '^</svg>' "$scratch/counting/$plot.svg"
done
# Writing the page once more changes figures only: nothing between them gets lost.
grep -v '^|\|^Measured\|^Here a\|^An iter' "$here/../docs/counting.md" >"$scratch/before"
grep -v '^|\|^Measured\|^Here a\|^An iter' "$scratch/counting.md" >"$scratch/after"
[ "$(grep -c '^#' "$scratch/before")" -eq "$(grep -c '^#' "$scratch/after")" ] || fail "the page has lost headings"
[ "$(grep -c 'eddy-counting: ' "$scratch/before")" -eq "$(grep -c 'eddy-counting: ' "$scratch/after")" ] || fail "the page has lost marks"

# What does not write the objects does not dirty their pages.
awk '/pages dirtied/ { block = 1 } block && $2 == "plain_bit" { sub("%", "", $NF); exit $NF < 5 ? 0 : 1 }' "$scratch/out" ||
  fail "permanent objects that are read are dirtied"
awk '/pages dirtied/ { block = 1 } block && $2 == "plain" { sub("%", "", $NF); exit $NF > 90 ? 0 : 1 }' "$scratch/out" ||
  fail "plain counts dirty no pages"

EDDY_COUNTING_WRONG=atomic "$counting" --quick --rounds 1 --only hot >"$scratch/out" 2>"$scratch/err"
[ $? -eq 1 ] || fail "a wrong checksum: exit status is not 1"
says 'hot: checksums differ: .* of atomic' "$scratch/err"

"$counting" --quick --rounds 2 --only mix-2 --strategies gil,biased --json - >"$scratch/some.json" 2>"$scratch/err" || fail "some: $(cat "$scratch/err")"
says '"name": "mix-2"' "$scratch/some.json"
[ "$(grep -c '"strategy":' "$scratch/some.json")" -eq 2 ] || fail "--strategies gil,biased gives others"

refused() { # refused WHAT-IS-SAID ARGUMENT...
  said=$1
  shift
  "$counting" "$@" >"$scratch/out" 2>"$scratch/err"
  status=$?
  [ "$status" -eq 2 ] || fail "$*: exit status $status, not 2"
  grep -q -e "$said" "$scratch/err" || fail "$*: says '$(cat "$scratch/err")'"
}

refused "unknown command 'frob'" frob
refused "unknown option '--nope'" --nope
refused "unknown strategy 'nope'" --strategies plain,nope
refused "no experiment begins with 'nope'" --only nope
refused "from 1 to 64, not '0'" --rounds 0
refused "from 1 to 64, not 'x'" --pairs x
refused "a value is missing for '--json'" --json
refused "the page needs all" --only hot --page "$scratch/counting.md"
"$counting" --help | grep -q '^Usage: eddy-counting' || fail "--help does not help"

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
