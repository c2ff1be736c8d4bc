/* SPDX-License-Identifier: Apache-2.0 */
/* status_json.c - the status as JSON, for programs.
 *
 * The first keys keep the names of the predecessor of this broker:
 * server_running, dispatcher_task (the supervisor and the actors that it
 * started; null before the start and after the shutdown),
 * network_driver_running, active_connections, registered_users,
 * custom_handlers.  Groups follow; a number outside all groups is found under
 * its name in /metrics.
 *
 * jansson is used because this code is not hot and a tree is easy to read.  Its
 * json_pack() returns a failed whole if a part has failed, so memory is checked
 * once, at the end. */
#include <jansson.h>
#include <stdlib.h>

#include "status.h"

static json_int_t total(const struct pl_status *s, enum pl_metric m)
{
    return (json_int_t)s->total[m];
}

static bool is_running(const struct pl_status *s)
{
    return s->run.is_started && s->run.phase == PL_PHASE_RUNNING;
}

static bool is_alive(const struct pl_status *s)
{
    return s->run.is_started && s->run.phase != PL_PHASE_STOPPED;
}

static json_t *dispatcher_json(const struct pl_status *s)
{
    if (!is_alive(s))
        return json_null();
    return json_pack("{s:b, s:b, s:b}", "exists", 1, "done",
                     s->run.phase >= PL_PHASE_RESET, "cancelled",
                     s->run.phase >= PL_PHASE_CANCEL);
}

static json_t *phase_json(const struct pl_phase_record *p, enum pl_phase phase)
{
    const char *state = !p->is_reached ? "ahead" : p->is_over ? "over" : "now";

    return json_pack("{s:s, s:s, s:I, s:I, s:I}", "phase", pl_phase_text(phase),
                     "state", state, "deadline_ms", (json_int_t)p->deadline_ms,
                     "elapsed_ms", (json_int_t)p->elapsed_ms, "forced",
                     (json_int_t)p->forced);
}

/* Append `item` to `list`.  Return NULL, with both released, if that fails. */
static json_t *append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *phases_json(const struct pl_status *s)
{
    json_t *list = json_array();

    for (int i = PL_PHASE_SIGNAL; i < PL_PHASE_STOPPED; i++)
        list = append(list, phase_json(&s->run.at[i], i));
    return list;
}

static json_t *loop_json(const struct pl_status_loop *l, unsigned index)
{
    const uint64_t *v = l->value;

    return json_pack(
        "{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:s?, s:I, s:I}",
        "loop", (int)index, "turns", (json_int_t)v[PL_METRIC_LOOP_TURNS],
        "lag_ns", (json_int_t)v[PL_METRIC_LOOP_LAG_NS], "lag_recent_ns",
        (json_int_t)v[PL_METRIC_LOOP_LAG_RECENT_NS], "lag_max_ns",
        (json_int_t)v[PL_METRIC_LOOP_LAG_MAX_NS], "wakes",
        (json_int_t)v[PL_METRIC_LOOP_WAKES], "cpu_ns",
        (json_int_t)v[PL_METRIC_LOOP_CPU_NS], "posts",
        (json_int_t)v[PL_METRIC_POSTS_SENT], "actors",
        (json_int_t)v[PL_METRIC_ACTORS], "timers",
        (json_int_t)v[PL_METRIC_TIMERS], "connections",
        (json_int_t)v[PL_METRIC_CONNECTIONS], "mail_queued",
        (json_int_t)v[PL_METRIC_MAIL_QUEUED], "mail_deepest",
        (json_int_t)v[PL_METRIC_MAIL_DEEPEST], "handler",
        l->busy[0] == '\0' ? NULL : l->busy, "handler_ms",
        (json_int_t)l->busy_ms, "stuck_ms", (json_int_t)l->stuck_ms);
}

static json_t *loops_json(const struct pl_status *s)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < s->loop_count; i++)
        list = append(list, loop_json(&s->loops[i], i));
    return list;
}

static json_t *ledger_json(struct pl_ledger l, const char *in, const char *out)
{
    return json_pack("{s:I, s:I, s:b}", in, (json_int_t)l.in, out,
                     (json_int_t)l.out, "balanced", l.is_balanced);
}

static json_t *ledgers_json(const struct pl_status *s)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "commands",
                     ledger_json(s->commands, "received", "resolved"), "mail",
                     ledger_json(s->mail, "enqueued", "resolved"), "deliveries",
                     ledger_json(s->deliveries, "owed", "resolved"), "posts",
                     ledger_json(s->posts, "posted", "taken"));
}

/* A number of a group, and its key. */
struct number {
    const char *key;
    enum pl_metric metric;
};

static json_t *group_json(const struct pl_status *s, const struct number *n,
                          size_t count)
{
    json_t *group = json_object();

    for (size_t i = 0; i < count; i++) {
        json_t *value = json_integer(total(s, n[i].metric));

        if (json_object_set_new(group, n[i].key, value) != 0) {
            json_decref(group);
            return NULL;
        }
    }
    return group;
}

#define GROUP(s, list) group_json((s), (list), sizeof(list) / sizeof((list)[0]))

static const struct number connections[] = {
    {"open", PL_METRIC_CONNECTIONS},
    {"logged_in", PL_METRIC_CLIENTS},
    {"accepted", PL_METRIC_ACCEPTED},
    {"accept_failed", PL_METRIC_ACCEPT_FAILED},
    {"handshakes", PL_METRIC_HANDSHAKES},
    {"handshakes_refused", PL_METRIC_HANDSHAKES_REFUSED},
    {"reads_paused", PL_METRIC_READS_PAUSED},
    {"reads_paused_rate", PL_METRIC_READS_PAUSED_RATE},
    {"input_carried", PL_METRIC_INPUT_CARRIED},
    {"out_queue_bytes", PL_METRIC_QUEUE_BYTES},
};
static const struct number admin[] = {
    {"connections", PL_METRIC_ADMIN_CONNECTIONS},
    {"refused", PL_METRIC_ADMIN_REFUSED},
    {"timed_out", PL_METRIC_ADMIN_TIMED_OUT},
};
static const struct number admission[] = {
    {"refused_origin", PL_METRIC_REFUSED_ORIGIN},
    {"refused_host", PL_METRIC_REFUSED_HOST},
    {"refused_lag", PL_METRIC_REFUSED_LAG},
    {"refused_address", PL_METRIC_REFUSED_ADDRESS},
    {"closed_address", PL_METRIC_CLOSED_ADDRESS},
    {"proxy_failed", PL_METRIC_PROXY_FAILED},
    {"addresses", PL_METRIC_ADDRESSES},
    {"connections", PL_METRIC_ADDRESS_CONNECTIONS},
};
static const struct number closed[] = {
    {"slow", PL_METRIC_CLOSED_SLOW},   {"no_pong", PL_METRIC_CLOSED_NO_PONG},
    {"stale", PL_METRIC_CLOSED_STALE}, {"protocol", PL_METRIC_CLOSED_PROTOCOL},
    {"peer", PL_METRIC_CLOSED_PEER},   {"server", PL_METRIC_CLOSED_SERVER},
};
static const struct number memory[] = {
    {"used", PL_METRIC_MEMORY_USED},   {"limit", PL_METRIC_MEMORY_LIMIT},
    {"state", PL_METRIC_MEMORY_STATE}, {"refused", PL_METRIC_REFUSED_MEMORY},
    {"closed", PL_METRIC_SHED},
};
static const struct number users[] = {
    {"all", PL_METRIC_USERS},
    {"single", PL_METRIC_USERS_SINGLE},
    {"several", PL_METRIC_USERS_SEVERAL},
};
static const struct number channels[] = {
    {"with_subscribers", PL_METRIC_CHANNELS},
    {"positions_kept", PL_METRIC_STREAMS},
    {"subscriptions", PL_METRIC_SUBSCRIPTIONS},
    {"expired", PL_METRIC_SUBS_EXPIRED},
    {"evicted", PL_METRIC_STREAMS_EVICTED},
    {"store_requests", PL_METRIC_STORE_REQUESTS},
    {"store_request_bytes", PL_METRIC_STORE_REQUEST_BYTES},
    {"leaving", PL_METRIC_LEAVING},
};
static const struct number history[] = {
    {"bytes", PL_METRIC_HISTORY_BYTES},
    {"shed_channel", PL_METRIC_HISTORY_SHED_CHANNEL},
    {"shed_client", PL_METRIC_HISTORY_SHED_CLIENT},
    {"shed_limit", PL_METRIC_HISTORY_SHED_HISTORY},
    {"shed_channels", PL_METRIC_HISTORY_SHED_CHANNELS},
    {"shed_memory", PL_METRIC_HISTORY_SHED_MEMORY},
};
static const struct number mailboxes[] = {
    {"queued", PL_METRIC_MAIL_QUEUED}, {"deepest", PL_METRIC_MAIL_DEEPEST},
    {"refused", PL_METRIC_DEAD_FULL},  {"wait_ns", PL_METRIC_MAIL_WAIT_NS},
    {"actors", PL_METRIC_ACTORS},      {"timers", PL_METRIC_TIMERS},
};
static const struct number handlers[] = {
    {"registered", PL_METRIC_HANDLERS},       {"handled", PL_METRIC_CUSTOM},
    {"unknown", PL_METRIC_CUSTOM_UNKNOWN},    {"slow", PL_METRIC_HANDLER_SLOW},
    {"timed_out", PL_METRIC_HANDLER_TIMEOUT}, {"late", PL_METRIC_HANDLER_LATE},
};
static const struct number authentication[] = {
    {"attempts", PL_METRIC_AUTH_ATTEMPTS},
    {"passed", PL_METRIC_AUTH_PASSED},
    {"failed", PL_METRIC_AUTH_FAILED},
    {"tokens_rejected", PL_METRIC_TOKENS_REJECTED},
    {"denied", PL_METRIC_REFUSED_DENIED},
    {"denials", PL_METRIC_DENIALS},
    {"denials_bytes", PL_METRIC_DENIALS_BYTES},
    {"incomplete", PL_METRIC_LOGINS_INCOMPLETE},
    {"api_keys_rejected", PL_METRIC_API_KEYS_REJECTED},
};
static const struct number messages[] = {
    {"in", PL_METRIC_MESSAGES_IN},
    {"out", PL_METRIC_MESSAGES_OUT},
    {"custom", PL_METRIC_CUSTOM},
    {"publications", PL_METRIC_PUBLICATIONS},
    {"repeated", PL_METRIC_PUBLICATIONS_REPEATED},
    {"known", PL_METRIC_PUBLICATIONS_KNOWN},
    {"stale", PL_METRIC_PUBLICATIONS_STALE},
    {"ids", PL_METRIC_PUBLICATION_IDS},
    {"ids_evicted", PL_METRIC_PUBLICATION_IDS_EVICTED},
    {"bytes_in", PL_METRIC_BYTES_IN},
    {"bytes_out", PL_METRIC_BYTES_OUT},
};
static const struct number commands[] = {
    {"received", PL_METRIC_COMMANDS},
    {"answered", PL_METRIC_COMMANDS_ANSWERED},
    {"refused", PL_METRIC_COMMANDS_REFUSED},
    {"silent", PL_METRIC_COMMANDS_SILENT},
    {"cancelled", PL_METRIC_COMMANDS_CANCELLED},
    {"pending", PL_METRIC_COMMANDS_PENDING},
    {"waiting", PL_METRIC_COMMANDS_WAITING},
    {"refused_stopping", PL_METRIC_REFUSED_STOPPING},
    {"refused_busy", PL_METRIC_REFUSED_BUSY},
    {"refused_new_channels", PL_METRIC_REFUSED_NEW_CHANNELS},
    {"refused_store_requests", PL_METRIC_REFUSED_STORE_REQUESTS},
};
static const struct number deliveries[] = {
    {"owed", PL_METRIC_FRAMES_OWED},
    {"sent", PL_METRIC_FRAMES_SENT},
    {"cancelled", PL_METRIC_FRAMES_CANCELLED},
    {"queued", PL_METRIC_FRAMES_QUEUED},
};
static const struct number drops[] = {
    {"slow", PL_METRIC_FRAMES_DROPPED_SLOW},
    {"memory", PL_METRIC_FRAMES_DROPPED_MEMORY},
    {"oldest", PL_METRIC_FRAMES_DROPPED_OLDEST},
    {"replaced", PL_METRIC_FRAMES_DROPPED_REPLACED},
    {"recover", PL_METRIC_FRAMES_DROPPED_RECOVER},
    {"duplicate", PL_METRIC_FRAMES_DROPPED_DUPLICATE},
    {"unsubscribed", PL_METRIC_UNSUBSCRIBED_SLOW},
    {"events", PL_METRIC_EVENTS_LOST},
};
static const struct number dead_letters[] = {
    {"stale", PL_METRIC_DEAD_STALE},
    {"full", PL_METRIC_DEAD_FULL},
    {"closing", PL_METRIC_DEAD_CLOSING},
    {"unreachable", PL_METRIC_DEAD_UNREACHABLE},
    {"refused", PL_METRIC_DEAD_REFUSED},
};
static const struct number jobs[] = {
    {"queued", PL_METRIC_JOBS_QUEUED},
    {"in_progress", PL_METRIC_JOBS_IN_PROGRESS},
    {"done", PL_METRIC_JOBS_DONE},
    {"cancelled", PL_METRIC_JOBS_CANCELLED},
    {"refused", PL_METRIC_JOBS_REFUSED},
};

/* Errors sent to clients, in total and per message received. */
static json_t *errors_json(const struct pl_status *s)
{
    uint64_t in = s->total[PL_METRIC_MESSAGES_IN];
    double rate = in == 0 ? 0 : (double)s->total[PL_METRIC_ERRORS] / (double)in;

    return json_pack("{s:I, s:f}", "count", total(s, PL_METRIC_ERRORS), "rate",
                     rate);
}

/* Of the process, since its start. */
static json_t *log_json(const struct pl_status *s)
{
    return json_pack("{s:I, s:I}", "dropped", (json_int_t)s->log.dropped,
                     "suppressed", (json_int_t)s->log.suppressed);
}

static json_t *summary_json(const struct pl_status *s)
{
    return json_pack(
        "{s:b, s:o, s:b, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:I}",
        "server_running", is_running(s), "dispatcher_task", dispatcher_json(s),
        "network_driver_running", is_alive(s), "active_connections",
        total(s, PL_METRIC_CONNECTIONS), "registered_users",
        total(s, PL_METRIC_USERS), "custom_handlers",
        total(s, PL_METRIC_HANDLERS), "version", s->version, "phase",
        s->run.is_started ? pl_phase_text(s->run.phase) : "starting",
        "uptime_ms", (json_int_t)s->run.uptime_ms, "memory_bytes",
        (json_int_t)s->memory_bytes, "listeners",
        total(s, PL_METRIC_LISTENERS));
}

static json_t *groups_json(const struct pl_status *s)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "phases", phases_json(s), "loops", loops_json(s), "connections",
        GROUP(s, connections), "admin", GROUP(s, admin), "admission",
        GROUP(s, admission), "closed", GROUP(s, closed), "memory",
        GROUP(s, memory), "users", GROUP(s, users), "channels",
        GROUP(s, channels), "history", GROUP(s, history), "mailboxes",
        GROUP(s, mailboxes), "handlers", GROUP(s, handlers), "authentication",
        GROUP(s, authentication), "messages", GROUP(s, messages), "commands",
        GROUP(s, commands), "deliveries", GROUP(s, deliveries), "errors",
        errors_json(s), "drops", GROUP(s, drops), "dead_letters",
        GROUP(s, dead_letters), "jobs", GROUP(s, jobs), "ledgers",
        ledgers_json(s), "log", log_json(s));
}

static int put(const char *bytes, size_t len, void *arg)
{
    struct pl_buf *out = arg;

    pl_buf_put(out, bytes, len);
    return out->failed ? -1 : 0;
}

enum pl_err pl_status_write_json(const struct pl_status *s, struct pl_buf *out)
{
    json_t *whole = summary_json(s), *groups = groups_json(s);
    size_t before = out->len;
    enum pl_err rc = PL_ENOMEM;

    if (whole != NULL && groups != NULL && !out->failed &&
        json_object_update(whole, groups) == 0 &&
        json_dump_callback(whole, put, out, JSON_COMPACT) == 0)
        rc = PL_OK;
    if (rc != PL_OK) {
        out->len = before;
        out->failed = false;
    }
    json_decref(whole);
    json_decref(groups);
    return rc;
}
