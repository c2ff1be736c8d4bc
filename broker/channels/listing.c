/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - lists the channels with subscribers that match a pattern.
 *
 * A list visits all channels of the owner.  Lists have their own share of the
 * loop's time, so that queries of clients cannot use up the operator's. */

#include <stdlib.h>

#include "channel.h"
#include "channel_requests.h"
#include "channels_private.h"
#include "code.h"
#include "glob.h"
#include "mail.h"
#include "pending_request.h"

/* Units of pl_loop_add_work() per visited channel. */
enum { WORK_CHANNEL = 20 };

static void take(struct pl_map_node *n, void *arg)
{
    struct pl_channel *ch = (struct pl_channel *)n;
    struct pl_list_mail *m = arg;

    if (pl_channel_subscribers(ch) == 0)
        return;
    if (m->pattern != NULL &&
        !pl_glob_matches(pl_blob_span(m->pattern), pl_blob_span(ch->name)))
        return;
    m->channels[m->count++] = (struct pl_listed_channel){
        pl_blob_hold(ch->name), pl_channel_subscribers(ch)};
}

/* Return false if lists have used up their share. */
static bool begin(struct pl_channels *c)
{
    uint64_t now_ms = pl_loop_now_ms(c->actor.loop);
    uint64_t units = (uint64_t)c->map.count * WORK_CHANNEL;

    if (!pl_time_share_allows(&c->lists, now_ms, units))
        return false;
    pl_time_share_spend(&c->lists, now_ms, units);
    pl_loop_add_work(c->actor.loop, units);
    return true;
}

void pl_channels_list(struct pl_channels *c, struct pl_list_mail *m)
{
    m->error = 0;
    m->count = 0;
    if (!begin(c)) {
        pl_answer_error(c, &m->msg, PL_ERROR_TOO_MANY_REQUESTS);
        return;
    }
    if (c->map.count > 0) {
        m->channels = malloc(c->map.count * sizeof *m->channels);
        if (m->channels == NULL) {
            pl_answer_error(c, &m->msg, PL_ERROR_INTERNAL);
            return;
        }
        pl_map_each(&c->map, take, m);
    }
    pl_mail_answer(&c->actor, &m->msg);
}
