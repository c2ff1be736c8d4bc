/* SPDX-License-Identifier: Apache-2.0 */
/* api_key.h - the keys of the server API: which a request shows, and what each
 * permits. */
#ifndef PL_API_KEY_H
#define PL_API_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "head.h"
#include "metrics.h"
#include "span.h"
#include "users_settings.h"

enum { PL_API_KEY_DIGEST = 32 /* bytes of SHA-256 */ };

/* A key, without its text. */
struct pl_api_key {
    unsigned char digest[PL_API_KEY_DIGEST];
    struct pl_config_strings namespaces; /* it may use; empty: all */
    struct pl_config_strings methods;    /* it may call; empty: all */
};

struct pl_api_keys {
    struct pl_api_key *at;
    size_t count;
    bool are_needless; /* api.open */
};

enum pl_key_verdict {
    PL_KEY_GOOD,
    PL_KEY_ABSENT, /* the request shows no key, or none is configured */
    PL_KEY_WRONG
};

/* Take the keys of `settings`: `api.key` first, which permits everything, then
 * those of `api.keys`.
 * Owner:  the caller ends *out with pl_api_keys_fini(), also on error.
 * Errors: PL_ENOMEM. */
enum pl_err pl_api_keys_init(struct pl_api_keys *out,
                             const struct pl_users_settings *settings);
void pl_api_keys_fini(struct pl_api_keys *keys);

/* Find the key that the head of a request shows: in X-API-Key, else in
 * Authorization ("apikey KEY"), else in the member `api_key` of the query.  A
 * field or member that occurs twice is a wrong key.  The time that this takes
 * reveals neither how much of a key is right nor which key is meant.  On
 * PL_KEY_GOOD *out is the key, valid as long as `keys`.
 *
 * With api.open each request has a good key that permits everything, unless a
 * browser sent it for a page: it has an Origin then. */
enum pl_key_verdict pl_api_key_find(const struct pl_api_keys *keys,
                                    const struct pl_http_head *head,
                                    const struct pl_api_key **out);

/* Return true if the key permits the method, or channels of the namespace; ""
 * names the channels without a namespace. */
bool pl_api_key_permits_method(const struct pl_api_key *key,
                               struct pl_span method);
bool pl_api_key_permits_namespace(const struct pl_api_key *key,
                                  struct pl_span name);

/* Count and log that a request from `address` was answered with 401.
 * Thread: that of the loop with these metrics. */
void pl_api_key_report(struct pl_metrics *metrics, const char *address,
                       enum pl_key_verdict verdict);

#endif
