/* SPDX-License-Identifier: Apache-2.0 */
/* admin_private.h - inside of the admin actor, for the files of the room.
 * Thread: the control loop's. */
#ifndef PL_ADMIN_PRIVATE_H
#define PL_ADMIN_PRIVATE_H

#include <event2/http.h>

#include "admin.h"
#include "calls.h"
#include "list.h"
#include "socket.h"

/* A way in: one server of libevent's a kind of trust.  All zero is closed. */
struct pl_door {
    struct pl_admin *admin;
    struct evhttp *http;
    struct evconnlistener *listener; /* the server's */
    struct event *gate;              /* hears of who knocks as well */
    struct pl_timer pause;           /* while nobody can be let in */
    uint64_t failed;                 /* attempts in a row */
    uint64_t entered, seen;          /* connections; those at the last knock */
    bool has_tried;                  /* there was a knock since the pause */
    bool is_trusted;                 /* the Unix socket */
};

struct pl_admin {
    struct pl_actor actor; /* first */
    struct pl_admin_options options;
    struct pl_access *access; /* held; the newest */
    struct pl_api_calls calls;
    struct pl_door unix_door, tcp_door;
    struct pl_unix_socket socket;
    uint16_t port;
    struct pl_list waiting; /* struct pl_waiting: requests of calls */
    struct pl_list streams; /* struct pl_stream */
    unsigned stream_count;
};

/* door.c.  Serve HTTP on `fd`, which is taken over.  Errors: PL_ENOMEM. */
enum pl_err pl_door_open(struct pl_door *d, struct pl_admin *a, int fd,
                         bool is_trusted);

/* door.c.  End all connections.  Takes a door that is closed. */
void pl_door_close(struct pl_door *d);

/* http.c.  A request came through the door `arg`. */
void pl_http_on_request(struct evhttp_request *req, void *arg);

/* http.c.  Nobody gets the answers of calls any more; the doors close next. */
void pl_http_abandon_all(struct pl_admin *a);

/* http.c.  Answer with a status and a text of a type; NULL text: the status
 * as JSON. */
void pl_http_reply(struct evhttp_request *req, int status, const char *type,
                   const struct pl_buf *text);

/* http.c.  In a close callback: the connection of a request that was not
 * answered goes.  When it failed, evhttp has parted the two and left the
 * request to us; else it frees both. */
void pl_http_abandon(struct evhttp_request *req);

/* stream.c.  Answer GET /sub. */
void pl_stream_open(struct pl_admin *a, struct evhttp_request *req);
void pl_streams_close(struct pl_admin *a);

#endif
