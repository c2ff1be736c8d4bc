/* SPDX-License-Identifier: Apache-2.0 */
/* channels_trace.h - what an owner reports to traces.
 *
 * Thread: the owner's loop. */
#ifndef PL_CHANNELS_TRACE_H
#define PL_CHANNELS_TRACE_H

#include <stdint.h>

#include "channels_mail.h"
#include "tracer.h"

/* Report a publication that `m` has the result of, or with `error` that it was
 * refused.  Call this only while a trace runs.  `at_loop` has the subscribers
 * on each of `loops` loops; NULL: there are none. */
PL_TRACE_COLD void pl_channels_trace(struct pl_tracer *t,
                                     const struct pl_publish_mail *m,
                                     uint32_t error, const uint32_t *at_loop,
                                     unsigned loops);

#endif
