#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_reliability.sh - every test that docs/reliability.md names exists.
#
#   check_reliability.sh SOURCE_DIR
#
# A name is text in `code` of lower case with at least two underscores.
cd "$1" || exit 2
names=$(grep -o '`[a-z0-9]*_[a-z0-9_]*_[a-z0-9_]*`' docs/reliability.md |
    tr -d '`' | sort -u)
[ -n "$names" ] || { echo "docs/reliability.md names no test"; exit 1; }
status=0
for name in $names; do
    grep -rqw --include="*.c" "$name" tests && continue
    echo "docs/reliability.md: no test is called $name"
    status=1
done
exit $status
