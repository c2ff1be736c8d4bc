/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - a WebSocket connection to a server (RFC 6455, the client's side).
 *
 * It carries messages and knows neither the client protocol nor a socket.  A
 * link is one attempt: after closed() another one is opened.
 *
 * Thread: the loop's. */
#ifndef PLC_LINK_H
#define PLC_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decoder.h"
#include "deflate.h"
#include "err.h"
#include "network.h"
#include "opening.h"
#include "span.h"
#include "tls.h"

struct pl_loop;
struct plc_link_conn; /* opaque */

/* What the links of a loop share.  The caller sets the first three members and
 * zeroes the others; plc_links_fini() at the end. */
struct plc_links {
    struct pl_loop *loop;
    struct plc_network *network;
    struct plc_tls_pool *tls_pool;  /* owned by the group */
    uint64_t *bytes_in, *bytes_out; /* counters */
    uint64_t *handshakes, *resumed; /* of TLS; counters */
    struct pl_inflater inflater;
    struct pl_deflater deflater;
};

void plc_links_fini(struct plc_links *l);

/* Where to, and how; outlives the link.  The times are in milliseconds, 0 means
 * for ever, but for the first three. */
struct plc_link_terms {
    struct plc_target target;
    struct plc_tls_ticket ticket; /* of `target` */
    struct pl_opening opening;    /* `nonce` is left to the link */
    uint32_t connect_ms;          /* to the response of the server */
    uint32_t send_ms;             /* without progress in writing */
    uint32_t close_ms;            /* for the end of a closing handshake */
    uint32_t ping_ms, pong_ms;    /* pings of ours, and their answer */
    uint32_t idle_ms;             /* without a message from the server */
    uint32_t message_in;          /* bytes of a message from the server */
};

/* How a link ended. */
struct plc_link_end {
    bool was_open;
    bool is_clean;     /* both sides have sent a Close */
    enum pl_err err;   /* PL_ECLOSED if the server closed in order */
    int http_status;   /* of a response that refused; 0: none */
    uint32_t retry_ms; /* its Retry-After; 0: none */
    uint16_t code;     /* of the server's Close, 1005: it had none, 1006: there
                          was none, or what we closed with after an error */
    const char *why;   /* the reason of a Close, or what went wrong */
};

/* In each of these the user may make any call, plc_link_destroy() too. */
struct plc_link_user {
    /* `protocol` is the agreed subprotocol, or absent. */
    void (*opened)(void *user, struct pl_span protocol);
    /* TEXT, BINARY, PING (answered already) or PONG. */
    void (*message)(void *user, enum pl_ws_opcode opcode,
                    struct pl_span payload);
    /* The kernel has taken all bytes before `position`. */
    void (*sent)(void *user, uint64_t position);
    /* It is over; only plc_link_destroy() is left.  Called once. */
    void (*closed)(void *user, const struct plc_link_end *end);
};

/* Begin to connect.  Nothing is called before this returns.
 * Owner:  the caller, until plc_link_destroy().
 * Errors: PL_ENOMEM; PL_EINVAL, PL_ETOOBIG: the opening, see opening.h. */
enum pl_err plc_link_open(struct plc_link_conn **out, struct plc_links *shared,
                          const struct plc_link_terms *terms,
                          const struct plc_link_user *calls, void *user);

/* Give up the link at once, in whatever state. */
void plc_link_destroy(struct plc_link_conn *l);

/* Append a message, with one fragment for each part; an open link only.  It
 * leaves at the end of the turn.  Return false if out of memory: nothing was
 * appended.  Its bytes are those between the two values of
 * plc_link_written(). */
bool plc_link_send(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                   const struct pl_span *parts, size_t count);

/* The position at which the next message begins. */
uint64_t plc_link_written(const struct plc_link_conn *l);
/* The position before which the kernel has taken all bytes. */
uint64_t plc_link_taken(const struct plc_link_conn *l);
/* The position before which bytes have left, or still leave when the link
 * closes in order. */
uint64_t plc_link_may_leave(const struct plc_link_conn *l);
/* The bytes that the kernel has not taken yet. */
uint64_t plc_link_waiting(const struct plc_link_conn *l);
bool plc_link_is_open(const struct plc_link_conn *l);

/* Close with `code`, 0: without one, after all that was sent.  An attempt that
 * is not open yet ends at once.  closed() follows. */
void plc_link_close(struct plc_link_conn *l, uint16_t code,
                    struct pl_span reason);

/* Read nothing, and then read again; message() may be called before the second
 * returns. */
void plc_link_pause(struct plc_link_conn *l, bool is_paused);

#endif
