/* SPDX-License-Identifier: Apache-2.0 */
/* conn_tls.h - a connection with TLS.  Private to this module. */
#ifndef PL_CONN_TLS_H
#define PL_CONN_TLS_H

#include "buf.h"
#include "conn.h"
#include "tickets.h"
#include "tls.h"

struct bio_method_st;

/* What the TLS connections of one loop share. */
struct pl_conns_tls {
    struct pl_tls *tls; /* own reference; used by new connections */
    struct bio_method_st *bio;
    struct pl_tickets tickets;
    struct pl_buf out; /* output of one OpenSSL call; empty between calls */
};

/* Errors: PL_ENOMEM.
 * Thread: any before the loop runs, then the loop's. */
enum pl_err pl_conns_tls_create(struct pl_conns_tls **out, struct pl_tls *tls,
                                const struct pl_tls_seed *seed);

/* Use `tls` for new connections from now on. */
void pl_conns_tls_replace(struct pl_conns_tls *s, struct pl_tls *tls);

/* Call this after the last connection was freed.  NULL is allowed. */
void pl_conns_tls_destroy(struct pl_conns_tls *s);

/* The transport of a TLS session. */
struct pl_conn_tls {
    struct pl_conn conn;    /* first member */
    struct ssl_st *ssl;     /* owned; NULL: none */
    struct pl_tls *tls;     /* own reference */
    struct pl_buf tail;     /* encrypted, but not accepted by the kernel yet */
    size_t tail_sent;       /* bytes of `tail` */
    size_t taken;           /* bytes read from the socket in this call */
    uint32_t updates;       /* key updates by the peer ... */
    uint32_t update_second; /* ... in this second of the loop's time */
    bool is_drained;        /* the kernel has no more input now */
    bool is_open;           /* the handshake is complete */
    bool is_ended;          /* the peer sent close_notify or closed */
    bool is_failed;         /* no more reads or writes are possible */
    bool is_throttled;      /* reading waits until the tail is sent */
};

extern const struct pl_conn_io pl_conn_io_tls;

/* The TLS of a connection that moves to another pl_conns (conn_move.c).  All
 * zero: none. */
struct pl_tls_kept {
    struct ssl_st *ssl; /* owned */
    struct pl_tls *tls; /* own reference */
    struct pl_buf tail;
    size_t tail_sent;
    bool is_ended;
};

/* Take the TLS out of `c`, which is plain afterwards.  Do nothing for a
 * connection without TLS. */
void pl_conn_tls_take_out(struct pl_conn *c, struct pl_tls_kept *out);

/* Give `c`, a new connection with the TLS table, the TLS in `kept`.
 * Owner:  `c` on PL_OK.
 * Errors: PL_ENOMEM. */
enum pl_err pl_conn_tls_put_in(struct pl_conn *c, struct pl_tls_kept *kept);
void pl_tls_kept_fini(struct pl_tls_kept *kept);

#endif
