#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_reliability.sh - every test and counter that docs/reliability.md names
# exists.
#
#   check_reliability.sh SOURCE_DIR
#
# A name is text in `code` of lower case with at least two underscores; one that
# begins with `parley_` is a metric.
cd "$1" || exit 2
names=$(grep -o '`[a-z0-9]*_[a-z0-9_]*_[a-z0-9_]*`' docs/reliability.md |
    tr -d '`' | sort -u)
[ -n "$names" ] || { echo "docs/reliability.md names no test"; exit 1; }
metrics=$(grep -o '`parley_[a-z0-9_]*`' docs/reliability.md | tr -d '`' |
    sort -u)
[ -n "$metrics" ] || { echo "docs/reliability.md names no metric"; exit 1; }
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
    echo "docs/reliability.md: no metric is called $metric"
    status=1
done
for name in $names; do
    case $name in parley_*) continue ;; esac
    grep -rqw --include="*.c" "$name" tests && continue
    echo "docs/reliability.md: no test is called $name"
    status=1
done
exit $status
