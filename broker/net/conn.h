/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - one socket and its upper layer: a session, or a connection of an
 * HTTP server.  Private to this module. */
#ifndef PL_CONN_H
#define PL_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "loop.h"
#include "metrics.h"
#include "ws_link.h"

enum {
    PL_READ_BYTES = 64 * 1024, /* bytes of one read */
    PL_READ_PACKED = 4 * 1024, /* bytes of one read of input that may be
                                  inflated */
    PL_JOIN_BYTES = 64 * 1024, /* output up to this size is joined into one
                                  buffer */
    PL_PIECES = 64             /* most pieces of one write */
};

struct pl_conn;
struct pl_conns;
struct pl_move_mail; /* conns_mail.h */
struct pl_conns_tls; /* conn_tls.h */
struct pl_net_settings;
struct pl_admission_record; /* address_limiter.h */
struct pl_proxy;            /* proxy.h */
struct pl_web;              /* web.h */

/* A table of functions that move bytes through a socket: plain, TLS, or PROXY
 * header.  read() and write() return what read(2) and sendmsg(2) return,
 * including errno. */
struct pl_conn_io {
    size_t size; /* of the transport, which begins with a pl_conn */
    ssize_t (*read)(struct pl_conn *c, void *to, size_t len);
    ssize_t (*write)(struct pl_conn *c, const struct iovec *iov, int count);
    /* The functions below may be NULL. */
    enum pl_err (*init)(struct pl_conn *c); /* PL_ENOMEM: free() follows */
    int (*drain)(struct pl_conn *c);        /* send what write() has kept; 0, or
                                               -1 and errno */
    bool (*finish)(struct pl_conn *c); /* announce the end of output; false: not
                                          sent yet, an EPOLLOUT edge is due */
    void (*free)(struct pl_conn *c);
    /* Return true if the next read may have to reply to a TLS handshake. */
    bool (*is_greeting)(const struct pl_conn *c);
};

extern const struct pl_conn_io pl_conn_io_plain;

/* For a connection from a trusted proxy: read its PROXY header, then switch the
 * connection to the plain or TLS table. */
extern const struct pl_conn_io pl_conn_io_proxy_plain, pl_conn_io_proxy_tls;

/* The upper layer of all connections of one pl_conns. */
struct pl_conn_above {
    /* Create a connection for `fd` with `size` bytes for its transport.  The
     * caller keeps `fd`, also on success. */
    enum pl_err (*create)(struct pl_conn **out, struct pl_conns *k, int fd,
                          size_t size);
    /* Reading starts; input arrived; return true if more may be read in this
     * visit. */
    void (*visit)(struct pl_conn *c);
    void (*input)(struct pl_conn *c, char *bytes, size_t len);
    bool (*may_go_on)(const struct pl_conn *c);
    /* Return true if input may be compressed: read it in small pieces. */
    bool (*inflates)(const struct pl_conn *c);
    /* The peer ended its half.  Return false to close the connection. */
    bool (*ended)(struct pl_conn *c);
    int (*output)(struct pl_conn *c, struct iovec *iov, int max);
    void (*sent)(struct pl_conn *c, uint64_t bytes);
    void (*stalled)(struct pl_conn *c);
    void (*waits)(struct pl_conn *c);
    void (*gone)(struct pl_conn *c, const char *why);
};

extern const struct pl_conn_above pl_conn_above_session, pl_conn_above_web;

/* Connections to read as soon as a turn has time, in order. */
struct pl_conn_queue {
    struct pl_conn *first;
    struct pl_conn *last; /* valid if first is not NULL */
};

/* The connections of one loop and what they share. */
struct pl_conns {
    struct pl_actor actor; /* first member */
    struct pl_reactor *reactor;
    const struct pl_conn_above *above;
    struct pl_session_manager *manager; /* with sessions, otherwise NULL */
    struct pl_web *web; /* with an HTTP server, otherwise NULL */
    bool is_trusted;    /* its clients need no key */
    struct pl_metrics *metrics;
    struct pl_poller *poller; /* owned */
    struct pl_conn_queue ready;
    struct pl_conn_queue greeting; /* connections in a TLS handshake */
    struct pl_task read_ready;
    struct pl_conns_tls *tls;    /* owned; NULL: no TLS */
    struct pl_address web_conns; /* with sessions: takes over what asks for the
                                    server API; no address: none does */
    const struct pl_net_settings *config; /* NULL: no address limiter */
    struct pl_metrics unlisted;           /* the metrics of an HTTP server; not
                                             reported */
    char in[PL_READ_BYTES];
    char out[PL_JOIN_BYTES];
};

/* Where a connection waits to be read. */
enum pl_conn_place { PL_CONN_NOWHERE, PL_CONN_READY, PL_CONN_GREETING };

/* The transport part of a connection, allocated with the upper layer. */
struct pl_conn {
    struct pl_conns *conns;
    const struct pl_conn_io *io;
    struct pl_conn *next; /* in its queue */
    int fd;               /* -1: closed */
    uint8_t queue : 2;    /* enum pl_conn_place */
    uint8_t end : 2;      /* enum pl_end, after the queued output is sent;
                             PL_END_AT_ONCE: it stays */
    bool is_paused : 1;
    bool is_unread : 1;  /* an edge was not read to its end */
    bool is_hung_up : 1; /* the peer's FIN arrived, after the unread input */
    bool is_stalled : 1; /* the kernel accepts no more; an edge is due */
    bool has_more_input : 1; /* the last read stopped early; no edge will report
                                the remaining input */
    bool has_record : 1;     /* a pointer to an admission record follows the
                                transport's bytes */
};

/* Called by the poller for one connection, and by the loop for the queues. */
void pl_conn_on_event(void *conn, uint32_t events);
void pl_conn_read_ready(struct pl_task *t);

/* Create a connection.  `record` may be NULL.
 * Owner:  takes `fd` and `record`, also on error.
 * Errors: PL_ENOMEM, PL_EFULL, PL_ESTOPPING. */
enum pl_err pl_conn_open(struct pl_conns *k, int fd,
                         const struct pl_conn_io *io,
                         struct pl_admission_record *record);

/* conn.c.  Take the socket out of the connection, which ends without it. */
int pl_conn_take_out(struct pl_conn *c);

/* conn.c.  Read the connection soon, whether or not an edge comes. */
void pl_conn_read_soon(struct pl_conn *c);

/* conn_move.c.  Hand the connection of a session over to the HTTP server,
 * together with `in`, the bytes that it has sent so far, and end the session.
 * Return false, and change nothing, if there is no server or no memory. */
bool pl_conn_divert(struct pl_session *s, struct pl_span in);
void pl_conns_on_move(struct pl_conns *k, struct pl_move_mail *m);

/* admission.c.  Write the address of the client, as far as it is known. */
struct pl_ip pl_conn_ip(struct pl_conn *c);

/* conn_web.c.  The address of a connection that was handed over. */
void pl_conn_web_name(struct pl_conn *c, const struct pl_ip *from);

/* admission.c.  Give the admission record to the connection; return it to the
 * address limiter. */
void pl_conn_keep(struct pl_conn *c, struct pl_admission_record *record);
void pl_conn_dismiss(struct pl_conn *c);

/* admission.c.  An admission record returned from the address limiter.
 * Owner: the conns. */
void pl_conns_on_admission(struct pl_conns *k,
                           struct pl_admission_record *record);

/* admission.c.  Apply the PROXY header of a trusted proxy. */
void pl_conn_believe(struct pl_conn *c, const struct pl_proxy *said);

/* Requests of the upper layer; see session.h and web.h. */
void pl_conn_write(struct pl_conn *c);
void pl_conn_write_last(struct pl_conn *c); /* a Close is queued */
void pl_conn_pause(struct pl_conn *c);
void pl_conn_resume(struct pl_conn *c);
void pl_conn_end(struct pl_conn *c, enum pl_end how);
void pl_conn_let_go(struct pl_conn *c); /* close without calling the upper
                                           layer */
enum pl_admission pl_conn_admit(struct pl_session *s,
                                const struct pl_proxy_lists *lists);
void pl_conn_peer(struct pl_conn *c, char text[PL_IP_TEXT_MAX]);

#endif
