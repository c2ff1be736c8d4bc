/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - the plain WebSocket channels of a program, and what is known of
 * each: what was sent, what left, what was told. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "parley_client.h"

enum {
    PLAIN_PORT = 9000,
    PLAIN_CODE = 3000,
    PLAIN_SERVER_CODE = 4000,
    PLAIN_RECENT = 64
};

struct plain;
struct program;

/* A send that was accepted; kept until its program ends. */
struct plain_send {
    struct program *program;
    struct plain *channel; /* NULL: released */
    struct plain_send *next;
    uint64_t number; /* in its channel, from 1 */
    enum plc_kind kind;
    size_t len;
    bool has_left; /* all of it */
    bool is_done;
};

/* A channel, until its release(). */
struct plain {
    struct program *program;
    struct plc_ws *handle;
    struct plain *next; /* of all of the program */
    char label[16];
    bool is_dropped; /* plc_ws_destroy() */
    unsigned results;
    /* What it sends. */
    struct plain_send *sends; /* that wait for their end, newest first */
    uint64_t sent, left, done;
    uint64_t torn, unknown; /* messages of which a part has left */
    /* What it was told. */
    bool is_open;
    uint64_t opens, ends; /* ends of attempts */
    uint64_t attempt;     /* of the last message */
    uint64_t heard;       /* messages of this connection */
    uint64_t ponged;      /* number of the newest ping with a pong */
    /* Attempts that the network saw, and during which of the last of them
     * plc_ws_close() was called. */
    uint64_t attempts, closed[PLAIN_RECENT];
    bool has_idle; /* it closes a connection that is idle */
};

/* One call of the library, drawn by chance. */
void plain_act(struct program *p);

/* Each channel sends something; and afterwards, at rest: it has arrived, and
 * nothing waits. */
void plain_send_all(struct program *p);
void plain_check_rest(const struct program *p);

/* A result of a channel; return false if it is none's. */
bool plain_take_result(struct program *p, const char *label);

/* The program has ended. */
void plain_check_freed(struct program *p);

/* --- For the network --- */

/* The channel that tries to reach `host`: this is another attempt. */
struct plain *plain_tries(struct program *p, const char *host);
/* It gives up an attempt, perhaps in the middle of a message. */
void plain_gives_up(struct plain *c, bool is_torn);
/* The library has handed the network a whole message. */
void plain_has_left(struct plain *c, enum plc_kind kind, struct pl_span data);

/* The text of a message: `what`, and letters that follow from it up to `len`
 * bytes; back: true if it is one, `what` without the letters. */
void plain_fill(struct pl_buf *b, const char *what, size_t len);
bool plain_is_filled(struct pl_span data);

#endif
