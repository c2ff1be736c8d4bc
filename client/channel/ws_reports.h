/* SPDX-License-Identifier: Apache-2.0 */
/* ws_reports.h - the callbacks of a plain channel, as events.  Private to the
 * module.  Thread: the loop's, unless a call says otherwise. */
#ifndef PLC_WS_REPORTS_H
#define PLC_WS_REPORTS_H

#include <stdbool.h>

#include "parley_client.h"
#include "span.h"

struct plc_events;
struct plc_link_end;
struct plc_ws_report; /* opaque; an event */

/* The memory of what is reported of an attempt in any case.  All zero: there is
 * none. */
struct plc_ws_life {
    struct plc_ws_report *open, *end; /* owned; NULL: put, or not wanted */
};

/* `protocol_max`: bytes of the longest name of a subprotocol.
 * Owner:  the caller, with plc_ws_life_fini(); after an error there is nothing.
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err plc_ws_life_init(struct plc_ws_life *l, struct plc_ws *w,
                             size_t protocol_max);
void plc_ws_life_fini(struct plc_ws_life *l); /* thread: any */

void plc_ws_report_open(struct plc_ws_life *l, struct pl_span protocol);
/* As closed(), or failed() if it was not open; with it the life is over. */
void plc_ws_report_end(struct plc_ws_life *l, const struct plc_link_end *end);
/* Return false if out of memory. */
bool plc_ws_report_message(struct plc_ws *w, enum plc_kind kind,
                           struct pl_span data);

/* ws.c: what the reports need of a channel. */
const struct plc_ws_options *plc_ws_calls(const struct plc_ws *w);
struct plc_events *plc_ws_events(const struct plc_ws *w);

#endif
