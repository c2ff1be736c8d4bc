/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - see tls.h.
 *
 * OpenSSL reads and writes through a BIO of ours, because its own raises
 * SIGPIPE when the server has gone, and a library must not change what the
 * program does with signals.
 *
 * A session is resumed with the ticket that the server sent last.  A ticket of
 * TLS 1.3 is shown once (RFC 8446, appendix C.4), because a ticket that
 * is shown twice shows an observer that two connections have one client.  A
 * session that was lost stays good: RFC 5246 section 7.2.1 asks for no
 * close_notify.
 *
 * Rejected: the cache of OpenSSL, which has one session for all connections
 * that share settings.
 *
 * Invariant: a certificate is verified, with the name of the server in it,
 * unless the program has asked for the opposite. */
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct plc_tls_settings {
    SSL_CTX *context;
    BIO_METHOD *bio;
    bool accepts_any;
};

/* --- The BIO; its data is the socket --- */

static int socket_of(BIO *b)
{
    return (int)(intptr_t)BIO_get_data(b);
}

static int bio_read(BIO *b, char *to, int len)
{
    ssize_t n;

    do
        n = recv(socket_of(b), to, (size_t)len, 0);
    while (n < 0 && errno == EINTR);
    BIO_clear_retry_flags(b);
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_read(b);
    return (int)n;
}

static int bio_write(BIO *b, const char *from, int len)
{
    ssize_t n;

    do
        n = send(socket_of(b), from, (size_t)len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    BIO_clear_retry_flags(b);
    if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
        BIO_set_retry_write(b);
    return (int)n;
}

static long bio_ctrl(BIO *b, int what, long number, void *at)
{
    (void)b, (void)number, (void)at;
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *create_bio(void)
{
    int type = BIO_get_new_index();
    BIO_METHOD *m = type < 0 ? NULL
                             : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK,
                                            "socket without SIGPIPE");

    if (m != NULL && BIO_meth_set_read(m, bio_read) &&
        BIO_meth_set_write(m, bio_write) && BIO_meth_set_ctrl(m, bio_ctrl))
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* --- Sessions --- */

void plc_tls_ticket_fini(struct plc_tls_ticket *t)
{
    SSL_SESSION_free(t->session);
    t->session = NULL;
}

/* Called by OpenSSL with the reference of ours; 1 keeps it. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct plc_tls_ticket *t = SSL_get_app_data(ssl);

    if (t == NULL)
        return 0;
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1;
}

static void show_ticket(SSL *ssl, struct plc_tls_ticket *t)
{
    SSL_set_app_data(ssl, t);
    if (t == NULL || t->session == NULL)
        return;
    if (SSL_SESSION_is_resumable(t->session) == 1)
        SSL_set_session(ssl, t->session);
    if (SSL_SESSION_get_protocol_version(t->session) >= TLS1_3_VERSION)
        plc_tls_ticket_fini(t);
}

/* --- Settings --- */

static enum pl_err fail(char *why, size_t size, const char *what,
                        const char *file)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    char buffer[80];

    if (reason == NULL)
        reason = ERR_SYSTEM_ERROR(error)
                     ? strerror_r(ERR_GET_REASON(error), buffer, sizeof buffer)
                     : "it is not usable";
    snprintf(why, size, "%s %s: %s", what, file, reason);
    ERR_clear_error();
    return PL_EINVAL;
}

static enum pl_err load_files(SSL_CTX *c, const struct plc_tls_files *f,
                              char *why, size_t size)
{
    /* The authorities of the system take a megabyte. */
    if (f->ca_file == NULL && !f->accepts_any)
        SSL_CTX_set_default_verify_paths(c);
    else if (f->ca_file != NULL &&
             SSL_CTX_load_verify_locations(c, f->ca_file, NULL) != 1)
        return fail(why, size, "ca_file", f->ca_file);
    if (f->cert_file == NULL)
        return PL_OK;
    if (SSL_CTX_use_certificate_chain_file(c, f->cert_file) != 1)
        return fail(why, size, "cert_file", f->cert_file);
    const char *key = f->key_file == NULL ? f->cert_file : f->key_file;
    if (SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
        return fail(why, size, "key_file", key);
    return PL_OK;
}

enum pl_err plc_tls_load(struct plc_tls_settings **out,
                         const struct plc_tls_files *files, char *why,
                         size_t why_size)
{
    struct plc_tls_settings *t = calloc(1, sizeof *t);

    if (t == NULL)
        return PL_ENOMEM;
    t->accepts_any = files->accepts_any;
    t->context = SSL_CTX_new(TLS_client_method());
    t->bio = create_bio();
    enum pl_err rc = t->context == NULL || t->bio == NULL ? PL_ENOMEM : PL_OK;
    if (rc == PL_OK) {
        SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION);
        SSL_CTX_set_options(t->context, SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                         SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_cache_mode(
            t->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(t->context, on_session);
        rc = load_files(t->context, files, why, why_size);
    }
    if (rc != PL_OK) {
        plc_tls_destroy(t);
        return rc;
    }
    *out = t;
    return PL_OK;
}

void plc_tls_destroy(struct plc_tls_settings *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->context);
    BIO_meth_free(t->bio);
    free(t);
}

/* --- Connections --- */

static bool is_numeric(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 ||
           inet_pton(AF_INET6, name, address) == 1;
}

/* RFC 6125: the certificate must name the server; RFC 6066 section 3: the
 * server receives the name, but no numeric address. */
static bool expect_name(SSL *ssl, const char *name)
{
    if (is_numeric(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct ssl_st *plc_tls_connect(struct plc_tls_settings *t, int fd,
                               const char *name, struct plc_tls_ticket *ticket)
{
    SSL *ssl = SSL_new(t->context);
    BIO *b = BIO_new(t->bio);

    if (ssl == NULL || b == NULL || !expect_name(ssl, name)) {
        BIO_free(b);
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(b, (void *)(intptr_t)fd);
    BIO_set_init(b, 1);
    SSL_set_bio(ssl, b, b);
    SSL_set_verify(ssl, t->accepts_any ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                   NULL);
    SSL_set_connect_state(ssl);
    show_ticket(ssl, ticket);
    return ssl;
}

/* Without a shutdown of its own OpenSSL takes the session for a bad one. */
void plc_tls_free(struct ssl_st *ssl)
{
    if (ssl == NULL)
        return;
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

bool plc_tls_is_resumed(struct ssl_st *ssl)
{
    return SSL_session_reused(ssl) == 1;
}

void plc_tls_explain(struct ssl_st *ssl, int ssl_error, char *why, size_t size)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    long verdict = SSL_get_verify_result(ssl);
    char buffer[80];
    int system_error = errno;

    if (ssl_error == SSL_ERROR_SSL && verdict != X509_V_OK &&
        ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        reason = X509_verify_cert_error_string(verdict);
    else if (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER)
        reason = "the server does not speak TLS here";
    else if (ssl_error == SSL_ERROR_SYSCALL && reason == NULL)
        reason = system_error == 0
                     ? "cut without close_notify"
                     : strerror_r(system_error, buffer, sizeof buffer);
    snprintf(why, size, "TLS: %s", reason == NULL ? "unknown error" : reason);
    ERR_clear_error();
}
