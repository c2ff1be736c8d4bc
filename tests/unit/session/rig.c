/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c - see rig.h.
 *
 * The fake transport is as strict as a kernel: it takes only as many bytes as
 * the test allows, and what arrives while reading is paused waits here.
 * Everything runs between turns or inside the session's calls, as in net. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "log.h"
#include "mail.h"
#include "supervisor_mail.h"

const char client_request[] = "GET /connection/websocket HTTP/1.1\r\n"
                              "Host: 127.0.0.1\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n";

/* --- What the client sees --- */

static void keep_text(struct client *c, const char *text, size_t len)
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
static void keep_lines(struct client *c, const char *text, size_t len)
{
    const char *end = text + len;

    for (const char *at = text; at <= end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;

        keep_text(c, at, (size_t)(stop - at));
        at = stop + 1;
    }
}

static void on_frame(struct client *c, unsigned opcode, const char *payload,
                     size_t len)
{
    assert_int_equal(c->closed, 0); /* nothing follows a Close */
    if (opcode == PL_WS_TEXT) {
        keep_lines(c, payload, len);
    } else if (opcode == PL_WS_BINARY) {
        keep_text(c, payload, len);
    } else if (opcode == PL_WS_PONG) {
        c->pongs++;
    } else if (opcode == PL_WS_CLOSE) {
        c->closed = len < 2 ? 1005
                            : (uint16_t)((unsigned char)payload[0] << 8 |
                                         (unsigned char)payload[1]);
        if (len > 2)
            snprintf(c->reason, sizeof c->reason, "%.*s", (int)(len - 2),
                     payload + 2);
    }
}

/* The size of the frame at the front, and of its header; 0: not all here. */
static size_t whole_frame(const struct pl_buf *b, size_t at, size_t *header)
{
    const unsigned char *p = (const unsigned char *)b->data + at;
    size_t left = b->len - at;
    uint64_t len;

    if (left < 2)
        return 0;
    assert_int_equal(p[1] & 0x80, 0); /* a server does not mask */
    len = p[1];
    *header = len < 126 ? 2 : len == 126 ? 4 : 10;
    if (left < *header)
        return 0;
    if (*header > 2) {
        len = 0;
        for (size_t i = 2; i < *header; i++)
            len = len << 8 | p[i];
    }
    return left < *header + len ? 0 : *header + (size_t)len;
}

static size_t parse_http(struct client *c)
{
    const char *end =
        c->arrived.len < 4
            ? NULL
            : memmem(c->arrived.data, c->arrived.len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    size_t len = (size_t)(end - c->arrived.data) + 4;
    snprintf(c->http, sizeof c->http, "%.*s", (int)len, c->arrived.data);
    c->is_open = true;
    return strncmp(c->http, "HTTP/1.1 101", 12) == 0 ? len : c->arrived.len;
}

static void parse(struct client *c)
{
    size_t at = c->is_open ? 0 : parse_http(c), header, size;

    while (c->is_open && at < c->arrived.len &&
           (size = whole_frame(&c->arrived, at, &header)) > 0) {
        const char *p = c->arrived.data + at;

        assert_true(p[0] & 0x80);
        on_frame(c, p[0] & 0x0f, p + header, size - header);
        at += size;
    }
    if (at == 0)
        return;
    memmove(c->arrived.data, c->arrived.data + at, c->arrived.len - at);
    c->arrived.len -= at;
}

/* --- The transport --- */

static struct client *client_of(struct pl_session *s)
{
    return *(struct client **)pl_session_transport(s);
}

/* What a reactor's callback does first: the loop's clock is right again. */
static void wake(struct client *c)
{
    pl_loop_awake(pl_system_loop(pl_sim_system(c->rig->sim), c->loop));
    c->rig->at[c->loop].is_awake = true;
}

static void gone(struct client *c)
{
    if (c->is_gone || c->session == NULL)
        return;
    c->is_gone = true;
    pl_session_gone(c->session, "gone");
}

/* As conn.c does: until the session has no more or the kernel is full. */
static void drain(struct client *c)
{
    struct iovec iov[3];
    int count;

    while (!c->is_gone && c->takes > 0 &&
           (count = pl_session_output(c->session, iov, 3)) > 0) {
        size_t sent = 0;

        for (int i = 0; i < count && c->takes > 0; i++) {
            size_t n = iov[i].iov_len < c->takes ? iov[i].iov_len : c->takes;

            pl_buf_put(&c->arrived, iov[i].iov_base, n);
            c->takes -= c->takes == SIZE_MAX ? 0 : n;
            sent += n;
        }
        pl_session_sent(c->session, sent);
    }
    parse(c);
    if (c->is_gone)
        return;
    if (pl_session_output_bytes(c->session) > 0)
        pl_session_stalled(c->session);
    else if (c->is_ending && c->how == PL_END_CLOSE)
        gone(c);
}

static void on_flush(struct pl_session *s)
{
    drain(client_of(s));
}

static void on_pause(struct pl_session *s)
{
    client_of(s)->is_paused = true;
    client_of(s)->pauses++;
}

static void on_resume(struct pl_session *s)
{
    client_of(s)->is_paused = false;
}

static void on_end(struct pl_session *s, enum pl_end how)
{
    struct client *c = client_of(s);

    c->is_ending = true;
    c->how = how;
    if (how == PL_END_AT_ONCE)
        gone(c);
    else
        drain(c);
}

static void on_free(struct pl_session *s)
{
    client_of(s)->session = NULL;
}

static void on_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX])
{
    const char *address = client_of(s)->address;

    snprintf(text, PL_IP_TEXT_MAX, "%s", address == NULL ? "0.0.0.0" : address);
}

static const struct pl_transport_ops transport = {
    .flush = on_flush,
    .pause = on_pause,
    .resume = on_resume,
    .end = on_end,
    .free = on_free,
    .peer = on_peer,
};

struct client *client_try(struct rig *r, unsigned loop)
{
    struct client *c = calloc(1, sizeof *c);

    assert_non_null(c);
    assert_true(r->client_count < RIG_CLIENTS_MAX);
    c->rig = r;
    c->loop = loop;
    c->takes = SIZE_MAX;
    wake(c);
    if (pl_session_create(&c->session, r->at[loop].keeper, &transport,
                          sizeof c) != PL_OK) {
        free(c);
        return NULL;
    }
    *(struct client **)pl_session_transport(c->session) = c;
    r->clients[r->client_count++] = c;
    return c;
}

struct client *client_create(struct rig *r, unsigned loop)
{
    struct client *c = client_try(r, loop);

    assert_non_null(c);
    return c;
}

/* True when something was fed. */
static bool feed_waiting(struct client *c)
{
    struct pl_buf in = c->input;

    if (c->is_paused || c->is_gone || c->session == NULL || in.len == 0 ||
        !pl_keeper_takes_input(c->rig->at[c->loop].keeper))
        return false;
    c->input = (struct pl_buf){0};
    wake(c);
    pl_session_visit(c->session);
    pl_session_input(c->session, in.data, in.len);
    pl_buf_fini(&in);
    return true;
}

void client_feed(struct client *c, const void *bytes, size_t len)
{
    if (c->is_gone || c->session == NULL)
        return;
    pl_buf_put(&c->input, bytes, len);
    feed_waiting(c);
}

void client_frame(struct pl_buf *b, unsigned first_byte, const void *payload,
                  size_t len)
{
    static const unsigned char key[4] = {0x12, 0x9a, 0x00, 0xff};

    pl_buf_put_byte(b, (char)first_byte);
    if (len < 126) {
        pl_buf_put_byte(b, (char)(0x80 | len));
    } else if (len < 65536) {
        pl_buf_put_byte(b, (char)(0x80 | 126));
        pl_buf_put_byte(b, (char)(len >> 8));
        pl_buf_put_byte(b, (char)len);
    } else {
        pl_buf_put_byte(b, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            pl_buf_put_byte(b, (char)((uint64_t)len >> shift));
    }
    pl_buf_put(b, key, 4);
    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(b, (char)(((const char *)payload)[i] ^ key[i % 4]));
}

void client_say(struct client *c, const char *text)
{
    struct pl_buf b = {0};

    client_frame(&b, 0x80 | PL_WS_TEXT, text, strlen(text));
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
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

    client_feed(c, client_request, strlen(client_request));
    rig_run(r, 0);
    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
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
    wake(c);
    if (c->session != NULL)
        drain(c);
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
    wake(c);
    gone(c);
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
    if (msg->type == PL_MAIL_REGISTER) {
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
    .mailbox = {.limit = 100000, .when_full = PL_FULL_REFUSE},
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
        pl_actor_send(&r->boss->actor, pl_keeper_address(r->at[i].keeper),
                      &m->msg);
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

static void make_keeper(struct rig *r, unsigned i, const struct rig_options *ro)
{
    struct pl_keeper_options o = {
        .hub = r->at[i].hub,
        .supervisor = pl_actor_address(&r->boss->actor),
        .metrics = &r->at[i].metrics,
        .handlers = r->handlers,
        .connection_limit =
            ro->connection_limit == 0 ? 1000000 : ro->connection_limit,
        .turn_units = ro->turn_units,
        .version = "test",
    };

    pl_settings_fill_keeper(r->config, &o);
    assert_int_equal(pl_keeper_create(&r->at[i].keeper, loop_at(r, i), &o),
                     PL_OK);
    r->keepers[i] = pl_keeper_address(r->at[i].keeper);
}

struct rig *rig_create(uint64_t seed, const struct rig_options *options)
{
    static const struct rig_options none = {0};
    const struct rig_options *o = options == NULL ? &none : options;
    struct rig *r = calloc(1, sizeof *r);
    struct pl_address hubs[RIG_LOOPS_MAX];

    assert_non_null(r);
    pl_log_set_level(PL_LOG_ERROR);
    r->loops = o->loops == 0 ? 1 : o->loops;
    r->key = (struct pl_hash_key){1, 2};
    r->handlers = o->handlers == NULL ? pl_handlers_create() : o->handlers;
    assert_int_equal(pl_sim_create(&r->sim, r->loops + 1, seed), PL_OK);
    make_config(r, o);
    r->boss = calloc(1, sizeof *r->boss);
    assert_non_null(r->boss);
    assert_int_equal(
        pl_actor_init(&r->boss->actor, loop_at(r, r->loops), &boss_ops), PL_OK);
    for (unsigned i = 0; i < r->loops; i++)
        make_channels(r, i, o->late);
    for (unsigned i = 0; i < r->loops; i++) {
        make_hub(r, i);
        hubs[i] = pl_hub_address(r->at[i].hub);
    }
    for (unsigned i = 0; i < r->loops; i++) {
        pl_channels_set_hubs(r->at[i].channels, hubs, r->loops);
        make_keeper(r, i, o);
    }
    return r;
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
            again |= feed_waiting(r->clients[i]);
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
        v[PL_METRIC_FRAMES_GIVEN] + pl_metrics_sum(v, "deliveries_dropped_") +
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
        gone(r->clients[i]);
    rig_run(r, 1000); /* late stores, and detaches that are tried again */
    rig_check_ledgers(r);
    check_nothing_left(r);
    for (unsigned i = 0; i < r->loops; i++)
        stop(r, r->keepers[i]);
    for (unsigned i = 0; i < r->loops; i++)
        stop(r, pl_hub_address(r->at[i].hub));
    for (unsigned i = 0; i < r->loops; i++)
        stop(r, r->owners[i]);
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
    struct pl_token_key key = {PL_SPAN(RIG_SECRET)};
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
