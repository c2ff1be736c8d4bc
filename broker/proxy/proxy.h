/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - the header of the PROXY protocol, which a proxy puts before the
 * bytes of a connection to say whose it is (HAProxy's proxy-protocol.txt,
 * versions 1 and 2). */
#ifndef PL_PROXY_H
#define PL_PROXY_H

#include <stddef.h>

#include "err.h"
#include "ip.h"
#include "span.h"

enum {
    PL_PROXY_MAX = 4096,    /* bytes of a header, with all that it adds */
    PL_PROXY_LINE_MAX = 107 /* bytes of one of version 1 */
};

enum pl_proxy_kind {
    PL_PROXY_CLIENT,  /* the proxy speaks for the client `from` */
    PL_PROXY_UNKNOWN, /* ... for one whose address it cannot tell */
    PL_PROXY_LOCAL    /* the proxy speaks for itself: it looks after us */
};

struct pl_proxy {
    enum pl_proxy_kind kind;
    struct pl_ip from; /* of a CLIENT */
    size_t len;        /* bytes of the header; what follows is the client's */
};

/* Read the header at the front of `in`.
 * Errors: PL_EAGAIN: not all is here yet, nothing is wrong so far (give the
 *         same bytes with more behind them); PL_EBADMSG: *why says in words
 *         what is wrong; constant text. */
enum pl_err pl_proxy_read(struct pl_span in, struct pl_proxy *out,
                          const char **why);

#endif
