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

/* ending.c.  A command was wrong: nothing runs after it, and the end waits for
 * the answers to what came before. */
void pl_session_bar(struct pl_session *s, uint16_t code);

/* Commands that waited for the login came before the peer's end, and now wait
 * again, for the rate or another turn: so does the end. */
void pl_session_put_off_end(struct pl_session *s);

/* They have run: an end that was put off waits for answers only. */
void pl_session_end_in_turn(struct pl_session *s);

/* While PL_HOLD_ENDING: nothing is pending any more, or it takes too long. */
void pl_session_conclude(struct pl_session *s);

/* Queue a reply, a push, or a ping. */
void pl_session_say(struct pl_session *s, const struct pl_reply *reply);
void pl_session_push(struct pl_session *s, const struct pl_push *push);
void pl_session_say_ping(struct pl_session *s);

/* Set the timer to whatever comes next. */
void pl_session_schedule(struct pl_session *s);

/* The supervisor forgets the connection.  False: out of memory. */
bool pl_session_unregister(struct pl_session *s);

/* hold.c */
/* A ping is sent: holds of before do not excuse its pong. */
void pl_session_renew_holds(struct pl_session *s);

/* The hub's delivery. */
void pl_session_deliver(struct pl_subscriber *u, const struct pl_delivery *it);

/* May what it recovers, so many bytes, wait for it besides the out-queue's
 * limit?  If so, that is made room for. */
bool pl_session_has_room(struct pl_session *s, uint64_t bytes);

/* May an answer of so many bytes wait for it, besides the limit where need be?
 * An empty queue takes any, and one that can drop others is to try. */
bool pl_session_can_wait(struct pl_session *s, uint64_t bytes);

/* End the subscriptions that fell behind. */
void pl_session_give_up_behind(struct pl_session *s);

/* It does not keep up: drop what it has not begun to get, and close it. */
void pl_session_give_up_slow(struct pl_session *s);

/* Flush it: the end of a turn. */
void pl_session_flush(struct pl_session *s);

/* keeper.c */
void pl_keeper_touch(struct pl_keeper *k, struct pl_session *s);
void pl_keeper_add(struct pl_keeper *k);
void pl_keeper_drop(struct pl_keeper *k, struct pl_session *s);

/* overload.c */
void pl_keeper_on_memory(struct pl_keeper *k, struct pl_memory_mail *m);
void pl_keeper_note_refusing(struct pl_keeper *k); /* a reason came or went */

/* While is_refusing: answers the command if it is refused. */
bool pl_session_refuse_work(struct pl_session *s, const struct pl_command *c);

/* Not closed, nor about to be, nor was a command wrong. */
static inline bool pl_session_runs_commands(const struct pl_session *s)
{
    return s->state < PL_SESSION_CLOSING && s->ending < PL_ENDING_BARRED;
}

/* command.c */
void pl_session_commands(struct pl_session *s, struct pl_span message);
void pl_session_settle(struct pl_session *s, enum pl_metric as);
void pl_session_fail(struct pl_session *s, uint32_t id, uint32_t code);
void pl_session_fail_begin(struct pl_session *s, uint32_t id, enum pl_err rc);
void pl_session_violate(struct pl_session *s, uint32_t code, const char *why);
void pl_session_refuse_field(struct pl_session *s, uint32_t id,
                             const char *field);
/* The error for it, and its text, which is put into `room`. */
enum { PL_FIELD_TEXT_MAX = 64 };
uint32_t pl_session_field_error(const char *field, char *room,
                                struct pl_span *text);
/* May this connection do that to this channel?  If so, *hash is that of the
 * channel's name, computed once for the whole command; if not, the command is
 * answered. */
bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    uint8_t grant, uint64_t *hash);
void pl_session_refuse_text(struct pl_session *s, uint32_t id, uint32_t code,
                            struct pl_span text);
/* The same, and whether SDKs are to try again. */
void pl_session_refuse_as(struct pl_session *s, uint32_t id, uint32_t code,
                          struct pl_span text, bool is_temporary);
void pl_session_answer(struct pl_session *s, const struct pl_reply *reply);
extern const struct pl_subscriber_ops pl_session_subscriber_ops;

/* pace.c: limits.commands_per_second */
void pl_pace_init(struct pl_keeper *k);

/* One command more: may it run now?  Only with keeper->command_ns. */
bool pl_pace_take(struct pl_session *s);

/* It may not: keep the rest of its message.  Reading and decoding pause. */
void pl_pace_hold(struct pl_session *s, struct pl_span message);

/* While PL_HOLD_PACE: when to call pl_pace_go_on(). */
uint64_t pl_pace_due_ms(const struct pl_session *s);
void pl_pace_go_on(struct pl_session *s);

/* The visit has used its budget (budget.h): decoding goes on in another turn,
 * behind the rest of a message, if there is one.  False: out of memory, and the
 * session is doomed. */
void pl_pace_carry(struct pl_session *s, struct pl_span message);
bool pl_pace_carry_on(struct pl_session *s);

/* A keeper's task: serve the sessions whose input was carried. */
void pl_pace_run_carried(struct pl_task *t);

struct pl_kept *pl_pace_kept(struct pl_pace *p);

/* No command runs any more, or the session is about to be freed.  What a login
 * keeps is not touched. */
void pl_pace_end(struct pl_session *s);

/* login.c, login_subs.c */
void pl_session_connect(struct pl_session *s, const struct pl_command *c);
void pl_session_refresh(struct pl_session *s, const struct pl_command *c);
void pl_session_login_attached(struct pl_session *s, struct pl_sub *sub,
                               const struct pl_attach_mail *m);
/* Answer the connect if nothing is missing any more. */
void pl_session_settle_login(struct pl_session *s);
void pl_session_login_answered(struct pl_session *s, uint32_t number,
                               const struct pl_verdict *v);
/* The login takes longer than connect.timeout: fail it with a temporary
 * error. */
void pl_session_login_overdue(struct pl_session *s);
void pl_login_destroy(struct pl_login *l, struct pl_out_pool *pool);

/* Where deliveries wait for the connect reply. */
struct pl_outq *pl_login_deferred(struct pl_login *l);

/* The subscription is to end as soon as the connect is answered. */
void pl_login_end_sub(struct pl_login *l, struct pl_span channel,
                      uint32_t code);

/* Subscribe it on the server side as well; the connect is answered after
 * that. */
void pl_login_add_sub(struct pl_session *s, struct pl_span channel);

/* hooks.c: tell the embedding program of the client, if it is to be told. */
void pl_session_tell_connected(struct pl_session *s);
void pl_session_tell_disconnected(struct pl_session *s, uint32_t code,
                                  struct pl_span reason);
void pl_session_tell_reaped(struct pl_session *s);
void pl_session_tell_begun(struct pl_session *s, const struct pl_sub *sub);
void pl_session_tell_ended(struct pl_session *s, const struct pl_sub *sub,
                           uint32_t code);
void pl_session_tell_left(struct pl_session *s, const struct pl_sub *sub);

/* missing.c: subscribe a client that is logging in or logged in, on the server
 * side.  One that has the channel, or may have no more, stays as it is. */
void pl_session_take_channel(struct pl_session *s, struct pl_span channel);

/* missing.c: keep what the login could not have, to try it again. */
void pl_missing_note(struct pl_session *s, const struct pl_login *l);
void pl_missing_try(struct pl_timer *t);
void pl_missing_attached(struct pl_session *s, struct pl_sub *sub,
                         const struct pl_attach_mail *m);

/* Forget all of it: the keeper goes. */
void pl_missing_forget(struct pl_keeper *k);

/* subscribe.c */
/* Its subscription to the channel; NULL: none. */
struct pl_sub *pl_session_find(struct pl_session *s, struct pl_span channel);
void pl_session_subscribe(struct pl_session *s, const struct pl_command *c);
void pl_session_unsubscribe(struct pl_session *s, const struct pl_command *c);
/* Whether it has all the channels that it may have. */
bool pl_session_has_enough(const struct pl_session *s);
void pl_session_kick_channel(struct pl_session *s, struct pl_span channel,
                             uint32_t code);

/* Publications for a reply, the arena's.  *out stays NULL, with `count` above
 * 0, when one of them cannot go to this encoding.  False: out of memory. */
bool pl_publications_make(struct pl_arena *arena, struct pl_pub *const *pubs,
                          uint32_t count, enum pl_encoding encoding,
                          const struct pl_publication **out);

/* What the answer to an attach says, but for its publications; `offset` is what
 * the client had asked from. */
struct pl_subscribe_result
pl_subscribe_result_of(const struct pl_attach_mail *m, bool was_recovering,
                       uint64_t offset);
void pl_session_tell_unsubscribed(struct pl_session *s, uint32_t command);
void pl_session_tell_dropped(struct pl_session *s, struct pl_sub *sub,
                             uint32_t code);
void pl_session_tell_attached(struct pl_session *s, struct pl_sub *sub,
                              const struct pl_attach_mail *m);

/* queried.c: the subscriber's operations; see hub.h. */
void pl_session_tell_queried(struct pl_subscriber *u,
                             const struct pl_query_mail *m);
bool pl_session_may_recover(struct pl_subscriber *u,
                            const struct pl_attach_mail *m);

/* custom.c: rpc and send, handlers, sys.* */
void pl_session_rpc(struct pl_session *s, const struct pl_command *c);
void pl_session_send(struct pl_session *s, const struct pl_command *c);
void pl_session_ask_connect(struct pl_session *s,
                            const struct pl_connect_request *r,
                            uint32_t number);
void pl_session_answered(struct pl_session *s, struct pl_answer_mail *m);
void pl_session_overdue(void *keeper, const struct pl_call_overdue *call);

/* Around a run of the program's code `name`, which must not block. */
uint64_t pl_session_enter(struct pl_session *s, const char *name);
void pl_session_leave(struct pl_session *s, const char *name,
                      uint64_t began_ms);

/* Fill in the address of the client. */
void pl_session_note_peer(struct pl_session *s, struct pl_call *fields);

/* Fill in who calls. */
void pl_session_sign_call(struct pl_session *s, struct pl_call *fields);
void pl_session_counted(struct pl_session *s, const struct pl_user_mail *m);

/* actor_send.c: `id` 0 wants no answer */
void pl_session_refuse(struct pl_session *s, uint32_t id, uint32_t code);
bool pl_session_is_letter(struct pl_session *s, struct pl_span data);
void pl_session_actor_send(struct pl_session *s, uint32_t id,
                           struct pl_span data);
void pl_session_actor_published(struct pl_session *s,
                                const struct pl_publish_mail *m);
void pl_session_direct(struct pl_session *s, struct pl_direct_mail *m);

/* handlers.c */
struct pl_call *pl_call_create(const struct pl_call *fields);

#endif
