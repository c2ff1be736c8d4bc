/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - the header of the PROXY protocol, by which a proxy names the client
 * of a connection before the client's bytes (HAProxy's proxy-protocol.txt,
 * versions 1 and 2). */
#ifndef PL_PROXY_H
#define PL_PROXY_H

#include <stddef.h>

#include "err.h"
#include "ip.h"
#include "span.h"

enum {
    PL_PROXY_MAX = 4096,    /* bytes of a header with its additions */
    PL_PROXY_LINE_MAX = 107 /* bytes of a header of version 1 */
};

enum pl_proxy_kind {
    PL_PROXY_CLIENT,  /* the proxy connects for the client `from` */
    PL_PROXY_UNKNOWN, /* ... for a client of unknown address */
    PL_PROXY_LOCAL    /* the proxy itself connects, for a health check */
};

struct pl_proxy {
    enum pl_proxy_kind kind;
    struct pl_ip from; /* address of a CLIENT */
    size_t len;        /* bytes of the header; the client's bytes follow */
};

/* Parse the header at the start of `in`.
 * Errors: PL_EAGAIN: incomplete, no error so far (call again with the same
 *         bytes and more after them); PL_EBADMSG: *why is the error in words, a
 *         constant text. */
enum pl_err pl_proxy_read(struct pl_span in, struct pl_proxy *out,
                          const char **why);

#endif
