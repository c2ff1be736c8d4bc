#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completion offers every command and every option that the help shows, in each
# shell that is here; and files where a file is wanted.
#   tool_completion.sh PARLEY
set -uo pipefail
parley=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
touch some.yaml
fail() { echo "$*"; exit 1; }

for shell in bash zsh fish; do
    "$parley" completion $shell >"$work/$shell" || fail "no completion: $shell"
done
# shellcheck disable=SC1091
. "$work/bash"
complete -p parley | grep >/dev/null -- '-F _parley parley' || fail "bash: no function"

# offers WORD...: what bash offers for the last word, in `offered`, one a line.
# No process is started for one of several hundred words: that took a minute.
offers() {
    COMP_WORDS=(parley "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _parley
    printf -v offered '%s\n' "${COMPREPLY[@]}"
}
is_offered() { [[ $'\n'$offered == *$'\n'"$1"$'\n'* ]]; }
has() { # word words...
    offers "${@:2}"
    is_offered "$1" || fail "bash: ${*:2} does not offer $1"
}
lacks() {
    offers "${@:2}"
    ! is_offered "$1" || fail "bash: ${*:2} offers $1"
}

fish=$(<"$work/fish")
# The lines of each command's case.  To cut them out of the whole text once a
# command took bash half of the test's time.
declare -A cases_of_zsh
command=
while IFS= read -r line; do
    [[ ! $line =~ ^\ {8}([a-z-]+)\)$ ]] || command=${BASH_REMATCH[1]}
    [ -z "$command" ] || cases_of_zsh[$command]+=$line$'\n'
    [[ $line != *';;'* ]] || command=
done <"$work/zsh"
commands=$("$parley" help | sed -n '/^Commands/,/^$/s/^  \([a-z-]\{1,\}\).*/\1/p')
[ -n "$commands" ] || fail "no commands"
for command in $commands; do
    has "$command" ''
    has "$command" help ''
    has "$command" --timeout 1s "${command:0:2}"
    [[ $fish == *"complete -c parley -n __fish_use_subcommand -a $command "* ]] ||
        fail "fish: no $command"
    grep -q "^ *'$command:" "$work/zsh" || fail "zsh: no $command"
    options=$("$parley" "$command" --help |
        grep -oE '^  (-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+')
    [ -n "$options" ] || fail "$command: no options"
    offers "$command" --
    case_of_zsh=${cases_of_zsh[$command]-}
    [ -n "$case_of_zsh" ] || fail "zsh: no case of $command"
    for option in $options; do
        is_offered "$option" || fail "bash: $command -- does not offer $option"
        [[ $fish == *"seen_subcommand_from $command' -l ${option#--} "* ]] ||
            fail "fish: no $command $option"
        [[ $case_of_zsh == *"$option"* ]] || fail "zsh: no $command $option"
    done
done
has some.yaml check ''
has some.yaml status --config ''
has some.yaml status -c so
lacks some.yaml pub ''
lacks some.yaml sub --token ''
lacks --lines sub --
has zsh completion ''

# what the shells themselves think of it
for shell in bash zsh fish; do
    ! command -v $shell >/dev/null || $shell -n "$work/$shell" ||
        fail "$shell refuses its completion"
done
"$parley" completion csh 2>/dev/null
[ $? = 2 ] || fail "csh has no completion"
echo "every command and option is completed"
