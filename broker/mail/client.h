/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - who a connection is: immutable, shared by all that name it. */
#ifndef PL_CLIENT_H
#define PL_CLIENT_H

#include "address.h"
#include "err.h"
#include "random.h"
#include "span.h"

struct pl_client; /* opaque; counts its holders */

enum { PL_CLIENT_ID_LEN = 32 }; /* characters, base64url */

/* A new identity with one holder.  Its id says the address, so that any loop
 * can route to it, and 96 random bits, so that nobody can guess it.  `info` is
 * JSON or absent.
 * Owner:  the caller holds it.
 * Errors: PL_ENOMEM, PL_ETOOBIG (a user id over 64 KiB). */
enum pl_err pl_client_create(struct pl_client **out, struct pl_address address,
                             struct pl_random *random, struct pl_span user,
                             struct pl_span info);

/* The same for a client of the network `place`: 16 bytes, or absent. */
enum pl_err pl_client_create_at(struct pl_client **out,
                                struct pl_address address,
                                struct pl_random *random, struct pl_span user,
                                struct pl_span info, struct pl_span place);

/* Thread: any. */
struct pl_client *pl_client_hold(struct pl_client *c);
void pl_client_release(struct pl_client *c); /* NULL is allowed */

/* What it was made of; spans live as long as it.  Thread: any. */
struct pl_span pl_client_id(const struct pl_client *c);
struct pl_span pl_client_user(const struct pl_client *c);
struct pl_span pl_client_conn_info(const struct pl_client *c);
struct pl_span pl_client_place(const struct pl_client *c);
struct pl_address pl_client_address(const struct pl_client *c);

/* The address in a client id, which may be a stranger's invention: compare
 * the whole id at the receiver.  Errors: PL_EBADMSG. */
enum pl_err pl_client_id_parse(struct pl_span id, struct pl_address *out);

#endif
