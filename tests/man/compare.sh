# Sourced: compare_page PROGRAM checks that the program's --help and its manual page, docs/man/NAME.1, know the same options, and
# that the page renders without a warning where man(1) is there. Fails with what differs.
pages=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../docs/man" && pwd)

options_of() { # options_of: of a text on standard input, one a line
  grep -oE '(^|[[ ("|])(--[a-z][a-z-]*|-[a-z])\b' | grep -oE -e '-[a-z-]+$' | sort -u
}

compare_page() { # compare_page PROGRAM
  local name page help documented mentioned
  name=$(basename "$1")
  page=$pages/$name.1
  [ -f "$page" ] || { echo "FAILED: $name has no manual page"; return 1; }
  help=$("$1" --help | options_of)
  [ "$(echo "$help" | wc -l)" -ge 5 ] || { echo "FAILED: $name --help shows hardly any options"; return 1; }
  documented=$(sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' "$page" | grep -A1 '^\.TP' | sed 's/\\-/-/g' | options_of)
  mentioned=$(sed -n '/^\.SH EXAMPLES/q;s/\\-/-/gp;t;p' "$page" | options_of)
  if [ "$help" != "$documented" ]; then
    echo "FAILED: $name: --help (<) and its manual page (>) differ:"
    diff <(echo "$help") <(echo "$documented")
    return 1
  fi
  if [ -n "$(comm -13 <(echo "$help") <(echo "$mentioned"))" ]; then
    echo "FAILED: $page mentions what --help does not know:" $(comm -13 <(echo "$help") <(echo "$mentioned"))
    return 1
  fi
  if command -v man >/dev/null && command -v groff >/dev/null; then
    local warnings
    warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || { echo "FAILED: $page: $warnings"; return 1; }
  fi
  echo "$name: $(echo "$help" | wc -l) options"
}
