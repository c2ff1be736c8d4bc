/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - reports of a session to traces of its user, and of the channels
 * whose publications it misses.
 *
 * Call all of this only while a trace runs on the loop.
 * Thread: the loop of the session. */
#ifndef PL_TRACE_H
#define PL_TRACE_H

#include <stdint.h>

#include "metrics.h"
#include "span.h"
#include "tracer.h"

struct pl_command;
struct pl_reply;
struct pl_session;
struct pl_sub;

/* The client sent `c`.  Tokens and the data of a login are not reported. */
PL_TRACE_COLD void pl_session_trace_command(struct pl_session *s,
                                            const struct pl_command *c);

/* The client gets a reply, or with `code` an error. */
PL_TRACE_COLD void pl_session_trace_answer(struct pl_session *s, uint32_t id,
                                           uint32_t code);

/* The client does not get `frames` publications.  `sub` is NULL if they are of
 * any of its channels. */
PL_TRACE_COLD void pl_session_trace_drop(struct pl_session *s,
                                         const struct pl_sub *sub,
                                         enum pl_metric why, uint32_t frames);

/* The session begins to be a client, and ends. */
PL_TRACE_COLD void pl_session_trace_connect(struct pl_session *s);
PL_TRACE_COLD void pl_session_trace_close(struct pl_session *s, uint16_t code,
                                          struct pl_span reason);

#endif
