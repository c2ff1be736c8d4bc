/* SPDX-License-Identifier: Apache-2.0 */
/* hear.h - what the server says, read strictly.
 *
 * Whatever RFC 6455 and 7692 forbid a server is told as the kind "broken".  The
 * broker's decoder is not used: it would share its mistakes. */
#ifndef HEAR_H
#define HEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "link.h"

struct packer; /* pack.h */

/* All zero but for `link` and `told` is one before the answer to the opening.
 */
struct hearing {
    struct link *link;
    struct packer *packer; /* what was agreed; NULL: no compression */
    /* A "text" or "binary", "ping" or "pong", a "close" with its code as
     * digits, "broken" with why, or at the end "end", "reset" or "late". */
    void (*told)(struct hearing *h, const char *kind, struct pl_span payload);
    struct pl_buf in;      /* what came */
    size_t taken;          /* bytes of it that were understood */
    struct pl_buf message; /* fragments so far */
    unsigned opcode;       /* of the message being gathered; 0: none */
    bool is_packed;        /* it is compressed */
    bool has_closed;       /* a Close came */
    bool is_broken;
};

void hear_broken(struct hearing *h, const char *why);

/* The length of the head of the answer, which is then taken; 0: none came. */
size_t hear_head(struct hearing *h);

/* The value of the head's Sec-WebSocket-Extensions; absent: none. */
struct pl_span hear_extensions(const struct hearing *h, size_t head);

/* Read once and tell what is whole. */
enum link_got hear_more(struct hearing *h);

/* Tell all until the end, and that. */
void hear_out(struct hearing *h);

/* Free what was read; the link and the packer are others'. */
void hear_fini(struct hearing *h);

#endif
