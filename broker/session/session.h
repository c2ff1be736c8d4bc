/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - one connection as an actor: from its first byte to its last.
 *
 * It knows no file descriptor.  A transport (net, or a test) feeds it bytes,
 * takes what it wants to say, and is told when to stop reading and when to
 * end.
 *
 * Thread: everything here is called on the session's loop. */
#ifndef PL_SESSION_H
#define PL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "address.h"
#include "err.h"
#include "ip.h"
#include "span.h"

struct pl_actor;
struct pl_loop;
struct pl_keeper;  /* keeper.h */
struct pl_session; /* opaque */

enum pl_end {
    PL_END_AT_ONCE, /* whatever is queued */
    PL_END_CLOSE,   /* when what is queued was sent */
    PL_END_LINGER   /* then, too, let the peer end first: it may still send */
};

enum pl_admission {
    PL_ADMIT,
    PL_ADMIT_LATER, /* pl_session_admitted() tells when to ask again */
    PL_ADMIT_REFUSE /* its address has too many connections */
};

/* The lists in which an HTTP proxy names its client; absent: none came.  The
 * transport knows which one its proxies write. */
struct pl_proxy_lists {
    struct pl_span forwarded;     /* Forwarded */
    struct pl_span forwarded_for; /* X-Forwarded-For */
};

/* What a session wants of its transport. */
struct pl_transport_ops {
    /* Something to send is there; called at the end of a turn.  Send from
     * pl_session_output() until the kernel takes no more, then call
     * pl_session_stalled(), and go on when it takes more again. */
    void (*flush)(struct pl_session *s);
    /* Take no more input until resume(). */
    void (*pause)(struct pl_session *s);
    void (*resume)(struct pl_session *s);
    /* End; input no longer matters.  Then call pl_session_gone(). */
    void (*end)(struct pl_session *s, enum pl_end how);
    /* The memory is about to be freed: let go of everything. */
    void (*free)(struct pl_session *s);
    /* What follows may be NULL: all are admitted, nobody knows the peer. */
    /* Decide whether to admit the connection that brought these lists. */
    enum pl_admission (*admit)(struct pl_session *s,
                               const struct pl_proxy_lists *lists);
    /* The address of the client, as far as it is believed. */
    void (*peer)(struct pl_session *s, char text[PL_IP_TEXT_MAX]);
    /* Whether its bytes go through TLS here.  NULL: no. */
    bool (*is_tls)(struct pl_session *s);
};

/* A session at the start of its connection, with `transport_size` bytes, all
 * zero, for its transport.
 * Owner:  itself: it ends with pl_session_gone().
 * Errors: PL_ENOMEM; PL_ESTOPPING when a stop has cut the others. */
enum pl_err pl_session_create(struct pl_session **out, struct pl_keeper *k,
                              const struct pl_transport_ops *transport,
                              size_t transport_size);

/* The transport's bytes, freed with the session; aligned for pointers. */
void *pl_session_transport(struct pl_session *s);
struct pl_session *pl_session_of_transport(void *transport);

/* The kind of sessions, for mail to an address that somebody else wrote. */
extern const struct pl_actor_ops pl_session_actor_ops;

/* For a transport that tells others of the session by mail. */
struct pl_actor *pl_session_actor(struct pl_session *s);
struct pl_session *pl_session_at(struct pl_loop *loop,
                                 struct pl_address address); /* NULL: gone */

/* After PL_ADMIT_LATER: the transport knows now.  Does nothing when nobody
 * waits for that. */
void pl_session_admitted(struct pl_session *s);

/* Before anything was admitted: end without a word, since the address has far
 * too many connections. */
void pl_session_turn_away(struct pl_session *s);

/* Begin to read the connection: it gets its part of the turn's budget, see
 * pl_keeper_takes_input(). */
void pl_session_visit(struct pl_session *s);

/* Bytes arrived; they are changed in place.  What the budget of this visit does
 * not suffice for waits inside, and reading pauses. */
void pl_session_input(struct pl_session *s, char *bytes, size_t len);

/* Whether more input may be given in this visit. */
bool pl_session_may_go_on(const struct pl_session *s);

/* Whether input may become a thousand times as large: then it should come in
 * small pieces, so that others get their turn between them. */
bool pl_session_inflates(const struct pl_session *s);

/* The next pieces to send, at most `max`; gives how many. */
int pl_session_output(struct pl_session *s, struct iovec *iov, int max);

/* Whether its Close was said: nothing comes behind what waits. */
bool pl_session_is_closing(const struct pl_session *s);

/* Bytes of output waiting. */
uint64_t pl_session_output_bytes(const struct pl_session *s);

/* The kernel took `bytes` of it. */
void pl_session_sent(struct pl_session *s, uint64_t bytes);

/* The kernel takes no more until an edge says that it has space. */
void pl_session_stalled(struct pl_session *s);

/* It took no more before, and an edge will tell: what was queued since waits
 * as well. */
void pl_session_waits(struct pl_session *s);

/* The connection is over: the peer ended it, it failed, or end() was done;
 * `why` is for the log.  The session ends and is freed at the end of the turn.
 */
void pl_session_gone(struct pl_session *s, const char *why);

#endif
