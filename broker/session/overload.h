/* SPDX-License-Identifier: Apache-2.0 */
/* overload.h - admission control and load shedding; see overload.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_OVERLOAD_H
#define PL_SESSION_OVERLOAD_H

struct pl_session_manager;
struct pl_memory_mail;

void pl_session_manager_on_memory(struct pl_session_manager *k,
                                  struct pl_memory_mail *m);
/* Call this after a reason has changed. */
void pl_session_manager_note_refusing(struct pl_session_manager *k);

#endif
