/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h.  A plain socket with Nagle's delay off, so that each
 * write is a segment and the server reads what the suite has cut. */
#include "link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

void link_open(struct link *l, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("link: connect");
        exit(1);
    }
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void link_close(struct link *l)
{
    close(l->fd);
    l->fd = -1;
}

/* Without a wait: where the server neither reads nor ends, it is late. */
bool link_write(struct link *l, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        struct pollfd f = {.fd = l->fd, .events = POLLOUT};
        ssize_t n = send(l->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN || poll(&f, 1, LINK_DEADLINE_MS) == 0) {
            return false;
        }
    }
    return true;
}

void link_end(struct link *l)
{
    shutdown(l->fd, SHUT_WR);
}

enum link_got link_read(struct link *l, struct pl_buf *in)
{
    struct pollfd f = {.fd = l->fd, .events = POLLIN};
    char *to = pl_buf_reserve(in, READ_BYTES);

    if (to == NULL)
        abort();
    if (poll(&f, 1, LINK_DEADLINE_MS) == 0)
        return LINK_LATE;
    ssize_t n = recv(l->fd, to, READ_BYTES, 0);
    if (n == 0)
        return LINK_END;
    if (n < 0)
        return LINK_RESET;
    in->len += (size_t)n;
    return LINK_GOT;
}
