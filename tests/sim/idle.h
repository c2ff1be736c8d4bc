/* SPDX-License-Identifier: Apache-2.0 */
/* idle.h - what an idle connection costs in memory, at any number of them. */
#ifndef IDLE_H
#define IDLE_H

/* `count` connections that have logged in, then each subscribed to a channel
 * of its own; prints the bytes that each costs. */
void idle_measure(unsigned count);

#endif
