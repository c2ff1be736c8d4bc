/* SPDX-License-Identifier: Apache-2.0 */
/* raw_server.h - a server on the loopback, every byte of which the test
 * chooses: for clients that must stand what no honest server does.
 *
 * It has one connection at a time.  Calls block, with a deadline; what cannot
 * go wrong in a working test ends the program when it does.  Thread: one. */
#ifndef RAW_SERVER_H
#define RAW_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "buf.h"
#include "decoder.h"

enum { RAW_DEADLINE_S = 60 };

struct raw_server {
    int listener, fd; /* -1: none */
    uint16_t port;
    SSL *ssl; /* NULL: no TLS, or not yet */
    struct pl_ws_decoder decoder;
    struct pl_buf in;   /* bytes that are not decoded yet */
    struct pl_buf text; /* what raw_hear() returned */
};

void raw_listen(struct raw_server *s);
void raw_fini(struct raw_server *s);

/* Close the connection that there is, if any, and accept the next. */
void raw_accept(struct raw_server *s);
/* Shake hands by TLS; false: it failed. */
bool raw_secure(struct raw_server *s, SSL_CTX *context);

/* Read up to `size` bytes; 0: the end, also by a reset. */
size_t raw_take(struct raw_server *s, void *to, size_t size);
void raw_put(struct raw_server *s, const void *bytes, size_t len);

/* Read a request, which ends at an empty line, and answer it with a 101. */
void raw_upgrade(struct raw_server *s);

/* The text of the next message, "<close 1000>" or "<end>".  Pings and pongs are
 * passed over. */
const char *raw_hear(struct raw_server *s);
void raw_say(struct raw_server *s, const char *text);
void raw_say_close(struct raw_server *s, uint16_t code, const char *reason);

/* Accept, upgrade, and answer the connect command that comes with `result`. */
void raw_login(struct raw_server *s, const char *result);
/* The number of the first command in `text`. */
unsigned raw_id(const char *text);

/* End the connection, without a word of WebSocket or TLS. */
void raw_end(struct raw_server *s);
void raw_reset(struct raw_server *s);

#endif
