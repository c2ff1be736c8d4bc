/* SPDX-License-Identifier: Apache-2.0 */
/* api_line.c - see api_line.h. */
#include "api_line.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs these */
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void line_dial(struct line *l, uint16_t port, struct tls_client *tls,
               int version)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = TLS_DEADLINE_S};
    const struct tls_options o = {.version = version};

    l->tls = tls;
    if (tls != NULL) {
        assert_true(tls_open(tls, port, &o));
        return;
    }
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    assert_int_equal(connect(l->fd, (struct sockaddr *)&to, sizeof to), 0);
}

void line_hang_up(struct line *l)
{
    if (l->tls != NULL)
        tls_fini(l->tls);
    else
        close(l->fd);
}

void line_put(struct line *l, const char *bytes, size_t len)
{
    if (l->tls != NULL) {
        assert_true(tls_put(l->tls, bytes, len));
        return;
    }
    assert_int_equal(send(l->fd, bytes, len, MSG_NOSIGNAL), len);
}

int line_get(struct line *l, char *to, size_t len)
{
    return l->tls != NULL ? SSL_read(l->tls->ssl, to, (int)len)
                          : (int)recv(l->fd, to, len, 0);
}

int line_hear(struct line *l)
{
    size_t len = 0, whole = 0;

    while (whole == 0 || len < whole) {
        int n = line_get(l, l->in + len, sizeof l->in - 1 - len);

        if (n <= 0)
            return 0;
        len += (size_t)n;
        l->in[len] = '\0';
        const char *end = strstr(l->in, "\r\n\r\n");
        const char *field = strstr(l->in, "Content-Length: ");
        if (end != NULL && field != NULL)
            whole = (size_t)(end - l->in) + 4 + strtoul(field + 16, NULL, 10);
    }
    assert_int_equal(len, whole);
    return atoi(l->in + strlen("HTTP/1.1 "));
}

static void request(struct line *l, const char *target, const char *fields,
                    const char *body)
{
    char head[1000];
    int len = snprintf(head, sizeof head,
                       "POST %s HTTP/1.1\r\nHost: x\r\n%s"
                       "Content-Length: %zu\r\n\r\n",
                       target, fields, strlen(body));

    line_put(l, head, (size_t)len);
    line_put(l, body, strlen(body));
}

int line_ask(struct line *l, const char *target, const char *fields,
             const char *body)
{
    request(l, target, fields, body);
    return line_hear(l);
}

const char *line_call(uint16_t port, const char *method, const char *body)
{
    static struct line l;
    char target[80];

    snprintf(target, sizeof target, "/api/%s", method);
    line_dial(&l, port, NULL, 0);
    assert_int_equal(line_ask(&l, target, "X-API-Key: " API_KEY "\r\n", body),
                     200);
    line_hang_up(&l);
    return strstr(l.in, "\r\n\r\n") + 4;
}
