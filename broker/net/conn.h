/* SPDX-License-Identifier: Apache-2.0 */
/* conn.h - one socket, and what is above its bytes: a session, or a connection
 * of an HTTP server.  Private to the room. */
#ifndef PL_CONN_H
#define PL_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/uio.h>

#include "loop.h"
#include "metrics.h"
#include "session.h"

enum {
    PL_READ_BYTES = 64 * 1024, /* one read */
    PL_READ_PACKED = 4 * 1024, /* one read of what may be inflated */
    PL_JOIN_BYTES = 64 * 1024, /* pieces up to this are joined */
    PL_PIECES = 64             /* of one write */
};

struct pl_conn;
struct pl_conns;
struct pl_conns_tls; /* conn_tls.h */
struct pl_config;
struct pl_guest; /* doors.h */
struct pl_proxy; /* proxy.h */
struct pl_web;   /* web.h */

/* How bytes get through a socket: plain here; TLS has another table.  Both
 * give what read(2) and sendmsg(2) give, errno included. */
struct pl_conn_io {
    size_t size; /* of the transport, which begins with a pl_conn */
    ssize_t (*read)(struct pl_conn *c, void *to, size_t len);
    ssize_t (*write)(struct pl_conn *c, const struct iovec *iov, int count);
    /* What follows may be NULL: there is nothing to do. */
    enum pl_err (*init)(struct pl_conn *c); /* PL_ENOMEM: free() comes next */
    int (*drain)(struct pl_conn *c);        /* send what write() has left over,
                                               0, or -1 and errno */
    bool (*finish)(struct pl_conn *c); /* say that no more comes; false: that
                                          waits for the kernel */
    void (*free)(struct pl_conn *c);
    /* Whether the next read may have to answer a handshake of TLS. */
    bool (*is_greeting)(const struct pl_conn *c);
};

extern const struct pl_conn_io pl_conn_io_plain;

/* Those of a trusted proxy that says first whose the connection is; they become
 * the plain one and that of TLS. */
extern const struct pl_conn_io pl_conn_io_proxy_plain, pl_conn_io_proxy_tls;

/* What is above the connections of one pl_conns. */
struct pl_conn_above {
    /* A new one on `fd`, with `size` bytes for its transport; whatever the
     * result, `fd` is the caller's. */
    enum pl_err (*create)(struct pl_conn **out, struct pl_conns *k, int fd,
                          size_t size);
    /* Reading begins; bytes arrived; whether more may be read at once. */
    void (*visit)(struct pl_conn *c);
    void (*input)(struct pl_conn *c, char *bytes, size_t len);
    bool (*may_go_on)(const struct pl_conn *c);
    /* Whether input may be inflated, so should be read in small pieces. */
    bool (*inflates)(const struct pl_conn *c);
    /* The peer sends no more.  False: the connection is over. */
    bool (*ended)(struct pl_conn *c);
    int (*output)(struct pl_conn *c, struct iovec *iov, int max);
    void (*sent)(struct pl_conn *c, uint64_t bytes);
    void (*stalled)(struct pl_conn *c);
    void (*waits)(struct pl_conn *c);
    void (*gone)(struct pl_conn *c, const char *why);
};

extern const struct pl_conn_above pl_conn_above_session, pl_conn_above_web;

/* Connections to be read when a turn has time, in order. */
struct pl_conn_queue {
    struct pl_conn *first;
    struct pl_conn *last; /* while there is a first */
};

/* What the connections of a loop share. */
struct pl_conns {
    struct pl_actor actor; /* first */
    struct pl_reactor *reactor;
    const struct pl_conn_above *above;
    struct pl_keeper *keeper; /* of sessions */
    struct pl_web *web;       /* of an HTTP server */
    bool is_trusted;          /* its clients need no key */
    struct pl_metrics *metrics;
    struct pl_poller *poller; /* owned */
    struct pl_conn_queue ready;
    struct pl_conn_queue greeting; /* those whose TLS handshake is not done */
    struct pl_task read_ready;
    struct pl_conns_tls *tls;       /* owned; NULL: none of them uses TLS */
    const struct pl_config *config; /* NULL: there are no doors */
    struct pl_metrics unlisted;     /* what an HTTP server does not show */
    char in[PL_READ_BYTES];
    char out[PL_JOIN_BYTES];
};

/* The transport's part of what is above. */
struct pl_conn {
    struct pl_conns *conns;
    const struct pl_conn_io *io;
    struct pl_conn *next; /* of the queue that has it */
    int fd;               /* -1: closed */
    bool is_ready : 1;    /* in conns->ready, or ... */
    bool is_greeting : 1; /* ... if this is set, too, in conns->greeting */
    bool is_paused : 1;
    bool is_unread : 1;    /* an edge came that was not read to its end */
    bool is_hung_up : 1;   /* the peer's FIN is there, behind what is unread */
    bool is_stalled : 1;   /* the kernel takes no more; an edge will tell */
    bool is_ending : 1;    /* close when what is queued was sent */
    bool is_lingering : 1; /* after that, wait for the peer */
    bool is_cut : 1;       /* the last read left input that no edge tells of */
    bool has_guest : 1;    /* a place for one follows the transport's bytes */
};

/* What the poller saw of a connection, and what the queues have. */
void pl_conn_on_event(void *conn, uint32_t events);
void pl_conn_read_ready(struct pl_task *t);

/* `guest` may be NULL.  Errors: PL_ENOMEM; the socket is closed then. */
enum pl_err pl_conn_open(struct pl_conns *k, int fd,
                         const struct pl_conn_io *io, struct pl_guest *guest);

/* guest.c: the guest becomes the connection's; and goes back to the doors. */
void pl_conn_keep(struct pl_conn *c, struct pl_guest *g);
void pl_conn_dismiss(struct pl_conn *c);

/* A guest that was asked about is back.  Owner: the conns. */
void pl_conns_on_guest(struct pl_conns *k, struct pl_guest *g);

/* What a trusted proxy said about whom it speaks for. */
void pl_conn_believe(struct pl_conn *c, const struct pl_proxy *said);

/* What is above wants this; see session.h and web.h. */
void pl_conn_write(struct pl_conn *c);
void pl_conn_write_last(struct pl_conn *c); /* its last words are there */
void pl_conn_pause(struct pl_conn *c);
void pl_conn_resume(struct pl_conn *c);
void pl_conn_end(struct pl_conn *c, enum pl_end how);
void pl_conn_let_go(struct pl_conn *c); /* close, and tell nothing above */
enum pl_admission pl_conn_admit(struct pl_session *s, struct pl_span list);
void pl_conn_peer(struct pl_conn *c, char text[PL_IP_TEXT_MAX]);

#endif
