#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# measure.sh BUILD [ROUNDS] - the tables of docs/performance.md, "What users
# have".  It takes some minutes a round.  As root it runs in a network
# namespace of its own, with a backlog and ports for 19,000 clients that come
# at once; CPUS says which cores the broker and the clients get (0/1-3).
set -eu

build=$1
rounds=${2:-5}

if [ "$(id -u)" = 0 ] && [ "${PL_MEASURE_INSIDE:-}" = "" ]; then
    PL_MEASURE_INSIDE=yes exec unshare -n "$0" "$build" "$rounds"
fi
if [ "${PL_MEASURE_INSIDE:-}" = yes ]; then
    ip link set lo up
    echo 65535 >/proc/sys/net/core/somaxconn
    echo 1024 65000 >/proc/sys/net/ipv4/ip_local_port_range
fi

load() { # title, mode, options...
    printf '\n== %s\n' "$*"
    shift
    mode=$1
    shift
    "$build/tools/parley" bench "$mode" --parleyd "$build/broker/parleyd" \
        --rounds "$rounds" --cpus "${CPUS:-0/1-3}" "$@"
}

# what the clients of three processes need for their own handshakes
patient="--set connect.timeout=120s"
users="--users --inbox --clients 19000 --processes 3"

uname -r
uptime
load 'anonymous logins' storm --kinds plain,tls,resumed,deflate --processes 3
load 'logins of users' storm --kinds plain,tls,resumed --processes 3 \
    --users --channels 5
load 'fan-out of 64 B' fanout --kinds plain,tls,deflate,tls+deflate
load 'fan-out of 1,000 B' fanout --kinds plain,tls,deflate,tls+deflate \
    --size 1000
rounds=1 # memory does not vary; the others are long
load 'memory, anonymous' idle --kinds plain,tls --clients 19000 \
    --processes 3 --channels 1 --set channels.history_size=0
# shellcheck disable=SC2086
load 'memory of users' idle --kinds plain,deflate,tls,tls+deflate $users
# shellcheck disable=SC2086
load 'all come back' return --kinds plain,tls,resumed $users $patient
# shellcheck disable=SC2086
load 'all come back after a restart' return --kinds plain,tls $users $patient \
    --restart
uptime
