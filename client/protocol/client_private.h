/* SPDX-License-Identifier: Apache-2.0 */
/* client_private.h - a protocol client and its subscriptions, as the files of
 * this module see them.  All calls here belong to the loop's thread. */
#ifndef PLC_CLIENT_PRIVATE_H
#define PLC_CLIENT_PRIVATE_H

#include "arena.h"
#include "cell.h"
#include "client_codec.h"
#include "group.h"
#include "hash.h"
#include "link.h"
#include "loop.h"
#include "requests.h"
#include "terms.h"

struct pl_guard;
struct pl_snapshot;
struct plc_client;
struct plc_sub;

/* Codes of the official SDKs that a client makes up itself. */
enum plc_code {
    PLC_CODE_CALLED = 0, /* connect(), disconnect(), subscribe() ... */
    PLC_CODE_TRANSPORT = 1,
    PLC_CODE_UNAUTHORIZED = 1,
    PLC_CODE_NO_PING = 2,
    PLC_CODE_CLOSED = 2, /* of a subscription: its client is destroyed */
    PLC_CODE_SUBSCRIBE_TIMEOUT = 3,
    PLC_CODE_MESSAGE_SIZE = 3,
    PLC_CODE_UNSUBSCRIBE_ERROR = 4,
    /* of error() */
    PLC_ERROR_TIMEOUT = 1,
    PLC_ERROR_TRANSPORT = 2,
    PLC_ERROR_CONNECT_TOKEN = 5,
    PLC_ERROR_REFRESH_TOKEN = 6,
    PLC_ERROR_SUBSCRIBE_TOKEN = 8,
    PLC_ERROR_SUB_REFRESH_TOKEN = 9,
    PLC_ERROR_CONFIGURATION = 12,
    /* of the server */
    PLC_CODE_TOKEN_EXPIRED = 109,
    PLC_CODE_INSUFFICIENT_STATE = 2502,
    PLC_CODE_STATE_INVALIDATED = 3014
};

/* How far the end of a client is. */
enum plc_ending {
    PLC_LIVING,
    PLC_FLUSHING, /* its requests are waited for */
    PLC_CLOSING   /* its links are */
};

/* One connection, or one attempt at it.  What belongs to an older one finds
 * that it is not client->attempt, and counts no more. */
struct plc_attempt {
    struct plc_client *client;
    struct plc_link_conn *link;
    struct pl_list link_of; /* in client->leaving */
};

/* The token of a connection or a subscription. */
struct plc_secret {
    char *text;                 /* owned; NULL: none */
    struct plc_token *question; /* that is open; NULL: none */
    /* The program's answer: the token, NULL: not authorized, or `why` it
     * failed.  `s` NULL: of the connection. */
    void (*answered)(struct plc_client *c, struct plc_sub *s, const char *token,
                     const char *why);
};

/* How a connection ends, for the files that find out that it must; attempt.c
 * knows all that has to end with it. */
struct plc_attempt_ops {
    /* The attempt has failed, or its connection is lost: `code` and `reason`
     * are those of the state.  With `is_final` the client is then disconnected,
     * else it tries again. */
    void (*lose)(struct plc_client *c, uint32_t code, const char *reason,
                 bool is_final);
    /* A push that ends the connection, or the code of a Close. */
    void (*closed_by_code)(struct plc_client *c, uint32_t code,
                           const char *reason);
};

/* Where a channel was read up to. */
struct plc_position {
    /* What of it was shown to the program; the thread that runs callbacks
     * writes it. */
    struct pl_snapshot *shown;
    bool is_known;
    uint64_t offset;
    char epoch[64];
};

/* The subscriptions that the server has made.  It chooses their number and
 * names, so both are bounded, and the key of the hash is secret. */
struct plc_server_subs {
    struct pl_list all; /* of struct plc_server_sub, in the order of arrival */
    struct pl_map by_channel;
    struct pl_hash_key key;
    size_t bytes; /* of the names */
};

struct plc_client {
    struct plc_part part; /* first */
    /* Constant. */
    struct plc_client_options options;
    struct plc_terms terms; /* has the strings of `options` */
    enum pl_encoding encoding;
    struct pl_loop *loop;
    struct plc_links *links;
    struct plc_events *events;
    uint64_t *counts;
    struct pl_guard *guard;
    /* Any thread. */
    struct pl_cell state;          /* enum plc_state */
    struct pl_cell next_id;        /* of a command */
    struct pl_cell is_loss_queued; /* `loss` waits */
    struct pl_cell ends_called;    /* calls of plc_client_disconnect() */
    struct pl_map names;           /* the subscriptions by channel; guarded */
    /* The loop's. */
    const struct plc_attempt_ops *attempts_of; /* constant */
    struct plc_attempt *attempt;               /* owned; NULL: none */
    struct pl_list leaving;                    /* attempts that are closing */
    struct plc_requests requests;
    struct plc_request connect, refresh;
    struct pl_list sends; /* of struct plc_call: sent, and not taken by
                             the kernel yet */
    struct pl_list subs;  /* of struct plc_sub */
    struct plc_server_subs server_subs;
    struct pl_buf frame; /* commands of this turn */
    struct pl_task send, check;
    struct pl_arena arena; /* of the decoder: a reply or a push */
    struct pl_arena item;  /* likewise: an element of its list */
    struct plc_event loss; /* reports to the program that callbacks are lost */
    struct plc_secret secret;
    struct pl_timer retry, refresh_due, proven;
    struct plc_deadline ping;
    uint64_t ends;     /* calls of plc_client_disconnect() that are done */
    uint32_t attempts; /* since the last connection that lasted */
    uint32_t retry_ms; /* the server asks to come no sooner; 0: it does not */
    uint32_t ping_ms;  /* 0: no watchdog */
    size_t next_url;
    bool answers_pings;
    bool is_link_open;  /* commands may be given to the link */
    bool is_over;       /* disconnected, and not connecting again */
    bool was_connected; /* at least once */
    bool has_secret;    /* `frame` has a token */
    bool has_loss;      /* what this connection brought is lost */
    enum plc_ending ending;
};

struct plc_sub {
    /* Constant. */
    struct plc_client *client;
    struct plc_sub_options options;
    struct pl_arena strings;
    struct pl_span channel;
    /* Any thread. */
    struct pl_cell state;
    struct pl_cell ends_called; /* calls of plc_sub_stop() */
    struct pl_map_node name;    /* guarded by the client's guard */
    struct plc_mail add, drop;
    /* The loop's. */
    struct pl_list link;
    struct plc_request subscribe, refresh;
    struct plc_secret secret;
    struct plc_position position;
    struct pl_timer retry, refresh_due;
    uint64_t ends; /* calls of plc_sub_stop() that are done */
    uint32_t attempts;
    bool is_recoverable;
    bool has_name; /* guarded by the client's guard */
};

/* --- state.c --- */

enum plc_state plc_client_now(const struct plc_client *c);
bool plc_client_is_connected(const struct plc_client *c);
/* Look, in the next turn, whether a stop has nothing left to wait for. */
void plc_client_check(struct plc_client *c);

/* --- attempt.c: connecting and the end of connections --- */

void plc_attempt_begin(struct plc_client *c);
/* The next attempt, after the delay. */
void plc_attempt_retry(struct plc_client *c);
/* Destroy the links that are closing. */
bool plc_attempt_cut(struct plc_client *c);
/* Set what `c` needs of attempt.c. */
void plc_attempt_init(struct plc_client *c);
/* See struct plc_attempt_ops. */
static inline void plc_attempt_lose(struct plc_client *c, uint32_t code,
                                    const char *reason, bool is_final)
{
    c->attempts_of->lose(c, code, reason, is_final);
}

static inline void plc_attempt_closed_by_code(struct plc_client *c,
                                              uint32_t code, const char *reason)
{
    c->attempts_of->closed_by_code(c, code, reason);
}

/* --- outgoing.c: what is sent --- */

uint32_t plc_client_take_id(struct plc_client *c);
/* Encode `command` and give it to the link in this turn; its request `r`, which
 * may be NULL, waits for the reply.  Return false if out of memory, or if it is
 * larger than what servers accept: nothing has happened. */
bool plc_client_command(struct plc_client *c, struct plc_request *r,
                        const struct pl_command *command);
/* Give encoded bytes to the link in this turn; return false if out of memory:
 * nothing has happened.
 * *from is the position from which on they may leave. */
bool plc_client_put(struct plc_client *c, struct pl_span bytes, uint64_t *from);
/* Forget the message of this turn.  A token in it is overwritten. */
void plc_client_drop_frame(struct plc_client *c);
/* Send the calls that wait. */
void plc_client_send_waiting(struct plc_client *c);
void plc_client_run_send(struct pl_task *t);

/* --- incoming.c: what is received --- */

/* Handle the payload of a message; return false if the attempt is over. */
bool plc_client_receive(struct plc_client *c, struct pl_span payload);

/* --- calls.c: calls of the program --- */

/* The message that has the newest sends ends at `position`. */
void plc_calls_written(struct plc_client *c, uint64_t position);
/* Complete the sends whose bytes lie before `position`. */
void plc_calls_taken(struct plc_client *c, uint64_t position);
/* Complete all sends, as not sent if they begin at `left` or later, else as
 * unknown. */
void plc_calls_lose(struct plc_client *c, uint64_t left);

/* --- subs.c: subscriptions --- */

/* Subscribe, or ask for the token that is needed first. */
void plc_sub_try(struct plc_sub *s);
void plc_subs_try_all(struct plc_client *c);
/* The connection is lost. */
void plc_subs_lose_all(struct plc_client *c);
/* The attempt is lost: what it has sent must be sent again. */
void plc_subs_unsend_all(struct plc_client *c);
/* Their positions mean nothing any more. */
void plc_subs_spoil_all(struct plc_client *c);
/* The client is destroyed. */
void plc_subs_close_all(struct plc_client *c);
struct plc_sub *plc_subs_find(struct plc_client *c, struct pl_span channel);
/* Each returns false if the push does not count. */
bool plc_sub_push_end(struct plc_sub *s, const struct pl_received_end *e);
bool plc_sub_push(struct plc_sub *s, const struct pl_received_publication *p);
void plc_subs_free_all(struct plc_client *c);

/* --- server_subs.c: subscriptions that the server made --- */

/* Each returns false if the connection cannot go on: *why says why. */
bool plc_server_subs_compare(struct plc_client *c, struct pl_received_list *l,
                             const char **why);
bool plc_server_subs_add(struct plc_client *c, struct pl_span channel,
                         const struct pl_received_subscribe *r,
                         const char **why);
/* Each returns false if there is no such subscription. */
bool plc_server_subs_push(struct plc_client *c, struct pl_span channel,
                          const struct pl_received_publication *p);
bool plc_server_subs_has(struct plc_client *c, struct pl_span channel);
bool plc_server_subs_end(struct plc_client *c, struct pl_span channel,
                         uint32_t code, struct pl_span reason);
void plc_server_subs_lose_all(struct plc_client *c);
/* Go back to the positions that the program has seen. */
void plc_server_subs_take_back_all(struct plc_client *c);
void plc_server_subs_free_all(struct plc_client *c);
/* The recoverable ones with their positions, for a connect command; return
 * false if out of memory.
 * Owner:  the caller frees *out. */
bool plc_server_subs_list(struct plc_client *c, size_t *count,
                          struct pl_subscribe_request **out);
/* Positions mean nothing any more. */
void plc_server_subs_forget(struct plc_client *c);

/* --- tokens.c --- */

/* Ask the program for the token of the client, or of `s`, unless a question is
 * open. */
void plc_secret_ask(struct plc_client *c, struct plc_sub *s);
void plc_secret_set(struct plc_secret *secret, const char *text);
/* When a token that lasts for `ttl_s` is refreshed, within the bounds of the
 * SDKs: a second and PLC_TTL_MAX_MS. */
enum { PLC_TTL_MAX_MS = 0x7fffffff };
uint64_t plc_secret_ttl_ms(uint32_t ttl_s);
/* The answer is not needed any more. */
void plc_secret_drop_question(struct plc_secret *secret);
void plc_secret_fini(struct plc_secret *secret);

/* --- deliveries.c --- */

/* Report a publication and move the position; `s` NULL: of the server's
 * subscription to `channel`.  Without memory for the event the position stays,
 * and c->has_loss is set. */
bool plc_deliver(struct plc_client *c, struct plc_sub *s,
                 struct pl_span channel, struct plc_position *p,
                 const struct pl_received_publication *pub, bool recovered);
/* Begin with the position of the subscribe reply `r`, report the change that it
 * is, and deliver what it has recovered, in this order. */
void plc_deliver_begin(struct plc_position *p,
                       const struct pl_received_subscribe *r);
struct plc_change plc_deliver_change(const struct plc_position *p,
                                     const struct pl_received_subscribe *r);
void plc_deliver_recovered(struct plc_client *c, struct plc_sub *s,
                           struct pl_span channel, struct plc_position *p,
                           const struct pl_received_subscribe *r);

/* --- positions --- */

/* Numbers of plc_sub.shown: the offset, whether it is known, and the bytes of
 * the epoch. */
enum { PLC_SHOWN = 2 + 64 / 8 };
void plc_position_show(const struct plc_position *p);
void plc_position_read(const struct pl_snapshot *shown, struct plc_position *p);
/* Publications whose callbacks have not run are recovered later: they are
 * dropped, see reports.c.  A position that no callback has shown yet is of a
 * subscription about which no callback has run. */
void plc_position_take_back(struct plc_position *p);

void plc_position_from(struct plc_position *p, struct pl_span epoch,
                       uint64_t offset);
/* Move to what `pub` says, before its event. */
void plc_position_move(struct plc_position *p,
                       const struct pl_received_publication *pub);
/* What cannot be recovered from: the server then says that it was tried. */
void plc_position_spoil(struct plc_position *p);
bool plc_position_is_spoiled(const struct plc_position *p);

#endif
