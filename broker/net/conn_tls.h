/* SPDX-License-Identifier: Apache-2.0 */
/* conn_tls.h - a connection whose bytes go through TLS.  Private to the room.
 */
#ifndef PL_CONN_TLS_H
#define PL_CONN_TLS_H

#include "buf.h"
#include "conn.h"
#include "tickets.h"
#include "tls.h"

struct bio_method_st;

/* What the TLS connections of a loop share. */
struct pl_conns_tls {
    struct pl_tls *tls; /* held: what new connections get */
    struct bio_method_st *bio;
    struct pl_tickets tickets;
    struct pl_buf out; /* what OpenSSL wrote in one call; empty between them */
};

/* Errors: PL_ENOMEM.  Thread: any before the loop runs, then the loop's. */
enum pl_err pl_conns_tls_create(struct pl_conns_tls **out, struct pl_tls *tls,
                                const struct pl_tls_seed *seed);

/* New connections get `tls` from now on. */
void pl_conns_tls_replace(struct pl_conns_tls *s, struct pl_tls *tls);

/* After the last connection.  NULL is allowed. */
void pl_conns_tls_destroy(struct pl_conns_tls *s);

/* The transport of a TLS session: the plain one's fields first. */
struct pl_conn_tls {
    struct pl_conn conn;    /* first */
    struct ssl_st *ssl;     /* owned; NULL: none */
    struct pl_tls *tls;     /* held */
    struct pl_buf tail;     /* encrypted, but not taken by the kernel yet */
    size_t tail_sent;       /* of it */
    size_t taken;           /* bytes read from the socket in this call */
    uint32_t updates;       /* of keys by the peer ... */
    uint32_t update_second; /* ... in this second of the loop's time */
    bool is_drained;        /* the kernel has no more input for now */
    bool is_open;           /* the handshake is done */
    bool is_ended;          /* the peer's close_notify came */
    bool is_failed;         /* nothing can be read or written any more */
    bool is_held_back;      /* reading waits for the tail to go */
};

extern const struct pl_conn_io pl_conn_io_tls;

#endif
