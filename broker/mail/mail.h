/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - the messages between actors of different modules.
 *
 * The receiver of a request fills in the result and sends the same message back
 * (pl_mail_answer()), so a result needs no memory and no failed allocation can
 * lose it.  A request that cannot be delivered returns with msg.returned set
 * and the reason in msg.status. */
#ifndef PL_MAIL_H
#define PL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "blob.h"
#include "client.h"
#include "map.h"
#include "msg.h"
#include "pub.h"

enum pl_mail_type {
    PL_MAIL_PUBLISH = 1, /* hub, admin to channels: pl_publish_mail; and back */
    PL_MAIL_ATTACH,      /* hub to channels: pl_attach_mail; and back */
    PL_MAIL_DETACH,      /* hub to channels: pl_detach_mail */
    PL_MAIL_QUERY,       /* hub, admin to channels: pl_query_mail; and back */
    PL_MAIL_PUBLICATION, /* channels to hub: pl_publication_mail */
    PL_MAIL_PRESENCE_EVENT, /* channels to hub: pl_presence_event_mail */
    PL_MAIL_GAP,            /* channels to hub: pl_gap_mail */
    PL_MAIL_REGISTER,       /* session to supervisor: pl_register_mail */
    PL_MAIL_UNREGISTER,     /* session to supervisor: pl_register_mail */
    PL_MAIL_KICK,           /* supervisor, admin to session: pl_kick_mail */
    PL_MAIL_USER,      /* admin, session to supervisor: pl_user_mail; back */
    PL_MAIL_DIRECT,    /* session to session: pl_direct_mail; and back */
    PL_MAIL_ANSWER,    /* handler to session: pl_answer_mail */
    PL_MAIL_PHASE,     /* supervisor to session managers (keepers), listeners:
                          pl_phase_mail; back when done */
    PL_MAIL_MEMORY,    /* supervisor to keepers, channels: pl_memory_mail */
    PL_MAIL_HANDLERS,  /* embed to keepers: pl_handlers_mail */
    PL_MAIL_ACCESS,    /* embed to keepers and admin: pl_access_mail */
    PL_MAIL_LIST,      /* admin to channels: pl_list_mail; and back */
    PL_MAIL_OWN = 1000 /* from here on: between actors of one module */
};

/* The origin of a hub's request, used only by the hub.  The pointers are used
 * only on the hub's own loop and only while `session` is not stale. */
struct pl_origin {
    struct pl_address session; /* no actor: not requested by a session */
    void *subscriber;
    void *sub;
    uint32_t command; /* the id to reply to; 0: none */
    uint32_t kind;    /* for the session's own use */
};

/* Publish `pub`.  Result: `error` and, if it is 0, the offset in `pub`. */
struct pl_publish_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_pub *pub; /* reference */
    uint32_t error;     /* a number of code.h; 0: published */
    uint32_t accepted;  /* number of receiving subscribers */
    bool stored;        /* in the history */
    bool fan_out;  /* the sender's loop has subscribers: this message is also
                      their pl_publication_mail */
    char epoch[9]; /* of the stream, with a final zero; "" without history */
};

enum pl_attach_flag {
    PL_ATTACH_RECOVER = 1,     /* return what came after `offset` in `epoch` */
    PL_ATTACH_JOIN_LEAVE = 2,  /* deliver joins and leaves */
    PL_ATTACH_HIDDEN = 4,      /* no presence, join or leave for this client */
    PL_ATTACH_REJECT = 8,      /* error 112 if recovery fails */
    PL_ATTACH_SERVER_SIDE = 16 /* not requested by the client */
};

/* Subscribe `client`.  Each attach is followed by exactly one detach, even if
 * the result is an error. */
struct pl_attach_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
    struct pl_client *client; /* reference */
    uint8_t flags;            /* enum pl_attach_flag */
    char epoch[9];   /* request: the client's; result: the stream's, "" without
                        one */
    uint64_t offset; /* request: the client's; result: the newest of the
                        stream */
    /* Result. */
    uint32_t error;       /* a number of code.h; 0: attached */
    bool positioned;      /* the channel has a stream: `epoch` and `offset` are
                             set */
    bool recovered;       /* `pubs` is everything that was missed */
    struct pl_pub **pubs; /* owned array of references, in ascending order */
    uint32_t pub_count;
};

/* Change the result to "not recovered" and release the publications. */
void pl_attach_mail_unrecover(struct pl_attach_mail *m);

struct pl_detach_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
    struct pl_client *client; /* reference */
    uint8_t flags;            /* as in the attach */
    struct pl_map_node node;  /* for the owner of the channel, like the next */
    bool is_untold;           /* no leave is due for it */
};

enum pl_query_kind {
    PL_QUERY_PRESENCE,
    PL_QUERY_PRESENCE_STATS,
    PL_QUERY_HISTORY,
    PL_QUERY_HISTORY_REMOVE,
    PL_QUERY_BARRIER /* nothing; its result comes after those of earlier
                        requests */
};

/* A query to the owner of a channel. */
struct pl_query_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_query_kind kind;
    struct pl_client *client; /* reference: the requester; NULL: a backend */
    struct pl_blob *channel;  /* reference */
    uint64_t hash;
    /* Only for history: */
    int32_t limit; /* 0: only the position; -1: everything */
    bool has_since;
    bool reverse;
    uint64_t offset;      /* request: since; result: the newest */
    char epoch[9];        /* request: since, may be ""; result: the stream's */
    uint32_t byte_budget; /* the publications of the result stay below this
                             size */
    /* Result. */
    uint32_t error;             /* a number of code.h */
    struct pl_pub **pubs;       /* owned array of references */
    struct pl_client **clients; /* owned array of references */
    uint32_t count;             /* of pubs or clients; stats: of clients */
    uint32_t users;             /* stats only */
};

/* Sent to a hub if its loop has subscribers of the channel. */
struct pl_publication_mail {
    struct pl_msg msg;
    struct pl_pub *pub; /* reference */
};

struct pl_presence_event_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
    struct pl_client *client; /* reference */
    bool is_join;
};

/* Publications of the channel may be lost: unsubscribe its positioned
 * subscribers with code 2500, so that they recover. */
struct pl_gap_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
};

/* A connection of a user has connected or closed.  On success there is no
 * reply.  On failure the supervisor returns this mail with `code` (code.h) set,
 * and the session closes with it.  It reuses the mail because an allocation may
 * fail. */
struct pl_register_mail {
    struct pl_msg msg;
    struct pl_client *client; /* reference */
    uint32_t code;
};

/* Close the connection with a code of code.h if its id is `client`; with
 * `channel`, only unsubscribe it. */
struct pl_kick_mail {
    struct pl_msg msg;
    uint32_t code;
    struct pl_blob *reason;  /* reference; NULL: the text of the code */
    struct pl_blob *channel; /* reference; not NULL: only unsubscribe from it */
    struct pl_blob *client;  /* reference; NULL: any client at this address */
};

enum pl_user_ask {
    PL_USER_COUNT,      /* count the connections of the user */
    PL_USER_DISCONNECT, /* close them with `code` and `reason`, except
                           `except` */
    PL_USER_UNSUBSCRIBE /* unsubscribe them from `channel` */
};

/* A request about all connections of a user. */
struct pl_user_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_user_ask ask;
    struct pl_blob *user;    /* reference */
    struct pl_blob *channel; /* reference or NULL */
    struct pl_blob *client;  /* reference or NULL: only the connection with this
                                id */
    struct pl_blob *except;  /* reference or NULL: skip the connection with this
                                id */
    struct pl_blob *reason;  /* reference or NULL */
    uint32_t code;
    uint32_t connections; /* result: their number */
};

/* A message for one connection: the data of a `message` push.  The result is
 * error 404 if no connection has the id.  Send it with pl_actor_send_kind(), so
 * that only sessions receive it: an untrusted peer wrote the address. */
struct pl_direct_mail {
    union {
        struct pl_msg msg;
        struct pl_kind_msg for_kind;
    };
    struct pl_origin origin;
    struct pl_blob *client; /* reference: the id of the receiver */
    struct pl_blob *data;   /* reference: JSON */
    bool is_answer;         /* the message returns as a reply */
    uint32_t error;         /* result */
};

/* The result of a handler call that a session made. */
struct pl_answer_mail {
    struct pl_msg msg;
    uint32_t call;     /* the session's number of the call */
    bool is_connect;   /* the result of the call for a login */
    bool is_allowed;   /* the verdict on a command is yes */
    uint32_t error;    /* a number of code.h, 400 to 1999; of a verdict also a
                          close code from 3000 on */
    bool is_temporary; /* of the error: SDKs try again */
    int64_t expires_at_s; /* of a verdict that is yes; 0: never */
    struct pl_blob
        *data; /* reference or NULL; the result or the text of the error */
    struct pl_blob *user; /* reference; for a login: the user id */
};

enum pl_phase {
    PL_PHASE_RUNNING,
    PL_PHASE_SIGNAL,
    PL_PHASE_GRACE,
    PL_PHASE_DISCONNECT,
    PL_PHASE_LISTENERS,
    PL_PHASE_CANCEL,
    PL_PHASE_RESET,
    PL_PHASE_STOPPED,
    PL_PHASE_COUNT
};

/* The broker enters `phase`.  The receiver sends the message back when it is
 * done.  `force`: be done at once, by force. */
struct pl_phase_mail {
    struct pl_msg msg;
    enum pl_phase phase;
    bool force;
    uint32_t forced; /* result: how many had to be forced */
};

/* The state of limits.memory. */
struct pl_memory_mail {
    struct pl_msg msg;
    bool is_short;       /* to keepers: refuse new work */
    uint64_t shed_bytes; /* bytes to free; keepers: of output to slow clients;
                            channels: of histories */
};

struct pl_handlers; /* immutable, reference-counted; of the session module */

struct pl_handlers_mail {
    struct pl_msg msg;
    struct pl_handlers *handlers;               /* reference */
    void (*release)(struct pl_handlers *table); /* drops it */
};

struct pl_access; /* an immutable, reference-counted table (base/access.h) */

struct pl_access_mail {
    struct pl_msg msg;
    struct pl_access *access;                  /* reference */
    void (*release)(struct pl_access *access); /* drops it */
};

/* A channel of one owner that has subscribers. */
struct pl_listed_channel {
    struct pl_blob *channel; /* reference */
    uint32_t subscribers;
};

struct pl_list_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_blob *pattern;            /* reference to a glob; NULL: all */
    struct pl_listed_channel *channels; /* result; owned */
    uint32_t count;
    uint32_t error;
};

/* Create a message of each kind, all zero except type, destroy and the flags of
 * its kind.  NULL: out of memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_publish_mail *pl_publish_mail_create(void);
/* Reset `m` as if new, except `pub`, which pl_pub_renew() can reuse. */
void pl_publish_mail_renew(struct pl_publish_mail *m);
struct pl_attach_mail *pl_attach_mail_create(void);
struct pl_detach_mail *pl_detach_mail_create(void);
struct pl_query_mail *pl_query_mail_create(void);
struct pl_publication_mail *pl_publication_mail_create(void);
struct pl_presence_event_mail *pl_presence_event_mail_create(void);
struct pl_gap_mail *pl_gap_mail_create(void);
struct pl_register_mail *pl_register_mail_create(bool is_leaving);
struct pl_kick_mail *pl_kick_mail_create(void);
struct pl_user_mail *pl_user_mail_create(void);
struct pl_direct_mail *pl_direct_mail_create(void);
struct pl_answer_mail *pl_answer_mail_create(void);
struct pl_phase_mail *pl_phase_mail_create(void);
struct pl_memory_mail *pl_memory_mail_create(void);
struct pl_handlers_mail *pl_handlers_mail_create(void);
struct pl_access_mail *pl_access_mail_create(void);
struct pl_list_mail *pl_list_mail_create(void);

/* Send a request with its result back to its sender.
 * Owner:  the runtime. */
void pl_mail_answer(struct pl_actor *self, struct pl_msg *request);

/* Copy the epoch of a client.  One longer than any of ours becomes one that
 * matches none. */
void pl_epoch_copy(char to[9], struct pl_span epoch);

static inline void pl_mail_destroy(struct pl_msg *msg)
{
    msg->destroy(msg);
}

#endif
