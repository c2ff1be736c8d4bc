/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - a broker of one loop without sockets: real owners of channels, hub
 * and sessions; what they send to clients is counted and thrown away.
 *
 * The caller takes the turns, so nothing happens between two calls.  Failures
 * end the process: this is a measuring device. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "codec.h"
#include "metrics.h"

struct member; /* opaque: one connection */
struct world;  /* opaque */

struct world_options {
    unsigned history_size; /* of each channel; 0: no history */
    unsigned spaces;       /* namespaces s00, s01, ... */
    const char *rules;     /* keys of each namespace; NULL: none */
    bool is_clock_driven;  /* stands still but for world_pass() */
};

struct world *world_create(const struct world_options *options);
void world_destroy(struct world *w);

/* Run turns until no actor has work. */
void world_settle(struct world *w);

/* Let `ms` pass at once, then run all work.  Only with a driven clock. */
void world_pass(struct world *w, uint64_t ms);

/* One of the loop's numbers. */
uint64_t world_metric(const struct world *w, enum pl_metric m);

/* Writes that a transport would have made. */
uint64_t world_writes(const struct world *w);

/* A connection that has shaken hands and is logged in.  Owner: the world. */
struct member *world_join(struct world *w, enum pl_encoding encoding);

/* Subscribe, and see it answered. */
void world_subscribe(struct member *m, const char *channel);

/* Bytes from the peer, which are left as they are; nothing runs yet. */
void world_feed(struct member *m, struct pl_span bytes);

/* --- What a client sends, as masked frames behind the content of `b` --- */

void client_frame(struct pl_buf *b, enum pl_encoding encoding,
                  struct pl_span message);
void client_publish(struct pl_buf *b, enum pl_encoding encoding,
                    const char *channel, struct pl_span data);
void client_pong(struct pl_buf *b, enum pl_encoding encoding);

/* The same commands before they are framed. */
void message_connect(struct pl_buf *b, enum pl_encoding encoding);
void message_subscribe(struct pl_buf *b, enum pl_encoding encoding,
                       const char *channel);
void message_publish(struct pl_buf *b, enum pl_encoding encoding,
                     const char *channel, struct pl_span data);
void message_rpc(struct pl_buf *b, enum pl_encoding encoding,
                 const char *method, struct pl_span data);

#endif
