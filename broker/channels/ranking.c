/* SPDX-License-Identifier: Apache-2.0 */
/* ranking.c - the channels with the highest rates, subscribers or queues.
 *
 * A mail looks at a bounded number of places of the owner's table.  The rates
 * cost a publication two additions, whether anybody looks or not. */
#include <inttypes.h>

#include "channel.h"
#include "channel_requests.h"
#include "codec.h"
#include "loop.h"
#include "look_mail.h"
#include "mail.h"

enum { PLACES = 1024, WORK_PLACE = 4 };

struct ranking {
    struct pl_look_mail *mail;
    uint64_t now_ms;
};

struct numbers {
    uint32_t publications, bytes, subscribers, pending;
};

static uint64_t score_of(const struct numbers *n, uint8_t by)
{
    switch (by) {
    case PL_BY_DELIVERIES:
        return (uint64_t)n->publications * n->subscribers;
    case PL_BY_BYTES:
        return n->bytes;
    case PL_BY_SUBSCRIBERS:
        return n->subscribers;
    case PL_BY_PENDING:
        return n->pending;
    default:
        return n->publications;
    }
}

static void write_row(struct pl_buf *b, const struct pl_channel *ch,
                      const struct numbers *n)
{
    pl_buf_put_span(b, PL_SPAN("{\"channel\":"));
    pl_json_text_encode(b, pl_blob_span(ch->name));
    pl_buf_printf(b,
                  ",\"subscribers\":%" PRIu32 ",\"publications\":%" PRIu32
                  ",\"deliveries\":%" PRIu64 ",\"bytes\":%" PRIu32
                  ",\"pending\":%" PRIu32 "}",
                  n->subscribers, n->publications,
                  score_of(n, PL_BY_DELIVERIES), n->bytes, n->pending);
}

static void visit(struct pl_map_node *node, void *arg)
{
    struct pl_channel *ch = (struct pl_channel *)node;
    struct ranking *r = arg;
    struct numbers n = {
        .publications = pl_rate_read(&ch->publications, r->now_ms),
        .bytes = pl_rate_read(&ch->bytes, r->now_ms),
        .subscribers = pl_channel_subscribers(ch),
        .pending = ch->users,
    };
    uint64_t score = score_of(&n, r->mail->by);
    struct pl_buf *b = NULL;

    if (pl_top_wants(&r->mail->top, score))
        b = pl_top_enter(&r->mail->top, score);
    if (b != NULL)
        write_row(b, ch, &n);
}

void pl_channels_rank(struct pl_actor *owner, struct pl_map *channels,
                      struct pl_look_mail *m)
{
    struct ranking r = {m, pl_loop_now_ms(owner->loop)};
    unsigned places = 0;

    do {
        m->has_more = pl_map_scan(channels, &m->at, visit, &r);
        places++;
    } while (m->has_more && places < PLACES);
    pl_loop_add_work(owner->loop, (uint64_t)places * WORK_PLACE);
    pl_mail_answer(owner, &m->msg);
}
