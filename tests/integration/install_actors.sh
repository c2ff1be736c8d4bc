#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libparley-actors installs by itself, and a program that knows nothing but
# its pkg-config name builds and runs.
#   install_actors.sh SOURCE_DIR BUILD_DIR C_COMPILER FILE...
# BUILD_DIR is a release, without a sanitizer's flags; each FILE is one to be
# installed.
set -euo pipefail
source_dir=$1 build=$2 cc=$3
export CMAKE_GENERATOR=Ninja # make may not be there
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component actors --prefix "$work/first" \
    >"$work/log"
mv "$work/first" "$work/prefix" # the package does not know where it was

pc=$(dirname "$(find "$work/prefix" -name parley-actors.pc)")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
pkg-config --exists --print-errors parley-actors
read -ra flags <<<"$(pkg-config --cflags --libs parley-actors)"
"$cc" -std=c11 -Wall -Wextra -Werror "$source_dir/actors/example/hello.c" \
    "${flags[@]}" -o "$work/hello"
[ "$("$work/hello")" = "hello from loop 1" ]

# each header compiles alone
read -ra flags <<<"$(pkg-config --cflags parley-actors)"
for header in "$work"/prefix/include/parley-actors/*.h; do
    echo "#include <parley-actors/$(basename "$header")>" >"$work/one.c"
    "$cc" -std=c11 -Wall -Wextra -Werror -c "$work/one.c" "${flags[@]}" \
        -o "$work/one.o"
done

# nothing of the broker came along
if find "$work/prefix" -type f | grep -Ev 'parley-actors(\.a|\.pc|/[a-z_]+\.h)$'
then
    echo "these do not belong to the actors" >&2
    exit 1
fi
echo "installed and ran"
