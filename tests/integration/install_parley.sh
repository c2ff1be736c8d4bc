#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libparley installs, shows its users nothing but parley.h, and a program that
# knows only the package's name builds and runs: with pkg-config against the
# shared and the static library, and with find_package.
#   install_parley.sh SOURCE_DIR BUILD_DIR C_COMPILER DRIVER FILE...
# BUILD_DIR is a release, without a sanitizer's flags.  DRIVER is
# test_broker_embed, which talks to the program; each FILE is one to be installed.
set -euo pipefail
source_dir=$1 build=$2 cc=$3 driver=$4
export CMAKE_GENERATOR=Ninja # make may not be there
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }

cmake --install "$build" --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/prefix" # the package does not know where it was
"$work/prefix/bin/parleyd" --version
"$work/prefix/bin/parley" --version

pc=$(dirname "$(find "$work/prefix" -name parley.pc)")
lib=$(dirname "$pc")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export LD_LIBRARY_PATH=$lib
example=$source_dir/docs/examples/embed.c
strict=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -pthread)
pkg-config --exists --print-errors parley

# parley.h promises: these and no others
shown=$(nm -D --defined-only "$lib/libparley.so" | awk '{ print $3 }' | sort)
marked=$( { tr '\n' ' ' <"$work/prefix/include/parley/parley.h" |
    grep -oE 'PL_API [^;]*;' | grep -oE 'pl_[a-z_]+\(' | tr -d '('
    echo pl_err_text; } | sort)
[ "$shown" = "$marked" ] || fail "seen of libparley.so: $shown"
# and never ends its program
if nm -D --undefined-only "$lib/libparley.so" | grep -wE '_?exit|_Exit|quick_exit'
then
    fail "libparley.so calls exit()"
fi

read -ra flags <<<"$(pkg-config --cflags --libs parley)"
"$cc" "${strict[@]}" "$example" "${flags[@]}" -o "$work/shared"
"$driver" "$work/shared"

read -ra flags <<<"$(pkg-config --static --cflags --libs parley)"
"$cc" "${strict[@]}" "$example" "${flags[@]/#-lparley/-l:libparley.a}" \
    -o "$work/static"
env -u LD_LIBRARY_PATH "$driver" "$work/static"

mkdir "$work/user"
cat >"$work/user/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.21)
project(user C)
find_package(parley 0.1 REQUIRED)
find_package(Threads REQUIRED)
add_executable(user $example)
target_compile_definitions(user PRIVATE _GNU_SOURCE)
target_link_libraries(user parley::parley Threads::Threads)
END
CC=$cc cmake -S "$work/user" -B "$work/user/build" \
    -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log"
cmake --build "$work/user/build" >>"$work/log"
env -u LD_LIBRARY_PATH "$driver" "$work/user/build/user"

# both names of the header, each alone, in C and, where there is one, in C++
read -ra flags <<<"$(pkg-config --cflags parley)"
for name in parley.h parley/parley.h; do
    echo "#include <$name>" >"$work/one.c"
    "$cc" -std=c11 -Wall -Wextra -Werror -c "$work/one.c" "${flags[@]}" \
        -o "$work/one.o"
    if command -v c++ >/dev/null; then
        c++ -x c++ -Wall -Wextra -Werror -c "$work/one.c" "${flags[@]}" \
            -o "$work/one.o"
    fi
done
echo "installed and ran"
