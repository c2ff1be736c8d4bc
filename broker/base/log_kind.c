/* SPDX-License-Identifier: Apache-2.0 */
/* log_kind.c - see log_kind.h.
 *
 * A rate is a token bucket of one number (bucket.h): each line costs an
 * interval, and a line that the bucket cannot pay is suppressed.  So any number
 * of loops shares a rate without a lock.
 *
 * Rejected: a rate per client, because an untrusted peer multiplies it by
 * reconnecting; a rate per loop, because a larger machine multiplies it.
 *
 * Invariant: full_ms is at most PL_LOG_BURST intervals after the last line. */
#include "log_kind.h"

#include "bucket.h"

const char *pl_log_kind_name(enum pl_log_kind kind)
{
    static const char *const name[PL_LOG_KIND_COUNT] = {
#define X(symbol, text) text,
        PL_LOG_KIND_MAP(X)
#undef X
    };

    return name[kind];
}

bool pl_log_rate_passes(struct pl_log_rate *r, uint64_t now_ms)
{
    const uint64_t most = (uint64_t)PL_LOG_BURST * PL_LOG_INTERVAL_MS;
    uint64_t full = pl_cell_get(&r->full_ms), next;

    do {
        next = pl_bucket_after(full, now_ms, PL_LOG_INTERVAL_MS);
        if (next > now_ms + most) {
            pl_cell_add(&r->suppressed, 1);
            return false;
        }
    } while (!pl_cell_replace(&r->full_ms, &full, next));
    return true;
}
