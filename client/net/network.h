/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - byte streams to servers, as the modules above see them.
 *
 * A stream is one attempt to reach a server, and then the bytes to and from it.
 * Sockets are one network; a simulation is another. */
#ifndef PLC_NETWORK_H
#define PLC_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

struct plc_network;
struct plc_stream;

/* Where to, and how.  The strings outlive the stream. */
struct plc_target {
    const char *host; /* a name, or a numeric address without brackets */
    uint16_t port;
    bool is_tls;
    const char *tls_name;   /* the name in the certificate; NULL: `host` */
    const char *proxy_host; /* NULL: no proxy */
    uint16_t proxy_port;
    const char *proxy_user; /* NULL: none */
    const char *proxy_word; /* its password */
    /* Instead of the network's resolver; it ends in plc_resolved(). */
    void (*resolve)(const char *host, void *answer, void *arg);
    void *resolve_arg;
    struct plc_tls_settings *tls;  /* NULL without `is_tls` */
    struct plc_tls_ticket *ticket; /* NULL: sessions are not resumed */
};

/* What a stream reports to its user, on the loop's thread.  In each of these
 * the user may make any call, plc_stream_close() too. */
struct plc_stream_user {
    /* The server is reached; bytes may be written. */
    void (*opened)(void *user);
    /* Bytes have come.  Owner: the stream, until it returns. */
    void (*came)(void *user, struct pl_span bytes);
    /* After plc_stream_write() took less than all: it takes more now. */
    void (*writable)(void *user);
    /* The stream is over; only plc_stream_close() is left.  Called once, unless
     * the user closed before.  `is_clean`: the server ended it in order.  `why`
     * is a sentence, valid until it returns. */
    void (*ended)(void *user, enum pl_err err, bool is_clean, const char *why);
};

struct plc_stream_ops {
    size_t (*write)(struct plc_stream *s, struct pl_span bytes);
    void (*pause)(struct plc_stream *s, bool is_paused);
    void (*finish)(struct plc_stream *s);
    void (*close)(struct plc_stream *s);
};

/* The first member of each kind of stream. */
struct plc_stream {
    const struct plc_stream_ops *ops;
    bool is_resumed; /* its TLS session; set when it opens */
};

struct plc_network_ops {
    enum pl_err (*open)(struct plc_network *n, struct plc_stream **out,
                        const struct plc_target *target,
                        const struct plc_stream_user *calls, void *user);
};

/* The first member of each kind of network. */
struct plc_network {
    const struct plc_network_ops *ops;
};

/* Begin to reach `target`.  Nothing is called before this returns.
 * Owner:  the caller, until plc_stream_close().
 * Thread: the loop's, like all calls below.
 * Errors: PL_ENOMEM. */
static inline enum pl_err plc_stream_open(struct plc_network *n,
                                          struct plc_stream **out,
                                          const struct plc_target *target,
                                          const struct plc_stream_user *calls,
                                          void *user)
{
    return n->ops->open(n, out, target, calls, user);
}

/* Write what can be written now; return the number of bytes taken.  If it is
 * less than all, writable() follows. */
static inline size_t plc_stream_write(struct plc_stream *s,
                                      struct pl_span bytes)
{
    return s->ops->write(s, bytes);
}

/* Read nothing, and then read again; came() may be called before the second
 * returns. */
static inline void plc_stream_pause(struct plc_stream *s, bool is_paused)
{
    s->ops->pause(s, is_paused);
}

/* Write no more: the server sees the end, and ended() follows when it has ended
 * its side. */
static inline void plc_stream_finish(struct plc_stream *s)
{
    s->ops->finish(s);
}

/* Give up the stream, in whatever state; nothing is called after this. */
static inline void plc_stream_close(struct plc_stream *s)
{
    s->ops->close(s);
}

#endif
