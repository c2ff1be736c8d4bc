/* SPDX-License-Identifier: Apache-2.0 */
/* web_private.h - the state of a server and its connections, for the files of
 * this module. */
#ifndef PL_WEB_PRIVATE_H
#define PL_WEB_PRIVATE_H

#include "body.h"
#include "buf.h"
#include "list.h"
#include "loop.h"
#include "web.h"

enum {
    PL_WEB_IDLE_MS = 60000,      /* between two requests */
    PL_WEB_LINGER_MS = 2000,     /* for the peer to end its half after the last
                                    response */
    PL_WEB_RATE_MIN = 64 * 1024, /* bytes that each timeout_ms must transfer */
    /* bytes of bodies and responses, plus one body: of connections with a key
       and without, and of those that need none */
    PL_WEB_HELD_MAX = 1 << 26,
    PL_WEB_HELD_TRUSTED_MAX = 1 << 24
};

struct pl_web {
    struct pl_web_options options;
    struct pl_list conns;     /* of struct pl_web_conn */
    struct pl_list strangers; /* connections without a key, oldest first */
    uint32_t stranger_count, known_count, trusted_count;
    uint64_t held[2];  /* bytes of bodies and responses; the second: of trusted
                          connections */
    uint64_t speak_ms; /* loop time from which a refusal is logged again */
    uint64_t unsaid;   /* refusals since the last log line */
    bool is_closed;
};

enum pl_web_state {
    PL_WEB_HEAD,   /* reads a head, or waits for one */
    PL_WEB_BODY,   /* reads a body */
    PL_WEB_WORK,   /* the site processes the request */
    PL_WEB_ANSWER, /* sends the response */
    PL_WEB_STREAM, /* sends a stream that is still open */
    PL_WEB_END     /* sent everything; discards input */
};

enum pl_web_share { PL_WEB_STRANGER, PL_WEB_KNOWN, PL_WEB_TRUSTED };

struct pl_web_conn {
    struct pl_actor actor;   /* first member */
    struct pl_web *web;      /* NULL: not counted by the server any more */
    struct pl_list link;     /* in web->conns */
    struct pl_list stranger; /* in web->strangers */
    const struct pl_web_transport_ops *transport;
    struct pl_web_party *party;
    struct pl_timer timer;
    struct pl_task flush;     /* runs at the end of the turn */
    struct pl_task next;      /* runs in the next turn, after a response */
    struct pl_buf in;         /* incomplete input, or later requests */
    struct pl_buf head_bytes; /* the bytes that `head` points into */
    struct pl_buf body_bytes;
    struct pl_buf out;
    size_t sent;        /* bytes of `out` */
    size_t held;        /* the part of this connection in its web->held */
    size_t transferred; /* bytes transferred since the timer was started */
    struct pl_http_head head;
    struct pl_http_body body;
    struct pl_ip from;
    uint8_t state; /* enum pl_web_state */
    uint8_t share; /* enum pl_web_share */
    bool is_last;  /* ends after this response */
    bool is_idle;  /* received no byte of the next request yet */
    bool is_paused;
};

/* web.c.  Return false if `more` bytes for `c` would exceed what the
 * connections of its share of bytes may hold.  The only connection that holds
 * bytes always may. */
bool pl_web_hold(struct pl_web_conn *c, size_t more);

/* web.c.  Update web->held after the buffers of `c` changed. */
void pl_web_recount(struct pl_web_conn *c);

/* web.c.  Add `c` to the server and to its share, or remove it. */
enum pl_err pl_web_join(struct pl_web *web, struct pl_web_conn *c);
void pl_web_leave(struct pl_web_conn *c);

/* web_conn.c.  Start the timer and reset the byte count of its period. */
void pl_web_start_timer(struct pl_web_conn *c, uint64_t ms);

/* web_conn.c.  `out` has new bytes: count them and flush at the end of the
 * turn. */
void pl_web_flush(struct pl_web_conn *c);

#endif
