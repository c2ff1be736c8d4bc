/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - the check of the API key. */
#ifndef PL_KEY_H
#define PL_KEY_H

#include <stdbool.h>

#include "metrics.h"
#include "span.h"

enum pl_key_verdict {
    PL_KEY_GOOD,
    PL_KEY_OFF,   /* no key is configured: respond with 403 */
    PL_KEY_WRONG, /* missing or wrong key: respond with 401 */
};

/* Compare a request with `key`, the configured key or NULL.  `header` is the
 * value of X-API-Key, `authorization` the value of Authorization ("apikey
 * KEY"); each is absent if its field is.  The time this takes does not reveal
 * how much of a key was right. */
enum pl_key_verdict pl_key_check(const char *key, struct pl_span header,
                                 struct pl_span authorization);

/* Count and log that a request from `address` was answered with 401.
 * Thread: the control loop. */
void pl_key_report(struct pl_metrics *metrics, const char *address,
                   bool has_key);

#endif
