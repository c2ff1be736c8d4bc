/* SPDX-License-Identifier: Apache-2.0 */
/* conn_tls.c - see conn_tls.h.
 *
 * OpenSSL reads through a BIO that calls recv() until a short read: one call
 * for most wakes, where OpenSSL on a socket takes three.  It writes into a
 * buffer of the loop, which goes to the kernel in one send().  What the kernel
 * does not accept becomes the connection's tail, sent at the next edge.  So
 * OpenSSL never waits for a write, and encrypted data has left the session's
 * queue, which may drop the rest.  In return up to WRITE_MAX bytes in the tail
 * count as given.
 *
 * A read goes on until its buffer is full or the kernel has no more; so a short
 * read means that nothing is left, as on a plain socket.  If it stops early, at
 * READ_SHARE, it sets has_more_input.  More than a few key updates per second
 * fail the connection: each has 27 bytes and costs as much as hundreds.
 *
 * Rejected: SSL_MODE_ENABLE_PARTIAL_WRITE with retries.  A queue that drops
 * frames after a half-written record sends other frames than it counts.
 *
 * Invariant: the tail is empty unless is_stalled is set; the error queue of
 * OpenSSL is empty between calls. */
#include "conn_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "budget.h"
#include "session_manager.h"
#include "log.h"
#include "metrics.h"

enum {
    WRITE_MAX = 64 * 1024,   /* bytes of data that one call encrypts */
    TAIL_MAX = 128 * 1024,   /* bytes; above, reading stops, since it may cause
                                output */
    READ_SHARE = 256 * 1024, /* encrypted bytes that one call reads */
    KEY_UPDATES_MAX = 32     /* of the peer, per second */
};

static struct pl_conn_tls *tls_of(struct pl_conn *c)
{
    return (struct pl_conn_tls *)c;
}

/* --- The BIO; its data is the pl_conn_tls --- */

static int bio_read(BIO *b, char *to, int len)
{
    struct pl_conn_tls *t = BIO_get_data(b);

    BIO_clear_retry_flags(b);
    if (t->taken >= READ_SHARE)
        t->conn.has_more_input = true;
    if (t->is_drained || t->taken >= READ_SHARE) {
        BIO_set_retry_read(b);
        return -1;
    }
    ssize_t n = recv(t->conn.fd, to, (size_t)len, 0);
    if (n > 0) {
        t->taken += (size_t)n;
        t->is_drained = n < len && !t->conn.is_hung_up;
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        t->conn.has_more_input |= errno == EINTR;
        BIO_set_retry_read(b);
    }
    return (int)n;
}

static int bio_write(BIO *b, const char *from, int len)
{
    struct pl_conn_tls *t = BIO_get_data(b);
    struct pl_buf *out = &t->conn.conns->tls->out;

    BIO_clear_retry_flags(b);
    pl_buf_put(out, from, (size_t)len);
    return out->failed ? -1 : len;
}

static long bio_ctrl(BIO *b, int what, long number, void *at)
{
    (void)b;
    (void)number;
    (void)at;
    /* A read of 0 bytes is the end of file.  Other controls are unsupported. */
    return what == BIO_CTRL_FLUSH || what == BIO_CTRL_EOF;
}

/* --- Output to the kernel --- */

/* Remove from *s what the kernel accepts.  Return false on a socket error. */
static bool send_some(struct pl_conn_tls *t, struct pl_span *s)
{
    while (s->len > 0) {
        ssize_t n = send(t->conn.fd, s->at, s->len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == ENOBUFS;
        s->at += n;
        s->len -= (size_t)n;
    }
    return true;
}

/* Send the output of OpenSSL; the tail keeps what the kernel does not
 * accept. */
static void push(struct pl_conn_tls *t)
{
    struct pl_buf *out = &t->conn.conns->tls->out;
    struct pl_span rest = pl_buf_span(out);

    if (out->failed || (t->tail.len == 0 && !send_some(t, &rest)))
        t->is_failed = true;
    if (!t->is_failed && rest.len > 0) {
        pl_buf_put_span(&t->tail, rest);
        t->is_failed = t->tail.failed;
        t->conn.is_stalled = true;
    }
    out->len = 0;
    if (out->failed)
        pl_buf_fini(out); /* also clears its `failed` */
}

static int tls_drain(struct pl_conn *c)
{
    struct pl_conn_tls *t = tls_of(c);
    struct pl_span rest = {t->tail.data + t->tail_sent,
                           t->tail.len - t->tail_sent};

    if (t->tail.len == 0)
        return 0;
    if (!send_some(t, &rest))
        return -1;
    t->tail_sent = t->tail.len - rest.len;
    if (rest.len > 0) {
        errno = EAGAIN;
        return -1;
    }
    pl_buf_fini(&t->tail);
    t->tail_sent = 0;
    if (t->is_throttled) {
        t->is_throttled = false;
        c->is_unread = true;
    }
    return 0;
}

/* --- Failures --- */

/* Return true for an end with or without close_notify: WebSocket frames have a
 * length, so a truncation is detected anyway. */
static bool is_end_of_file(int error)
{
    return error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL ||
           ERR_GET_REASON(ERR_peek_error()) ==
               SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* Count and log a failed handshake.  A peer that closes during the handshake
 * does not get here. */
static void log_failure(const struct pl_conn_tls *t)
{
    long verdict = SSL_get_verify_result(t->ssl);
    char reason[160], peer[PL_IP_TEXT_MAX];

    pl_tls_reason(reason, sizeof reason);
    pl_count(t->conn.conns->metrics, PL_METRIC_TLS_FAILED, 1);
    pl_conn_peer((struct pl_conn *)&t->conn, peer);
    PL_LOG_LIMITED(PL_LOG_KIND_TLS, PL_LOG_INFO, "TLS handshake failed",
                   pl_log_string("address", peer),
                   pl_log_string("reason", reason),
                   pl_log_string("certificate",
                                 verdict == X509_V_OK
                                     ? "-"
                                     : X509_verify_cert_error_string(verdict)));
}

/* Record why a read returned no data. */
static void on_no_data(struct pl_conn_tls *t, int result)
{
    int error = SSL_get_error(t->ssl, result);

    if (error == SSL_ERROR_WANT_READ)
        return;
    if (is_end_of_file(error)) {
        t->is_ended = true;
    } else {
        t->is_failed = true;
        if (!t->is_open)
            log_failure(t);
    }
    ERR_clear_error();
}

/* --- The functions of the table --- */

static void look_at_handshake(struct pl_conn_tls *t)
{
    struct pl_metrics *m = t->conn.conns->metrics;

    if (t->is_open || !SSL_is_init_finished(t->ssl))
        return;
    t->is_open = true;
    pl_count(m, PL_METRIC_TLS_HANDSHAKES, 1);
    pl_count(m, PL_METRIC_TLS_RESUMED, SSL_session_reused(t->ssl) != 0);
}

/* Return input that arrived before the end first; is_hung_up then causes one
 * more read, which returns the end. */
static ssize_t result_of(struct pl_conn_tls *t, size_t got)
{
    if (got > 0) {
        t->conn.is_hung_up |= t->is_ended || t->is_failed;
        return (ssize_t)got;
    }
    if (t->is_failed) {
        errno = EPROTO;
        return -1;
    }
    if (t->is_ended)
        return 0;
    errno = EAGAIN;
    return -1;
}

/* Charge the turn's budget by encrypted bytes, because records may carry almost
 * no data, and extra for a handshake, which costs far more than its bytes. */
static void charge(const struct pl_conn_tls *t)
{
    const struct pl_conns *k = t->conn.conns;
    bool is_flight = !t->is_open && k->tls->out.len > 0;

    if (k->manager == NULL)
        return; /* an HTTP server has no budget */
    pl_session_manager_spend(k->manager,
                             t->taken + (is_flight ? PL_COST_FLIGHT : 0));
}

static ssize_t tls_read(struct pl_conn *c, void *to, size_t len)
{
    struct pl_conn_tls *t = tls_of(c);
    size_t got = 0;
    int n = 1;

    if (t->tail.len - t->tail_sent > TAIL_MAX) {
        t->is_throttled = true;
        errno = EAGAIN;
        return -1;
    }
    t->taken = 0;
    t->is_drained = false;
    while (n > 0 && got < len && !t->is_ended && !t->is_failed) {
        ERR_clear_error();
        n = SSL_read(t->ssl, (char *)to + got, (int)(len - got));
        if (n > 0)
            got += (size_t)n;
        else
            on_no_data(t, n);
    }
    charge(t);
    look_at_handshake(t);
    push(t);
    return result_of(t, got);
}

/* Count a key update.  After too many, shut down the connection so that OpenSSL
 * reads no further: its buffer may hold hundreds more. */
static void on_key_update(struct pl_conn_tls *t)
{
    uint64_t second = pl_loop_now_ms(t->conn.conns->actor.loop) / 1000;
    char peer[PL_IP_TEXT_MAX];

    if (t->update_second != second)
        t->updates = 0;
    t->update_second = (uint32_t)second;
    if (++t->updates <= KEY_UPDATES_MAX || t->is_failed)
        return;
    t->is_failed = true;
    SSL_set_shutdown(t->ssl, SSL_RECEIVED_SHUTDOWN | SSL_SENT_SHUTDOWN);
    pl_count(t->conn.conns->metrics, PL_METRIC_TLS_KEY_FLOODS, 1);
    pl_conn_peer(&t->conn, peer);
    PL_LOG_LIMITED(PL_LOG_KIND_TLS_KEY_UPDATES, PL_LOG_INFO,
                   "too many TLS key updates", pl_log_string("address", peer));
}

static void on_message(int is_sent, int version, int type, const void *bytes,
                       size_t len, SSL *ssl, void *arg)
{
    (void)version, (void)ssl;
    if (is_sent == 0 && type == SSL3_RT_HANDSHAKE && len > 0 &&
        *(const unsigned char *)bytes == SSL3_MT_KEY_UPDATE)
        on_key_update(arg);
}

/* Encrypt as much of the piece as this call may. */
static bool encrypt(struct pl_conn_tls *t, const struct iovec *piece,
                    size_t *taken)
{
    const char *at = piece->iov_base;
    size_t len = piece->iov_len;

    while (len > 0 && *taken < WRITE_MAX) {
        size_t share = len < WRITE_MAX - *taken ? len : WRITE_MAX - *taken;

        ERR_clear_error();
        int n = SSL_write(t->ssl, at, (int)share);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
        *taken += (size_t)n;
    }
    return true;
}

static ssize_t tls_write(struct pl_conn *c, const struct iovec *iov, int count)
{
    struct pl_conn_tls *t = tls_of(c);
    size_t taken = 0;

    if (t->tail.len > 0) {
        errno = EAGAIN;
        return -1;
    }
    for (int i = 0; i < count && taken < WRITE_MAX && !t->is_failed; i++)
        t->is_failed = !encrypt(t, &iov[i], &taken);
    ERR_clear_error();
    push(t);
    if (t->is_failed) {
        errno = EPIPE;
        return -1;
    }
    return (ssize_t)taken;
}

/* RFC 8446 section 6.1: send close_notify, so that the peer can detect a
 * truncation. */
static bool tls_finish(struct pl_conn *c)
{
    struct pl_conn_tls *t = tls_of(c);

    if (t->is_open && !t->is_failed &&
        (SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        ERR_clear_error();
        SSL_shutdown(t->ssl);
        ERR_clear_error();
        push(t);
    }
    return t->is_failed || t->tail.len == 0;
}

static void tls_free(struct pl_conn *c)
{
    struct pl_conn_tls *t = tls_of(c);

    SSL_free(t->ssl);
    t->ssl = NULL;
    pl_tls_release(t->tls);
    t->tls = NULL;
    pl_buf_fini(&t->tail);
}

static bool tls_is_greeting(const struct pl_conn *c)
{
    return !((const struct pl_conn_tls *)c)->is_open;
}

/* Have t->ssl read and write through the connection. */
static enum pl_err connect_bio(struct pl_conn_tls *t)
{
    BIO *bio = BIO_new(t->conn.conns->tls->bio);

    if (bio == NULL) {
        ERR_clear_error();
        return PL_ENOMEM;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_msg_callback(t->ssl, on_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    return PL_OK;
}

static enum pl_err tls_init(struct pl_conn *c)
{
    struct pl_conn_tls *t = tls_of(c);
    struct pl_conns_tls *shared = c->conns->tls;
    uint64_t now = pl_loop_now_ms(c->conns->actor.loop);

    if (!pl_tickets_advance(&shared->tickets, now))
        return PL_ENOMEM;
    t->tls = pl_tls_hold(shared->tls);
    t->ssl = pl_tls_accept(t->tls, &shared->tickets);
    return t->ssl == NULL ? PL_ENOMEM : connect_bio(t); /* tls_free() frees */
}

/* --- Moving to another loop --- */

/* OpenSSL keeps pointers to the BIO, the tickets and the connection; none may
 * stay, because another thread uses `ssl` next. */
void pl_conn_tls_take_out(struct pl_conn *c, struct pl_tls_kept *out)
{
    struct pl_conn_tls *t = tls_of(c);

    *out = (struct pl_tls_kept){0};
    if (c->io != &pl_conn_io_tls)
        return;
    *out = (struct pl_tls_kept){t->ssl, t->tls, t->tail, t->tail_sent,
                                t->is_ended};
    t->ssl = NULL;
    t->tls = NULL;
    t->tail = (struct pl_buf){0};
    c->io = &pl_conn_io_plain;
    SSL_set_bio(out->ssl, NULL, NULL);
    SSL_set_msg_callback(out->ssl, NULL);
    SSL_set_msg_callback_arg(out->ssl, NULL);
    pl_tickets_attach(out->ssl, NULL);
}

enum pl_err pl_conn_tls_put_in(struct pl_conn *c, struct pl_tls_kept *kept)
{
    struct pl_conn_tls *t = tls_of(c);

    t->ssl = kept->ssl;
    if (connect_bio(t) != PL_OK) {
        t->ssl = NULL;
        return PL_ENOMEM;
    }
    pl_tickets_attach(t->ssl, &c->conns->tls->tickets);
    t->tls = kept->tls;
    t->tail = kept->tail;
    t->tail_sent = kept->tail_sent;
    t->is_ended = kept->is_ended;
    t->is_open = true;
    c->is_stalled = t->tail.len > 0; /* registering it causes an edge */
    *kept = (struct pl_tls_kept){0};
    return PL_OK;
}

void pl_tls_kept_fini(struct pl_tls_kept *kept)
{
    SSL_free(kept->ssl);
    pl_tls_release(kept->tls);
    pl_buf_fini(&kept->tail);
    *kept = (struct pl_tls_kept){0};
}

const struct pl_conn_io pl_conn_io_tls = {
    .size = sizeof(struct pl_conn_tls),
    .init = tls_init,
    .read = tls_read,
    .write = tls_write,
    .drain = tls_drain,
    .finish = tls_finish,
    .free = tls_free,
    .is_greeting = tls_is_greeting,
};

/* --- What the connections of a loop share --- */

enum pl_err pl_conns_tls_create(struct pl_conns_tls **out, struct pl_tls *tls,
                                const struct pl_tls_seed *seed)
{
    struct pl_conns_tls *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    s->tls = pl_tls_hold(tls);
    s->bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "parley");
    if (s->bio == NULL || BIO_meth_set_read(s->bio, bio_read) != 1 ||
        BIO_meth_set_write(s->bio, bio_write) != 1 ||
        BIO_meth_set_ctrl(s->bio, bio_ctrl) != 1 ||
        !pl_tickets_init(&s->tickets, seed->secret, seed->period_ms,
                         seed->now_ms)) {
        pl_conns_tls_destroy(s);
        return PL_ENOMEM;
    }
    *out = s;
    return PL_OK;
}

void pl_conns_tls_replace(struct pl_conns_tls *s, struct pl_tls *tls)
{
    pl_tls_release(s->tls);
    s->tls = pl_tls_hold(tls);
}

void pl_conns_tls_destroy(struct pl_conns_tls *s)
{
    if (s == NULL)
        return;
    BIO_meth_free(s->bio);
    pl_tls_release(s->tls);
    pl_tickets_fini(&s->tickets);
    pl_buf_fini(&s->out);
    free(s);
}
