/* SPDX-License-Identifier: Apache-2.0 */
/* channel_name.h - what the name of a channel says: its namespace, and which
 * clients may have it.
 *
 * The marks in names are those of Centrifugo and can be configured:
 * "chat:room" is in the namespace "chat", "$chat:room" needs a token of its
 * own, "chat:room#42,43" lists the users that may subscribe.  Two marks are
 * parley's and fixed: "#42" is the inbox of a user, "@id" that of a connection.
 * Where users have personal channels in a namespace "own", "own:#42" is that of
 * user 42; without a namespace the inbox is also the personal channel.
 *
 * Thread: any. */
#ifndef PL_CHANNEL_NAME_H
#define PL_CHANNEL_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "config_key.h"
#include "span.h"

enum {
    PL_CHANNEL_NAME_MAX = 255,   /* bytes */
    PL_CHANNEL_USER_INBOX = '#', /* before the user */
    PL_CHANNEL_CONNECTION_INBOX = '@'
};

/* How names are read.  A mark that is empty is off. */
struct pl_naming {
    struct pl_config_mark boundary;       /* after the namespace */
    struct pl_config_mark private_prefix; /* before everything */
    struct pl_config_mark user_boundary;  /* before the list of users */
    struct pl_config_mark user_separator; /* between them */
    uint32_t max_length;                  /* bytes */
    bool has_inboxes;                     /* users have inboxes ... */
    struct pl_span inbox_space;    /* ... in this namespace; "": in none */
    bool has_personal;             /* users have personal channels ... */
    struct pl_span personal_space; /* ... in this namespace; "": in none */
    bool is_single;                /* a user has one connection */
};

/* Bits of what a name says. */
enum pl_name_trait {
    PL_NAME_PRIVATE = 1,    /* a client needs a token for it */
    PL_NAME_USERS = 2,      /* it lists users */
    PL_NAME_INBOX = 4,      /* of a user */
    PL_NAME_CONNECTION = 8, /* the inbox of a connection */
    PL_NAME_FOREIGN = 16,   /* not only ASCII */
    PL_NAME_PERSONAL = 64,  /* the personal channel of a user */
    PL_NAME_BAD = 32        /* its namespace forbids its characters: 107.  Set
                               by pl_rulebook_look() */
};

struct pl_name_parts {
    struct pl_span space; /* the namespace; "": none */
    struct pl_span rest;  /* what follows the namespace */
    struct pl_span users; /* of PL_NAME_USERS; of PL_NAME_INBOX and
                             PL_NAME_PERSONAL one user */
    uint8_t traits;       /* enum pl_name_trait */
};

/* Read a name, which is not empty. */
struct pl_name_parts pl_name_parse(const struct pl_naming *n,
                                   struct pl_span name);

/* Set the bytes with which a mark begins, or a character that is not ASCII, in
 * marks[256].  A name without any of them has no trait and no namespace. */
void pl_naming_marks(const struct pl_naming *n, bool *marks);

/* Return true if the list of users has `user`, which is not empty. */
bool pl_name_lists(const struct pl_naming *n, struct pl_span users,
                   struct pl_span user);

/* The result of checking a name that a backend or a program says. */
enum pl_channel_name {
    PL_CHANNEL_NAME_OK,
    PL_CHANNEL_NAME_EMPTY,
    PL_CHANNEL_NAME_TOO_LONG,
    PL_CHANNEL_NAME_RESERVED /* an inbox without a namespace: a backend
                                subscribes no client to it */
};

enum pl_channel_name pl_channel_name_check(struct pl_span name);

#endif
