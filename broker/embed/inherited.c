/* SPDX-License-Identifier: Apache-2.0 */
/* inherited.c - see inherited.h.
 *
 * A listener closes its socket in a shutdown, and the broker may be started
 * again.  So the broker keeps the program's descriptor, and each run gets a
 * duplicate. */
#include "inherited.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool has_option(int fd, int option, int value)
{
    int is = -1;
    socklen_t len = sizeof is;

    return getsockopt(fd, SOL_SOCKET, option, &is, &len) == 0 && is == value;
}

static bool is_loopback(const struct sockaddr_storage *sa)
{
    const struct sockaddr_in *four = (const void *)sa;
    const struct sockaddr_in6 *six = (const void *)sa;

    return sa->ss_family == AF_INET ? ntohl(four->sin_addr.s_addr) >> 24 == 127
                                    : IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

const char *pl_inherited_fault(int fd, bool is_local)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return "it is not a socket";
    if (!has_option(fd, SO_TYPE, SOCK_STREAM) ||
        (sa.ss_family != AF_INET && sa.ss_family != AF_INET6))
        return "it is not a TCP socket";
    if (!has_option(fd, SO_ACCEPTCONN, 1))
        return "it does not listen";
    if (is_local && !is_loopback(&sa))
        return "PL_INSECURE allows loopback addresses only";
    return NULL;
}

int pl_inherited_dup(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy >= 0)
        fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK);
    return copy;
}
