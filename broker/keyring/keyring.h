/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.h - the actor that gets the public keys of tokens from the servers
 * that publish them (JWKS).
 *
 * It answers pl_key_mail.  One request at a time goes to a server, whatever the
 * number of keys and loops that wait for it; a set of keys is kept for an hour.
 * A question for a key that the set lacks makes it fetch the set again, but
 * only once in some seconds: tokens of untrusted peers must not make it a
 * weapon against the server. */
#ifndef PL_KEYRING_H
#define PL_KEYRING_H

#include <stdint.h>

#include "address.h"
#include "err.h"
#include "metrics.h"

struct pl_keyring; /* opaque */
struct pl_loop;

/* How a set is fetched; a test has its own. */
struct pl_keyring_source {
    /* Fetch `url`, and call pl_keyring_fetched() with `set` once, later.
     * Errors: those of pl_fetcher_get(). */
    enum pl_err (*fetch)(void *source, const char *url, void *set);
    void (*destroy)(void *source);
};

struct pl_keyring_options {
    struct pl_loop *loop;
    struct pl_metrics *metrics;
    const struct pl_keyring_source *ops;
    void *source; /* the keyring destroys it, also if it is not created */
};

enum {
    PL_KEYRING_LIFE_MS = 3600 * 1000, /* of a set */
    PL_KEYRING_AGAIN_MS = 5000,       /* at least, between two requests to a
                                         server */
    PL_KEYRING_TRIES = 2,             /* requests before it gives up */
    PL_KEYRING_SETS_MAX = 16
};

/* Owner:  the loop; the keyring ends by PL_MSG_STOP.
 * Errors: PL_ENOMEM. */
enum pl_err pl_keyring_create(struct pl_keyring **out,
                              const struct pl_keyring_options *options);
struct pl_address pl_keyring_address(const struct pl_keyring *k);

struct pl_fetch_result;
/* The end of a request; `set` as it was given.  Thread: the loop. */
void pl_keyring_fetched(void *set, const struct pl_fetch_result *r);

struct pl_reactor;
/* The source of a broker: HTTP(S) by libcurl.  It begins with the first
 * request.  `ca_file` is copied; NULL: the certificates that the system trusts.
 * Errors: PL_ENOMEM. */
extern const struct pl_keyring_source pl_keyring_http;
enum pl_err pl_keyring_http_create(void **out, struct pl_reactor *reactor,
                                   const char *ca_file);

#endif
