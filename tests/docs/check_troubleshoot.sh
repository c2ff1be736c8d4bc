#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_troubleshoot.sh - docs/troubleshoot.md has a row for each event that the
# code logs, with its level, for each code of broker/wire/code.h, and for each
# status of HTTP; and no row for an event that the code does not log.
#
#   check_troubleshoot.sh SOURCE_DIR
#
# An event is the first string in a call of PL_LOG, PL_LOG_LIMITED or
# pl_log_write_now.  Adjacent strings are one.
export LC_ALL=C
cd "$1" || exit 2
page=docs/troubleshoot.md
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
status=0

# The part of the page under a heading of the second level.
part() { sed -n "/^## $1\$/,/^## /p" "$page"; }

# Say `text` and each line that only the first of two sorted files has.
only_in() { # first, second, text
    missing=$(comm -23 "$1" "$2")
    [ -n "$missing" ] || return 0
    echo "$page: $3:"
    echo "$missing" | sed 's/^/    /'
    status=1
}

# Events, a line each: level, blank, event.  Where the level is a variable, the
# page says it in words, and only the event is compared.
find broker actors -name '*.c' -exec cat {} + | tr -s ' \n\t' ' ' |
    sed 's/" "//g' |
    grep -oE '(PL_LOG(_LIMITED)?|pl_log_write_now)\( ?[^"();]*"[^"]*"' |
    sed -nE 's/.*[( ]([A-Za-z_]+), ?"(.*)"$/\1 \2/p' | sort -u >"$folder/code"
[ "$(wc -l <"$folder/code")" -gt 40 ] || {
    echo "the code has too few events: are they found?"
    status=1
}
sed -nE 's/^PL_LOG_([A-Z]+) /\L\1 /p' "$folder/code" | sort -u >"$folder/want"
sed -E 's/^[^ ]* //' "$folder/code" | sort -u >"$folder/events"
part 'Log events' | sed -nE 's/^\| `([^`]*)` \| ([^|]*) \|.*/\2 \1/p' |
    sed -E 's/^([a-z]+), ([a-z]+) (.*)/\1 \3\n\2 \3/' | sort -u >"$folder/have"
part 'Log events' | sed -nE 's/^\| `([^`]*)` \|.*/\1/p' |
    sort -u >"$folder/rows"
only_in "$folder/want" "$folder/have" 'no row for the level and event'
only_in "$folder/events" "$folder/rows" 'no row for the event'
only_in "$folder/rows" "$folder/events" 'the code does not log the event'

# Codes, each in the table of its kind.
check_codes() { # map in code.h, heading
    sed -n "/define $1(X)/,/^\$/p" broker/wire/code.h |
        sed -nE 's/.*X\(PL_[A-Z_]+, ([0-9]+),.*/\1/p' | sort >"$folder/codes"
    [ -s "$folder/codes" ] || { echo "no codes in $1"; status=1; }
    part "$2" | sed -nE 's/^\| ([0-9]+)\*? \|.*/\1/p' | sort >"$folder/rows"
    only_in "$folder/codes" "$folder/rows" "no row under \"$2\" for"
}
check_codes PL_CODE_ERROR_MAP Errors
check_codes PL_CODE_DISCONNECT_MAP 'Close codes'
check_codes PL_CODE_UNSUBSCRIBE_MAP 'Unsubscribe codes'

# Statuses that have a reason and stand in another file as well: those are sent.
sed -nE 's/^ *\{([0-9]{3}), ".*/\1/p' broker/http/reason.c |
    sort >"$folder/reasons"
grep -rhow --include='*.c' --exclude=reason.c --exclude=answer.c \
    '[1-5][0-9][0-9]' broker/http broker/ws broker/web broker/session \
    broker/admin | sort -u >"$folder/numbers"
comm -12 "$folder/reasons" "$folder/numbers" >"$folder/codes"
part 'HTTP statuses' | sed -nE 's/^\| ([0-9]+) \|.*/\1/p' |
    sort >"$folder/rows"
only_in "$folder/codes" "$folder/rows" 'no row under "HTTP statuses" for'

[ $status = 0 ] && echo "each event and code has its row"
exit $status
