/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.h - asks an HTTP proxy for a tunnel to a server: CONNECT (RFC 9110
 * section 9.3.6), with Basic credentials (RFC 7617) if wanted. */
#ifndef PL_HTTP_TUNNEL_H
#define PL_HTTP_TUNNEL_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "response.h"
#include "span.h"

enum { PL_TUNNEL_CREDENTIALS_MAX = 1024 }; /* bytes of user and password */

/* What is asked for; the spans are the caller's. */
struct pl_tunnel {
    struct pl_span host; /* "name:port" or "[v6]:port"; the port is needed */
    struct pl_span user; /* absent: without credentials */
    struct pl_span password; /* may be absent */
};

/* Append the request.
 * Owner:  the memory of `b` then has the credentials, and no other copy is
 *         left: give it to pl_tunnel_wipe() once the request is sent.
 * Errors: PL_EINVAL: *text is what is wrong with `t`; PL_ENOMEM.  `b` is then
 *         unchanged. */
enum pl_err pl_tunnel_write(const struct pl_tunnel *t, struct pl_buf *b,
                            const char **text);

/* Overwrite all memory of `b` and free it. */
void pl_tunnel_wipe(struct pl_buf *b);

/* Read all bytes that the proxy has sent.  PL_OK: the tunnel is open.  Bytes
 * after the head are refused, because the server behind the tunnel does not
 * speak first.
 * Errors: PL_EAGAIN: incomplete, no error so far (call again with the same
 *         bytes and more after them); PL_EDENIED: why->status is no 2xx;
 *         PL_EBADMSG.  *why is set for both. */
enum pl_err pl_tunnel_read(struct pl_span in, struct pl_http_failure *why);

#endif
