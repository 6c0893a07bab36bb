# eddy-fuzz --help agrees with its manual page.
set -u
. "$(dirname "$0")/man/compare.sh"
compare_page "${EDDY_FUZZ:?is not set}"
