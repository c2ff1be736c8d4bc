/* SPDX-License-Identifier: Apache-2.0 */
/* opening.c - see opening.h.
 *
 * Each read parses from the start and keeps nothing, like handshake.c: what is
 * needed of the request is still in `o`, and the Accept is computed again.
 *
 * The response is checked in a fixed order after its head is complete, so the
 * error does not depend on the order of the fields.  A list over several fields
 * is not joined: a valid response has at most one subprotocol and one
 * extension, so a second field is an error in itself.
 *
 * Rejected: following redirects, because they may lead to a server that the
 * application did not name, with its credentials.
 *
 * Invariant: a request has one field per line, whatever the application gives;
 * *out is written only for a valid response. */
#include "opening.h"

#include <openssl/evp.h>

#include "handshake.h"
#include "host.h"
#include "http.h"

enum { KEY_LEN = 24 };

static enum pl_err refuse(struct pl_http_failure *why, const char *text,
                          struct pl_span what)
{
    *why = (struct pl_http_failure){.text = text, .what = what};
    return PL_EINVAL;
}

static void put_key(const struct pl_opening *o, char key[KEY_LEN + 1])
{
    EVP_EncodeBlock((unsigned char *)key, o->nonce, PL_OPENING_NONCE_LEN);
}

/* --- The request --- */

/* The fields that this file writes, and those that change where a message ends
 * or what the connection is.  "-" at the end: all names that begin so. */
static bool is_reserved(struct pl_span name)
{
    static const char *const reserved[] = {"host",
                                           "connection",
                                           "upgrade",
                                           "origin",
                                           "te",
                                           "trailer",
                                           "content-length",
                                           "transfer-encoding",
                                           "expect",
                                           "keep-alive",
                                           "proxy-",
                                           "sec-websocket-",
                                           "http2-settings"};

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        struct pl_span word = pl_span_of(reserved[i]), start = name;

        if (word.at[word.len - 1] == '-' && name.len > word.len)
            start.len = word.len;
        if (pl_http_equal(start, word))
            return true;
    }
    return false;
}

static enum pl_err check_field(const struct pl_opening_field *f,
                               struct pl_http_failure *why)
{
    if (!pl_http_is_token(f->name))
        return refuse(why, "the name of a header field is not valid", f->name);
    if (is_reserved(f->name))
        return refuse(why, "this header field cannot be set", f->name);
    if (pl_http_has_control(f->value))
        return refuse(why, "a header field has a control character", f->name);
    if (f->name.len + f->value.len + 2 > PL_HTTP_LINE_MAX) {
        refuse(why, "a header field is too long", f->name);
        return PL_ETOOBIG;
    }
    return PL_OK;
}

static enum pl_err check_fields(const struct pl_opening *o,
                                struct pl_http_failure *why)
{
    enum { OURS_MAX = 8 }; /* fields that this file writes */

    if (o->field_count > PL_HTTP_FIELDS_MAX - OURS_MAX) {
        refuse(why, "too many header fields", (struct pl_span){NULL, 0});
        return PL_ETOOBIG;
    }
    for (size_t i = 0; i < o->field_count; i++) {
        enum pl_err err = check_field(&o->fields[i], why);

        if (err != PL_OK)
            return err;
    }
    return PL_OK;
}

static enum pl_err check_request(const struct pl_opening *o,
                                 struct pl_http_failure *why)
{
    struct pl_span name, port;

    if (!pl_host_split(o->host, &name, &port))
        return refuse(why, "this is not a host", PL_SPAN("Host"));
    if (!pl_http_is_target(o->path) || *o->path.at != '/' ||
        memchr(o->path.at, '?', o->path.len) != NULL ||
        (o->query.len > 0 && !pl_http_is_target(o->query)))
        return refuse(why, "this is not a path with a query", PL_SPAN("GET"));
    if (o->origin.at != NULL && !pl_http_is_target(o->origin))
        return refuse(why, "this is not an origin", PL_SPAN("Origin"));
    if (o->protocols.at != NULL &&
        (!pl_http_is_set(o->protocols) ||
         !pl_http_list_next(
             &(struct pl_span){o->protocols.at, o->protocols.len}, &name)))
        return refuse(why, "this is not a list of subprotocols",
                      PL_SPAN("Sec-WebSocket-Protocol"));
    return check_fields(o, why);
}

static void put_field(struct pl_buf *b, struct pl_span name,
                      struct pl_span value)
{
    pl_buf_put_span(b, name);
    pl_buf_put_span(b, PL_SPAN(": "));
    pl_buf_put_span(b, value);
    pl_buf_put_span(b, PL_SPAN("\r\n"));
}

static void put_target(struct pl_buf *b, const struct pl_opening *o)
{
    pl_buf_put_span(b, PL_SPAN("GET "));
    pl_buf_put_span(b, o->path);
    if (o->query.at != NULL) {
        pl_buf_put_byte(b, '?');
        pl_buf_put_span(b, o->query);
    }
    pl_buf_put_span(b, PL_SPAN(" HTTP/1.1\r\n"));
}

static void put_request(struct pl_buf *b, const struct pl_opening *o)
{
    char key[KEY_LEN + 1];

    put_key(o, key);
    put_target(b, o);
    put_field(b, PL_SPAN("Host"), o->host);
    put_field(b, PL_SPAN("Upgrade"), PL_SPAN("websocket"));
    put_field(b, PL_SPAN("Connection"), PL_SPAN("Upgrade"));
    put_field(b, PL_SPAN("Sec-WebSocket-Key"), pl_span_of(key));
    put_field(b, PL_SPAN("Sec-WebSocket-Version"), PL_SPAN("13"));
    if (o->origin.at != NULL)
        put_field(b, PL_SPAN("Origin"), o->origin);
    if (o->protocols.at != NULL)
        put_field(b, PL_SPAN("Sec-WebSocket-Protocol"), o->protocols);
    if (o->offers_deflate)
        put_field(b, PL_SPAN("Sec-WebSocket-Extensions"),
                  PL_SPAN(PL_DEFLATE_OFFER));
    for (size_t i = 0; i < o->field_count; i++)
        put_field(b, o->fields[i].name, o->fields[i].value);
    pl_buf_put_span(b, PL_SPAN("\r\n"));
}

/* Return what is too long in the request, or NULL. */
static const char *too_long(const struct pl_opening *o, size_t len)
{
    if (o->path.len + o->query.len + sizeof "GET ? HTTP/1.1" - 1 >
        PL_HTTP_LINE_MAX)
        return "the path and the query are too long";
    if (len > PL_HTTP_HEAD_MAX || o->protocols.len > PL_HTTP_LINE_MAX / 2 ||
        o->origin.len > PL_HTTP_LINE_MAX / 2 ||
        o->host.len > PL_HTTP_LINE_MAX / 2)
        return "the request is too long";
    return NULL;
}

enum pl_err pl_opening_write(const struct pl_opening *o, struct pl_buf *b,
                             struct pl_http_failure *why)
{
    size_t mark = b->len;
    enum pl_err err = check_request(o, why);

    if (err != PL_OK)
        return err;
    put_request(b, o);
    const char *text = too_long(o, b->len - mark);
    if (!b->failed && text == NULL)
        return PL_OK;
    b->len = mark;
    if (b->failed)
        return PL_ENOMEM;
    refuse(why, text, (struct pl_span){NULL, 0});
    return PL_ETOOBIG;
}

/* --- The response --- */

static enum pl_err wrong(struct pl_http_failure *why, const char *text,
                         struct pl_span what)
{
    *why = (struct pl_http_failure){.text = text, .what = what, .status = 101};
    return PL_EBADMSG;
}

static bool has_upgrade(const struct pl_http_response *r)
{
    struct pl_span lines = r->lines, name, value, item;
    bool has = false;

    while (pl_http_field_next(&lines, &name, &value))
        if (pl_http_equal(name, PL_SPAN("connection")))
            while (pl_http_list_next(&value, &item))
                has |= pl_http_equal(item, PL_SPAN("upgrade"));
    return has;
}

static enum pl_err check_switch(const struct pl_http_response *r,
                                struct pl_http_failure *why)
{
    const struct pl_span coding = PL_SPAN("Transfer-Encoding");
    const struct pl_span length = PL_SPAN("Content-Length");
    const struct pl_span upgrade = PL_SPAN("Upgrade");
    struct pl_span value = {NULL, 0};

    if (r->is_old)
        return wrong(why, "HTTP/1.0 cannot switch protocols", value);
    if (pl_http_response_find(r, coding, &value) > 0)
        return wrong(why, "the response has a body", coding);
    if (pl_http_response_find(r, length, &value) > 0 &&
        !pl_span_equal(value, PL_SPAN("0")))
        return wrong(why, "the response has a body", length);
    if (pl_http_response_find(r, upgrade, &value) != 1 ||
        !pl_http_equal(value, PL_SPAN("websocket")))
        return wrong(why, "the server did not switch to WebSocket", upgrade);
    if (!has_upgrade(r))
        return wrong(why, "the server did not switch to WebSocket",
                     PL_SPAN("Connection"));
    return PL_OK;
}

static enum pl_err check_accept(const struct pl_opening *o,
                                const struct pl_http_response *r,
                                struct pl_http_failure *why)
{
    const struct pl_span accept = PL_SPAN("Sec-WebSocket-Accept");
    char key[KEY_LEN + 1], expected[PL_HANDSHAKE_ACCEPT_LEN + 1];
    struct pl_span value;
    size_t count = pl_http_response_find(r, accept, &value);

    if (count == 0)
        return wrong(why, "the proof of the server is missing", accept);
    if (count > 1)
        return wrong(why, "a header field is given twice", accept);
    put_key(o, key);
    pl_handshake_accept_key(pl_span_of(key), expected);
    if (*expected == '\0')
        return PL_ENOMEM;
    if (!pl_span_equal(value, pl_span_of(expected)))
        return wrong(why, "the proof of the server is wrong", accept);
    return PL_OK;
}

static enum pl_err read_protocol(const struct pl_opening *o,
                                 const struct pl_http_response *r,
                                 struct pl_opened *out,
                                 struct pl_http_failure *why)
{
    const struct pl_span field = PL_SPAN("Sec-WebSocket-Protocol");
    struct pl_span value, rest = o->protocols, item;
    size_t count = pl_http_response_find(r, field, &value);

    out->protocol = (struct pl_span){NULL, 0};
    if (count == 0)
        return PL_OK;
    if (count > 1)
        return wrong(why, "a header field is given twice", field);
    while (pl_http_list_next(&rest, &item))
        if (pl_span_equal(item, value)) {
            out->protocol = item;
            return PL_OK;
        }
    return wrong(why, "the server chose a subprotocol that was not offered",
                 field);
}

static enum pl_err read_extensions(const struct pl_opening *o,
                                   const struct pl_http_response *r,
                                   struct pl_opened *out,
                                   struct pl_http_failure *why)
{
    const struct pl_span field = PL_SPAN("Sec-WebSocket-Extensions");
    struct pl_span value, rest, item;
    size_t count = pl_http_response_find(r, field, &value);

    out->deflate = PL_DEFLATE_NONE;
    rest = value;
    if (count <= 1 && !pl_http_list_next(&rest, &item))
        return PL_OK;
    if (count > 1)
        return wrong(why, "a header field is given twice", field);
    if (!pl_http_is_extensions(value))
        return wrong(why, "a header field is malformed", field);
    if (!o->offers_deflate)
        return wrong(why,
                     "the server accepted other extensions than were offered",
                     field);
    const char *text = pl_deflate_agree(value, &out->deflate);
    return text == NULL ? PL_OK : wrong(why, text, field);
}

static const char *denial(int status)
{
    if (status >= 300 && status <= 399)
        return "the server redirects, which is not followed";
    if (status == 401 || status == 403 || status == 407)
        return "the server does not admit this client";
    return "the server did not open the WebSocket";
}

enum pl_err pl_opening_read(const struct pl_opening *o, struct pl_span in,
                            struct pl_opened *out, size_t *taken,
                            struct pl_http_failure *why)
{
    struct pl_http_response r;
    struct pl_opened opened;
    size_t len;
    enum pl_err err = pl_http_response_read(in, &r, &len, why);

    if (err == PL_OK && r.status != 101)
        return pl_http_response_deny(&r, denial(r.status), why);
    if (err == PL_OK)
        err = check_switch(&r, why);
    if (err == PL_OK)
        err = check_accept(o, &r, why);
    if (err == PL_OK)
        err = read_protocol(o, &r, &opened, why);
    if (err == PL_OK)
        err = read_extensions(o, &r, &opened, why);
    if (err != PL_OK)
        return err;
    *out = opened;
    *taken = len;
    return PL_OK;
}
