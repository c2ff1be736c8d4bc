#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `parley token` signs nothing that a broker refuses, and says why.
#   tool_token.sh PARLEY
set -euo pipefail
parley=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
secret=0123456789abcdef0123456789abcdef

# refuses WORDS ARGUMENT...: it fails, prints no token, and says WORDS
refuses() {
    local words=$1 rc=0
    shift
    "$parley" token "$@" >"$work/out" 2>"$work/err" || rc=$?
    if [ $rc -eq 0 ] || [ -s "$work/out" ] || ! grep -qF "$words" "$work/err"
    then
        echo "parley token $*: status $rc"
        cat "$work/out" "$work/err"
        exit 1
    fi
}
takes() {
    "$parley" token "$@" >"$work/out" || exit 1
    [ "$(tr -cd . <"$work/out")" = .. ]
}

echo $secret >"$work/secret"
takes --secret-file "$work/secret" --user ada
printf '%s\r\nmore\n' $secret >"$work/lines" # the first line counts
# Tokens carry the second in which they are made: two of one second are equal.
for attempt in {1..30}; do
    first=$("$parley" token --secret-file "$work/secret" --user ada --ttl 0)
    second=$("$parley" token --secret-file "$work/lines" --user ada --ttl 0)
    [ "$first" != "$second" ] || break
done
[ "$first" = "$second" ] || { echo "other token ($attempt)"; exit 1; }

refuses 'sub, or the claim of the user, is too long' --secret-file "$work/secret" \
    --user "$(printf '%0255d' 0)"
takes --secret-file "$work/secret" --user "$(printf '%0254d' 0)"
refuses 'info is not JSON' --secret-file "$work/secret" --info '{"n":'
refuses 'info is not JSON' --secret-file "$work/secret" --info '{"n":1,"n":2}'
refuses 'not UTF-8' --secret-file "$work/secret" --user $'\xff'
refuses 'a reserved name' --secret-file "$work/secret" --channel '#bob'
refuses 'longer than tokens may be' --secret-file "$work/secret" \
    --info "\"$(printf '%013000d' 0)\""

# a secret that is cut would sign what no broker takes
printf '%04096d\n' 0 >"$work/long"
takes --secret-file "$work/long"
printf '%04097d\n' 0 >"$work/long"
refuses 'at most 4096 bytes' --secret-file "$work/long"
printf 'a\0b\n' >"$work/zero"
refuses 'zero byte' --secret-file "$work/zero"
: >"$work/empty"
refuses 'no secret' --secret-file "$work/empty"
refuses 'No such file' --secret-file "$work/none"
refuses 'Is a directory' --secret-file "$work"

# what the configuration says counts as well
cat >"$work/parley.yaml" <<YAML
auth:
  hmac_secret: $secret
limits:
  connection_channels: 1
websocket:
  max_message: 1KiB
YAML
takes -c "$work/parley.yaml" --channel a
refuses 'limits.connection_channels' -c "$work/parley.yaml" \
    --channel a --channel b
refuses 'websocket.max_message' -c "$work/parley.yaml" \
    --info "\"$(printf '%0900d' 0)\""
