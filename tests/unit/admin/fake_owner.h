/* SPDX-License-Identifier: Apache-2.0 */
/* fake_owner.h - an owner of channels that answers as its name tells, for the
 * tests of this module:
 *   "unresponsive"    is never answered
 *   "broken"  is answered with error 108
 *   "large"   has a history of OWNER_LARGE bytes
 * Everything else goes well; a publication's offset is the number of
 * publications so far. */
#ifndef FAKE_OWNER_H
#define FAKE_OWNER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actor.h"
#include "channels_mail.h"
#include "code.h"
#include "hub_mail.h"
#include "mail.h"
#include "monitor.h"

enum { OWNER_KEPT = 20000, OWNER_LARGE = 12 << 20 };

struct owner {
    struct pl_actor actor;
    struct pl_address hub;    /* gets publications; nobody: none */
    struct pl_client *client; /* in presence and in history */
    uint64_t published;
    char last[256]; /* data of the newest publication */
    bool last_is_json;
    struct pl_msg *kept[OWNER_KEPT];
    unsigned kept_count;
};

static inline uint32_t owner_error(struct pl_span channel)
{
    return pl_span_equal(channel, PL_SPAN("broken")) ? PL_ERROR_NOT_AVAILABLE
                                                     : 0;
}

/* True: the message is kept and will not be answered. */
static inline bool owner_keeps(struct owner *o, struct pl_span channel,
                               struct pl_msg *msg)
{
    if (!pl_span_equal(channel, PL_SPAN("unresponsive")) ||
        o->kept_count == OWNER_KEPT)
        return false;
    o->kept[o->kept_count++] = msg;
    return true;
}

static inline void owner_fan_out(struct owner *o, struct pl_pub *pub)
{
    struct pl_publication_mail *p;

    if (pl_address_is_none(o->hub))
        return;
    p = pl_publication_mail_create();
    assert_non_null(p);
    p->pub = pl_pub_hold(pub);
    pl_actor_send(&o->actor, o->hub, &p->msg);
}

static inline void owner_publish(struct owner *o, struct pl_publish_mail *m)
{
    struct pl_span data = pl_pub_data(m->pub);

    if (owner_keeps(o, pl_pub_channel(m->pub), &m->msg))
        return;
    m->error = owner_error(pl_pub_channel(m->pub));
    if (m->error == 0) {
        m->pub->offset = ++o->published;
        memcpy(m->epoch, "epok", 5);
        o->last_is_json = m->pub->is_json;
        snprintf(o->last, sizeof o->last, "%.*s", (int)data.len, data.at);
        owner_fan_out(o, m->pub);
    }
    pl_mail_answer(&o->actor, &m->msg);
}

static inline void owner_fill_presence(struct owner *o, struct pl_query_mail *m)
{
    m->count = m->users = 1;
    m->clients = malloc(sizeof *m->clients);
    assert_non_null(m->clients);
    m->clients[0] = pl_client_hold(o->client);
}

static inline void owner_fill_large(struct pl_query_mail *m)
{
    char *text = malloc(OWNER_LARGE);

    assert_non_null(text);
    memset(text, '1', OWNER_LARGE);
    m->count = 1;
    m->pubs = malloc(sizeof *m->pubs);
    assert_non_null(m->pubs);
    m->pubs[0] = pl_pub_create(PL_SPAN("large"), 0,
                               (struct pl_span){text, OWNER_LARGE}, NULL);
    m->pubs[0]->is_json = true;
    free(text);
}

static inline void owner_fill_history(struct owner *o, struct pl_query_mail *m)
{
    memcpy(m->epoch, "epok", 5);
    m->offset = 7; /* two are left of seven */
    m->count = 2;
    m->pubs = malloc(2 * sizeof *m->pubs);
    assert_non_null(m->pubs);
    m->pubs[0] = pl_pub_create(PL_SPAN("c"), 0, PL_SPAN("{\"n\":1}"), NULL);
    m->pubs[0]->is_json = true;
    m->pubs[0]->offset = 1;
    m->pubs[1] = pl_pub_create(PL_SPAN("c"), 0, PL_SPAN("\x01\x02"), o->client);
    m->pubs[1]->offset = 2;
}

static inline void owner_query(struct owner *o, struct pl_query_mail *m)
{
    if (owner_keeps(o, pl_blob_span(m->channel), &m->msg))
        return;
    m->error = owner_error(pl_blob_span(m->channel));
    if (m->error == 0 && m->kind == PL_QUERY_PRESENCE) {
        owner_fill_presence(o, m);
    } else if (m->error == 0 && m->kind == PL_QUERY_PRESENCE_STATS) {
        m->count = 3;
        m->users = 2;
    } else if (m->kind == PL_QUERY_HISTORY &&
               pl_span_equal(pl_blob_span(m->channel), PL_SPAN("large"))) {
        owner_fill_large(m);
    } else if (m->error == 0 && m->kind == PL_QUERY_HISTORY) {
        owner_fill_history(o, m);
    }
    pl_mail_answer(&o->actor, &m->msg);
}

static inline void owner_list(struct owner *o, struct pl_list_mail *m)
{
    char name[2] = {(char)('a' + o->actor.slot), '\0'};

    m->channels = calloc(1, sizeof *m->channels);
    assert_non_null(m->channels);
    m->channels[0].channel = pl_blob_create(pl_span_of(name));
    m->channels[0].subscribers = 4;
    m->count = 1;
    pl_mail_answer(&o->actor, &m->msg);
}

static inline void owner_attach(struct owner *o, struct pl_attach_mail *m)
{
    o->hub = m->msg.from;
    m->error = owner_error(pl_blob_span(m->channel));
    m->epoch[0] = '\0';
    pl_mail_answer(&o->actor, &m->msg);
}

static inline void owner_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct owner *o = (struct owner *)a;

    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        owner_publish(o, (struct pl_publish_mail *)msg);
        return;
    case PL_MAIL_QUERY:
        owner_query(o, (struct pl_query_mail *)msg);
        return;
    case PL_MAIL_LIST:
        owner_list(o, (struct pl_list_mail *)msg);
        return;
    case PL_MAIL_ATTACH:
        owner_attach(o, (struct pl_attach_mail *)msg);
        return;
    case PL_MAIL_DETACH:
        o->hub = (struct pl_address){0};
        break;
    case PL_MSG_STOP:
        pl_actor_exit(a, "stopped");
        break;
    default:
        pl_actor_refuse(a, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static inline void owner_reap(struct pl_actor *a)
{
    struct owner *o = (struct owner *)a;

    for (unsigned i = 0; i < o->kept_count; i++)
        pl_mail_destroy(o->kept[i]);
    pl_client_release(o->client);
    free(o);
}

static const struct pl_actor_ops owner_ops = {
    .name = "owner",
    .mailbox_limit = 65536,
    .receive = owner_receive,
    .reap = owner_reap,
};

static inline struct owner *owner_create(struct pl_loop *loop)
{
    struct owner *o = calloc(1, sizeof *o);
    struct pl_random random;

    assert_non_null(o);
    assert_int_equal(pl_actor_init(&o->actor, loop, &owner_ops), PL_OK);
    pl_random_init_seeded(&random, 7);
    assert_int_equal(pl_client_create(&o->client, pl_actor_address(&o->actor),
                                      &random, PL_SPAN("ada"),
                                      PL_SPAN("{\"name\":\"Ada\"}")),
                     PL_OK);
    return o;
}

#endif
