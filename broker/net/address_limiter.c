/* SPDX-License-Identifier: Apache-2.0 */
/* address_limiter.c - see address_limiter.h.
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
#include "address_limiter.h"

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
struct address_counter {
    struct pl_map_node node; /* first member */
    struct pl_ip ip;         /* IPv6: the network */
    uint32_t count;
};

struct pl_address_limiter {
    struct pl_actor actor; /* first member */
    const struct pl_net_settings *config;
    struct pl_hash_key key;
    struct pl_metrics *metrics;
    struct pl_map counters;
    uint64_t log_due_ms; /* loop time from which the next log line is due */
    uint64_t unlogged;   /* connections rejected since the last log line */
};

bool pl_address_limiter_is_needed(const struct pl_net_settings *config)
{
    return config->limits.address_connections > 0 ||
           config->proxy.trusted.count > 0;
}

/* --- Address counters --- */

static struct pl_ip counted_address(const struct pl_ip *ip)
{
    struct pl_ip at = *ip;

    if (!pl_ip_is_four(ip))
        memset(at.at + 8, 0, 8);
    return at;
}

static bool is_counter(const struct pl_map_node *n, const void *key)
{
    return pl_ip_equal(&((const struct address_counter *)n)->ip, key);
}

static uint64_t hash(const struct pl_address_limiter *l, const struct pl_ip *at)
{
    return pl_hash(&l->key,
                   (struct pl_span){(const char *)at->at, sizeof at->at});
}

static struct address_counter *find(const struct pl_address_limiter *l,
                                    const struct pl_ip *at)
{
    return (struct address_counter *)pl_map_find(&l->counters, hash(l, at),
                                                 is_counter, at);
}

/* Errors: PL_ENOMEM. */
static enum pl_err create_counter(struct pl_address_limiter *l,
                                  const struct pl_ip *at,
                                  struct address_counter **out)
{
    struct address_counter *counter = calloc(1, sizeof *counter);

    if (counter == NULL)
        return PL_ENOMEM;
    counter->ip = *at;
    if (pl_map_add(&l->counters, &counter->node, hash(l, at)) != PL_OK) {
        free(counter);
        return PL_ENOMEM;
    }
    pl_count(l->metrics, PL_METRIC_ADDRESSES, 1);
    *out = counter;
    return PL_OK;
}

static void drop(struct pl_address_limiter *l, struct address_counter *counter)
{
    assert(counter != NULL && counter->count > 0);
    pl_gauge_drop(l->metrics, PL_METRIC_ADDRESS_CONNECTIONS, 1);
    if (--counter->count > 0)
        return;
    pl_map_remove(&l->counters, &counter->node);
    pl_gauge_drop(l->metrics, PL_METRIC_ADDRESSES, 1);
    free(counter);
}

/* --- Admission records --- */

static void log_rejected(struct pl_address_limiter *l,
                         const struct pl_admission_record *record,
                         uint32_t count)
{
    uint64_t now = pl_loop_now_ms(l->actor.loop);
    char text[PL_IP_TEXT_MAX];

    l->unlogged++;
    if (now < l->log_due_ms)
        return;
    pl_ip_format(&record->ip, text);
    PL_LOG(PL_LOG_WARN, "connections rejected", pl_log_string("address", text),
           pl_log_number("connections", count),
           pl_log_string("key", "limits.address_connections"),
           pl_log_number("limit", l->config->limits.address_connections),
           pl_log_number("rejected", (int64_t)l->unlogged));
    l->log_due_ms = now + QUIET_MS;
    l->unlogged = 0;
}

static void reject(struct pl_address_limiter *l,
                   struct pl_admission_record *record,
                   struct address_counter *counter)
{
    uint32_t limit = l->config->limits.address_connections;

    record->is_over = true;
    record->is_far_over = counter->count > 2 * limit;
    log_rejected(l, record, counter->count);
    if (!record->is_far_over) {
        pl_count(l->metrics, PL_METRIC_REFUSED_ADDRESS, 1);
        return;
    }
    pl_count(l->metrics, PL_METRIC_CLOSED_ADDRESS, 1);
    record->is_counted = false;
    drop(l, counter);
}

/* Count the record.  If the counter cannot be allocated, admit the connection
 * uncounted: the limit must never lock everyone out. */
static void acquire(struct pl_address_limiter *l,
                    struct pl_admission_record *record)
{
    struct pl_ip at = counted_address(&record->ip);
    struct address_counter *counter = find(l, &at);

    if (counter == NULL && create_counter(l, &at, &counter) != PL_OK)
        return;
    record->is_counted = true;
    counter->count++;
    pl_count(l->metrics, PL_METRIC_ADDRESS_CONNECTIONS, 1);
    if (counter->count > l->config->limits.address_connections)
        reject(l, record, counter);
}

void pl_address_limiter_release(struct pl_address_limiter *l,
                                struct pl_admission_record *record)
{
    struct pl_ip at = counted_address(&record->ip);

    if (record->is_counted)
        drop(l, find(l, &at));
    free(record);
}

static void record_destroy(struct pl_msg *msg)
{
    free(msg);
}

struct pl_admission_record *
pl_address_limiter_acquire(struct pl_address_limiter *l, const struct pl_ip *ip)
{
    struct pl_admission_record *record = calloc(1, sizeof *record);

    if (record == NULL)
        return NULL;
    record->msg.destroy = record_destroy;
    record->limiter = pl_actor_address(&l->actor);
    pl_admission_record_move(record, ip, l->config);
    if (pl_admission_record_is_uncounted(record, l->config)) {
        record->is_final = true;
        acquire(l, record);
    }
    return record;
}

bool pl_admission_record_is_uncounted(const struct pl_admission_record *record,
                                      const struct pl_net_settings *config)
{
    return config->limits.address_connections > 0 && !record->is_trusted &&
           !record->is_final;
}

void pl_admission_record_move(struct pl_admission_record *record,
                              const struct pl_ip *ip,
                              const struct pl_net_settings *config)
{
    record->ip = *ip;
    record->is_trusted =
        pl_ip_is_in(ip, config->proxy.trusted.at, config->proxy.trusted.count);
}

/* A PL_ADMISSION_ACQUIRE without an address limiter returns unchanged; this
 * happens only during the shutdown, when no connection is admitted anyway. */
void pl_admission_record_send(struct pl_actor *from,
                              struct pl_admission_record *record,
                              enum pl_admission_mail what)
{
    record->msg.type = (uint16_t)what;
    record->msg.flags = PL_MSG_RESERVED;
    if (what == PL_ADMISSION_ACQUIRE) {
        record->msg.flags |= PL_MSG_RETURN;
        record->is_final = true;
    }
    pl_actor_send(from, record->limiter, &record->msg);
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_address_limiter *l = (struct pl_address_limiter *)a;

    switch (msg->type) {
    case PL_ADMISSION_ACQUIRE:
        acquire(l, (struct pl_admission_record *)msg);
        pl_mail_answer(a, msg);
        return;
    case PL_ADMISSION_RELEASE:
        pl_address_limiter_release(l, (struct pl_admission_record *)msg);
        return;
    case PL_MSG_STOP:
        msg->destroy(msg);
        pl_actor_exit(a, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

static void free_counter(struct pl_map_node *n, void *arg)
{
    struct pl_address_limiter *l = arg;
    struct address_counter *counter = (struct address_counter *)n;

    pl_gauge_drop(l->metrics, PL_METRIC_ADDRESS_CONNECTIONS, counter->count);
    pl_gauge_drop(l->metrics, PL_METRIC_ADDRESSES, 1);
    pl_map_remove(&l->counters, n);
    free(counter);
}

/* Records of open connections become dead letters when they are sent. */
static void reap(struct pl_actor *a)
{
    struct pl_address_limiter *l = (struct pl_address_limiter *)a;

    pl_map_each(&l->counters, free_counter, l);
    pl_map_fini(&l->counters);
    free(l);
}

static const struct pl_actor_ops ops = {
    .name = "address_limiter",
    .mailbox_limit = 64, /* all mail is reserved */
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_address_limiter_create(struct pl_address_limiter **out,
                                      struct pl_loop *loop,
                                      const struct pl_net_settings *config,
                                      const struct pl_hash_key *key,
                                      struct pl_metrics *metrics)
{
    struct pl_address_limiter *l = calloc(1, sizeof *l);

    if (l == NULL)
        return PL_ENOMEM;
    l->config = config;
    l->key = *key;
    l->metrics = metrics;
    if (pl_actor_init(&l->actor, loop, &ops) != PL_OK) {
        free(l);
        return PL_ENOMEM;
    }
    *out = l;
    return PL_OK;
}

struct pl_address pl_address_limiter_address(const struct pl_address_limiter *l)
{
    return pl_actor_address(&l->actor);
}
