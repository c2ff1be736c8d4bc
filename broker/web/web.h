/* SPDX-License-Identifier: Apache-2.0 */
/* web.h - an HTTP/1.1 server that knows no file descriptor: connections,
 * their requests, and what a site answers.
 *
 * A transport (net, or a test) feeds a connection with bytes and takes what it
 * has to send.  A site is asked twice about a request: when its head is here,
 * before any byte of its body is kept, and when its body is here.  It answers
 * at once or later, with one answer or a stream.  A connection serves one
 * request at a time; requests that follow wait, at most one read of them.
 *
 * Everything is bounded (web.c has the numbers): connections in three shares,
 * bytes of bodies and answers in all of them, the time for a head, the pace of
 * a body and of a reader.
 *
 * Thread: everything here is called on the loop of the server. */
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
struct pl_web;      /* opaque: a server */
struct pl_web_conn; /* opaque: one connection */

/* --- For a site --- */

struct pl_web_site {
    /* The head of a request is here.  To refuse it, answer now; the connection
     * ends after the answer if there is a body.  Else serve() comes next. */
    void (*judge)(void *arg, struct pl_web_conn *c,
                  const struct pl_http_head *head);
    /* The request is whole.  `body` may be changed in place and lives for the
     * call, `head` until the answer is given.  Answer now, or call
     * pl_web_keep() and answer later. */
    void (*serve)(void *arg, struct pl_web_conn *c,
                  const struct pl_http_head *head, struct pl_span body);
};

struct pl_web_options {
    struct pl_loop *loop;
    const struct pl_web_site *site;
    void *arg;
    uint32_t limit;      /* connections */
    uint64_t timeout_ms; /* for a head; and for each 64 KiB of the rest */
    size_t body_max;     /* bytes */
    size_t stream_max;   /* bytes of a stream that may wait for its reader */
    struct pl_metrics *metrics;
};

/* Errors: PL_ENOMEM. */
enum pl_err pl_web_create(struct pl_web **out,
                          const struct pl_web_options *options);

/* End all connections at once; parties are not told.  New ones are refused. */
void pl_web_close(struct pl_web *web);

/* Close first.  Connections that are not reaped yet may outlive it.  NULL is
 * allowed. */
void pl_web_destroy(struct pl_web *web);

/* What waits for the end of a request, embedded in a thing of the site. */
struct pl_web_party {
    /* The connection has gone, unanswered or in a stream; it must not be used
     * any more.  NULL: not needed. */
    void (*gone)(struct pl_web_party *p);
    /* The kernel has all that was written so far.  NULL: not needed. */
    void (*drained)(struct pl_web_party *p);
};

/* Tell `p` about the current request from now on; NULL: nothing any more.  It
 * ends when the kernel has the whole answer. */
void pl_web_keep(struct pl_web_conn *c, struct pl_web_party *p);

/* Whether the connection came by a way that needs no key. */
bool pl_web_is_trusted(const struct pl_web_conn *c);

/* The address of the peer. */
const struct pl_ip *pl_web_from(const struct pl_web_conn *c);

/* The client has shown its key.  False: too many connections have; refuse it
 * with 503.  Connections that have not are few, short-lived, and end after one
 * answer. */
bool pl_web_admit(struct pl_web_conn *c);

struct pl_web_answer {
    int status;
    const char *type;    /* Content-Type; NULL: no content */
    struct pl_span body; /* not sent to HEAD */
    const char *fields;  /* more of them, whole lines; NULL: none */
    bool is_last;        /* end the connection */
};

/* Answer the request.  503 instead when the answers that wait for their
 * readers are too many bytes. */
void pl_web_reply(struct pl_web_conn *c, const struct pl_web_answer *answer);

/* Answer with the status alone, as JSON, with `why` behind its name; NULL:
 * without. */
void pl_web_reply_status(struct pl_web_conn *c, int status, const char *why,
                         const char *fields);

/* Answer 200 with a body that comes bit by bit: in chunks, or up to the end of
 * the connection for HTTP/1.0.  The connection ends with it. */
void pl_web_stream_begin(struct pl_web_conn *c, const char *type);

/* Errors: PL_EFULL: more than stream_max would wait (an empty stream takes any
 *         size); PL_ENOMEM. */
enum pl_err pl_web_stream_put(struct pl_web_conn *c, struct pl_span bytes);

/* The body is complete. */
void pl_web_stream_end(struct pl_web_conn *c);

/* End the connection at once; a party is not told. */
void pl_web_abort(struct pl_web_conn *c);

/* --- For a transport --- */

struct pl_web_transport_ops {
    /* Something to send is there: send from pl_web_output() until the kernel
     * takes no more, go on when it does. */
    void (*flush)(struct pl_web_conn *c);
    /* Take no more input until resume(). */
    void (*pause)(struct pl_web_conn *c);
    void (*resume)(struct pl_web_conn *c);
    /* End: at once, or when all was sent and the peer has ended; then call
     * pl_web_gone(). */
    void (*end)(struct pl_web_conn *c, bool at_once);
    /* The memory is about to be freed: let go of everything. */
    void (*free)(struct pl_web_conn *c);
};

/* A connection, with `transport_size` bytes, all zero, for its transport.
 * `from`: the address of its peer, for the shares.
 * Owner:  itself: it ends with pl_web_gone().
 * Errors: PL_ENOMEM; PL_EFULL: too many, or closed. */
enum pl_err pl_web_conn_create(struct pl_web_conn **out, struct pl_web *web,
                               bool is_trusted, const struct pl_ip *from,
                               const struct pl_web_transport_ops *transport,
                               size_t transport_size);

/* The transport's bytes, freed with the connection; aligned for pointers. */
void *pl_web_transport(struct pl_web_conn *c);
struct pl_web_conn *pl_web_of_transport(void *transport);

/* Bytes arrived. */
void pl_web_input(struct pl_web_conn *c, struct pl_span bytes);

/* The peer sends no more.  False: nothing is left to say to it, end the
 * connection. */
bool pl_web_ended(struct pl_web_conn *c);

/* What is to be sent next; empty: nothing. */
struct pl_span pl_web_output(const struct pl_web_conn *c);

/* The kernel took `bytes` of it. */
void pl_web_sent(struct pl_web_conn *c, size_t bytes);

/* The connection is over.  It is freed at the end of the turn. */
void pl_web_gone(struct pl_web_conn *c);

#endif
