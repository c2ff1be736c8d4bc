/* SPDX-License-Identifier: Apache-2.0 */
/* mail.h - the messages that actors of different rooms send each other.
 *
 * Requests travel there and back: the receiver fills in the result and sends
 * the same message to its sender (pl_mail_answer), so an answer needs no
 * memory and cannot be lost for want of it.  A request that could not be
 * delivered comes back with msg.returned set and msg.status saying why. */
#ifndef PL_MAIL_H
#define PL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "blob.h"
#include "client.h"
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
    PL_MAIL_ANSWER,    /* a handler to session: pl_answer_mail */
    PL_MAIL_PHASE,     /* supervisor to keepers, listeners: pl_phase_mail;
                          back when what it asks is done */
    PL_MAIL_MEMORY,    /* supervisor to keepers, channels: pl_memory_mail */
    PL_MAIL_HANDLERS,  /* embed to keepers: pl_handlers_mail */
    PL_MAIL_ACCESS,    /* embed to keepers and admin: pl_access_mail */
    PL_MAIL_LIST,      /* admin to channels: pl_list_mail; and back */
    PL_MAIL_OWN = 1000 /* from here on: between actors of one room */
};

/* Where a hub's request came from, for the hub alone.  The pointers are used
 * only by the hub's own loop and only while `session` is not stale. */
struct pl_origin {
    struct pl_address session; /* nobody: not asked for by a session */
    void *subscriber;
    void *sub;
    uint32_t command; /* the id to answer, 0: none wanted */
    uint32_t kind;    /* the session's own note */
};

/* Publish `pub`.  Result: error, and with error 0 the pub's offset and ... */
struct pl_publish_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_pub *pub; /* held */
    uint32_t error;     /* a number of code.h, 0: published */
    uint32_t accepted;  /* subscribers it goes to */
    bool stored;        /* kept in history */
    bool fan_out;  /* the sender's loop has subscribers: this message is also
                      their pl_publication_mail */
    char epoch[9]; /* of the stream, with a final zero; "" without history */
};

enum pl_attach_flag {
    PL_ATTACH_RECOVER = 1,     /* answer what came after offset in epoch */
    PL_ATTACH_JOIN_LEAVE = 2,  /* this subscriber gets joins and leaves */
    PL_ATTACH_HIDDEN = 4,      /* not in presence, makes no join and leave */
    PL_ATTACH_REJECT = 8,      /* error 112 when it cannot be recovered */
    PL_ATTACH_SERVER_SIDE = 16 /* not wished by the client itself */
};

/* Subscribe `client`.  From the moment an attach is sent exactly one detach
 * follows, also when it is answered with an error. */
struct pl_attach_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_blob *channel; /* held */
    uint64_t hash;
    struct pl_client *client; /* held */
    uint8_t flags;            /* enum pl_attach_flag */
    char epoch[9];   /* in: the client's; out: the stream's, "" without one */
    uint64_t offset; /* in: the client's; out: the stream's top */
    /* Result. */
    uint32_t error;       /* a number of code.h, 0: attached */
    bool positioned;      /* the channel has a stream: epoch, offset hold */
    bool recovered;       /* pubs is all that was missed */
    struct pl_pub **pubs; /* owned array of held pubs, ascending */
    uint32_t pub_count;
};

/* What was missed cannot be given after all. */
void pl_attach_mail_unrecover(struct pl_attach_mail *m);

struct pl_detach_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* held */
    uint64_t hash;
    struct pl_client *client; /* held */
    uint8_t flags;            /* as in the attach */
    bool is_untold;           /* the owner's note: no leave is due for it */
};

enum pl_query_kind {
    PL_QUERY_PRESENCE,
    PL_QUERY_PRESENCE_STATS,
    PL_QUERY_HISTORY,
    PL_QUERY_HISTORY_REMOVE,
    PL_QUERY_BARRIER /* nothing: the answer shows what came before it */
};

/* Ask a channel something. */
struct pl_query_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_query_kind kind;
    struct pl_client *client; /* held: who asks; NULL: a backend */
    struct pl_blob *channel;  /* held */
    uint64_t hash;
    /* History: */
    int32_t limit; /* 0: the position alone; -1: all there is */
    bool has_since;
    bool reverse;
    uint64_t offset;      /* in: since; out: the top */
    char epoch[9];        /* in: since, may be ""; out: the stream's */
    uint32_t byte_budget; /* the answer's publications stop before it */
    /* Result. */
    uint32_t error;             /* a number of code.h */
    struct pl_pub **pubs;       /* owned array of held pubs */
    struct pl_client **clients; /* owned array of held clients */
    uint32_t count;             /* of pubs or of clients; stats: clients */
    uint32_t users;             /* stats */
};

/* To a hub whose loop has subscribers of the channel. */
struct pl_publication_mail {
    struct pl_msg msg;
    struct pl_pub *pub; /* held */
};

struct pl_presence_event_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* held */
    uint64_t hash;
    struct pl_client *client; /* held */
    bool is_join;
};

/* Publications of the channel may be missing: its positioned subscribers are
 * unsubscribed with 2500, so that they recover. */
struct pl_gap_mail {
    struct pl_msg msg;
    struct pl_blob *channel; /* held */
    uint64_t hash;
};

/* A connection of a user has come or gone.  Who is taken hears nothing; whom
 * the supervisor cannot take gets the mail back, and closes with `code` of
 * code.h. The mail itself, since a new one may find no memory. */
struct pl_register_mail {
    struct pl_msg msg;
    struct pl_client *client; /* held */
    uint32_t code;
};

/* Close the connection with a code of code.h, if its id is `client`; a
 * disconnect that unsubscribes only is told by `channel`. */
struct pl_kick_mail {
    struct pl_msg msg;
    uint32_t code;
    struct pl_blob *reason;  /* held; NULL: the code's own text */
    struct pl_blob *channel; /* held; not NULL: unsubscribe from it instead */
    struct pl_blob *client;  /* held; NULL: whoever has the address */
};

enum pl_user_ask {
    PL_USER_COUNT,      /* how many connections has the user? */
    PL_USER_DISCONNECT, /* kick them with code, reason, but `except` */
    PL_USER_UNSUBSCRIBE /* unsubscribe them from `channel` */
};

/* Ask about a user, or do something to all connections of one. */
struct pl_user_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    enum pl_user_ask ask;
    struct pl_blob *user;    /* held */
    struct pl_blob *channel; /* held or NULL */
    struct pl_blob *client;  /* held or NULL: only the connection of this id */
    struct pl_blob *except;  /* held or NULL: a client id that is spared */
    struct pl_blob *reason;  /* held or NULL */
    uint32_t code;
    uint32_t connections; /* result: how many there were */
};

/* A message for one connection: data of a `message` push.  Comes back, with
 * error 404 when nobody has the id.  Send it with pl_actor_send_kind() to
 * sessions alone, since a stranger wrote the address. */
struct pl_direct_mail {
    union {
        struct pl_msg msg;
        struct pl_kind_msg for_kind;
    };
    struct pl_origin origin;
    struct pl_blob *client; /* held: the id that is meant */
    struct pl_blob *data;   /* held: JSON */
    bool is_answer;         /* it is on its way back */
    uint32_t error;         /* result */
};

/* What a handler answers to a call of a session. */
struct pl_answer_mail {
    struct pl_msg msg;
    uint32_t call;   /* the session's number for it */
    bool is_connect; /* it answers the call of a login */
    uint32_t error;  /* a number of code.h or 400 to 1999 */
    struct pl_blob
        *data; /* held; the result or the error's text; may be NULL */
    struct pl_blob *user; /* held; the answer to a connect: who it is */
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

/* The broker enters `phase`; the receiver sends the message back when its
 * part is done.  `force`: do it at once, however. */
struct pl_phase_mail {
    struct pl_msg msg;
    enum pl_phase phase;
    bool force;
    uint32_t forced; /* result: how many had to be forced */
};

/* How the process stands against limits.memory. */
struct pl_memory_mail {
    struct pl_msg msg;
    bool is_short;       /* to keepers: new work is refused */
    uint64_t shed_bytes; /* so much is to go: of what waits for slow clients; to
                            channels: of histories */
};

struct pl_handlers; /* session room: an immutable, counted table */

struct pl_handlers_mail {
    struct pl_msg msg;
    struct pl_handlers *handlers;               /* held */
    void (*release)(struct pl_handlers *table); /* how to let go of it */
};

struct pl_access; /* base room: an immutable, counted table */

struct pl_access_mail {
    struct pl_msg msg;
    struct pl_access *access;                  /* held */
    void (*release)(struct pl_access *access); /* how to let go of it */
};

/* The channels of one owner that have subscribers. */
struct pl_listed_channel {
    struct pl_blob *channel; /* held */
    uint32_t subscribers;
};

struct pl_list_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_blob *pattern;            /* held; a glob, or NULL: all */
    struct pl_listed_channel *channels; /* result; owned */
    uint32_t count;
    uint32_t error;
};

/* Make a message of each kind, all zero but for type, destroy and the flags
 * its kind always has.  NULL: out of memory.
 * Owner: the caller; msg.destroy() releases all that it holds. */
struct pl_publish_mail *pl_publish_mail_create(void);
void pl_publish_mail_renew(struct pl_publish_mail *m); /* as if just made, but
                                      for pub, which is pl_pub_renew()'s */
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

/* Send a request, with its result filled in, back to who sent it.
 * Owner: the runtime. */
void pl_mail_answer(struct pl_actor *self, struct pl_msg *request);

/* Copy a client's epoch; one that is longer than ours ever are becomes one
 * that cannot match either. */
void pl_epoch_copy(char to[9], struct pl_span epoch);

/* Destroy a message that was handled. */
static inline void pl_mail_destroy(struct pl_msg *msg)
{
    msg->destroy(msg);
}

#endif
