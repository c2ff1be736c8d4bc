/* SPDX-License-Identifier: Apache-2.0 */
/* doors.h - how many connections each address has: one actor beside the
 * listeners, and a guest for each connection.
 *
 * It exists only when somebody wants to know addresses: with
 * limits.address_connections or proxy.trusted. */
#ifndef PL_DOORS_H
#define PL_DOORS_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "config.h"
#include "err.h"
#include "hash.h"
#include "ip.h"
#include "metrics.h"

struct pl_doors; /* opaque */

/* A connection as its doors know it: a message that stays with the connection
 * and goes back when it ends, so that telling it needs no memory. */
struct pl_guest {
    struct pl_msg msg;
    struct pl_address doors;
    struct pl_address session; /* where the answer is wanted */
    struct pl_ip ip;           /* the client's, as far as it is believed */
    bool is_trusted;           /* `ip` is a proxy's, who may speak for others */
    bool is_settled;           /* no header will say another address */
    bool is_counted;           /* among those of its address */
    bool is_over;              /* its address has more than it may have */
    bool is_far_over; /* ... more than twice as many: close without a word */
};

enum pl_guest_mail {
    PL_GUEST_ENTER = 1100, /* to the doors, and back when it was counted */
    PL_GUEST_LEAVE         /* to the doors, for good */
};

/* `config` outlives it.  Thread: any before the loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_doors_create(struct pl_doors **out, struct pl_loop *loop,
                            const struct pl_config *config,
                            const struct pl_hash_key *key,
                            struct pl_metrics *metrics);

struct pl_address pl_doors_address(const struct pl_doors *d);

/* Whether the configuration needs doors at all. */
bool pl_doors_are_needed(const struct pl_config *config);

/* A guest for a connection that comes from `ip`; one that is not trusted is
 * counted.  NULL: out of memory.
 * Owner:  the caller; it ends with pl_doors_leave(), or on its way as mail.
 * Thread: the doors' loop. */
struct pl_guest *pl_doors_meet(struct pl_doors *d, const struct pl_ip *ip);

/* The connection of the guest is over.  Owner: the doors.
 * Thread: the doors' loop. */
void pl_doors_leave(struct pl_doors *d, struct pl_guest *g);

/* --- On any loop --- */

/* Whether the doors have still to be asked about the guest. */
bool pl_guest_is_to_be_counted(const struct pl_guest *g,
                               const struct pl_config *config);

/* Send the guest to its doors; ENTER brings it back to `from`.
 * Owner:  the runtime.  Thread: the loop of `from`. */
void pl_guest_send(struct pl_actor *from, struct pl_guest *g,
                   enum pl_guest_mail what);

/* Note that the guest is at `ip`, whatever was believed before. */
void pl_guest_move(struct pl_guest *g, const struct pl_ip *ip,
                   const struct pl_config *config);

#endif
