/* SPDX-License-Identifier: Apache-2.0 */
/* denials.h - revoked tokens and blocked users.
 *
 * The supervisor owns the table that counts, and bounds it.  Each session
 * manager has a copy, which repeats the changes of that table, so that a login
 * waits for no other loop.
 *
 * Thread: one owner for each table. */
#ifndef PL_DENIALS_H
#define PL_DENIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "err.h"
#include "hash.h"
#include "span.h"

struct pl_denials; /* opaque */

enum pl_denial_kind {
    PL_DENIAL_TOKEN,  /* the tokens with this `jti` */
    PL_DENIAL_TOKENS, /* the tokens of a user issued before a time, and those
                         that do not say when they were issued */
    PL_DENIAL_USER    /* a user: it is blocked */
};

enum {
    PL_DENIALS_MAX = 100000,
    PL_DENIALS_BYTES_MAX = 16 * 1024 * 1024 /* of their texts */
};

struct pl_denial {
    enum pl_denial_kind kind;
    struct pl_span name;     /* a jti or a user; not empty */
    struct pl_span channel;  /* TOKENS: only subscription tokens of it; .at
                                NULL: all tokens of the user */
    int64_t issued_before_s; /* TOKENS: Unix time */
    int64_t expires_at_s;    /* Unix time; 0: never */
};

/* Memory for one denial. */
struct pl_denial_item; /* opaque */

/* Create an item with references to `name` and `channel`, which may be NULL.
 * The spans of `d` are not read.
 * Owner:  the caller.  Both calls allow any thread; destroy allows NULL.
 * Errors: PL_ENOMEM. */
enum pl_err pl_denial_item_create(struct pl_denial_item **out,
                                  const struct pl_denial *d,
                                  struct pl_blob *name,
                                  struct pl_blob *channel);
void pl_denial_item_destroy(struct pl_denial_item *i);

/* What the item denies; valid as long as the item. */
struct pl_denial pl_denial_item_read(const struct pl_denial_item *i);

/* Errors: PL_ENOMEM. */
enum pl_err pl_denials_create(struct pl_denials **out,
                              const struct pl_hash_key *key);
void pl_denials_destroy(struct pl_denials *t); /* NULL is allowed */

/* Put the item in place of one about the same; of two times of issue the later
 * stays.  Items that have expired are removed now and then, and when the table
 * is full.  Needs no memory.
 * Owner:  the table on PL_OK, still the caller on error.
 * Errors: PL_ELIMIT: the table is full. */
enum pl_err pl_denials_put(struct pl_denials *t, struct pl_denial_item *item,
                           int64_t now_s);

/* Remove what is about the same as `d`.  Return true if it was in force. */
bool pl_denials_remove(struct pl_denials *t, const struct pl_denial *d,
                       int64_t now_s);

/* Find what is about the same as `d`, and is in force; *out is valid until the
 * next change. */
bool pl_denials_find(const struct pl_denials *t, const struct pl_denial *d,
                     int64_t now_s, struct pl_denial *out);

/* Whether the user is blocked.  An anonymous user never is. */
bool pl_denials_deny_user(const struct pl_denials *t, struct pl_span user,
                          int64_t now_s);

/* What a token says of itself. */
struct pl_token_mark {
    struct pl_span id; /* jti; .at NULL: it has none */
    struct pl_span user;
    struct pl_span channel; /* of a subscription token; .at NULL: it is of a
                               connection */
    int64_t issued_at_s;    /* 0: it does not say */
};

/* Whether the token is revoked, by its id or by its time of issue. */
bool pl_denials_deny_token(const struct pl_denials *t,
                           const struct pl_token_mark *mark, int64_t now_s);

/* Those in the table, of which some may have expired. */
size_t pl_denials_count(const struct pl_denials *t);
size_t pl_denials_bytes(const struct pl_denials *t);

/* As pl_map_scan(): call `visit` for those of a few places that are in
 * force. */
bool pl_denials_scan(const struct pl_denials *t, uint64_t *at, int64_t now_s,
                     void (*visit)(void *arg, const struct pl_denial *d),
                     void *arg);

#endif
