#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libparley-client installs by itself, shows its users nothing but
# parley_client.h, and the first program of docs/client-library.md, which knows
# only the package's name, builds and runs: with pkg-config against the shared
# and the static library, and with find_package.
#   install_client.sh SOURCE_DIR BUILD_DIR C_COMPILER PARLEYD PARLEY FILE...
# BUILD_DIR is a release, without a sanitizer's flags; each FILE is one to be
# installed.
set -euo pipefail
source_dir=$1 build=$2 cc=$3 parleyd=$4 parley=$5
export CMAKE_GENERATOR=Ninja # make may not be there
work=$(mktemp -d)
broker=
# its children end with it
finish() {
    [ -z "$broker" ] || { kill "$broker"; wait "$broker" || true; }
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "$*" >&2; exit 1; }

cmake --install "$build" --component client --prefix "$work/first" \
    >"$work/log"
mv "$work/first" "$work/prefix" # the package does not know where it was
pc=$(dirname "$(find "$work/prefix" -name parley-client.pc)")
lib=$(dirname "$pc")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export LD_LIBRARY_PATH=$lib
pkg-config --exists --print-errors parley-client

# parley_client.h promises: these and no others
shown=$(nm -D --defined-only "$lib/libparley-client.so" |
    awk '{ print $3 }' | sort)
marked=$( { tr '\n' ' ' <"$work/prefix/include/parley/parley_client.h" |
    grep -oE 'PLC_API [^;]*;' | grep -oE 'plc_[a-z_]+\(' | tr -d '('
    echo pl_err_text; } | sort)
[ "$shown" = "$marked" ] || fail "seen of libparley-client.so: $shown"

# --- A broker, and the program of the page against it ---

"$parleyd" --insecure --set 'listen=[127.0.0.1:0]' \
    --set "admin.socket=$work/socket" --set admin.listen=off \
    2>"$work/broker.log" &
broker=$!
for _ in {1..600}; do
    port=$(sed -n 's|.* port=\([0-9]*\).*|\1|p' "$work/broker.log" |
        head -n 1)
    [ -n "$port" ] && grep -q event=running "$work/broker.log" && break
    kill -0 "$broker" || fail "parleyd: $(cat "$work/broker.log")"
    sleep 0.1
done
[ -n "$port" ] || fail "no port: $(cat "$work/broker.log")"
awk '/^<!-- compile -->/ { wanted = 1; next }
     wanted && /^```c/ { inside = 1; next }
     inside && /^```/ { exit }
     inside' "$source_dir/docs/client-library.md" |
    sed "s/127.0.0.1:8000/127.0.0.1:$port/" >"$work/program.c"
grep -q plc_subscribe "$work/program.c" || fail "the page has no program"

# It prints what is published while it runs, and ends well after Enter.
runs() { # PROGRAM
    local rc=0
    mkfifo "$work/enter"
    stdbuf -oL "$1" <"$work/enter" >"$work/out" &
    local program=$!
    exec 3>"$work/enter"
    for _ in {1..300}; do
        "$parley" pub --socket "$work/socket" news '"hello"' >/dev/null
        grep -q 'news: "hello"' "$work/out" && break
        sleep 0.1
    done
    echo >&3
    exec 3>&-
    wait $program || rc=$?
    [ $rc -eq 0 ] || fail "$1 ended with $rc"
    grep -q 'news: "hello"' "$work/out" || fail "$1 has heard nothing"
    rm "$work/enter"
}

strict=(-std=c11 -Wall -Wextra -Werror)
read -ra flags <<<"$(pkg-config --cflags --libs parley-client)"
"$cc" "${strict[@]}" "$work/program.c" "${flags[@]}" -o "$work/shared"
runs "$work/shared"

read -ra flags <<<"$(pkg-config --static --cflags --libs parley-client)"
"$cc" "${strict[@]}" "$work/program.c" \
    "${flags[@]/#-lparley-client/-l:libparley-client.a}" -o "$work/static"
env -u LD_LIBRARY_PATH ldd "$work/static" | grep -q parley &&
    fail "the static program needs the shared library"
runs "$work/static"

mkdir "$work/user"
cat >"$work/user/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.21)
project(user C)
find_package(parley-client 0.1 REQUIRED)
add_executable(user $work/program.c)
target_link_libraries(user parley::parley-client)
END
CC=$cc cmake -S "$work/user" -B "$work/user/build" \
    -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log"
cmake --build "$work/user/build" >>"$work/log"
runs "$work/user/build/user"

# the header alone, in C and, where there is one, in C++
read -ra flags <<<"$(pkg-config --cflags parley-client)"
echo "#include <parley/parley_client.h>" >"$work/one.c"
"$cc" -std=c11 -Wall -Wextra -Werror -c "$work/one.c" "${flags[@]}" \
    -o "$work/one.o"
if command -v c++ >/dev/null; then
    c++ -x c++ -std=c++17 -Wall -Wextra -Werror -c "$work/one.c" \
        "${flags[@]}" -o "$work/one.o"
fi
echo "installed and ran"
