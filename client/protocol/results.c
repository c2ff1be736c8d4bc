/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - see results.h. */
#include "results.h"

#include "client_codec.h"

static bool copy_bytes(struct pl_arena *to, struct pl_span s,
                       struct plc_bytes *out)
{
    *out = (struct plc_bytes){NULL, 0};
    if (s.at == NULL)
        return true;
    *out = (struct plc_bytes){pl_arena_text(to, s), s.len};
    return out->at != NULL;
}

static struct plc_info *copy_info(struct pl_arena *to, struct pl_span client,
                                  const struct pl_received_info *i)
{
    struct plc_info *info = pl_arena_alloc(to, sizeof *info);

    if (info == NULL)
        return NULL;
    info->user = pl_arena_text(to, i->user);
    info->client = pl_arena_text(to, i->client.at != NULL ? i->client : client);
    if (info->user == NULL || info->client == NULL ||
        !copy_bytes(to, i->conn_info, &info->conn_info) ||
        !copy_bytes(to, i->chan_info, &info->chan_info))
        return NULL;
    return info;
}

static bool copy_tags(struct pl_arena *to, struct pl_arena *scratch,
                      struct pl_received_list list, struct plc_publication *p)
{
    size_t count = list.count;
    struct plc_tag *tags = pl_arena_alloc(to, (count + 1) * sizeof *tags);
    struct pl_span key, value;

    if (tags == NULL)
        return false;
    while (p->tag_count < count &&
           pl_received_tag_next(&list, scratch, &key, &value) == PL_OK) {
        struct plc_tag *t = &tags[p->tag_count++];

        t->key = pl_arena_text(to, key);
        t->value = pl_arena_text(to, value);
        if (t->key == NULL || t->value == NULL)
            return false;
    }
    p->tags = tags;
    return p->tag_count == count;
}

static const struct plc_publication *
copy_publication(struct pl_arena *to, struct pl_arena *scratch,
                 const struct pl_received_publication *from)
{
    struct plc_publication *p = pl_arena_alloc(to, sizeof *p);

    if (p == NULL)
        return NULL;
    *p = (struct plc_publication){.channel = pl_arena_text(to, from->channel),
                                  .offset = from->offset,
                                  .time_ms = from->time_ms};
    if (p->channel == NULL || !copy_bytes(to, from->data, &p->data))
        return NULL;
    if (from->info.is_set) {
        p->info = copy_info(to, from->info.client, &from->info);
        if (p->info == NULL)
            return NULL;
    }
    if (from->tags.count > 0 && !copy_tags(to, scratch, from->tags, p))
        return NULL;
    return p;
}

static bool read_history(struct plc_result *r, struct pl_arena *to,
                         struct pl_arena *scratch,
                         const struct pl_received_history *h)
{
    struct pl_received_list list = h->publications;
    struct pl_received_publication p;
    const struct plc_publication **all =
        pl_arena_alloc(to, (list.count + 1) * sizeof *all);

    r->epoch = pl_arena_text(to, h->epoch);
    r->offset = h->offset;
    if (all == NULL || r->epoch == NULL)
        return false;
    r->publications = all;
    for (;;) {
        pl_arena_reset(scratch);
        if (pl_received_publication_next(&list, scratch, &p) != PL_OK)
            break;
        all[r->publication_count] = copy_publication(to, scratch, &p);
        if (all[r->publication_count++] == NULL)
            return false;
    }
    return r->publication_count == h->publications.count;
}

static bool read_presence(struct plc_result *r, struct pl_arena *to,
                          struct pl_arena *scratch,
                          struct pl_received_list list)
{
    size_t count = list.count;
    struct pl_received_info info;
    struct pl_span client;
    const struct plc_info **all = pl_arena_alloc(to, (count + 1) * sizeof *all);

    if (all == NULL)
        return false;
    r->present = all;
    for (;;) {
        pl_arena_reset(scratch);
        if (pl_received_info_next(&list, scratch, &client, &info) != PL_OK)
            break;
        all[r->present_count] = copy_info(to, client, &info);
        if (all[r->present_count++] == NULL)
            return false;
    }
    return r->present_count == count;
}

bool plc_result_read(struct plc_result *r, struct pl_arena *to,
                     struct pl_arena *scratch, const struct pl_received *reply)
{
    switch (reply->kind) {
    case PL_RECEIVED_ERROR:
        r->code = reply->error.code;
        r->temporary = reply->error.temporary;
        r->message = pl_arena_text(to, reply->error.message);
        return r->message != NULL;
    case PL_RECEIVED_RPC:
        return copy_bytes(to, reply->data, &r->data);
    case PL_RECEIVED_HISTORY:
        return read_history(r, to, scratch, &reply->history);
    case PL_RECEIVED_PRESENCE:
        return read_presence(r, to, scratch, reply->presence);
    case PL_RECEIVED_PRESENCE_STATS:
        r->num_clients = reply->stats.clients;
        r->num_users = reply->stats.users;
        return true;
    default:
        return true;
    }
}
