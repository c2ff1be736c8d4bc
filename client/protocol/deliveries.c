/* SPDX-License-Identifier: Apache-2.0 */
/* deliveries.c - publications for the program, and the position that
 * moves with them; the same for subscriptions of the program and of the
 * server.
 *
 * The position moves when the event is there, and before it runs.  So a program
 * that stops inside a callback does not get that publication again, and one
 * that was lost for lack of memory is recovered: the connection ends, and the
 * next one begins behind the last that has an event.  Each event has the
 * position behind it, which plc_sub_position() returns once it has run.
 *
 * Invariant: after a loss no position moves. */
#include "deliveries.h"

#include "arena.h"
#include "client_codec.h"
#include "client_parts.h"
#include "reports.h"

bool plc_deliver(struct plc_client *c, struct plc_sub *s,
                 struct pl_span channel, struct plc_position *p,
                 const struct pl_received_publication *pub, bool recovered)
{
    struct plc_position next;

    if (pub->offset == 0) /* it moves nothing */
        return plc_report_publication(c, s, channel, pub, p, recovered);
    next = *p;
    plc_position_move(&next, pub);
    if (!plc_report_publication(c, s, channel, pub, &next, recovered))
        return false;
    *p = next;
    return true;
}

/* What continues a known stream never moves its position back, whatever offset
 * the server says. */
void plc_deliver_begin(struct plc_position *p,
                       const struct pl_received_subscribe *r)
{
    bool goes_on = r->recovered && p->is_known &&
                   pl_span_equal(pl_span_of(p->epoch), r->epoch);

    if ((r->recoverable || r->positioned) && !goes_on)
        plc_position_from(p, r->epoch,
                          r->publications.count > 0 ? 0 : r->offset);
}

struct plc_change plc_deliver_change(const struct plc_position *p,
                                     const struct pl_received_subscribe *r)
{
    return (struct plc_change){
        .from = PLC_SUBSCRIBING,
        .to = PLC_SUBSCRIBED,
        .reason = "subscribed",
        .epoch = p->epoch,
        .offset = r->offset,
        .data = {r->data.at, r->data.len},
        .positioned = r->positioned,
        .recoverable = r->recoverable,
        .was_recovering = r->was_recovering,
        .recovered = r->recovered,
    };
}

void plc_deliver_recovered(struct plc_client *c, struct plc_sub *s,
                           struct pl_span channel, struct plc_position *p,
                           const struct pl_received_subscribe *r)
{
    struct pl_received_list list = r->publications;
    struct pl_received_publication pub;
    enum pl_err rc;

    do {
        pl_arena_reset(plc_client_item(c));
        rc = pl_received_publication_next(&list, plc_client_item(c), &pub);
    } while (rc == PL_OK && plc_deliver(c, s, channel, p, &pub, true));
    if (rc == PL_ENOMEM)
        plc_report_loss(c);
    if ((r->recoverable || r->positioned) && !plc_client_has_loss(c) &&
        r->offset > p->offset) {
        p->offset = r->offset;
        plc_report_position(c, s, p);
    }
}
