/* SPDX-License-Identifier: Apache-2.0 */
/* systemd.h - the sockets that a supervisor of services passes to the process
 * (sd_listen_fds(3)).  Private to this module. */
#ifndef PL_BROKER_SYSTEMD_H
#define PL_BROKER_SYSTEMD_H

#include <stddef.h>

#include "span.h"

enum { PL_SYSTEMD_FIRST = 3 /* the descriptor of the first socket */ };

/* Set *count to the number of sockets that were passed to this process; 0:
 * none. Return why LISTEN_FDS cannot be used, or NULL. */
const char *pl_systemd_count(size_t *count);

/* Return the name of the n-th socket in LISTEN_FDNAMES; empty: it has none. */
struct pl_span pl_systemd_name(size_t n);

/* Return why socket `fd` is not free, or NULL. */
const char *pl_systemd_fault(int fd);

/* Note that socket `fd` has its owner: programs that the process starts do not
 * inherit it, and no second broker takes it. */
void pl_systemd_take(int fd);

#endif
