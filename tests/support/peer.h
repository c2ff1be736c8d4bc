/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a WebSocket client for tests, over a real socket, in both
 * encodings of the client protocol.
 *
 * It hides nothing: a test may send any bytes, stop reading, or leave without
 * a word.  Calls that wait do so in poll(2) and fail the test at a deadline,
 * PEER_DEADLINE_MS, which is far beyond any time that a working broker needs.
 * A program with thousands of connections uses peer_begin(), peer_read() and
 * peer_next() with an epoll of its own.
 *
 * Thread: one at a time for each peer. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "decoder.h"

enum { PEER_DEADLINE_MS = 60000 };

enum peer_encoding { PEER_JSON, PEER_PROTOBUF };

struct peer {
    int fd; /* -1: closed; non-blocking */
    enum peer_encoding encoding;
    uint32_t last_id;     /* of the newest command */
    bool is_unresponsive; /* answers neither Close nor pings */
    /* What came. */
    int http_status;     /* 0: not yet */
    uint16_t close_code; /* of the Close frame; 0: none came */
    bool is_over;        /* end of file, or the connection was reset */
    /* Inside. */
    struct pl_buf in;
    struct pl_span unread; /* of `in` */
    struct pl_span batch;  /* of the newest message: not decoded yet */
    struct pl_ws_decoder ws;
};

enum peer_kind {
    PEER_PING, /* answered by peer_next() already, unless is_unresponsive */
    PEER_ERROR,
    PEER_RESULT, /* of any command */
    PEER_PUBLICATION,
    PEER_JOIN,
    PEER_LEAVE,
    PEER_UNSUBSCRIBED,
    PEER_SUBSCRIBED,
    PEER_MESSAGE,
    PEER_OTHER
};

/* Spans live until the next call with the same peer. */
struct peer_reply {
    enum peer_kind kind;
    uint32_t id;            /* 0: a push */
    uint32_t code;          /* of an error or an unsubscribe */
    uint64_t offset;        /* of a publication or a position */
    struct pl_span channel; /* of a push */
    struct pl_span data;    /* of a publication, message, connect or rpc */
    struct pl_span client;  /* of a connect */
    struct pl_span body;    /* the result, whole, in its encoding */
};

enum peer_got {
    PEER_GOT,  /* *out is filled in */
    PEER_MORE, /* nothing is here: read more */
    PEER_END   /* a Close frame, or the end of the connection */
};

/* Connect the socket and send the opening request, without waiting for the
 * answer.  `target` is the path with its query, NULL: the usual path. */
void peer_begin(struct peer *p, uint16_t port, enum peer_encoding encoding,
                const char *target);

/* The same on a socket that exists already, connected or not, and is then the
 * peer's; non-blocking. */
void peer_begin_on(struct peer *p, int fd, uint16_t port,
                   enum peer_encoding encoding, const char *target);

/* The same as peer_begin(), and wait for the answer; gives its HTTP status, 0:
 * none came. */
int peer_await_open(struct peer *p);
int peer_open(struct peer *p, uint16_t port, enum peer_encoding encoding);
int peer_open_at(struct peer *p, uint16_t port, enum peer_encoding encoding,
                 const char *target);

/* Close the socket, without a Close frame, and free; may be called twice. */
void peer_fini(struct peer *p);

/* The same, with a reset in place of a FIN. */
void peer_reset(struct peer *p);

/* Read what the kernel has, without waiting; false: nothing came. */
bool peer_read(struct peer *p);

/* Take the next reply or push out of what was read. */
enum peer_got peer_next(struct peer *p, struct peer_reply *out);

/* Wait for the next reply or push. */
enum peer_got peer_wait(struct peer *p, struct peer_reply *out);

/* Wait for the answer to command `id`, or a push of `kind`; what comes before
 * it is skipped.  Fails the test when the connection ends. */
void peer_await(struct peer *p, uint32_t id, struct peer_reply *out);
void peer_await_push(struct peer *p, enum peer_kind kind,
                     struct peer_reply *out);

/* Wait until the connection is over; gives the code of the Close frame that
 * came before its end, 0: none. */
uint16_t peer_await_end(struct peer *p);

/* Send bytes as they are, or one masked frame. */
void peer_put(struct peer *p, const void *bytes, size_t len);
void peer_frame(struct peer *p, enum pl_ws_opcode opcode, struct pl_span data);

/* --- Commands; each gives its id --- */

/* A token, NULL: none. */
uint32_t peer_connect(struct peer *p, const char *token);
uint32_t peer_subscribe(struct peer *p, const char *channel);
uint32_t peer_unsubscribe(struct peer *p, const char *channel);
uint32_t peer_publish(struct peer *p, const char *channel, const char *data);
uint32_t peer_rpc(struct peer *p, const char *method, const char *data);
void peer_send(struct peer *p, const char *data);

/* Join the commands between the two into one message. */
void peer_cork(struct peer *p);
void peer_uncork(struct peer *p);

/* Open, connect and wait for the answer, which must be a result.  The client
 * id, if wanted, is copied. */
void peer_enter(struct peer *p, uint16_t port, enum peer_encoding encoding,
                const char *token, char client[64]);

/* Subscribe and wait for the result. */
void peer_join(struct peer *p, const char *channel);

#endif
