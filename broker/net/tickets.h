/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.h - the keys of TLS session tickets (RFC 5077; RFC 8446 section
 * 4.6.1), which each loop derives by itself.  Private to this module. */
#ifndef PL_TICKETS_H
#define PL_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

struct ssl_ctx_st;
struct ssl_st;

enum { PL_TICKET_SECRET = 32 };

/* The keys of one period. */
struct pl_ticket_key {
    unsigned char name[16]; /* sent in the clear with each ticket */
    unsigned char cipher[32];
    unsigned char mac[32];
};

/* Thread: the loop of the connections that use it. */
struct pl_tickets {
    uint64_t period_ms;
    uint64_t period; /* number of the current period, by loop time */
    unsigned char chain[PL_TICKET_SECRET];
    struct pl_ticket_key now;    /* encrypts and decrypts tickets */
    struct pl_ticket_key before; /* decrypts tickets, which are then replaced */
    bool has_before;
};

/* Start at `now_ms`, loop time.  Instances with the same secret, period and
 * start accept each other's tickets at any later time.  Return false if OpenSSL
 * fails. */
bool pl_tickets_init(struct pl_tickets *t,
                     const unsigned char secret[PL_TICKET_SECRET],
                     uint64_t period_ms, uint64_t now_ms);

/* Rotate as often as is due at `now_ms`.  Return false if OpenSSL fails; a
 * later call continues where this one ended. */
bool pl_tickets_advance(struct pl_tickets *t, uint64_t now_ms);

/* Wipe the keys. */
void pl_tickets_fini(struct pl_tickets *t);

/* pl_tickets_use(): have the connections of `ctx` use the tickets set by
 * pl_tickets_attach().  Return false if OpenSSL fails. */
bool pl_tickets_use(struct ssl_ctx_st *ctx);
void pl_tickets_attach(struct ssl_st *ssl, struct pl_tickets *t);

#endif
