/* SPDX-License-Identifier: Apache-2.0 */
/* web_private.h - inside of a server and its connections, for the files of the
 * room. */
#ifndef PL_WEB_PRIVATE_H
#define PL_WEB_PRIVATE_H

#include "body.h"
#include "buf.h"
#include "list.h"
#include "loop.h"
#include "web.h"

enum {
    PL_WEB_IDLE_MS = 60000,  /* between two requests */
    PL_WEB_LINGER_MS = 2000, /* for the peer to end after the last answer */
    PL_WEB_PACE = 64 * 1024, /* bytes that each timeout_ms must bring */
    PL_WEB_HELD_MAX =
        1 << 26 /* bytes of bodies and answers, besides one body */
};

struct pl_web {
    struct pl_web_options options;
    struct pl_list conns;     /* struct pl_web_conn */
    struct pl_list strangers; /* those without a key so far, oldest first */
    uint32_t stranger_count, known_count, trusted_count;
    uint64_t held;     /* bytes of bodies and answers */
    uint64_t speak_ms; /* loop time: the next line about refusals may come */
    uint64_t unsaid;   /* refusals since the last one */
    bool is_closed;
};

enum pl_web_state {
    PL_WEB_HEAD,   /* reads a head, or waits for one */
    PL_WEB_BODY,   /* reads a body */
    PL_WEB_WORK,   /* the site has the request */
    PL_WEB_ANSWER, /* the answer is on its way */
    PL_WEB_STREAM, /* a body that goes on */
    PL_WEB_END     /* all was said; input is discarded */
};

enum pl_web_share { PL_WEB_STRANGER, PL_WEB_KNOWN, PL_WEB_TRUSTED };

struct pl_web_conn {
    struct pl_actor actor;   /* first */
    struct pl_web *web;      /* NULL: it has left */
    struct pl_list link;     /* web->conns */
    struct pl_list stranger; /* web->strangers */
    const struct pl_web_transport_ops *transport;
    struct pl_web_party *party;
    struct pl_timer timer;
    struct pl_task flush;     /* at the end of the turn */
    struct pl_task next;      /* in the next turn: what follows an answer */
    struct pl_buf in;         /* not understood yet, or of later requests */
    struct pl_buf head_bytes; /* what `head` points into */
    struct pl_buf body_bytes;
    struct pl_buf out;
    size_t sent; /* of `out` */
    size_t held; /* its part of web->held */
    size_t pace; /* bytes since the timer was set */
    struct pl_http_head head;
    struct pl_http_body body;
    struct pl_ip from;
    uint8_t state; /* enum pl_web_state */
    uint8_t share; /* enum pl_web_share */
    bool is_last;  /* it ends after this answer */
    bool is_idle;  /* no byte of the next request came */
    bool is_paused;
};

/* web.c.  Count the bytes that `c` holds, and `more`.  False: too many. */
bool pl_web_hold(struct pl_web_conn *c, size_t more);
void pl_web_recount(struct pl_web_conn *c);

/* web.c.  Take part, or not any more. */
enum pl_err pl_web_join(struct pl_web *web, struct pl_web_conn *c);
void pl_web_leave(struct pl_web_conn *c);

/* web_conn.c.  The timer of its state begins, with no bytes so far. */
void pl_web_start_timer(struct pl_web_conn *c, uint64_t ms);

/* web_conn.c.  `out` has something new. */
void pl_web_flush(struct pl_web_conn *c);

#endif
