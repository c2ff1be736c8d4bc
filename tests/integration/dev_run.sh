#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `tools/dev run` twice at once: each has its own ports and its own admin
# socket, builds all that `cmake --install` copies, and ends well by SIGINT.
#   dev_run.sh SOURCE_DIR PARLEYD PARLEY
# A copy of tools/ runs beside the programs given; cmake only notes what it was
# asked for.
set -euo pipefail
source_dir=$1 parleyd=$2 parley=$3
[ -d "$source_dir/build/node/node_modules" ] || exit 77
command -v dpkg-query >/dev/null || exit 77
work=$(mktemp -d)
pids=()
end() {
    for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap end EXIT
fail() { echo "$*" >&2; cat "$work"/run-* >&2; exit 1; }

mkdir -p "$work/build/release/broker" "$work/build/release/tools" \
    "$work/bin" "$work/run" "$work/tests/integration"
cp -r "$source_dir/tools" "$work/"
cp -r "$source_dir/tests/integration/js" "$work/tests/integration/"
ln -s "$parleyd" "$work/build/release/broker/parleyd"
ln -s "$parley" "$work/build/release/tools/parley"
ln -s "$(realpath "$source_dir/build/node")" "$work/build/node"
printf '#!/bin/sh\necho "$*" >>"%s/asked"\n' "$work" >"$work/bin/cmake"
chmod +x "$work/bin/cmake"
# Installed packages are not what this is about.
printf '#!/bin/sh\nshift 2\nprintf " installed:%%s " "$@"\n' \
    >"$work/bin/dpkg-query"
chmod +x "$work/bin/dpkg-query"
export PATH=$work/bin:$PATH XDG_RUNTIME_DIR=$work/run

free_port() {
    node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{
        console.log(s.address().port);s.close()})'
}

for i in 1 2; do
    : >"$work/run-$i"
    # By way of node, since a shell's background jobs ignore SIGINT.
    PARLEY_PORT=$(free_port) PARLEY_DEMO_PORT=$(free_port) node -e '
        process.on("SIGINT", () => child.kill("SIGINT"));
        const child = require("child_process").spawn(process.argv[1], ["run"],
            { stdio: "inherit" });
        child.on("exit", (code) => process.exit(code ?? 99));
        ' "$work/tools/dev" >"$work/run-$i" 2>&1 &
    pids+=($!)
done
for i in 1 2; do
    until grep -q 'Chat page' "$work/run-$i"; do
        kill -0 "${pids[i - 1]}" || fail "run $i ended"
        sleep 0.1
    done
done
sockets=()
for i in 1 2; do
    socket=$(sed -n 's/.* -s \(.*\) status$/\1/p' "$work/run-$i")
    page=$(sed -n 's/.*Chat page *//p' "$work/run-$i")
    "$parley" -s "$socket" status >/dev/null || fail "no status of run $i"
    curl -fsS "$page" >/dev/null || fail "no page of run $i"
    sockets+=("$socket")
done
[ "${sockets[0]}" != "${sockets[1]}" ] || fail "one socket for both"
grep -q -- '--target installed' "$work/asked" || fail "installed is not built"
for i in 1 2; do
    kill -INT "${pids[i - 1]}"
    wait "${pids[i - 1]}" || fail "run $i ended with $?"
done
pids=()
echo "two ran side by side"
