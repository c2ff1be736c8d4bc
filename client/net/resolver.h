/* SPDX-License-Identifier: Apache-2.0 */
/* resolver.h - the addresses of a name, found without blocking the loop. */
#ifndef PLC_RESOLVER_H
#define PLC_RESOLVER_H

#include "addresses.h"
#include "err.h"
#include "network.h"

struct pl_loop;
struct plc_resolver; /* opaque; an actor */
struct plc_lookup;   /* opaque; a name that is being resolved */

/* Called once, on the loop's thread: `a` is sorted, or NULL, and `why` says
 * what went wrong. */
typedef void plc_found(void *user, const struct plc_addresses *a,
                       const char *why);

/* Owner:  the caller; plc_resolver_destroy() once the loop does not run and its
 *         actors are reaped.
 * Thread: any before the loop runs.
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err plc_resolver_create(struct plc_resolver **out,
                                struct pl_loop *loop);
void plc_resolver_destroy(struct plc_resolver *r);

/* Resolve `host`: a numeric address, localhost, or a name, for which
 * target->resolve is called if it is set.  There is no deadline: cancel it.
 * Owner:  the caller, until found() is called or plc_lookup_cancel().
 * Thread: the loop's.
 * Errors: PL_ENOMEM, PL_EFULL: too many names at once. */
enum pl_err plc_lookup_start(struct plc_resolver *r, struct plc_lookup **out,
                             const struct plc_target *target, const char *host,
                             uint16_t port, plc_found *found, void *user);
/* Forget it: found() is not called.  What still searches goes on and is
 * dropped.  Thread: the loop's. */
void plc_lookup_cancel(struct plc_lookup *l);

#endif
