/* SPDX-License-Identifier: Apache-2.0 */
/* reports.c - see reports.h.
 *
 * Each report is one allocation: the event, the struct that the program gets,
 * and the bytes that it points to.
 *
 * Invariant: a report points into itself, or to what outlives it: the client
 * and the subscription, which are freed by a later event; that of the server
 * too. */
#include "reports.h"

#include <stdlib.h>
#include <string.h>

#include "client_codes.h"
#include "client_private.h"
#include "subs_private.h"

/* A publication. */
struct news {
    struct plc_record record; /* first */
    struct plc_client *client;
    struct plc_sub *sub; /* NULL: of the client */
    struct plc_publication publication;
    struct plc_info info;
    struct plc_position position; /* after this; only with an offset */
    uint64_t ends, sub_ends;      /* counted when it was made */
    char bytes[];
};

/* Anything else. */
struct report {
    struct plc_event event; /* first */
    struct plc_client *client;
    struct plc_sub *sub; /* NULL: of the client */
    union {
        struct plc_change change;
        struct plc_bytes data;
        struct plc_token *question;
        struct {
            enum pl_err err;
            uint32_t code;
        } error;
    };
    struct plc_info info;
    struct plc_position position; /* of the subscription, after this */
    uint64_t ends, sub_ends;      /* counted when it was made */
    bool joined;
    const char *channel, *text;
    char *at; /* where the next copy goes */
    char bytes[];
};

static void destroy_report(struct pl_msg *msg)
{
    free(msg);
}

/* --- Losses --- */

static void run_loss(struct plc_event *e)
{
    struct plc_client *c = PL_CONTAINER(e, struct plc_client, loss);
    const struct plc_client_options *o = &c->options;

    if (o->error != NULL)
        o->error(c, PL_ENOMEM, PLC_ERROR_TRANSPORT,
                 "out of memory: callbacks are lost", o->arg);
}

/* The event may be put again. */
static void destroy_loss(struct pl_msg *msg)
{
    struct plc_event *e = (struct plc_event *)msg;

    pl_cell_set(&PL_CONTAINER(e, struct plc_client, loss)->is_loss_queued, 0);
}

void plc_report_init(struct plc_client *c)
{
    c->loss.run = run_loss;
    c->loss.msg.destroy = destroy_loss;
}

void plc_report_loss(struct plc_client *c)
{
    c->counts[PLC_COUNT_EVENTS_LOST]++;
    c->has_loss = true;
    if (pl_cell_get(&c->is_loss_queued) != 0)
        return;
    pl_cell_set(&c->is_loss_queued, 1);
    plc_group_log(c->part.group, PLC_ERROR,
                  "out of memory: callbacks are lost");
    plc_events_put(c->events, &c->loss);
}

enum { STRING_ENDS = 8 /* zero bytes, one after each string */ };

/* With space for `bytes` and the zero bytes after strings. */
static struct report *create(struct plc_client *c, struct plc_sub *s,
                             void (*run)(struct plc_event *), size_t bytes)
{
    struct report *r = malloc(sizeof *r + bytes + STRING_ENDS);

    if (r == NULL) {
        plc_report_loss(c);
        return NULL;
    }
    memset(r, 0, sizeof *r);
    r->event.run = run;
    r->event.msg.destroy = destroy_report;
    r->event.size = sizeof *r + bytes;
    r->client = c;
    r->sub = s;
    r->at = r->bytes;
    r->ends = c->ends;
    r->sub_ends = s == NULL ? 0 : s->ends;
    return r;
}

/* The program has called plc_sub_stop() or plc_client_disconnect() since the
 * ends were counted as these. */
static bool has_ended_since(const struct plc_client *c, const struct plc_sub *s,
                            uint64_t ends, uint64_t sub_ends)
{
    return ends != pl_cell_get(&c->ends_called) ||
           (s != NULL && sub_ends != pl_cell_get(&s->ends_called));
}

static bool is_late(const struct report *r)
{
    return has_ended_since(r->client, r->sub, r->ends, r->sub_ends);
}

static void show_position(const struct report *r)
{
    if (!is_late(r))
        plc_position_show(&r->position);
}

static const char *copy(char **at, struct pl_span s)
{
    char *to = *at;

    if (s.len > 0)
        memcpy(to, s.at, s.len);
    to[s.len] = '\0';
    *at += s.len + 1;
    return to;
}

static struct plc_bytes copy_bytes(char **at, struct pl_span s)
{
    return s.at == NULL ? (struct plc_bytes){NULL, 0}
                        : (struct plc_bytes){copy(at, s), s.len};
}

static void put(struct report *r)
{
    plc_events_put(r->client->events, &r->event);
}

/* --- States --- */

static struct pl_span span_of(struct plc_bytes b)
{
    return (struct pl_span){b.at, b.len};
}

static struct report *create_state(struct plc_client *c, struct plc_sub *s,
                                   void (*run)(struct plc_event *),
                                   struct pl_span channel,
                                   const struct plc_change *change)
{
    struct pl_span reason = pl_span_of(change->reason);
    struct pl_span client = pl_span_of(change->client);
    struct pl_span version = pl_span_of(change->version);
    struct pl_span epoch = pl_span_of(change->epoch);
    struct report *r = create(c, s, run,
                              channel.len + reason.len + client.len +
                                  version.len + epoch.len + change->data.len);

    if (r == NULL)
        return NULL;
    r->change = *change;
    r->channel = copy(&r->at, channel);
    r->change.reason = copy(&r->at, reason);
    r->change.client = copy(&r->at, client);
    r->change.version = copy(&r->at, version);
    r->change.epoch = copy(&r->at, epoch);
    r->change.data = copy_bytes(&r->at, span_of(change->data));
    return r;
}

static void run_state(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_client_options *o = &r->client->options;

    o->state(r->client, &r->change, o->arg);
}

void plc_report_state(struct plc_client *c, const struct plc_change *change)
{
    if (c->options.state == NULL)
        return;
    struct report *r =
        create_state(c, NULL, run_state, (struct pl_span){NULL, 0}, change);
    if (r != NULL)
        put(r);
}

static void run_server_state(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_client_options *o = &r->client->options;

    if (r->change.to == PLC_SUBSCRIBED)
        show_position(r);
    if (o->server_state != NULL)
        o->server_state(r->client, r->channel, &r->change, o->arg);
}

void plc_report_server_state(struct plc_client *c, struct pl_span channel,
                             const struct plc_position *position,
                             const struct plc_change *change)
{
    if (c->options.server_state == NULL && change->to != PLC_SUBSCRIBED)
        return;
    struct report *r = create_state(c, NULL, run_server_state, channel, change);
    if (r == NULL)
        return;
    r->position = *position;
    put(r);
}

static void run_sub_state(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_sub_options *o = &r->sub->options;

    if (r->change.to == PLC_SUBSCRIBED)
        show_position(r);
    if (o->state != NULL)
        o->state(r->sub, &r->change, o->arg);
}

void plc_report_sub_state(struct plc_sub *s, const struct plc_change *change)
{
    if (s->options.state == NULL && change->to != PLC_SUBSCRIBED)
        return;
    struct report *r = create_state(s->client, s, run_sub_state,
                                    (struct pl_span){NULL, 0}, change);
    if (r == NULL)
        return;
    r->position = s->position;
    put(r);
}

/* --- Errors --- */

static void run_error(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_client_options *o = &r->client->options;

    o->error(r->client, r->error.err, r->error.code, r->text, o->arg);
}

static void run_sub_error(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_sub_options *o = &r->sub->options;

    o->error(r->sub, r->error.err, r->error.code, r->text, o->arg);
}

static void put_error(struct plc_client *c, struct plc_sub *s,
                      void (*run)(struct plc_event *), enum pl_err err,
                      uint32_t code, const char *text)
{
    struct pl_span t = pl_span_of(text);
    struct report *r = create(c, s, run, t.len);

    if (r == NULL)
        return;
    r->error.err = err;
    r->error.code = code;
    r->text = copy(&r->at, t);
    put(r);
}

void plc_report_error(struct plc_client *c, enum pl_err err, uint32_t code,
                      const char *text)
{
    const char *url = c->options.url;

    /* up to the first query, which may be a secret */
    plc_group_log(c->part.group, PLC_INFO, "%.*s: %s", (int)strcspn(url, "?"),
                  url, text);
    if (c->options.error != NULL)
        put_error(c, NULL, run_error, err, code, text);
}

void plc_report_sub_error(struct plc_sub *s, enum pl_err err, uint32_t code,
                          const char *text)
{
    if (s->options.error != NULL)
        put_error(s->client, s, run_sub_error, err, code, text);
}

/* --- Messages and publications --- */

static void run_message(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    const struct plc_client_options *o = &r->client->options;

    o->message(r->client, &r->data, o->arg);
}

void plc_report_message(struct plc_client *c, struct pl_span data)
{
    if (c->options.message == NULL)
        return;
    struct report *r = create(c, NULL, run_message, data.len);
    if (r == NULL)
        return;
    r->data = copy_bytes(&r->at, data);
    put(r);
}

static size_t info_size(const struct pl_received_info *i)
{
    return i->user.len + i->client.len + i->conn_info.len + i->chan_info.len;
}

static void copy_info(char **at, struct plc_info *to,
                      const struct pl_received_info *i)
{
    to->user = copy(at, i->user);
    to->client = copy(at, i->client);
    to->conn_info = copy_bytes(at, i->conn_info);
    to->chan_info = copy_bytes(at, i->chan_info);
}

static void run_sub_publication(const struct news *n)
{
    const struct plc_sub_options *o = &n->sub->options;

    if (o->publication != NULL)
        o->publication(n->sub, &n->publication, o->arg);
}

/* A publication without an offset moves no position. */
static void run_publication(struct plc_record *r)
{
    const struct news *n = (struct news *)r;

    if (has_ended_since(n->client, n->sub, n->ends, n->sub_ends))
        return;
    if (n->publication.offset != 0)
        plc_position_show(&n->position);
    if (n->sub != NULL)
        run_sub_publication(n);
    else
        n->client->options.server_publication(n->client, &n->publication,
                                              n->client->options.arg);
}

/* The tags are behind the strings; count the bytes that they need. */
static bool tags_size(struct plc_client *c, struct pl_received_list list,
                      size_t *size)
{
    struct pl_span key, value;
    enum pl_err rc;

    *size = sizeof(struct plc_tag);
    while ((rc = pl_received_tag_next(&list, &c->item, &key, &value)) == PL_OK)
        *size += sizeof(struct plc_tag) + key.len + value.len + 2;
    return rc == PL_ENOENT;
}

static bool copy_tags(struct plc_publication *to, char **at,
                      struct plc_client *c, struct pl_received_list list)
{
    size_t count = list.count;
    uintptr_t address = (uintptr_t)*at;
    struct plc_tag *tags =
        (struct plc_tag *)(void *)(*at + (-address & (sizeof(void *) - 1)));
    struct pl_span key, value;
    size_t n = 0;

    *at = (char *)(tags + count);
    while (n < count &&
           pl_received_tag_next(&list, &c->item, &key, &value) == PL_OK) {
        tags[n].key = copy(at, key);
        tags[n].value = copy(at, value);
        n++;
    }
    to->tags = tags;
    to->tag_count = n;
    return n == count;
}

/* The name of a subscription of the program outlives the record. */
static bool fill_news(struct news *n, struct pl_span channel,
                      const struct pl_received_publication *p, bool recovered)
{
    char *at = n->bytes;

    n->publication = (struct plc_publication){
        .offset = p->offset,
        .time_ms = p->time_ms,
        .recovered = recovered,
        .channel = n->sub != NULL ? channel.at : copy(&at, channel),
        .data = copy_bytes(&at, p->data),
        .info = p->info.is_set ? &n->info : NULL,
    };
    if (p->info.is_set)
        copy_info(&at, &n->info, &p->info);
    return p->tags.count == 0 ||
           copy_tags(&n->publication, &at, n->client, p->tags);
}

/* Return NULL if out of memory. */
static struct news *create_news(struct plc_client *c, struct plc_sub *s,
                                struct pl_span channel,
                                const struct pl_received_publication *p)
{
    size_t strings = channel.len + p->data.len + info_size(&p->info), tags = 0;

    if (p->tags.count > 0 && !tags_size(c, p->tags, &tags))
        return NULL;
    struct news *n =
        plc_events_begin(c->events, sizeof *n + STRING_ENDS + strings + tags);
    if (n == NULL)
        return NULL;
    n->record.run = run_publication;
    n->client = c;
    n->sub = s;
    n->ends = c->ends;
    n->sub_ends = s == NULL ? 0 : s->ends;
    return n;
}

bool plc_report_publication(struct plc_client *c, struct plc_sub *s,
                            struct pl_span channel,
                            const struct pl_received_publication *p,
                            const struct plc_position *position, bool recovered)
{
    if (c->has_loss)
        return false;
    c->counts[PLC_COUNT_PUBLICATIONS]++;
    if (s != NULL ? s->options.publication == NULL && p->offset == 0
                  : c->options.server_publication == NULL)
        return true;
    struct news *n = create_news(c, s, channel, p);
    if (n == NULL || !fill_news(n, channel, p, recovered)) {
        plc_report_loss(c);
        return false;
    }
    if (p->offset != 0)
        n->position = *position;
    plc_events_end(c->events, &n->record);
    return true;
}

static void run_position(struct plc_event *e)
{
    show_position((struct report *)e);
}

void plc_report_position(struct plc_client *c, struct plc_sub *s,
                         const struct plc_position *position)
{
    struct report *r = create(c, s, run_position, 0);

    if (r == NULL)
        return;
    r->position = *position;
    put(r);
}

static void run_presence(struct plc_event *e)
{
    struct report *r = (struct report *)e;

    if (r->sub != NULL)
        r->sub->options.presence(r->sub, r->joined, &r->info,
                                 r->sub->options.arg);
    else
        r->client->options.server_presence(r->client, r->channel, r->joined,
                                           &r->info, r->client->options.arg);
}

void plc_report_presence(struct plc_client *c, struct plc_sub *s,
                         struct pl_span channel,
                         const struct pl_received_info *info, bool joined)
{
    if (s != NULL ? s->options.presence == NULL
                  : c->options.server_presence == NULL)
        return;
    struct report *r =
        create(c, s, run_presence, channel.len + info_size(info));
    if (r == NULL)
        return;
    r->joined = joined;
    r->channel = copy(&r->at, channel);
    copy_info(&r->at, &r->info, info);
    put(r);
}

/* --- Tokens --- */

static void run_question(struct plc_event *e)
{
    struct report *r = (struct report *)e;
    struct plc_token *question = r->question;

    r->question = NULL;
    if (r->sub != NULL)
        r->sub->options.get_token(r->sub, question, r->sub->options.arg);
    else
        r->client->options.get_token(r->client, question,
                                     r->client->options.arg);
}

/* A question that the program never got is answered here. */
static void destroy_question(struct pl_msg *msg)
{
    struct report *r = (struct report *)msg;

    if (r->question != NULL)
        plc_token_fail(r->question, "the group has been destroyed");
    free(r);
}

void plc_report_question(struct plc_client *c, struct plc_sub *s,
                         struct plc_token *question)
{
    struct report *r = create(c, s, run_question, 0);

    if (r == NULL) {
        plc_token_fail(question, "out of memory");
        return;
    }
    r->event.msg.destroy = destroy_question;
    r->question = question;
    put(r);
}
