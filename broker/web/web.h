/* SPDX-License-Identifier: Apache-2.0 */
/* web.h - an HTTP/1.1 server that knows no file descriptor: connections, their
 * requests, and the responses of a site.
 *
 * A transport (net, or a test) feeds input to a connection and sends its
 * output.  The server calls the site twice per request: when the head is
 * complete, before any byte of the body is stored, and when the body is
 * complete.  The site responds at once or later, with one response or a stream.
 * A connection serves one request at a time; later requests wait in a buffer of
 * at most one read.
 *
 * Everything is bounded (web.c has the numbers): connections in three shares,
 * the bytes of bodies and responses of all connections together, in two shares,
 * the time for a head, and the slowest rate of a body and of a reader.
 *
 * Thread: the server's loop, for every call and callback. */
#ifndef PL_WEB_H
#define PL_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "err.h"
#include "head.h"
#include "ip.h"
#include "metrics.h"
#include "span.h"

struct pl_loop;
struct pl_web;      /* opaque: one server */
struct pl_web_conn; /* opaque: one connection */

/* --- For a site --- */

struct pl_web_site {
    /* Called when the head of a request is complete.  To refuse the request,
     * respond now; if it has a body, the connection ends after the response.
     * Otherwise serve() follows. */
    void (*judge)(void *arg, struct pl_web_conn *c,
                  const struct pl_http_head *head);
    /* Called when the request is complete.  `body` may be changed in place and
     * is valid during the call, `head` until the response is sent.  Respond
     * now, or call pl_web_keep() and respond later. */
    void (*serve)(void *arg, struct pl_web_conn *c,
                  const struct pl_http_head *head, struct pl_span body);
};

struct pl_web_options {
    struct pl_loop *loop;
    const struct pl_web_site *site;
    void *arg;
    uint32_t limit;        /* most connections */
    const char *limit_key; /* of the configuration, for the log */
    uint64_t timeout_ms;   /* for a head, and for each 64 KiB of the rest */
    size_t body_max;       /* bytes of one request body */
    size_t stream_max;     /* unsent bytes of one stream */
    struct pl_metrics *metrics;
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_web_create(struct pl_web **out,
                          const struct pl_web_options *options);

/* End all connections at once, without callbacks to parties.  Refuse new
 * connections from now on. */
void pl_web_close(struct pl_web *web);

/* Free the server.  Call pl_web_close() first.  Connections that are not reaped
 * yet may outlive it.  NULL is allowed. */
void pl_web_destroy(struct pl_web *web);

/* An observer of the current request, embedded in an object of the site. */
struct pl_web_party {
    /* The connection closed before the response was sent, or during a stream.
     * Do not use the connection any more.  NULL: no callback. */
    void (*gone)(struct pl_web_party *p);
    /* The kernel accepted all output so far.  NULL: no callback. */
    void (*drained)(struct pl_web_party *p);
};

/* Report the events of the current request to `p`, until the kernel has the
 * whole response.  NULL: stop reporting. */
void pl_web_keep(struct pl_web_conn *c, struct pl_web_party *p);

/* Return true if the connection was accepted on a listener that requires no
 * key. */
bool pl_web_is_trusted(const struct pl_web_conn *c);

const struct pl_ip *pl_web_from(const struct pl_web_conn *c);

/* The peer stands for the client at `from`. */
void pl_web_name(struct pl_web_conn *c, const struct pl_ip *from);

/* Move the connection to the share of clients that have shown a key.  Return
 * false if that share is full; respond with 503.  Connections without a key are
 * few and short-lived, and end after one response. */
bool pl_web_admit(struct pl_web_conn *c);

struct pl_web_answer {
    int status;
    const char *type;    /* Content-Type; NULL: no content */
    struct pl_span body; /* not sent in reply to HEAD */
    const char *fields;  /* further header lines, each with CRLF; NULL: none */
    bool is_last;        /* end the connection after this response */
};

/* Send the response.  Send 503 instead if the unsent responses of all
 * connections hold too many bytes. */
void pl_web_reply(struct pl_web_conn *c, const struct pl_web_answer *answer);

/* Send a response with a JSON body that repeats the status and its reason,
 * followed by `why`.  NULL: no `why`, no further fields. */
void pl_web_reply_status(struct pl_web_conn *c, int status, const char *why,
                         const char *fields);

/* Send status 200 and start a body of unknown length: in chunks, or up to the
 * end of the connection for HTTP/1.0.  The connection ends with the body. */
void pl_web_stream_begin(struct pl_web_conn *c, const char *type);

/* Append `bytes` to the stream.
 * Errors: PL_EFULL (more than stream_max bytes would be unsent; an empty stream
 *         accepts any size), PL_ENOMEM. */
enum pl_err pl_web_stream_put(struct pl_web_conn *c, struct pl_span bytes);

/* End the body. */
void pl_web_stream_end(struct pl_web_conn *c);

/* End the connection at once, without a callback to its party. */
void pl_web_abort(struct pl_web_conn *c);

/* --- For a transport --- */

struct pl_web_transport_ops {
    /* Output is pending: send pl_web_output() until the kernel accepts no more,
     * and continue when the socket is writable again. */
    void (*flush)(struct pl_web_conn *c);
    /* Read no more input until resume(). */
    void (*pause)(struct pl_web_conn *c);
    void (*resume)(struct pl_web_conn *c);
    /* End the connection, at once or after all output is sent and the peer has
     * ended its half.  Then call pl_web_gone(). */
    void (*end)(struct pl_web_conn *c, bool at_once);
    /* Free what the transport keeps; the memory of the connection is about to
     * be freed. */
    void (*free)(struct pl_web_conn *c);
};

/* Create a connection with `transport_size` zeroed bytes for its transport.
 * `from` is the address of the peer, which the shares use.
 * Owner:  the connection itself, until pl_web_gone().
 * Errors: PL_ENOMEM, PL_EFULL (the share is full, or the server closed). */
enum pl_err pl_web_conn_create(struct pl_web_conn **out, struct pl_web *web,
                               bool is_trusted, const struct pl_ip *from,
                               const struct pl_web_transport_ops *transport,
                               size_t transport_size);

/* The bytes of the transport, aligned for pointers and freed with the
 * connection. */
void *pl_web_transport(struct pl_web_conn *c);
struct pl_web_conn *pl_web_of_transport(void *transport);

/* Process `bytes` of input. */
void pl_web_input(struct pl_web_conn *c, struct pl_span bytes);

/* The peer ended its half.  Return false if no output will follow; end the
 * connection then. */
bool pl_web_ended(struct pl_web_conn *c);

/* The bytes to send next; empty if there are none. */
struct pl_span pl_web_output(const struct pl_web_conn *c);

/* The kernel accepted the first `bytes` of pl_web_output(). */
void pl_web_sent(struct pl_web_conn *c, size_t bytes);

/* The transport is closed.  The connection is freed at the end of the turn. */
void pl_web_gone(struct pl_web_conn *c);

#endif
