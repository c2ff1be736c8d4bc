/* SPDX-License-Identifier: Apache-2.0 */
/* session_link.h - what a session and its link want of each other.
 *
 * A session knows messages: commands in, replies and pushes out.  Its link
 * knows how messages travel to one client: as frames of a WebSocket, as lines
 * of an HTTP stream, or from memory to memory in a test.  It finds messages in
 * what the client sends, and says a Close in its own way.
 *
 * Calls of a session to its link go through a table, because there are several
 * kinds of links.  Calls of a link to its session are direct.
 *
 * Thread: everything here is called on the session's loop. */
#ifndef PL_SESSION_LINK_H
#define PL_SESSION_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "hold.h"
#include "ip.h"
#include "metrics.h"
#include "msg.h"
#include "span.h"
#include "timer.h"

struct pl_access;
struct pl_keeper;  /* keeper.h */
struct pl_session; /* opaque */
struct pl_session_settings;

enum {
    PL_LINK_SIZE = 24,          /* bytes of each link's own state */
    PL_CLOSE_WAIT_MS = 5000,    /* for the peer to end, after the last words */
    PL_APPLICATION_CODES = 3000 /* codes of an end from here on are code.h's;
                                   those before are RFC 6455's */
};

/* How a session ends, in words that each link can say in its own way. */
struct pl_goodbye {
    uint16_t code;         /* 0: none was given */
    struct pl_span reason; /* for the time of the call; may be empty */
    bool is_echo;          /* the peer has ended already */
};

struct pl_link_ops {
    /* Output is there; called at the end of a turn.  Send from
     * pl_session_output() until the receiver takes no more, then call
     * pl_session_stalled(), and go on when it takes more again. */
    void (*flush)(struct pl_session *s);
    /* Bring no more input, until resume(). */
    void (*pause)(struct pl_session *s);
    void (*resume)(struct pl_session *s);
    /* Messages may come again: those of the input that the link has kept. */
    void (*go_on)(struct pl_session *s);
    /* Say the last words after what is queued, then end; from now on the
     * session's timer is the link's.  Input matters no more, but for the
     * peer's own end. */
    void (*close)(struct pl_session *s, const struct pl_goodbye *g);
    /* End now, whatever is queued. */
    void (*cut)(struct pl_session *s);
    /* The memory is about to be freed: release everything. */
    void (*free)(struct pl_session *s);
    /* The functions below may be NULL. */
    /* Bytes of input that is not a whole message yet; free them and take no
     * more input. */
    size_t (*kept)(const struct pl_session *s);
    void (*forget)(struct pl_session *s);
    /* Mail for the link: PL_MAIL_INPUT (mail.h).
     * Owner: the link. */
    void (*mail)(struct pl_session *s, struct pl_msg *m);
    /* The address of the client, as far as it is trusted. */
    void (*peer)(struct pl_session *s, char text[PL_IP_TEXT_MAX]);
};

/* --- The life of a session --- */

/* Create a session with PL_LINK_SIZE bytes for its link, then
 * `transport_size` bytes for what moves the link's bytes, all zero.
 * Owner:  itself: it ends with pl_session_gone().
 * Errors: PL_ENOMEM; PL_ESTOPPING when a stop has cut the others. */
enum pl_err pl_session_create(struct pl_session **out, struct pl_keeper *k,
                              const struct pl_link_ops *ops,
                              size_t transport_size);

/* The link's bytes, aligned for pointers. */
void *pl_session_link(struct pl_session *s);
const struct pl_link_ops *pl_session_link_ops(const struct pl_session *s);

/* The session's timer is the link's before pl_session_open(), and again from
 * close() on: call `fire` after `ms`; 0: never. */
void pl_session_lend_timer(struct pl_session *s,
                           void (*fire)(struct pl_timer *t), uint64_t ms);
struct pl_session *pl_session_of_timer(struct pl_timer *t);

/* How messages to the client are written. */
struct pl_terms {
    uint8_t encoding; /* enum pl_encoding */
    uint8_t form;     /* enum pl_form */
};
void pl_session_agree(struct pl_session *s, struct pl_terms terms);

/* Messages may come now.  The deadline that the link has set on the timer goes
 * on: it is that of the first command. */
void pl_session_open(struct pl_session *s);

/* No client comes of it: the link says its own last words. */
void pl_session_give_up(struct pl_session *s);

/* End with `code`; `reason` absent: the code's own text, or the link's for a
 * code that is not code.h's.  Everything that the session has ends now, and
 * close() follows. */
void pl_session_close(struct pl_session *s, uint16_t code,
                      struct pl_span reason);

/* The same at the end of the turn. */
void pl_session_doom(struct pl_session *s, uint16_t code);

/* --- Input --- */

/* A message of the client, which may be changed in place.  Check before that
 * pl_session_takes_messages().  It does nothing after the end. */
void pl_session_message(struct pl_session *s, struct pl_span message);

/* If not, keep the input until go_on(). */
bool pl_session_takes_messages(const struct pl_session *s);

/* Call it when more input is left after a message or a frame.  If it returns
 * true this visit has used its budget: keep the rest until go_on(). */
bool pl_session_postpones(struct pl_session *s);

/* Whether what the client sends has an effect, other than its end. */
bool pl_session_listens(const struct pl_session *s);

/* The peer ended, or violated the rules of the link.  close() follows, now or
 * when the answers to its commands were sent. */
void pl_session_peer_closed(struct pl_session *s, uint16_t code);
void pl_session_violated(struct pl_session *s, uint16_t code,
                         struct pl_span reason);

/* --- Output of the link's own --- */

enum pl_put {
    PL_PUT_BOUNDED,  /* with a full queue it closes the client as too slow */
    PL_PUT_UNBOUNDED /* the link bounds what it puts, with PL_HOLD_OUTPUT */
};

/* Begin a native message (segment.h): append it to the result, which is NULL
 * without memory (the session is doomed then), and end it.  It is sent in the
 * client's form. */
struct pl_buf *pl_session_put_begin(struct pl_session *s, size_t *mark);
void pl_session_put_end(struct pl_session *s, size_t mark, enum pl_put how);

/* Put bytes that are no message: a head, last words.  They are small and obey
 * no limit.  False: out of memory. */
bool pl_session_put_bytes(struct pl_session *s, const struct pl_buf *bytes);

/* --- What a link may know --- */

struct pl_keeper *pl_session_keeper(const struct pl_session *s);
const struct pl_session_settings *pl_session_config(const struct pl_session *s);
bool pl_session_is_insecure(const struct pl_session *s); /* a local trial */
const struct pl_session_settings *pl_keeper_config(const struct pl_keeper *k);
const struct pl_access *pl_session_access(const struct pl_session *s);
struct pl_metrics *pl_session_metrics(const struct pl_session *s);
struct pl_loop *pl_session_loop(const struct pl_session *s);

/* For logs; constant or in `text`. */
struct pl_span pl_session_id(const struct pl_session *s);
struct pl_span pl_session_user(const struct pl_session *s);
const char *pl_session_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX]);

/* Why no new client is admitted now; NULL: one is.  A refusal is counted. */
const char *pl_keeper_refusal(struct pl_keeper *k);

/* What the links of a loop share; freed with the keeper. */
struct pl_link_shared {
    void (*destroy)(struct pl_link_shared *shared);
};
struct pl_link_shared *pl_keeper_shared(const struct pl_keeper *k);
void pl_keeper_share(struct pl_keeper *k, struct pl_link_shared *shared);

/* Where a link charges its work; in units of budget.h. */
int64_t *pl_keeper_budget(struct pl_keeper *k);

#endif
