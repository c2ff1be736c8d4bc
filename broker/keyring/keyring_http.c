/* SPDX-License-Identifier: Apache-2.0 */
/* keyring_http.c - fetches sets of keys by HTTP(S); see keyring.h.
 *
 * Most brokers have no set of keys, so the client of HTTP is created with the
 * first request. */
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "keyring.h"

enum {
    TIMEOUT_MS = 1000, /* of a request; there are PL_KEYRING_TRIES */
    BODY_MAX = 256 * 1024,
    CONNECTIONS_MAX = 4
};

struct source {
    struct pl_reactor *reactor;
    char *ca_file; /* owned; NULL: the system's */
    struct pl_fetcher *fetcher;
};

static enum pl_err fetch(void *source, const char *url, void *set)
{
    struct source *s = source;
    const struct pl_fetch_options o = {.reactor = s->reactor,
                                       .ca_file = s->ca_file,
                                       .timeout_ms = TIMEOUT_MS,
                                       .body_max = BODY_MAX,
                                       .connections_max = CONNECTIONS_MAX,
                                       .requests_max = PL_KEYRING_SETS_MAX};
    enum pl_err rc =
        s->fetcher == NULL ? pl_fetcher_create(&s->fetcher, &o) : PL_OK;

    return rc == PL_OK
               ? pl_fetcher_get(s->fetcher, url, pl_keyring_fetched, set)
               : rc;
}

static void destroy(void *source)
{
    struct source *s = source;

    pl_fetcher_destroy(s->fetcher);
    free(s->ca_file);
    free(s);
}

const struct pl_keyring_source pl_keyring_http = {fetch, destroy};

enum pl_err pl_keyring_http_create(void **out, struct pl_reactor *reactor,
                                   const char *ca_file)
{
    struct source *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    s->reactor = reactor;
    if (ca_file != NULL && (s->ca_file = strdup(ca_file)) == NULL) {
        free(s);
        return PL_ENOMEM;
    }
    *out = s;
    return PL_OK;
}
