/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - requests come in, answers go out, through libevent's evhttp.
 *
 * A server API call is answered turns later.  Until then evhttp keeps the
 * request and does not read the connection, and may still close it: the close
 * callback then forgets the call.  While nobody waits the callback is not set,
 * since evhttp keeps connections for further requests.
 *
 * Rejected: a parser of our own (this is not the hot path), and answering from
 * the callbacks by asking other loops and waiting (nothing here may wait).
 *
 * Invariant: each entry of admin->waiting has one call and one request, and
 * ends with whichever ends first. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin_private.h"
#include "api_answer.h"
#include "code.h"
#include "key.h"
#include "metrics_text.h"
#include "supervisor.h"
#include "system.h"

/* The request of a call. */
struct pl_waiting {
    struct pl_list link;
    struct pl_admin *admin;
    struct evhttp_request *request;
    struct pl_api_call *call;
    int status; /* of the answer */
};

/* --- Answers --- */

static void add_header(struct evhttp_request *req, const char *key,
                       const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(req), key, value);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

void pl_http_reply(struct evhttp_request *req, int status, const char *type,
                   const struct pl_buf *text)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(req);
    char length[24];

    if (text != NULL && text->failed)
        status = 500;
    if (text == NULL || text->failed) {
        type = "application/json";
        evbuffer_add_printf(out, "{\"status\":%d,\"text\":\"%s\"}", status,
                            reason_of(status));
    } else {
        evbuffer_add(out, text->data, text->len);
    }
    /* libevent leaves it out below HTTP/1.0, and may still keep the connection
     * for a next answer. */
    snprintf(length, sizeof length, "%zu", evbuffer_get_length(out));
    add_header(req, "Content-Length", length);
    add_header(req, "Content-Type", type);
    add_header(req, "Cache-Control", "no-store");
    evhttp_send_reply(req, status, reason_of(status), NULL);
}

static void reply_status(struct evhttp_request *req, int status)
{
    pl_http_reply(req, status, NULL, NULL);
}

/* --- The server API --- */

static void set_closecb(struct evhttp_request *req,
                        void (*call)(struct evhttp_connection *, void *),
                        void *arg)
{
    evhttp_connection_set_closecb(evhttp_request_get_connection(req), call,
                                  arg);
}

static void drop_waiting(struct pl_waiting *w)
{
    pl_list_remove(&w->link);
    free(w);
}

static void on_done(void *arg, const struct pl_buf *body)
{
    struct pl_waiting *w = arg;
    struct evhttp_request *req = w->request;
    int status = w->status;

    set_closecb(req, NULL, NULL);
    drop_waiting(w);
    pl_http_reply(req, status, "application/json", body);
}

void pl_http_abandon(struct evhttp_request *req)
{
    if (evhttp_request_get_connection(req) == NULL)
        evhttp_request_free(req);
}

static void on_gone(struct evhttp_connection *conn, void *arg)
{
    struct pl_waiting *w = arg;

    (void)conn;
    pl_reactor_touch(w->admin->options.reactor);
    pl_api_call_forget(w->call);
    pl_http_abandon(w->request);
    drop_waiting(w);
}

static struct pl_span body_of(struct evhttp_request *req)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(req);

    return (struct pl_span){(const char *)evbuffer_pullup(in, -1),
                            evbuffer_get_length(in)};
}

static void call_api(struct pl_admin *a, struct evhttp_request *req,
                     enum pl_api_call_form form, enum pl_api_method method)
{
    struct pl_waiting *w = calloc(1, sizeof *w);
    enum pl_err rc = PL_ENOMEM;

    if (w != NULL)
        rc = pl_api_call_create(&w->call, &a->calls, form, method, body_of(req),
                                on_done, w);
    if (rc != PL_OK) {
        free(w);
        reply_status(req, rc == PL_EFULL ? 503 : 500);
        return;
    }
    w->admin = a;
    w->request = req;
    w->status = pl_api_call_is_malformed(w->call) ? 400 : 200;
    pl_list_append(&a->waiting, &w->link);
    set_closecb(req, on_gone, w);
    pl_api_call_start(w->call);
}

/* --- The other paths --- */

static void on_health(struct pl_admin *a, struct evhttp_request *req)
{
    (void)a;
    reply_status(req, 200);
}

static void on_ready(struct pl_admin *a, struct evhttp_request *req)
{
    reply_status(req, pl_status_is_ready(a->options.status) ? 200 : 503);
}

/* Answer with the status, written by one of the two below. */
static void reply_with(struct pl_admin *a, struct evhttp_request *req,
                       const char *type,
                       void (*write)(struct pl_buf *, const struct pl_status *))
{
    struct pl_buf text = {0};
    struct pl_status s;

    if (pl_status_collect(&s, a->options.status) != PL_OK) {
        reply_status(req, 500);
        return;
    }
    write(&text, &s);
    pl_http_reply(req, 200, type, &text);
    pl_status_fini(&s);
    pl_buf_fini(&text);
}

static void write_status(struct pl_buf *text, const struct pl_status *s)
{
    if (pl_status_write_json(s, text) != PL_OK)
        text->failed = true;
}

static void on_status(struct pl_admin *a, struct evhttp_request *req)
{
    reply_with(a, req, "application/json", write_status);
}

static void on_metrics(struct pl_admin *a, struct evhttp_request *req)
{
    reply_with(a, req, "text/plain; version=0.0.4; charset=utf-8",
               pl_metrics_write_text);
}

static bool wants_hurry(const struct evhttp_request *req)
{
    const char *query =
        evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));

    return query != NULL &&
           pl_span_equal(pl_span_of(query), PL_SPAN("hurry=1"));
}

static void stop_broker(struct pl_admin *a, bool hurry)
{
    struct pl_system *system = pl_loop_system(a->actor.loop);
    struct pl_address supervisor = a->options.supervisor;

    pl_reactor_touch(a->options.reactor);
    if ((hurry ? pl_supervisor_hurry : pl_supervisor_stop)(system,
                                                           supervisor) != PL_OK)
        PL_LOG(PL_LOG_ERROR, "cannot begin to stop",
               pl_log_error("error", PL_ENOMEM));
}

static void on_told_stop(struct evhttp_connection *conn, void *arg)
{
    (void)conn;
    stop_broker(arg, false);
}

static void on_told_hurry(struct evhttp_connection *conn, void *arg)
{
    (void)conn;
    stop_broker(arg, true);
}

/* The stop begins when the connection closes, which is when the answer is out
 * or nobody waits for it: it would otherwise be cut off by the stop. */
static void on_shutdown(struct pl_admin *a, struct evhttp_request *req)
{
    add_header(req, "Connection", "close");
    set_closecb(req, wants_hurry(req) ? on_told_hurry : on_told_stop, a);
    reply_status(req, 200);
}

static void on_sub(struct pl_admin *a, struct evhttp_request *req)
{
    pl_stream_open(a, req);
}

/* --- Finding the way --- */

enum right { ANYBODY, KEY, SOCKET };

static const struct route {
    const char *path;
    enum evhttp_cmd_type method;
    enum right right;
    void (*go)(struct pl_admin *a, struct evhttp_request *req);
} routes[] = {
    {"/health", EVHTTP_REQ_GET, ANYBODY, on_health},
    {"/ready", EVHTTP_REQ_GET, ANYBODY, on_ready},
    {"/status", EVHTTP_REQ_GET, KEY, on_status},
    {"/metrics", EVHTTP_REQ_GET, KEY, on_metrics},
    {"/sub", EVHTTP_REQ_GET, KEY, on_sub},
    {"/shutdown", EVHTTP_REQ_POST, SOCKET, on_shutdown},
};

/* 0, or the status that refuses. */
static int check_right(const struct pl_door *d, struct evhttp_request *req,
                       enum right right)
{
    struct evkeyvalq *in = evhttp_request_get_input_headers(req);

    if (right == ANYBODY || d->is_trusted)
        return 0;
    if (right == SOCKET)
        return 403;
    switch (pl_key_check(d->admin->access->api_key,
                         evhttp_find_header(in, "X-API-Key"),
                         evhttp_find_header(in, "Authorization"))) {
    case PL_KEY_GOOD:
        return 0;
    case PL_KEY_OFF:
        return 403;
    default:
        return 401;
    }
}

/* Whether the request may not go on; it has been answered then. */
static bool is_refused(const struct pl_door *d, struct evhttp_request *req,
                       enum right right, enum evhttp_cmd_type method)
{
    int status = check_right(d, req, right);

    if (status == 0 && evhttp_request_get_command(req) != method) {
        add_header(req, "Allow", method == EVHTTP_REQ_GET ? "GET" : "POST");
        status = 405;
    }
    if (status == 401)
        add_header(req, "WWW-Authenticate", "apikey");
    if (status != 0)
        reply_status(req, status);
    return status != 0;
}

/* `rest` is what follows /api, with its slash. */
static void route_api(struct pl_door *d, struct evhttp_request *req,
                      const char *rest)
{
    enum pl_api_method method = PL_API_METHOD_COUNT;
    enum pl_api_call_form form = PL_CALL_ONE;

    if (is_refused(d, req, KEY, EVHTTP_REQ_POST))
        return;
    if (rest[0] == '\0' || rest[1] == '\0')
        form = PL_CALL_LINES;
    else if (pl_span_equal(pl_span_of(rest), PL_SPAN("/batch")))
        form = PL_CALL_BATCH;
    else
        method = pl_api_method_find(pl_span_of(rest + 1));
    if (form == PL_CALL_ONE && method == PL_API_METHOD_COUNT)
        reply_status(req, 404);
    else
        call_api(d->admin, req, form, method);
}

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (pl_span_equal(pl_span_of(path), pl_span_of(routes[i].path)))
            return &routes[i];
    }
    return NULL;
}

void pl_http_on_request(struct evhttp_request *req, void *arg)
{
    struct pl_door *d = arg;
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

    pl_reactor_touch(d->admin->options.reactor);
    if (path == NULL)
        path = "";
    const struct route *route = find_route(path);
    if (route != NULL) {
        if (!is_refused(d, req, route->right, route->method))
            route->go(d->admin, req);
    } else if (strncmp(path, "/api", 4) == 0 &&
               (path[4] == '\0' || path[4] == '/')) {
        route_api(d, req, path + 4);
    } else {
        reply_status(req, 404);
    }
}

void pl_http_abandon_all(struct pl_admin *a)
{
    while (!pl_list_is_empty(&a->waiting)) {
        struct pl_waiting *w =
            PL_CONTAINER(a->waiting.next, struct pl_waiting, link);

        set_closecb(w->request, NULL, NULL);
        pl_api_call_forget(w->call);
        drop_waiting(w);
    }
}
