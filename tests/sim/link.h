/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - a simulated connection: what sockets, the kernel and broker/net are
 * in a broker.
 *
 * Bytes wait on both ways until an event carries some of them on, cut or
 * joined anywhere.  The server's side is as strict as a kernel: it takes only
 * what has room, and tells of new room once. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct link; /* opaque */
struct world;

/* Who is at the client's end. */
struct link_peer {
    /* Bytes came. */
    void (*hear)(struct link_peer *p, const char *bytes, size_t len);
    /* The server has ended; nothing more comes. */
    void (*end)(struct link_peer *p);
};

/* A connection to `loop`, whose kernel holds `room` bytes on the way to the
 * client.  NULL: the broker could not take it.
 * Owner: the caller, until link_reset(); also after `end`. */
struct link *link_open(struct world *w, unsigned loop, size_t room,
                       struct link_peer *peer);

/* The client says something, or that it will say nothing more. */
void link_say(struct link *l, const void *bytes, size_t len);
void link_shut(struct link *l);

/* The client goes, with a reset; the link is gone. */
void link_reset(struct link *l);

/* Carry at most `max` bytes on: to the server, to the client.  Each is one
 * event; false: there was nothing to carry. */
bool link_carry_up(struct link *l, size_t max);
bool link_carry_down(struct link *l, size_t max);

void link_set_room(struct link *l, size_t room);
bool link_is_paused(const struct link *l);

/* How often the broker has paused reading, or resumed it. */
uint64_t link_pauses(const struct link *l);

/* Pings whose pong the broker has not read. */
uint64_t link_pings(const struct link *l);

/* What a client knows of its session, to send it input by mail (post.h);
 * whether that has an effect.  Only in a world with postmen. */
struct post_address;
void link_post_address(const struct link *l, struct post_address *out);
bool link_listens(const struct link *l);

/* For a failure: what it waits for.  Good until the next call. */
const char *link_state(const struct link *l);

#endif
