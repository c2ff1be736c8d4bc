/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - a simulated client: it connects, says things by chance, comes
 * back and recovers; and it fails the run when it hears what no client may. */
#ifndef CLIENT_H
#define CLIENT_H

#include "link.h"
#include "peer_decode.h"
#include "post.h"
#include "say.h"
#include "truth.h"
#include "world.h"

enum {
    CLIENTS = 24,
    ASKED_MAX = 48,
    INBOX = ROOMS, /* the subscription to the user's inbox */
    SUBS = ROOMS + 1,
    WATCH_MAX = 64,
    KICKS_MAX = 8,
    OUTBOX_MAX = 12,
    JOINED_MAX = 64
};

enum stage {
    STAGE_AWAY,
    STAGE_OPENING,    /* the handshake is on its way */
    STAGE_CONNECTING, /* it is open */
    STAGE_IN,
    STAGE_REFUSED, /* by an HTTP answer */
    STAGE_OVER     /* a Close came */
};

enum sub_state { SUB_NONE, SUB_ASKED, SUB_LIVE, SUB_LEAVING };

/* One that came or went, while a subscription looked on. */
struct joined {
    char id[ID_MAX];
    bool is_in;
};

/* What the client knows of a channel; its position outlives connections. */
struct sub {
    uint8_t state;
    bool takes_joins;
    bool is_recovering; /* asked to */
    bool is_server;     /* its token brought it */
    bool is_refreshing; /* a sub_refresh was not answered yet */
    bool is_kicked;     /* a backend has unsubscribed it, and was answered */
    bool may_kick;      /* it has, perhaps */
    uint32_t kicked;    /* the generation of a subscription that a backend ended
                           while    its verdict was out; 0: none */
    bool must_end;      /* that one is live, and its end is still to be heard */
    uint32_t command;   /* on its way */
    uint32_t generation; /* changes with each subscription */
    char epoch[EPOCH_MAX];
    uint64_t offset;
    uint64_t said_ms;  /* when the subscription was asked for */
    uint64_t heard_ms; /* the same of the one that gave the position */
    uint64_t said_shed, heard_shed; /* history_shed() at these times */
    uint64_t said_step;
    uint64_t valid_until_ms; /* until then at the least it lasts; 0: for ever */
    uint64_t expires_ms;     /* not later than that, without the grace; 0: no */
    uint64_t live_step;      /* and when that was answered */
    struct joined *joined;   /* JOINED_MAX of them, or NULL */
    unsigned joined_count;
};

/* A command that was not answered yet. */
struct asked {
    uint32_t id;
    uint8_t verb;
    uint8_t sub;
    bool is_wrong;  /* it wants to leave what its token brought */
    bool is_strict; /* a subscription that is recovered, or error 112 */
    bool is_forged; /* to a client id that nobody has */
    uint32_t sub_generation;
    uint64_t said_ms;
    uint64_t number; /* what it says */
    unsigned rules;  /* of the rulebooks: everybody had it */
};

/* The newest that was heard of a speaker. */
struct heard {
    uint32_t connection;
    uint64_t number;
};

/* The answer to a watcher's question. */
struct watch {
    uint32_t id; /* 0: no answer yet */
    uint32_t error;
    char clients[WATCH_MAX][ID_MAX];
    unsigned count; /* also of publications, and of stats */
    unsigned users;
    char epoch[EPOCH_MAX];
    uint64_t offset;
};

/* Commands on their way by mail; see client_post.c. */
struct posting {
    struct pl_buf text;
    uint32_t first, last; /* the ids of its commands */
};

struct outbox {
    bool is_used;  /* by this connection */
    bool is_eager; /* it waits for no answer, and keeps nothing */
    bool is_out;   /* the first of the queue has no answer yet */
    bool is_known; /* `to` is of this connection, or of the one before */
    unsigned postman;
    struct post_address to;
    struct posting queue[OUTBOX_MAX];
    unsigned count;
};

struct client {
    struct link_peer peer; /* first */
    struct world *world;
    struct truth *truth;
    unsigned index;
    struct client *const *others; /* all of this run */
    enum peer_encoding encoding;
    enum stage stage;
    struct link *link;
    uint32_t connection; /* its number, another one each time */
    uint32_t last_id;
    uint64_t news; /* that came, but for pings */
    char id[ID_MAX];
    int user;             /* -1: shows no token */
    int inbox_user;       /* whose inbox it is subscribed to */
    bool is_unresponsive; /* reads nothing */
    bool is_silent;       /* answers no pings */
    bool is_rude;         /* has broken the protocol */
    bool is_lazy;         /* it says less than a connect */
    bool has_inbox;       /* it asked for one of its own */
    bool is_expiring;     /* its token may be over */
    bool is_deflated;     /* messages may be compressed */
    const char *offer;    /* of permessage-deflate, or NULL */
    struct pl_buf in;     /* not parsed yet */
    struct pl_buf held;   /* a frame that a planted bug keeps back */
    uint64_t opened_step;
    uint64_t pinged_ms;     /* last; or when it was let in */
    uint64_t unanswered_ms; /* since when it owes a pong; 0: it does not */
    /* link_pauses(): at the last ping that found nothing owed, and before. */
    uint64_t pauses, pauses_before;
    uint64_t valid_until_ms; /* until then at the least its token is good */
    uint64_t expires_ms;     /* not later than that, without the grace; 0: no */
    unsigned token_rooms;    /* whose subscriptions the token brings */
    bool has_other_rooms;    /* it sent a refresh whose token brings others */
    uint32_t kicks[KICKS_MAX]; /* codes with which backends want it closed */
    unsigned kick_count;
    struct sub subs[SUBS];
    struct asked asked[ASKED_MAX];
    unsigned asked_count;
    struct heard heard[CHANNELS][CLIENTS + 1]; /* the last: backends */
    struct watch watch;
    struct outbox outbox;
};

/* Client number `index` of this run; number CLIENTS only watches. */
struct client *client_create(struct world *w, struct truth *t, unsigned index,
                             struct client *const *others);

/* It goes without a word. */
void client_destroy(struct client *c);

/* It does something: one event.  False: it had nothing to do. */
bool client_act(struct client *c);

/* The pieces of it, for who wants more order. */
void client_open(struct client *c);
void client_calm(struct client *c);
void client_resubscribe(struct client *c);
uint32_t client_ask(struct client *c, enum verb verb, unsigned room);
void client_leave(struct client *c);

/* One message with what `b` holds; `b` is freed. */
void client_tell(struct client *c, struct pl_buf *b);

/* client_post.c: whether its commands go by mail from now on; it has left. */
void client_post_begin(struct client *c);
void client_post_end(struct client *c);

/* One message with the commands in `b`, of ids from `first` on, by whichever
 * way they go; `b` is freed.  Check client_may_say_more() before. */
void client_send(struct client *c, struct pl_buf *b, uint32_t first);
bool client_may_say_more(const struct client *c);

/* Post what waits.  False: nothing does, or an answer is due first. */
bool client_post_next(struct client *c);

/* Post what nobody may take. */
void client_post_badly(struct client *c);

/* client_frames.c: what its link brings. */
void client_hear(struct link_peer *p, const char *bytes, size_t len);
void client_end(struct link_peer *p);

/* client_hear.c: one message without its frame; what became of a
 * subscription. */
void client_hear_message(struct client *c, struct pl_span batch);
void client_go_live(struct client *c, struct sub *sub, struct pl_span body);
_Noreturn void client_malformed(const struct client *c);

/* Note when a subscription expires, from the answer to what was said then. */
void client_take_time(struct client *c, struct sub *sub, struct pl_span body,
                      uint64_t said_ms);

/* client_answer.c: the answer to a command. */
void client_hear_answer(struct client *c, const struct peer_reply *r);

/* Whether each join and leave must come: none was lost, which is counted, and
 * nothing is dropped. */
bool client_sees_all(const struct client *c);

/* Whether publications may be lost on the way, which a client is told. */
bool client_may_miss(const struct client *c);

/* Whether it must be closed for the pong that it owes: nobody is for one that
 * the broker could not read. */
bool client_must_pong(const struct client *c);

/* Which channel of the truth a subscription is to. */
unsigned client_channel(const struct client *c, unsigned sub);

#endif
