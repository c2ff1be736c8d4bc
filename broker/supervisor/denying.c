/* SPDX-License-Identifier: Apache-2.0 */
/* denying.c - revokes tokens and blocks users.
 *
 * An order changes the table here, then the copies of the session managers, and
 * closes the connections that it concerns, before its result is sent.  So a
 * client that connects after the result was read meets the denial.
 *
 * A connection that was admitted while the order was in transit is found in one
 * of two ways: by its registration, which arrives after the order and is
 * refused here, or, for a `jti`, by the session manager, which has it in an
 * index before it registers.
 *
 * All memory is allocated before anything changes: with it no part of an order
 * can fail.  Only the closing of a connection may, and then the result says so
 * as for a disconnect; its next refresh fails.
 *
 * Invariant: the copy of a session manager has had the same changes as the
 * table here, but for those in transit. */
#include <stdlib.h>

#include "code.h"
#include "codec.h"
#include "denial_mail.h"
#include "log.h"
#include "look_mail.h"
#include "mail.h"
#include "session_mail.h"
#include "supervisor_private.h"

enum { PLACES = 1024, WORK_PLACE = 4, WORK_ROW = 20 };

static int64_t now_of(const struct pl_supervisor *s)
{
    return (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
}

static void update_gauges(struct pl_supervisor *s)
{
    struct pl_metrics *m = s->options.metrics;

    m->value[PL_METRIC_DENIALS] = pl_denials_count(s->denials);
    m->value[PL_METRIC_DENIALS_BYTES] = pl_denials_bytes(s->denials);
}

/* --- Changes --- */

/* The mails of one change, and the item of the table here. */
struct change {
    struct pl_denial_item *item;
    struct pl_denied_mail **mails; /* one a session manager */
    size_t count;
};

static void change_fini(struct change *c)
{
    pl_denial_item_destroy(c->item);
    for (size_t i = 0; i < c->count; i++)
        pl_mail_destroy(&c->mails[i]->msg);
    free(c->mails);
}

static enum pl_err add_mail(struct change *c, const struct pl_denial_mail *m,
                            int64_t now_s)
{
    struct pl_denied_mail *d = pl_denied_mail_create();

    if (d == NULL)
        return PL_ENOMEM;
    c->mails[c->count++] = d;
    d->is_removed = m->ask == PL_DENIAL_REMOVE;
    d->now_s = now_s;
    return pl_denial_item_create(&d->item, &m->denial, m->name, m->channel);
}

static enum pl_err change_init(struct change *c, const struct pl_supervisor *s,
                               const struct pl_denial_mail *m, int64_t now_s)
{
    *c = (struct change){.mails =
                             calloc(s->managers.count + 1, sizeof *c->mails)};
    enum pl_err rc =
        c->mails == NULL
            ? PL_ENOMEM
            : pl_denial_item_create(&c->item, &m->denial, m->name, m->channel);
    for (size_t i = 0; i < s->managers.count && rc == PL_OK; i++)
        rc = add_mail(c, m, now_s);
    if (rc != PL_OK)
        change_fini(c);
    return rc;
}

static void send_all(struct pl_supervisor *s, struct change *c)
{
    for (size_t i = 0; i < c->count; i++)
        pl_actor_send(&s->actor, s->managers.at[i].address, &c->mails[i]->msg);
    c->count = 0;
    update_gauges(s);
}

/* --- Orders --- */

struct closing {
    struct pl_supervisor *supervisor;
    struct pl_denial_mail *order;
};

static void close_one(void *arg, struct pl_client *client)
{
    const struct closing *c = arg;
    const struct pl_denial *d = &c->order->denial;
    bool is_block = d->kind == PL_DENIAL_USER;
    struct pl_kick_mail *k = pl_supervisor_kick_create(
        client, is_block ? PL_DISCONNECT_FORCED : PL_DISCONNECT_INVALID_TOKEN);

    if (k == NULL) {
        c->order->err = PL_ENOMEM;
        return;
    }
    if (!is_block)
        k->issued_before_s = d->issued_before_s;
    pl_actor_send(&c->supervisor->actor, pl_client_address(client), &k->msg);
    c->order->connections++;
}

static bool is_good(const struct pl_denial_mail *m, int64_t now_s)
{
    const struct pl_denial *d = &m->denial;

    return pl_blob_span(m->name).len > 0 && d->kind <= PL_DENIAL_USER &&
           (m->channel == NULL || d->kind == PL_DENIAL_TOKENS) &&
           d->issued_before_s >= 0 &&
           (d->expires_at_s == 0 || d->expires_at_s > now_s ||
            m->ask != PL_DENIAL_ADD);
}

/* The supervisor's time, if the order has none.  Tokens of the same second are
 * as old, because a token says no fraction. */
static void set_time(struct pl_denial *d, int64_t now_s)
{
    if (d->kind == PL_DENIAL_TOKENS && d->issued_before_s == 0)
        d->issued_before_s = now_s;
}

static void add(struct pl_supervisor *s, struct pl_denial_mail *m,
                int64_t now_s)
{
    struct closing closing = {s, m};
    struct change c;

    set_time(&m->denial, now_s);
    m->err = change_init(&c, s, m, now_s);
    if (m->err != PL_OK)
        return;
    m->err = pl_denials_put(s->denials, c.item, now_s);
    if (m->err == PL_OK) {
        c.item = NULL;
        send_all(s, &c);
        if (m->denial.kind != PL_DENIAL_TOKEN && m->channel == NULL)
            pl_registry_each(&s->registry, pl_blob_span(m->name), close_one,
                             &closing);
    }
    change_fini(&c);
}

static struct pl_denial about(const struct pl_denial_mail *m)
{
    struct pl_denial d = m->denial;

    d.name = pl_blob_span(m->name);
    d.channel = pl_blob_span(m->channel);
    return d;
}

static void drop(struct pl_supervisor *s, struct pl_denial_mail *m,
                 int64_t now_s)
{
    const struct pl_denial d = about(m);
    struct change c;

    m->err = change_init(&c, s, m, now_s);
    if (m->err != PL_OK)
        return;
    m->err = pl_denials_remove(s->denials, &d, now_s) ? PL_OK : PL_ENOENT;
    send_all(s, &c);
    change_fini(&c);
}

static void read_one(const struct pl_supervisor *s, struct pl_denial_mail *m,
                     int64_t now_s)
{
    const struct pl_denial d = about(m);
    struct pl_denial found;

    m->err = PL_ENOENT;
    if (!pl_denials_find(s->denials, &d, now_s, &found))
        return;
    m->err = PL_OK;
    m->denial.expires_at_s = found.expires_at_s;
    m->denial.issued_before_s = found.issued_before_s;
}

void pl_supervisor_on_denial(struct pl_supervisor *s, struct pl_denial_mail *m)
{
    int64_t now_s = now_of(s);

    m->connections = 0;
    if (!is_good(m, now_s))
        m->err = PL_EINVAL;
    else if (m->ask == PL_DENIAL_ADD)
        add(s, m, now_s);
    else if (m->ask == PL_DENIAL_REMOVE)
        drop(s, m, now_s);
    else
        read_one(s, m, now_s);
    pl_mail_answer(&s->actor, &m->msg);
}

enum pl_register_refusal pl_supervisor_denies(const struct pl_supervisor *s,
                                              const struct pl_register_mail *m)
{
    struct pl_span user = pl_client_user(m->client);
    const struct pl_token_mark mark = {.user = user,
                                       .issued_at_s = m->issued_at_s};
    int64_t now_s = now_of(s);

    if (pl_denials_deny_user(s->denials, user, now_s))
        return PL_REGISTER_BLOCKED;
    return m->has_token && pl_denials_deny_token(s->denials, &mark, now_s)
               ? PL_REGISTER_REVOKED
               : PL_REGISTER_TAKEN;
}

/* --- The list --- */

static void write_text(struct pl_buf *b, const char *name, struct pl_span text)
{
    pl_buf_printf(b, ",\"%s\":", name);
    pl_json_text_encode(b, text);
}

static void add_row(void *mail, const struct pl_denial *d)
{
    static const char *const kinds[] = {[PL_DENIAL_TOKEN] = "token",
                                        [PL_DENIAL_TOKENS] = "user_tokens",
                                        [PL_DENIAL_USER] = "user"};
    struct pl_buf *b = pl_look_mail_row(mail);

    pl_buf_printf(b, "{\"kind\":\"%s\"", kinds[d->kind]);
    write_text(b, d->kind == PL_DENIAL_TOKEN ? "uid" : "user", d->name);
    if (d->channel.at != NULL)
        write_text(b, "channel", d->channel);
    if (d->kind == PL_DENIAL_TOKENS)
        pl_buf_printf(b, ",\"issued_before\":%lld",
                      (long long)d->issued_before_s);
    if (d->expires_at_s != 0)
        pl_buf_printf(b, ",\"expire_at\":%lld", (long long)d->expires_at_s);
    pl_buf_put_byte(b, '}');
}

void pl_supervisor_list_denials(struct pl_supervisor *s, struct pl_look_mail *m)
{
    unsigned places = 0;

    do {
        m->has_more =
            pl_denials_scan(s->denials, &m->at, now_of(s), add_row, m);
        places++;
    } while (m->has_more && m->count < m->most && places < PLACES);
    pl_loop_add_work(s->actor.loop, places * WORK_PLACE + m->count * WORK_ROW);
    pl_mail_answer(&s->actor, &m->msg);
}
