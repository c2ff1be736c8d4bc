/* SPDX-License-Identifier: Apache-2.0 */
/* overload.h - admission control and load shedding; see overload.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_OVERLOAD_H
#define PL_SESSION_OVERLOAD_H

struct pl_keeper;
struct pl_memory_mail;

void pl_keeper_on_memory(struct pl_keeper *k, struct pl_memory_mail *m);
void pl_keeper_note_refusing(struct pl_keeper *k); /* call after a reason
                                                      changed */

#endif
