#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_words.sh - comments and documents use plain words.
#
#   check_words.sh SOURCE_DIR    checks the files that git knows
#   check_words.sh --test        checks itself with bad and good samples
#
# A comment or a paragraph is one text, whatever its lines.  Strings, code, names
# of files and constants and `quoted code` are not looked at.  The script sees words and no meaning, so the
# list has only words that are wrong wherever they stand.
set -uo pipefail
export LC_ALL=C

# Where a word is wrong: all is every source and document, text is all without
# tests/, code is actors/, broker/, client/ and tools/, modules is code without
# tools/.  Rows of names are of identifiers: a word between underscores, in
# modules.  Then the words, as an extended regular expression, and what to
# write.
words() {
    grep -v '^ *#' <<'LIST'
modules | who|whom | the noun and "that": "who" is for people
text | nobody|no one|somebody|someone | no actor, no client, a client
text | strangers? | an untrusted peer, a client without a token
text | he|him|his|she|her | it, they
text | hears?|heard | receive
code | tells?|told|said | notify, report, publish
code | settle[sd]? | deliver pending, resolve, compact
code | touch(es|ed)? | use, mark dirty, schedule a turn
text | in work | in progress, pending
text | lets? in | admit
text | on (its|the|their) way | in transit, on the path
all | turn(s|ed)? away | reject
all | h(old|olds|eld) (back|up) | throttle, delay
all | comes? round | wrap around
all | for want of | if allocation fails, without
all | f(inds?|ound) no memory | out of memory
all | besides | allowance, beyond the limit, in addition to
all | deaf|barred | discards input, runs no more commands
text | mute | unresponsive
all | doom(s|ed)? | schedule close
all | bur(y|ied) | dead-letter
all | knock(s|ed)? | connection attempt
all | guests? | admission record
all | falls? silent | suspend
all | weigh(s|ed)? | check the allowance
all | takers | join/leave subscribers
all | spares | free list, saves
all | shall | present tense
all | keepers? | session manager
modules | doors? | address limiter, admin listener
code | unsuitable | cannot encode
modules | asides? | presence segment
code | pac(e|es|ed|ing) | rate limit, throttle
names | keepers?|guests?|doors?|knocks? | manager, admission record, limiter
names | settle[sd]?|touch(ed)?|doom(ed)?|besides|aside | resolve, mark dirty, schedule, allowance
names | takers|unsuitable|spares?|deaf|barred|mute|pace | subscribers, cannot encode, free list, throttle
names | works|weigh|rooms? | pending, check, module or space
LIST
}

# Sources and documents.
files() {
    { git ls-files -co --exclude-standard 2>/dev/null ||
        find . -name build -prune -o -type f -print | sed 's,^\./,,'; } |
        grep -E '\.[ch]$|\.md$' | sort -u
}

# Findings in the files that stdin names, as FILE:LINE: "WORD": write WHAT.
findings() {
    awk -v list=<(words) '
    function places(file) {
        if (file ~ /(^|\/)tests\//)
            return "all"
        if (file ~ /^(broker|actors|client)\//)
            return "all text code modules names"
        return file ~ /^tools\// ? "all text code" : "all text"
    }
    # Look at `text`, which begins in line `first` of `file`.
    function look(    i, rest, head, found, line) {
        for (i = 1; i <= count; i++) {
            if (index(places(file), where[i]) == 0 || where[i] == "names")
                continue
            rest = tolower(" " text " ")
            line = first
            while (match(rest, word[i])) {
                head = substr(rest, 1, RSTART)
                found = substr(rest, RSTART + 1, RLENGTH - 2)
                rest = substr(rest, RSTART + 1)
                line += gsub(/\n/, "", head)
                gsub(/\n/, " ", found)
                print file ":" line ": \"" found "\": write " instead[i]
            }
        }
        text = ""
    }
    function add(line) {
        gsub(/`[^`]*`|[A-Z][A-Z0-9_]+|[a-z0-9_]+\.[ch]|->[a-z_]+/, "name", line)
        text = text line "\n"
    }
    # Identifiers of code, which has no comments and strings.
    function names(code,    i) {
        if (inside || code ~ /^[ \t]*#[ \t]*include/)
            return
        for (i = 1; i <= count; i++)
            if (where[i] == "names" && index(places(file), "names") &&
                match(" " code " ", "[^a-z](" name[i] ")[^a-z]"))
                print file ":" number ": \"" substr(" " code " ", RSTART + 1,
                    RLENGTH - 2) "\": write " instead[i]
    }
    # Comments of a line of C; a string may hold what looks like one.
    function c_line(line,    end, found) {
        while (inside || match(line, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)+\047|\/\*|\/\/.*/)) {
            if (inside) {
                end = index(line, "*/")
                found = end ? substr(line, 1, end - 1) : line
                sub(/^[ \t]*\*[ \t]?/, "", found)
                add(found)
                if (!end)
                    return
                line = substr(line, end + 2)
                inside = 0
                look()
                continue
            }
            found = substr(line, RSTART, RLENGTH)
            rest_of_line = substr(line, RSTART + RLENGTH)
            names(substr(line, 1, RSTART - 1))
            line = rest_of_line
            first = number
            if (found == "/*")
                inside = 1
            else if (found ~ /^\/\//) {
                add(found)
                look()
            }
        }
        names(line)
    }
    # A paragraph of Markdown is one text.
    function page_line(line) {
        if (line ~ /^```/)
            fenced = !fenced
        if (fenced || line == "" || line ~ /^```/) {
            look()
            return
        }
        if (text == "")
            first = number
        add(line)
    }
    BEGIN {
        while ((getline row < list) > 0) {
            count++
            split(row, part, " [|] ")
            where[count] = part[1]
            instead[count] = part[3]
            gsub(/ /, "[ \n]+", part[2])
            name[count] = part[2]
            word[count] = "[^a-z0-9_](" part[2] ")[^a-z0-9_]"
        }
        while ((getline file) > 0) {
            number = inside = fenced = 0
            while ((getline row < file) > 0) {
                number++
                if (file ~ /\.md$/)
                    page_line(row)
                else
                    c_line(row)
            }
            look()
            close(file)
        }
    }'
}

check_tree() {
    local found
    found=$(files | findings)
    [ -n "$found" ] || { echo "the words are plain"; return 0; }
    printf '%s\n' "$found"
    return 1
}

# Each word of the list is found in each place, wherever a line breaks, and
# nothing in strings, code and identifiers.
folder=
samples() {
    mkdir -p broker tests docs
    cat >broker/bad.c <<'BAD'
/* Who comes is turned
 * away, */
int f_doors(void); /* to whom */
// nobody is here
BAD
    cat >broker/good.c <<'GOOD'
const char *s = "who /* nobody */"; /* `nobody` and pl_who, nobody_is */
char c = '"'; int who = '\''; /* whole, NOBODY, who.c */
GOOD
    cp broker/bad.c tests/bad.c
    printf 'Text.\n\nIt comes\nround, nobody asks who.\n```\nnobody\n```\n' \
        >docs/bad.md
}
expected() {
    cat <<'FINDINGS'
broker/bad.c:1: "turned away"
broker/bad.c:1: "who"
broker/bad.c:3: "doors"
broker/bad.c:3: "whom"
broker/bad.c:4: "nobody"
docs/bad.md:3: "comes round"
docs/bad.md:4: "nobody"
tests/bad.c:1: "turned away"
FINDINGS
}
check_itself() {
    folder=$(mktemp -d) && cd "$folder" || exit 2
    trap 'rm -rf "$folder"' EXIT
    samples
    diff <(printf '%s\n' broker/bad.c broker/good.c docs/bad.md tests/bad.c |
        findings | sed 's/: write .*//' | sort) <(expected) || return 1
    # Each row of the list matches something and says what to write.
    words | awk -F ' [|] ' 'NF != 3 { print "no row: " $0; bad = 1 }
                            END { exit bad || NR < 20 }' || return 1
    echo "the checker finds what it should"
}

case ${1:-.} in
--test) check_itself ;;
*)
    cd "${1:-.}" || exit 2
    check_tree
    ;;
esac
