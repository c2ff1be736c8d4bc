/* SPDX-License-Identifier: Apache-2.0 */
/* session_private.h - what the files of this room share. */
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
#include "phase_mail.h"
#include "session.h"
#include "time_share.h"
#include "verdict.h"

struct pl_answer_mail;
struct pl_attach_mail;
struct pl_direct_mail;
struct pl_memory_mail;
struct pl_pub;
struct pl_publish_mail;
struct pl_query_mail;
struct pl_user_mail;

enum pl_session_state {
    PL_SESSION_NEW,    /* its link is not ready for messages */
    PL_SESSION_OPEN,   /* its first command is awaited */
    PL_SESSION_LOGIN,  /* its connect command is being judged */
    PL_SESSION_FAILED, /* its connect was answered with an error */
    PL_SESSION_CONNECTED,
    PL_SESSION_CLOSING /* it is no client any more; its link ends */
};

enum {
    PL_PENDING_PAUSE = 256, /* commands in work: reading pauses */
    PL_PENDING_RESUME = 128,
    PL_TELL_AGAIN_MS = 50,      /* until the supervisor, when memory lacked */
    PL_EXPIRE_GRACE_MS = 25000, /* after a token expired, for its refresh */
    PL_BACKLOG_WAIT_MS = 5,     /* before reading resumes after error 111 */
    PL_KIND_MISSING = 2000 /* of pl_origin: missing.c; the others are verbs and
                              those of actor_send.c */
};

/* How the session ends; each beats those before it.  See ending.c. */
enum pl_ending {
    PL_ENDING_NONE,     /* it stays */
    PL_ENDING_PEER,     /* the peer closed: its Close is echoed */
    PL_ENDING_VIOLATED, /* the peer violated the rules of the link */
    PL_ENDING_BARRED,   /* a command was wrong: no other runs */
    PL_ENDING_DOOMED,   /* the flush at the end of the turn closes it */
    PL_ENDING_CLOSED,   /* the link says the last words */
    PL_ENDING_GONE      /* the link is over */
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
    struct pl_arena arena;      /* of the command being decoded */
    struct pl_forms *forms;     /* held; the hub's */
    struct pl_segment *replies; /* of this turn; NULL: none yet */
    struct pl_task seal;
    struct pl_session *touched; /* to be flushed, in this order */
    struct pl_session **touched_end;
    struct pl_task flush;
    struct pl_handlers *handlers; /* held */
    struct pl_access *access;     /* held; the newest */
    struct pl_call_table calls;   /* of handlers that answer later */
    uint32_t judged;          /* bits of enum pl_asks: there is a judge; that of
                                 NOTHING: there is or was one */
    uint32_t logins;          /* the number of the newest that was asked */
    struct pl_map waits;      /* wait.c: sessions that wait for verdicts */
    struct pl_span raw;       /* the bytes of the command that runs now */
    struct pl_parked *parked; /* wait.c: and that has waited */
    const struct pl_verdict *given; /* what it has waited for */
    uint64_t command_ns;            /* what a command costs; 0: nothing */
    uint64_t burst_ns;              /* what a connection may spend at once */
    struct pl_link_shared *shared;  /* owned; NULL: no link needs any */
    struct pl_budget budget;        /* of input in a turn */
    struct pl_time_share answers;   /* long ones to presence and history */
    struct pl_list carried;         /* sessions with input for another turn */
    struct pl_task carry;           /* serves them */
    struct pl_kept *running;        /* kept.c: messages that run now */
    struct pl_list missing;         /* missing.c: what logins could not have */
    uint32_t missing_count;
    struct pl_timer miss; /* tries that again */
    enum pl_phase phase;
    struct pl_phase_mail *asked; /* owned: the supervisor waits for it */
    struct pl_timer poll;        /* looks whether a phase's work is done */
    bool is_refusing;            /* new work: it stops, or is_short */
    bool is_short;               /* of memory, the whole process */
    bool is_lagging;             /* the loop, when somebody came last */
    bool is_cut;                 /* by the stop: nobody may come any more */
    bool is_reaped;              /* the last session destroys it */
};

/* Fields by how often they are touched, what a delivery needs up to
 * has_behind; a connection at rest owns this, its
 * client and its subscriptions, nothing else. */
struct pl_session {
    struct pl_actor actor; /* first */
    struct pl_subscriber subscriber;
    struct pl_keeper *keeper;
    const struct pl_link_ops *link;
    struct pl_outq out;
    struct pl_session *next_touched; /* of the keeper's; NULL: not in it */
    uint32_t pending;                /* commands received and not yet settled */
    uint32_t besides;     /* bytes beyond limits.outgoing_queue that may wait,
                             until nothing does; see session_output.c */
    uint16_t end_code;    /* of `ending`; 0: an empty Close */
    uint16_t holds;       /* enum pl_hold; 0: the client is read */
    uint16_t held_lately; /* holds since the last ping */
    uint8_t state;
    uint8_t ending;         /* enum pl_ending */
    uint8_t grants;         /* enum pl_grant */
    uint8_t pongs_due;      /* several only while nothing is read */
    bool is_registered : 1; /* with the supervisor */
    bool has_inbox : 1;     /* direct messages come as publications on @id */
    bool is_slow;          /* the kernel has not taken all of an earlier turn */
    bool has_behind : 1;   /* a subscription of it is to be given up */
    bool has_told_log : 1; /* that a message of it was not delivered */
    bool lacks_inbox : 1;  /* that of its user has no place: missing.c */
    bool has_waits : 1;    /* commands wait for a verdict: wait.c */
    bool is_new : 1;       /* logged in; the program is told at the flush */
    bool is_known : 1;     /* the program was told; see hooks.c */
    union {
        struct pl_login *login; /* while in LOGIN */
        struct pl_pace *pace;   /* else; NULL: no command was counted yet */
    };
    struct pl_timer timer; /* the next of whatever comes next; at times it is
                              the link's, see session_link.h */
    uint64_t ping_ms;      /* loop time: send a ping, or awaiting: give up */
    uint64_t expires_ms;   /* loop time; 0: never */
};

/* Where its loop counts. */
static inline struct pl_metrics *metrics(const struct pl_session *s)
{
    return s->keeper->options.metrics;
}

/* Of a channel's name, as pl_hub_hash(). */
static inline uint64_t pl_session_hash(const struct pl_session *s,
                                       struct pl_span channel)
{
    return pl_hub_hash(s->keeper->options.hub, channel);
}

/* session.c */
void pl_session_touch(struct pl_session *s);
/* The peer closed, and nothing is pending: end. */
void pl_session_echo_close(struct pl_session *s, uint16_t code);

/* Set the timer to whatever comes next. */
void pl_session_schedule(struct pl_session *s);

/* The supervisor forgets the connection.  False: out of memory. */
bool pl_session_unregister(struct pl_session *s);

/* hold.c */
/* A ping is sent: holds of before do not excuse its pong. */
void pl_session_renew_holds(struct pl_session *s);

/* Flush it: the end of a turn. */
void pl_session_flush(struct pl_session *s);

/* keeper.c */
void pl_keeper_touch(struct pl_keeper *k, struct pl_session *s);
void pl_keeper_add(struct pl_keeper *k);
void pl_keeper_drop(struct pl_keeper *k, struct pl_session *s);

/* Not closed, nor about to be, nor was a command wrong. */
static inline bool pl_session_runs_commands(const struct pl_session *s)
{
    return s->state < PL_SESSION_CLOSING && s->ending < PL_ENDING_BARRED;
}

/* handlers.c */
struct pl_call *pl_call_create(const struct pl_call *fields);

#endif
