/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h - the Unix socket of the admin actor. */
#ifndef PL_ADMIN_SOCKET_H
#define PL_ADMIN_SOCKET_H

#include <sys/stat.h>

#include "err.h"

/* A Unix socket and the identity of its file. */
struct pl_unix_socket {
    const char *path; /* NULL: none */
    dev_t device;
    ino_t inode;
};

/* Listen at `path`, with a file that only our user can open.  Replace the file
 * of a socket on which no process listens any more.
 * Owner:  the caller closes *fd and calls pl_unix_socket_remove().
 * Errors: PL_EEXIST (a process listens there), PL_EIO; both are logged. */
enum pl_err pl_unix_socket_listen(struct pl_unix_socket *out, int *fd,
                                  const char *path);

/* Remove the file, unless another file has taken its place. */
void pl_unix_socket_remove(struct pl_unix_socket *s);

#endif
