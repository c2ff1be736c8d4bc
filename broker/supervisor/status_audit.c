/* SPDX-License-Identifier: Apache-2.0 */
/* status_audit.c - checks a stopped broker: each ledger agrees, and every gauge
 * is 0.
 *
 * The broker runs this check at the end of each run, so every test and every
 * operator that stops a broker learns of a miscount from the exit status and
 * the log. */
#include "log.h"
#include "status.h"

static unsigned audit_ledger(const char *name, struct pl_ledger l)
{
    if (l.is_balanced)
        return 0;
    PL_LOG(PL_LOG_ERROR, "a ledger does not agree",
           pl_log_string("ledger", name), pl_log_number("in", (int64_t)l.in),
           pl_log_number("out", (int64_t)l.out));
    return 1;
}

static unsigned audit_gauge(const struct pl_status *s, enum pl_metric m)
{
    const struct pl_metric_info *info = pl_metric_info(m);

    if (info->kind != PL_GAUGE || s->total[m] == 0)
        return 0;
    PL_LOG(PL_LOG_ERROR, "gauge not zero after shutdown",
           pl_log_string("gauge", info->name),
           pl_log_number("value", (int64_t)s->total[m]));
    return 1;
}

unsigned pl_status_audit(const struct pl_status *s)
{
    unsigned findings = audit_ledger("commands", s->commands) +
                        audit_ledger("mail", s->mail) +
                        audit_ledger("deliveries", s->deliveries) +
                        audit_ledger("posts", s->posts);

    for (int m = 0; m < PL_METRIC_COUNT; m++)
        findings += audit_gauge(s, (enum pl_metric)m);
    return findings;
}
