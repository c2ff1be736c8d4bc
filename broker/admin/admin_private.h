/* SPDX-License-Identifier: Apache-2.0 */
/* admin_private.h - the state of the admin actor, for the files of this module.
 *
 * Thread: the control loop. */
#ifndef PL_ADMIN_PRIVATE_H
#define PL_ADMIN_PRIVATE_H

#include "admin.h"
#include "calls.h"
#include "list.h"
#include "socket.h"
#include "web.h"

enum { PL_ADMIN_TCP, PL_ADMIN_UNIX, PL_ADMIN_PUBLIC, PL_ADMIN_PLACES };

/* One listener and the actor of its connections. */
struct pl_admin_listener {
    struct pl_address listener, conns; /* no address: not listening */
    uint64_t given;                    /* the listener's count of accepted
                                          sockets */
};

struct pl_admin {
    struct pl_actor actor; /* first member */
    struct pl_admin_options options;
    struct pl_access *access; /* own reference to the newest settings */
    struct pl_web *web;       /* owned; serves both listeners */
    struct pl_web *public;    /* owned; serves the addresses of clients */
    struct pl_conns *public_conns;
    struct pl_api_calls calls;
    struct pl_admin_listener listeners[PL_ADMIN_PLACES]; /* PL_ADMIN_PUBLIC has
                                                            no listener */
    struct pl_unix_socket socket;
    uint16_t port;
    struct pl_list waiting; /* of struct pl_waiting, one per API call */
    struct pl_list streams; /* of struct pl_stream */
    unsigned stream_count;
    struct pl_list traces; /* of struct pl_trace_stream */
    unsigned trace_count;
    uint64_t trace_id;               /* of the latest */
    struct pl_web_party stop, hurry; /* observe the response to POST
                                        /shutdown */
};

/* admin.c.  Serve connections to `fd`, a listening socket.
 * Owner:  the admin takes `fd`, also on error.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_admin_open(struct pl_admin *a, int fd, bool is_trusted);

/* http.c.  The site of the server; its `arg` is the admin actor. */
extern const struct pl_web_site pl_admin_site;

/* http.c.  The same for the addresses of clients: the server API alone, below
 * api.path. */
extern const struct pl_web_site pl_public_site;
void pl_http_init(struct pl_admin *a);

/* http.c.  Drop the results of all pending API calls. */
void pl_http_abandon_all(struct pl_admin *a);

/* stream.c.  Respond to GET /sub with a stream. */
void pl_stream_open(struct pl_admin *a, struct pl_web_conn *c,
                    const struct pl_http_head *head);
void pl_streams_close(struct pl_admin *a);

/* trace_stream.c.  Respond to GET /trace with a stream; process a result of a
 * hub. */
void pl_trace_open(struct pl_admin *a, struct pl_web_conn *c,
                   const struct pl_http_head *head);
void pl_traces_close(struct pl_admin *a);
struct pl_trace_mail;
void pl_traces_receive(struct pl_admin *a, struct pl_trace_mail *m);

#endif
