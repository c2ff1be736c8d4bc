#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_cppcheck.sh - cppcheck finds nothing in actors/, broker/, client/ and tools/.
#
#   check_cppcheck.sh SOURCE_DIR CPPCHECK FOLDER
#
# On: errors, warnings, performance, portability, and what it is not sure of.
# Off: style, whose advice (narrower scopes, more const, no `continue` alone in
# a loop) contradicts the house style; what it said was read once, and none of it
# was a bug.  unusedFunction, which does not see the tests.  System headers are
# not read; cppcheck.cfg says what must be known of them.  FOLDER has the headers
# that the build generates.
cd "$1" || exit 2
folders=$(find actors broker client tools -type d | sed 's/^/-I/')
# shellcheck disable=SC2086 # one word a folder
exec "$2" -j2 -q --std=c11 -D_GNU_SOURCE --error-exitcode=1 \
    --enable=warning,performance,portability --inconclusive \
    --library=tests/cppcheck.cfg --suppress=missingIncludeSystem \
    -I "$3" $folders actors broker client tools
