/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - the identity of a connection: immutable, shared by reference. */
#ifndef PL_CLIENT_H
#define PL_CLIENT_H

#include "address.h"
#include "err.h"
#include "random.h"
#include "span.h"

struct pl_client; /* opaque, reference-counted */

enum { PL_CLIENT_ID_LEN = 32 }; /* characters, base64url */

/* Create an identity with one reference.  Its id contains the address, so that
 * any loop can route to it, and 96 random bits, so that it cannot be guessed.
 * `info` is JSON or absent.
 * Owner:  the caller owns the reference.
 * Errors: PL_ENOMEM, PL_ETOOBIG (a user id over 64 KiB). */
enum pl_err pl_client_create(struct pl_client **out, struct pl_address address,
                             struct pl_random *random, struct pl_span user,
                             struct pl_span info);

/* What identifies a client.  All but `user` may be absent. */
struct pl_client_fields {
    struct pl_span user;
    struct pl_span info;  /* JSON */
    struct pl_span place; /* its network: 16 bytes */
    struct pl_span ip;    /* its address: 16 bytes */
};

/* Like pl_client_create(). */
enum pl_err pl_client_create_with(struct pl_client **out,
                                  struct pl_address address,
                                  struct pl_random *random,
                                  const struct pl_client_fields *fields);

/* Create the identity of `of` in one channel, where others see `chan_info`,
 * JSON, as well.  It has the same id, user and info, but neither place nor ip.
 * Owner:  the caller owns the reference.
 * Errors: PL_ENOMEM, PL_ETOOBIG. */
enum pl_err pl_client_create_shown(struct pl_client **out,
                                   const struct pl_client *of,
                                   struct pl_span chan_info);

/* Thread: any. */
struct pl_client *pl_client_hold(struct pl_client *c);
void pl_client_release(struct pl_client *c); /* NULL is allowed */

/* The values given at creation; spans are valid as long as `c`.
 * Thread: any. */
struct pl_span pl_client_id(const struct pl_client *c);
struct pl_span pl_client_user(const struct pl_client *c);
struct pl_span pl_client_conn_info(const struct pl_client *c);
struct pl_span pl_client_chan_info(const struct pl_client *c);
struct pl_span pl_client_place(const struct pl_client *c);
struct pl_span pl_client_ip(const struct pl_client *c);
struct pl_address pl_client_address(const struct pl_client *c);

/* The bytes that others see of `c`, without its id.
 * Thread: any. */
size_t pl_client_seen_len(const struct pl_client *c);

/* Extract the address of a client id.  An untrusted peer may have made the id
 * up: compare the whole id at the receiver.  Errors: PL_EBADMSG. */
enum pl_err pl_client_id_parse(struct pl_span id, struct pl_address *out);

#endif
