/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.c - see tunnel.h.
 *
 * The request is written into memory that is reserved before its first byte, so
 * the credentials never lie in a block that a growing buffer has left behind.
 * They are encoded to that memory directly.
 *
 * Rejected: other authentication schemes, because each needs several requests
 * and most need a library; more bytes after the 2xx as bytes of the tunnel,
 * because only the proxy or a third party can have sent them.
 *
 * Invariant: no copy of the credentials is left but the one in the buffer. */
#include "tunnel.h"

#include "host.h"
#include "http.h"

/* A stream of base64 (RFC 4648 section 4). */
struct encoder {
    struct pl_buf *out;
    unsigned bits; /* waiting, in the low bits */
    unsigned count;
};

static void put_sextet(struct encoder *e, unsigned sextet)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";

    pl_buf_put_byte(e->out, alphabet[sextet & 0x3F]);
}

static void encode(struct encoder *e, struct pl_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        e->bits = e->bits << 8 | (unsigned char)bytes.at[i];
        for (e->count += 8; e->count >= 6; e->count -= 6)
            put_sextet(e, e->bits >> (e->count - 6));
    }
}

static void encode_end(struct encoder *e)
{
    unsigned pad = e->count == 0 ? 0 : e->count == 2 ? 2 : 1;

    if (pad > 0)
        put_sextet(e, e->bits << (6 - e->count));
    while (pad-- > 0)
        pl_buf_put_byte(e->out, '=');
    explicit_bzero(&e->bits, sizeof e->bits);
}

/* Return what is wrong, or NULL. */
static const char *check(const struct pl_tunnel *t)
{
    struct pl_span name, port;

    if (!pl_host_split(t->host, &name, &port) || port.len == 0)
        return "the host of a tunnel is no name with a port";
    if (t->host.len > PL_HTTP_LINE_MAX / 2)
        return "the host of a tunnel is too long";
    if (t->user.len > PL_TUNNEL_CREDENTIALS_MAX ||
        t->password.len > PL_TUNNEL_CREDENTIALS_MAX - t->user.len)
        return "the credentials for the proxy are too long";
    if (t->user.len > 0 && memchr(t->user.at, ':', t->user.len) != NULL)
        return "the user for the proxy has a colon";
    if (pl_http_has_control(t->user) || pl_http_has_control(t->password))
        return "the credentials for the proxy have a control character";
    return NULL;
}

static void put_credentials(const struct pl_tunnel *t, struct pl_buf *b)
{
    struct encoder e = {.out = b};

    pl_buf_put_span(b, PL_SPAN("Proxy-Authorization: Basic "));
    encode(&e, t->user);
    encode(&e, PL_SPAN(":"));
    encode(&e, t->password);
    encode_end(&e);
    pl_buf_put_span(b, PL_SPAN("\r\n"));
}

enum pl_err pl_tunnel_write(const struct pl_tunnel *t, struct pl_buf *b,
                            const char **text)
{
    const char *wrong = check(t);

    if (wrong != NULL) {
        *text = wrong;
        return PL_EINVAL;
    }
    enum { FIXED = 128 }; /* more than the words of the request */
    if (pl_buf_reserve(b, FIXED + 2 * t->host.len +
                              (t->user.len + t->password.len) / 3 * 4) == NULL)
        return PL_ENOMEM;
    pl_buf_put_span(b, PL_SPAN("CONNECT "));
    pl_buf_put_span(b, t->host);
    pl_buf_put_span(b, PL_SPAN(" HTTP/1.1\r\nHost: "));
    pl_buf_put_span(b, t->host);
    pl_buf_put_span(b, PL_SPAN("\r\n"));
    if (t->user.at != NULL)
        put_credentials(t, b);
    pl_buf_put_span(b, PL_SPAN("\r\n"));
    return PL_OK;
}

void pl_tunnel_wipe(struct pl_buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    pl_buf_fini(b);
}

static enum pl_err deny(const struct pl_http_response *r,
                        struct pl_http_failure *why)
{
    return pl_http_response_deny(r,
                                 r->status == 407
                                     ? "the proxy asks for other credentials"
                                     : "the proxy did not open the tunnel",
                                 why);
}

enum pl_err pl_tunnel_read(struct pl_span in, struct pl_http_failure *why)
{
    struct pl_http_response r;
    size_t taken;
    enum pl_err err = pl_http_response_read(in, &r, &taken, why);

    if (err != PL_OK)
        return err;
    if (r.status < 200 || r.status > 299)
        return deny(&r, why);
    if (taken == in.len)
        return PL_OK;
    *why = (struct pl_http_failure){
        .text = "the proxy sent bytes after it opened the tunnel",
        .status = r.status};
    return PL_EBADMSG;
}
