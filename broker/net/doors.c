/* SPDX-License-Identifier: Apache-2.0 */
/* doors.c - see doors.h.
 *
 * One table on one loop counts, so the limit is exact on whichever loops the
 * connections are.  The listeners share that loop and call the limiter before
 * they hand over a socket.  A connection of a trusted proxy is counted later,
 * by mail from its loop, because only the proxy's header names the client.
 *
 * A whole IPv6 /64 counts as one address, because one host can use all of it
 * (RFC 4291 section 2.5.4).  Trusted proxies themselves are not counted.
 *
 * A connection over the limit stays counted until its 503 is sent and it
 * closes.  Above twice the limit connections close without a response, which
 * bounds this.
 *
 * Rejected: counting on each loop.  With eight loops a limit of 10 allows
 * anything from 10 to 80.
 *
 * Invariant: the sum of all counters is the number of counted records and the
 * gauge; a counter of 0 does not exist. */
#include "doors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "mail.h"
#include "map.h"
#include "monitor.h"

enum { QUIET_MS = 10000 }; /* between two log lines */

/* The counter of one address. */
struct place {
    struct pl_map_node node; /* first member */
    struct pl_ip ip;         /* IPv6: the network */
    uint32_t count;
};

struct pl_doors {
    struct pl_actor actor; /* first member */
    const struct pl_net_settings *config;
    struct pl_hash_key key;
    struct pl_metrics *metrics;
    struct pl_map places;
    uint64_t speaks_ms; /* loop time from which the next log line is due */
    uint64_t unsaid;    /* connections rejected since the last log line */
};

bool pl_doors_are_needed(const struct pl_net_settings *config)
{
    return config->limits.address_connections > 0 ||
           config->proxy.trusted.count > 0;
}

/* --- Address counters --- */

static struct pl_ip place_of(const struct pl_ip *ip)
{
    struct pl_ip at = *ip;

    if (!pl_ip_is_four(ip))
        memset(at.at + 8, 0, 8);
    return at;
}

static bool is_place(const struct pl_map_node *n, const void *key)
{
    return pl_ip_equal(&((const struct place *)n)->ip, key);
}

static uint64_t hash(const struct pl_doors *d, const struct pl_ip *at)
{
    return pl_hash(&d->key,
                   (struct pl_span){(const char *)at->at, sizeof at->at});
}

static struct place *find(const struct pl_doors *d, const struct pl_ip *at)
{
    return (struct place *)pl_map_find(&d->places, hash(d, at), is_place, at);
}

/* Errors: PL_ENOMEM. */
static enum pl_err make_place(struct pl_doors *d, const struct pl_ip *at,
                              struct place **out)
{
    struct place *p = calloc(1, sizeof *p);

    if (p == NULL)
        return PL_ENOMEM;
    p->ip = *at;
    if (pl_map_add(&d->places, &p->node, hash(d, at)) != PL_OK) {
        free(p);
        return PL_ENOMEM;
    }
    pl_count(d->metrics, PL_METRIC_ADDRESSES, 1);
    *out = p;
    return PL_OK;
}

static void drop(struct pl_doors *d, struct place *p)
{
    assert(p != NULL && p->count > 0);
    pl_gauge_drop(d->metrics, PL_METRIC_ADDRESS_CONNECTIONS, 1);
    if (--p->count > 0)
        return;
    pl_map_remove(&d->places, &p->node);
    pl_gauge_drop(d->metrics, PL_METRIC_ADDRESSES, 1);
    free(p);
}

/* --- Admission records --- */

static void say(struct pl_doors *d, const struct pl_guest *g, uint32_t count)
{
    uint64_t now = pl_loop_now_ms(d->actor.loop);
    char text[PL_IP_TEXT_MAX];

    d->unsaid++;
    if (now < d->speaks_ms)
        return;
    pl_ip_format(&g->ip, text);
    PL_LOG(PL_LOG_WARN, "connections rejected", pl_log_string("address", text),
           pl_log_number("connections", count),
           pl_log_string("key", "limits.address_connections"),
           pl_log_number("limit", d->config->limits.address_connections),
           pl_log_number("rejected", (int64_t)d->unsaid));
    d->speaks_ms = now + QUIET_MS;
    d->unsaid = 0;
}

static void turn_away(struct pl_doors *d, struct pl_guest *g, struct place *p)
{
    uint32_t limit = d->config->limits.address_connections;

    g->is_over = true;
    g->is_far_over = p->count > 2 * limit;
    say(d, g, p->count);
    if (!g->is_far_over) {
        pl_count(d->metrics, PL_METRIC_REFUSED_ADDRESS, 1);
        return;
    }
    pl_count(d->metrics, PL_METRIC_CUT_ADDRESS, 1);
    g->is_counted = false;
    drop(d, p);
}

/* Count the record.  If the counter cannot be allocated, admit the connection
 * uncounted: the limit must never lock everyone out. */
static void enter(struct pl_doors *d, struct pl_guest *g)
{
    struct pl_ip at = place_of(&g->ip);
    struct place *p = find(d, &at);

    if (p == NULL && make_place(d, &at, &p) != PL_OK)
        return;
    g->is_counted = true;
    p->count++;
    pl_count(d->metrics, PL_METRIC_ADDRESS_CONNECTIONS, 1);
    if (p->count > d->config->limits.address_connections)
        turn_away(d, g, p);
}

void pl_doors_leave(struct pl_doors *d, struct pl_guest *g)
{
    struct pl_ip at = place_of(&g->ip);

    if (g->is_counted)
        drop(d, find(d, &at));
    free(g);
}

static void guest_destroy(struct pl_msg *msg)
{
    free(msg);
}

struct pl_guest *pl_doors_meet(struct pl_doors *d, const struct pl_ip *ip)
{
    struct pl_guest *g = calloc(1, sizeof *g);

    if (g == NULL)
        return NULL;
    g->msg.destroy = guest_destroy;
    g->doors = pl_actor_address(&d->actor);
    pl_guest_move(g, ip, d->config);
    if (pl_guest_is_to_be_counted(g, d->config)) {
        g->is_settled = true;
        enter(d, g);
    }
    return g;
}

bool pl_guest_is_to_be_counted(const struct pl_guest *g,
                               const struct pl_net_settings *config)
{
    return config->limits.address_connections > 0 && !g->is_trusted &&
           !g->is_settled;
}

void pl_guest_move(struct pl_guest *g, const struct pl_ip *ip,
                   const struct pl_net_settings *config)
{
    g->ip = *ip;
    g->is_trusted =
        pl_ip_is_in(ip, config->proxy.trusted.at, config->proxy.trusted.count);
}

/* A PL_GUEST_ENTER without a limiter returns unchanged; this happens only
 * during the shutdown, when no connection is admitted anyway. */
void pl_guest_send(struct pl_actor *from, struct pl_guest *g,
                   enum pl_guest_mail what)
{
    g->msg.type = (uint16_t)what;
    g->msg.flags = PL_MSG_RESERVED;
    if (what == PL_GUEST_ENTER) {
        g->msg.flags |= PL_MSG_RETURN;
        g->is_settled = true;
    }
    pl_actor_send(from, g->doors, &g->msg);
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_doors *d = (struct pl_doors *)a;

    switch (msg->type) {
    case PL_GUEST_ENTER:
        enter(d, (struct pl_guest *)msg);
        pl_mail_answer(a, msg);
        return;
    case PL_GUEST_LEAVE:
        pl_doors_leave(d, (struct pl_guest *)msg);
        return;
    case PL_MSG_STOP:
        msg->destroy(msg);
        pl_actor_exit(a, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

static void free_place(struct pl_map_node *n, void *arg)
{
    struct pl_doors *d = arg;
    struct place *p = (struct place *)n;

    pl_gauge_drop(d->metrics, PL_METRIC_ADDRESS_CONNECTIONS, p->count);
    pl_gauge_drop(d->metrics, PL_METRIC_ADDRESSES, 1);
    pl_map_remove(&d->places, n);
    free(p);
}

/* Records of open connections become dead letters when they are sent. */
static void reap(struct pl_actor *a)
{
    struct pl_doors *d = (struct pl_doors *)a;

    pl_map_each(&d->places, free_place, d);
    pl_map_fini(&d->places);
    free(d);
}

static const struct pl_actor_ops ops = {
    .name = "doors",
    .mailbox_limit = 64, /* all mail is
                                                              reserved */
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_doors_create(struct pl_doors **out, struct pl_loop *loop,
                            const struct pl_net_settings *config,
                            const struct pl_hash_key *key,
                            struct pl_metrics *metrics)
{
    struct pl_doors *d = calloc(1, sizeof *d);

    if (d == NULL)
        return PL_ENOMEM;
    d->config = config;
    d->key = *key;
    d->metrics = metrics;
    if (pl_actor_init(&d->actor, loop, &ops) != PL_OK) {
        free(d);
        return PL_ENOMEM;
    }
    *out = d;
    return PL_OK;
}

struct pl_address pl_doors_address(const struct pl_doors *d)
{
    return pl_actor_address(&d->actor);
}
