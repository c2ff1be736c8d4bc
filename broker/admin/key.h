/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - whether a request over TCP may do what it asks. */
#ifndef PL_KEY_H
#define PL_KEY_H

#include <stdbool.h>

#include "metrics.h"
#include "span.h"

enum pl_key_verdict {
    PL_KEY_GOOD,
    PL_KEY_OFF,   /* no key is configured: nobody may, 403 */
    PL_KEY_WRONG, /* none, or another: 401 */
};

/* `key` is the configured one or NULL; `header` is the value of X-API-Key,
 * `authorization` that of Authorization ("apikey KEY"); each is absent without
 * its field.  Every byte of the value counts.  How long it takes does not tell
 * how much of a key was right. */
enum pl_key_verdict pl_key_check(const char *key, struct pl_span header,
                                 struct pl_span authorization);

/* Count and log that a request of `address` was answered 401.
 * Thread: the loop's. */
void pl_key_report(struct pl_metrics *metrics, const char *address,
                   bool has_key);

#endif
