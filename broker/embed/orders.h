/* SPDX-License-Identifier: Apache-2.0 */
/* orders.h - what the files of orders share.  Private to this module. */
#ifndef PL_ORDERS_H
#define PL_ORDERS_H

#include "parley.h"
#include "span.h"

struct pl_user_mail;

/* Order of the supervisor what `fields` say: ask, code, sub_flags and terms,
 * from which the order takes its own references.  `target` is "user/ID" or
 * "conn/ID"; `channel` may be absent.
 * Errors: PL_EINVAL (the target or the channel), PL_ENOMEM, PL_EFULL,
 *         PL_ESTOPPING. */
enum pl_err pl_order_user(struct pl_broker *b, const char *name,
                          const struct pl_user_mail *fields, const char *target,
                          struct pl_span channel, pl_report *report, void *arg);

#endif
