/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - see world.h.
 *
 * The limits of a run are drawn small, so that what is rare in a broker (a
 * full queue, a loop that is behind, an epoch that is forgotten) is common
 * here.  The ledgers are checked at the end of every turn of every loop. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "history.h"
#include "late_store.h"
#include "log.h"
#include "loop.h"
#include "operator.h"
#include "phase_mail.h"
#include "post.h"
#include "token.h"
#include "trace.h"

enum {
    SETS = 28,
    SET_LEN = HISTORY_SETTING_MAX,
    MEMORY_LIMIT = 1000,
    LOST_ODDS = 30
};

unsigned world_draw(struct world *w, unsigned bound)
{
    return (unsigned)pl_random_below(&w->random, bound);
}

static void must(enum pl_err rc, const char *what)
{
    if (rc != PL_OK)
        trace_fail("%s: %s", what, pl_err_text(rc));
}

/* --- Ledgers --- */

static void balance(const char *name, unsigned loop, uint64_t in, uint64_t out)
{
    if (in != out)
        trace_fail("ledger of %s, loop %u: in %" PRIu64 ", out %" PRIu64, name,
                   loop, in, out);
}

static void check_ledgers(void *arg)
{
    const struct share *s = arg;
    const uint64_t *v = s->metrics.value;
    const struct pl_loop_stats *t = pl_loop_stats(s->loop);
    unsigned loop = pl_loop_index(s->loop);
    uint64_t mail = t->mail_handled + t->mail_queued;

    balance("commands", loop, v[PL_METRIC_COMMANDS],
            v[PL_METRIC_COMMANDS_ANSWERED] + v[PL_METRIC_COMMANDS_REFUSED] +
                v[PL_METRIC_COMMANDS_SILENT] + v[PL_METRIC_COMMANDS_CANCELLED] +
                v[PL_METRIC_COMMANDS_PENDING]);
    balance("deliveries", loop, v[PL_METRIC_FRAMES_OWED],
            v[PL_METRIC_FRAMES_SENT] +
                pl_metrics_sum(v, "deliveries_dropped_") +
                v[PL_METRIC_FRAMES_CANCELLED] + v[PL_METRIC_FRAMES_QUEUED]);
    for (int d = 0; d < PL_DEAD_COUNT; d++)
        mail += t->mail_dead[d];
    balance("mail", loop, t->mail_enqueued, mail);
    history_check(s);
    pl_snapshot_publish(s->snapshot, v);
}

uint64_t world_metric(const struct world *w, enum pl_metric m)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= w->workers; i++)
        sum += w->at[i].metrics.value[m];
    return sum;
}

static void zero(const struct world *w, const enum pl_metric *which,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (world_metric(w, which[i]) != 0)
            trace_fail("%s is %" PRIu64 ", not 0",
                       pl_metric_info(which[i])->name,
                       world_metric(w, which[i]));
    }
}

void world_check_rest(struct world *w)
{
    static const enum pl_metric idle[] = {
        PL_METRIC_COMMANDS_PENDING, PL_METRIC_COMMANDS_WAITING,
        PL_METRIC_FRAMES_QUEUED,    PL_METRIC_QUEUE_BYTES,
        PL_METRIC_STORE_REQUESTS,   PL_METRIC_STORE_REQUEST_BYTES,
    };
    uint64_t sent = 0, taken = 0;

    zero(w, idle, sizeof idle / sizeof *idle);
    for (unsigned i = 0; i <= w->workers; i++) {
        const struct pl_loop_stats *t = pl_loop_stats(w->at[i].loop);

        check_ledgers(&w->at[i]);
        balance("waiting mail", i, t->mail_queued, 0);
        balance("mail nobody knows", i, t->mail_dead[PL_DEAD_REFUSED], 0);
        sent += t->posts_sent;
        taken += t->posts_taken - t->posts_foreign;
    }
    balance("posts", w->workers, sent, taken);
    books_check(w);
}

void world_check_empty(struct world *w)
{
    static const enum pl_metric gauges[] = {
        PL_METRIC_CONNECTIONS,   PL_METRIC_CLIENTS,
        PL_METRIC_SUBSCRIPTIONS, PL_METRIC_HUB_CHANNELS,
        PL_METRIC_CHANNELS,      PL_METRIC_USERS,
        PL_METRIC_USERS_SINGLE,  PL_METRIC_USERS_SEVERAL,
    };

    world_check_rest(w);
    zero(w, gauges, sizeof gauges / sizeof *gauges);
}

static void check_nothing_left(struct world *w)
{
    static const enum pl_metric gauges[] = {
        PL_METRIC_STREAMS, PL_METRIC_HISTORY_BYTES, PL_METRIC_MEMORY_STATE,
        PL_METRIC_HANDLERS, PL_METRIC_LEAVING};

    world_check_empty(w);
    zero(w, gauges, sizeof gauges / sizeof *gauges);
}

/* --- Turns and time --- */

bool world_turn(struct world *w)
{
    faults_enter();
    bool did = pl_sim_step(w->sim);
    faults_leave();
    trace_place.step += did;
    return did;
}

static uint64_t next_timer(struct world *w)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i <= w->workers; i++) {
        uint64_t mine = pl_loop_next_timer(w->at[i].loop);

        if (mine < next)
            next = mine;
    }
    return next;
}

static void settle(struct world *w)
{
    enum { RUNAWAY = 1000000 };

    for (unsigned i = 0; world_turn(w); i++) {
        if (i == RUNAWAY)
            trace_fail("the broker never comes to rest");
    }
    w->settled_rules = w->rulebook_count - 1;
}

void world_lose(struct world *w, unsigned channel)
{
    struct pl_span name = pl_span_of(world_channel_name(channel));
    uint64_t hash = pl_hash(&w->key, name);
    unsigned owner = (unsigned)(hash % w->workers);

    if (w->buses[owner] == NULL || w->is_stopping)
        return;
    pl_loop_awake(w->at[owner].loop);
    faults_enter();
    pl_late_bus_gap(w->buses[owner], name, hash);
    faults_leave();
}

void world_tell_lost(struct world *w)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        if (w->has_lost[i])
            world_lose(w, i);
        w->has_lost[i] = false;
    }
}

/* What only the next publication shows, by the jump in the offsets.  It is a
 * late bus that fails half-way, between owners. */
static bool loses(void *arg, struct pl_span channel)
{
    struct world *w = arg;
    unsigned i = 0;

    if (!w->is_late || w->is_calm || world_draw(w, LOST_ODDS) != 0)
        return false;
    while (i < CHANNELS &&
           !pl_span_equal(channel, pl_span_of(world_channel_name(i))))
        i++;
    if (i == CHANNELS)
        return false;
    w->has_lost[i] = true;
    return true;
}

void world_jump(struct world *w, uint64_t ms)
{
    pl_sim_jump(w->sim, ms);
    w->now_ms += ms;
    if (ms >= 1000)
        w->jumped_step = trace_place.step;
}

/* A reactor has a turn behind its callbacks, also when they left no work. */
static void end_callbacks(struct world *w)
{
    faults_enter();
    for (unsigned i = 0; i <= w->workers; i++)
        pl_loop_turn(w->at[i].loop);
    faults_leave();
}

void world_pass(struct world *w, uint64_t ms)
{
    end_callbacks(w);
    settle(w);
    for (uint64_t next; (next = next_timer(w)) <= ms; ms -= next) {
        world_jump(w, next);
        settle(w);
    }
    world_jump(w, ms);
    settle(w);
}

/* --- Building --- */

struct sets {
    char text[SETS][SET_LEN];
    const char *at[SETS];
    size_t count;
};

static void set(struct sets *s, const char *key, unsigned value,
                const char *unit)
{
    snprintf(s->text[s->count], SET_LEN, "%s=%u%s", key, value, unit);
    s->at[s->count] = s->text[s->count];
    s->count++;
}

static unsigned one_of(struct world *w, const unsigned *values, unsigned count)
{
    return values[world_draw(w, count)];
}

#define ONE_OF(w, ...)                                                         \
    one_of((w), (const unsigned[]){__VA_ARGS__},                               \
           sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static void draw_settings(struct world *w, struct sets *s)
{
    static const char *const slow[] = {"close", "close", "drop_oldest",
                                       "latest"};

    set(s, "channels.history_size", ONE_OF(w, 0, 3, 20, 100, 100), "");
    set(s, "channels.history_ttl", ONE_OF(w, 1, 300, 300), "s");
    set(s, "channels.meta_ttl", ONE_OF(w, 2, 3600, 3600), "s");
    set(s, "limits.outgoing_queue", ONE_OF(w, 4, 16, 1024), "KiB");
    set(s, "websocket.max_message", 4, "KiB");
    set(s, "limits.connection_channels", ONE_OF(w, 3, 128), "");
    set(s, "limits.channels", ONE_OF(w, 8, 1000), "");
    set(s, "limits.new_channels_per_minute", w->seed % 3 == 0 ? 5 : 600, "");
    set(s, "shutdown.grace", ONE_OF(w, 0, 100, 500), "ms");
    set(s, "shutdown.disconnect", ONE_OF(w, 0, 100, 1000), "ms");
    snprintf(s->text[s->count], SET_LEN, "channels.slow=%s",
             slow[world_draw(w, 4)]);
    s->at[s->count] = s->text[s->count];
    s->count++;
    set(s, "ping.interval", ONE_OF(w, 0, 2, 25), "s");
    set(s, "limits.loop_lag", ONE_OF(w, 0, 0, 0, 100), "ms");
    set(s, "limits.commands_per_second", ONE_OF(w, 0, 0, 5, 50), "");
    set(s, "limits.commands_burst", ONE_OF(w, 0, 1, 20), "");
    set(s, "handlers.timeout", ONE_OF(w, 50, 30000), "ms");
    set(s, "connect.timeout", ONE_OF(w, 500, 10000, 10000), "ms");
    set(s, "limits.user_connections", ONE_OF(w, 0, 0, 2, 4), "");
    if (world_draw(w, 2) == 0)
        s->at[s->count++] = "websocket.deflate=true";
    for (unsigned i = 0; i < HISTORY_SETTINGS; i++, s->count++)
        s->at[s->count] = history_setting(w->seed, i, s->text[s->count]);
}

static void make_config(struct world *w, const struct world_options *o)
{
    struct sets s = {.count = 0};
    struct pl_buf report = {0};

    if (!w->is_plain)
        draw_settings(w, &s);
    else /* whose clock jumps as well */
        set(&s, "limits.loop_lag", 0, "");
    s.at[s.count++] = "auth.hmac_secret=" WORLD_SECRET;
    s.at[s.count++] = "log.level=error";
    if (o->setting != NULL)
        s.at[s.count++] = o->setting;
    for (size_t i = 0; o->settings != NULL && o->settings[i] != NULL; i++)
        s.at[s.count++] = o->settings[i];
    struct pl_config_source src = {
        .sets = s.at, .set_count = s.count, .insecure = true};
    if (pl_settings_load(&w->config, &src, &report) != PL_OK)
        trace_fail("%.*s", (int)report.len, report.data);
    pl_buf_fini(&report);
    world_make_rules(w);
}

static void make_channels(struct world *w, unsigned i, unsigned backlog)
{
    struct pl_channels_options o = pl_settings_channels_options(w->config);
    struct pl_late_options late = {
        .seed = w->seed + i,
        .delay_ms = ONE_OF(w, 1, 5, 40),
        .fail_permille = ONE_OF(w, 0, 10, 10),
        .limit = ONE_OF(w, 0, 0, 8),
        .again_permille = (w->seed + i) % 2 == 0 ? 100 : 0,
    };

    o.backlog_limit = backlog;
    o.metrics = &w->at[i].metrics;
    o.watch = books_on_channel;
    o.watch_arg = w;
    if (w->is_late)
        must(pl_late_stores_create(&o, w->at[i].loop, &late), "stores");
    w->buses[i] = w->is_late ? o.bus : NULL;
    must(pl_channels_create(&w->at[i].channels, w->at[i].loop, &o), "channels");
    w->owners[i] = pl_channels_address(w->at[i].channels);
}

static void make_hub(struct world *w, unsigned i, unsigned backlog)
{
    struct pl_hub_options o = {
        .key = &w->key,
        .channels = w->owners,
        .channel_owners = w->workers,
        .backlog_limit = backlog,
        .metrics = &w->at[i].metrics,
    };

    must(pl_hub_create(&w->at[i].hub, w->at[i].loop, &o), "hub");
    w->hubs[i] = pl_hub_address(w->at[i].hub);
}

/* Of what input may cause in a turn: little on most loops, so that much of what
 * clients say is carried to another turn; the usual on the others. */
static uint64_t turn_units(const struct world *w, unsigned i)
{
    static const uint64_t units[] = {0, 300, 1500, 6000};

    return units[(w->seed + i) % 4];
}

static void make_manager(struct world *w, unsigned i)
{
    struct pl_session_manager_options o = {
        .hub = w->at[i].hub,
        .supervisor = w->supervisor_address,
        .metrics = &w->at[i].metrics,
        .handlers = w->handlers,
        .hooks = &w->books.hooks,
        .connection_limit = 10000000,
        .version = "simulated",
        .turn_units = turn_units(w, i),
    };

    pl_settings_fill_session_manager(w->config, &o);
    must(pl_session_manager_create(&w->at[i].manager, w->at[i].loop, &o),
         "session_manager");
}

/* All that were there have gone, but for what had to be forced. */
static void on_phase(void *arg, enum pl_phase phase)
{
    const struct world *w = arg;
    struct pl_phase_view view;

    if (phase != PL_PHASE_LISTENERS)
        return;
    pl_phase_trace_read(w->phases, &view);
    if (view.at[PL_PHASE_DISCONNECT].forced == 0 && w->links > 0)
        trace_fail("%u connections are left by a stop", w->links);
}

static void on_stopped(void *arg)
{
    ((struct world *)arg)->is_stopped = true;
}

/* It grows and shrinks as it likes, so that all states come and go. */
static uint64_t memory_used(void *arg, bool trim)
{
    struct world *w = arg;

    (void)trim;
    return w->is_calm ? 0 : world_draw(w, MEMORY_LIMIT * 5 / 4);
}

static void make_supervisor(struct world *w)
{
    bool is_watched = !w->is_plain && world_draw(w, 4) == 0;
    struct share *control = &w->at[w->workers];
    struct pl_supervisor_options o = {
        .config = &w->config->supervisor,
        .key = &w->key,
        .metrics = &control->metrics,
        .phases = w->phases,
        .on_phase = on_phase,
        .on_stopped = on_stopped,
        .memory_limit = is_watched ? MEMORY_LIMIT : 0,
        .memory_used = memory_used,
        .snapshots = w->snapshots,
        .channels = w->owners,
        .arg = w,
    };

    w->is_overloaded = is_watched || w->config->session.limits.loop_lag_ms > 0;
    must(pl_supervisor_create(&w->supervisor, control->loop, &o), "supervisor");
    w->supervisor_address = pl_supervisor_address(w->supervisor);
}

/* Who takes part in a stop, in the order of the start. */
static void enlist(struct world *w, const struct world_options *o)
{
    struct pl_supervisor *v = w->supervisor;

    for (unsigned i = 0; i < w->workers; i++)
        must(pl_supervisor_add_internal(v, w->owners[i], "channels"), "enlist");
    for (unsigned i = 0; i <= w->workers; i++)
        must(pl_supervisor_add_internal(v, w->hubs[i], "hub"), "enlist");
    must(pl_supervisor_add_internal(v, operator_address(w->operator), "admin"),
         "enlist");
    for (unsigned i = 0; w->has_postmen && i <= w->workers; i++)
        must(pl_supervisor_add_internal(v, post_postman(w, i), "postman"),
             "enlist");
    if (o->build != NULL)
        must(pl_supervisor_add_internal(v, o->build(w, o->arg), "guest"),
             "enlist");
    for (unsigned i = 0; i < w->workers; i++) {
        struct pl_address manager =
            pl_session_manager_address(w->at[i].manager);

        must(pl_supervisor_add_internal(v, manager, "session_manager"),
             "enlist");
        must(pl_supervisor_add_session_manager(v, manager), "enlist");
    }
    must(pl_supervisor_start(v), "start");
}

static void build(struct world *w, const struct world_options *o)
{
    unsigned backlog = w->is_plain ? 65536 : ONE_OF(w, 4, 65536, 65536);
    unsigned mail = w->is_plain ? 0 : ONE_OF(w, 0, 0, 0, 2, 8);

    w->has_backlog = backlog < 65536;
    w->has_full_mail = mail > 0;
    faults_limit_mailboxes(mail);
    faults_lose_publications(loses, w);
    books_open(w);
    make_supervisor(w);
    for (unsigned i = 0; i < w->workers; i++)
        make_channels(w, i, backlog);
    for (unsigned i = 0; i <= w->workers; i++)
        make_hub(w, i, backlog);
    for (unsigned i = 0; i < w->workers; i++) {
        pl_channels_set_hubs(w->at[i].channels, w->hubs, w->workers + 1);
        make_manager(w, i);
    }
    w->operator= operator_create(w);
    w->has_postmen = !w->is_plain && w->seed % 4 == 1;
    if (w->has_postmen)
        post_init(w);
    enlist(w, o);
}

static void quiet(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    (void)level;
    if (trace_place.is_verbose)
        fprintf(stderr, "%.*s", (int)line.len, line.at);
}

static void begin(struct world *w, const struct world_options *o)
{
    pl_log_set_level(trace_place.is_verbose ? PL_LOG_DEBUG : PL_LOG_ERROR);
    pl_log_set_sink(quiet, NULL);
    must(pl_sim_create(&w->sim, w->workers + 1, w->seed ^ 0x51b), "system");
    pl_sim_set_wall(w->sim, WORLD_WALL_MS);
    w->system = pl_sim_system(w->sim);
    must(pl_phase_trace_create(&w->phases, pl_system_clock(w->system)),
         "phases");
    make_config(w, o);
    world_make_handlers(w);
    for (unsigned i = 0; i <= w->workers; i++) {
        w->at[i].world = w;
        w->at[i].loop = pl_system_loop(w->system, i);
        must(pl_snapshot_create(&w->snapshots[i], PL_METRIC_COUNT), "numbers");
        w->at[i].snapshot = w->snapshots[i];
        pl_loop_on_turn_end(w->at[i].loop, check_ledgers, &w->at[i]);
    }
    build(w, o);
}

void world_begin(struct world *w, uint64_t seed, bool is_late)
{
    struct world_options o = {.seed = seed, .is_late = is_late};

    world_begin_with(w, &o);
}

void world_begin_with(struct world *w, const struct world_options *o)
{
    *w = (struct world){.seed = o->seed,
                        .is_late = o->is_late,
                        .is_plain = o->is_plain,
                        .key = {1, 2},
                        .now_ms = 1};
    pl_random_init_seeded(&w->random, o->seed);
    w->workers = 1 + world_draw(w, WORKERS_MAX);
    begin(w, o);
}

void world_begin_plain(struct world *w)
{
    *w = (struct world){.is_plain = true, .key = {1, 2}, .workers = 1};
    pl_random_init_seeded(&w->random, 1);
    begin(w, &(struct world_options){.setting = NULL});
}

/* --- The end --- */

void world_stop(struct world *w, bool hurry)
{
    w->is_stopping = true;
    must(hurry ? pl_supervisor_hurry(w->system, w->supervisor_address)
               : pl_supervisor_stop(w->system, w->supervisor_address),
         "stop");
}

bool world_listens(const struct world *w)
{
    return pl_phase_trace_now(w->phases) < PL_PHASE_LISTENERS;
}

void world_end(struct world *w)
{
    while (world_draw(w, 2) == 0 && world_answer_call(w))
        continue;
    settle(w);
    pl_system_reap(w->system);
    settle(w);
    while (world_answer_call(w)) /* to those that are gone */
        continue;
    settle(w);
    check_nothing_left(w);
    pl_sim_destroy(w->sim);
    post_fini(w);
    for (unsigned i = 0; i <= w->workers; i++)
        pl_snapshot_destroy(w->snapshots[i]);
    pl_phase_trace_destroy(w->phases);
    pl_handlers_release(w->handlers);
    world_forget_admitted(w);
    world_forget_rules(w);
    pl_settings_destroy(w->config);
}

/* --- Small things --- */

const char *world_channel_name(unsigned channel)
{
    static const char *const names[CHANNELS] = {
        "room:a",   "room:b", "c",   "d",   "a-longer-name-of-a-channel",
        "\xc3\xa9", "#u0",    "#u1", "#u2", "#u3"};

    return names[channel];
}

char *world_token(struct world *w, unsigned user, int64_t ttl_s, unsigned rooms)
{
    const struct pl_clock *clock = pl_system_clock(w->system);
    struct pl_token_key key = {.secret = PL_SPAN(WORLD_SECRET)};
    struct pl_span channels[ROOMS];
    char name[8];
    struct pl_token_grant grant = {.issued_at_s =
                                       (int64_t)(clock->wall(clock) / 1000),
                                   .ttl_s = ttl_s,
                                   .channels = channels};
    char *token;

    for (unsigned i = 0; i < ROOMS; i++) {
        if (rooms >> i & 1)
            channels[grant.channel_count++] = pl_span_of(world_channel_name(i));
    }
    snprintf(name, sizeof name, "u%u", user);
    grant.user = pl_span_of(name);
    must(pl_token_create(&key, &grant, &token, NULL), "token");
    return token;
}

static void ignore(void *arg, const struct pl_buf *body, uint32_t error)
{
    (void)arg;
    (void)body;
    (void)error;
}

void world_kick(struct world *w, const char *user, const char *channel)
{
    char body[160];
    int len = snprintf(body, sizeof body,
                       channel == NULL ? "{\"user\":\"%s\",\"disconnect\":"
                                         "{\"code\":3011,\"reason\":\"again\"}}"
                                       : "{\"user\":\"%s\",\"channel\":\"%s\"}",
                       user, channel);

    operator_ask(w->operator,
                 channel == NULL ? PL_API_DISCONNECT : PL_API_UNSUBSCRIBE,
                 (struct pl_span){body, (size_t)len}, ignore, NULL);
}
