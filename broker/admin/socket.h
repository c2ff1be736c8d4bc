/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h - the Unix socket that the admin actor listens on. */
#ifndef PL_ADMIN_SOCKET_H
#define PL_ADMIN_SOCKET_H

#include <sys/stat.h>

#include "config.h"
#include "err.h"

/* A Unix socket and which file it is. */
struct pl_unix_socket {
    const char *path; /* NULL: none */
    dev_t device;
    ino_t inode;
};

/* Listen at `path`, which only our user can open.  A file that a broker left
 * behind is replaced; one on which somebody answers is not.
 * Owner:  the caller closes *fd and calls pl_unix_socket_remove().
 * Errors: PL_EEXIST (somebody answers), PL_EIO; both are in the log. */
enum pl_err pl_unix_socket_listen(struct pl_unix_socket *out, int *fd,
                                  const char *path);

/* Remove the file, unless another has taken its place. */
void pl_unix_socket_remove(struct pl_unix_socket *s);

#endif
