/* SPDX-License-Identifier: Apache-2.0 */
/* calls_page.c - a page of a long list, and the top of a table.
 *
 * One mail looks at a bounded part of a list and comes back; the same mail is
 * sent again, to the same loop or to the next, until the page is full.  A
 * filter that matches little would look at all of a large broker for one page,
 * so the page ends after PAGE_MAILS mails, PAGE_MS or PAGE_BYTES as well: it
 * may be short or even empty, and only a missing `next` says that the list has
 * ended.
 *
 * A top goes the same way with a heap of its best rows in the mail, so each
 * loop adds to what those before it found.  It ends after TOP_MAILS mails,
 * because it is asked again each second: a larger table takes several calls,
 * each with the best of its part.
 *
 * A cursor holds the place alone, "<loop>.<slot>" or a place in the table of
 * users, so the broker keeps nothing of a list between two pages.
 *
 * Rejected: one mail to each loop at the same time, because the last rows of a
 * page would then have to be given back. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calls_private.h"
#include "client.h"
#include "code.h"
#include "look_mail.h"
#include "loop.h"
#include "mail.h"
#include "mail_origin.h"

enum {
    PAGE_MAILS = 256,
    TOP_MAILS = 16,
    PAGE_MS = 2000,
    PAGE_BYTES = 4 << 20,
    CURSOR_MAX = 40
};

/* --- What can be listed --- */

/* The tables of a top and what they can be ordered by, the usual first. */
static const struct order {
    const char *table, *by;
    uint8_t kind; /* enum pl_look_kind */
    uint8_t key;  /* enum pl_look_by */
} orders[] = {
    {"actors", "mail", PL_LOOK_TOP_ACTORS, PL_BY_MAIL},
    {"channels", "deliveries", PL_LOOK_TOP_CHANNELS, PL_BY_DELIVERIES},
    {"channels", "publications", PL_LOOK_TOP_CHANNELS, PL_BY_PUBLICATIONS},
    {"channels", "bytes", PL_LOOK_TOP_CHANNELS, PL_BY_BYTES},
    {"channels", "subscribers", PL_LOOK_TOP_CHANNELS, PL_BY_SUBSCRIBERS},
    {"channels", "pending", PL_LOOK_TOP_CHANNELS, PL_BY_PENDING},
    {"connections", "messages", PL_LOOK_TOP_CONNECTIONS, PL_BY_MESSAGES},
    {"connections", "deliveries", PL_LOOK_TOP_CONNECTIONS, PL_BY_DELIVERIES},
    {"connections", "queue_bytes", PL_LOOK_TOP_CONNECTIONS, PL_BY_QUEUE},
    {"connections", "channels", PL_LOOK_TOP_CONNECTIONS, PL_BY_CHANNELS},
    {"users", "connections", PL_LOOK_TOP_USERS, PL_BY_CONNECTIONS},
};

static const struct order *find_order(const struct pl_api_request *r)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (pl_span_equal(r->table, pl_span_of(orders[i].table)) &&
            (r->by.len == 0 || pl_span_equal(r->by, pl_span_of(orders[i].by))))
            return &orders[i];
    }
    return NULL;
}

/* Return the actor that has part `i` of a list, from 0 on; no address after the
 * last. */
static struct pl_address owner_of(const struct pl_api_call *call, uint8_t kind,
                                  unsigned i)
{
    static const struct pl_address nobody;
    const struct pl_admin_options *o = call->calls->options;

    switch (kind) {
    case PL_LOOK_USERS:
    case PL_LOOK_TOP_USERS:
        return i == 0 ? o->supervisor : nobody;
    case PL_LOOK_TOP_CHANNELS:
        return i < o->channel_owners ? o->channels[i] : nobody;
    case PL_LOOK_TOP_ACTORS:
        if (i == o->manager_count)
            return o->supervisor; /* for the control loop */
        break;
    default:
        break;
    }
    return i < o->manager_count ? o->managers[i] : nobody;
}

static bool has_owner(const struct pl_api_call *call,
                      const struct pl_api_part *p)
{
    return !pl_address_is_none(owner_of(call, p->page.kind, p->page.loop));
}

/* --- Cursors --- */

/* Read "<loop>.<place>" with the place in base 16.  Return false if the text is
 * something else. */
static bool read_cursor(struct pl_span text, unsigned *loop, uint64_t *at)
{
    char copy[CURSOR_MAX], *end;

    if (text.len == 0)
        return true;
    if (text.len >= sizeof copy || text.at[0] < '0' || text.at[0] > '9')
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *loop = (unsigned)strtoul(copy, &end, 10);
    if (end[0] != '.' || !isxdigit((unsigned char)end[1]))
        return false;
    *at = strtoull(end + 1, &end, 16);
    return *end == '\0';
}

static void write_end(struct pl_api_part *p, bool has_next, uint64_t at)
{
    pl_buf_put_byte(&p->result, p->method == PL_API_CONNECTIONS ? '}' : ']');
    if (has_next)
        pl_buf_printf(&p->result, ",\"next\":\"%u.%" PRIx64 "\"", p->page.loop,
                      at);
    pl_buf_put_byte(&p->result, '}');
}

/* --- The first mail --- */

static bool copy(struct pl_blob **to, struct pl_span text, bool takes_empty)
{
    if (text.at == NULL || (text.len == 0 && !takes_empty))
        return true;
    *to = pl_blob_create(text);
    return *to != NULL;
}

static struct pl_look_mail *create(const struct pl_api_call *call,
                                   const struct pl_api_part *p,
                                   const struct pl_api_request *r)
{
    struct pl_look_mail *m = pl_look_mail_create();

    if (m == NULL)
        return NULL;
    m->kind = p->page.kind;
    m->by = p->page.by;
    m->top.most = p->page.left;
    m->hash = pl_hash(call->calls->options->key, r->channel);
    if (copy(&m->user, r->user, true) && copy(&m->client, r->client, false) &&
        copy(&m->channel, r->channel, false) &&
        copy(&m->address, r->address, false))
        return m;
    pl_mail_destroy(&m->msg);
    return NULL;
}

static void refuse(struct pl_api_part *p, const char *member, const char *why)
{
    p->error = PL_ERROR_BAD_REQUEST;
    p->fault = (struct pl_api_fault){
        .code = PL_ERROR_BAD_REQUEST, .member = member, .why = why};
}

/* Find out what is listed.  Return false if there is no such table. */
static bool find_kind(struct pl_api_part *p, const struct pl_api_request *r)
{
    const struct order *o = NULL;

    if (r->method == PL_API_TOP && (o = find_order(r)) == NULL) {
        refuse(p, "table", "there is no such table, or no such column in it");
        return false;
    }
    p->page.kind = o != NULL                   ? o->kind
                   : r->method == PL_API_USERS ? PL_LOOK_USERS
                                               : PL_LOOK_CONNECTIONS;
    p->page.by = o != NULL ? o->key : 0;
    p->page.left = r->limit > 0 ? (uint32_t)r->limit
                   : o != NULL  ? PL_API_TOP_USUAL
                                : PL_API_PAGE_USUAL;
    return true;
}

/* Find out where the list begins.  Return false if it has no such place. */
static bool find_begin(const struct pl_api_call *call, struct pl_api_part *p,
                       const struct pl_api_request *r, uint64_t *at)
{
    struct pl_address address;

    if (!read_cursor(r->cursor, &p->page.loop, at)) {
        refuse(p, "cursor", "it is not from a page");
        return false;
    }
    if (r->client.len > 0) {
        if (pl_client_id_parse(r->client, &address) != PL_OK)
            return false;
        p->page.loop = address.loop;
        *at = address.slot;
    }
    return has_owner(call, p);
}

static void send_again(struct pl_api_call *call, struct pl_api_part *p,
                       struct pl_look_mail *m)
{
    m->most = p->page.left;
    p->page.mails++;
    pl_api_part_mail(call, p, owner_of(call, p->page.kind, p->page.loop),
                     &m->origin, &m->msg);
}

bool pl_api_page_send(struct pl_api_call *call, struct pl_api_part *p,
                      const struct pl_api_request *r)
{
    uint64_t at = 0;

    pl_buf_printf(&p->result, "{\"%s\":%c", pl_api_method_text(r->method),
                  r->method == PL_API_CONNECTIONS ? '{' : '[');
    p->is_empty = true;
    p->page = (struct pl_api_page){
        .give_up_ms = pl_loop_now_ms(call->calls->actor->loop) + PAGE_MS};
    if (!find_kind(p, r) || !find_begin(call, p, r, &at)) {
        write_end(p, false, 0);
        return true;
    }
    struct pl_look_mail *m = create(call, p, r);
    if (m == NULL)
        return false;
    m->at = at;
    send_again(call, p, m);
    return true;
}

/* --- The rows --- */

void pl_api_page_take(struct pl_api_part *p, const struct pl_look_mail *m)
{
    if (m->rows.failed)
        p->result.failed = true;
    if (m->count == 0)
        return;
    if (!p->is_empty)
        pl_buf_put_byte(&p->result, ',');
    p->is_empty = false;
    pl_buf_put_span(&p->result, pl_buf_span(&m->rows));
    p->page.left -= m->count < p->page.left ? m->count : p->page.left;
}

/* Move on behind `m`.  Return false at the end of the list. */
static bool advance(const struct pl_api_call *call, struct pl_api_part *p,
                    struct pl_look_mail *m)
{
    if (m->has_more)
        return true;
    m->at = 0;
    p->page.loop++;
    return m->client == NULL && has_owner(call, p);
}

bool pl_api_page_go_on(struct pl_api_call *call, struct pl_api_part *p,
                       struct pl_look_mail *m)
{
    bool has_next = advance(call, p, m);
    bool is_top = m->kind >= PL_LOOK_TOP_ACTORS;
    uint64_t now_ms = pl_loop_now_ms(call->calls->actor->loop);

    if (!has_next || p->page.left == 0 || now_ms >= p->page.give_up_ms ||
        p->page.mails >= (is_top ? TOP_MAILS : PAGE_MAILS) ||
        p->result.len >= PAGE_BYTES || p->result.failed) {
        pl_top_write(&m->top, &p->result);
        write_end(p, has_next, m->at);
        return false;
    }
    pl_look_mail_renew(m);
    send_again(call, p, m);
    return true;
}
