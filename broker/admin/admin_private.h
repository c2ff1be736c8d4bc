/* SPDX-License-Identifier: Apache-2.0 */
/* admin_private.h - inside of the admin actor, for the files of the room.
 * Thread: the control loop's. */
#ifndef PL_ADMIN_PRIVATE_H
#define PL_ADMIN_PRIVATE_H

#include "admin.h"
#include "calls.h"
#include "list.h"
#include "socket.h"
#include "web.h"

/* A way in: a listener and the connections that it accepts. */
struct pl_admin_door {
    struct pl_address listener, conns; /* none: closed */
    uint64_t given;                    /* the listener's own count */
};

struct pl_admin {
    struct pl_actor actor; /* first */
    struct pl_admin_options options;
    struct pl_access *access; /* held; the newest */
    struct pl_web *web;       /* owned; the server of both doors */
    struct pl_api_calls calls;
    struct pl_admin_door doors[2]; /* by whether it is trusted */
    struct pl_unix_socket socket;
    uint16_t port;
    struct pl_list waiting; /* struct pl_waiting: requests of calls */
    struct pl_list streams; /* struct pl_stream */
    unsigned stream_count;
    struct pl_web_party stop, hurry; /* of POST /shutdown */
};

/* admin.c.  Serve what comes to `fd`, which listens and is taken over.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_admin_open(struct pl_admin *a, int fd, bool is_trusted);

/* http.c.  The site that answers; its `arg` is the admin actor. */
extern const struct pl_web_site pl_admin_site;
void pl_http_init(struct pl_admin *a);

/* http.c.  The results of pending calls are dropped from now on. */
void pl_http_abandon_all(struct pl_admin *a);

/* stream.c.  Answer GET /sub. */
void pl_stream_open(struct pl_admin *a, struct pl_web_conn *c,
                    const struct pl_http_head *head);
void pl_streams_close(struct pl_admin *a);

#endif
