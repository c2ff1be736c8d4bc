/* SPDX-License-Identifier: Apache-2.0 */
/* code.c - see code.h.
 *
 * X-macros turn the lists in the header into texts, so a number and its text
 * are written once.  One function serves the three lists, because they share no
 * number: a switch would not compile otherwise. */
#include "code.h"

const char *pl_code_text(uint32_t code)
{
    switch (code) {
#define X(name, value, text, temporary)                                        \
    case value:                                                                \
        return text;
        PL_CODE_ERROR_MAP(X)
#undef X
#define X(name, value, text)                                                   \
    case value:                                                                \
        return text;
        PL_CODE_DISCONNECT_MAP(X)
        PL_CODE_UNSUBSCRIBE_MAP(X)
#undef X
    default:
        return "unknown code";
    }
}

bool pl_code_is_temporary(uint32_t code)
{
    switch (code) {
#define X(name, value, text, temporary)                                        \
    case value: /* a table: NOLINT(bugprone-branch-clone) */                   \
        return temporary;
        PL_CODE_ERROR_MAP(X)
#undef X
    default:
        return false;
    }
}
