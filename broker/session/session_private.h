/* SPDX-License-Identifier: Apache-2.0 */
/* session_private.h - the state of a session, for the files that change it:
 * session.c, its output, its end, its holds, its login and its commands.  All
 * others know session_parts.h. */
#ifndef PL_SESSION_PRIVATE_H
#define PL_SESSION_PRIVATE_H

#include "actor.h"
#include "hold.h"
#include "outq.h"
#include "session_parts.h"

enum pl_session_state {
    PL_SESSION_NEW,    /* its link is not ready for messages */
    PL_SESSION_OPEN,   /* it waits for its first command */
    PL_SESSION_LOGIN,  /* its connect command is pending */
    PL_SESSION_FAILED, /* its connect command got an error */
    PL_SESSION_CONNECTED,
    PL_SESSION_CLOSING /* it is no longer a client; its link ends */
};

enum {
    PL_PENDING_PAUSE = 256, /* pending commands; then reading pauses */
    PL_PENDING_RESUME = 128,
    PL_TELL_AGAIN_MS = 50,      /* until the supervisor is notified again, after
                                   an allocation failed */
    PL_EXPIRE_GRACE_MS = 25000, /* after a token or a subscription expired, for
                                   its refresh */
    PL_BACKLOG_WAIT_MS = 5      /* before reading resumes after error 111 */
};

/* How the session ends; see ending.c.  From PL_ENDING_SCHEDULED on, a later
 * value overrides an earlier one. */
enum pl_ending {
    PL_ENDING_NONE,      /* it does not end */
    PL_ENDING_PEER,      /* the peer closed: its Close is echoed */
    PL_ENDING_VIOLATED,  /* the peer violated the rules of the link */
    PL_ENDING_INVALID,   /* a command was wrong: no further command runs */
    PL_ENDING_SCHEDULED, /* the flush at the end of the turn closes it */
    PL_ENDING_CLOSED,    /* the link sends its Close */
    PL_ENDING_GONE       /* the link has ended */
};

/* Where the client is known.  Each value includes those before it. */
enum pl_known {
    PL_KNOWN_HERE,       /* in this session alone */
    PL_KNOWN_SUPERVISOR, /* the supervisor counts it */
    PL_KNOWN_SOON,       /* logged in; the flush notifies the program */
    PL_KNOWN_PROGRAM     /* the program was notified; see hooks.c */
};

/* What other files keep for it outside of its struct. */
enum pl_elsewhere {
    PL_ELSEWHERE_EXPIRING = 1, /* a subscription expires: expiring.c */
    PL_ELSEWHERE_TOKEN = 2     /* the claims of its token: token_note.c */
};

struct pl_login;    /* login.c */
struct pl_throttle; /* throttle.c */

/* Fields in the order of how often they are used: a delivery needs those up to
 * `has_dropping`.  An idle connection owns this struct, its client and its
 * subscriptions, nothing else. */
struct pl_session {
    struct pl_actor actor; /* first */
    struct pl_subscriber subscriber;
    struct pl_session_manager *manager;
    const struct pl_link_ops *link;
    struct pl_outq out;
    struct pl_session *next_dirty; /* in the manager's list; NULL: not in it */
    uint32_t pending;              /* commands received without a result
                                      yet */
    uint32_t allowance;   /* bytes beyond limits.outgoing_queue that may
                             be queued; see session_output.c */
    uint16_t end_code;    /* of `ending`; 0: an empty Close */
    uint16_t holds;       /* enum pl_hold; 0: the client is read */
    uint16_t held_lately; /* holds since the last ping */
    uint8_t state;
    uint8_t ending;        /* enum pl_ending */
    uint8_t kind;          /* PL_RULES_AUTHENTICATED, or 0 */
    uint8_t known;         /* enum pl_known */
    uint8_t pongs_due;     /* several only while reading is paused */
    bool has_inbox : 1;    /* direct messages are sent as publications on
                              @id */
    bool is_slow;          /* the kernel has not accepted all output of an
                              earlier turn */
    bool has_dropping : 1; /* a subscription is marked is_dropping */
    bool has_told_log : 1; /* an undelivered message from it was logged */
    bool lacks_inbox : 1;  /* its user's inbox could not be subscribed:
                              missing.c */
    uint8_t elsewhere : 2; /* enum pl_elsewhere */
    uint16_t messages;     /* from the client since the last look, and no more
                              than fit; look.c */
    union {
        struct pl_login *login;       /* while in LOGIN */
        struct pl_throttle *throttle; /* otherwise; NULL: not needed */
    };
    struct pl_timer timer; /* for the next deadline of any kind; at times lent
                              to the link, see session_link.h */
    uint64_t ping_ms;      /* loop time: send a ping, or close if a pong is
                              missing */
    uint64_t expires_ms;   /* loop time; 0: never */
};

/* hold.c */
/* Call this when a ping is sent: earlier holds do not excuse its pong. */
void pl_session_renew_holds(struct pl_session *s);

/* session.c: do the work of the end of a turn, and send output. */
void pl_session_flush(struct pl_session *s);

/* True unless the session is closed, is about to be, or had a wrong command. */
static inline bool pl_session_runs_commands(const struct pl_session *s)
{
    return s->state < PL_SESSION_CLOSING && s->ending < PL_ENDING_INVALID;
}

#endif
