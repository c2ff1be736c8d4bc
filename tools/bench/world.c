/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - see world.h.
 *
 * Everything between the bytes read and the bytes to be written is the
 * broker's own code, wired as in embed.  A stand-in for the supervisor lives on
 * a second loop, as the real one does.  The transport takes whatever it is
 * given, three pieces at a time, as net does from a kernel that is never full.
 *
 * What clients send is written here and not by the client library: a shape
 * counts the instructions of the broker alone.
 *
 * Rejected: a transport that copies, as tests use to look at what was sent: its
 * copy would be a large part of what is measured. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channels.h"
#include "settings_options.h"
#include "handlers.h"
#include "hub.h"
#include "session_manager.h"
#include "log.h"
#include "loop.h"
#include "mail.h"
#include "session.h"
#include "system.h"
#include "ws_link.h"

enum { PIECES = 3 };

struct member {
    struct pl_session *session; /* NULL: it has gone */
    struct world *world;
    enum pl_encoding encoding;
    struct member *next;
};

struct boss {
    struct pl_actor actor; /* first */
};

struct world {
    struct pl_clock_driven clock;
    struct pl_system *system;
    struct pl_settings *config;
    struct pl_hash_key key;
    struct pl_metrics metrics;
    struct pl_handlers *handlers;
    struct pl_channels *channels;
    struct pl_hub *hub;
    struct pl_session_manager *manager;
    struct boss *boss;
    struct pl_address owner;
    struct member *members;
    struct pl_buf in; /* what is fed, since sessions unmask in place */
    uint64_t writes;
};

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "parley-bench: %s\n", what);
    exit(1);
}

/* --- The transport --- */

static struct member *member_of(struct pl_session *s)
{
    return *(struct member **)pl_session_transport(s);
}

static void on_flush(struct pl_session *s)
{
    struct iovec iov[PIECES];
    int count;

    while ((count = pl_session_output(s, iov, PIECES)) > 0) {
        uint64_t bytes = 0;

        for (int i = 0; i < count; i++)
            bytes += iov[i].iov_len;
        member_of(s)->world->writes++;
        pl_session_sent(s, bytes);
    }
}

static void on_pause(struct pl_session *s)
{
    (void)s; /* what is fed is taken all the same */
}

static void on_end(struct pl_session *s, enum pl_end how)
{
    (void)how;
    pl_session_gone(s, "ended");
}

static void on_free(struct pl_session *s)
{
    member_of(s)->session = NULL;
}

static const struct pl_ws_link_ops transport = {
    .link = PL_WS_LINK_OPS(on_flush, on_pause, on_pause, NULL),
    .end = on_end,
    .free = on_free,
};

/* --- The stand-in for the supervisor --- */

static void boss_receive(struct pl_actor *a, struct pl_msg *msg)
{
    if (msg->type != PL_MAIL_REGISTER && msg->type != PL_MAIL_UNREGISTER)
        pl_actor_refuse(a, msg);
    else
        pl_mail_destroy(msg);
}

static void boss_reap(struct pl_actor *a)
{
    free(a);
}

static const struct pl_actor_ops boss_ops = {
    .name = "boss",
    .mailbox_limit = 1 << 20,
    .receive = boss_receive,
    .reap = boss_reap,
};

/* --- Building --- */

/* The namespaces, as one --set. */
static void name_spaces(struct pl_buf *b, const struct world_options *o)
{
    pl_buf_printf(b, "namespaces=[");
    for (unsigned i = 0; i < o->spaces; i++)
        pl_buf_printf(b, "%s{name: s%02u, history_size: %u%s%s}",
                      i == 0 ? "" : ", ", i, o->history_size,
                      o->rules == NULL ? "" : ", ",
                      o->rules == NULL ? "" : o->rules);
    pl_buf_put(b, "]", 2);
    check(!b->failed, "memory");
}

static void load_config(struct world *w, const struct world_options *o)
{
    char history[64];
    struct pl_buf spaces = {0}, report = {0};

    name_spaces(&spaces, o);
    const char *sets[] = {history, "limits.channels=1000000",
                          "limits.connection_channels=100000",
                          "limits.new_channels_per_minute=0", spaces.data};
    struct pl_config_source src = {
        .sets = sets, .set_count = 5, .insecure = true};

    snprintf(history, sizeof history, "channels.history_size=%u",
             o->history_size);
    enum pl_err rc = pl_settings_load(&w->config, &src, &report);
    if (rc != PL_OK)
        fprintf(stderr, "%.*s", (int)report.len, report.data);
    check(rc == PL_OK, "the configuration");
    pl_buf_fini(&report);
    pl_buf_fini(&spaces);
}

static void make_system(struct world *w, bool is_clock_driven)
{
    struct pl_system_options o = {.loops = 2, .seed = 1};

    pl_clock_driven_init(&w->clock);
    if (is_clock_driven)
        o.clock = &w->clock.clock;
    check(pl_system_create(&w->system, &o) == PL_OK, "the system");
    w->boss = calloc(1, sizeof *w->boss);
    check(w->boss != NULL &&
              pl_actor_init(&w->boss->actor, pl_system_loop(w->system, 1),
                            &boss_ops) == PL_OK,
          "the supervisor");
}

/* Too much to be shed, so that all that is asked is whether it is. */
enum { HISTORY = 1 << 30, CLIENT_HISTORY = HISTORY / 10 };

static void make_channels(struct world *w, struct pl_loop *loop)
{
    struct pl_channels_options o = pl_settings_channels_options(w->config);

    o.client_history_bytes = CLIENT_HISTORY;
    o.history_bytes = HISTORY;
    o.backlog_limit = 65536;
    o.metrics = &w->metrics;
    check(pl_channels_create(&w->channels, loop, &o) == PL_OK, "channels");
    w->owner = pl_channels_address(w->channels);
}

static void make_hub(struct world *w, struct pl_loop *loop)
{
    struct pl_hub_options o = {
        .key = &w->key,
        .channels = &w->owner,
        .channel_owners = 1,
        .backlog_limit = 65536,
        .metrics = &w->metrics,
    };
    struct pl_address address;

    check(pl_hub_create(&w->hub, loop, &o) == PL_OK, "the hub");
    address = pl_hub_address(w->hub);
    pl_channels_set_hubs(w->channels, &address, 1);
}

static void make_manager(struct world *w, struct pl_loop *loop)
{
    struct pl_session_manager_options o = {
        .hub = w->hub,
        .supervisor = pl_actor_address(&w->boss->actor),
        .metrics = &w->metrics,
        .handlers = w->handlers,
        .connection_limit = 1 << 20,
        .version = "bench",
    };

    pl_settings_fill_session_manager(w->config, &o);
    check(pl_session_manager_create(&w->manager, loop, &o) == PL_OK,
          "the session manager");
}

struct world *world_create(const struct world_options *options)
{
    struct world *w = calloc(1, sizeof *w);

    check(w != NULL, "memory");
    pl_log_set_level(PL_LOG_ERROR);
    w->key = (struct pl_hash_key){1, 2};
    load_config(w, options);
    make_system(w, options->is_clock_driven);
    w->handlers = pl_handlers_create();
    struct pl_loop *loop = pl_system_loop(w->system, 0);
    make_channels(w, loop);
    make_hub(w, loop);
    make_manager(w, loop);
    return w;
}

void world_destroy(struct world *w)
{
    for (struct member *m = w->members; m != NULL; m = m->next) {
        if (m->session != NULL)
            pl_session_gone(m->session, "the end");
    }
    world_settle(w);
    pl_system_destroy(w->system);
    pl_handlers_release(w->handlers);
    pl_settings_destroy(w->config);
    pl_buf_fini(&w->in);
    while (w->members != NULL) {
        struct member *m = w->members;

        w->members = m->next;
        free(m);
    }
    free(w);
}

/* --- Driving --- */

void world_settle(struct world *w)
{
    for (bool is_busy = true; is_busy;) {
        is_busy = false;
        for (unsigned i = 0; i < 2; i++) {
            struct pl_loop *loop = pl_system_loop(w->system, i);

            if (!pl_loop_has_work(loop))
                continue;
            pl_loop_turn(loop);
            is_busy = true;
        }
    }
}

void world_pass(struct world *w, uint64_t ms)
{
    pl_clock_driven_advance(&w->clock, ms * 1000000u);
    world_settle(w);
}

uint64_t world_metric(const struct world *w, enum pl_metric m)
{
    return w->metrics.value[m];
}

uint64_t world_writes(const struct world *w)
{
    return w->writes;
}

/* --- Connections --- */

void world_feed(struct member *m, struct pl_span bytes)
{
    struct world *w = m->world;

    if (m->session == NULL)
        return;
    w->in.len = 0;
    pl_buf_put_span(&w->in, bytes);
    check(!w->in.failed, "memory");
    pl_loop_awake(pl_system_loop(w->system, 0));
    pl_session_visit(m->session);
    pl_ws_link_input(m->session, w->in.data, w->in.len);
}

static void shake_hands(struct member *m)
{
    struct pl_buf b = {0};

    pl_buf_printf(&b,
                  "GET /connection/websocket HTTP/1.1\r\n"
                  "Host: 127.0.0.1\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\n"
                  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                  "Sec-WebSocket-Version: 13\r\n%s\r\n",
                  m->encoding == PL_ENCODING_JSON
                      ? ""
                      : "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n");
    world_feed(m, pl_buf_span(&b));
    pl_buf_fini(&b);
}

struct member *world_join(struct world *w, enum pl_encoding encoding)
{
    struct member *m = calloc(1, sizeof *m);
    uint64_t before = world_metric(w, PL_METRIC_CLIENTS);
    struct pl_buf message = {0}, frame = {0};

    check(m != NULL, "memory");
    m->world = w;
    m->encoding = encoding;
    m->next = w->members;
    w->members = m;
    pl_loop_awake(pl_system_loop(w->system, 0));
    check(pl_ws_link_create(&m->session, w->manager, &transport, sizeof m) ==
              PL_OK,
          "a session");
    *(struct member **)pl_session_transport(m->session) = m;
    shake_hands(m);
    message_connect(&message, encoding);
    client_frame(&frame, encoding, pl_buf_span(&message));
    world_feed(m, pl_buf_span(&frame));
    world_settle(w);
    check(world_metric(w, PL_METRIC_CLIENTS) == before + 1, "a login");
    pl_buf_fini(&message);
    pl_buf_fini(&frame);
    return m;
}

void world_subscribe(struct member *m, const char *channel)
{
    struct world *w = m->world;
    uint64_t before = world_metric(w, PL_METRIC_SUBSCRIPTIONS);
    struct pl_buf message = {0}, frame = {0};

    message_subscribe(&message, m->encoding, channel);
    client_frame(&frame, m->encoding, pl_buf_span(&message));
    world_feed(m, pl_buf_span(&frame));
    world_settle(w);
    check(world_metric(w, PL_METRIC_SUBSCRIPTIONS) == before + 1,
          "a subscription");
    pl_buf_fini(&message);
    pl_buf_fini(&frame);
}
