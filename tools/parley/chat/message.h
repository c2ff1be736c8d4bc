/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - what the members of a room send each other, as JSON.
 *
 * tools/demo/room.js writes and reads the same.  Whoever sends such data may be
 * hostile: what is no message is refused, and names and texts are clipped. */
#ifndef PL_CHAT_MESSAGE_H
#define PL_CHAT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "span.h"

enum {
    PL_CHAT_TEXT_UNITS = 1000, /* of UTF-16 */
    PL_CHAT_NICK_UNITS = 24,
    PL_CHAT_ID_UNITS = 64,
    PL_CHAT_CLIENT_SIZE = 128
};

/* A publication on room.<name>. */
struct pl_chat_message {
    char *id;      /* owned; "" if it has none */
    char *nick;    /* owned */
    char *text;    /* owned */
    int64_t at_ms; /* since 1970; 0: unknown */
};

/* Return false if `data` is no message. */
bool pl_chat_message_read(struct pl_chat_message *m, struct pl_span data);
void pl_chat_message_fini(struct pl_chat_message *m);

/* Append the message as JSON. */
void pl_chat_message_write(struct pl_buf *b, const struct pl_chat_message *m);

enum pl_chat_sign_kind {
    PL_CHAT_HELLO,
    PL_CHAT_TYPING,
    PL_CHAT_DIRECT, /* a message to one connection */
    PL_CHAT_OTHER
};

/* A custom message on signs.<name>, or to this connection. */
struct pl_chat_sign {
    enum pl_chat_sign_kind kind;
    char client[PL_CHAT_CLIENT_SIZE]; /* of the sender */
    char *nick;                       /* owned */
    char *was;                        /* owned; the old nick, or "" */
    char *text;                       /* owned; of a direct message */
    bool ask;                         /* the others introduce themselves */
    bool back;                        /* was here before */
};

/* Read the envelope that the broker wrote.  `publisher` is the client that
 * published it, NULL if none did: then the envelope names the sender.  Return
 * false if it is no sign. */
bool pl_chat_sign_read(struct pl_chat_sign *s, struct pl_span data,
                       const char *publisher);
void pl_chat_sign_fini(struct pl_chat_sign *s);

const char *pl_chat_sign_type(enum pl_chat_sign_kind kind);

/* Append the body of a sign; the client is left out. */
void pl_chat_sign_write(struct pl_buf *b, const struct pl_chat_sign *s);

#endif
