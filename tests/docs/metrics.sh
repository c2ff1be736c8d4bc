# SPDX-License-Identifier: Apache-2.0
# metrics.sh - names of metrics, for the scripts that source this file.  The
# working directory is the source folder.

# Every metric of the broker without `parley_`, a line each: the name of a
# counter ends in _total, the name of a gauge does not.
known_metrics() {
    {
        sed -nE 's/.* PL_COUNTER, "([a-z0-9_]+)".*/\1_total/p
                 s/.* PL_GAUGE, "([a-z0-9_]+)".*/\1/p' broker/*/*_metrics.h
        tr -d '\n' <broker/admin/metrics_text.c | tr ';' '\n' |
            sed -nE 's/.*write_number\(b, *"([a-z0-9_]+)",(.*)/\1\2/p' |
            sed -E '/PL_COUNTER/s/^([a-z0-9_]+).*/\1_total/
                    s/^([a-z0-9_]+).*/\1/'
    } | sort -u
}

# Of the metrics that these pages name, those that do not exist.
unknown_metrics() { # page...  parley_client.h is no metric
    grep -ohE '\bparley_[a-z0-9_]+' "$@" | sed 's/^parley_//' |
        grep -vx client | sort -u |
        comm -23 - <(known_metrics)
}
