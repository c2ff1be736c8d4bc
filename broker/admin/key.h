/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - whether a request over TCP may do what it asks. */
#ifndef PL_KEY_H
#define PL_KEY_H

#include <stdbool.h>

enum pl_key_verdict {
    PL_KEY_GOOD,
    PL_KEY_OFF,   /* no key is configured: nobody may, 403 */
    PL_KEY_WRONG, /* none, or another: 401 */
};

/* `key` is the configured one or NULL; `header` is that of X-API-Key,
 * `authorization` that of Authorization ("apikey KEY"), both may be NULL.
 * How long it takes does not tell how much of a key was right. */
enum pl_key_verdict pl_key_check(const char *key, const char *header,
                                 const char *authorization);

#endif
