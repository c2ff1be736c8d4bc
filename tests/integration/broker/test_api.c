/* SPDX-License-Identifier: Apache-2.0 */
/* test_api.c - the server API on the address of the clients, plain and by TLS:
 * one broker for all tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api_line.h"
#include "box.h"
#include "peer.h"

#define KEY API_KEY
#define NARROW "a-key-for-publications-0123456789"

static struct tls_folder files;
static struct box box;
static struct tls_client tls;

/* --- A backend --- */

static void dial(struct line *l, int version)
{
    line_dial(l, version == 0 ? box.port : pl_broker_tls_port(box.broker, 0),
              version == 0 ? NULL : &tls, version);
}

static const int versions[] = {0, TLS1_2_VERSION, TLS1_3_VERSION};

#define EACH(i) for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)

/* --- On the address of the clients --- */

static void a_backend_with_the_key_is_served_where_clients_are(void **st)
{
    static struct line l;

    (void)st;
    EACH(i)
    {
        dial(&l, versions[i]);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(line_ask(&l, "/api/publish",
                                      "X-API-Key: " KEY "\r\n",
                                      "{\"channel\":\"room\",\"data\":{}}"),
                             200);
            assert_non_null(strstr(l.in, "{\"result\":{"));
        }
        assert_int_equal(
            line_ask(&l, "/api", "Authorization: apikey " KEY "\r\n",
                     "{\"id\":7,\"method\":\"info\",\"params\":{}}"),
            200);
        assert_non_null(strstr(l.in, "{\"id\":7,\"result\":{\"nodes\":["));
        assert_int_equal(line_ask(&l, "/api/info?api_key=" KEY, "", "{}"), 200);
        line_hang_up(&l);
    }
}

static void a_client_of_the_websocket_hears_what_a_backend_publishes(void **st)
{
    struct peer_reply r;
    struct peer p;

    (void)st;
    peer_enter(&p, box.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "heard");
    line_call(box.port, "publish",
              "{\"channel\":\"heard\",\"data\":{\"a\":1}}");
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("{\"a\":1}")));
    peer_fini(&p);
}

static void without_the_key_nothing_is_said_but_401(void **st)
{
    static const char *const fields[] = {
        "",
        "X-API-Key: wrong\r\n",
        "X-API-Key: \r\n",
        "X-API-Key: " KEY "\r\nX-API-Key: " KEY "\r\n",
        "Authorization: apikey wrong\r\n",
    };
    static const char *const targets[] = {"/api/publish", "/api",
                                          "/api/no_such_method",
                                          "/api/info?api_key=wrong"};
    static struct line l;

    (void)st;
    EACH(v)
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        dial(&l, versions[v]);
        assert_int_equal(line_ask(&l, targets[f % 4], fields[f],
                                  "{\"channel\":\"room\",\"data\":{}}"),
                         401);
        assert_non_null(strstr(l.in, "Content-Length: 0\r\n\r\n"));
        assert_int_equal(line_hear(&l), 0); /* the connection ends */
        line_hang_up(&l);
    }
}

/* The broker neither waits for it nor keeps it. */
static void a_body_without_the_key_is_not_awaited(void **st)
{
    static const char head[] = "POST /api/publish HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 1000000000\r\n\r\n{\"chan";
    static struct line l;

    (void)st;
    EACH(i)
    {
        dial(&l, versions[i]);
        line_put(&l, head, sizeof head - 1);
        assert_int_equal(line_hear(&l), 401);
        line_hang_up(&l);
    }
}

static void
a_wrong_key_is_refused_on_a_connection_that_showed_the_right(void **st)
{
    static struct line l;

    (void)st;
    dial(&l, 0);
    assert_int_equal(line_ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"),
                     200);
    assert_int_equal(line_ask(&l, "/api/info", "", "{}"), 401);
    line_hang_up(&l);
}

static void nothing_but_the_api_is_there(void **st)
{
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"GET /status HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n\r\n", 426},
        {"POST /shutdown HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n\r\n",
         405},
        {"POST /apis/info HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n\r\n",
         405},
        {"GET /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n\r\n",
         405},
        {"POST /api/other HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n\r\n",
         404},
        {"GET /api/info HTTP/1.1\r\nHost: x\r\n\r\n", 401},
        {"BREW /api/info HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"POST /api/info HTTP/1.1\r\nX-API-Key: " KEY "\r\n\r\n", 400},
    };
    static struct line l;

    (void)st;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dial(&l, 0);
        line_put(&l, rows[i].request, strlen(rows[i].request));
        int status = line_hear(&l);
        if (status != rows[i].status)
            fail_msg("%d for %s", status, rows[i].request);
        line_hang_up(&l);
    }
}

/* Once on the public address, no request may reach the other paths. */
/* Ask once, on a connection of its own. */
static int ask_once(int version, const char *request)
{
    static struct line l;

    dial(&l, version);
    line_put(&l, request, strlen(request));
    int status = line_hear(&l);
    line_hang_up(&l);
    return status;
}

static void a_probe_of_health_needs_no_key_and_counts_as_no_fault(void **st)
{
    static const char probe[] = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char old[] = "GET /health HTTP/1.0\r\n\r\n";
    static struct line l;

    (void)st;
    EACH(i)
    {
        dial(&l, versions[i]);
        line_put(&l, probe, sizeof probe - 1);
        assert_int_equal(line_hear(&l), 200);
        assert_non_null(strstr(l.in, "\r\n\r\n{}\n"));
        line_hang_up(&l);
        assert_int_equal(ask_once(versions[i], old), 200);
    }
    box_await(&box, "connections.open", 0);
    assert_int_equal(box_number(&box, "connections.handshakes_refused"), 0);
    assert_int_equal(ask_once(0, "GET /health/x HTTP/1.1\r\nHost: x\r\n\r\n"),
                     426);
    assert_int_equal(ask_once(0, "POST /health HTTP/1.1\r\nHost: x\r\n"
                                 "Content-Length: 1000000000\r\n\r\n{"),
                     405);
}

/* With metrics.public alone. */
static void the_metrics_need_a_whole_key(void **st)
{
    static const char start[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n";
    static const struct {
        const char *fields;
        int status;
    } rows[] = {
        {"", 401},
        {"X-API-Key: wrong\r\n", 401},
        {"X-API-Key: " NARROW "\r\n", 403},
        {"X-API-Key: " KEY "\r\n", 200},
    };
    char request[200];

    (void)st;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(request, sizeof request, "%s%s\r\n", start, rows[i].fields);
        assert_int_equal(ask_once(0, request), rows[i].status);
    }
}

static void a_kept_connection_reaches_nothing_else(void **st)
{
    static const char *const targets[] = {"/status", "/shutdown", "/sub",
                                          "/health", "/trace",    "/apis"};
    static struct line l;

    (void)st;
    dial(&l, 0);
    assert_int_equal(line_ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"),
                     200);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        assert_int_equal(line_ask(&l, targets[i], "X-API-Key: " KEY "\r\n", ""),
                         404);
    line_hang_up(&l);
}

/* The head and the body are cut at every byte around the place where the
 * connection changes its owner. */
static void a_request_may_come_in_pieces(void **st)
{
    static const char text[] =
        "POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n"
        "Content-Length: 29\r\n\r\n{\"channel\":\"room\",\"data\":{}}\n"
        "POST /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n"
        "Content-Length: 2\r\n\r\n{}";
    static struct line l;
    size_t step = 7;

    (void)st;
    for (size_t cut = 1; cut + 1 < sizeof text; cut += step) {
        dial(&l, versions[cut / step % 3]);
        line_put(&l, text, cut);
        line_put(&l, text + cut, sizeof text - 1 - cut);
        /* Both answers may come at once. */
        size_t len = 0;
        l.in[0] = '\0';
        while (strstr(l.in, "nodes") == NULL) {
            int n = line_get(&l, l.in + len, sizeof l.in - 1 - len);

            assert_true(n > 0);
            len += (size_t)n;
            l.in[len] = '\0';
        }
        assert_non_null(strstr(l.in, "{\"result\":{"));
        line_hang_up(&l);
    }
}

/* More than OpenSSL takes from the socket at once. */
static void a_long_body_follows_its_head_to_the_other_loop(void **st)
{
    enum { LEN = 900000 };
    static struct line l;
    char *body = malloc(LEN + 1);

    (void)st;
    memset(body, ' ', LEN);
    memcpy(body, "{\"channel\":\"long\",\"data\":{}", 27);
    body[LEN - 1] = '}';
    body[LEN] = '\0';
    EACH(i)
    {
        dial(&l, versions[i]);
        for (int round = 0; round < 2; round++)
            assert_int_equal(
                line_ask(&l, "/api/publish", "X-API-Key: " KEY "\r\n", body),
                200);
        line_hang_up(&l);
    }
    free(body);
}

static void a_backend_that_leaves_in_any_state_leaves_nothing(void **st)
{
    static const char *const requests[] = {
        "POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n"
        "Content-Length: 1000\r\n\r\n{\"chan",
        "POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n"
        "Content-Length: 0\r\n\r\n",
        "POST /api/publish HTTP/1.1\r\nHost: x\r\n",
        "POST /api/publish HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    static struct line l;

    (void)st;
    EACH(i)
    for (size_t r = 0; r < sizeof requests / sizeof *requests; r++)
        for (int round = 0; round < 10; round++) {
            dial(&l, versions[i]);
            line_put(&l, requests[r], strlen(requests[r]));
            line_hang_up(&l);
        }
    box_await(&box, "admin.connections", 0);
    box_await(&box, "connections.open", 0);
}

/* An order is on its way, in pieces, while its connection changes the loop and
 * ends. */
static void a_backend_that_leaves_its_broadcast_leaves_nothing(void **st)
{
    enum { CHANNELS = 600, ROUNDS = 60 };
    static char request[32000];
    static struct line l;
    int body = 0, head;

    (void)st;
    head = snprintf(request, sizeof request,
                    "POST /api/broadcast HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY
                    "\r\nContent-Length: %d\r\n\r\n",
                    13 + 8 * CHANNELS + 11);
    body = head + snprintf(request + head, sizeof request - (size_t)head,
                           "{\"channels\":[");
    for (int i = 0; i < CHANNELS; i++)
        body += snprintf(request + body, sizeof request - (size_t)body,
                         "%s\"%05d\"", i == 0 ? " " : ",", i);
    body += snprintf(request + body, sizeof request - (size_t)body,
                     "],\"data\":1}");
    EACH(i)
    for (int round = 0; round < ROUNDS; round++) {
        dial(&l, versions[i]);
        line_put(&l, request, (size_t)body);
        if (round % 3 == 0)
            assert_int_equal(line_hear(&l), 200);
        line_hang_up(&l);
    }
    box_await(&box, "admin.connections", 0);
    box_await(&box, "connections.open", 0);
}

/* --- Behind a proxy --- */

/* 127.0.0.9 is a proxy: it says for whom it speaks. */
static void dial_as_proxy(struct line *l)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000009)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(box.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = TLS_DEADLINE_S};

    *l = (struct line){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    assert_int_equal(bind(l->fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(l->fd, (struct sockaddr *)&to, sizeof to), 0);
}

static void a_proxy_header_may_come_before_a_request(void **st)
{
    static const char text[] =
        "PROXY TCP4 192.0.2.7 192.0.2.1 4000 8000\r\n"
        "POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: " KEY "\r\n"
        "Content-Length: 29\r\n\r\n{\"channel\":\"room\",\"data\":{}}\n";
    static const char wrong[] =
        "PROXY TCP4 192.0.2.7 192.0.2.1 4000 8000\r\n"
        "POST /api/info HTTP/1.1\r\nHost: x\r\nX-API-Key: wrong\r\n\r\n";
    static struct line l;

    (void)st;
    for (size_t cut = 1; cut + 1 < sizeof text; cut += 9) {
        dial_as_proxy(&l);
        line_put(&l, text, cut);
        line_put(&l, text + cut, sizeof text - 1 - cut);
        assert_int_equal(line_hear(&l), 200);
        assert_int_equal(
            line_ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"), 200);
        line_hang_up(&l);
    }
    dial_as_proxy(&l);
    line_put(&l, wrong, sizeof wrong - 1);
    assert_int_equal(line_hear(&l), 401);
    line_hang_up(&l);
    dial_as_proxy(&l); /* without the header */
    line_put(&l, strchr(text, '\n') + 1, strlen(strchr(text, '\n') + 1));
    assert_int_not_equal(line_hear(&l), 200);
    line_hang_up(&l);
}

/* --- A key with fewer rights --- */

static void a_narrow_key_calls_its_methods_alone(void **st)
{
    static struct line l;

    (void)st;
    dial(&l, 0);
    assert_int_equal(line_ask(&l, "/api/publish", "X-API-Key: " NARROW "\r\n",
                              "{\"channel\":\"room\",\"data\":{}}"),
                     200);
    assert_non_null(strstr(l.in, "{\"result\":{"));
    assert_int_equal(
        line_ask(&l, "/api/info", "X-API-Key: " NARROW "\r\n", "{}"), 200);
    assert_non_null(strstr(l.in, "{\"error\":{\"code\":103,"));
    assert_int_equal(
        line_ask(&l, "/api/batch", "X-API-Key: " NARROW "\r\n",
                 "{\"commands\":[{\"publish\":{\"channel\":\"room\","
                 "\"data\":{}}},{\"history\":{\"channel\":\"room\"}},"
                 "{\"broadcast\":{\"channels\":[\"room\"],"
                 "\"data\":{}}}]}"),
        200);
    assert_non_null(strstr(l.in, "{\"replies\":[{\"publish\":{"));
    assert_non_null(strstr(l.in, "}},{\"error\":{\"code\":103,\"message\":"
                                 "\"permission denied\"}},{\"error\":{\"code\""
                                 ":103,"));
    line_hang_up(&l);
}

/* --- The broker --- */

static int start(void **st)
{
    char certificate[100], key[100];
    const char *sets[] = {"listen_tls=[127.0.0.1:0]",
                          certificate,
                          key,
                          "loops=3",
                          "proxy.trusted=[127.0.0.9]",
                          "proxy.protocol=true",
                          "api.public=true",
                          "health.public=true",
                          "metrics.public=true",
                          "api.key=" KEY,
                          "api.keys=[{key: " NARROW ", methods: [publish]}]",
                          "channels.allow_subscribe=all",
                          "channels.history_size=10",
                          "channels.presence=true",
                          NULL};

    (void)st;
    signal(SIGPIPE, SIG_IGN);
    tls_folder_init(&files);
    tls_make(&files, "a", "a.test", NULL);
    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(&files, "a.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(&files, "a.key"));
    box_start(&box, sets);
    return 0;
}

/* A backend stays connected during the stop. */
static int stop(void **st)
{
    static struct line l;

    (void)st;
    dial(&l, TLS1_3_VERSION);
    assert_int_equal(line_ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"),
                     200);
    box_stop(&box);
    pl_broker_destroy(box.broker);
    assert_int_equal(line_hear(&l), 0);
    line_hang_up(&l);
    tls_folder_fini(&files);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first, while nothing is counted */
        cmocka_unit_test(a_probe_of_health_needs_no_key_and_counts_as_no_fault),
        cmocka_unit_test(a_backend_with_the_key_is_served_where_clients_are),
        cmocka_unit_test(
            a_client_of_the_websocket_hears_what_a_backend_publishes),
        cmocka_unit_test(without_the_key_nothing_is_said_but_401),
        cmocka_unit_test(a_body_without_the_key_is_not_awaited),
        cmocka_unit_test(
            a_wrong_key_is_refused_on_a_connection_that_showed_the_right),
        cmocka_unit_test(nothing_but_the_api_is_there),
        cmocka_unit_test(the_metrics_need_a_whole_key),
        cmocka_unit_test(a_kept_connection_reaches_nothing_else),
        cmocka_unit_test(a_request_may_come_in_pieces),
        cmocka_unit_test(a_long_body_follows_its_head_to_the_other_loop),
        cmocka_unit_test(a_backend_that_leaves_its_broadcast_leaves_nothing),
        cmocka_unit_test(a_proxy_header_may_come_before_a_request),
        cmocka_unit_test(a_backend_that_leaves_in_any_state_leaves_nothing),
        cmocka_unit_test(a_narrow_key_calls_its_methods_alone),
    };

    return cmocka_run_group_tests_name("broker_api", tests, start, stop);
}
