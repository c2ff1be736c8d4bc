/* SPDX-License-Identifier: Apache-2.0 */
/* session_private.h - what the files of this module share. */
#ifndef PL_SESSION_PRIVATE_H
#define PL_SESSION_PRIVATE_H

#include "arena.h"
#include "budget.h"
#include "call_table.h"
#include "code.h"
#include "codec.h"
#include "hub.h"
#include "keeper.h"
#include "session_link.h"
#include "list.h"
#include "loop.h"
#include "outq.h"
#include "rules.h"
#include "phase_mail.h"
#include "session.h"
#include "time_share.h"
#include "verdict.h"

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
    PL_EXPIRE_GRACE_MS = 25000, /* after a token expired, for its refresh */
    PL_BACKLOG_WAIT_MS = 5,     /* before reading resumes after error 111 */
    PL_KIND_MISSING = 2000      /* a kind of pl_origin, for missing.c; the other
                                   kinds are verbs and those of actor_send.c */
};

/* How the session ends; see ending.c.  From PL_ENDING_DOOMED on, a later value
 * overrides an earlier one. */
enum pl_ending {
    PL_ENDING_NONE,     /* it does not end */
    PL_ENDING_PEER,     /* the peer closed: its Close is echoed */
    PL_ENDING_VIOLATED, /* the peer violated the rules of the link */
    PL_ENDING_BARRED,   /* a command was wrong: no further command runs */
    PL_ENDING_DOOMED,   /* the flush at the end of the turn closes it */
    PL_ENDING_CLOSED,   /* the link sends its Close */
    PL_ENDING_GONE      /* the link has ended */
};

struct pl_login;  /* login.c */
struct pl_pace;   /* pace.c */
struct pl_kept;   /* kept.h */
struct pl_parked; /* wait.c */

struct pl_keeper {
    struct pl_actor actor; /* first */
    struct pl_keeper_options options;
    uint32_t session_count;
    struct pl_out_pool pool;
    struct pl_arena arena;      /* of the command being decoded, or of the reply
                                   being built */
    struct pl_forms *forms;     /* held; the hub's */
    struct pl_segment *replies; /* of this turn; NULL: none yet */
    struct pl_task seal;
    struct pl_session *touched; /* to be flushed, in the order of this list */
    struct pl_session **touched_end;
    struct pl_task flush;
    struct pl_handlers *handlers; /* held */
    struct pl_access *access;     /* held; the latest */
    struct pl_rule_cache rules;   /* of channels; the latest rulebook */
    struct pl_call_table calls;   /* of handlers that reply later */
    uint32_t judged;          /* one bit per enum pl_asks that has a judge; that
                                 of NOTHING: there is or was a judge */
    uint32_t logins;          /* the number of the latest connect */
    struct pl_map waits;      /* wait.c: sessions that wait for verdicts */
    struct pl_span raw;       /* the bytes of the command that runs now */
    struct pl_parked *parked; /* wait.c: that command, if it waited before */
    const struct pl_verdict *given; /* its verdict, if it waited for one */
    uint64_t command_ns;            /* what a command costs; 0: nothing */
    uint64_t burst_ns;              /* what a connection may spend at once */
    struct pl_link_shared *shared;  /* owned; NULL: no link needs any */
    struct pl_budget budget;        /* for the input of one turn */
    struct pl_time_share answers;   /* to presence and history, if they are
                                       long */
    struct pl_list carried;         /* sessions with input for another turn */
    struct pl_task carry;           /* serves them */
    struct pl_kept *running;        /* kept.c: messages that run now */
    struct pl_list missing;         /* missing.c: subscriptions that logins
                                       lack */
    uint32_t missing_count;
    struct pl_timer miss; /* tries them again */
    enum pl_phase phase;
    struct pl_phase_mail *asked; /* owned; the supervisor waits for its
                                    return */
    struct pl_timer poll;        /* checks whether a phase's work is done */
    bool is_refusing;            /* new work: the broker stops, or is_short */
    bool is_short;               /* the process is short of memory */
    bool is_lagging;             /* the loop, when it was last checked */
    bool is_cut;                 /* the shutdown has aborted all sessions; no
                                    new one may start */
    bool is_reaped;              /* the last session frees the keeper */
};

/* Fields in the order of how often they are used: a delivery needs those up to
 * `has_behind`.  An idle connection owns this struct, its client and its
 * subscriptions, nothing else. */
struct pl_session {
    struct pl_actor actor; /* first */
    struct pl_subscriber subscriber;
    struct pl_keeper *keeper;
    const struct pl_link_ops *link;
    struct pl_outq out;
    struct pl_session *next_touched; /* in the keeper's list; NULL: not in it */
    uint32_t pending;                /* commands received without a result
                                        yet */
    uint32_t besides;     /* the allowance: bytes beyond limits.outgoing_queue
                             that may be queued, until the queue is empty; see
                             session_output.c */
    uint16_t end_code;    /* of `ending`; 0: an empty Close */
    uint16_t holds;       /* enum pl_hold; 0: the client is read */
    uint16_t held_lately; /* holds since the last ping */
    uint8_t state;
    uint8_t ending;         /* enum pl_ending */
    uint8_t kind;           /* PL_RULES_AUTHENTICATED, or 0 */
    uint8_t pongs_due;      /* several only while reading is paused */
    bool is_registered : 1; /* with the supervisor */
    bool has_inbox : 1;     /* direct messages are sent as publications on
                               @id */
    bool is_slow;           /* the kernel has not accepted all output of an
                               earlier turn */
    bool has_behind : 1;    /* a subscription is marked is_behind */
    bool has_told_log : 1;  /* an undelivered message from it was logged */
    bool lacks_inbox : 1;   /* its user's inbox could not be subscribed:
                               missing.c */
    bool has_waits : 1;     /* commands wait for a verdict: wait.c */
    bool is_new : 1;        /* logged in; the flush notifies the program */
    bool is_known : 1;      /* the program was notified; see hooks.c */
    union {
        struct pl_login *login; /* while in LOGIN */
        struct pl_pace *pace;   /* otherwise; NULL: not needed */
    };
    struct pl_timer timer; /* for the next deadline of any kind; at times lent
                              to the link, see session_link.h */
    uint64_t ping_ms;      /* loop time: send a ping, or close if a pong is
                              missing */
    uint64_t expires_ms;   /* loop time; 0: never */
};

/* The metrics of the session's loop. */
static inline struct pl_metrics *metrics(const struct pl_session *s)
{
    return s->keeper->options.metrics;
}

/* What a channel's name stands for. */
struct pl_named {
    uint64_t hash;          /* pl_hub_hash() */
    struct pl_rules *rules; /* NULL: no namespace has this name */
};

static inline struct pl_named pl_session_name(const struct pl_session *s,
                                              struct pl_span channel)
{
    uint64_t hash = pl_hub_hash(s->keeper->options.hub, channel);

    return (struct pl_named){
        hash, pl_rule_cache_find(&s->keeper->rules, channel, hash)};
}

/* What holds for the connection itself: the rules of names without a
 * namespace. */
static inline uint8_t pl_session_grants(const struct pl_session *s)
{
    return pl_rulebook_default(s->keeper->rules.book)->grants[s->kind];
}

/* session.c */
void pl_session_touch(struct pl_session *s);
/* The peer closed and no command is pending: end the session with an echo of
 * its Close. */
void pl_session_echo_close(struct pl_session *s, uint16_t code);

/* Set the timer to the next deadline. */
void pl_session_schedule(struct pl_session *s);

/* Remove the client from the supervisor.  Return false if out of memory. */
bool pl_session_unregister(struct pl_session *s);

/* hold.c */
/* Call this when a ping is sent: earlier holds do not excuse its pong. */
void pl_session_renew_holds(struct pl_session *s);

/* session.c: do the work of the end of a turn, and send output. */
void pl_session_flush(struct pl_session *s);

/* keeper.c */
void pl_keeper_touch(struct pl_keeper *k, struct pl_session *s);
void pl_keeper_add(struct pl_keeper *k);
void pl_keeper_drop(struct pl_keeper *k, struct pl_session *s);

/* True unless the session is closed, is about to be, or had a wrong command. */
static inline bool pl_session_runs_commands(const struct pl_session *s)
{
    return s->state < PL_SESSION_CLOSING && s->ending < PL_ENDING_BARRED;
}

/* handlers.c */
struct pl_call *pl_call_create(const struct pl_call *fields);

#endif
