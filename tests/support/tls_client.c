/* SPDX-License-Identifier: Apache-2.0 */
/* tls_client.c - see tls_client.h.
 *
 * Certificates are made with OpenSSL's own calls, as small as a server accepts
 * them: nothing is kept in the tree that could expire. */
#include "tls_client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "tls_client: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* --- Files --- */

void tls_folder_init(struct tls_folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/parley-tls-XXXXXX");
    must(mkdtemp(f->path) != NULL, "no folder");
}

void tls_folder_fini(struct tls_folder *f)
{
    DIR *d = opendir(f->path);

    must(d != NULL, "no folder");
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.')
            unlink(tls_file(f, e->d_name));
    }
    closedir(d);
    rmdir(f->path);
}

const char *tls_file(const struct tls_folder *f, const char *name)
{
    static _Thread_local char path[8][384];
    static _Thread_local unsigned next;
    char *out = path[next++ % 8];

    snprintf(out, sizeof path[0], "%s/%s", f->path, name);
    return out;
}

static FILE *open_file(const struct tls_folder *f, const char *name,
                       const char *suffix, const char *mode)
{
    char full[64];

    snprintf(full, sizeof full, "%s%s", name, suffix);
    FILE *file = fopen(tls_file(f, full), mode);
    must(file != NULL, full);
    return file;
}

void tls_write(const struct tls_folder *f, const char *name, const char *text)
{
    FILE *file = open_file(f, name, "", "we");

    fputs(text, file);
    fclose(file);
}

void tls_copy(const struct tls_folder *f, const char *from, const char *to)
{
    char text[16384];
    FILE *file = open_file(f, from, "", "re");
    size_t len = fread(text, 1, sizeof text - 1, file);

    text[len] = '\0';
    fclose(file);
    tls_write(f, to, text);
}

/* --- Certificates --- */

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(e != NULL && X509_add_ext(x, e, -1) == 1, "no extension");
    X509_EXTENSION_free(e);
}

static void describe(X509 *x, const char *name, const char *host)
{
    static int serial = 1;
    X509_NAME *subject = X509_get_subject_name(x);

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    if (host != NULL) {
        char names[280];

        snprintf(names, sizeof names, "DNS:%s", host);
        add_extension(x, x, NID_subject_alt_name, names);
    } else {
        add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
    }
}

static void read_issuer(const struct tls_folder *f, const char *issuer,
                        X509 **x, EVP_PKEY **key)
{
    FILE *file = open_file(f, issuer, ".pem", "re");

    *x = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    file = open_file(f, issuer, ".key", "re");
    *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    must(*x != NULL && *key != NULL, "no issuer");
}

static void make(const struct tls_folder *f, const char *name, const char *host,
                 const char *issuer, long ends_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *ca_key = NULL;
    X509 *x = X509_new(), *ca = NULL;

    must(key != NULL && x != NULL, "no key");
    describe(x, name, host);
    X509_gmtime_adj(X509_getm_notBefore(x), ends_s - 25 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(x), ends_s);
    X509_set_pubkey(x, key);
    if (issuer != NULL)
        read_issuer(f, issuer, &ca, &ca_key);
    X509_set_issuer_name(x, X509_get_subject_name(ca == NULL ? x : ca));
    must(X509_sign(x, ca_key == NULL ? key : ca_key, EVP_sha256()) > 0,
         "not signed");
    FILE *file = open_file(f, name, ".pem", "we");
    PEM_write_X509(file, x);
    fclose(file);
    file = open_file(f, name, ".key", "we");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(x);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

void tls_make(const struct tls_folder *f, const char *name, const char *host,
              const char *issuer)
{
    make(f, name, host, issuer, 24 * 3600L);
}

void tls_make_expired(const struct tls_folder *f, const char *name,
                      const char *host, const char *issuer)
{
    make(f, name, host, issuer, -3600L);
}

/* --- Opening --- */

static int connect_to(uint16_t port, int receive_buffer)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = TLS_DEADLINE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                   sizeof receive_buffer);
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "no connection");
    return fd;
}

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *c = SSL_get_app_data(ssl);

    SSL_SESSION_free(c->ticket);
    c->ticket = session;
    return 1; /* ours now */
}

static void set_up(struct tls_client *c, const struct tls_options *o)
{
    SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT |
                                               SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, on_ticket);
    if (o->version != 0) {
        if (o->version < TLS1_2_VERSION)
            SSL_CTX_set_cipher_list(c->ctx, "ALL:@SECLEVEL=0");
        SSL_CTX_set_min_proto_version(c->ctx, o->version);
        SSL_CTX_set_max_proto_version(c->ctx, o->version);
    }
    if (o->groups != NULL)
        must(SSL_CTX_set1_groups_list(c->ctx, o->groups) == 1, "no groups");
    if (o->certificate != NULL)
        must(SSL_CTX_use_certificate_chain_file(c->ctx, o->certificate) == 1 &&
                 SSL_CTX_use_PrivateKey_file(c->ctx, o->key,
                                             SSL_FILETYPE_PEM) == 1,
             "no client certificate");
}

void tls_begin(struct tls_client *c, uint16_t port, const struct tls_options *o)
{
    memset(c, 0, offsetof(struct tls_client, in));
    c->fd = connect_to(port, o->receive_buffer);
    c->ctx = SSL_CTX_new(TLS_client_method());
    must(c->ctx != NULL, "no memory");
    set_up(c, o);
    c->ssl = SSL_new(c->ctx);
    must(c->ssl != NULL, "no memory");
    SSL_set_app_data(c->ssl, c);
    SSL_set_connect_state(c->ssl);
    SSL_set_fd(c->ssl, c->fd);
    if (o->host != NULL)
        SSL_set_tlsext_host_name(c->ssl, o->host);
    if (o->alpn != NULL)
        SSL_set_alpn_protos(c->ssl, (const unsigned char *)o->alpn,
                            (unsigned)strlen(o->alpn));
    if (o->session != NULL)
        SSL_set_session(c->ssl, o->session);
}

bool tls_open(struct tls_client *c, uint16_t port, const struct tls_options *o)
{
    tls_begin(c, port, o);
    bool ok = SSL_connect(c->ssl) == 1;
    ERR_clear_error();
    return ok;
}

void tls_fini(struct tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    SSL_SESSION_free(c->ticket);
    if (c->fd >= 0)
        close(c->fd);
    c->ssl = NULL;
    c->ctx = NULL;
    c->ticket = NULL;
    c->fd = -1;
}

const char *tls_server_name(struct tls_client *c)
{
    static _Thread_local char name[64];
    X509 *x = SSL_get0_peer_certificate(c->ssl);

    if (x == NULL)
        return NULL;
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name,
                              sizeof name);
    return name;
}

/* --- Talking --- */

bool tls_put(struct tls_client *c, const void *bytes, size_t len)
{
    int n = SSL_write(c->ssl, bytes, (int)len);

    ERR_clear_error();
    return n == (int)len;
}

static bool get(struct tls_client *c, void *to, size_t len)
{
    for (size_t got = 0; got < len;) {
        int n = SSL_read(c->ssl, (char *)to + got, (int)(len - got));

        ERR_clear_error();
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

bool tls_upgrade(struct tls_client *c)
{
    static const char request[] =
        "GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n";
    size_t len = 0;

    if (!tls_put(c, request, sizeof request - 1))
        return false;
    while (len < 4 || memcmp(c->in + len - 4, "\r\n\r\n", 4) != 0) {
        if (!get(c, c->in + len, 1))
            return false;
        len++;
    }
    return strncmp(c->in, "HTTP/1.1 101 ", 13) == 0;
}

bool tls_say(struct tls_client *c, const char *text)
{
    size_t len = strlen(text), at = 2;
    unsigned char *frame = calloc(1, len + 8); /* masked with zeros */

    must(frame != NULL && len < 65536, "frame");
    frame[0] = 0x81;
    frame[1] = len < 126 ? (unsigned char)(0x80 | len) : 0x80 | 126;
    if (len >= 126) {
        frame[2] = (unsigned char)(len >> 8);
        frame[3] = (unsigned char)len;
        at = 4;
    }
    memcpy(frame + at + 4, text, len);
    bool ok = tls_put(c, frame, at + 4 + len);
    free(frame);
    return ok;
}

bool tls_hear(struct tls_client *c)
{
    unsigned char h[10];
    size_t len;

    if (!get(c, h, 2))
        return false;
    len = h[1];
    if (len == 126) {
        if (!get(c, h + 2, 2))
            return false;
        len = (size_t)h[2] << 8 | h[3];
    } else if (len == 127) {
        if (!get(c, h + 2, 8))
            return false;
        len = (size_t)h[7] << 16 | (size_t)h[8] << 8 | h[9];
    }
    must(len < sizeof c->in, "a large message");
    c->in[len] = '\0';
    return get(c, c->in, len) && (h[0] & 0x0f) == 1;
}

bool tls_enter(struct tls_client *c)
{
    return tls_upgrade(c) && tls_say(c, "{\"id\":1,\"connect\":{}}") &&
           tls_hear(c) &&
           tls_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}") &&
           tls_hear(c) && strstr(c->in, "\"subscribe\"") != NULL;
}

bool tls_await_notify(struct tls_client *c)
{
    int n;

    while ((n = SSL_read(c->ssl, c->in, sizeof c->in)) > 0)
        continue;
    int error = SSL_get_error(c->ssl, n);
    ERR_clear_error();
    return error == SSL_ERROR_ZERO_RETURN;
}
