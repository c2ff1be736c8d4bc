/* SPDX-License-Identifier: Apache-2.0 */
/* inherited.h - sockets that listen already, from the embedding program.
 * Private to this module. */
#ifndef PL_BROKER_INHERITED_H
#define PL_BROKER_INHERITED_H

#include <stdbool.h>

#include "ip.h"

/* Why the broker cannot accept clients from `fd`; NULL: it can.  With
 * `is_local` the address must be a loopback. */
const char *pl_inherited_fault(int fd, bool is_local);

/* Duplicate `fd` for a listener, which takes it.  The flags of the socket are
 * set as those of other listeners.  -1: no descriptor is left (errno). */
int pl_inherited_dup(int fd);

#endif
