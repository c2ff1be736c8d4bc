/* SPDX-License-Identifier: Apache-2.0 */
/* systemd.c - see systemd.h.
 *
 * The protocol is three variables: LISTEN_PID names the process that is meant,
 * LISTEN_FDS says how many sockets it has from descriptor 3 on, and
 * LISTEN_FDNAMES names them.  libsystemd would be a dependency for a getenv().
 *
 * A socket arrives without FD_CLOEXEC, since it survived an exec.  So that flag
 * distinguishes a socket with an owner from a free one.  Rejected: removing the
 * variables, as sd_listen_fds() can; other threads of the program may read the
 * environment. */
#include "systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read a decimal number without sign or blanks. */
static bool read_number(const char *text, long *out)
{
    char *end;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtol(text, &end, 10);
    return errno == 0 && *end == '\0';
}

const char *pl_systemd_count(size_t *count)
{
    long pid, number;

    *count = 0;
    if (!read_number(getenv("LISTEN_PID"), &pid) || pid != (long)getpid())
        return NULL; /* the sockets of another process, or none */
    if (!read_number(getenv("LISTEN_FDS"), &number) ||
        number > INT_MAX - PL_SYSTEMD_FIRST)
        return "it is not a number of sockets";
    *count = (size_t)number;
    return NULL;
}

struct pl_span pl_systemd_name(size_t n)
{
    const char *at = getenv("LISTEN_FDNAMES");

    for (; at != NULL && n > 0; n--) {
        at = strchr(at, ':');
        at = at == NULL ? NULL : at + 1;
    }
    return at == NULL ? PL_SPAN("") : (struct pl_span){at, strcspn(at, ":")};
}

const char *pl_systemd_fault(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0)
        return "it is not open";
    return flags & FD_CLOEXEC ? "it has an owner already" : NULL;
}

void pl_systemd_take(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}
