/* SPDX-License-Identifier: Apache-2.0 */
/* doors.h - counts connections per client address.  One actor on the listeners'
 * loop keeps the counters; each connection carries an admission record
 * (pl_guest).
 *
 * The actor exists only with limits.address_connections or proxy.trusted. */
#ifndef PL_DOORS_H
#define PL_DOORS_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "net_settings.h"
#include "err.h"
#include "hash.h"
#include "ip.h"
#include "metrics.h"

struct pl_doors; /* opaque */

/* The admission record of a connection: a message that stays with the
 * connection and returns when the connection closes, so that reporting the end
 * needs no memory. */
struct pl_guest {
    struct pl_msg msg;
    struct pl_address doors;
    struct pl_address session; /* gets the result */
    struct pl_ip ip;           /* of the client, as far as it can be trusted */
    bool is_trusted;           /* `ip` is a proxy that may name the client */
    bool is_settled;           /* no header may change `ip` any more */
    bool is_counted;           /* in the counter of its address */
    bool is_over;              /* the address exceeds its limit */
    bool is_far_over; /* ... more than twice: close without a response */
};

enum pl_guest_mail {
    PL_GUEST_ENTER = 1100, /* to the limiter, and back as the result */
    PL_GUEST_LEAVE         /* to the limiter, which frees it */
};

/* Create the address limiter.  `config` must outlive it.
 * Thread: any before the loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_doors_create(struct pl_doors **out, struct pl_loop *loop,
                            const struct pl_net_settings *config,
                            const struct pl_hash_key *key,
                            struct pl_metrics *metrics);

struct pl_address pl_doors_address(const struct pl_doors *d);

/* Return true if the configuration needs an address limiter. */
bool pl_doors_are_needed(const struct pl_net_settings *config);

/* Create the admission record of a connection from `ip`, and count it unless
 * `ip` is a trusted proxy.  NULL: out of memory.
 * Owner:  the caller; ends with pl_doors_leave(), or sent as mail.
 * Thread: the limiter's loop. */
struct pl_guest *pl_doors_meet(struct pl_doors *d, const struct pl_ip *ip);

/* The connection of the record has closed: uncount and free the record.
 * Owner:  takes `g`.
 * Thread: the limiter's loop. */
void pl_doors_leave(struct pl_doors *d, struct pl_guest *g);

/* --- On any loop --- */

/* Return true if the record must be sent to the limiter to be counted. */
bool pl_guest_is_to_be_counted(const struct pl_guest *g,
                               const struct pl_net_settings *config);

/* Send the record to the limiter; PL_GUEST_ENTER returns to `from`.
 * Owner:  the runtime.
 * Thread: the loop of `from`. */
void pl_guest_send(struct pl_actor *from, struct pl_guest *g,
                   enum pl_guest_mail what);

/* Set the address of the record to `ip`. */
void pl_guest_move(struct pl_guest *g, const struct pl_ip *ip,
                   const struct pl_net_settings *config);

#endif
