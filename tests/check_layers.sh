#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What include paths cannot catch about the modules, and the bounds of files and
# functions.  Says every finding; fails when there is one.
#   check_layers.sh [SOURCE_DIR]
set -uo pipefail
export LC_ALL=C
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}" || exit 2

# Modules that may see libevent.
EVENT_ROOMS='actors/run|broker/net|broker/fetch|client/net'
# FILE:FUNCTION or FILE that may be longer than the bounds, each with a reason:
LONG_ALLOWED=$(grep -v '^ *#' <<'LIST'
# a table of values and what is said of them, one a line
tests/unit/settings/test_config_errors.c:a_bad_value_is_named_with_what_would_be_good
# what a program may know of the library is one file
broker/embed/parley.h
LIST
)
LONG_ALLOWED=${LONG_ALLOWED//$'\n'/ }
# Cases of a test are read one by one, so their files may hold some more.
FILE_MAX_TESTS=720

FILE_MAX=600
FUNCTION_MAX=60

found=0
finding() { echo "$*"; found=1; }

# Files that git knows, or all when this is no clone.
all_files=$(git ls-files -co --exclude-standard 2>/dev/null ||
    find . -name build -prune -o -type f -print | sed 's,^\./,,')

sources() { # pattern...
    local file pattern
    while IFS= read -r file; do
        for pattern in "$@"; do
            # shellcheck disable=SC2053
            if [[ $file == $pattern && -f $file ]]; then
                echo "$file"
                break
            fi
        done
    done <<<"$all_files" | sort -u
}

code=$(sources '*.c' '*.h')
scripts=$(sources '*.sh' '*.py' '*.mjs' '*.js' '*.cmake' 'CMakeLists.txt' \
    '*/CMakeLists.txt' '*.proto' '.ci/run' 'tools/dev')
modules=$(grep -E '^(actors|broker|client)/' <<<"$code")

# Lines of modules that match, but for comments of a line.
in_modules() { # regex
    # shellcheck disable=SC2086
    grep -nE "$1" $modules /dev/null | grep -vE ':[0-9]+: *(/\*|\*|//)' || true
}

check_includes() {
    local line file
    while IFS= read -r line; do
        [ -z "$line" ] || finding "include goes up: $line"
    done < <(in_modules '#include *".*\.\./')
    while IFS= read -r line; do
        file=${line%%:*}
        [ -z "$line" ] || [[ $file =~ ^($EVENT_ROOMS)/ ]] ||
            finding "libevent outside its modules: $line"
    done < <(in_modules '#include *[<"]event2/|#include *<event\.h>')
    while IFS= read -r line; do
        [ -z "$line" ] || [[ $line == broker/wire/* ]] ||
            finding "generated code outside broker/wire: $line"
    done < <(in_modules '#include .*\.pb-c\.h|protobuf-c/')
    # shellcheck disable=SC2086
    while IFS= read -r line; do
        [ -z "$line" ] || finding "the runtime knows the broker: $line"
    done < <(grep -nE '#include *[<"](parley|broker)[./]' \
        $(grep '^actors/' <<<"$code" | grep -v example) /dev/null)
}

check_threads() {
    local line
    while IFS= read -r line; do
        [ -z "$line" ] || [[ $line == actors/* ]] ||
            finding "lock, thread or atomic outside actors/: $line"
    done < <(in_modules \
        '<(pthread|threads|stdatomic|semaphore)\.h>|pthread_[a-z]+ *\(|_Atomic|__atomic_|__sync_|_Thread_local|__thread|thrd_|mtx_')
}

check_licence() {
    local file
    while IFS= read -r file; do
        [ -z "$file" ] || finding "no SPDX line: $file"
        # shellcheck disable=SC2086
    done < <(awk '
        FNR == 1 { if (file != "" && !seen) print file
                   file = FILENAME; seen = 0 }
        FNR <= 2 && /SPDX-License-Identifier: Apache-2\.0/ { seen = 1 }
        FNR == 2 && seen { nextfile }
        END { if (!seen) print file }' $code $scripts)
}

# name: modules it links, as CMake has them, hidden or not.  A folder's second module
# is called FOLDER:ROOM.
built_modules() {
    local file
    for file in {actors,broker,client}/*/CMakeLists.txt; do
        tr '\n' ' ' <"$file" | grep -oE 'pl_module\([^)]*\)' |
            sed -E 's/pl_module\( *([a-z_]+).*USES ([^)]*)\)/\1 \2/;
                    s/pl_module\( *([a-z_]+).*/\1/' |
            awk -v dir="$(dirname "$file")" '{
                name = $1
                sub(/^client_/, "", name)
                $1 = dir ~ ("/" name "$") ? dir : dir ":" name
                for (i = 2; i <= NF; i++)
                    if (!sub(/^pl_/, "", $i))
                        $i = "" # no module
                print }'
    done | sort_words
}

# name: modules it uses, as ARCHITECTURE.md says.
documented_modules() {
    sed -n '/^| Module | Uses |/,/^$/p' ARCHITECTURE.md |
        awk -F' *[|] *' '$2 ~ /\// { gsub("-", "", $3); print $2, $3 }' |
        sort_words
}

sort_words() {
    local module words
    while read -r module words; do
        # shellcheck disable=SC2086
        echo "$module" $(printf '%s\n' $words | sort)
    done | sort
}

check_table() {
    local difference
    difference=$(diff <(built_modules) <(documented_modules)) ||
        finding "ARCHITECTURE.md's modules (>) are not those of CMake (<):
$difference"
}

# FILE LINES of each file, and FILE FIRST_LINE LENGTH NAME of each function, for
# code in our format: a function begins with a line in column 0 that is followed
# by a "{" in column 0.  One awk for all: a process for each file took a minute.
lengths() { # file...
    awk 'function tell() { if (file != "") print file, lines }
         FNR == 1 { tell(); file = FILENAME; from = 0 }
         { lines = FNR }
         /^[A-Za-z_].*[(]/ { name = $0; start = FNR }
         /^{/ { from = start }
         /^}/ { if (from) {
                    sub(/[(].*/, "", name); sub(/.*[ *]/, "", name)
                    print FILENAME, from, FNR - from + 1, name }
                from = 0 }
         END { tell() }' "$@"
}

check_file() { # file lines
    local bound=$FILE_MAX
    [[ $1 != tests/* ]] || bound=$FILE_MAX_TESTS
    [ "$2" -le $bound ] || [[ " $LONG_ALLOWED " == *" $1 "* ]] ||
        finding "$1 has $2 lines, over $bound"
}

check_function() { # file from length name
    [ "$3" -le $FUNCTION_MAX ] || [[ " $LONG_ALLOWED " == *" $1:$4 "* ]] ||
        finding "$1:$2: $4 has $3 lines, over $FUNCTION_MAX"
}

check_lengths() {
    local file first length name
    while read -r file first length name; do
        if [ -z "$length" ]; then
            check_file "$file" "$first"
        else
            check_function "$file" "$first" "$length" "$name"
        fi
        # shellcheck disable=SC2086
    done < <(lengths $code)
}

check_includes
check_threads
check_licence
check_table
check_lengths
[ $found = 0 ] && echo "the layers hold"
exit $found
