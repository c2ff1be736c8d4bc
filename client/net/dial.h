/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h - a TCP connection to the first of several addresses that takes it
 * (RFC 8305). */
#ifndef PLC_DIAL_H
#define PLC_DIAL_H

#include "addresses.h"
#include "err.h"

struct pl_reactor;
struct plc_dial; /* opaque */

/* Called once, on the loop's thread: `fd` is connected, or -1, and `why` says
 * what went wrong.
 * Owner:  the callee owns `fd`. */
typedef void plc_dialled(void *user, int fd, const char *why);

/* Try the addresses one after the other; each gets 250 ms before the next joins
 * in.  There is no deadline: cancel it.
 * Owner:  the caller, until dialled() is called or plc_dial_cancel().
 * Thread: the loop's.
 * Errors: PL_ENOMEM. */
enum pl_err plc_dial_start(struct plc_dial **out, struct pl_reactor *reactor,
                           const struct plc_addresses *addresses,
                           plc_dialled *dialled, void *user);
/* Close what was tried; dialled() is not called.  Thread: the loop's. */
void plc_dial_cancel(struct plc_dial *d);

#endif
