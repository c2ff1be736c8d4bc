#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Does the documentation name what there is?  Every command of the tool, every
# option of both programs, the exit statuses, every group of the status, every
# log event and code; and do its links lead somewhere, and are the man pages
# well formed?
#   check_docs.sh SOURCE_DIR PARLEYD PARLEY
set -uo pipefail
export LC_ALL=C
parleyd=$(realpath "$2") parley=$(realpath "$3")
cd "$1" || exit 2
. tests/docs/metrics.sh

start=docs/getting-started.md
found=0
finding() { echo "$*"; found=1; }

# Lines of the help that begin, after at most four blanks, with a command or
# an option.
commands=$("$parley" help | sed -n '/^Commands/,/^$/s/^  \([a-z-]\{1,\}\).*/\1/p')
[ -n "$commands" ] || finding "parley help shows no commands"
declare -A help_of
for command in $commands; do
    [ "$command" = help ] || help_of[$command]=$("$parley" "$command" --help)
    grep -q "^\.Cm $command\b\|^\.It Cm $command\b" docs/man/parley.1 ||
        finding "docs/man/parley.1 does not have: $command"
    [ "$command" = help ] || grep -q "\`parley $command\b" "$start" ||
        finding "$start does not have: parley $command"
done

options() { grep -E '^ *-' <<<"$1" | grep -oE -- '--[a-z][a-z-]+' | sort -u; }
check_options() { # page help
    local option page
    page=$(sed 's/\\-/-/g' "$1")
    for option in $(options "$2"); do
        [[ $page =~ "Fl ${option#-}"([^a-zA-Z0-9_]|$) ]] ||
            finding "$1 does not have: $option"
    done
}
check_options docs/man/parley.1 "$("$parley" help)
${help_of[*]}"

# The exit statuses: the same numbers with the same words in the help of each
# command and the man page, and no other; the first page has the numbers.
statuses() { sed -n '/^Exit status:/,$s/^  \([0-9]\{1,\}\)  \(.*\)$/\1 \2/p' <<<"$1"; }
here=$(statuses "$("$parley" help)")
[ -n "$here" ] || finding "parley help shows no exit status"
for command in "${!help_of[@]}"; do
    [ "$(statuses "${help_of[$command]}")" = "$here" ] ||
        finding "parley $command --help shows other exit statuses"
done
there=$(sed -n '/^\.Sh EXIT STATUS/,/^\.El/p' docs/man/parley.1 |
    sed -n '/^\.It /{s/^\.It //;N;s/\n/ /p}')
[ "$here" = "$there" ] || finding "docs/man/parley.1 has other exit statuses:
$there"
numbers=$(tr '\n' ' ' <$start | grep -oE 'Exit status: 0 [^.]*\.' |
    grep -oE '(: |, )[0-9]+ ' | tr -dc '0-9\n')
[ "$numbers" = "$(cut -d ' ' -f 1 <<<"$here")" ] ||
    finding "$start has other exit statuses: $numbers"
check_options docs/man/parleyd.1 "$("$parleyd" --help)"

# The keys that the status has at its top, from the code that writes them.
keys=$(sed -n '/^static json_t \*summary_json/,/^}/p;
               /^static json_t \*groups_json/,/^}/p' \
    broker/supervisor/status_json.c |
    grep -oE '"[a-z_]+"' | tr -d '"' | grep -v '^starting$' | sort -u)
[ -n "$keys" ] || finding "no keys found in status_json.c"
for key in $keys; do
    grep -q "\`$key\`" docs/status-and-metrics.md ||
        finding "docs/status-and-metrics.md does not have: $key"
done

# Codes that are sent, and metrics that a page names.
sent=" $(grep -rohwE --include='*.[ch]' --exclude=code.h 'PL_[A-Z_]+' broker |
    sort -u | tr '\n' ' ')"
while read -r symbol code; do
    [[ $sent == *" $symbol "* ]] || continue
    grep -qE "^\| $code\*? \||[^0-9]$code \(" docs/protocol.md ||
        finding "docs/protocol.md does not have the code: $code ($symbol)"
done < <(sed -nE 's/^ *X\((PL_[A-Z_]+), ([0-9]+),.*/\1 \2/p' broker/wire/code.h)
for metric in $(unknown_metrics ./*.md docs/*.md); do
    finding "there is no metric parley_$metric"
done

# Each message and field of the protocol.
page=$'\n'$(<docs/protocol.md)
while read -r message field; do
    [[ $page == *$'\n'"| \`$message\` | \`$field\` |"* ]] ||
        finding "docs/protocol.md does not have the field: $message.$field"
done < <(awk '/^message / { message = $2 }
    message !~ /^(Command|Reply)$/ && /^  [a-z].* [a-z_]+ = [0-9]+;/ {
        sub(/ = .*/, ""); print message, $NF }' proto/client.proto)

# Log events, codes and statuses, on the page that says what to do.
tests/docs/check_troubleshoot.sh . || found=1

# PAGE#ANCHOR of each heading, with the anchor that GitHub makes of it.
anchors() { # page...
    awk '/^```/ { inside = !inside }
         FNR == 1 { inside = 0 }
         !inside && /^##* / {
             sub(/^##* /, ""); $0 = tolower($0)
             gsub(/[^a-z0-9 _-]/, ""); gsub(/ /, "-")
             print FILENAME "#" $0 }' "$@"
}
declare -A has_anchor
while IFS= read -r anchor; do
    has_anchor[$anchor]=yes
done < <(anchors ./*.md ./docs/*.md)
while IFS=: read -r page link; do
    link=${link#](} link=${link%)}
    case $link in
    *://*) continue ;;
    '#'*) target=$page$link ;;
    ../*) target=./${link#../} ;;
    *) target=${page%/*}/$link ;;
    esac
    [ -e "${target%%#*}" ] || finding "$page: the link leads nowhere: $link"
    [[ $target != *'#'* ]] || [ -n "${has_anchor[$target]:-}" ] ||
        finding "$page: the link leads nowhere: $link"
done < <(grep -oE '\]\([^) ]+\)' ./*.md ./docs/*.md)

for page in docs/man/*.1; do
    if command -v mandoc >/dev/null; then
        mandoc -Tlint -Wwarning "$page" || finding "$page: see above"
    elif command -v groff >/dev/null; then
        said=$(groff -mdoc -ww -z "$page" 2>&1)
        [ -z "$said" ] || finding "$page: $said"
    fi
done

# The program that docs/actors.md shows is the one that tests build.
[ "$(sed -n '/^```c$/,/^```$/{//!p}' docs/actors.md)" = \
    "$(cat actors/example/hello.c)" ] ||
    finding "docs/actors.md shows another program than actors/example/hello.c"

# Every page is in the list of pages.
for page in docs/*.md; do
    grep -q "](${page#docs/}[)#]" docs/README.md || [ "$page" = docs/README.md ] ||
        finding "docs/README.md does not list $page"
done

[ $found = 0 ] && echo "the documentation names what there is"
exit $found
