/* SPDX-License-Identifier: Apache-2.0 */
/* other_wslay.c - frames by libwslay; see others.h.
 *
 * Its event layer is what a server would use: whole messages in and out.  A
 * round is one message; a mask of zeros, as in pieces_frame.c. */
#include "others.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

struct work {
    wslay_event_context_ptr ctx;
    struct pl_buf in; /* one masked frame */
    size_t at;        /* what of it was read */
    size_t size;
    struct pl_buf out;
    uint64_t messages;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *to, size_t len,
                       int flags, void *arg)
{
    struct work *w = arg;
    size_t n = w->in.len - w->at < len ? w->in.len - w->at : len;

    (void)flags;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(to, w->in.data + w->at, n);
    w->at += n;
    return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *from,
                       size_t len, int flags, void *arg)
{
    struct work *w = arg;

    (void)ctx;
    (void)flags;
    pl_buf_put(&w->out, from, len);
    return (ssize_t)len;
}

static void on_message(wslay_event_context_ptr ctx,
                       const struct wslay_event_on_msg_recv_arg *msg, void *arg)
{
    struct work *w = arg;

    (void)ctx;
    w->messages += msg->msg_length == w->size;
}

static void decode(void *arg, uint64_t times)
{
    struct work *w = arg;

    w->messages = 0;
    for (uint64_t i = 0; i < times; i++) {
        w->at = 0;
        wslay_event_recv(w->ctx);
    }
    assert(w->messages == times);
}

static void encode(void *arg, uint64_t times)
{
    struct work *w = arg;
    struct wslay_event_msg msg = {.opcode = WSLAY_BINARY_FRAME,
                                  .msg = (const uint8_t *)w->in.data +
                                         (w->in.len - w->size),
                                  .msg_length = w->size};

    for (uint64_t i = 0; i < times; i++) {
        w->out.len = 0;
        wslay_event_queue_msg(w->ctx, &msg);
        wslay_event_send(w->ctx);
    }
    assert(w->out.len > w->size);
}

static void build(struct work *w, unsigned opcode, size_t size)
{
    static const char no_mask[4];
    struct wslay_event_callbacks calls = {.recv_callback = on_recv,
                                          .send_callback = on_send,
                                          .on_msg_recv_callback = on_message};

    *w = (struct work){.size = size};
    pl_buf_put_byte(&w->in, (char)(0x80 | opcode));
    if (size < 126) {
        pl_buf_put_byte(&w->in, (char)(0x80 | size));
    } else {
        int bytes = size < 65536 ? 2 : 8;

        pl_buf_put_byte(&w->in, (char)(0x80 | (bytes == 2 ? 126 : 127)));
        for (int shift = bytes * 8 - 8; shift >= 0; shift -= 8)
            pl_buf_put_byte(&w->in, (char)((uint64_t)size >> shift));
    }
    pl_buf_put(&w->in, no_mask, sizeof no_mask);
    char *to = pl_buf_reserve(&w->in, size);
    if (to == NULL || wslay_event_context_server_init(&w->ctx, &calls, w) != 0)
        abort();
    memset(to, 'x', size);
    w->in.len += size;
    wslay_event_config_set_max_recv_msg_length(w->ctx, 1 << 24);
}

static void drop(struct work *w)
{
    wslay_event_context_free(w->ctx);
    pl_buf_fini(&w->in);
    pl_buf_fini(&w->out);
}

void others_frames(struct measure *m, unsigned size)
{
    struct work binary, text;
    char name[64];

    build(&binary, WSLAY_BINARY_FRAME, size);
    build(&text, WSLAY_TEXT_FRAME, size);
    snprintf(name, sizeof name, "frame/decode/binary/%u/wslay", size);
    measure(m, name, decode, &binary, 1, size);
    snprintf(name, sizeof name, "frame/decode/text/%u/wslay", size);
    measure(m, name, decode, &text, 1, size);
    snprintf(name, sizeof name, "frame/encode/%u/wslay", size);
    measure(m, name, encode, &binary, 1, size);
    drop(&binary);
    drop(&text);
}
