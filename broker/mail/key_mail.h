/* SPDX-License-Identifier: Apache-2.0 */
/* key_mail.h - asks for the key that signs a token. */
#ifndef PL_KEY_MAIL_H
#define PL_KEY_MAIL_H

#include "blob.h"
#include "err.h"
#include "msg.h"

struct pl_jws_key; /* users/jws_key.h */

/* Session manager to keyring, and back. */
struct pl_key_mail {
    struct pl_msg msg;
    struct pl_key_mail *next; /* for the keyring */
    struct pl_blob *url;      /* of the set of keys */
    struct pl_blob *kid;
    uint8_t alg; /* enum pl_jws_alg */
    /* The result: */
    enum pl_err err;        /* PL_ENOENT: the set has no such key; others: there
                               is no set */
    struct pl_jws_key *key; /* reference; NULL: none */
    uint64_t life_ms;       /* how long the result holds */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_key_mail *pl_key_mail_create(void);

#endif
