/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - the command publish, and its result.
 *
 * Everything that may refuse the data is here: fields, grants, JSON, and the
 * judge of the embedding program.  The hub copies the data. */
#include "publish.h"

#include "channels_mail.h"
#include "grants.h"
#include "permission.h"
#include "replies.h"
#include "verdict_private.h"

/* Return true if the rules allow the data.  Data from a JSON connection is
 * always JSON, or there is none. */
static bool is_data_good(const struct pl_session *s,
                         const struct pl_rules *rules, struct pl_span data,
                         bool *is_json)
{
    *is_json =
        data.len > 0 && (pl_session_encoding(s) == PL_ENCODING_JSON ||
                         (pl_rules_want_json(rules) && pl_json_accepts(data)));
    return pl_rules_accept(rules, data, *is_json);
}

/* Ask the judge of publications, which may replace the data by other JSON.
 * Return false if the command waits or has its reply. */
static bool is_allowed(struct pl_session *s, struct pl_publish_ask *ask)
{
    struct pl_question q = {
        .asks = PL_ASKS_PUBLISH, .channel = ask->channel, .data = ask->data};

    if (!pl_session_is_judged(s, PL_ASKS_PUBLISH))
        return true;
    if (pl_session_judge(s, ask->command, &q) != PL_YES)
        return false;
    ask->is_json |= q.data.at != ask->data.at;
    ask->data = q.data;
    return true;
}

static void publish_as(struct pl_session *s, struct pl_client *client,
                       const struct pl_publish_ask *ask)
{
    enum pl_err rc = pl_hub_publish(pl_session_hub(s), pl_session_subscriber(s),
                                    client, ask);

    if (rc != PL_OK)
        pl_session_fail_begin(s, ask->command, rc);
}

/* A judge may have to allow it, or the subscription of the client to the
 * channel may have an info of its own.  Nearly all brokers have neither, so
 * this stays apart from the code that they run. */
__attribute__((cold, noinline)) static void
publish_judged(struct pl_session *s, struct pl_publish_ask *ask)
{
    if (is_allowed(s, ask))
        publish_as(s, pl_session_shown(s, ask->channel, ask->hash), ask);
}

void pl_session_publish(struct pl_session *s, const struct pl_command *c)
{
    struct pl_publish_ask ask = {
        .channel = c->publish.channel,
        .data = c->publish.data,
        .command = c->id,
        .kind = PL_VERB_PUBLISH,
    };
    struct pl_named n;

    if (c->publish.unsupported != NULL) {
        pl_session_refuse_field(s, c->id, c->publish.unsupported);
        return;
    }
    if (!pl_session_knows(s, c->id, ask.channel, &n))
        return;
    ask.hash = n.hash;
    if (!is_data_good(s, n.rules, ask.data, &ask.is_json)) {
        pl_session_fail(s, c->id, PL_ERROR_BAD_REQUEST);
        return;
    }
    if (!pl_session_may(s, c->id, ask.channel, &n, PL_GRANT_PUBLISH))
        return;
    if (pl_session_judged(s) != 0)
        publish_judged(s, &ask);
    else
        publish_as(s, pl_session_subscriber(s)->client, &ask);
}

void pl_session_tell_published(struct pl_session *s,
                               const struct pl_publish_mail *m)
{
    struct pl_reply reply = {.id = m->origin.command, .kind = PL_REPLY_PUBLISH};

    if (m->error != 0)
        pl_session_fail(s, m->origin.command, m->error);
    else
        pl_session_answer(s, &reply);
}
