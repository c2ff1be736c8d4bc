#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_cppcheck.sh - cppcheck finds nothing in actors/ and broker/.
#
#   check_cppcheck.sh SOURCE_DIR CPPCHECK
#
# On: errors, warnings, performance, portability.  Off: style, whose advice
# (narrower scopes, more const) contradicts the house style; what system headers
# say, which it does not read.
cd "$1" || exit 2
folders=$(find actors broker -type d | sed 's/^/-I/')
# shellcheck disable=SC2086 # one word a folder
exec "$2" -j2 -q --std=c11 -D_GNU_SOURCE --error-exitcode=1 \
    --enable=warning,performance,portability \
    --suppress=missingIncludeSystem $folders actors broker
