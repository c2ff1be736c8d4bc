/* SPDX-License-Identifier: Apache-2.0 */
/* mischief.h - what hostile clients say. */
#ifndef MISCHIEF_H
#define MISCHIEF_H

#include <stddef.h>

#include "buf.h"

/* A good opening request without the empty line behind it. */
#define MISCHIEF_HEAD                                                          \
    "GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"                \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"                            \
    "Sec-WebSocket-Version: 13\r\n"                                            \
    "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"

/* The bytes of a whole visit, and where its parts begin. */
enum { MISCHIEF_PARTS = 8 };
struct mischief_visit {
    struct pl_buf bytes; /* owned by who made it */
    size_t part[MISCHIEF_PARTS];
};

void mischief_visit_make(struct mischief_visit *v);

/* One of several kinds of garbage, from far outside to deep inside. */
void mischief_put_garbage(struct pl_buf *b, unsigned kind, unsigned *seed);

#endif
