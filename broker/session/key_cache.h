/* SPDX-License-Identifier: Apache-2.0 */
/* key_cache.h - the public keys of tokens that this loop knows, and the
 * sessions that wait for one.
 *
 * Thread: the loop. */
#ifndef PL_KEY_CACHE_H
#define PL_KEY_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "list.h"
#include "map.h"

struct pl_jws_key;
struct pl_key_mail;
struct pl_session;
struct pl_session_manager;
struct pl_token_need;

struct pl_key_cache {
    struct pl_map keys;
    struct pl_list order; /* newest first */
    uint32_t numbers;     /* given to waits so far */
};

enum { PL_KEY_CACHE_MAX = 256 }; /* keys, with those that are not there */

void pl_key_cache_init(struct pl_key_cache *c);
void pl_key_cache_fini(struct pl_key_cache *c);

/* Look for the key that a token needs, of the set at `url`.
 * Owner:  the cache, until the end of the turn.
 * Errors: PL_EAGAIN (not known yet), PL_ENOENT (the set has no such key),
 *         PL_EIO (there is no set for now). */
enum pl_err pl_key_cache_find(struct pl_session_manager *k, const char *url,
                              const struct pl_token_need *need,
                              struct pl_jws_key **out);

/* Let the session wait for the key, and ask for it if no other session has.
 * Whether the key is there arrives by mail: pl_key_wake().
 * Errors: PL_ENOMEM, PL_EIO (there is no keyring). */
enum pl_err pl_key_cache_wait(struct pl_session *s, const char *url,
                              const struct pl_token_need *need,
                              uint32_t number);

/* A session that waits for a key. */
struct pl_key_waiter {
    struct pl_address session;
    uint32_t number; /* of pl_wait_begin(); 0: a login */
};

/* Keep the result in `m`, and take the sessions that wait for it into *out, an
 * array that may be NULL.  Return their number.
 * Owner: the caller frees *out. */
size_t pl_key_cache_take(struct pl_session_manager *k, struct pl_key_mail *m,
                         struct pl_key_waiter **out);

/* key_wake.c: the keyring has answered, or is gone.  Run what waits for it.
 * Owner: takes `m`. */
void pl_key_wake(struct pl_session_manager *k, struct pl_key_mail *m);

#endif
