/* SPDX-License-Identifier: Apache-2.0 */
/* conn_web.c - a connection of an HTTP server (web.h). */
#include "conn.h"

#include <sys/socket.h>

#include "web.h"

static struct pl_web_conn *web_of(const struct pl_conn *c)
{
    return pl_web_of_transport((struct pl_conn *)c);
}

/* --- Requests of the server --- */

static void flush(struct pl_web_conn *w)
{
    pl_conn_write(pl_web_transport(w));
}

static void pause_reading(struct pl_web_conn *w)
{
    pl_conn_pause(pl_web_transport(w));
}

static void resume_reading(struct pl_web_conn *w)
{
    pl_conn_resume(pl_web_transport(w));
}

static void end(struct pl_web_conn *w, bool at_once)
{
    pl_conn_end(pl_web_transport(w), at_once ? PL_END_AT_ONCE : PL_END_LINGER);
}

static void let_go(struct pl_web_conn *w)
{
    pl_conn_let_go(pl_web_transport(w));
}

static const struct pl_web_transport_ops ops = {
    .flush = flush,
    .pause = pause_reading,
    .resume = resume_reading,
    .end = end,
    .free = let_go,
};

/* --- Calls to the server --- */

static enum pl_err create(struct pl_conn **out, struct pl_conns *k, int fd,
                          size_t size)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;
    struct pl_web_conn *w;

    getpeername(fd, (struct sockaddr *)&sa, &len);
    struct pl_ip from = pl_ip_of_socket((struct sockaddr *)&sa);
    enum pl_err rc =
        pl_web_conn_create(&w, k->web, k->is_trusted, &from, &ops, size);
    if (rc != PL_OK)
        return rc;
    *out = pl_web_transport(w);
    (*out)->fd = -1; /* not owned until pl_conn_open() sets it */
    return PL_OK;
}

static void visit(struct pl_conn *c)
{
    (void)c;
}

static void input(struct pl_conn *c, char *bytes, size_t len)
{
    pl_web_input(web_of(c), (struct pl_span){bytes, len});
}

/* Unread input waits for the next turn. */
static bool may_go_on(const struct pl_conn *c)
{
    (void)c;
    return false;
}

static bool inflates(const struct pl_conn *c)
{
    (void)c;
    return false;
}

static bool ended(struct pl_conn *c)
{
    return pl_web_ended(web_of(c));
}

static int output(struct pl_conn *c, struct iovec *iov, int max)
{
    struct pl_span next = pl_web_output(web_of(c));

    (void)max;
    if (next.len == 0)
        return 0;
    iov->iov_base = (char *)next.at;
    iov->iov_len = next.len;
    return 1;
}

static void sent(struct pl_conn *c, uint64_t bytes)
{
    pl_web_sent(web_of(c), (size_t)bytes);
}

/* The server's timers detect a reader that is too slow. */
static void waits(struct pl_conn *c)
{
    (void)c;
}

static void gone(struct pl_conn *c, const char *why)
{
    (void)why;
    pl_web_gone(web_of(c));
}

void pl_conn_web_name(struct pl_conn *c, const struct pl_ip *from)
{
    pl_web_name(web_of(c), from);
}

const struct pl_conn_above pl_conn_above_web = {
    .create = create,
    .visit = visit,
    .input = input,
    .may_go_on = may_go_on,
    .inflates = inflates,
    .ended = ended,
    .output = output,
    .sent = sent,
    .stalled = waits,
    .waits = waits,
    .gone = gone,
};
