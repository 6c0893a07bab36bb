#!/bin/bash
# Runs a mistake, and compares what it prints with the diagnoses that its source tells of.
#   check.sh PROGRAM SOURCE
set -u
options=$(sed -n 's/^ \* switch: EDDY_OPTIONS=\([^ ;]*\).*/\1/p' "$2")
printed=$(EDDY_OPTIONS=$options "$1" 2>&1)
status=0
while IFS= read -r diagnosis; do
    if [[ $printed != *"$diagnosis"* ]]; then
        printf 'expected: %s\nprinted:  %s\n' "$diagnosis" "$printed"
        status=1
    fi
done < <(sed -n -e 's/^ \* diagnosis: //' -e 't found' -e d -e ':found' -e 's: \*/$::p;t' -e p "$2")
exit $status
