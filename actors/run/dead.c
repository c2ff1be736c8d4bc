/* SPDX-License-Identifier: Apache-2.0 */
/* dead.c - see dead.h.
 *
 * The table in the header is the only list of reasons; this file gives each its
 * word and the status of a returned request. */
#include "dead.h"

#include "loop_private.h"

const char *pl_dead_text(enum pl_dead reason)
{
    switch (reason) {
#define X(name, text)                                                          \
    case name:                                                                 \
        return text;
        PL_DEAD_MAP(X)
#undef X
    case PL_DEAD_COUNT:
        break;
    }
    return "unknown";
}

enum pl_err pl_dead_status(enum pl_dead reason)
{
    switch (reason) {
    case PL_DEAD_FULL:
    case PL_DEAD_OLDEST:
    case PL_DEAD_REPLACED:
        return PL_EFULL;
    case PL_DEAD_CLOSING:
        return PL_ECLOSED;
    case PL_DEAD_UNREACHABLE:
        return PL_ENOENT;
    case PL_DEAD_REFUSED:
        return PL_EINVAL;
    case PL_DEAD_STALE:
    case PL_DEAD_COUNT:
        break;
    }
    return PL_ESTALE;
}
