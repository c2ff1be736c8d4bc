/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - the site of the admin server: its paths, and the right that each
 * path needs.
 *
 * judge() decides everything that depends on the head alone, before a byte of a
 * body is stored: path, key, method.  Over TCP an unknown path gets 404 with or
 * without a key, because the paths are no secret; a known path without the key
 * gets 401, with an empty body.
 *
 * A server API call is finished turns later.  If its connection closes first,
 * the call is forgotten.
 *
 * Invariant: each entry of admin->waiting has one call and one request, and
 * ends with the one that ends first. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_private.h"
#include "api_answer.h"
#include "code.h"
#include "http.h"
#include "metrics_text.h"
#include "supervisor.h"
#include "system.h"

/* An HTTP request that waits for its API call. */
struct pl_waiting {
    struct pl_list link;
    struct pl_web_party party;
    struct pl_admin *admin;
    struct pl_web_conn *conn;
    struct pl_api_call *call;
    int status;      /* of the response, without an error of the call */
    bool has_status; /* transport mode: such an error has one */
};

static void reply_status(struct pl_web_conn *c, int status)
{
    pl_web_reply_status(c, status, NULL, NULL);
}

/* Respond with `text`, or with 500 if writing it failed. */
static void reply_text(struct pl_web_conn *c, int status, const char *type,
                       const struct pl_buf *text)
{
    if (text->failed)
        reply_status(c, 500);
    else
        pl_web_reply(c, &(struct pl_web_answer){.status = status,
                                                .type = type,
                                                .body = pl_buf_span(text)});
}

/* --- The server API --- */

static void drop_waiting(struct pl_waiting *w)
{
    pl_list_remove(&w->link);
    free(w);
}

/* The status of an error in transport mode, as Centrifugo has it; 103 and 111
 * are parley's. */
static int status_of(uint32_t error)
{
    switch (error) {
    case PL_ERROR_UNKNOWN_CHANNEL:
    case PL_ERROR_METHOD_NOT_FOUND:
        return 404;
    case PL_ERROR_PERMISSION_DENIED:
        return 403;
    case PL_ERROR_BAD_REQUEST:
    case PL_ERROR_NOT_AVAILABLE:
        return 400;
    case PL_ERROR_UNRECOVERABLE:
        return 416;
    case PL_ERROR_TOO_MANY_REQUESTS:
    case PL_ERROR_STOPPING:
        return 503;
    default:
        return 500;
    }
}

static void on_done(void *arg, const struct pl_buf *body, uint32_t error)
{
    struct pl_waiting *w = arg;
    struct pl_web_conn *c = w->conn;
    int status = w->has_status && error != 0 ? status_of(error) : w->status;

    pl_web_keep(c, NULL);
    drop_waiting(w);
    reply_text(c, status, "application/json", body);
}

static void on_gone(struct pl_web_party *p)
{
    struct pl_waiting *w = PL_CONTAINER(p, struct pl_waiting, party);

    pl_api_call_forget(w->call);
    drop_waiting(w);
}

struct route;

/* The destination of a request. */
struct target {
    const struct route *route; /* NULL: not found */
    enum pl_api_call_form form;
    enum pl_api_method method; /* PL_API_METHOD_COUNT: several commands */
};

/* A field of any other value means the configured mode. */
static bool wants_status(const struct pl_admin *a,
                         const struct pl_http_head *head)
{
    struct pl_span mode =
        pl_http_field_find(head->lines, PL_SPAN("X-Centrifugo-Error-Mode"));

    return a->options.config->api.error_mode == PL_API_ERROR_TRANSPORT ||
           pl_span_equal(mode, PL_SPAN("transport"));
}

/* Answer a call of `caller`. */
static void call_as(struct pl_admin *a, struct pl_web_conn *c,
                    const struct pl_api_caller *caller, struct target t,
                    struct pl_span body)
{
    struct pl_waiting *w = calloc(1, sizeof *w);
    enum pl_err rc = PL_ENOMEM;

    if (w != NULL)
        rc = pl_api_call_create(&w->call, &a->calls, caller, t.form, t.method,
                                body, on_done, w);
    if (rc != PL_OK) {
        free(w);
        reply_status(c, rc == PL_EFULL ? 503 : 500);
        return;
    }
    w->admin = a;
    w->conn = c;
    w->has_status = caller->is_bare;
    w->status = pl_api_call_is_malformed(w->call) ? 400 : 200;
    w->party.gone = on_gone;
    pl_list_append(&a->waiting, &w->link);
    pl_web_keep(c, &w->party);
    pl_api_call_start(w->call);
}

void pl_http_abandon_all(struct pl_admin *a)
{
    while (!pl_list_is_empty(&a->waiting)) {
        struct pl_waiting *w =
            PL_CONTAINER(a->waiting.next, struct pl_waiting, link);

        pl_web_keep(w->conn, NULL);
        pl_api_call_forget(w->call);
        drop_waiting(w);
    }
}

/* --- The other paths --- */

static void on_health(struct pl_admin *a, struct pl_web_conn *c,
                      const struct pl_http_head *head)
{
    (void)a, (void)head;
    reply_status(c, 200);
}

static void on_ready(struct pl_admin *a, struct pl_web_conn *c,
                     const struct pl_http_head *head)
{
    const struct pl_status_source *source = a->options.status;
    struct pl_stall stall;
    char why[80];

    (void)head;
    if (!pl_status_is_ready(source)) {
        reply_status(c, 503);
    } else if (pl_status_is_stuck(source, &stall)) {
        snprintf(why, sizeof why, "loop %u has not turned for %" PRIu64 " ms",
                 stall.loop, stall.ms);
        pl_web_reply_status(c, 503, why, NULL);
    } else {
        reply_status(c, 200);
    }
}

/* Respond with the status of the broker, as `write` formats it. */
static void reply_with(struct pl_admin *a, struct pl_web_conn *c,
                       const char *type,
                       void (*write)(struct pl_buf *, const struct pl_status *))
{
    struct pl_buf text = {0};
    struct pl_status s;

    if (pl_status_collect(&s, a->options.status) != PL_OK) {
        reply_status(c, 500);
        return;
    }
    write(&text, &s);
    reply_text(c, 200, type, &text);
    pl_status_fini(&s);
    pl_buf_fini(&text);
}

static void write_status(struct pl_buf *text, const struct pl_status *s)
{
    if (pl_status_write_json(s, text) != PL_OK)
        text->failed = true;
}

static void on_status(struct pl_admin *a, struct pl_web_conn *c,
                      const struct pl_http_head *head)
{
    (void)head;
    reply_with(a, c, "application/json", write_status);
}

static void on_metrics(struct pl_admin *a, struct pl_web_conn *c,
                       const struct pl_http_head *head)
{
    (void)head;
    reply_with(a, c, "text/plain; version=0.0.4; charset=utf-8",
               a->options.config->metrics.compatible == PL_METRICS_CENTRIFUGO
                   ? pl_metrics_write_compatible
                   : pl_metrics_write_text);
}

static void stop_broker(struct pl_admin *a, bool hurry)
{
    struct pl_system *system = pl_loop_system(a->actor.loop);
    struct pl_address supervisor = a->options.supervisor;

    if ((hurry ? pl_supervisor_hurry : pl_supervisor_stop)(system,
                                                           supervisor) != PL_OK)
        PL_LOG(PL_LOG_ERROR, "cannot begin to stop",
               pl_log_error("error", PL_ENOMEM));
}

static void on_told_stop(struct pl_web_party *p)
{
    stop_broker(PL_CONTAINER(p, struct pl_admin, stop), false);
}

static void on_told_hurry(struct pl_web_party *p)
{
    stop_broker(PL_CONTAINER(p, struct pl_admin, hurry), true);
}

void pl_http_init(struct pl_admin *a)
{
    a->stop = (struct pl_web_party){on_told_stop, on_told_stop};
    a->hurry = (struct pl_web_party){on_told_hurry, on_told_hurry};
}

/* Start the shutdown after the response was sent or the connection closed;
 * otherwise the shutdown could cut the response off. */
static void on_shutdown(struct pl_admin *a, struct pl_web_conn *c,
                        const struct pl_http_head *head)
{
    bool hurry = pl_span_equal(head->query, PL_SPAN("hurry=1"));
    static const char text[] = "{\"status\":200,\"text\":\"OK\"}";

    pl_web_keep(c, hurry ? &a->hurry : &a->stop);
    pl_web_reply(c, &(struct pl_web_answer){.status = 200,
                                            .type = "application/json",
                                            .body = PL_SPAN(text),
                                            .is_last = true});
}

/* --- Routing --- */

enum right { ANYBODY, KEY, SOCKET };

static const struct route {
    const char *path;
    bool is_post; /* else GET and HEAD */
    enum right right;
    void (*go)(struct pl_admin *a, struct pl_web_conn *c,
               const struct pl_http_head *head);
} routes[] = {
    {"/health", false, ANYBODY, on_health},
    {"/ready", false, ANYBODY, on_ready},
    {"/status", false, KEY, on_status},
    {"/metrics", false, KEY, on_metrics},
    {"/sub", false, KEY, pl_stream_open},
    {"/trace", false, KEY, pl_trace_open},
    {"/shutdown", true, SOCKET, on_shutdown},
};

static const struct route *find_route(struct pl_span path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (pl_span_equal(path, pl_span_of(routes[i].path)))
            return &routes[i];
    return NULL;
}

/* True if `path` is the configured one, which may be NULL. */
static bool is_at(struct pl_span path, const char *configured)
{
    return configured != NULL && pl_span_equal(path, pl_span_of(configured));
}

/* `rest` is the path after /api, with its slash. */
static struct target find_api(struct pl_span rest)
{
    static const struct route api = {"/api", true, KEY, NULL};
    struct target t = {&api, PL_CALL_ONE, PL_API_METHOD_COUNT};

    if (rest.len <= 1) {
        t.form = PL_CALL_LINES;
    } else if (pl_span_equal(rest, PL_SPAN("/batch"))) {
        t.form = PL_CALL_BATCH;
    } else {
        t.method =
            pl_api_method_find((struct pl_span){rest.at + 1, rest.len - 1});
        if (t.method == PL_API_METHOD_COUNT)
            t.route = NULL;
    }
    return t;
}

/* The public site has the server API below api.path, and the metrics; health is
 * answered by the link (links/ws_api.c). */
static struct target find_public(const struct pl_admin *a, struct pl_span path)
{
    struct pl_span api =
        pl_span_of(a->access->api_path == NULL ? "" : a->access->api_path);

    if (a->access->metrics_are_public && is_at(path, a->access->metrics_path))
        return (struct target){.route = find_route(PL_SPAN("/metrics"))};
    if (api.len == 0 || path.len < api.len ||
        memcmp(path.at, api.at, api.len) != 0 ||
        (path.len > api.len && path.at[api.len] != '/'))
        return (struct target){.route = NULL};
    return find_api((struct pl_span){path.at + api.len, path.len - api.len});
}

static struct target find(const struct pl_admin *a, struct pl_span path)
{
    static const struct pl_span api = {"/api", 4};
    struct pl_span first = {path.at, path.len < api.len ? path.len : api.len};

    if (is_at(path, a->access->health_path))
        path = PL_SPAN("/health");
    else if (is_at(path, a->access->metrics_path))
        path = PL_SPAN("/metrics");
    const struct route *route = find_route(path);
    if (route != NULL)
        return (struct target){.route = route};
    if (pl_span_equal(first, api) &&
        (path.len == api.len || path.at[api.len] == '/'))
        return find_api(
            (struct pl_span){path.at + api.len, path.len - api.len});
    return (struct target){.route = NULL};
}

static void report_key(struct pl_admin *a, const struct pl_web_conn *c,
                       enum pl_key_verdict verdict)
{
    char address[PL_IP_TEXT_MAX];

    pl_ip_format(pl_web_from(c), address);
    pl_api_key_report(a->options.metrics, address, verdict);
}

/* A key for some namespaces or methods is for nothing but the server API. */
static bool is_narrow(const struct pl_api_key *key)
{
    return key->namespaces.count > 0 || key->methods.count > 0;
}

/* Return 0, or the status of the refusal. */
static int check_right(struct pl_admin *a, struct pl_web_conn *c,
                       const struct pl_http_head *head,
                       const struct route *route)
{
    bool is_open = route->go == on_metrics && a->access->metrics_are_open;
    enum right right = is_open ? ANYBODY : route->right;
    const struct pl_api_key *key;
    enum pl_key_verdict verdict;

    if (right == ANYBODY || pl_web_is_trusted(c))
        return 0;
    if (right == SOCKET)
        return 403;
    verdict = pl_api_key_find(&a->access->api_keys, head, &key);
    if (verdict == PL_KEY_GOOD && route->go != NULL && is_narrow(key))
        return 403;
    if (verdict == PL_KEY_GOOD)
        return pl_web_admit(c) ? 0 : 503;
    report_key(a, c, verdict);
    return 401;
}

static void reply_allowed(struct pl_web_conn *c, int status, const char *allow)
{
    if (status == 204)
        pl_web_reply(c,
                     &(struct pl_web_answer){.status = 204, .fields = allow});
    else
        pl_web_reply_status(c, status, NULL, allow);
}

/* Respond if the method alone decides the response. */
static void check_method(struct pl_web_conn *c, const struct pl_http_head *head,
                         const struct route *route)
{
    const char *allow = route->is_post ? "Allow: POST, OPTIONS\r\n"
                                       : "Allow: GET, HEAD, OPTIONS\r\n";
    bool has_body = head->is_chunked || head->length > 0;
    bool reads = pl_span_equal(head->method, PL_SPAN("GET")) ||
                 pl_span_equal(head->method, PL_SPAN("HEAD"));

    if (pl_span_equal(head->method, PL_SPAN("OPTIONS")))
        reply_allowed(c, 204, allow);
    else if (route->is_post ? !pl_span_equal(head->method, PL_SPAN("POST"))
                            : !reads)
        reply_allowed(c, 405, allow);
    else if (!route->is_post && has_body)
        pl_web_reply_status(c, 413, "no body is accepted here", NULL);
}

/* Backends of Centrifugo expect an empty body with 401. */
static void reply_refusal(struct pl_web_conn *c, int status)
{
    if (status == 401)
        pl_web_reply(
            c, &(struct pl_web_answer){
                   .status = 401, .fields = "WWW-Authenticate: apikey\r\n"});
    else
        pl_web_reply_status(c, status, NULL,
                            status == 503 ? "Retry-After: 1\r\n" : NULL);
}

static void judge_target(struct pl_admin *a, struct pl_web_conn *c,
                         const struct pl_http_head *head, struct target t)
{
    if (t.route == NULL) {
        reply_status(c, 404);
        return;
    }
    int status = check_right(a, c, head, t.route);
    if (status == 0)
        check_method(c, head, t.route);
    else
        reply_refusal(c, status);
}

static void judge(void *arg, struct pl_web_conn *c,
                  const struct pl_http_head *head)
{
    if (pl_span_equal(head->path, PL_SPAN("*"))) {
        reply_allowed(c, 204, "Allow: GET, HEAD, POST, OPTIONS\r\n");
        return;
    }
    judge_target(arg, c, head, find(arg, head->path));
}

static void judge_public(void *arg, struct pl_web_conn *c,
                         const struct pl_http_head *head)
{
    judge_target(arg, c, head, find_public(arg, head->path));
}

/* The key is looked up again: a reload may have taken it back while the body
 * came. */
static void call_api(struct pl_admin *a, struct pl_web_conn *c,
                     const struct pl_http_head *head, struct target t,
                     struct pl_span body)
{
    struct pl_api_caller caller = {.access = a->access,
                                   .is_bare = wants_status(a, head)};

    if (!pl_web_is_trusted(c) &&
        pl_api_key_find(&a->access->api_keys, head, &caller.key) != PL_KEY_GOOD)
        reply_refusal(c, 401);
    else
        call_as(a, c, &caller, t, body);
}

static void serve(void *arg, struct pl_web_conn *c,
                  const struct pl_http_head *head, struct pl_span body)
{
    struct target t = find(arg, head->path);

    if (t.route == NULL) /* a reload has moved it since judge() */
        reply_status(c, 404);
    else if (t.route->go != NULL)
        t.route->go(arg, c, head);
    else
        call_api(arg, c, head, t, body);
}

/* A reload may have moved api.path since judge_public(). */
static void serve_public(void *arg, struct pl_web_conn *c,
                         const struct pl_http_head *head, struct pl_span body)
{
    struct target t = find_public(arg, head->path);

    if (t.route == NULL)
        reply_status(c, 404);
    else if (t.route->go != NULL)
        t.route->go(arg, c, head);
    else
        call_api(arg, c, head, t, body);
}

const struct pl_web_site pl_admin_site = {.judge = judge, .serve = serve};
const struct pl_web_site pl_public_site = {.judge = judge_public,
                                           .serve = serve_public};
