/* SPDX-License-Identifier: Apache-2.0 */
/* orders_terms.c - orders that say how long a client or a subscription may
 * stay, and what it has with it.
 *
 * Invariant: an order that was accepted has JSON that a client can be sent. */
#include "orders.h"

#include "codec.h"
#include "hub.h"
#include "json_scan.h"
#include "setup.h"
#include "supervisor_mail.h"

enum { TERMS_MAX = 1 << 20 /* bytes of info and data, each */ };

enum pl_err pl_broker_refresh(struct pl_broker *b, const char *target,
                              int64_t expires_at_s, pl_report *report,
                              void *arg)
{
    const struct pl_user_mail m = {.ask = PL_USER_REFRESH,
                                   .terms.expires_at_s = expires_at_s};

    if (expires_at_s < 0)
        return PL_EINVAL;
    return pl_order_user(b, "refresh", &m, target, (struct pl_span){0}, report,
                         arg);
}

static uint8_t sub_flags(uint32_t with)
{
    return (with & PL_WITH_JOIN_LEAVE ? PL_SUB_JOIN_LEAVE : 0) |
           (with & PL_WITHOUT_PRESENCE ? PL_SUB_HIDDEN : 0);
}

/* Copy JSON; line ends in it become spaces. */
static enum pl_err copy_json(struct pl_blob **to, const char *text)
{
    struct pl_span s = pl_span_of(text);

    if (text == NULL)
        return PL_OK;
    if (s.len > TERMS_MAX)
        return PL_EINVAL;
    *to = pl_blob_create(s);
    if (*to == NULL)
        return PL_ENOMEM;
    return pl_json_accepts(pl_blob_span(*to)) ? PL_OK : PL_EINVAL;
}

static enum pl_err copy_terms(struct pl_sub_terms *to,
                              const struct pl_subscription *how)
{
    enum pl_err rc = copy_json(&to->info, how->info);

    if (rc == PL_OK)
        rc = copy_json(&to->data, how->data);
    if (rc == PL_OK && how->epoch != NULL) {
        to->epoch = pl_blob_create(pl_span_of(how->epoch));
        rc = to->epoch == NULL ? PL_ENOMEM : PL_OK;
    }
    to->offset = how->offset;
    to->expires_at_s = how->expires_at_s;
    return rc;
}

static bool is_good(const struct pl_subscription *how)
{
    return (how->with &
            ~(uint32_t)(PL_WITH_JOIN_LEAVE | PL_WITHOUT_PRESENCE)) == 0 &&
           how->expires_at_s >= 0 &&
           (how->epoch == NULL || how->epoch[0] != '\0');
}

enum pl_err pl_broker_subscribe_as(struct pl_broker *b, const char *target,
                                   const char *channel,
                                   const struct pl_subscription *how,
                                   pl_report *report, void *arg)
{
    struct pl_user_mail m = {.ask = PL_USER_SUBSCRIBE};
    struct pl_subscription h;
    enum pl_err rc =
        pl_options_copy(&h, sizeof h, sizeof h, how, "struct pl_subscription");

    if (rc == PL_OK && (!is_good(&h) || channel == NULL))
        rc = PL_EINVAL;
    if (rc != PL_OK)
        return rc;
    m.sub_flags = sub_flags(h.with);
    rc = copy_terms(&m.terms, &h);
    if (rc == PL_OK)
        rc = pl_order_user(b, "subscribe", &m, target, pl_span_of(channel),
                           report, arg);
    pl_sub_terms_release(&m.terms);
    return rc;
}
