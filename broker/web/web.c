/* SPDX-License-Identifier: Apache-2.0 */
/* web.c - what the connections of a server share.
 *
 * Connections have three shares of the limit, and none can use up another: a
 * quarter for clients that have not shown a key yet (PL_WEB_STRANGER), half for
 * clients that have, a quarter for connections that need no key.  If the first
 * share is full, a new connection is accepted and an older one ends: the oldest
 * of the same address if that address has half of the share, otherwise the
 * oldest of all.  So clients that connect and wait cannot lock out a client
 * that sends a request.  If another share is full, a connection that waits for
 * its next request ends, if there is one: clients with keep-alive connections
 * expect that.
 *
 * The bytes of bodies and responses have two shares: connections that need no
 * key have their own, because clients that fill the other one must not keep an
 * operator from the status.
 *
 * Rejected: refusing the newest connection without a key, because a few idle
 * connections then lock the address for all clients.  A fixed number of
 * connections per address, because one address may stand for a whole data
 * centre.
 *
 * Invariant: the three counters count the connections in web->conns; each of
 * web->held is the sum of the `held` of its connections. */
#include "web.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "web_private.h"

enum { QUIET_MS = 10000 }; /* between two log lines about refusals */

enum pl_err pl_web_create(struct pl_web **out,
                          const struct pl_web_options *options)
{
    struct pl_web *web = calloc(1, sizeof *web);

    if (web == NULL)
        return PL_ENOMEM;
    web->options = *options;
    pl_list_init(&web->conns);
    pl_list_init(&web->strangers);
    *out = web;
    return PL_OK;
}

void pl_web_close(struct pl_web *web)
{
    web->is_closed = true;
    while (!pl_list_is_empty(&web->conns))
        pl_web_abort(PL_CONTAINER(web->conns.next, struct pl_web_conn, link));
}

void pl_web_destroy(struct pl_web *web)
{
    free(web);
}

/* --- Bytes --- */

static size_t bytes_of(const struct pl_web_conn *c)
{
    return c->body_bytes.cap + c->out.cap;
}

/* The total that counts the bytes of `c`. */
static uint64_t *held_by(const struct pl_web_conn *c)
{
    return &c->web->held[c->share == PL_WEB_TRUSTED];
}

void pl_web_recount(struct pl_web_conn *c)
{
    *held_by(c) += bytes_of(c);
    *held_by(c) -= c->held;
    c->held = bytes_of(c);
}

bool pl_web_hold(struct pl_web_conn *c, size_t more)
{
    bool is_trusted = c->share == PL_WEB_TRUSTED;
    size_t most = is_trusted ? PL_WEB_HELD_TRUSTED_MAX : PL_WEB_HELD_MAX;
    uint64_t others = *held_by(c) - c->held;

    return others == 0 ||
           others + c->held + more <= (uint64_t)most + c->web->options.body_max;
}

/* --- Connections --- */

static uint32_t share_max(const struct pl_web *web, enum pl_web_share share)
{
    uint32_t most = web->options.limit / (share == PL_WEB_KNOWN ? 2 : 4);

    return most > 0 ? most : 1;
}

static uint32_t *count_of(struct pl_web *web, uint8_t share)
{
    if (share == PL_WEB_STRANGER)
        return &web->stranger_count;
    return share == PL_WEB_KNOWN ? &web->known_count : &web->trusted_count;
}

static bool is_full(struct pl_web *web, enum pl_web_share share)
{
    return *count_of(web, share) >= share_max(web, share);
}

static void note_refused(struct pl_web *web)
{
    uint64_t now = pl_loop_now_ms(web->options.loop);

    pl_count(web->options.metrics, PL_METRIC_ADMIN_REFUSED, 1);
    web->unsaid++;
    if (now < web->speak_ms)
        return;
    PL_LOG(PL_LOG_WARN, "admin connections rejected",
           pl_log_string("key", web->options.limit_key),
           pl_log_number("rejected", (int64_t)web->unsaid));
    web->unsaid = 0;
    web->speak_ms = now + QUIET_MS;
}

/* Addresses of one IPv6 /64 count as one, because a host can use all of
 * them. */
static bool is_neighbour(const struct pl_ip *a, const struct pl_ip *b)
{
    return memcmp(a, b, pl_ip_is_four(a) ? sizeof a->at : 8) == 0;
}

/* End one connection without a key, to make space for one from `from`. */
static void make_space(struct pl_web *web, const struct pl_ip *from)
{
    struct pl_web_conn *oldest = NULL, *nearest = NULL;
    uint32_t near = 0;

    for (struct pl_list *l = web->strangers.next; l != &web->strangers;
         l = l->next) {
        struct pl_web_conn *c = PL_CONTAINER(l, struct pl_web_conn, stranger);

        if (oldest == NULL)
            oldest = c;
        if (!is_neighbour(&c->from, from))
            continue;
        if (near++ == 0)
            nearest = c;
    }
    note_refused(web);
    pl_web_abort(near * 2 >= share_max(web, PL_WEB_STRANGER) ? nearest
                                                             : oldest);
}

/* Make space in the share of keys or of trusted connections.  Return false if
 * every connection of the share is serving a request. */
static bool find_space(struct pl_web *web, enum pl_web_share share)
{
    if (!is_full(web, share))
        return true;
    for (struct pl_list *l = web->conns.next; l != &web->conns; l = l->next) {
        struct pl_web_conn *c = PL_CONTAINER(l, struct pl_web_conn, link);

        if (c->share == share && c->is_idle) {
            pl_web_abort(c);
            return true;
        }
    }
    note_refused(web);
    return false;
}

enum pl_err pl_web_join(struct pl_web *web, struct pl_web_conn *c)
{
    if (web->is_closed)
        return PL_EFULL;
    if (c->share != PL_WEB_STRANGER) {
        if (!find_space(web, c->share))
            return PL_EFULL;
    } else if (is_full(web, PL_WEB_STRANGER)) {
        make_space(web, &c->from);
    }
    ++*count_of(web, c->share);
    pl_list_append(&web->conns, &c->link);
    if (c->share == PL_WEB_STRANGER)
        pl_list_append(&web->strangers, &c->stranger);
    pl_count(web->options.metrics, PL_METRIC_ADMIN_CONNECTIONS, 1);
    c->web = web;
    return PL_OK;
}

void pl_web_leave(struct pl_web_conn *c)
{
    struct pl_web *web = c->web;

    *held_by(c) -= c->held;
    --*count_of(web, c->share);
    pl_list_remove(&c->link);
    pl_list_remove(&c->stranger);
    pl_gauge_drop(web->options.metrics, PL_METRIC_ADMIN_CONNECTIONS, 1);
    c->web = NULL;
}

bool pl_web_is_trusted(const struct pl_web_conn *c)
{
    return c->share == PL_WEB_TRUSTED;
}

const struct pl_ip *pl_web_from(const struct pl_web_conn *c)
{
    return &c->from;
}

void pl_web_name(struct pl_web_conn *c, const struct pl_ip *from)
{
    c->from = *from;
}

bool pl_web_admit(struct pl_web_conn *c)
{
    struct pl_web *web = c->web;

    if (c->share != PL_WEB_STRANGER)
        return true;
    if (!find_space(web, PL_WEB_KNOWN))
        return false;
    --*count_of(web, c->share);
    pl_list_remove(&c->stranger);
    c->share = PL_WEB_KNOWN;
    ++*count_of(web, c->share);
    return true;
}
