/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h - an HTTP(S) client that lives on one loop and blocks nothing.
 *
 * It asks servers that the configuration names: those of public keys.  Requests
 * share connections, which stay open between them.  Each has a deadline and a
 * bound of its answer; requests beyond a number wait, and beyond another are
 * refused.
 *
 * Thread: the loop, for every call and callback. */
#ifndef PL_FETCH_H
#define PL_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

struct pl_fetcher; /* opaque */
struct pl_reactor;

struct pl_fetch_options {
    struct pl_reactor *reactor;
    const char *ca_file;      /* PEM; copied; NULL: the certificates that the
                                 system trusts */
    uint64_t timeout_ms;      /* of a request, with its connection and name */
    size_t body_max;          /* bytes of an answer */
    unsigned connections_max; /* at a time; more requests wait */
    unsigned requests_max;    /* at a time, with those that wait */
};

/* How a request ended.  The spans are valid during the callback. */
struct pl_fetch_result {
    enum pl_err err; /* PL_OK: there is an answer; PL_ETIMEDOUT; PL_ETOOBIG;
                        PL_EIO: no connection, or TLS that is not trusted;
                        PL_ENOMEM */
    unsigned status; /* of HTTP */
    struct pl_span body;
    const char *reason; /* of an error, for the log; constant text */
};

/* The fetcher may be used in the call, but not destroyed. */
typedef void pl_fetch_done(void *context, const struct pl_fetch_result *r);

/* Owner:  the caller destroys *out before the reactor.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_fetcher_create(struct pl_fetcher **out,
                              const struct pl_fetch_options *options);

/* End all requests without a call of done().  NULL is allowed. */
void pl_fetcher_destroy(struct pl_fetcher *f);

/* GET `url`, which is http or https.  done() follows once, never from inside
 * this call.  Redirects are answers.
 * Errors: PL_EFULL, PL_EINVAL (no URL), PL_ENOMEM; done() does not follow. */
enum pl_err pl_fetcher_get(struct pl_fetcher *f, const char *url,
                           pl_fetch_done *done, void *context);

#endif
