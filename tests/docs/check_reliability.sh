#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_reliability.sh - every test and counter that docs/testing.md names
# exists, and each attack and each allocation of docs/security.md has its row
# there.
#
#   check_reliability.sh SOURCE_DIR
#
# A name is text in `code` of lower case with at least two underscores; one that
# begins with `parley_` is a metric.
export LC_ALL=C
cd "$1" || exit 2
. tests/docs/metrics.sh
names=$(grep -o '`[a-z0-9]*_[a-z0-9_]*_[a-z0-9_]*`' docs/testing.md |
    tr -d '`' | sort -u)
[ -n "$names" ] || { echo "docs/testing.md names no test"; exit 1; }
grep -q '`parley_[a-z0-9_]*`' docs/testing.md ||
    { echo "docs/testing.md names no metric"; exit 1; }
status=0
for metric in $(unknown_metrics docs/testing.md); do
    echo "docs/testing.md: no metric is called parley_$metric"
    status=1
done
words() { # of the tests, sorted
    find tests \( -name '*.c' -o -name 'test_*.py' \) -exec cat {} + | tr -cs 'a-zA-Z0-9_' '\n' | sort -u
}
for name in $(grep -v '^parley_' <<<"$names" | comm -23 - <(words)); do
    echo "docs/testing.md: no test is called $name"
    status=1
done

# The first column of the tables that begin with a heading of their own.
first() { # page, heading of the column
    awk -F ' \\| ' -v head="| $2" '
        index($0, head " | ") == 1 { inside = 1; next }
        !/^\|/ { inside = 0 }
        inside && !/^\|---/ { print $1 }' "$1" | sort
}
compare() { # heading of the column
    [ -n "$(first docs/security.md "$1")" ] ||
        { echo "docs/security.md has no table of: $1"; status=1; }
    [ "$(first docs/security.md "$1")" = "$(first docs/testing.md "$1")" ] &&
        return
    echo "docs/security.md and docs/testing.md have other rows of: $1"
    { first docs/security.md "$1"; first docs/testing.md "$1"; } |
        sort | uniq -u
    status=1
}
compare Attack
compare 'Memory for'
exit $status
