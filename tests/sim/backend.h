/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - a simulated backend: it uses the server API, by chance and in
 * order, and fails the run when an answer cannot be, or when what was answered
 * has not happened. */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdbool.h>

#include "client.h"
#include "truth.h"
#include "world.h"

struct backend; /* opaque */

struct backend *backend_create(struct world *w, struct truth *t,
                               struct client *const *clients);

/* What it has asked and was not answered is forgotten. */
void backend_destroy(struct backend *b);

/* One call, drawn by chance.  False: none. */
bool backend_act(struct backend *b);

/* At rest: nothing waits for an answer, and all that was kicked has gone. */
void backend_check(struct backend *b);

/* The calls of which a rest asks one after the other. */
void backend_ask_presence(struct backend *b, unsigned channel);
void backend_ask_channels(struct backend *b);
void backend_ask_info(struct backend *b);
void backend_remove_history(struct backend *b, unsigned channel);

/* The newest answer to one of these; false: an error, which may be.  The list
 * of channels, and the info, is a text. */
bool backend_answer(struct backend *b, const struct watch **out);
struct pl_span backend_text(const struct backend *b);

#endif
