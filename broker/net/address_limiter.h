/* SPDX-License-Identifier: Apache-2.0 */
/* address_limiter.h - counts connections per client address.  One actor on the
 * listeners' loop keeps the counters; each connection carries an admission
 * record (pl_admission_record).
 *
 * The actor exists only with limits.address_connections or proxy.trusted. */
#ifndef PL_ADDRESS_LIMITER_H
#define PL_ADDRESS_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "net_settings.h"
#include "err.h"
#include "hash.h"
#include "ip.h"
#include "metrics.h"

struct pl_address_limiter; /* opaque */

/* The admission record of a connection: a message that stays with the
 * connection and returns when the connection closes, so that reporting the end
 * needs no memory. */
struct pl_admission_record {
    struct pl_msg msg;
    struct pl_address limiter;
    struct pl_address session; /* gets the result */
    struct pl_ip ip;           /* of the client, as far as it can be trusted */
    bool is_trusted;           /* `ip` is a proxy that may name the client */
    bool is_final;             /* no header may change `ip` any more */
    bool is_counted;           /* in the counter of its address */
    bool is_over;              /* the address exceeds its limit */
    bool is_far_over; /* ... more than twice: close without a response */
};

enum pl_admission_mail {
    PL_ADMISSION_ACQUIRE = 1100, /* to the limiter, and back as the result */
    PL_ADMISSION_RELEASE         /* to the limiter, which frees it */
};

/* Create the address limiter.  `config` must outlive it.
 * Thread: any before the loop runs.
 * Errors: PL_ENOMEM. */
enum pl_err pl_address_limiter_create(struct pl_address_limiter **out,
                                      struct pl_loop *loop,
                                      const struct pl_net_settings *config,
                                      const struct pl_hash_key *key,
                                      struct pl_metrics *metrics);

struct pl_address
pl_address_limiter_address(const struct pl_address_limiter *l);

/* Return true if the configuration needs an address limiter. */
bool pl_address_limiter_is_needed(const struct pl_net_settings *config);

/* Create the admission record of a connection from `ip`, and count it unless
 * `ip` is a trusted proxy.  NULL: out of memory.
 * Owner:  the caller; ends with pl_address_limiter_release(), or sent as mail.
 * Thread: the limiter's loop. */
struct pl_admission_record *
pl_address_limiter_acquire(struct pl_address_limiter *l,
                           const struct pl_ip *ip);

/* The connection of the record has closed: uncount and free the record.
 * Owner:  takes `record`.
 * Thread: the limiter's loop. */
void pl_address_limiter_release(struct pl_address_limiter *l,
                                struct pl_admission_record *record);

/* --- On any loop --- */

/* Return true if the record must be sent to the limiter to be counted. */
bool pl_admission_record_is_uncounted(const struct pl_admission_record *record,
                                      const struct pl_net_settings *config);

/* Send the record to the limiter; PL_ADMISSION_ACQUIRE returns to `from`.
 * Owner:  the runtime.
 * Thread: the loop of `from`. */
void pl_admission_record_send(struct pl_actor *from,
                              struct pl_admission_record *record,
                              enum pl_admission_mail what);

/* Set the address of the record to `ip`. */
void pl_admission_record_move(struct pl_admission_record *record,
                              const struct pl_ip *ip,
                              const struct pl_net_settings *config);

#endif
