/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c - see socket.h.
 *
 * connect() shows whether a socket file is stale: only the kernel knows whether
 * a process listens.  If another broker binds the path after a stale file was
 * removed, bind() fails here.  Not covered: a broker that binds between
 * connect() and unlink() loses its file.
 *
 * The mode is set between bind() and listen(), so no other user can connect
 * before it. */
#include "socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

enum { BACKLOG = 64 };

static enum pl_err complain(const char *address, const char *what, int error)
{
    PL_LOG(PL_LOG_ERROR, "admin cannot listen",
           pl_log_string("address", address), pl_log_string("call", what),
           pl_log_string("error", strerror(error)));
    return PL_EIO;
}

static int open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Remove the file if it is a socket on which no process listens. */
static enum pl_err clear_stale(const struct sockaddr_un *address)
{
    struct stat file;
    int fd, failed;

    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return PL_OK; /* no file, or one that makes bind() fail */
    fd = open_socket(AF_UNIX);
    if (fd < 0)
        return complain(address->sun_path, "socket", errno);
    failed = connect(fd, (const struct sockaddr *)address, sizeof *address);
    int error = errno;
    close(fd);
    if (failed != 0 && error == ECONNREFUSED) {
        unlink(address->sun_path);
        return PL_OK;
    }
    if (failed != 0 && error != EAGAIN)
        return complain(address->sun_path, "connect", error);
    complain(address->sun_path, "bind", EADDRINUSE);
    return PL_EEXIST;
}

static enum pl_err bind_unix(int fd, const struct sockaddr_un *address,
                             struct pl_unix_socket *out)
{
    const char *path = address->sun_path;
    struct stat file;

    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return complain(path, "bind", errno);
    if (lstat(path, &file) != 0)
        return complain(path, "stat", errno);
    out->device = file.st_dev;
    out->inode = file.st_ino;
    if (chmod(path, S_IRUSR | S_IWUSR) != 0 || listen(fd, BACKLOG) != 0) {
        complain(path, "listen", errno);
        unlink(path);
        return PL_EIO;
    }
    return PL_OK;
}

enum pl_err pl_unix_socket_listen(struct pl_unix_socket *out, int *fd,
                                  const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pl_unix_socket s = {.path = path};
    size_t len = strlen(path);

    if (len >= sizeof address.sun_path)
        return complain(path, "bind", ENAMETOOLONG);
    memcpy(address.sun_path, path, len);
    enum pl_err rc = clear_stale(&address);
    if (rc != PL_OK)
        return rc;
    int opened = open_socket(AF_UNIX);
    if (opened < 0)
        return complain(path, "socket", errno);
    rc = bind_unix(opened, &address, &s);
    if (rc != PL_OK) {
        close(opened);
        return rc;
    }
    *out = s;
    *fd = opened;
    return PL_OK;
}

void pl_unix_socket_remove(struct pl_unix_socket *s)
{
    struct stat file;

    if (s->path != NULL && lstat(s->path, &file) == 0 &&
        file.st_dev == s->device && file.st_ino == s->inode)
        unlink(s->path);
    s->path = NULL;
}
