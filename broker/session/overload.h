/* SPDX-License-Identifier: Apache-2.0 */
/* overload.h - admission control and load shedding; see overload.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_OVERLOAD_H
#define PL_SESSION_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct pl_command;
struct pl_keeper;
struct pl_memory_mail;
struct pl_session;

void pl_keeper_on_memory(struct pl_keeper *k, struct pl_memory_mail *m);
void pl_keeper_note_refusing(struct pl_keeper *k); /* call after a reason
                                                      changed */

/* Call this while is_refusing.  Return true if the command is refused; it then
 * has its reply. */
bool pl_session_refuse_work(struct pl_session *s, const struct pl_command *c);

#endif
