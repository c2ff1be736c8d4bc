/* SPDX-License-Identifier: Apache-2.0 */
/* tls.c - see tls.h.
 *
 * There is one SSL_CTX per certificate, configured alike; the host name sent by
 * the client (SNI) selects one.  They do not change after loading: the session
 * cache is off, because tickets need none, and each loop has its own ticket
 * keys (tickets.h).  So loops share them without waiting.
 *
 * Allowed are TLS 1.3, and TLS 1.2 with forward secrecy and AEAD ciphers.
 * Compression (CRIME) and renegotiation are off; early data, which can be
 * replayed, is off by default.  Key exchange is limited to three cheap groups:
 * with the defaults of OpenSSL a client may choose ffdhe8192, which costs the
 * loop 20 ms and the client nothing (D(HE)at).
 *
 * An end without close_notify counts as a regular end: frames have a length, so
 * a truncation is detected, and OpenSSL would reply with an alert.
 *
 * A ticket carries the client's identity and must be void under other client
 * CAs, so their digest is the session id context.
 *
 * Invariant: every call leaves the error queue of OpenSSL empty. */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "refs.h"
#include "tickets.h"

struct pl_tls {
    struct pl_refs refs;
    size_t count;
    SSL_CTX *ctx[];
};

enum {
    CHAIN_MAX = 16 * 1024, /* bytes of a client's certificates */
    GROUPS_MAX = 2 + 2 * 128
};

/* Prefer AES-128 to AES-256, unlike OpenSSL: both are secure, and AES-128 gave
 * 1.2 times the deliveries of 1 KiB and 1.3 times the handshakes. */
static const char ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                             "TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

/* --- Errors --- */

/* The oldest error in the queue caused the others. */
void pl_tls_reason(char *out, size_t size)
{
    unsigned long e = ERR_get_error();
    const char *text = NULL;

    if (e != 0 && ERR_SYSTEM_ERROR(e))
        text = strerror(ERR_GET_REASON(e));
    else if (e != 0)
        text = ERR_reason_error_string(e);
    snprintf(out, size, "%s", text == NULL ? "unknown" : text);
    ERR_clear_error();
}

static enum pl_err complain(struct pl_tls_fault *fault, const char *file)
{
    fault->file = file;
    pl_tls_reason(fault->reason, sizeof fault->reason);
    return PL_EINVAL;
}

/* --- Files and texts --- */

bool pl_tls_is_text(const char *file)
{
    return strncmp(file + strspn(file, " \t\r\n"), "-----BEGIN ", 11) == 0;
}

const char *pl_tls_name(const char *file)
{
    return pl_tls_is_text(file) ? "the text in PEM" : file;
}

BIO *pl_tls_open(const char *file)
{
    return pl_tls_is_text(file) ? BIO_new_mem_buf(file, -1)
                                : BIO_new_file(file, "r");
}

/* --- Callbacks during a handshake --- */

/* OpenSSL searches its group list for each key share of a ClientHello, so 64
 * KiB of both took the loop 40 ms.  Clients send about ten groups. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
    const unsigned char *at;
    size_t len;

    (void)arg;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_groups, &at,
                                  &len) != 1 ||
        len <= GROUPS_MAX)
        return SSL_CLIENT_HELLO_SUCCESS;
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_EXTENSION); /* for the log */
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return SSL_CLIENT_HELLO_ERROR;
}

/* RFC 7301: reject a client that offers protocols without http/1.1. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char http[] = {8,   'h', 't', 't', 'p',
                                         '/', '1', '.', '1'};
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, http, sizeof http, in,
                              in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
    const struct pl_tls *t = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    for (size_t i = 0; name != NULL && i < t->count; i++) {
        X509 *x = SSL_CTX_get0_certificate(t->ctx[i]);

        if (X509_check_host(x, name, 0, 0, NULL) != 1)
            continue;
        return SSL_set_SSL_CTX(ssl, t->ctx[i]) == NULL
                   ? SSL_TLSEXT_ERR_ALERT_FATAL
                   : SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK; /* the first certificate */
}

/* --- Loading --- */

/* Without this callback OpenSSL reads the passphrase from the terminal.  Set
 * *arg if the key has one. */
static int no_passphrase(char *out, int size, int writes, void *arg)
{
    (void)out;
    (void)size;
    (void)writes;
    if (arg != NULL)
        *(bool *)arg = true;
    return -1;
}

static bool set_up(SSL_CTX *ctx, struct pl_tls *t, uint64_t period_ms)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
                              SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(ctx, (long)(2 * period_ms / 1000));
    SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, t);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, suites) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 1) == 1 && pl_tickets_use(ctx);
}

static enum pl_err load_key(SSL_CTX *ctx, const char *key,
                            struct pl_tls_fault *fault)
{
    bool is_locked = false;
    BIO *in = pl_tls_open(key);
    EVP_PKEY *k = in == NULL ? NULL
                             : PEM_read_bio_PrivateKey(in, NULL, no_passphrase,
                                                       &is_locked);
    bool ok = k != NULL && SSL_CTX_use_PrivateKey(ctx, k) == 1 &&
              SSL_CTX_check_private_key(ctx) == 1;

    EVP_PKEY_free(k);
    BIO_free(in);
    if (ok)
        return PL_OK;
    enum pl_err rc = complain(fault, key);
    if (is_locked)
        snprintf(fault->reason, sizeof fault->reason, "it has a passphrase");
    return rc;
}

/* True at the end of the certificates; another error is a damaged one. */
static bool has_ended(void)
{
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

    if (is_end)
        ERR_clear_error();
    return is_end;
}

/* Read a certificate, then those of its chain.
 *
 * Rejected: SSL_CTX_use_certificate_chain_file(), which reads no texts. */
static bool read_chain(SSL_CTX *ctx, BIO *in)
{
    X509 *x = PEM_read_bio_X509_AUX(in, NULL, no_passphrase, NULL);
    bool ok = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1 &&
              SSL_CTX_clear_chain_certs(ctx) == 1;

    X509_free(x);
    while (ok &&
           (x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
        ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
        if (!ok)
            X509_free(x);
    }
    return ok && has_ended();
}

static enum pl_err load_pair(SSL_CTX *ctx, const char *certificate,
                             const char *key, struct pl_tls_fault *fault)
{
    BIO *in = pl_tls_open(certificate);
    bool ok = in != NULL && read_chain(ctx, in);

    BIO_free(in);
    return ok ? load_key(ctx, key, fault) : complain(fault, certificate);
}

/* Trust one CA of the file, name it to clients and add it to the digest. */
static bool add_ca(SSL_CTX *ctx, X509 *x, EVP_MD_CTX *digest)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len;

    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1 &&
           SSL_CTX_add_client_CA(ctx, x) == 1 &&
           X509_digest(x, EVP_sha256(), hash, &len) == 1 &&
           EVP_DigestUpdate(digest, hash, len) == 1;
}

static bool add_cas(SSL_CTX *ctx, BIO *in, EVP_MD_CTX *digest)
{
    size_t count = 0;
    X509 *x;

    while ((x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
        bool ok = add_ca(ctx, x, digest);

        X509_free(x);
        if (!ok)
            return false;
        count++;
    }
    return count > 0 && has_ended();
}

/* Require client certificates.  Each CA of the file is trusted, root or not.
 * OpenSSL decodes all certificates of a chain, with keys, before it verifies
 * the client: its default of 100 KB blocked the loop for 50 ms. */
static void demand_certificates(SSL_CTX *ctx)
{
    SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx),
                         X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       NULL);
}

/* `file` may be NULL. */
static enum pl_err load_client_ca(SSL_CTX *ctx, const char *file,
                                  struct pl_tls_fault *fault)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    BIO *in = file == NULL ? NULL : pl_tls_open(file);
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned len;
    bool ok = digest != NULL && EVP_DigestInit(digest, EVP_sha256()) == 1;

    if (ok && file != NULL)
        ok = in != NULL && add_cas(ctx, in, digest);
    if (ok && file != NULL)
        demand_certificates(ctx);
    ok = ok && EVP_DigestFinal(digest, id, &len) == 1 &&
         SSL_CTX_set_session_id_context(ctx, id, len) == 1;
    BIO_free(in);
    EVP_MD_CTX_free(digest);
    if (!ok && file == NULL)
        return PL_ENOMEM;
    return ok ? PL_OK : complain(fault, file);
}

static enum pl_err load_one(struct pl_tls *t, const struct pl_tls_files *f,
                            struct pl_tls_fault *fault)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    size_t i = t->count;

    if (ctx == NULL)
        return PL_ENOMEM;
    t->ctx[t->count++] = ctx;
    if (!set_up(ctx, t, f->ticket_period_ms))
        return PL_ENOMEM;
    enum pl_err rc = load_pair(ctx, f->certificates[i], f->keys[i], fault);
    return rc == PL_OK ? load_client_ca(ctx, f->client_ca, fault) : rc;
}

enum pl_err pl_tls_load(struct pl_tls **out, const struct pl_tls_files *files,
                        struct pl_tls_fault *fault)
{
    struct pl_tls *t = calloc(1, sizeof *t + files->count * sizeof t->ctx[0]);
    enum pl_err rc = PL_OK;

    if (t == NULL)
        return PL_ENOMEM;
    pl_refs_init(&t->refs);
    ERR_clear_error();
    while (t->count < files->count && rc == PL_OK)
        rc = load_one(t, files, fault);
    ERR_clear_error();
    if (rc != PL_OK) {
        pl_tls_release(t);
        return rc;
    }
    *out = t;
    return PL_OK;
}

struct pl_tls *pl_tls_hold(struct pl_tls *t)
{
    pl_refs_hold(&t->refs);
    return t;
}

void pl_tls_release(struct pl_tls *t)
{
    if (t == NULL || !pl_refs_release(&t->refs))
        return;
    for (size_t i = 0; i < t->count; i++)
        SSL_CTX_free(t->ctx[i]);
    free(t);
}

enum pl_err pl_tls_seed(struct pl_tls_seed *out, uint64_t period_ms,
                        uint64_t now_ms)
{
    out->period_ms = period_ms;
    out->now_ms = now_ms;
    if (RAND_priv_bytes(out->secret, sizeof out->secret) == 1)
        return PL_OK;
    ERR_clear_error();
    return PL_EIO;
}

void pl_tls_seed_wipe(struct pl_tls_seed *seed)
{
    OPENSSL_cleanse(seed, sizeof *seed);
}

/* --- Connections --- */

SSL *pl_tls_accept(struct pl_tls *t, struct pl_tickets *tickets)
{
    ERR_clear_error();
    SSL *ssl = SSL_new(t->ctx[0]);

    if (ssl == NULL) {
        ERR_clear_error();
        return NULL;
    }
    pl_tickets_attach(ssl, tickets);
    SSL_set_accept_state(ssl);
    return ssl;
}
