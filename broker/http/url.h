/* SPDX-License-Identifier: Apache-2.0 */
/* url.h - the URLs that a client is given: of a WebSocket server (RFC 6455
 * section 3) and of an HTTP proxy (RFC 3986).
 *
 * Strict: a URL that two programs could take for two hosts is refused, as are a
 * fragment and, except for a proxy, user information. */
#ifndef PL_URL_H
#define PL_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

enum {
    PL_URL_MAX = 4096,     /* bytes */
    PL_URL_NAME_MAX = 253, /* characters of a host name */
    PL_URL_LABEL_MAX = 63  /* characters between two dots */
};

enum pl_url_host { PL_URL_NAME, PL_URL_IPV4, PL_URL_IPV6 };

/* A parsed URL; the spans point into it. */
struct pl_url {
    enum pl_url_host kind;
    struct pl_span name;  /* to be resolved or connected to, and for TLS; an
                             IPv6 address is without its brackets */
    struct pl_span host;  /* for the field Host: with brackets, and with the
                             port unless it is the default of the scheme */
    struct pl_span path;  /* begins with "/", which is added if it is empty */
    struct pl_span query; /* after "?"; absent if there is none */
    struct pl_span user;  /* of a proxy, percent-encoded; or absent */
    struct pl_span password; /* likewise */
    uint16_t port;
    bool is_tls; /* wss */
};

struct pl_url_error {
    const char *text; /* the error in words; constant */
    size_t at;        /* byte of the URL where it was found */
};

/* Parse "ws://host:port/path?query" or "wss:...".
 * Errors: PL_EINVAL: *error is set. */
enum pl_err pl_url_read(struct pl_span text, struct pl_url *out,
                        struct pl_url_error *error);

/* Parse "http://user:password@host:port", with an empty path or "/".
 * Errors: PL_EINVAL: *error is set, and its text has nothing of the URL. */
enum pl_err pl_url_read_proxy(struct pl_span text, struct pl_url *out,
                              struct pl_url_error *error);

/* Decode "%41" and write the result to `out`, which has space for `encoded`.
 * Return its length, or SIZE_MAX if a "%" does not begin two hexadecimal
 * digits. */
size_t pl_url_decode(struct pl_span encoded, char *out);

#endif
