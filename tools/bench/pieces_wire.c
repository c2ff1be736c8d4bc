/* SPDX-License-Identifier: Apache-2.0 */
/* pieces_wire.c - the hot commands, pushes and replies in both encodings. */
#include "pieces.h"

#include <assert.h>
#include <stdio.h>

#include "code.h"
#include "world.h"

enum { PAYLOAD = 64 };

static const char *word(enum pl_encoding encoding)
{
    return encoding == PL_ENCODING_JSON ? "json" : "protobuf";
}

/* A JSON value too, so that both encodings can carry it. */
static struct pl_span payload(void)
{
    static char text[PAYLOAD + 1];

    snprintf(text, sizeof text, "{\"text\":\"%0*d\"}", PAYLOAD - 11, 0);
    return pl_span_of(text);
}

/* --- Decoding --- */

struct decoding {
    enum pl_encoding encoding;
    struct pl_buf message;
    struct pl_arena arena;
};

static void decode(void *arg, uint64_t times)
{
    struct decoding *d = arg;
    struct pl_command c;
    const char *why;
    size_t at;

    for (uint64_t i = 0; i < times; i++) {
        struct pl_span in = pl_buf_span(&d->message);

        pl_arena_reset(&d->arena);
        enum pl_err rc =
            pl_command_decode(d->encoding, &in, &d->arena, &c, &why, &at);
        assert(rc == PL_OK);
    }
}

static void measure_decode(struct measure *m, struct decoding *d,
                           const char *what)
{
    char name[64];

    snprintf(name, sizeof name, "wire/decode/%s/%s", word(d->encoding), what);
    measure(m, name, decode, d, 1, 0);
    d->message.len = 0;
}

static void commands(struct measure *m, enum pl_encoding encoding)
{
    struct decoding d = {.encoding = encoding};

    message_publish(&d.message, encoding, "room:main", payload());
    measure_decode(m, &d, "publish");
    message_subscribe(&d.message, encoding, "room:main");
    measure_decode(m, &d, "subscribe");
    message_rpc(&d.message, encoding, "actor.send", payload());
    measure_decode(m, &d, "rpc");
    message_connect(&d.message, encoding);
    measure_decode(m, &d, "connect");
    pl_buf_fini(&d.message);
    pl_arena_fini(&d.arena);
}

/* --- Encoding --- */

struct encoding_of {
    enum pl_encoding encoding;
    const struct pl_push *push; /* or */
    const struct pl_reply *reply;
    struct pl_buf out;
};

static void encode(void *arg, uint64_t times)
{
    struct encoding_of *e = arg;

    for (uint64_t i = 0; i < times; i++) {
        e->out.len = 0;
        if (e->push != NULL)
            pl_push_encode(e->encoding, &e->out, e->push);
        else
            pl_reply_encode(e->encoding, &e->out, e->reply);
        measure_keep(e->out.data);
    }
}

static void measure_encode(struct measure *m, struct encoding_of e,
                           const char *what)
{
    char name[64];

    snprintf(name, sizeof name, "wire/encode/%s/%s", word(e.encoding), what);
    measure(m, name, encode, &e, 1, 0);
    pl_buf_fini(&e.out);
}

static void pushes(struct measure *m, enum pl_encoding encoding)
{
    struct pl_client_info info = {
        .user = PL_SPAN("user-17"),
        .client = PL_SPAN("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")};
    struct pl_push push = {.kind = PL_PUSH_PUBLICATION,
                           .channel = PL_SPAN("room:main"),
                           .publication = {.data = payload()}};
    struct pl_push named = push;
    struct pl_push join = {
        .kind = PL_PUSH_JOIN, .channel = PL_SPAN("room:main"), .client = info};

    named.publication.info = &info;
    named.publication.offset = 123456;
    measure_encode(m, (struct encoding_of){encoding, .push = &push}, "push");
    measure_encode(m, (struct encoding_of){encoding, .push = &named},
                   "push-with-info");
    measure_encode(m, (struct encoding_of){encoding, .push = &join}, "join");
}

static void replies(struct measure *m, enum pl_encoding encoding)
{
    struct pl_reply publish = {.id = 12345, .kind = PL_REPLY_PUBLISH};
    struct pl_reply subscribe = {.id = 12345,
                                 .kind = PL_REPLY_SUBSCRIBE,
                                 .subscribe = {.epoch = PL_SPAN("abcdefgh"),
                                               .offset = 123456,
                                               .recoverable = true,
                                               .positioned = true}};
    struct pl_reply rpc = {.id = 12345, .kind = PL_REPLY_RPC, .rpc = payload()};
    struct pl_reply error = {
        .id = 12345,
        .kind = PL_REPLY_ERROR,
        .error = {.code = PL_ERROR_PERMISSION_DENIED,
                  .message = PL_SPAN("permission denied")}};

    measure_encode(m, (struct encoding_of){encoding, .reply = &publish},
                   "publish-reply");
    measure_encode(m, (struct encoding_of){encoding, .reply = &subscribe},
                   "subscribe-reply");
    measure_encode(m, (struct encoding_of){encoding, .reply = &rpc},
                   "rpc-reply");
    measure_encode(m, (struct encoding_of){encoding, .reply = &error},
                   "error-reply");
}

void pieces_wire(struct measure *m)
{
    for (int e = PL_ENCODING_COUNT - 1; e >= 0; e--) {
        commands(m, (enum pl_encoding)e);
        pushes(m, (enum pl_encoding)e);
        replies(m, (enum pl_encoding)e);
    }
}
