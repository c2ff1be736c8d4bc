/* SPDX-License-Identifier: Apache-2.0 */
/* reports.h - the callbacks of clients and subscriptions, as events that have a
 * copy of what they report.
 *
 * Out of memory: the event is lost and counted (events_lost), the program
 * learns it from an error() that needs no memory, and incoming.c ends the
 * connection that brought it.
 * Thread: the loop's. */
#ifndef PLC_REPORTS_H
#define PLC_REPORTS_H

#include "parley_client.h"
#include "positions.h"
#include "received.h"

struct plc_client;
struct plc_sub;
struct plc_token;

/* Set what `c` needs of reports.c. */
void plc_report_init(struct plc_client *c);
/* Something was lost for lack of memory. */
void plc_report_loss(struct plc_client *c);

/* A state; `channel` is that of a subscription of the server, or NULL. */
void plc_report_state(struct plc_client *c, const struct plc_change *change);
void plc_report_server_state(struct plc_client *c, struct pl_span channel,
                             const struct plc_position *position,
                             const struct plc_change *change);
void plc_report_sub_state(struct plc_sub *s, const struct plc_change *change);

void plc_report_error(struct plc_client *c, enum pl_err err, uint32_t code,
                      const char *text);
void plc_report_sub_error(struct plc_sub *s, enum pl_err err, uint32_t code,
                          const char *text);
void plc_report_message(struct plc_client *c, struct pl_span data);

/* `s` NULL: of a subscription of the server.  `position` is that behind it.
 * Return false if it is lost, or if something before it was. */
bool plc_report_publication(struct plc_client *c, struct plc_sub *s,
                            struct pl_span channel,
                            const struct pl_received_publication *p,
                            const struct plc_position *position,
                            bool recovered);
/* Show a position that no publication shows. */
void plc_report_position(struct plc_client *c, struct plc_sub *s,
                         const struct plc_position *position);
void plc_report_presence(struct plc_client *c, struct plc_sub *s,
                         struct pl_span channel,
                         const struct pl_received_info *info, bool joined);

/* Call get_token(). */
void plc_report_question(struct plc_client *c, struct plc_sub *s,
                         struct plc_token *question);

#endif
