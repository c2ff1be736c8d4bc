/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - the process that listens on the admin socket. */
#ifndef PL_TOOL_PEER_H
#define PL_TOOL_PEER_H

#include <sys/types.h>

#include "target.h"

/* Connect to the socket of `t`, wait for its backlog, and check the peer.
 * Nothing is sent.  The descriptor goes to *fd.  As peer_check(). */
int peer_connect(const struct target *t, int *fd, pid_t *pid);

/* Check that no other user listens on the socket that `fd` is connected to: the
 * file and the process belong to us or to root.  Root also takes the broker of
 * another user whose socket was named, if that user owns the file and its
 * folder, and no other user can write into the folder.
 * The process goes to *pid; 0: it cannot be seen.
 * EXIT_OK, or what to exit with; it has complained then. */
int peer_check(const struct target *t, int fd, pid_t *pid);

/* Whether something listens on the socket, whoever it is. */
bool peer_is_there(const struct target *t);

/* Wait until the process has ended, at most timeout_ms; 0: for ever.  `handle`
 * is of peer_watch().  With `says`, a remark names a long wait.  False: it
 * is still there, or `handle` is -1. */
bool peer_await_end(int handle, int64_t timeout_ms, bool says);

/* A handle on the process, to be closed, that stays valid when its number is
 * used again; -1: there is none. */
int peer_watch(pid_t pid);

#endif
