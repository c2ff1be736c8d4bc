/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c - see rig.h.
 *
 * Both links are as strict as a kernel: they take only as many bytes as the
 * test allows, and what arrives while reading is paused waits. Everything runs
 * between turns or inside the session's calls, as in net. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mail.h"
#include "rig_private.h"
#include "supervisor_mail.h"

/* --- What the client sees --- */

void client_keep(struct client *c, const char *text, size_t len)
{
    if (c->said_count == c->said_cap) {
        c->said_cap = c->said_cap == 0 ? 16 : c->said_cap * 2;
        c->said = realloc(c->said, c->said_cap * sizeof *c->said);
        assert_non_null(c->said);
    }
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    copy[len] = '\0';
    c->said[c->said_count++] = copy;
}

/* One frame a reply or several lines in one: the same to a client. */
void client_keep_lines(struct client *c, const char *text, size_t len)
{
    const char *end = text + len;

    for (const char *at = text; at <= end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;

        client_keep(c, at, (size_t)(stop - at));
        at = stop + 1;
    }
}

/* --- A client --- */

/* What a reactor's callback does first: the loop's clock is right again. */
void client_wake(struct client *c)
{
    pl_loop_awake(pl_system_loop(pl_sim_system(c->rig->sim), c->loop));
    c->rig->at[c->loop].is_awake = true;
}

void client_end(struct client *c)
{
    if (c->is_gone || c->session == NULL)
        return;
    c->is_gone = true;
    pl_session_gone(c->session, "gone");
}

struct client *client_try(struct rig *r, unsigned loop)
{
    struct client *c = calloc(1, sizeof *c);

    assert_non_null(c);
    assert_true(r->client_count < RIG_CLIENTS_MAX);
    c->rig = r;
    c->loop = loop;
    c->takes = SIZE_MAX;
    client_wake(c);
    if (r->link->create(c) != PL_OK) {
        free(c);
        return NULL;
    }
    r->clients[r->client_count++] = c;
    return c;
}

struct client *client_create(struct rig *r, unsigned loop)
{
    struct client *c = client_try(r, loop);

    assert_non_null(c);
    return c;
}

void client_say(struct client *c, const char *text)
{
    if (c->is_gone || c->session == NULL)
        return;
    c->rig->link->say(c, text);
    c->rig->link->feed(c);
}

void client_sayf(struct client *c, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    client_say(c, text);
}

struct client *client_open(struct rig *r, unsigned loop)
{
    struct client *c = client_create(r, loop);

    r->link->open(c);
    return c;
}

static void learn_id(struct client *c, const char *reply)
{
    const char *at = strstr(reply, "\"client\":\"");

    assert_non_null(at);
    snprintf(c->id, sizeof c->id, "%.32s", at + 10);
}

struct client *client_join(struct rig *r, unsigned loop)
{
    struct client *c = client_open(r, loop);

    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{\"client\":*");
    learn_id(c, c->said[c->read - 1]);
    return c;
}

void client_subscribe(struct client *c, unsigned id, const char *channel)
{
    char pattern[64];

    client_sayf(c, "{\"id\":%u,\"subscribe\":{\"channel\":\"%s\"}}", id,
                channel);
    rig_run(c->rig, 20);
    snprintf(pattern, sizeof pattern, "{\"id\":%u,\"subscribe\":{*", id);
    client_expect(c, pattern);
}

void client_take(struct client *c, size_t bytes)
{
    c->takes = bytes;
    client_wake(c);
    if (c->session != NULL)
        c->rig->link->drain(c);
}

const char *client_next(struct client *c)
{
    return c->read < c->said_count ? c->said[c->read++] : NULL;
}

void rig_expect(struct client *c, const char *pattern, const char *file,
                int line)
{
    const char *text = client_next(c);

    if (text != NULL && rig_matches(text, pattern))
        return;
    print_error("expected: %s\n     got: %s\n   close: %u %s\n", pattern,
                text == NULL ? "(nothing)" : text, c->closed, c->reason);
    _fail(file, line);
}

void rig_expect_close(struct client *c, unsigned code, const char *file,
                      int line)
{
    rig_run(c->rig, 0);
    if (c->closed == code && c->read == c->said_count)
        return;
    print_error("expected close %u\n got close: %u %s\n      said: %s\n", code,
                c->closed, c->reason,
                c->read < c->said_count ? c->said[c->read] : "(nothing)");
    _fail(file, line);
}

void client_vanish(struct client *c)
{
    client_wake(c);
    client_end(c);
}

/* --- The boss --- */

static void boss_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct boss *b = (struct boss *)a;

    if (msg->type == PL_MAIL_USER && !msg->returned) {
        ((struct pl_user_mail *)msg)->connections =
            b->registered - b->unregistered;
        pl_mail_answer(a, msg);
        return;
    }
    if (msg->type == PL_MAIL_INPUT && msg->returned) {
        b->posts_returned++;
    } else if (msg->type == PL_MAIL_INPUT) {
        b->posted[((struct pl_input_mail *)msg)->status]++;
    } else if (msg->type == PL_MAIL_REGISTER) {
        b->registered++;
    } else if (msg->type == PL_MAIL_UNREGISTER) {
        b->unregistered++;
    } else if (msg->type == PL_MAIL_PHASE) {
        b->phases_answered++;
        b->forced += ((struct pl_phase_mail *)msg)->forced;
    } else {
        pl_actor_refuse(a, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static void boss_reap(struct pl_actor *a)
{
    free(a);
}

static const struct pl_actor_ops boss_ops = {
    .name = "boss",
    .mailbox_limit = 100000,
    .receive = boss_receive,
    .reap = boss_reap,
};

void rig_mail(struct client *c, struct pl_msg *msg)
{
    struct pl_address to;

    assert_int_equal(
        pl_client_id_parse((struct pl_span){c->id, strlen(c->id)}, &to), PL_OK);
    pl_actor_send(&c->rig->boss->actor, to, msg);
}

void rig_phase(struct rig *r, enum pl_phase phase, bool force)
{
    for (unsigned i = 0; i < r->loops; i++) {
        struct pl_phase_mail *m = pl_phase_mail_create();

        assert_non_null(m);
        m->phase = phase;
        m->force = force;
        pl_actor_send(&r->boss->actor,
                      pl_session_manager_address(r->at[i].manager), &m->msg);
    }
}

/* --- The system --- */

static struct pl_loop *loop_at(struct rig *r, unsigned i)
{
    return pl_system_loop(pl_sim_system(r->sim), i);
}

static void make_config(struct rig *r, const struct rig_options *o)
{
    struct pl_buf report = {0};
    struct pl_config_source src = {
        .sets = o->sets, .set_count = o->set_count, .insecure = !o->is_secure};

    enum pl_err rc = pl_settings_load(&r->config, &src, &report);
    if (rc != PL_OK)
        print_error("%.*s", (int)report.len, report.data);
    assert_int_equal(rc, PL_OK);
    pl_buf_fini(&report);
    if (o->rules == NULL)
        return;
    pl_rulebook_release(r->config->rulebook);
    r->config->rulebook = pl_rulebook_hold(o->rules);
}

static void make_channels(struct rig *r, unsigned i,
                          const struct pl_late_options *late)
{
    struct pl_channels_options o = pl_settings_channels_options(r->config);

    o.backlog_limit = 65536;
    o.metrics = &r->at[i].metrics;
    if (late != NULL) {
        struct pl_late_options mine = *late;

        mine.seed += i;
        assert_int_equal(pl_late_stores_create(&o, loop_at(r, i), &mine),
                         PL_OK);
    }
    assert_int_equal(pl_channels_create(&r->at[i].channels, loop_at(r, i), &o),
                     PL_OK);
    r->owners[i] = pl_channels_address(r->at[i].channels);
}

static void make_hub(struct rig *r, unsigned i)
{
    struct pl_hub_options o = {
        .key = &r->key,
        .channels = r->owners,
        .channel_owners = r->loops,
        .backlog_limit = 65536,
        .metrics = &r->at[i].metrics,
    };

    assert_int_equal(pl_hub_create(&r->at[i].hub, loop_at(r, i), &o), PL_OK);
}

static void make_manager(struct rig *r, unsigned i,
                         const struct rig_options *ro)
{
    struct pl_session_manager_options o = {
        .hub = r->at[i].hub,
        .supervisor = pl_actor_address(&r->boss->actor),
        .keyring = r->keyring == NULL ? (struct pl_address){0}
                                      : pl_keyring_address(r->keyring),
        .metrics = &r->at[i].metrics,
        .handlers = r->handlers,
        .connection_limit =
            ro->connection_limit == 0 ? 1000000 : ro->connection_limit,
        .turn_units = ro->turn_units,
        .answer_ms = ro->answer_ms,
        .version = "test",
    };

    pl_settings_fill_session_manager(r->config, &o);
    assert_int_equal(
        pl_session_manager_create(&r->at[i].manager, loop_at(r, i), &o), PL_OK);
    r->managers[i] = pl_session_manager_address(r->at[i].manager);
}

static void make_keyring(struct rig *r, const struct rig_options *ro)
{
    const struct pl_keyring_options o = {.loop = loop_at(r, r->loops),
                                         .metrics = &r->at[0].metrics,
                                         .ops = ro->keys,
                                         .source = ro->key_source};

    assert_int_equal(pl_keyring_create(&r->keyring, &o), PL_OK);
}

struct rig *rig_create(uint64_t seed, const struct rig_options *options)
{
    static const struct rig_options none = {0};
    const struct rig_options *o = options == NULL ? &none : options;
    struct rig *r = calloc(1, sizeof *r);
    struct pl_address hubs[RIG_LOOPS_MAX];

    assert_non_null(r);
    pl_log_set_level(PL_LOG_ERROR);
    r->link = o->has_memory_links || rig_has_memory_links() ? &rig_link_memory
                                                            : &rig_link_ws;
    r->loops = o->loops == 0 ? 1 : o->loops;
    r->key = (struct pl_hash_key){1, 2};
    r->handlers = o->handlers == NULL ? pl_handlers_create() : o->handlers;
    assert_int_equal(pl_sim_create(&r->sim, r->loops + 1, seed), PL_OK);
    make_config(r, o);
    r->boss = calloc(1, sizeof *r->boss);
    assert_non_null(r->boss);
    assert_int_equal(
        pl_actor_init(&r->boss->actor, loop_at(r, r->loops), &boss_ops), PL_OK);
    if (o->keys != NULL)
        make_keyring(r, o);
    for (unsigned i = 0; i < r->loops; i++)
        make_channels(r, i, o->late);
    for (unsigned i = 0; i < r->loops; i++) {
        make_hub(r, i);
        hubs[i] = pl_hub_address(r->at[i].hub);
    }
    for (unsigned i = 0; i < r->loops; i++) {
        pl_channels_set_hubs(r->at[i].channels, hubs, r->loops);
        make_manager(r, i, o);
    }
    return r;
}

bool rig_has_memory_links(void)
{
    const char *link = getenv("PL_RIG_LINK");

    return link != NULL && strcmp(link, "memory") == 0;
}

struct rig *rig_start(const char *test, const struct rig_options *options)
{
    return rig_create(pl_sim_test_seed(test), options);
}

/* A reactor has a turn behind its callbacks, also when they left no work. */
static void end_callbacks(struct rig *r)
{
    for (unsigned i = 0; i < r->loops; i++) {
        if (r->at[i].is_awake)
            pl_loop_turn(pl_system_loop(pl_sim_system(r->sim), i));
        r->at[i].is_awake = false;
    }
}

void rig_run(struct rig *r, uint64_t ms)
{
    end_callbacks(r);
    pl_sim_advance(r->sim, ms);
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = 0; i < r->client_count; i++)
            again |= r->link->feed(r->clients[i]);
        end_callbacks(r);
        pl_sim_advance(r->sim, 0);
    }
}

uint64_t rig_metric(const struct rig *r, enum pl_metric m)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < r->loops; i++)
        sum += r->at[i].metrics.value[m];
    return sum;
}

static void check_loop(struct rig *r, unsigned i)
{
    const uint64_t *v = r->at[i].metrics.value;
    const struct pl_loop_stats *t = pl_loop_stats(loop_at(r, i));
    uint64_t mail = t->mail_handled + t->mail_queued;

    assert_int_equal(
        v[PL_METRIC_COMMANDS],
        v[PL_METRIC_COMMANDS_ANSWERED] + v[PL_METRIC_COMMANDS_REFUSED] +
            v[PL_METRIC_COMMANDS_SILENT] + v[PL_METRIC_COMMANDS_CANCELLED] +
            v[PL_METRIC_COMMANDS_PENDING]);
    assert_int_equal(
        v[PL_METRIC_FRAMES_OWED],
        v[PL_METRIC_FRAMES_SENT] + pl_metrics_sum(v, "deliveries_dropped_") +
            v[PL_METRIC_FRAMES_CANCELLED] + v[PL_METRIC_FRAMES_QUEUED]);
    for (int d = 0; d < PL_DEAD_COUNT; d++)
        mail += t->mail_dead[d];
    assert_int_equal(t->mail_enqueued, mail);
}

void rig_check_ledgers(struct rig *r)
{
    for (unsigned i = 0; i < r->loops; i++)
        check_loop(r, i);
}

static void check_nothing_left(struct rig *r)
{
    static const enum pl_metric gauges[] = {
        PL_METRIC_CONNECTIONS,      PL_METRIC_CLIENTS,
        PL_METRIC_SUBSCRIPTIONS,    PL_METRIC_HUB_CHANNELS,
        PL_METRIC_CHANNELS,         PL_METRIC_COMMANDS_PENDING,
        PL_METRIC_FRAMES_QUEUED,    PL_METRIC_QUEUE_BYTES,
        PL_METRIC_COMMANDS_WAITING,
    };

    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++) {
        if (rig_metric(r, gauges[i]) == 0)
            continue;
        print_error("left: %s = %llu\n", pl_metric_info(gauges[i])->name,
                    (unsigned long long)rig_metric(r, gauges[i]));
        fail();
    }
    assert_int_equal(r->boss->registered, r->boss->unregistered);
}

static void client_destroy(struct client *c)
{
    assert_null(c->session);
    for (size_t i = 0; i < c->said_count; i++)
        free(c->said[i]);
    free(c->said);
    pl_buf_fini(&c->input);
    pl_buf_fini(&c->arrived);
    free(c);
}

static void stop(struct rig *r, struct pl_address who)
{
    assert_int_equal(pl_stop_send(&r->boss->actor, who), PL_OK);
    rig_run(r, 0);
}

void rig_destroy(struct rig *r)
{
    for (unsigned i = 0; i < r->client_count; i++)
        client_end(r->clients[i]);
    rig_run(r, 1000); /* late stores, and detaches that are tried again */
    rig_check_ledgers(r);
    check_nothing_left(r);
    for (unsigned i = 0; i < r->loops; i++)
        stop(r, r->managers[i]);
    for (unsigned i = 0; i < r->loops; i++)
        stop(r, pl_hub_address(r->at[i].hub));
    for (unsigned i = 0; i < r->loops; i++)
        stop(r, r->owners[i]);
    if (r->keyring != NULL)
        stop(r, pl_keyring_address(r->keyring));
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLERS), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_STREAMS), 0);
    pl_sim_destroy(r->sim);
    for (unsigned i = 0; i < r->client_count; i++)
        client_destroy(r->clients[i]);
    pl_handlers_release(r->handlers);
    pl_settings_destroy(r->config);
    free(r);
}

char *rig_token(struct rig *r, const char *user, int64_t ttl_s,
                const char *const *channels, size_t count)
{
    struct pl_span names[8];
    struct pl_token_key key = {.secret = PL_SPAN(RIG_SECRET)};
    const struct pl_clock *clock = pl_system_clock(pl_sim_system(r->sim));
    int64_t now_s = (int64_t)(clock->wall(clock) / 1000);
    struct pl_token_grant grant = {.user = pl_span_of(user),
                                   .issued_at_s = now_s,
                                   .ttl_s = ttl_s,
                                   .channels = names,
                                   .channel_count = count};
    char *token;

    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        names[i] = pl_span_of(channels[i]);
    if (ttl_s < 0) {
        grant.issued_at_s = now_s + ttl_s;
        grant.ttl_s = -ttl_s;
    }
    assert_int_equal(pl_token_create(&key, &grant, &token, NULL), PL_OK);
    return token;
}
