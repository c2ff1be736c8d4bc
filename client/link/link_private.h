/* SPDX-License-Identifier: Apache-2.0 */
/* link_private.h - the struct of a link, and its output.  Private to the
 * module.
 */
#ifndef PLC_LINK_PRIVATE_H
#define PLC_LINK_PRIVATE_H

#include "buf.h"
#include "deadline.h"
#include "link.h"
#include "list.h"
#include "loop.h"
#include "timer.h"

enum { PLC_LINK_WHY_SIZE = 400 };

enum plc_link_state {
    REACHING, /* name, TCP, TLS */
    OPENING,  /* the request is sent */
    OPEN,
    CLOSING, /* our Close is written */
    CLOSED   /* closed() was called */
};

struct plc_link_conn {
    struct plc_links *shared;
    const struct plc_link_terms *terms;
    const struct plc_link_user *calls;
    void *user;
    struct plc_stream *stream; /* owned */
    enum plc_link_state state;
    struct pl_opening opening;
    struct pl_ws_decoder decoder;
    struct pl_ws_limits limits;
    enum pl_deflate deflate;
    struct pl_buf in; /* the response so far, or what came while paused */
    struct pl_buf out;
    size_t out_sent; /* bytes of `out` */
    uint64_t taken;  /* all bytes that the kernel has taken */
    struct pl_task flush;
    struct plc_deadline connect, send, pong, idle;
    struct pl_timer close, ping;
    unsigned depth;    /* callbacks of the user that run */
    bool is_destroyed; /* freed when they have returned */
    bool is_paused;    /* the user reads nothing */
    bool is_blocked;   /* the kernel takes nothing */
    bool has_close;    /* the server's Close has come */
    struct plc_link_end end;
    char why[PLC_LINK_WHY_SIZE];
};

/* Around each callback of the user.  plc_link_leave() returns false if the link
 * is gone, or over. */
void plc_link_enter(struct plc_link_conn *l);
bool plc_link_leave(struct plc_link_conn *l);

/* Write what waits; it may call sent(). */
void plc_link_write_out(struct plc_link_conn *l);
void plc_link_run_flush(struct pl_task *t);

/* Check that what was appended after `mark` has found memory, and plan to write
 * it; else take it back and return false. */
bool plc_link_was_appended(struct plc_link_conn *l, size_t mark);

/* Free the output; the request of the handshake is overwritten first. */
void plc_link_wipe_out(struct plc_link_conn *l);

/* A key for the next frame. */
uint32_t plc_link_key(struct plc_link_conn *l);

#endif
