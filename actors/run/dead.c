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

const char *pl_dead_text(enum pl_dead reason)
{
    static const char *const texts[PL_DEAD_COUNT] = {
        [PL_DEAD_STALE] = "no actor has the address",
        [PL_DEAD_FULL] = "the mailbox is full",
        [PL_DEAD_CLOSING] = "its actor exited first",
        [PL_DEAD_UNREACHABLE] = "no such loop or node",
        [PL_DEAD_REFUSED] = "its actor does not know the type",
    };

    return texts[reason];
}
