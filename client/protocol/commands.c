/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - the calls of parley_client.h that a server answers. */
#include "actor_data.h"
#include "calls.h"
#include "client_parts.h"
#include "subs_private.h"

static struct pl_span span_of(const void *data, size_t len)
{
    return (struct pl_span){data == NULL ? "" : data, len};
}

enum pl_err plc_publish(struct plc_client *c, const char *channel,
                        const void *data, size_t len, plc_done *done, void *arg)
{
    struct pl_command command = {
        .verb = PL_VERB_PUBLISH,
        .publish = {.channel = pl_span_of(channel), .data = span_of(data, len)},
    };

    return plc_call_post(c, NULL, &command, done, arg);
}

enum pl_err plc_sub_publish(struct plc_sub *s, const void *data, size_t len,
                            plc_done *done, void *arg)
{
    struct pl_command command = {
        .verb = PL_VERB_PUBLISH,
        .publish = {.channel = s->channel, .data = span_of(data, len)},
    };

    return plc_call_post(s->client, s, &command, done, arg);
}

enum pl_err plc_rpc(struct plc_client *c, const char *method, const void *data,
                    size_t len, plc_done *done, void *arg)
{
    struct pl_command command = {
        .verb = PL_VERB_RPC,
        .rpc = {.method = pl_span_of(method), .data = span_of(data, len)},
    };

    return plc_call_post(c, NULL, &command, done, arg);
}

enum pl_err plc_send(struct plc_client *c, const void *data, size_t len,
                     plc_done *done, void *arg)
{
    struct pl_command command = {.verb = PL_VERB_SEND,
                                 .data = span_of(data, len)};

    return plc_call_post(c, NULL, &command, done, arg);
}

/* The reply says whether the address has the message. */
enum pl_err plc_actor_send(struct plc_client *c, const char *to,
                           const char *type, const void *data, size_t len,
                           plc_done *done, void *arg)
{
    struct pl_actor_data d = {.to = pl_span_of(to), .type = pl_span_of(type)};
    struct pl_buf b = {0};
    const char *why;
    size_t at;

    if (data != NULL)
        d.body = span_of(data, len);
    enum pl_err rc = pl_actor_data_encode(&b, &d, &why, &at);
    if (rc == PL_OK)
        rc = plc_rpc(c, "actor.send", b.data, b.len, done, arg);
    else
        plc_group_turn_away(plc_client_part(c)->group);
    pl_buf_fini(&b);
    return rc;
}

enum pl_err plc_history(struct plc_client *c, const char *channel,
                        int32_t limit, const char *since_epoch,
                        uint64_t since_offset, bool reverse, plc_done *done,
                        void *arg)
{
    struct pl_command command = {
        .verb = PL_VERB_HISTORY,
        .history = {.channel = pl_span_of(channel),
                    .limit = limit,
                    .has_since = since_epoch != NULL,
                    .since_epoch = pl_span_of(since_epoch),
                    .since_offset = since_offset,
                    .reverse = reverse},
    };

    return plc_call_post(c, NULL, &command, done, arg);
}

enum pl_err plc_presence(struct plc_client *c, const char *channel,
                         bool numbers_only, plc_done *done, void *arg)
{
    struct pl_command command = {.verb = numbers_only ? PL_VERB_PRESENCE_STATS
                                                      : PL_VERB_PRESENCE,
                                 .channel = pl_span_of(channel)};

    return plc_call_post(c, NULL, &command, done, arg);
}
