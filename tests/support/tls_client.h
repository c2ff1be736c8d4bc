/* SPDX-License-Identifier: Apache-2.0 */
/* tls_client.h - certificates made by a test, and a TLS client that uses them.
 *
 * It is not the client library: tests cut its handshakes, mix versions and
 * certificates, and write half records.  Sockets block, with a deadline; what
 * cannot go wrong in a working test ends the program when it does.  Thread: one
 * at a time for each client. */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum { TLS_DEADLINE_S = 60 };

/* A folder of its own, with files made in it. */
struct tls_folder {
    char path[64];
};

void tls_folder_init(struct tls_folder *f);
void tls_folder_fini(struct tls_folder *f); /* removes it */

/* "<folder>/<name>", good until the eighth call after this one. */
const char *tls_file(const struct tls_folder *f, const char *name);

/* Make <name>.pem and <name>.key: a certificate for the host name `host`, NULL:
 * a CA's.  It is signed by the CA `issuer` of the same folder, NULL: by itself.
 */
void tls_make(const struct tls_folder *f, const char *name, const char *host,
              const char *issuer);

/* The same, a certificate that was good until an hour ago. */
void tls_make_expired(const struct tls_folder *f, const char *name,
                      const char *host, const char *issuer);

/* Put this text, or another file's content, in a file. */
void tls_write(const struct tls_folder *f, const char *name, const char *text);
void tls_copy(const struct tls_folder *f, const char *from, const char *to);

struct tls_options {
    const char *host;        /* SNI; NULL: none */
    int version;             /* TLS1_2_VERSION and so on; 0: any */
    const char *alpn;        /* in wire form, "\x08http/1.1"; NULL: none */
    const char *groups;      /* of the key exchange; NULL: the usual */
    const char *certificate; /* with its key; NULL: none */
    const char *key;         /* file */
    SSL_SESSION *session;    /* to resume; NULL: none */
    int receive_buffer;      /* bytes of the socket's; 0: the usual */
};

struct tls_client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    SSL_SESSION *ticket; /* the newest that came; NULL: none */
    char in[1 << 17];    /* of hear() */
};

/* The socket and the SSL, without a handshake. */
void tls_begin(struct tls_client *c, uint16_t port,
               const struct tls_options *o);

/* The same with it; false: it failed.  The client is finished in both cases. */
bool tls_open(struct tls_client *c, uint16_t port, const struct tls_options *o);
void tls_fini(struct tls_client *c);

/* The common name in the server's certificate; NULL: it showed none, as when a
 * session is resumed that had none. */
const char *tls_server_name(struct tls_client *c);

/* --- After the handshake; false when the connection is over --- */

bool tls_put(struct tls_client *c, const void *bytes, size_t len);

/* The opening handshake of the WebSocket: it was accepted. */
bool tls_upgrade(struct tls_client *c);

/* One text message each way.  What is heard is in c->in, and a zero byte. */
bool tls_say(struct tls_client *c, const char *text);
bool tls_hear(struct tls_client *c);

/* Upgrade, connect, and subscribe to "room". */
bool tls_enter(struct tls_client *c);

/* Read to the end: whether it came with a close_notify. */
bool tls_await_notify(struct tls_client *c);

#endif
