/* SPDX-License-Identifier: Apache-2.0 */
/* member.c - see crew.h: a client of the library, and what it receives.
 *
 * A member is in when it is connected and subscribed to all its channels.
 *
 * Rejected: a client of our own with a loop of its own, which is faster.  The
 * load generator would measure with a client that no program uses, and the
 * protocol would exist twice.
 *
 * Invariant: counts of the crew change here in callbacks of its group only, so
 * that one thread does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "crew.h"
#include "parley_client.h"
#include "token.h"

enum {
    PATIENCE_MS = 60000, /* a server under load answers late, not never */
    RESUBSCRIBE_FROM = 2500,
    TOKEN_TTL_S = 86400
};

void bench_crew_record(struct bench_crew *crew, uint64_t due_ns)
{
    uint64_t now = bench_now_ns();

    if (due_ns >= crew->from_ns)
        bench_hist_add(&crew->latency, now > due_ns ? now - due_ns : 0, 1);
}

uint32_t bench_crew_group_size(const struct bench_crew *crew, uint32_t g)
{
    uint32_t share = crew->plan->share, left = crew->count - g * share;

    return left < share ? left : share;
}

static void refuse(struct bench_crew *crew, uint32_t code)
{
    crew->counts.refused++;
    crew->counts.last_code = code;
}

/* --- In and out --- */

static void look(struct bench_member *m)
{
    struct bench_crew *crew = m->crew;
    bool is_complete =
        m->is_connected &&
        (m->is_publisher || m->subscribed == bench_plan_subs(crew->plan));

    if (is_complete && m->where == BENCH_COMING) {
        m->where = BENCH_IN;
        crew->in++;
        crew->calls->came_in(m);
    } else if (!is_complete && m->where == BENCH_IN) {
        m->where = BENCH_COMING; /* the library tries again */
        crew->in--;
    }
}

static void go_out(struct bench_member *m)
{
    if (m->where == BENCH_OUT)
        return;
    m->crew->in -= m->where == BENCH_IN;
    m->where = BENCH_OUT;
    m->crew->calls->went_out(m);
}

static void on_state(struct plc_client *c, const struct plc_change *change,
                     void *arg)
{
    struct bench_member *m = arg;
    struct bench_crew *crew = m->crew;

    (void)c;
    m->is_connected = change->to == PLC_CONNECTED;
    if (change->from == PLC_CONNECTED && change->code != 0 &&
        !crew->stays_away) {
        crew->counts.cut++;
        crew->counts.last_code = change->code;
    }
    if (change->to == PLC_DISCONNECTED) {
        if (change->code != 0)
            refuse(crew, change->code);
        go_out(m);
        return;
    }
    if (change->from == PLC_CONNECTED && crew->stays_away)
        plc_client_disconnect(m->client);
    look(m);
}

static void on_error(struct plc_client *c, enum pl_err err, uint32_t code,
                     const char *text, void *arg)
{
    struct bench_member *m = arg;

    (void)c, (void)err, (void)text;
    if (m->is_connected)
        return;
    m->crew->counts.failures++;
    m->crew->counts.last_code = code;
}

/* --- Subscriptions --- */

static void count_recovery(struct bench_crew *crew,
                           const struct plc_change *change)
{
    if (change->to != PLC_SUBSCRIBED || !change->was_recovering)
        return;
    crew->counts.recovered += change->recovered;
    crew->counts.unrecovered += !change->recovered;
}

static void on_sub_state(struct plc_sub *handle,
                         const struct plc_change *change, void *arg)
{
    struct bench_sub *s = arg;
    struct bench_member *m = s->member;

    (void)handle;
    count_recovery(m->crew, change);
    if (change->from == PLC_SUBSCRIBED)
        m->subscribed--;
    if (change->to == PLC_SUBSCRIBED) {
        m->subscribed++;
        s->has_offsets = change->positioned || change->recoverable;
        if (!change->recovered)
            s->offset = change->offset;
    }
    if (change->to == PLC_UNSUBSCRIBED || change->code >= RESUBSCRIBE_FROM)
        refuse(m->crew, change->code);
    look(m);
}

static void on_server_state(struct plc_client *c, const char *channel,
                            const struct plc_change *change, void *arg)
{
    (void)c, (void)channel;
    count_recovery(((struct bench_member *)arg)->crew, change);
}

/* --- Messages --- */

/* The place of `source` among those of the channel; false: it has none. */
static bool find_source(const struct bench_sub *s, uint32_t source,
                        uint32_t *out)
{
    const struct bench_crew *crew = s->member->crew;
    uint32_t share = crew->plan->share;

    if (!bench_plan_all_publish(crew->plan)) {
        *out = 0;
        return source == 0;
    }
    *out = source % share;
    return source < crew->count &&
           source / share == (s->member->index - crew->first) / share;
}

/* Offsets show the order of different publishers too. */
static void count(struct bench_sub *s, uint32_t place, uint64_t number,
                  uint64_t offset)
{
    struct bench_tally *t = &s->member->crew->counts.checked;
    struct bench_tally before = *t;

    bench_seen_count(&s->seen[place], number, t);
    if (s->has_offsets && offset < s->offset && t->received > before.received &&
        t->late == before.late)
        t->late++;
    if (offset > s->offset)
        s->offset = offset;
}

static void on_publication(struct plc_sub *handle,
                           const struct plc_publication *p, void *arg)
{
    struct bench_sub *s = arg;
    struct bench_crew *crew = s->member->crew;
    struct bench_message message;
    uint32_t place = 0;
    bool is_good =
        bench_text_read(&crew->text, s->seed,
                        (struct pl_span){p->data.at, p->data.len}, &message) &&
        find_source(s, message.source, &place);

    (void)handle;
    if (!is_good) {
        crew->counts.checked.damaged++;
        return;
    }
    count(s, place, message.number, p->offset);
    bench_crew_record(crew, message.due_ns);
    crew->calls->had_message(crew, message.source);
}

/* --- Life --- */

static _Noreturn void fail(enum pl_err rc, const char *what)
{
    fprintf(stderr, "parley bench: %s: %s\n", what, pl_err_text(rc));
    exit(1);
}

static char *make_token(const struct bench_member *m)
{
    struct pl_token_key key = {.secret = pl_span_of(m->crew->plan->secret)};
    char user[32], *token = NULL;
    const char *why = "";

    snprintf(user, sizeof user, "user%u", m->index);
    struct pl_token_grant grant = {.user = pl_span_of(user),
                                   .issued_at_s = time(NULL),
                                   .ttl_s = TOKEN_TTL_S};
    enum pl_err rc = pl_token_create(&key, &grant, &token, &why);
    if (rc != PL_OK)
        fail(rc, "no token");
    return token;
}

static struct plc_link link_of(const struct bench_crew *crew)
{
    struct plc_link link = {.size = sizeof link,
                            .ca_file = crew->plan->ca_file,
                            .connect_ms = PATIENCE_MS,
                            .send_ms = PATIENCE_MS};

    link.flags |= crew->plan->speaks_json ? 0u : PLC_PROTOBUF;
    link.flags |= crew->plan->verifies ? 0u : PLC_NO_VERIFY;
    link.flags |= crew->kind->deflate ? 0u : PLC_NO_DEFLATE;
    link.flags |= crew->kind->resumes ? 0u : PLC_NO_RESUME;
    return link;
}

static void make_client(struct bench_member *m)
{
    static const struct plc_bytes inbox = {"{\"inbox\":true}", 14};
    const struct bench_plan *plan = m->crew->plan;
    struct plc_link link = link_of(m->crew);
    char *token = plan->secret != NULL && plan->users ? make_token(m) : NULL;
    struct plc_client_options o = {.size = sizeof o,
                                   .url = m->crew->url,
                                   .link = &link,
                                   .token = token != NULL ? token : plan->token,
                                   .timeout_ms = PATIENCE_MS,
                                   .state = on_state,
                                   .error = on_error,
                                   .server_state = on_server_state,
                                   .arg = m};

    if (plan->inbox)
        o.data = inbox;
    enum pl_err rc = plc_client_create(&m->client, m->crew->group, &o);
    if (rc != PL_OK)
        fail(rc, "no client");
    free(token);
}

static void make_sub(struct bench_member *m, unsigned k)
{
    const struct bench_plan *plan = m->crew->plan;
    size_t sources = bench_plan_all_publish(plan) ? plan->share : 1;
    struct bench_sub *s = &m->subs[k];
    char channel[BENCH_CHANNEL_SIZE];
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = channel,
                                .state = on_sub_state,
                                .publication = on_publication,
                                .arg = s};

    bench_plan_channel(plan, m->index, k, channel);
    if (plan->mode == BENCH_RETURN)
        o.flags = PLC_POSITIONED | PLC_RECOVERABLE;
    s->member = m;
    s->seed = bench_text_seed(channel);
    s->seen = calloc(sources, sizeof *s->seen);
    enum pl_err rc =
        s->seen == NULL ? PL_ENOMEM : plc_subscribe(&s->handle, m->client, &o);
    if (rc != PL_OK)
        fail(rc, "no subscription");
}

static void make(struct bench_member *m)
{
    unsigned channels = m->is_publisher ? 0 : bench_plan_subs(m->crew->plan);

    make_client(m);
    if (channels == 0)
        return;
    m->subs = calloc(channels, sizeof *m->subs);
    if (m->subs == NULL)
        fail(PL_ENOMEM, "no subscriptions");
    for (unsigned k = 0; k < channels; k++)
        make_sub(m, k);
}

void bench_member_begin(struct bench_member *m, uint64_t due_ns)
{
    if (m->client == NULL)
        make(m);
    m->where = BENCH_COMING;
    m->is_making = true;
    m->due_ns = due_ns;
    plc_client_connect(m->client);
}

void bench_member_leave(struct bench_member *m)
{
    plc_client_disconnect(m->client);
}

void bench_member_fini(struct bench_member *m)
{
    unsigned channels = m->subs == NULL ? 0 : bench_plan_subs(m->crew->plan);

    for (unsigned k = 0; k < channels; k++)
        free(m->subs[k].seen);
    free(m->subs);
    m->subs = NULL;
}
