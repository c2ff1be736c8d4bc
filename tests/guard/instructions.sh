#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# instructions.sh - how many instructions parley-bench needs for a delivery, as
# callgrind counts them, which is the same on every machine and under any load.
#
#   instructions.sh BENCH bound MOST SHAPE [OPTION...]
#       fails when a delivery of the shape takes more than MOST
#   instructions.sh BENCH growth SHAPE OPTION SMALL LARGE
#       fails when it takes over 15 % more with LARGE than with SMALL
#   instructions.sh BENCH pair PERCENT SHAPE [OPTION...] -- [OPTION...]
#       fails when it takes over PERCENT more with the second options
set -euo pipefail

bench=$1 mode=$2
shift 2

# Prints the instructions of 100 deliveries, a whole number.
count() { # parley-bench arguments...
    local said
    said=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        --instr-atstart=no --collect-atstart=no --toggle-collect=shape_run \
        "$bench" --count "$@" 2>&1) || {
        echo "$said" >&2
        return 1
    }
    awk '/ counted, / { deliveries = $2 }
         /Collected : / { instructions = $NF }
         END {
             if (deliveries == 0 || instructions == 0) exit 1
             printf "%.0f\n", instructions * 100 / deliveries
         }' <<<"$said" || {
        echo "nothing was counted: $said" >&2
        return 1
    }
}

case $mode in
bound)
    most=$1
    shift
    took=$(count "$@")
    echo "$*: $((took / 100)) instructions a delivery, at most $most"
    [ "$took" -le $((most * 100)) ]
    ;;
growth)
    small=$(count "$1" --repeat 20 "$2" "$3")
    large=$(count "$1" --repeat 20 "$2" "$4")
    echo "$1: $((small / 100)) with $2 $3, $((large / 100)) with $2 $4"
    [ $((large * 100)) -le $((small * 115)) ]
    ;;
pair)
    percent=$1 shape=$2
    shift 2
    first=()
    while [ "$1" != -- ]; do
        first+=("$1")
        shift
    done
    shift
    without=$(count "$shape" "${first[@]}")
    with=$(count "$shape" "$@")
    echo "$shape: $without/100 with ${first[*]:-nothing}, $with/100 with $*"
    [ $((with * 100)) -le $((without * (100 + percent))) ]
    ;;
*)
    echo "instructions.sh: no such mode: $mode" >&2
    exit 2
    ;;
esac
