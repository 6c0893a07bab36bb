#!/bin/bash
# The documentation's text and code agree.
#   docs_text.sh SOURCE_DIRECTORY [C_COMPILER]
#  - Each piece of a program that a page of the tutorial shows is there: file, beginning, end, and something between them.
#  - Each diagnosis of docs/mistakes is quoted in docs/rules.md, and each program named.
#  - Each block of C in docs/guides and docs/rules.md compiles: by itself if it includes eddy/eddy.h, else as the body of a function, behind
#    docs/guides/prelude.h, which declares what they speak of.
#  - Links to files lead somewhere.
#  - Every public function has a comment that stands by itself (docs_comments.py).
set -eu
cd "$1"
compiler=${2:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "$*"; failed=1; }

pieces=0
while IFS='|' read -r file begin end; do
    pieces=$((pieces + 1))
    [ -f "docs/tutorial/$file" ] || { fail "docs/tutorial/index.md: no $file"; continue; }
    lines=$(awk -v b="$begin" -v e="$end" 'index($0, e) && on {done = 1} on && !done {n++} index($0, b) {on = 1} END {print done ? n + 0 : 0}' \
                "docs/tutorial/$file")
    [ "$lines" -gt 0 ] || fail "docs/tutorial/$file: nothing between $begin and $end"
done < <(awk '/^```\{literalinclude\}/ {file = $2} /^:start-after:/ {sub(/^[^"]*"/, ""); sub(/"$/, ""); begin = $0}
              /^:end-before:/ {sub(/^[^"]*"/, ""); sub(/"$/, ""); print file "|" begin "|" $0}' docs/tutorial/index.md)
[ "$pieces" -gt 10 ] || fail "only $pieces pieces found in docs/tutorial/index.md"

for source in docs/mistakes/*.c; do
    grep -qF "$(basename "$source")" docs/rules.md || fail "docs/rules.md does not name $source"
    while IFS= read -r diagnosis; do
        grep -qF -- "$diagnosis" docs/rules.md || fail "docs/rules.md does not quote: $diagnosis"
    done < <(sed -n 's/^ \* diagnosis: //p' "$source" | sed 's: \*/$::')
done

blocks=0
for page in docs/guides/*.md docs/rules.md; do
    rm -f "$work"/block*
    awk -v out="$work/block" '/^```c$/ {n++; on = 1; file = out n ".part"; printf "#line %d \"%s\"\n", NR + 1, FILENAME > file; next}
                              /^```/ {on = 0} on {print > file}' "$page"
    for block in "$work"/block*.part; do
        [ -f "$block" ] || continue
        blocks=$((blocks + 1))
        if grep -q '^#include <eddy/eddy.h>' "$block"; then
            cp "$block" "$work/block.c"
        else
            { echo '#include "prelude.h"'; echo 'void block(void)'; echo '{'; cat "$block"; echo '}'; } > "$work/block.c"
        fi
        "$compiler" -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -Wno-unused -Iinclude -Idocs/guides "$work/block.c" || fail "$page: does not compile"
    done
done
[ "$blocks" -gt 10 ] || fail "only $blocks blocks of C found"

for page in docs/guides/*.md docs/rules.md docs/tutorial/*.md; do
    for link in $(grep -o '](\([^)#]*\.md\)' "$page" | sed 's/^](//'); do
        [ -f "$(dirname "$page")/$link" ] || fail "$page: no $link"
    done
done
python3 tests/docs_comments.py . || fail "comments in include/eddy are incomplete"
[ "$failed" = 0 ] && echo "$pieces pieces, $blocks blocks"
exit $failed
