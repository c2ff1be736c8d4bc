/* SPDX-License-Identifier: Apache-2.0 */
/* ws_private.h - the state of a WebSocket link, shared by ws_link.c and
 * ws_upgrade.c. */
#ifndef PL_WS_PRIVATE_H
#define PL_WS_PRIVATE_H

#include "decoder.h"
#include "deflate.h"
#include "handshake.h"
#include "ws_link.h"

enum pl_ws_state {
    PL_WS_REQUEST, /* HTTP */
    PL_WS_OPEN,
    PL_WS_ECHO,    /* /echo: messages go back, and no session opens */
    PL_WS_CLOSING, /* a Close was queued; the peer's is awaited */
    PL_WS_OVER     /* the transport ends the connection */
};

struct pl_undecoded; /* ws_link.c */

struct pl_ws_link {
    struct pl_ws_decoder decoder;
    struct pl_undecoded *undecoded; /* owned; the request so far, or bytes to
                                       decode later; NULL: none */
    uint8_t state;                  /* enum pl_ws_state */
    bool discards_input; /* nothing that the peer sends counts any more */
    bool is_packed;      /* permessage-deflate was agreed on */
};

static inline struct pl_ws_link *pl_ws_link_of(struct pl_session *s)
{
    return pl_session_link(s);
}

static inline const struct pl_ws_link_ops *
pl_ws_link_ops_of(const struct pl_session *s)
{
    return (const struct pl_ws_link_ops *)pl_session_link_ops(s);
}

/* The transport is to end. */
void pl_ws_link_end(struct pl_session *s, enum pl_end how);

/* The timer's function, while it is the link's. */
void pl_ws_link_on_timer(struct pl_timer *t);

/* Decode bytes.  What cannot be decoded yet is kept. */
void pl_ws_link_decode(struct pl_session *s, struct pl_span in);

/* Keep bytes after those that are kept already.  False: out of memory. */
bool pl_undecoded_put(struct pl_ws_link *l, struct pl_span bytes);
struct pl_span pl_undecoded_span(const struct pl_undecoded *u);
void pl_undecoded_destroy(struct pl_undecoded *u); /* NULL is allowed */

/* ws_upgrade.c: bytes of the request, and whatever follows it. */
void pl_ws_link_upgrade(struct pl_session *s, char *bytes, size_t len);

/* ws_api.c: what becomes of a request that is no opening of a WebSocket. */
enum pl_ws_turn {
    PL_WS_TURN_REFUSE, /* respond with *error, which may have changed */
    PL_WS_TURN_DENY,   /* the same; it is logged already */
    PL_WS_TURN_WAIT,   /* its head is incomplete */
    PL_WS_TURN_OVER    /* the connection was handed over: the session is over */
};
enum pl_ws_turn pl_ws_link_look_for_api(struct pl_session *s, struct pl_span in,
                                        struct pl_handshake_error *error);

/* ws_headers.c: Keep the headers in the field lines of the request that the
 * judge of the connect sees.  False: out of memory. */
bool pl_ws_link_keep_headers(struct pl_session *s, struct pl_span lines);

#endif
