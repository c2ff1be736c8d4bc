/* SPDX-License-Identifier: Apache-2.0 */
/* ws_reports.h - the callbacks of a plain channel, as events.  Private to the
 * module.  Thread: the loop's. */
#ifndef PLC_WS_REPORTS_H
#define PLC_WS_REPORTS_H

#include "parley_client.h"
#include "span.h"

struct plc_events;

void plc_ws_report_open(struct plc_ws *w, struct pl_span protocol);
void plc_ws_report_message(struct plc_ws *w, enum plc_kind kind,
                           struct pl_span data);
void plc_ws_report_closed(struct plc_ws *w, uint16_t code, const char *reason,
                          bool is_clean);
void plc_ws_report_failed(struct plc_ws *w, enum pl_err err, int http_status,
                          const char *why);

/* ws.c: what the reports need of a channel. */
const struct plc_ws_options *plc_ws_calls(const struct plc_ws *w);
struct plc_events *plc_ws_events(const struct plc_ws *w);

#endif
