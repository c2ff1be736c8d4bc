/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - the bytes between the suite and the server under test.
 *
 * The only place that knows what carries them; all calls block up to a
 * deadline. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* A server must say what it has to say, and end the connection after the
 * closing handshake, within this.  RFC 6455 section 7.1.1 gives no number; a
 * sound server needs milliseconds. */
enum { LINK_DEADLINE_MS = 4000 };

struct ssl_st;

struct link {
    int fd;
    struct ssl_st *ssl; /* owned; NULL: plain */
    bool has_ended;     /* we said that no more comes */
};

enum link_got {
    LINK_GOT,
    LINK_END,   /* the server has ended the connection in order: over TLS with
                   a close_notify before the FIN */
    LINK_RESET, /* or without order */
    LINK_LATE   /* nothing came before the deadline */
};

/* With TLS the handshake is made too; the certificate is not looked at. */
void link_open(struct link *l, uint16_t port, bool is_tls);
void link_close(struct link *l);

/* False: the server does not take more, or we have ended. */
bool link_write(struct link *l, const void *bytes, size_t len);

/* Say that no more comes. */
void link_end(struct link *l);

/* Append what comes next to `in`. */
enum link_got link_read(struct link *l, struct pl_buf *in);

#endif
