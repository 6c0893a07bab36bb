# Each tool's --help agrees with its manual page.
set -u
. "$(dirname "$0")/man/compare.sh"
failures=0
for program in "${EDDY_BENCH:?is not set}" "${EDDY_COUNTING:?is not set}" "${EDDY_DEPGRAPH:?is not set}" "${EDDY_PAUSE:?is not set}"; do
  compare_page "$program" || failures=$((failures + 1))
done
[ "$failures" -eq 0 ]
