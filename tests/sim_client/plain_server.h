/* SPDX-License-Identifier: Apache-2.0 */
/* plain_server.h - the streams of plain channels, and the WebSocket server at
 * their other end, which says and closes what it likes, when it likes.
 *
 * All calls are those of pipes.c, which stands before this. */
#ifndef PLAIN_SERVER_H
#define PLAIN_SERVER_H

#include <stdbool.h>

#include "network.h"

struct pipes;
struct plain_server; /* opaque */
struct program;

struct plain_server *plain_server_create(struct program *p,
                                         struct pipes *pipes);
/* No stream may be open any more. */
void plain_server_destroy(struct plain_server *all);

enum pl_err plain_server_open(struct plain_server *all, struct plc_stream **out,
                              const struct plc_target *target,
                              const struct plc_stream_user *calls, void *user);

/* As pipes_act(), pipes_trouble() and pipes_carry_all(). */
bool plain_server_act(struct plain_server *all);
void plain_server_trouble(struct plain_server *all);
bool plain_server_carry_all(struct plain_server *all);

#endif
