/* SPDX-License-Identifier: Apache-2.0 */
/* conn.c - see conn.h: moves bytes between a socket and its upper layer.
 *
 * A socket is registered once, for reading and writing, edge-triggered: no
 * write and no pause changes the registration.  Input is read into one buffer
 * per loop, so an idle connection owns none.  Output is written at the end of
 * the turn, small pieces joined into one buffer first: one send costs far more
 * than the copy, and a vector of small pieces up to a third more.
 *
 * Connections that wait for time are read in order.  Connections in a TLS
 * handshake have their own queue, of which a turn reads a few: each reply takes
 * 0.5 ms, so a thousand new connections may not all get theirs in one turn.
 *
 * Input and the peer's FIN may arrive with one edge, so EPOLLRDHUP causes one
 * more read.
 *
 * Rejected: bufferevents, because they halved the throughput and took 1 KB per
 * connection.
 *
 * Invariant: is_unread is set whenever the kernel may hold input that no later
 * edge will report. */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conns.h"
#include "address_limiter.h"
#include "session_manager.h"
#include "poller.h"

/* TLS handshakes that one turn continues. */
enum { GREETINGS = 5 };

static ssize_t plain_read(struct pl_conn *c, void *to, size_t len)
{
    return recv(c->fd, to, len, 0);
}

static ssize_t plain_write(struct pl_conn *c, const struct iovec *iov,
                           int count)
{
    struct msghdr m = {.msg_iov = (struct iovec *)iov,
                       .msg_iovlen = (size_t)count};

    if (count == 1)
        return send(c->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

const struct pl_conn_io pl_conn_io_plain = {
    .size = sizeof(struct pl_conn),
    .read = plain_read,
    .write = plain_write,
};

static const struct pl_conn_above *above(const struct pl_conn *c)
{
    return c->conns->above;
}

static bool is_greeting(const struct pl_conn *c)
{
    return c->io->is_greeting != NULL && c->io->is_greeting(c);
}

static struct pl_conn_queue *queue_of(struct pl_conn *c)
{
    return c->queue == PL_CONN_GREETING ? &c->conns->greeting
                                        : &c->conns->ready;
}

static void make_ready(struct pl_conn *c)
{
    struct pl_conns *k = c->conns;

    if (c->queue != PL_CONN_NOWHERE)
        return;
    c->queue = is_greeting(c) ? PL_CONN_GREETING : PL_CONN_READY;
    c->next = NULL;
    struct pl_conn_queue *q = queue_of(c);
    if (q->first == NULL)
        q->first = c;
    else
        q->last->next = c;
    q->last = c;
    pl_loop_defer(k->actor.loop, PL_STAGE_READY, &k->read_ready);
}

static void drop_ready(struct pl_conn *c)
{
    struct pl_conn_queue *q = queue_of(c);
    struct pl_conn *before = NULL;

    if (c->queue == PL_CONN_NOWHERE)
        return;
    for (struct pl_conn *at = q->first; at != c; at = at->next)
        before = at;
    if (before == NULL)
        q->first = c->next;
    else
        before->next = c->next;
    if (q->last == c)
        q->last = before;
    c->queue = PL_CONN_NOWHERE;
}

void pl_conn_let_go(struct pl_conn *c)
{
    if (c->fd < 0)
        return;
    drop_ready(c);
    pl_poller_remove(c->conns->poller, c->fd);
    close(c->fd);
    c->fd = -1;
    if (c->has_record)
        pl_conn_dismiss(c);
    if (c->io->free != NULL)
        c->io->free(c);
}

int pl_conn_take_out(struct pl_conn *c)
{
    int fd = c->fd;

    drop_ready(c);
    pl_poller_remove(c->conns->poller, fd);
    if (c->has_record)
        pl_conn_dismiss(c);
    c->fd = -1;
    return fd;
}

void pl_conn_read_soon(struct pl_conn *c)
{
    c->is_unread = true;
    if (!c->is_paused)
        make_ready(c);
}

static void close_now(struct pl_conn *c, const char *why)
{
    if (c->fd < 0)
        return;
    pl_conn_let_go(c);
    above(c)->gone(c, why);
}

/* --- Writing --- */

/* Join small pieces.  A single piece, or pieces above PL_JOIN_BYTES, stay. */
static int join(struct pl_conns *k, struct iovec *iov, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    if (count < 2 || len > sizeof k->out)
        return count;
    len = 0;
    for (int i = 0; i < count; i++) {
        memcpy(k->out + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    iov[0].iov_base = k->out;
    iov[0].iov_len = len;
    return 1;
}

/* All output is sent: close, or wait for the peer first.  Drain input before
 * closing: close(2) with unread input sends RST, and the peer may lose our last
 * output. */
static void on_flushed(struct pl_conn *c)
{
    if (c->end == PL_END_AT_ONCE)
        return;
    if (c->io->finish != NULL && !c->io->finish(c))
        return; /* an EPOLLOUT edge is due */
    if (c->end != PL_END_LINGER || (c->is_hung_up && !c->is_unread))
        close_now(c, "ended");
    else
        shutdown(c->fd, SHUT_WR);
}

/* Write once.  Return false if nothing more can be written now. */
static bool write_some(struct pl_conn *c)
{
    struct iovec iov[PL_PIECES];
    int count = above(c)->output(c, iov, PL_PIECES);

    if (count == 0) {
        on_flushed(c);
        return false;
    }
    count = join(c->conns, iov, count);
    ssize_t n = c->io->write(c, iov, count);
    pl_count(c->conns->metrics, PL_METRIC_WRITES, 1);
    if (n >= 0) {
        pl_count(c->conns->metrics, PL_METRIC_BYTES_OUT, (uint64_t)n);
        above(c)->sent(c, (uint64_t)n);
        return c->fd >= 0;
    }
    if (errno == EINTR)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS) {
        c->is_stalled = true;
        above(c)->stalled(c);
    } else {
        close_now(c, "write failed");
    }
    return false;
}

void pl_conn_write(struct pl_conn *c)
{
    if (c->fd < 0)
        return;
    if (c->is_stalled) { /* with TLS a read may have stalled it */
        above(c)->waits(c);
        return;
    }
    while (write_some(c))
        continue;
}

/* The kernel accepts output again.  Send first what the transport kept. */
static void on_writable(struct pl_conn *c)
{
    c->is_stalled = false;
    if (c->io->drain != NULL && c->io->drain(c) != 0) {
        if (errno == EAGAIN)
            c->is_stalled = true;
        else
            close_now(c, "write failed");
        return;
    }
    if (c->io->drain != NULL && c->is_unread && !c->is_paused)
        make_ready(c); /* the read may have waited for that */
    pl_conn_write(c);
}

/* --- Reading --- */

/* The socket is empty, unless the transport stopped reading early. */
static void on_emptied(struct pl_conn *c)
{
    c->is_unread = c->has_more_input;
    c->has_more_input = false;
    if (c->is_unread)
        make_ready(c);
}

/* Read once.  Return false if nothing more can be read in this visit. */
static bool read_some(struct pl_conn *c)
{
    size_t most = above(c)->inflates(c) ? PL_READ_PACKED : sizeof c->conns->in;
    ssize_t n = c->io->read(c, c->conns->in, most);

    pl_count(c->conns->metrics, PL_METRIC_READS, 1);
    if (n > 0) {
        above(c)->input(c, c->conns->in, (size_t)n);
        if (c->fd < 0)
            return false;
        if ((size_t)n < most && !c->is_hung_up)
            on_emptied(c); /* by a short read */
        else if (above(c)->may_go_on(c))
            return true;
        else if (!c->is_paused)
            make_ready(c);
        return false;
    }
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN) {
        on_emptied(c);
        return false;
    }
    if (n == 0 && above(c)->ended(c)) {
        c->is_unread = false; /* the response is still sent */
        return false;
    }
    if (n == 0 && c->io->finish != NULL)
        c->io->finish(c); /* the peer may have ended only its half */
    close_now(c, n == 0 ? "end of file" : "read failed");
    return false;
}

static void read_all(struct pl_conn *c)
{
    above(c)->visit(c);
    while (c->fd >= 0 && c->is_unread && !c->is_paused && read_some(c))
        continue;
}

/* An HTTP server has no budget: it reads each connection once per turn. */
static bool takes_input(const struct pl_conns *k)
{
    return k->manager == NULL || pl_session_manager_takes_input(k->manager);
}

static struct pl_conn *pop_ready(struct pl_conn_queue *q)
{
    struct pl_conn *c = q->first;

    q->first = c->next;
    c->queue = PL_CONN_NOWHERE;
    return c;
}

/* Read connections from the front while the turn has time.  Those that become
 * ready meanwhile wait for the next turn. */
static void read_queue(struct pl_conns *k)
{
    const struct pl_conn *c = NULL, *last = k->ready.last;

    while (k->ready.first != NULL && c != last && takes_input(k)) {
        c = pop_ready(&k->ready);
        read_all((struct pl_conn *)c); /* does not free it */
    }
}

/* Continue a few handshakes per turn, even if the turn has no time left:
 * otherwise a flood of input on other connections locks out new clients. */
static void read_greetings(struct pl_conns *k)
{
    for (int i = 0; i < GREETINGS && k->greeting.first != NULL; i++)
        read_all(pop_ready(&k->greeting));
}

void pl_conn_read_ready(struct pl_task *t)
{
    struct pl_conns *k = PL_CONTAINER(t, struct pl_conns, read_ready);

    read_queue(k);
    read_greetings(k);
    if (k->ready.first != NULL || k->greeting.first != NULL)
        pl_loop_defer(k->actor.loop, PL_STAGE_READY, &k->read_ready);
}

/* Read the connection now, unless others already wait. */
static void on_readable(struct pl_conn *c)
{
    c->is_unread = true;
    if (is_greeting(c) || c->conns->ready.first != NULL ||
        !takes_input(c->conns))
        make_ready(c);
    else
        read_all(c);
}

void pl_conn_on_event(void *conn, uint32_t events)
{
    struct pl_conn *c = conn;

    if (c->fd < 0)
        return; /* an earlier event of this batch closed it */
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->is_hung_up = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        on_readable(c);
    if (c->fd >= 0 && events & EPOLLOUT && c->is_stalled)
        on_writable(c);
}

/* --- Requests of the upper layer --- */

/* Write the last output, which ends with a Close.  A stalled connection may be
 * aborted before its slow peer has read enough.  Resetting TCP_NOTSENT_LOWAT
 * lets the kernel buffer the rest, including the Close, and deliver it after
 * close(2). */
void pl_conn_write_last(struct pl_conn *c)
{
    int usual = 0;

    if (c->is_stalled && c->fd >= 0) {
        setsockopt(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &usual, sizeof usual);
        on_writable(c);
    } else {
        pl_conn_write(c);
    }
}

void pl_conn_pause(struct pl_conn *c)
{
    c->is_paused = true;
}

void pl_conn_resume(struct pl_conn *c)
{
    c->is_paused = false;
    if (c->is_unread && c->fd >= 0)
        make_ready(c);
}

/* Close at once.  Send the end of output before, if the kernel accepts it
 * now. */
static void drop_unread(struct pl_conn *c)
{
    if (c->fd >= 0 && c->io->finish != NULL)
        c->io->finish(c);
    close_now(c, "ended");
}

void pl_conn_end(struct pl_conn *c, enum pl_end how)
{
    if (how == PL_END_AT_ONCE) {
        drop_unread(c);
        return;
    }
    c->end = (uint8_t)how;
    if (c->is_paused)
        pl_conn_resume(c);
    pl_conn_write(c);
}

enum pl_err pl_conn_open(struct pl_conns *k, int fd,
                         const struct pl_conn_io *io,
                         struct pl_admission_record *record)
{
    struct pl_conn *c;
    size_t more = record == NULL ? 0 : sizeof(struct pl_admission_record *);
    enum pl_err rc = k->above->create(&c, k, fd, io->size + more);

    if (rc != PL_OK) {
        close(fd);
        if (record != NULL)
            pl_admission_record_send(&k->actor, record, PL_ADMISSION_RELEASE);
        return rc;
    }
    c->conns = k;
    c->io = io;
    c->fd = fd;
    if (record != NULL)
        pl_conn_keep(c, record);
    if (io->init != NULL)
        rc = io->init(c);
    if (rc == PL_OK)
        rc = pl_poller_add(k->poller, fd, c);
    if (rc != PL_OK)
        close_now(c, "not registered");
    return rc;
}
