/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - see peer.h.
 *
 * The default socket may lie in /tmp, where anybody can create one of its name
 * and read what the tool sends.  The kernel knows which user listens, so that
 * is asked after connect() and before the first byte.  The owner of the file
 * counts too: a symlink of another user may lead to a socket of root that is
 * not a broker's.
 *
 * connect() to a Unix socket waits while the backlog is full, and cannot be
 * polled for; SO_SNDTIMEO bounds it. */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "exit_status.h"
#include "patience.h"
#include "say.h"

enum { SHORT_MS = 1000 };

static int cannot_reach(const struct target *t, int error)
{
    const char *why = strerror(error), *remedy = "";

    if (error == ENOENT) {
        why = "there is no such socket";
        remedy = ": is parleyd running?  -c, --socket and $PARLEY_SOCKET name "
                 "another socket";
    } else if (error == ECONNREFUSED) {
        why = "nothing listens there";
        remedy = ": parleyd does not run";
    } else if (error == EACCES || error == EPERM) {
        why = "not allowed to open it";
        remedy = ": run this as the user of parleyd, or as root";
    } else if (error == EAGAIN) {
        complain("%s: the broker does not accept connections (--timeout)",
                 t->socket);
        return EXIT_TIMEOUT;
    }
    complain("cannot reach %s: %s%s", t->socket, why, remedy);
    return EXIT_NO_BROKER;
}

/* Wait at most limit_ms; 0: for ever.  Return a descriptor, or -1 with errno
 * set. */
static int connect_within(const struct target *t, int64_t limit_ms)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};
    size_t len = strlen(t->socket);

    if (len >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, t->socket, len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Likewise, with a remark after a second. */
static int connect_to(const struct target *t)
{
    bool is_long = t->timeout_ms == 0 || t->timeout_ms > SHORT_MS;
    int fd = connect_within(t, is_long ? SHORT_MS : t->timeout_ms);

    if (fd >= 0 || errno != EAGAIN || !is_long)
        return fd;
    remark("waiting for %s to accept the connection (see --timeout)",
           target_name(t));
    return connect_within(t, t->timeout_ms == 0 ? 0 : t->timeout_ms - SHORT_MS);
}

static bool is_trusted(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

/* The folder of the socket is the user's alone. */
static bool owns_folder(const char *path, uid_t uid)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path];
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        snprintf(folder, sizeof folder, "%.*s",
                 slash == path ? 1 : (int)(slash - path), path);
    return stat(folder, &st) == 0 &&
           (is_trusted(st.st_uid) || st.st_uid == uid) &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* For root: a broker that runs as a user of its own. */
static bool is_of_a_service(const struct target *t, uid_t file, uid_t process)
{
    return geteuid() == 0 && t->is_chosen && file == process &&
           owns_folder(t->socket, process);
}

int peer_check(const struct target *t, int fd, pid_t *pid)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    struct stat file;

    if (lstat(t->socket, &file) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return cannot_reach(t, errno);
    if (!(is_trusted(file.st_uid) && is_trusted(peer.uid)) &&
        !is_of_a_service(t, file.st_uid, peer.uid)) {
        complain("%s belongs to another user (the file to uid %lu, the process "
                 "to uid %lu): nothing was sent to it",
                 t->socket, (unsigned long)file.st_uid,
                 (unsigned long)peer.uid);
        return EXIT_NO_BROKER;
    }
    *pid = peer.pid;
    return EXIT_OK;
}

int peer_connect(const struct target *t, int *fd, pid_t *pid)
{
    int opened = connect_to(t);

    if (opened < 0)
        return cannot_reach(t, errno);
    int rc = peer_check(t, opened, pid);
    if (rc == EXIT_OK)
        *fd = opened;
    else
        close(opened);
    return rc;
}

bool peer_is_there(const struct target *t)
{
    int fd = connect_to(t);

    if (fd < 0)
        return false;
    close(fd);
    return true;
}

int peer_watch(pid_t pid)
{
    return pid <= 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
}

bool peer_await_end(int handle, int64_t timeout_ms, bool says)
{
    struct pollfd p = {.fd = handle, .events = POLLIN};
    struct patience patience = {0};
    int got = 0;

    if (handle < 0)
        return false;
    patience_begin(&patience, timeout_ms, "the broker's process to end");
    if (!says)
        patience.remark_ms = 0;
    do {
        got = poll(&p, 1, patience_poll_ms(&patience));
    } while (got == 0 && !patience_is_over(&patience));
    return got == 1;
}
