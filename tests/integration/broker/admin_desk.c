/* SPDX-License-Identifier: Apache-2.0 */
/* admin_desk.c - see admin_desk.h. */
#include "admin_desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"

void desk_open(struct desk *d, char set[96])
{
    strcpy(d->folder, "/tmp/parley-test-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->path, sizeof d->path, "%s/admin.sock", d->folder);
    snprintf(set, 96, "admin.socket=%s", d->path);
}

void desk_close(struct desk *d)
{
    rmdir(d->folder); /* the broker has removed its socket */
}

static int dial(const struct desk *d)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(a.sun_path, d->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void say(int fd, const struct pl_buf *text)
{
    assert_int_equal(send(fd, text->data, text->len, MSG_NOSIGNAL), text->len);
}

static void hear_all(int fd, struct pl_buf *out)
{
    ssize_t got;

    do {
        char *to = pl_buf_reserve(out, 65536);
        assert_non_null(to);
        got = read(fd, to, 65536);
        assert_true(got >= 0);
        out->len += (size_t)got;
    } while (got > 0);
    pl_buf_put_byte(out, '\0');
}

int desk_begin(const struct desk *d, const char *line)
{
    struct pl_buf request = {0};
    int fd = dial(d);

    pl_buf_printf(&request, "%s HTTP/1.1\r\nHost: x\r\n\r\n", line);
    say(fd, &request);
    pl_buf_fini(&request);
    return fd;
}

json_t *desk_ask(const struct desk *d, const char *method, const char *params,
                 char **text)
{
    struct pl_buf request = {0}, answer = {0};
    int fd = dial(d);

    pl_buf_printf(&request,
                  "POST /api/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  method, strlen(params), params);
    say(fd, &request);
    hear_all(fd, &answer);
    close(fd);
    const char *body = strstr(answer.data, "\r\n\r\n");
    assert_non_null(body);
    json_t *json = json_loads(body, 0, NULL);
    if (json == NULL)
        fail_msg("not JSON: %s", body);
    if (text != NULL)
        *text = strdup(body);
    pl_buf_fini(&request);
    pl_buf_fini(&answer);
    return json;
}
