/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_text.h - a status in the text format of Prometheus (version
 * 0.0.4). */
#ifndef PL_METRICS_TEXT_H
#define PL_METRICS_TEXT_H

#include "buf.h"
#include "status.h"

void pl_metrics_write_text(struct pl_buf *b, const struct pl_status *s);

/* The same, and behind it some numbers under Centrifugo's names. */
void pl_metrics_write_compatible(struct pl_buf *b, const struct pl_status *s);

#endif
