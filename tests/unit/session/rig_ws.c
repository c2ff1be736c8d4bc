/* SPDX-License-Identifier: Apache-2.0 */
/* rig_ws.c - clients that speak WebSocket over a fake transport.
 *
 * The fake transport is as strict as a kernel: it takes only as many bytes as
 * the test allows, and what arrives while reading is paused waits here. */
#include "rig_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "session.h"
#include "ws_link.h"

const char client_request[] = "GET /connection/websocket HTTP/1.1\r\n"
                              "Host: 127.0.0.1\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n";

/* --- What the client sees --- */

static void on_frame(struct client *c, unsigned opcode, const char *payload,
                     size_t len)
{
    assert_int_equal(c->closed, 0); /* nothing follows a Close */
    if (opcode == PL_WS_TEXT) {
        client_keep_lines(c, payload, len);
    } else if (opcode == PL_WS_BINARY) {
        client_keep(c, payload, len);
    } else if (opcode == PL_WS_PONG) {
        c->pongs++;
    } else if (opcode == PL_WS_CLOSE) {
        c->closed = len < 2 ? 1005
                            : (uint16_t)((unsigned char)payload[0] << 8 |
                                         (unsigned char)payload[1]);
        if (len > 2)
            snprintf(c->reason, sizeof c->reason, "%.*s", (int)(len - 2),
                     payload + 2);
    }
}

/* The size of the frame at the front, and of its header; 0: not all here. */
static size_t whole_frame(const struct pl_buf *b, size_t at, size_t *header)
{
    const unsigned char *p = (const unsigned char *)b->data + at;
    size_t left = b->len - at;
    uint64_t len;

    if (left < 2)
        return 0;
    assert_int_equal(p[1] & 0x80, 0); /* a server does not mask */
    len = p[1];
    *header = len < 126 ? 2 : len == 126 ? 4 : 10;
    if (left < *header)
        return 0;
    if (*header > 2) {
        len = 0;
        for (size_t i = 2; i < *header; i++)
            len = len << 8 | p[i];
    }
    return left < *header + len ? 0 : *header + (size_t)len;
}

static size_t parse_http(struct client *c)
{
    const char *end =
        c->arrived.len < 4
            ? NULL
            : memmem(c->arrived.data, c->arrived.len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    size_t len = (size_t)(end - c->arrived.data) + 4;
    snprintf(c->http, sizeof c->http, "%.*s", (int)len, c->arrived.data);
    c->is_open = true;
    return strncmp(c->http, "HTTP/1.1 101", 12) == 0 ? len : c->arrived.len;
}

static void parse(struct client *c)
{
    size_t at = c->is_open ? 0 : parse_http(c), header, size;

    while (c->is_open && at < c->arrived.len &&
           (size = whole_frame(&c->arrived, at, &header)) > 0) {
        const char *p = c->arrived.data + at;

        assert_true(p[0] & 0x80);
        on_frame(c, p[0] & 0x0f, p + header, size - header);
        at += size;
    }
    if (at == 0)
        return;
    memmove(c->arrived.data, c->arrived.data + at, c->arrived.len - at);
    c->arrived.len -= at;
}

/* --- The transport --- */

static struct client *client_of(struct pl_session *s)
{
    return *(struct client **)pl_session_transport(s);
}

/* As conn.c does: until the session has no more or the kernel is full. */
static void drain(struct client *c)
{
    struct iovec iov[3];
    int count;

    while (!c->is_gone && c->takes > 0 &&
           (count = pl_session_output(c->session, iov, 3)) > 0) {
        size_t sent = 0;

        for (int i = 0; i < count && c->takes > 0; i++) {
            size_t n = iov[i].iov_len < c->takes ? iov[i].iov_len : c->takes;

            pl_buf_put(&c->arrived, iov[i].iov_base, n);
            c->takes -= c->takes == SIZE_MAX ? 0 : n;
            sent += n;
        }
        pl_session_sent(c->session, sent);
    }
    parse(c);
    if (c->is_gone)
        return;
    if (pl_session_output_bytes(c->session) > 0)
        pl_session_stalled(c->session);
    else if (c->is_ending && c->how == PL_END_CLOSE)
        client_end(c);
}

static void on_flush(struct pl_session *s)
{
    drain(client_of(s));
}

static void on_pause(struct pl_session *s)
{
    client_of(s)->is_paused = true;
    client_of(s)->pauses++;
}

static void on_resume(struct pl_session *s)
{
    client_of(s)->is_paused = false;
}

static void on_end(struct pl_session *s, enum pl_end how)
{
    struct client *c = client_of(s);

    c->is_ending = true;
    c->how = how;
    if (how == PL_END_AT_ONCE)
        client_end(c);
    else
        drain(c);
}

static void on_free(struct pl_session *s)
{
    client_of(s)->session = NULL;
}

static void on_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX])
{
    const char *address = client_of(s)->address;

    snprintf(text, PL_IP_TEXT_MAX, "%s", address == NULL ? "0.0.0.0" : address);
}

static const struct pl_ws_link_ops ops = {
    .link = PL_WS_LINK_OPS(on_flush, on_pause, on_resume, on_peer),
    .end = on_end,
    .free = on_free,
};

static enum pl_err create(struct client *c)
{
    enum pl_err rc = pl_ws_link_create(&c->session, c->rig->at[c->loop].manager,
                                       &ops, sizeof c);

    if (rc == PL_OK)
        *(struct client **)pl_session_transport(c->session) = c;
    return rc;
}

/* True when something was fed. */
static bool feed_waiting(struct client *c)
{
    struct pl_buf in = c->input;

    if (c->is_paused || c->is_gone || c->session == NULL || in.len == 0 ||
        !pl_session_manager_takes_input(c->rig->at[c->loop].manager))
        return false;
    c->input = (struct pl_buf){0};
    client_wake(c);
    pl_session_visit(c->session);
    pl_ws_link_input(c->session, in.data, in.len);
    pl_buf_fini(&in);
    return true;
}

void client_feed(struct client *c, const void *bytes, size_t len)
{
    assert_ptr_equal(c->rig->link, &rig_link_ws);
    if (c->is_gone || c->session == NULL)
        return;
    pl_buf_put(&c->input, bytes, len);
    feed_waiting(c);
}

void client_frame(struct pl_buf *b, unsigned first_byte, const void *payload,
                  size_t len)
{
    static const unsigned char key[4] = {0x12, 0x9a, 0x00, 0xff};

    pl_buf_put_byte(b, (char)first_byte);
    if (len < 126) {
        pl_buf_put_byte(b, (char)(0x80 | len));
    } else if (len < 65536) {
        pl_buf_put_byte(b, (char)(0x80 | 126));
        pl_buf_put_byte(b, (char)(len >> 8));
        pl_buf_put_byte(b, (char)len);
    } else {
        pl_buf_put_byte(b, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            pl_buf_put_byte(b, (char)((uint64_t)len >> shift));
    }
    pl_buf_put(b, key, 4);
    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(b, (char)(((const char *)payload)[i] ^ key[i % 4]));
}

static void say(struct client *c, const char *text)
{
    struct pl_buf b = {0};

    client_frame(&b, 0x80 | PL_WS_TEXT, text, strlen(text));
    pl_buf_put(&c->input, b.data, b.len);
    pl_buf_fini(&b);
}

static void open_link(struct client *c)
{
    client_feed(c, client_request, strlen(client_request));
    rig_run(c->rig, 0);
    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
}

const struct rig_link rig_link_ws = {
    .create = create,
    .open = open_link,
    .say = say,
    .feed = feed_waiting,
    .drain = drain,
};
