#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_reliability.sh - every test and counter that docs/testing.md names
# exists, and each attack and each allocation of docs/security.md has its row
# there.
#
#   check_reliability.sh SOURCE_DIR
#
# A name is text in `code` of lower case with at least two underscores; one that
# begins with `parley_` is a metric.
cd "$1" || exit 2
names=$(grep -o '`[a-z0-9]*_[a-z0-9_]*_[a-z0-9_]*`' docs/testing.md |
    tr -d '`' | sort -u)
[ -n "$names" ] || { echo "docs/testing.md names no test"; exit 1; }
metrics=$(grep -o '`parley_[a-z0-9_]*`' docs/testing.md | tr -d '`' |
    sort -u)
[ -n "$metrics" ] || { echo "docs/testing.md names no metric"; exit 1; }
status=0
is_metric() { # a counter's name ends in _total, a gauge's does not
    name=${1#parley_}
    case $name in
    *_total) kind=PL_COUNTER ;;
    *) kind=PL_GAUGE ;;
    esac
    grep -q "$kind, \"${name%_total}\"" broker/base/metrics.h ||
        grep -q "write_number(b, \"${name%_total}\"" broker/admin/metrics_text.c
}
for metric in $metrics; do
    is_metric "$metric" && continue
    echo "docs/testing.md: no metric is called $metric"
    status=1
done
for name in $names; do
    case $name in parley_*) continue ;; esac
    grep -rqw --include="*.c" "$name" tests && continue
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
