/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_cold.c - the rare messages, through protobuf-c.
 *
 * Reading: after the caller has scanned the command (protobuf_scan.c says why),
 * protobuf-c unpacks it into the caller's arena, and the fields of command.h
 * are copied from there.  Nothing is freed one by one.
 *
 * Writing: protobuf-c needs its own structs, with zero-terminated strings, so
 * the result is built in an arena that exists for one call.  Payloads are not
 * copied. protobuf_encode.c writes the frequent replies without this. */
#include "protobuf_codec.h"

#include "client.pb-c.h"
#include "protobuf_scan.h"
#include "request_fields.h"
#include "tags.h"

/* ---- Reading ---- */

static void *arena_alloc(void *arena, size_t size)
{
    return pl_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *at)
{
    (void)arena; /* the owner frees the arena at once */
    (void)at;
}

enum pl_err pl_protobuf_cold_check(struct pl_span bytes, const char **why,
                                   const char **where)
{
    struct pl_protobuf_scan s = {.fields = PL_COMMAND_FIELDS_MAX};

    if (pl_protobuf_scan(&s, bytes, &parley__command__descriptor,
                         PL_COMMAND_DEPTH_MAX))
        return PL_OK;
    *why = s.why;
    *where = s.at;
    return PL_EBADMSG;
}

static struct pl_span bytes_of(ProtobufCBinaryData data)
{
    return (struct pl_span){(const char *)data.data, data.len};
}

/* The fields that parley refuses, as in the table of request_fields.c. */
static const char *refused(const Parley__SubscribeRequest *in)
{
    return in->tf.len > 0       ? "tf"
           : in->type != 0      ? "type"
           : in->phase != 0     ? "phase"
           : in->cursor.len > 0 ? "cursor"
           : in->limit != 0     ? "limit"
           : in->asc            ? "asc"
                                : NULL;
}

static void read_subscribe(const Parley__SubscribeRequest *in,
                           struct pl_subscribe_request *out)
{
    out->token = pl_span_of(in->token);
    out->data = bytes_of(in->data);
    out->epoch = pl_span_of(in->epoch);
    out->offset = in->offset;
    out->flag = in->flag;
    out->recover = in->recover;
    out->positioned = in->positioned;
    out->recoverable = in->recoverable;
    out->join_leave = in->join_leave;
    out->unsupported = refused(in);
}

static enum pl_err read_connect(const Parley__ConnectRequest *in,
                                struct pl_arena *arena,
                                struct pl_connect_request *out,
                                const char **why)
{
    size_t count = in->n_subs;
    struct pl_subscribe_request *subs = NULL;

    if (count > PL_COMMAND_SUBS_MAX) {
        *why = "too many subscriptions";
        return PL_EBADMSG;
    }
    if (count > 0 &&
        (subs = pl_arena_alloc(arena, count * sizeof(*subs))) == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        subs[i] = (struct pl_subscribe_request){0};
        if (in->subs[i]->value != NULL)
            read_subscribe(in->subs[i]->value, &subs[i]);
        subs[i].channel = pl_span_of(in->subs[i]->key);
    }
    enum pl_err rc = pl_subs_unique(subs, count, arena);
    if (rc == PL_EEXIST) {
        *why = "a channel is given twice";
        return PL_EBADMSG;
    }
    if (rc != PL_OK)
        return rc;
    out->token = pl_span_of(in->token);
    out->data = bytes_of(in->data);
    out->name = pl_span_of(in->name);
    out->version = pl_span_of(in->version);
    out->subs = subs;
    out->sub_count = count;
    return PL_OK;
}

static void read_history(const Parley__HistoryRequest *in,
                         struct pl_history_request *out)
{
    out->channel = pl_span_of(in->channel);
    out->limit = in->limit;
    out->reverse = in->reverse;
    if (in->since == NULL)
        return;
    out->has_since = true;
    out->since_offset = in->since->offset;
    out->since_epoch = pl_span_of(in->since->epoch);
}

enum pl_err pl_protobuf_cold_decode(struct pl_span bytes,
                                    struct pl_arena *arena,
                                    struct pl_command *out, const char **why)
{
    ProtobufCAllocator into = {arena_alloc, arena_free, arena};
    Parley__Command *in =
        parley__command__unpack(&into, bytes.len, (const uint8_t *)bytes.at);

    if (in == NULL)
        return PL_ENOMEM;
    if (out->verb == PL_VERB_CONNECT)
        return read_connect(in->connect, arena, &out->connect, why);
    if (out->verb == PL_VERB_HISTORY) {
        read_history(in->history, &out->history);
    } else {
        out->sub_refresh.channel = pl_span_of(in->sub_refresh->channel);
        out->sub_refresh.token = pl_span_of(in->sub_refresh->token);
    }
    return PL_OK;
}

/* ---- Writing ---- */

/* The memory of a reply; `failed` is checked once, at the end. */
struct build {
    struct pl_arena arena;
    bool failed;
};

/* Allocate `count` items of `size` bytes.  If allocation fails or there are
 * none, return NULL and set *count to 0. */
static void *make(struct build *b, size_t *count, size_t size)
{
    void *at = NULL;

    if (*count > 0 && *count <= SIZE_MAX / size)
        at = pl_arena_alloc(&b->arena, *count * size);
    if (*count > 0 && at == NULL) {
        b->failed = true;
        *count = 0;
    }
    return at;
}

static char *text(struct build *b, struct pl_span s)
{
    char *copy;

    if (s.len == 0)
        return (char *)protobuf_c_empty_string;
    copy = pl_arena_text(&b->arena, s);
    if (copy == NULL) {
        b->failed = true;
        return (char *)protobuf_c_empty_string;
    }
    return copy;
}

static ProtobufCBinaryData data(struct pl_span s)
{
    return (ProtobufCBinaryData){s.len, (uint8_t *)s.at};
}

static void build_info(struct build *b, const struct pl_client_info *in,
                       Parley__ClientInfo *out)
{
    parley__client_info__init(out);
    out->user = text(b, in->user);
    out->client = text(b, in->client);
    out->conn_info = data(in->conn_info);
    out->chan_info = data(in->chan_info);
}

/* Create items of one kind and pointers to them, as protobuf-c represents a
 * repeated field.  `list` is a pointer to pointers, `array` a pointer to items;
 * if out of memory, *count is 0. */
#define MAKE_LIST(b, list, array, count)                                       \
    do {                                                                       \
        (array) = make(b, count, sizeof(*(array)));                            \
        (list) = make(b, count, sizeof(*(list)));                              \
        for (size_t i_ = 0; i_ < *(count); i_++)                               \
            (list)[i_] = &(array)[i_];                                         \
    } while (0)

static void build_tags(struct build *b, struct pl_span tags,
                       Parley__Publication *out)
{
    Parley__Publication__TagsEntry **list, *array;
    struct pl_span rest = tags, key, value;

    while (pl_tags_next(&rest, &key, &value))
        out->n_tags++;
    MAKE_LIST(b, list, array, &out->n_tags);
    for (size_t i = 0; i < out->n_tags && pl_tags_next(&tags, &key, &value);
         i++) {
        parley__publication__tags_entry__init(&array[i]);
        array[i].key = text(b, key);
        array[i].value = text(b, value);
    }
    out->tags = list;
}

static void build_publication(struct build *b, const struct pl_publication *in,
                              Parley__Publication *out)
{
    size_t one = 1;

    parley__publication__init(out);
    out->data = data(in->data);
    out->offset = in->offset;
    if (in->info != NULL &&
        (out->info = make(b, &one, sizeof(*out->info))) != NULL)
        build_info(b, in->info, out->info);
    if (in->tags.len > 0)
        build_tags(b, in->tags, out);
}

static Parley__Publication **
build_list(struct build *b, const struct pl_publication *in, size_t *count)
{
    Parley__Publication **list, *array;

    MAKE_LIST(b, list, array, count);
    for (size_t i = 0; i < *count; i++)
        build_publication(b, &in[i], &array[i]);
    return list;
}

static void build_subscribe(struct build *b,
                            const struct pl_subscribe_result *in,
                            Parley__SubscribeResult *out)
{
    parley__subscribe_result__init(out);
    out->expires = in->expires;
    out->ttl = in->ttl;
    out->recoverable = in->recoverable;
    out->epoch = text(b, in->epoch);
    out->n_publications = in->publication_count;
    out->publications = build_list(b, in->publications, &out->n_publications);
    out->recovered = in->recovered;
    out->offset = in->offset;
    out->positioned = in->positioned;
    out->data = data(in->data);
    out->was_recovering = in->was_recovering;
}

static void build_connect(struct build *b, const struct pl_connect_result *in,
                          Parley__ConnectResult *out)
{
    Parley__ConnectResult__SubsEntry *entries;
    Parley__SubscribeResult *results;

    parley__connect_result__init(out);
    out->client = text(b, in->client);
    out->version = text(b, in->version);
    out->expires = in->expires;
    out->ttl = in->ttl;
    out->data = data(in->data);
    out->ping = in->ping;
    out->pong = in->pong;
    out->n_subs = in->sub_count;
    MAKE_LIST(b, out->subs, entries, &out->n_subs);
    results = make(b, &out->n_subs, sizeof(*results));
    for (size_t i = 0; i < out->n_subs; i++) {
        parley__connect_result__subs_entry__init(&entries[i]);
        entries[i].key = text(b, in->subs[i].channel);
        entries[i].value = &results[i];
        build_subscribe(b, &in->subs[i].result, &results[i]);
    }
}

static void build_presence(struct build *b, const struct pl_presence_result *in,
                           Parley__PresenceResult *out)
{
    Parley__PresenceResult__PresenceEntry *entries;
    Parley__ClientInfo *infos;

    parley__presence_result__init(out);
    out->n_presence = in->count;
    MAKE_LIST(b, out->presence, entries, &out->n_presence);
    infos = make(b, &out->n_presence, sizeof(*infos));
    for (size_t i = 0; i < out->n_presence; i++) {
        parley__presence_result__presence_entry__init(&entries[i]);
        build_info(b, &in->clients[i], &infos[i]);
        entries[i].key = infos[i].client;
        entries[i].value = &infos[i];
    }
}

static void build_history(struct build *b, const struct pl_history_result *in,
                          Parley__HistoryResult *out)
{
    parley__history_result__init(out);
    out->n_publications = in->count;
    out->publications = build_list(b, in->publications, &out->n_publications);
    out->epoch = text(b, in->epoch);
    out->offset = in->offset;
}

static void build_refresh(struct build *b, const struct pl_refresh_result *in,
                          Parley__RefreshResult *out)
{
    parley__refresh_result__init(out);
    out->client = text(b, in->client);
    out->version = text(b, in->version);
    out->expires = in->expires;
    out->ttl = in->ttl;
}

/* Append the packed reply with its length before it. */
static void pack(struct pl_buf *out, const Parley__Reply *reply)
{
    size_t len = parley__reply__get_packed_size(reply);
    size_t left = len;

    for (; left >= 0x80; left >>= 7)
        pl_buf_put_byte(out, (char)(left | 0x80));
    pl_buf_put_byte(out, (char)left);
    char *at = pl_buf_reserve(out, len);
    if (at != NULL)
        out->len += parley__reply__pack(reply, (uint8_t *)at);
}

void pl_protobuf_cold_encode(struct pl_buf *b, const struct pl_reply *reply)
{
    struct build build = {0};
    Parley__Reply out = PARLEY__REPLY__INIT;
    Parley__ConnectResult connect;
    Parley__PresenceResult presence;
    Parley__PresenceStatsResult stats = PARLEY__PRESENCE_STATS_RESULT__INIT;
    Parley__HistoryResult history;
    Parley__RefreshResult refresh;
    Parley__SubRefreshResult sub_refresh = PARLEY__SUB_REFRESH_RESULT__INIT;

    out.id = reply->id;
    switch (reply->kind) {
    case PL_REPLY_CONNECT:
        build_connect(&build, &reply->connect, out.connect = &connect);
        break;
    case PL_REPLY_PRESENCE:
        build_presence(&build, &reply->presence, out.presence = &presence);
        break;
    case PL_REPLY_PRESENCE_STATS:
        stats.num_clients = reply->presence_stats.clients;
        stats.num_users = reply->presence_stats.users;
        out.presence_stats = &stats;
        break;
    case PL_REPLY_HISTORY:
        build_history(&build, &reply->history, out.history = &history);
        break;
    case PL_REPLY_REFRESH:
        build_refresh(&build, &reply->refresh, out.refresh = &refresh);
        break;
    default:
        sub_refresh.expires = reply->sub_refresh.expires;
        sub_refresh.ttl = reply->sub_refresh.ttl;
        out.sub_refresh = &sub_refresh;
        break;
    }
    if (build.failed)
        b->failed = true;
    else
        pack(b, &out);
    pl_arena_fini(&build.arena);
}
