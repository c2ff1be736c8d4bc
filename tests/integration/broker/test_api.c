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

#include "box.h"
#include "peer.h"
#include "tls_client.h"

#define KEY "the-key-of-the-backend-0123456789"
#define NARROW "a-key-for-publications-0123456789"

/* A backend's connection, with or without TLS. */
struct line {
    int fd;
    struct tls_client *tls; /* NULL: plain */
    char in[1 << 16];       /* the latest answer, and a zero byte */
};

static struct tls_folder files;
static struct box box;
static struct tls_client tls;

/* --- A backend --- */

static void dial(struct line *l, int version)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(box.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = TLS_DEADLINE_S};
    const struct tls_options o = {.version = version};

    l->tls = version == 0 ? NULL : &tls;
    if (l->tls != NULL) {
        assert_true(tls_open(&tls, pl_broker_tls_port(box.broker, 0), &o));
        return;
    }
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    assert_int_equal(connect(l->fd, (struct sockaddr *)&to, sizeof to), 0);
}

static void hang_up(struct line *l)
{
    if (l->tls != NULL)
        tls_fini(l->tls);
    else
        close(l->fd);
}

static void put(struct line *l, const char *bytes, size_t len)
{
    if (l->tls != NULL) {
        assert_true(tls_put(l->tls, bytes, len));
        return;
    }
    assert_int_equal(send(l->fd, bytes, len, MSG_NOSIGNAL), len);
}

static int get(struct line *l, char *to, size_t len)
{
    return l->tls != NULL ? SSL_read(l->tls->ssl, to, (int)len)
                          : (int)recv(l->fd, to, len, 0);
}

/* Read one answer; 0: the connection ended instead. */
static int hear(struct line *l)
{
    size_t len = 0, whole = 0;

    while (whole == 0 || len < whole) {
        int n = get(l, l->in + len, sizeof l->in - 1 - len);

        if (n <= 0)
            return 0;
        len += (size_t)n;
        l->in[len] = '\0';
        const char *end = strstr(l->in, "\r\n\r\n");
        const char *field = strstr(l->in, "Content-Length: ");
        if (end != NULL && field != NULL)
            whole = (size_t)(end - l->in) + 4 + strtoul(field + 16, NULL, 10);
    }
    assert_int_equal(len, whole);
    return atoi(l->in + strlen("HTTP/1.1 "));
}

static void request(struct line *l, const char *target, const char *fields,
                    const char *body)
{
    char head[1000];
    int len = snprintf(head, sizeof head,
                       "POST %s HTTP/1.1\r\nHost: x\r\n%s"
                       "Content-Length: %zu\r\n\r\n",
                       target, fields, strlen(body));

    put(l, head, (size_t)len);
    put(l, body, strlen(body));
}

static int ask(struct line *l, const char *target, const char *fields,
               const char *body)
{
    request(l, target, fields, body);
    return hear(l);
}

/* With the key, on a connection of its own. */
static const char *call(const char *method, const char *body)
{
    static struct line l;
    char target[80];

    snprintf(target, sizeof target, "/api/%s", method);
    dial(&l, 0);
    assert_int_equal(ask(&l, target, "X-API-Key: " KEY "\r\n", body), 200);
    hang_up(&l);
    return strstr(l.in, "\r\n\r\n") + 4;
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
            assert_int_equal(ask(&l, "/api/publish", "X-API-Key: " KEY "\r\n",
                                 "{\"channel\":\"room\",\"data\":{}}"),
                             200);
            assert_non_null(strstr(l.in, "{\"result\":{"));
        }
        assert_int_equal(ask(&l, "/api", "Authorization: apikey " KEY "\r\n",
                             "{\"id\":7,\"method\":\"info\",\"params\":{}}"),
                         200);
        assert_non_null(strstr(l.in, "{\"id\":7,\"result\":{\"nodes\":["));
        assert_int_equal(ask(&l, "/api/info?api_key=" KEY, "", "{}"), 200);
        hang_up(&l);
    }
}

static void a_client_of_the_websocket_hears_what_a_backend_publishes(void **st)
{
    struct peer_reply r;
    struct peer p;

    (void)st;
    peer_enter(&p, box.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "heard");
    call("publish", "{\"channel\":\"heard\",\"data\":{\"a\":1}}");
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
        assert_int_equal(ask(&l, targets[f % 4], fields[f],
                             "{\"channel\":\"room\",\"data\":{}}"),
                         401);
        assert_non_null(strstr(l.in, "Content-Length: 0\r\n\r\n"));
        assert_int_equal(hear(&l), 0); /* the connection ends */
        hang_up(&l);
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
        put(&l, head, sizeof head - 1);
        assert_int_equal(hear(&l), 401);
        hang_up(&l);
    }
}

static void
a_wrong_key_is_refused_on_a_connection_that_showed_the_right(void **st)
{
    static struct line l;

    (void)st;
    dial(&l, 0);
    assert_int_equal(ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"), 200);
    assert_int_equal(ask(&l, "/api/info", "", "{}"), 401);
    hang_up(&l);
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
        put(&l, rows[i].request, strlen(rows[i].request));
        int status = hear(&l);
        if (status != rows[i].status)
            fail_msg("%d for %s", status, rows[i].request);
        hang_up(&l);
    }
}

/* Once on the public address, no request may reach the other paths. */
static void a_kept_connection_reaches_nothing_else(void **st)
{
    static const char *const targets[] = {"/status", "/shutdown", "/sub",
                                          "/health", "/trace",    "/apis"};
    static struct line l;

    (void)st;
    dial(&l, 0);
    assert_int_equal(ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"), 200);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        assert_int_equal(ask(&l, targets[i], "X-API-Key: " KEY "\r\n", ""),
                         404);
    hang_up(&l);
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
        put(&l, text, cut);
        put(&l, text + cut, sizeof text - 1 - cut);
        /* Both answers may come at once. */
        size_t len = 0;
        l.in[0] = '\0';
        while (strstr(l.in, "nodes") == NULL) {
            int n = get(&l, l.in + len, sizeof l.in - 1 - len);

            assert_true(n > 0);
            len += (size_t)n;
            l.in[len] = '\0';
        }
        assert_non_null(strstr(l.in, "{\"result\":{"));
        hang_up(&l);
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
                ask(&l, "/api/publish", "X-API-Key: " KEY "\r\n", body), 200);
        hang_up(&l);
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
            put(&l, requests[r], strlen(requests[r]));
            hang_up(&l);
        }
    box_await(&box, "admin.connections", 0);
    box_await(&box, "connections.open", 0);
}

/* --- A key with fewer rights --- */

static void a_narrow_key_calls_its_methods_alone(void **st)
{
    static struct line l;

    (void)st;
    dial(&l, 0);
    assert_int_equal(ask(&l, "/api/publish", "X-API-Key: " NARROW "\r\n",
                         "{\"channel\":\"room\",\"data\":{}}"),
                     200);
    assert_non_null(strstr(l.in, "{\"result\":{"));
    assert_int_equal(ask(&l, "/api/info", "X-API-Key: " NARROW "\r\n", "{}"),
                     200);
    assert_non_null(strstr(l.in, "{\"error\":{\"code\":103,"));
    assert_int_equal(ask(&l, "/api/batch", "X-API-Key: " NARROW "\r\n",
                         "{\"commands\":[{\"publish\":{\"channel\":\"room\","
                         "\"data\":{}}},{\"history\":{\"channel\":\"room\"}},"
                         "{\"broadcast\":{\"channels\":[\"room\"],"
                         "\"data\":{}}}]}"),
                     200);
    assert_non_null(strstr(l.in, "{\"replies\":[{\"publish\":{"));
    assert_non_null(strstr(l.in, "}},{\"error\":{\"code\":103,\"message\":"
                                 "\"permission denied\"}},{\"error\":{\"code\""
                                 ":103,"));
    hang_up(&l);
}

/* --- The broker --- */

static int start(void **st)
{
    char certificate[100], key[100];
    const char *sets[] = {"listen_tls=[127.0.0.1:0]",
                          certificate,
                          key,
                          "loops=3",
                          "api.public=true",
                          "api.key=" KEY,
                          "api.keys=[{key: " NARROW ", methods: [publish]}]",
                          "channels.allow_subscribe=all",
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
    assert_int_equal(ask(&l, "/api/info", "X-API-Key: " KEY "\r\n", "{}"), 200);
    box_stop(&box);
    pl_broker_destroy(box.broker);
    assert_int_equal(hear(&l), 0);
    hang_up(&l);
    tls_folder_fini(&files);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backend_with_the_key_is_served_where_clients_are),
        cmocka_unit_test(
            a_client_of_the_websocket_hears_what_a_backend_publishes),
        cmocka_unit_test(without_the_key_nothing_is_said_but_401),
        cmocka_unit_test(a_body_without_the_key_is_not_awaited),
        cmocka_unit_test(
            a_wrong_key_is_refused_on_a_connection_that_showed_the_right),
        cmocka_unit_test(nothing_but_the_api_is_there),
        cmocka_unit_test(a_kept_connection_reaches_nothing_else),
        cmocka_unit_test(a_request_may_come_in_pieces),
        cmocka_unit_test(a_long_body_follows_its_head_to_the_other_loop),
        cmocka_unit_test(a_backend_that_leaves_in_any_state_leaves_nothing),
        cmocka_unit_test(a_narrow_key_calls_its_methods_alone),
    };

    return cmocka_run_group_tests_name("broker_api", tests, start, stop);
}
