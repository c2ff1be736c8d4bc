/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - one connection of a client: TCP, TLS if wanted, the opening
 * handshake, and messages each way.  At rest it owns no buffer, since a
 * process has thousands of them. */
#ifndef LOAD_LINK_H
#define LOAD_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "buf.h"
#include "decoder.h"
#include "deflate.h"

enum link_state { LINK_CLOSED, LINK_TCP, LINK_TLS, LINK_HTTP, LINK_OPEN };

struct link;

/* What all links of a process share. */
struct link_net {
    int epoll;
    uint16_t port;
    SSL_CTX *tls; /* owned; NULL: plain */
    bool resumes; /* a link that comes back shows its session ticket */
    bool offers_deflate;
    struct pl_ws_limits limits;
    struct pl_inflater inflater;
    uint32_t source; /* of the next link: spreads them over 127.0.0.0/8 */
    uint64_t handshakes, resumed, deflated, bytes_in;
    void (*opened)(struct link *l);
    void (*message)(struct link *l, struct pl_span message);
    void (*closed)(struct link *l, uint16_t code); /* 0: without a Close */
};

struct link {
    struct link_net *net;
    SSL *ssl;            /* owned */
    SSL_SESSION *ticket; /* owned; outlives a connection */
    struct pl_buf out;   /* what the kernel has not taken */
    struct pl_buf head;  /* the answer so far, while LINK_HTTP */
    struct pl_ws_decoder ws;
    int fd;
    uint8_t state; /* enum link_state */
};

/* Errors end the process: without TLS there is nothing to measure. */
void link_net_init(struct link_net *n, bool tls, bool resumes, bool deflate);
void link_net_fini(struct link_net *n);

/* All zero but for `net`, a link is closed.  Begin to connect: opened() is
 * called when messages may be sent. */
void link_begin(struct link *l);

/* Something is ready; the link may be closed after that. */
void link_run(struct link *l);

/* Send a message. */
void link_say(struct link *l, struct pl_span message);

/* End it with a reset, which leaves no port waiting; closed() is not called. */
void link_abort(struct link *l);

/* The same, and forget its ticket. */
void link_fini(struct link *l);

#endif
