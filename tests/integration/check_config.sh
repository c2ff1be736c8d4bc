#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `parleyd --check` and `parley check` find what a look into files tells: where
# it stands, what it is, and an exit status.
#   check_config.sh PARLEYD PARLEY
set -euo pipefail
parleyd=$1 parley=$2
command -v openssl >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
umask 077

# make NAME [OPTION...]: a certificate and its key
make() {
    local name=$1
    shift
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -subj /CN=localhost -keyout "$name.key" -out "$name.pem" "$@" 2>log
}
# check STATUS TEXT: both programs end so (2 of the one is 1 of the other) and
# say TEXT, which stands in parley.yaml at the line and key that it names
check() {
    local wanted=$1 text=$2 status=0
    "$parleyd" -c parley.yaml --check >out 2>err || status=$?
    if [ $status -ne "$wanted" ] || { [ -n "$text" ] && ! grep -qF -- "$text" err; } ||
        { [ -z "$text" ] && [ -s err ]; }; then
        echo "parleyd --check: status $status, wanted $wanted and: $text"
        cat parley.yaml out err
        exit 1
    fi
    status=0
    "$parley" check parley.yaml >out 2>err.tool || status=$?
    if [ $status -ne $((wanted > 0)) ] ||
        ! diff err <(grep -v '^parley: ' err.tool) >diff; then
        echo "parley check: status $status"
        cat out err.tool diff
        exit 1
    fi
}
# configure CERTIFICATE KEY
configure() {
    cat >parley.yaml <<YAML
auth:
  hmac_secret: 0123456789abcdef0123456789abcdef
listen_tls: [127.0.0.1:0]
tls:
  certificate: [$1]
  key: [$2]
YAML
}

make good -days 365
configure good.pem good.key
check 0 ''
grep -q good out

openssl x509 -in good.pem -signkey good.key -days -1 -out old.pem 2>log
cp good.key old.key
configure old.pem old.key
check 2 'parley.yaml:5: tls.certificate: old.pem: expired on '
make soon -days 3
configure soon.pem soon.key
check 0 'parley.yaml:5: tls.certificate: warning: soon.pem: expires on '

configure good.pem soon.key
check 2 'parley.yaml:6: tls.key: soon.key: '
configure none.pem good.key
check 2 'parley.yaml:5: tls.certificate: none.pem: No such file'
chmod 644 good.key
configure good.pem good.key
check 0 'parley.yaml:6: tls.key: warning: every user of this machine can read'
chmod 600 good.key

chmod 644 parley.yaml
check 0 'parley.yaml:2: auth.hmac_secret: warning: every user of this machine'
chmod 640 parley.yaml
check 0 ''

# all findings at once, and none of a file that may not be what is meant
cat >>parley.yaml <<'YAML'
web: {path: /ws}
limits: {chanels: 7, channels: none}
YAML
check 2 'parley.yaml:7: web: unknown key'
check 2 'parley.yaml:8: limits.chanels: unknown key; did you mean limits.channels?'
check 2 'parley.yaml:8: limits.channels: `none` is not a whole number'
[ "$(grep -c . err)" -eq 3 ]

# the environment wins over the file, and says so
configure good.pem good.key
export PARLEY_LIMITS_CHANNELS=x PARLEY_LOPS=1
check 2 'PARLEY_LIMITS_CHANNELS: limits.channels: `x` is not a whole number'
export PARLEY_LIMITS_CHANNELS=9
check 0 'PARLEY_LOPS: warning: no key has this variable; did you mean PARLEY_LOOPS?'
"$parleyd" -c parley.yaml --check >out 2>err
grep -qx 'PARLEY_LIMITS_CHANNELS sets limits.channels' out
grep -qx 'configuration is good' out
