/* SPDX-License-Identifier: Apache-2.0 */
/* dead.c - see dead.h.
 *
 * The status of a returned request, for each reason. */
#include "dead.h"

#include "loop_private.h"

enum pl_err pl_dead_status(enum pl_dead reason)
{
    switch (reason) {
    case PL_DEAD_FULL:
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
