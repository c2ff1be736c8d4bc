/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - simulated readers of lines: subscribers of the control loop's hub
 * that are no sessions, as the streams of GET /sub are.
 *
 * A reader fails the run if a line is malformed, if the offsets of a
 * subscription have a gap or a repetition, or if it is unsubscribed where
 * nothing can be missing. */
#ifndef READER_H
#define READER_H

#include "truth.h"
#include "world.h"

struct readers; /* opaque */

/* What they do follows from the seed of the world and disturbs no other draw.
 */
struct readers *readers_create(struct world *w, struct truth *t);
void readers_destroy(struct readers *r);

/* Perhaps one of them subscribes to a channel, or leaves them all. */
void readers_act(struct readers *r);

/* All of them leave: before a rest, and before the hub stops.  NULL is
 * allowed. */
void readers_leave(struct readers *r);

#endif
