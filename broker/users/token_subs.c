/* SPDX-License-Identifier: Apache-2.0 */
/* token_subs.c - the subscriptions that a token grants.
 *
 * A member that restricts a subscription in an unsupported way is refused by
 * its name; other unknown members are ignored, as unknown claims are. */
#include "token_reading.h"

#include "channel_name.h"

static enum pl_err check_members(struct pl_token_reading *r, const json_t *from)
{
    static const struct {
        const char *name, *why;
    } refused[] = {
        {"allow", "allow is not supported"},
        {"caps", "caps is not supported"},
        {"server_tags_filter", "server_tags_filter is not supported"},
    };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_object_get(from, refused[i].name) != NULL)
            return pl_token_refuse(r, PL_EBADMSG, refused[i].why);
    return PL_OK;
}

/* --- override --- */

static const struct {
    const char *name;
    enum pl_token_override flag;
} overrides[] = {
    {"presence", PL_OVERRIDE_PRESENCE},
    {"join_leave", PL_OVERRIDE_JOIN_LEAVE},
    {"force_push_join_leave", PL_OVERRIDE_PUSH_JOIN_LEAVE},
    {"force_recovery", PL_OVERRIDE_RECOVERY},
    {"force_positioning", PL_OVERRIDE_POSITIONING},
};

/* Read {"NAME": {"value": true}, ...}. */
static enum pl_err read_overrides(struct pl_token_reading *r,
                                  const json_t *from, struct pl_token_sub *sub)
{
    const json_t *all = json_object_get(from, "override");

    if (all == NULL || json_is_null(all))
        return PL_OK;
    if (!json_is_object(all))
        return pl_token_refuse(r, PL_EBADMSG, "override is not an object");
    for (size_t i = 0; i < sizeof overrides / sizeof overrides[0]; i++) {
        const json_t *one = json_object_get(all, overrides[i].name);
        const json_t *value = json_object_get(one, "value");

        if (one == NULL || json_is_null(one))
            continue;
        if (!json_is_object(one) || (value != NULL && !json_is_boolean(value)))
            return pl_token_refuse(r, PL_EBADMSG,
                                   "override: a member without a boolean");
        sub->overrides |= (uint8_t)overrides[i].flag;
        if (json_is_true(value))
            sub->values |= (uint8_t)overrides[i].flag;
    }
    return PL_OK;
}

/* Read the members of `from` that describe the subscription. */
static enum pl_err read_options(struct pl_token_reading *r, const json_t *from,
                                struct pl_token_sub *sub)
{
    enum pl_err rc;

    if ((rc = pl_token_json(r, from, "data", "b64data", &sub->data)) == PL_OK &&
        (rc = pl_token_json(r, from, "info", "b64info", &sub->info)) == PL_OK)
        rc = read_overrides(r, from, sub);
    return rc;
}

/* --- Names --- */

static bool is_own_inbox(const struct pl_token_reading *r, struct pl_span name)
{
    return name.at[0] == PL_CHANNEL_USER_INBOX &&
           pl_span_equal((struct pl_span){name.at + 1, name.len - 1},
                         r->claims->user);
}

static bool is_listed(const struct pl_token_reading *r, struct pl_span name)
{
    for (size_t i = 0; i < r->claims->sub_count; i++)
        if (pl_span_equal(r->claims->subs[i].channel, name))
            return true;
    return false;
}

static enum pl_err check_name(struct pl_token_reading *r, struct pl_span name)
{
    switch (pl_channel_name_check(name)) {
    case PL_CHANNEL_NAME_OK:
        return PL_OK;
    case PL_CHANNEL_NAME_RESERVED:
        return pl_token_refuse(r, PL_EINVAL, "channels: a reserved name");
    default:
        return pl_token_refuse(r, PL_EBADMSG, "channels: a name of bad length");
    }
}

static enum pl_err make_space(struct pl_token_reading *r, size_t count)
{
    struct pl_token_claims *c = r->claims;

    if (count > PL_TOKEN_CHANNELS_MAX)
        return pl_token_refuse(r, PL_EBADMSG, "channels is too long");
    c->subs = pl_arena_alloc(&c->arena, (count + 1) * sizeof c->subs[0]);
    return c->subs == NULL ? PL_ENOMEM : PL_OK;
}

/* Begin the next subscription in *out; NULL: the client has the channel anyway.
 * A backend may list the user's inbox, as is usual with Centrifugo; each
 * logged-in user has it. */
static enum pl_err begin_sub(struct pl_token_reading *r, struct pl_span name,
                             struct pl_token_sub **out)
{
    struct pl_token_claims *c = r->claims;
    struct pl_token_sub *sub = &c->subs[c->sub_count];
    enum pl_err rc = PL_OK;

    *out = NULL;
    if (name.len > 0 && (is_own_inbox(r, name) || is_listed(r, name)))
        return PL_OK;
    *sub = (struct pl_token_sub){.overrides = 0};
    if ((rc = check_name(r, name)) == PL_OK &&
        (rc = pl_token_keep(r, name, &sub->channel)) == PL_OK) {
        c->sub_count++;
        *out = sub;
    }
    return rc;
}

/* --- Connection tokens --- */

static enum pl_err read_channels(struct pl_token_reading *r, const json_t *list)
{
    struct pl_token_sub *sub = NULL;
    enum pl_err rc;

    if (!json_is_array(list))
        return pl_token_refuse(r, PL_EBADMSG, "channels is not a list");
    rc = make_space(r, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list) && rc == PL_OK; i++) {
        const json_t *name = json_array_get(list, i);

        rc = json_is_string(name)
                 ? begin_sub(r, pl_token_text(name), &sub)
                 : pl_token_refuse(r, PL_EBADMSG,
                                   "channels holds something else");
    }
    return rc;
}

static enum pl_err read_end(struct pl_token_reading *r, const json_t *from,
                            struct pl_token_sub *sub)
{
    const json_t *end = json_object_get(from, "expire_at");

    if (end != NULL && !pl_token_date(end, &sub->expires_at_s))
        return pl_token_refuse(r, PL_EBADMSG, "subs: expire_at is not a date");
    if (sub->expires_at_s < 0)
        sub->expires_at_s = 0;
    return PL_OK;
}

static enum pl_err read_sub(struct pl_token_reading *r, const char *name,
                            size_t name_len, const json_t *from)
{
    struct pl_token_sub *sub = NULL;
    enum pl_err rc;

    if (!json_is_object(from) && !json_is_null(from))
        return pl_token_refuse(r, PL_EBADMSG, "subs holds something else");
    if ((rc = check_members(r, from)) == PL_OK)
        rc = begin_sub(r, (struct pl_span){name, name_len}, &sub);
    if (rc != PL_OK || sub == NULL)
        return rc;
    if ((rc = read_options(r, from, sub)) == PL_OK)
        rc = read_end(r, from, sub);
    return rc;
}

static enum pl_err read_map(struct pl_token_reading *r, json_t *map)
{
    enum pl_err rc = make_space(r, json_object_size(map));

    for (void *at = json_object_iter(map); at != NULL && rc == PL_OK;
         at = json_object_iter_next(map, at)) {
        const char *name = json_object_iter_key(at);

        rc = read_sub(r, name, strlen(name), json_object_iter_value(at));
    }
    return rc;
}

enum pl_err pl_token_read_subs(struct pl_token_reading *r)
{
    json_t *subs = json_object_get(r->payload, "subs");
    json_t *channels = json_object_get(r->payload, "channels");

    if (subs != NULL && !json_is_null(subs) && !json_is_object(subs))
        return pl_token_refuse(r, PL_EBADMSG, "subs is not an object");
    if (json_object_size(subs) > 0)
        return read_map(r, subs);
    return channels == NULL || json_is_null(channels)
               ? PL_OK
               : read_channels(r, channels);
}

/* --- Subscription tokens --- */

enum pl_err pl_token_read_channel(struct pl_token_reading *r)
{
    struct pl_token_claims *c = r->claims;
    const json_t *client = json_object_get(r->payload, "client");
    struct pl_span name = pl_token_text(json_object_get(r->payload, "channel"));
    enum pl_err rc;

    if (name.len == 0)
        return pl_token_refuse(r, PL_EBADMSG, "it is for no channel");
    if (client != NULL && !json_is_string(client))
        return pl_token_refuse(r, PL_EBADMSG, "client is not a string");
    if ((rc = check_members(r, r->payload)) != PL_OK ||
        (rc = make_space(r, 1)) != PL_OK)
        return rc;
    c->subs[0] = (struct pl_token_sub){.overrides = 0};
    c->sub_count = 1;
    if (client != NULL && json_string_length(client) > 0)
        rc = pl_token_keep(r, pl_token_text(client), &c->client);
    if (rc == PL_OK)
        rc = pl_token_keep(r, name, &c->subs[0].channel);
    return rc == PL_OK ? read_options(r, r->payload, &c->subs[0]) : rc;
}
