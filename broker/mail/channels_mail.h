/* SPDX-License-Identifier: Apache-2.0 */
/* channels_mail.h - requests to the owner of a channel, with their results. */
#ifndef PL_CHANNELS_MAIL_H
#define PL_CHANNELS_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "client.h"
#include "mail_origin.h"
#include "map.h"
#include "msg.h"
#include "pub.h"
#include "pub_terms.h"
#include "span.h"

struct pl_rules; /* users/rules.h */

/* Publish `pub`.  Result: `error` and, if it is 0, the offset in `pub`. */
struct pl_publish_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_pub *pub;    /* reference */
    struct pl_pub *unused; /* result: memory for the next publication of the
                              sender, from pl_pub_empty(); NULL: none */
    struct pl_pub_terms *terms; /* owned; NULL: none */
    uint32_t error;             /* a number of code.h; 0: published */
    uint32_t accepted;          /* number of receiving subscribers */
    bool stored;                /* in the history */
    bool fan_out;  /* the sender's loop has subscribers: this message is also
                      their pl_publication_mail */
    char epoch[9]; /* of the stream, with a final zero; "" without history */
};

enum pl_attach_flag {
    PL_ATTACH_RECOVER = 1,      /* return what came after `offset` in `epoch` */
    PL_ATTACH_JOIN_LEAVE = 2,   /* deliver joins and leaves */
    PL_ATTACH_HIDDEN = 4,       /* no presence, join or leave for this client */
    PL_ATTACH_REJECT = 8,       /* error 112 if recovery fails */
    PL_ATTACH_SERVER_SIDE = 16, /* not requested by the client */
    PL_ATTACH_UNPOSITIONED = 32,  /* for the hub and the session alone ... */
    PL_ATTACH_UNRECOVERABLE = 64, /* ... likewise */
    PL_ATTACH_UNLISTED = 128,     /* not in presence ... */
    PL_ATTACH_LISTED = 256,       /* ... or there, whatever the rules say */
    PL_ATTACH_UNTOLD = 512,       /* no join and leave for this client ... */
    PL_ATTACH_TOLD = 1024         /* ... or both, whatever the rules say */
};

/* Subscribe `client`.  Each attach is followed by exactly one detach, even if
 * the result is an error. */
struct pl_attach_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_blob *channel; /* reference */
    uint64_t hash;
    struct pl_client *client; /* reference */
    struct pl_client *shown;  /* reference: as others see the client in this
                                 channel; NULL: as it is */
    struct pl_rules *rules;   /* reference: of the channel, as its hub has
                                 them */
    struct pl_blob *data;     /* reference: JSON for the reply; NULL: none */
    int64_t expires_at_s;     /* for the session alone; 0: never */
    uint16_t flags;           /* enum pl_attach_flag */
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
    struct pl_client *shown;  /* reference, or NULL; as in the attach */
    uint16_t flags;           /* the same */
    struct pl_map_node node;  /* for the owner of the channel, like the next */
    bool is_untold;           /* no leave is due for it ... */
    bool is_counted;          /* ... or one if its user has no other client
                                 there */
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

/* A channel of one owner that has subscribers. */
struct pl_listed_channel {
    struct pl_blob *channel; /* reference */
    uint32_t subscribers;
};

struct pl_list_mail {
    struct pl_msg msg;
    struct pl_origin origin;
    struct pl_blob *pattern; /* reference, from pl_glob_expand(); NULL: all */
    struct pl_listed_channel *channels; /* result; owned */
    uint32_t count;
    uint32_t error;
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_publish_mail *pl_publish_mail_create(void);
struct pl_attach_mail *pl_attach_mail_create(void);
struct pl_detach_mail *pl_detach_mail_create(void);
struct pl_query_mail *pl_query_mail_create(void);
struct pl_list_mail *pl_list_mail_create(void);

/* Reset `m` as if new, except `pub`, which pl_pub_renew() can reuse: the memory
 * of the publication, or of `unused`. */
void pl_publish_mail_renew(struct pl_publish_mail *m);

/* Copy the epoch of a client.  One longer than any of ours becomes one that
 * matches none. */
void pl_epoch_copy(char to[9], struct pl_span epoch);

#endif
