/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.c - see tickets.h.
 *
 * A client often returns to another loop than the one that gave its ticket, so
 * all loops need the same keys, without a lock or mail during handshakes.  So
 * each loop has a copy of one chain: the next link is a hash of the current
 * one, and the keys of a period are other hashes of its link.  The same secret
 * and clock give the same keys.  A link is wiped when the next one is made, and
 * hashes cannot be inverted: the memory reveals the keys of this period and the
 * one before, but no older ones.  A loop rotates when a handshake needs a
 * ticket; a loop without handshakes keeps its old link.
 *
 * Resumption uses the certificate that the client showed first without checking
 * it again, and TLS 1.3 gives a new ticket each time.  A client could return
 * forever after its certificate expired, so a ticket expires with the
 * certificate (RFC 8446 section 4.6.1).
 *
 * Rejected: keys derived from a fixed secret and the period number, because
 * that secret decrypts all tickets ever made.
 *
 * Invariant: the keys match `chain`; a failed step changes nothing. */
#include "tickets.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static bool derive(const struct pl_tickets *t, const char *label, void *out,
                   size_t len)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    bool ok =
        HMAC(EVP_sha256(), t->chain, sizeof t->chain,
             (const unsigned char *)label, strlen(label), hash, NULL) != NULL;

    if (ok)
        memcpy(out, hash, len);
    OPENSSL_cleanse(hash, sizeof hash);
    return ok;
}

static bool derive_key(const struct pl_tickets *t, struct pl_ticket_key *k)
{
    return derive(t, "ticket name", k->name, sizeof k->name) &&
           derive(t, "ticket cipher", k->cipher, sizeof k->cipher) &&
           derive(t, "ticket mac", k->mac, sizeof k->mac);
}

bool pl_tickets_init(struct pl_tickets *t,
                     const unsigned char secret[PL_TICKET_SECRET],
                     uint64_t period_ms, uint64_t now_ms)
{
    memset(t, 0, sizeof *t);
    memcpy(t->chain, secret, sizeof t->chain);
    t->period_ms = period_ms;
    t->period = now_ms / period_ms + 1;
    return derive_key(t, &t->now);
}

static bool step(struct pl_tickets *t)
{
    struct pl_tickets next = *t;
    bool ok = derive(t, "next", next.chain, sizeof next.chain) &&
              derive_key(&next, &next.now);

    if (ok) {
        next.before = t->now;
        next.has_before = true;
        next.period++;
        *t = next;
    }
    OPENSSL_cleanse(&next, sizeof next);
    return ok;
}

bool pl_tickets_advance(struct pl_tickets *t, uint64_t now_ms)
{
    uint64_t period = now_ms / t->period_ms + 1;

    while (t->period < period) {
        if (!step(t))
            return false;
    }
    return true;
}

void pl_tickets_fini(struct pl_tickets *t)
{
    OPENSSL_cleanse(t, sizeof *t);
}

void pl_tickets_attach(SSL *ssl, struct pl_tickets *t)
{
    SSL_set_app_data(ssl, t);
}

static bool key_both(const struct pl_ticket_key *k, const unsigned char *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)k->mac,
                                          sizeof k->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->cipher, iv,
                             encrypts) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* See SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 failed, 0 no ticket, 1 good,
 * 2 good but to be replaced.  A TLS 1.3 client uses each ticket once (RFC 8446
 * appendix C.4), so it always gets a new one. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts)
{
    const struct pl_tickets *t = SSL_get_app_data(ssl);
    const struct pl_ticket_key *k = &t->now;

    if (encrypts) {
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
        memcpy(name, k->name, sizeof k->name);
        return key_both(k, iv, cipher, mac, 1) ? 1 : -1;
    }
    if (memcmp(name, k->name, sizeof k->name) != 0)
        k = t->has_before ? &t->before : NULL;
    if (k == NULL || memcmp(name, k->name, sizeof k->name) != 0)
        return 0;
    if (!key_both(k, iv, cipher, mac, 0))
        return -1;
    return k == &t->now && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

static bool has_expired(const SSL_SESSION *session)
{
    const X509 *x = SSL_SESSION_get0_peer((SSL_SESSION *)session);

    return x != NULL && X509_cmp_current_time(X509_get0_notAfter(x)) <= 0;
}

/* Return true if the ClientHello (RFC 6066 section 3) names `name`, or no host.
 * The extension has the length of a list, of which OpenSSL accepts one element;
 * then its type, its length and the name. */
static bool asks_for(SSL *ssl, const char *name)
{
    enum { BEFORE = 5 };
    const unsigned char *at;
    size_t len;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) !=
            1 ||
        len < BEFORE)
        return true; /* no host is named */
    return len - BEFORE == strlen(name) &&
           OPENSSL_strncasecmp((const char *)at + BEFORE, name, len - BEFORE) ==
               0;
}

/* RFC 6066 section 3: "MUST NOT accept the request to resume the session if the
 * server_name extension contains a different name".  A TLS 1.3 session has no
 * name. */
static bool is_for_another(SSL *ssl, const SSL_SESSION *session)
{
    const char *name = SSL_SESSION_get0_hostname(session);

    return SSL_version(ssl) < TLS1_3_VERSION && name != NULL &&
           !asks_for(ssl, name);
}

/* See SSL_CTX_set_session_ticket_cb(3): called after a ticket was decrypted, or
 * could not be. */
static SSL_TICKET_RETURN on_opened(SSL *ssl, SSL_SESSION *session,
                                   const unsigned char *name, size_t len,
                                   SSL_TICKET_STATUS status, void *arg)
{
    bool is_good =
        status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;

    (void)name;
    (void)len;
    (void)arg;
    if (!is_good || has_expired(session) || is_for_another(ssl, session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}

bool pl_tickets_use(SSL_CTX *ctx)
{
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1 &&
           SSL_CTX_set_session_ticket_cb(ctx, NULL, on_opened, NULL) == 1;
}
