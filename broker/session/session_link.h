/* SPDX-License-Identifier: Apache-2.0 */
/* session_link.h - the interface between a session and its link.
 *
 * A session handles messages: commands in, replies and pushes out.  Its link
 * knows how messages travel to one client: as frames of a WebSocket, as lines
 * of an HTTP stream, or from memory to memory in a test.  The link finds
 * messages in the client's input, and sends a Close in its own format.
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
struct pl_session_manager; /* session_manager.h */
struct pl_session;         /* opaque */
struct pl_session_settings;

enum {
    PL_LINK_SIZE = 24,          /* bytes of each link's own state */
    PL_CLOSE_WAIT_MS = 5000,    /* for the peer to close, after our Close */
    PL_APPLICATION_CODES = 3000 /* close codes from here on are those of code.h;
                                   lower ones are those of RFC 6455 */
};

/* How a session ends; each link sends this in its own format. */
struct pl_goodbye {
    uint16_t code;         /* 0: none */
    struct pl_span reason; /* valid during the call; may be empty */
    bool is_echo;          /* the peer has closed already */
};

struct pl_link_ops {
    /* Send output; called at the end of a turn.  Send what pl_session_output()
     * returns until the receiver accepts no more, then call
     * pl_session_stalled().  Continue when the receiver accepts more. */
    void (*flush)(struct pl_session *s);
    /* Pass no more input to the session, until resume(). */
    void (*pause)(struct pl_session *s);
    void (*resume)(struct pl_session *s);
    /* The session accepts messages again: pass on the input that the link has
     * kept. */
    void (*go_on)(struct pl_session *s);
    /* Send the Close after the queued output, then end.  From now on the
     * session's timer is lent to the link.  Ignore input, but not the peer's
     * own end. */
    void (*close)(struct pl_session *s, const struct pl_goodbye *g);
    /* Abort the connection now, whatever is queued. */
    void (*abort)(struct pl_session *s);
    /* Release everything: the session is about to be freed. */
    void (*free)(struct pl_session *s);
    /* The functions below may be NULL. */
    /* kept() returns the bytes of a message that is not complete yet. forget()
     * frees them; from then on the link accepts no input. */
    size_t (*kept)(const struct pl_session *s);
    void (*forget)(struct pl_session *s);
    /* Mail for the link: PL_MAIL_INPUT (mail.h).
     * Owner: the link. */
    void (*mail)(struct pl_session *s, struct pl_msg *m);
    /* The address of the client, as far as it is trusted. */
    void (*peer)(struct pl_session *s, char text[PL_IP_TEXT_MAX]);
};

/* --- Begin and end of a session --- */

/* Create a session with PL_LINK_SIZE bytes for its link, then `transport_size`
 * bytes for the transport, all zero.
 * Owner: itself: it ends with pl_session_gone().
 * Errors: PL_ENOMEM; PL_ESTOPPING after the shutdown has aborted all
 * sessions. */
enum pl_err pl_session_create(struct pl_session **out,
                              struct pl_session_manager *k,
                              const struct pl_link_ops *ops,
                              size_t transport_size);

/* The link's bytes, aligned for pointers. */
void *pl_session_link(struct pl_session *s);
const struct pl_link_ops *pl_session_link_ops(const struct pl_session *s);

/* Lend the session's timer to the link, before pl_session_open() and again from
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

/* Return true if the judge of the connect sees headers of the request.  Then
 * keep those that connect.headers names, before pl_session_open(): names and
 * values in turn, a zero byte after each.  False: out of memory. */
bool pl_session_wants_headers(const struct pl_session *s);
bool pl_session_keep_headers(struct pl_session *s, struct pl_span headers);

/* Accept messages from now on.  The deadline that the link has set on the timer
 * continues: it becomes that of the first command. */
void pl_session_open(struct pl_session *s);

/* The connection does not become a client: the link ends it with bytes of its
 * own. */
void pl_session_give_up(struct pl_session *s);

/* End with `code`.  If `reason` is absent, the client gets the text of the
 * code, or the link's text for a code that is not in code.h.  All that the
 * session has ends now, and close() follows. */
void pl_session_close(struct pl_session *s, uint16_t code,
                      struct pl_span reason);

/* Schedule pl_session_close() with `code` for the end of the turn. */
void pl_session_schedule_close(struct pl_session *s, uint16_t code);

/* --- Input --- */

/* Handle a message of the client, which may be changed in place.  Check
 * pl_session_takes_messages() first.  After the end of the session this does
 * nothing. */
void pl_session_message(struct pl_session *s, struct pl_span message);

/* Return false if the link must keep its input until go_on(). */
bool pl_session_takes_messages(const struct pl_session *s);

/* Call this if more input is left after a message or a frame.  If it returns
 * true, this visit has used its budget: keep the rest until go_on(). */
bool pl_session_postpones(struct pl_session *s);

/* Return true if the client's input has an effect, other than its end. */
bool pl_session_listens(const struct pl_session *s);

/* The peer closed, or violated the rules of the link.  close() follows, now or
 * after the replies to its pending commands. */
void pl_session_peer_closed(struct pl_session *s, uint16_t code);
void pl_session_violated(struct pl_session *s, uint16_t code,
                         struct pl_span reason);

/* --- Output of the link --- */

enum pl_put {
    PL_PUT_BOUNDED,  /* a full queue may close the client as slow */
    PL_PUT_UNBOUNDED /* the link limits its output with PL_HOLD_OUTPUT */
};

/* Begin a native message (segment.h): append it to the result, then call
 * pl_session_put_end(), which sends it in the client's form.  The result is
 * NULL if out of memory; the session then closes at the end of the turn. */
struct pl_buf *pl_session_put_begin(struct pl_session *s, size_t *mark);
void pl_session_put_end(struct pl_session *s, size_t mark, enum pl_put how);

/* Queue bytes that are no message, such as an HTTP head.  They are small, so no
 * limit applies.  Return false if out of memory. */
bool pl_session_put_bytes(struct pl_session *s, const struct pl_buf *bytes);

/* --- Queries of a link --- */

struct pl_session_manager *pl_session_manager_of(const struct pl_session *s);
const struct pl_session_settings *pl_session_config(const struct pl_session *s);
bool pl_session_is_insecure(const struct pl_session *s); /* a local trial */
const struct pl_session_settings *
pl_session_manager_config(const struct pl_session_manager *k);
const struct pl_access *pl_session_access(const struct pl_session *s);
struct pl_metrics *pl_session_metrics(const struct pl_session *s);
struct pl_loop *pl_session_loop(const struct pl_session *s);

/* For logs; constant or in `text`. */
struct pl_span pl_session_id(const struct pl_session *s);
struct pl_span pl_session_user(const struct pl_session *s);
const char *pl_session_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX]);

/* Return why no new client is admitted now, or NULL.  A refusal is counted. */
const char *pl_session_manager_refusal(struct pl_session_manager *k);

/* What the links of a loop share; freed with the session manager. */
struct pl_link_shared {
    void (*destroy)(struct pl_link_shared *shared);
};
struct pl_link_shared *
pl_session_manager_shared(const struct pl_session_manager *k);
void pl_session_manager_share(struct pl_session_manager *k,
                              struct pl_link_shared *shared);

/* Return the counter to which a link charges its work, in units of budget.h. */
int64_t *pl_session_manager_budget(struct pl_session_manager *k);

#endif
