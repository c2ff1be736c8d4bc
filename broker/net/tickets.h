/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.h - the keys of TLS session tickets (RFC 5077; RFC 8446, 4.6.1),
 * which every loop works out by itself.  Private to the room. */
#ifndef PL_TICKETS_H
#define PL_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

struct ssl_ctx_st;
struct ssl_st;

enum { PL_TICKET_SECRET = 32 };

/* One period's keys. */
struct pl_ticket_key {
    unsigned char name[16]; /* in the clear in each ticket */
    unsigned char cipher[32];
    unsigned char mac[32];
};

/* Written only by the thread of the connections that use it. */
struct pl_tickets {
    uint64_t period_ms;
    uint64_t period; /* the current one's number; loop time */
    unsigned char chain[PL_TICKET_SECRET];
    struct pl_ticket_key now;    /* makes tickets and takes them */
    struct pl_ticket_key before; /* takes them, for a new one */
    bool has_before;
};

/* Begin at `now_ms`, loop time.  Those with the same secret, period and start
 * take each other's tickets at any later time.  False: OpenSSL failed. */
bool pl_tickets_init(struct pl_tickets *t,
                     const unsigned char secret[PL_TICKET_SECRET],
                     uint64_t period_ms, uint64_t now_ms);

/* Rotate as often as it is due at `now_ms`.  False: OpenSSL failed; a later
 * call goes on where this one ended. */
bool pl_tickets_advance(struct pl_tickets *t, uint64_t now_ms);

/* Wipe it. */
void pl_tickets_fini(struct pl_tickets *t);

/* Connections of `ctx` use the tickets that pl_tickets_attach() names.
 * False: OpenSSL failed. */
bool pl_tickets_use(struct ssl_ctx_st *ctx);
void pl_tickets_attach(struct ssl_st *ssl, struct pl_tickets *t);

#endif
