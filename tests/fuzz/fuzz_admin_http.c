/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_admin_http.c - any bytes on a connection to the admin server, in front
 * of a whole broker above the sockets (the world of tests/sim).
 *
 * The first two bytes are a seed and bits of enum way; the rest comes over a
 * Unix socket, whole or in pieces, through the listener, the connections and
 * the HTTP server that the program has.
 *
 * What must hold beside the sanitizers and the ledgers: each answer is one of
 * ours, says how long it is and what type it has, and is JSON, lines of JSON or
 * text accordingly; a client without the right gets no more than "OK"; every
 * request ends with its connection; and a broker that was told to stop does. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin_private.h"
#include "codec.h"
#include "operator.h"
#include "phase_mail.h"
#include "reactor.h"
#include "trace.h"
#include "world.h"

enum { ROUNDS = 3, LATE_ROUNDS = 8, LATE_MS = 50, STOP_ROUNDS = 400 };
#define KEY "sesame"

enum way {
    WAY_TRUSTED = 1, /* the listener that needs no key */
    WAY_LATE = 2,    /* the store that answers late */
    WAY_PIECES = 4,
    WAY_CUT = 8,    /* the client ends before it has heard */
    WAY_STREAM = 16 /* another one listens to channels */
};

struct rig {
    struct world world;
    struct event_base *base;
    struct pl_reactor *reactor;
    struct pl_status_source status;
    struct pl_admin *admin;
    struct sockaddr_un at[2]; /* where the listeners are: open, trusted */
    socklen_t at_len[2];
};

struct client {
    int fd;
    struct pl_buf heard;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (!holds)
        trace_fail("%s", what);
}

/* --- The admin server in its world --- */

/* At a name of its own outside of any folder. */
static void connect_to(struct rig *r, bool is_trusted)
{
    struct sockaddr_un *at = &r->at[is_trusted];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    at->sun_family = AF_UNIX;
    r->at_len[is_trusted] = sizeof *at;
    must(fd >= 0 &&
             bind(fd, (struct sockaddr *)at, sizeof at->sun_family) == 0 &&
             listen(fd, 4) == 0 &&
             getsockname(fd, (struct sockaddr *)at, &r->at_len[is_trusted]) ==
                 0 &&
             pl_admin_open(r->admin, fd, is_trusted) == PL_OK,
         "no listener");
}

static struct pl_address build(struct world *w, void *arg)
{
    struct rig *r = arg;
    struct pl_loop *control = w->at[w->workers].loop;
    struct pl_admin_options o = operator_options(w, &r->status);

    free(w->config->admin.socket);
    free(w->config->admin.listen.text);
    w->config->admin.socket = w->config->admin.listen.text = NULL;
    w->config->users.api.key = strdup(KEY);
    must(pl_reactor_create(&r->reactor, control, r->base) == PL_OK,
         "no reactor");
    o.reactor = r->reactor;
    must(pl_admin_create(&r->admin, &o) == PL_OK, "no admin server");
    connect_to(r, true);
    connect_to(r, false);
    return pl_admin_address(r->admin);
}

/* The control loop is driven by its reactor and, like the others, by the
 * simulation. */
static void pump(struct rig *r, uint64_t ms)
{
    struct world *w = &r->world;

    event_base_loop(r->base, EVLOOP_NONBLOCK);
    pl_loop_awake(w->at[w->workers].loop);
    world_pass(w, ms);
    event_base_loop(r->base, EVLOOP_NONBLOCK);
}

/* --- A client --- */

static void dial(struct rig *r, struct client *c, bool is_trusted)
{
    *c = (struct client){
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    must(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&r->at[is_trusted],
                               r->at_len[is_trusted]) == 0,
         "nobody listens");
}

/* Read what is there; false: nothing was. */
static bool hear(struct client *c)
{
    enum { SOME = 65536 };
    char *to = pl_buf_reserve(&c->heard, SOME);
    ssize_t n = recv(c->fd, to, SOME, 0);

    if (n > 0)
        c->heard.len += (size_t)n;
    return n > 0;
}

static void hear_out(struct rig *r, struct client *c)
{
    for (unsigned quiet = 0; quiet < ROUNDS; quiet++) {
        pump(r, 0);
        while (hear(c))
            quiet = 0;
    }
}

static void say(struct rig *r, struct client *c, struct pl_span bytes,
                size_t piece)
{
    while (bytes.len > 0) {
        size_t len = bytes.len < piece ? bytes.len : piece;
        ssize_t n = send(c->fd, bytes.at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* it was refused, or never reads */
        bytes = (struct pl_span){bytes.at + n, bytes.len - (size_t)n};
        pump(r, 0);
    }
}

static void hang_up(struct rig *r, struct client *c)
{
    close(c->fd);
    pl_buf_fini(&c->heard);
    pump(r, 0);
}

/* --- Answers --- */

static bool is_json(struct pl_span text)
{
    char *copy = malloc(text.len + 1);

    memcpy(copy, text.at, text.len);
    bool yes = pl_json_accepts((struct pl_span){copy, text.len});
    free(copy);
    return yes;
}

static struct pl_span take(struct pl_span *from, size_t len)
{
    struct pl_span taken = {from->at, len};

    from->at += len;
    from->len -= len;
    return taken;
}

/* Up to `end`, which is taken too; absent: it does not come. */
static struct pl_span take_until(struct pl_span *from, const char *end)
{
    size_t len = strlen(end);
    const char *at =
        from->len == 0 ? NULL : memmem(from->at, from->len, end, len);

    if (at == NULL)
        return (struct pl_span){0};
    struct pl_span taken = take(from, (size_t)(at - from->at));
    take(from, len);
    return taken;
}

/* The value of a field in a head; absent: it has none. */
static struct pl_span field(struct pl_span head, const char *name)
{
    for (struct pl_span line; (line = take_until(&head, "\r\n")).at != NULL;) {
        struct pl_span key = take_until(&line, ": ");

        if (pl_span_equal(key, pl_span_of(name)))
            return line;
    }
    return (struct pl_span){0};
}

static size_t number(struct pl_span digits, int base)
{
    char text[24];

    snprintf(text, sizeof text, "%.*s", (int)digits.len,
             digits.at == NULL ? "" : digits.at);
    return strtoul(text, NULL, base);
}

/* Whole lines of JSON, and perhaps the beginning of one. */
static bool are_json(struct pl_span lines)
{
    bool are = lines.len == 0 || memchr(lines.at, '\n', lines.len) != NULL;

    for (struct pl_span line; (line = take_until(&lines, "\n")).at != NULL;)
        are = are && (line.len == 0 || is_json(line));
    return are;
}

static void check_body(int status, struct pl_span type, struct pl_span body)
{
    if (pl_span_equal(type, PL_SPAN("application/json")))
        must(is_json(body) || are_json(body), "an answer that is not JSON");
    else if (pl_span_equal(type, PL_SPAN("application/x-ndjson")))
        must(are_json(body), "a line that is not JSON");
    else if (status == 200)
        must(strncmp(type.at, "text/plain", 10) == 0, "an unknown type");
}

/* Chunks behind a head, as far as they have come, joined. */
static void take_chunks(struct pl_span *in, struct pl_buf *out)
{
    for (struct pl_span size; (size = take_until(in, "\r\n")).at != NULL;) {
        size_t len = number(size, 16);

        if (in->len < len + 2)
            return;
        pl_buf_put_span(out, take(in, len));
        take(in, 2);
        if (len == 0)
            return;
    }
}

static void check_status(int status)
{
    static const int known[] = {100, 200, 204, 400, 401, 403, 404, 405, 408,
                                413, 414, 417, 431, 500, 501, 503, 505};
    size_t i = 0;

    while (i < sizeof known / sizeof *known && known[i] != status)
        i++;
    must(i < sizeof known / sizeof *known, "an unknown status");
}

/* Gives the body of the next answer, which `joined` may hold. */
static bool take_answer(struct pl_span *in, int *status, struct pl_buf *joined)
{
    struct pl_span head = take_until(in, "\r\n\r\n");

    if (head.at == NULL)
        return false;
    struct pl_span line = head, version = take_until(&line, " ");
    must(pl_span_equal(version, PL_SPAN("HTTP/1.1")),
         "an answer that is not HTTP");
    *status = (int)number(take_until(&line, " "), 10);
    check_status(*status);
    struct pl_span all = {head.at, head.len + 2}; /* with its last line end */
    struct pl_span body = {0}, type = field(all, "Content-Type");
    if (*status == 100 || *status == 204)
        return true; /* these have no body */
    if (field(all, "Transfer-Encoding").at != NULL) {
        take_chunks(in, joined);
        body = pl_buf_span(joined);
    } else {
        struct pl_span len = field(all, "Content-Length");
        bool to_the_end = len.at == NULL; /* a stream for HTTP/1.0 */
        size_t want = to_the_end ? in->len : number(len, 10);

        must(!to_the_end || field(all, "Connection").at != NULL,
             "an answer without an end");

        if (in->len < want)
            return false; /* it was cut */
        body = take(in, want);
    }
    check_body(*status, type, body);
    return true;
}

/* Whoever may not know more hears that all is well, or a refusal. */
static void check_answers(const struct client *c, bool has_right)
{
    struct pl_span in = pl_buf_span(&c->heard);
    struct pl_buf joined = {0};
    int status;

    while (take_answer(&in, &status, &joined)) {
        must(has_right || status != 200 || joined.len == 0,
             "a stream for a stranger");
        joined.len = 0;
    }
    must(has_right || c->heard.len == 0 ||
             memmem(c->heard.data, c->heard.len, "result", 6) == NULL,
         "a result for a stranger");
    pl_buf_fini(&joined);
}

/* --- From beginning to end --- */

static bool is_running(const struct rig *r)
{
    return pl_phase_trace_now(r->world.phases) < PL_PHASE_SIGNAL;
}

static void stop(struct rig *r)
{
    if (!r->world.is_stopping &&
        pl_phase_trace_now(r->world.phases) < PL_PHASE_SIGNAL)
        world_stop(&r->world, true);
    for (unsigned i = 0; i < STOP_ROUNDS && !r->world.is_stopped; i++)
        pump(r, LATE_MS);
    must(r->world.is_stopped, "the broker has not stopped");
}

/* All of them, now that no client is left; a call first has to be answered. */
static void end_requests(struct rig *r)
{
    for (unsigned i = 0; is_running(r) && i < STOP_ROUNDS; i++) {
        if (pl_list_is_empty(&r->admin->waiting) &&
            pl_list_is_empty(&r->admin->streams))
            return;
        pump(r, LATE_MS);
    }
    must(!is_running(r), "a request without its connection");
}

static void end(struct rig *r)
{
    end_requests(r);
    stop(r);
    pump(r, 0);
    pl_reactor_destroy(r->reactor);
    world_end(&r->world);
    event_base_free(r->base);
    free(r);
}

static void visit(struct rig *r, unsigned way, struct pl_span bytes)
{
    bool is_trusted = (way & WAY_TRUSTED) != 0;
    bool has_key = memmem(bytes.at, bytes.len, KEY, sizeof KEY - 1) != NULL;
    struct client c;

    dial(r, &c, is_trusted);
    say(r, &c, bytes, (way & WAY_PIECES) != 0 ? 1 + bytes.len / 9 : bytes.len);
    if ((way & WAY_CUT) == 0) {
        for (unsigned i = 0; i < LATE_ROUNDS && (way & WAY_LATE) != 0; i++)
            pump(r, LATE_MS);
        hear_out(r, &c);
        shutdown(c.fd, SHUT_WR);
        hear_out(r, &c);
        /* an answer to HEAD has a length and no body, so only a client that
         * knows what it asked can read it */
        if (memmem(bytes.at, bytes.len, "HEAD ", 5) == NULL)
            check_answers(&c, is_trusted || has_key);
    }
    hang_up(r, &c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char listen[] = "GET /sub?channel=c&channel=a%20b HTTP/1.1\r\n"
                                 "Host: x\r\n\r\n";
    struct client listener;

    if (size < 3)
        return 0;
    struct rig *r = calloc(1, sizeof *r);
    unsigned way = data[1];
    struct world_options o = {.seed = data[0],
                              .is_late = (way & WAY_LATE) != 0,
                              .build = build,
                              .arg = r};

    trace_place.aborts = true;
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    r->base = event_base_new();
    world_begin_with(&r->world, &o);
    if ((way & WAY_STREAM) != 0) {
        dial(r, &listener, true);
        say(r, &listener, PL_SPAN(listen), sizeof listen);
        hear_out(r, &listener);
    }
    visit(r, way, (struct pl_span){(const char *)data + 2, size - 2});
    if ((way & WAY_STREAM) != 0) {
        hear_out(r, &listener);
        check_answers(&listener, true);
        hang_up(r, &listener);
    }
    end(r);
    return 0;
}
