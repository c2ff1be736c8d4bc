/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.h - many clients on one thread, who talk in rooms and check what they
 * hear. */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stdint.h>

struct crowd; /* opaque */

struct crowd_options {
    uint16_t port;
    unsigned members; /* a multiple of rooms */
    unsigned rooms;
};

/* Connect everybody and have them subscribe to their rooms, half of them in
 * JSON, half in protobuf.  Failures end the process. */
struct crowd *crowd_create(const struct crowd_options *options);

/* Everybody publishes once a second for `seconds`, spread evenly over each
 * second, and hears everything that is said in the room: from each member each
 * number in order, in the order of the room's offsets.  False, with a line on
 * stderr, when something is lost, twice, out of order, or refused. */
bool crowd_talk(struct crowd *c, unsigned seconds);

/* Disconnect: every other one with a Close frame. */
void crowd_destroy(struct crowd *c);

#endif
