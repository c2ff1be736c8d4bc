/* SPDX-License-Identifier: Apache-2.0 */
/* ws_link.h - the link of a session whose client speaks WebSocket (RFC 6455),
 * from the HTTP request that opens it.
 *
 * Thread: everything here is called on the session's loop. */
#ifndef PL_WS_LINK_H
#define PL_WS_LINK_H

#include "session_link.h"

enum pl_end {
    PL_END_AT_ONCE, /* whatever is queued */
    PL_END_CLOSE,   /* when what is queued was sent */
    PL_END_LINGER   /* then also wait for the peer to end: it may still send */
};

enum pl_admission {
    PL_ADMIT,
    PL_ADMIT_LATER, /* pl_ws_link_admitted() says when to ask again */
    PL_ADMIT_REFUSE /* its address has too many connections */
};

/* The lists in which an HTTP proxy names its client; absent: none came.  The
 * transport knows which one its proxies write. */
struct pl_proxy_lists {
    struct pl_span forwarded;     /* Forwarded */
    struct pl_span forwarded_for; /* X-Forwarded-For */
};

/* What the link wants of what moves its bytes, together with the table that the
 * session uses. */
struct pl_ws_link_ops {
    struct pl_link_ops link; /* first; see PL_WS_LINK_OPS */
    /* End; input no longer matters.  Then call pl_session_gone(). */
    void (*end)(struct pl_session *s, enum pl_end how);
    /* The memory is about to be freed: release everything. */
    void (*free)(struct pl_session *s);
    /* What follows may be NULL: all are admitted, none comes by TLS. */
    /* Decide whether to admit the connection that brought these lists. */
    enum pl_admission (*admit)(struct pl_session *s,
                               const struct pl_proxy_lists *lists);
    bool (*is_tls)(struct pl_session *s);
    /* Hand the connection over to the server of the server API, with `in`: what
     * it has sent so far.  Return false if there is none, or no memory; on
     * success the session has ended.  NULL: there is none. */
    bool (*divert)(struct pl_session *s, struct pl_span in);
};

/* The value of `link` above.  The arguments are functions of the transport. */
#define PL_WS_LINK_OPS(flush_, pause_, resume_, peer_)                         \
    {                                                                          \
        .flush = (flush_), .pause = (pause_), .resume = (resume_),             \
        .peer = (peer_), .go_on = pl_ws_link_go_on, .close = pl_ws_link_close, \
        .abort = pl_ws_link_abort, .free = pl_ws_link_free,                    \
        .kept = pl_ws_link_kept, .forget = pl_ws_link_forget                   \
    }

/* A session at the start of its connection.
 * Owner:  itself: it ends with pl_session_gone().
 * Errors: PL_ENOMEM; PL_ESTOPPING when a stop has cut the others. */
enum pl_err pl_ws_link_create(struct pl_session **out,
                              struct pl_session_manager *k,
                              const struct pl_ws_link_ops *ops,
                              size_t transport_size);

/* Bytes arrived; they are changed in place.  What cannot be decoded in this
 * visit is kept, and reading pauses. */
void pl_ws_link_input(struct pl_session *s, char *bytes, size_t len);

/* True if input may be compressed, and so become a thousand times as large:
 * give it in small pieces, so that other connections get their turn. */
bool pl_ws_link_inflates(struct pl_session *s);

/* After PL_ADMIT_LATER: the transport knows now.  Does nothing if the link does
 * not wait for it. */
void pl_ws_link_admitted(struct pl_session *s);

/* Before the client was admitted: end without a word, since its address has far
 * too many connections. */
void pl_ws_link_reject(struct pl_session *s);

/* For PL_WS_LINK_OPS; see session_link.h. */
void pl_ws_link_go_on(struct pl_session *s);
void pl_ws_link_close(struct pl_session *s, const struct pl_goodbye *g);
void pl_ws_link_abort(struct pl_session *s);
void pl_ws_link_free(struct pl_session *s);
size_t pl_ws_link_kept(const struct pl_session *s);
void pl_ws_link_forget(struct pl_session *s);

#endif
