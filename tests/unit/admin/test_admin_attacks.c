/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_attacks.c - what clients without a key, and odd requests, get from
 * the admin server over real sockets. */
#include "http.h"
#include "http_rig.h"

static int ask_bytes(struct rig *r, int fd, struct pl_span bytes)
{
    int status = 0;

    r->answer[0] = '\0';
    assert_int_equal(send(fd, bytes.at, bytes.len, MSG_NOSIGNAL), bytes.len);
    shutdown(fd, SHUT_WR);
    hear_until(r, fd, NULL);
    close(fd);
    sscanf(r->answer, "HTTP/1.1 %d", &status);
    return status;
}

#define INFO(fields) "POST /api/info HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define WITH_KEY "X-API-Key: sesame\r\n"
#define ROW(text, status)                                                      \
    {                                                                          \
        {text, sizeof(text) - 1}, status                                       \
    }

struct row {
    struct pl_span request;
    int status;
};

static void a_key_with_anything_after_it_is_refused(void **state)
{
    static const struct row rows[] = {
        ROW(INFO("X-API-Key: sesame\r\n"), 200),
        ROW(INFO("x-api-key:  sesame \r\n"), 200),
        ROW(INFO("Authorization: APIKEY sesame\r\n"), 200),
        ROW(INFO("X-API-Key: sesame\0\r\n"), 400),
        ROW(INFO("X-API-Key: sesame\0anything\r\n"), 400),
        ROW(INFO("Authorization: apikey sesame\0\r\n"), 400),
        ROW(INFO("X-API-Key: sesame\x01\r\n"), 400),
        ROW(INFO("X-API-Key: sesame x\r\n"), 401),
        ROW(INFO("X-API-Key: sesam\r\n"), 401),
        ROW(INFO("X-API-Key: Sesame\r\n"), 401),
        ROW(INFO("X-API-Key:\r\n"), 401),
        ROW(INFO("X-API-Key: sesame\r\nX-API-Key: sesame\r\n"), 401),
        ROW(INFO("X-API-Key: no\r\nX-API-Key: sesame\r\n"), 401),
        ROW(INFO("X-API-Key: sesame,\r\n"), 401),
        ROW(INFO("X-API-Key : sesame\r\n"), 400),
        ROW(INFO("Authorization: sesame\r\n"), 401),
        ROW(INFO("Authorization: Bearer sesame\r\n"), 401),
        ROW("POST /api/info?api_key=sesam HTTP/1.1\r\nHost: x\r\n\r\n", 401),
        ROW("POST /api/info?api_key=sesame&api_key=sesame HTTP/1.1\r\n"
            "Host: x\r\n\r\n",
            401),
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ask_bytes(r, dial_tcp(r), rows[i].request) != rows[i].status)
            fail_msg("not %d for %.*s: %s", rows[i].status,
                     (int)rows[i].request.len, rows[i].request.at, r->answer);
}

/* With the key, so that it is not what refuses them; by both listeners. */
static void what_could_smuggle_a_request_is_refused(void **state)
{
    static const struct row rows[] = {
        ROW(INFO(WITH_KEY "Content-Length: 2\r\nContent-Length: 3\r\n") "{} ",
            400),
        ROW(INFO(WITH_KEY "Content-Length: +2\r\n") "{}", 400),
        ROW(INFO(WITH_KEY "Content-Length: 2, 2\r\n") "{}", 400),
        ROW(INFO(WITH_KEY "Transfer-Encoding: xchunked\r\n"), 501),
        ROW(INFO(WITH_KEY "Transfer-Encoding: chunked\r\n"
                          "Content-Length: 2\r\n") "{}",
            400),
        ROW(INFO(WITH_KEY "Transfer-Encoding: chunked\r\n") "0x2\r\n{}\r\n",
            400),
        ROW(INFO(WITH_KEY "Transfer-Encoding: chunked\r\n") "2\n{}\n0\n\n",
            400),
        ROW(INFO(WITH_KEY "Transfer-Encoding: chunked\r\n") "02\r\n{}\r\n0\r\n"
                                                            "X: y\r\n\r\n",
            200),
        ROW("POST /api/info HTTP/1.1\nHost: x\nX-API-Key: sesame\n\n", 400),
        ROW(INFO(WITH_KEY "X: a\r\n b\r\n"), 400),
        ROW("POST /api/info HTTP/1.1\r\n" WITH_KEY "\r\n", 400),
        ROW(INFO(WITH_KEY "Host: y\r\n"), 400),
        ROW("POST http://x/api/info HTTP/1.1\r\nHost: x\r\n" WITH_KEY "\r\n",
            200),
        ROW("POST /api/info#x HTTP/1.1\r\nHost: x\r\n" WITH_KEY "\r\n", 400),
        ROW("post /api/info HTTP/1.1\r\nHost: x\r\n" WITH_KEY "\r\n", 501),
        ROW("POST /api/info HTTP/1.0\r\n" WITH_KEY "Content-Length: 2\r\n\r\n"
            "{}",
            200),
        ROW("POST /api/info HTTP/1.0\r\n" WITH_KEY
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400),
        ROW("GET /status HTTP/1.1\r\nHost: x\r\n" WITH_KEY
            "Content-Length: 2\r\n\r\n{}",
            413),
    };
    struct rig *r = *state;

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i / 2];
        int fd = i % 2 == 0 ? dial_tcp(r) : dial_unix(r);

        if (ask_bytes(r, fd, row->request) != row->status)
            fail_msg("not %d for %.*s: %s", row->status, (int)row->request.len,
                     row->request.at, r->answer);
        assert_null(strstr(r->answer + 1, "HTTP/1.1 "));
    }
}

static void paths_are_no_secret_and_what_they_give_is(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 2; i++) {
        const char *key = i == 0 ? "" : "X-API-Key: sesame";

        assert_int_equal(ask_tcp(r, "GET /nope", key, ""), 404);
        assert_int_equal(ask_tcp(r, "POST /api/nope", key, "{}"), 404);
        assert_int_equal(ask_tcp(r, "GET /", key, ""), 404);
        assert_int_equal(ask_tcp(r, "OPTIONS *", key, ""), 204);
    }
    assert_int_equal(ask_tcp(r, "GET /api/info", "", ""), 401);
    assert_int_equal(ask_tcp(r, "PUT /status", "", ""), 401);
    assert_non_null(strstr(r->answer, "WWW-Authenticate: apikey"));
}

static void HEAD_and_OPTIONS_answer_as_they_should(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_unix(r, "HEAD /status", ""), 200);
    assert_non_null(strstr(r->answer, "Content-Length: "));
    assert_null(strstr(r->answer, "server_running"));
    assert_int_equal(ask_unix(r, "HEAD /sub?channel=a", ""), 200);
    assert_int_equal(ask_unix(r, "HEAD /nope", ""), 404);
    assert_int_equal(ask_unix(r, "HEAD /api/info", ""), 405);
    assert_int_equal(ask_unix(r, "OPTIONS /status", ""), 204);
    assert_non_null(strstr(r->answer, "Allow: GET, HEAD, OPTIONS\r\n"));
    assert_int_equal(ask_unix(r, "OPTIONS /api/info", ""), 204);
    assert_non_null(strstr(r->answer, "Allow: POST, OPTIONS\r\n"));
    assert_int_equal(ask_unix(r, "DELETE /status", ""), 405);
    assert_int_equal(ask_unix(r, "BREW /status", ""), 501);
}

/* The answer comes without the body. */
static void a_body_is_not_awaited_without_the_key(void **state)
{
    struct rig *r = *state;
    int fd = dial_tcp(r);

    r->answer[0] = '\0';
    say(fd, "POST /api/publish HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
    hear_until(r, fd, NULL);
    close(fd);
    assert_non_null(strstr(r->answer, "HTTP/1.1 401"));
    assert_null(strstr(r->answer, "100 Continue"));
}

/* More than their share; those with the key are served, and the socket is. */
static void clients_that_only_wait_keep_nobody_out(void **state)
{
    enum { MANY = 300 };
    struct rig *r = *state;
    int fds[MANY];

    for (int i = 0; i < MANY; i++) {
        fds[i] = dial_tcp(r);
        say(fds[i], i % 2 == 0 ? "" : "POST /api/info HTTP/1.1\r\nHost");
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(
            ask_tcp(r, "POST /api/info", "X-API-Key: sesame", "{}"), 200);
        assert_int_equal(ask_unix(r, "GET /metrics", ""), 200);
    }
    assert_null(
        strstr(r->answer, "parley_admin_refused_total{loop=\"1\"} 0\n"));
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNNING(a_key_with_anything_after_it_is_refused),
        RUNNING(what_could_smuggle_a_request_is_refused),
        RUNNING(paths_are_no_secret_and_what_they_give_is),
        RUNNING(HEAD_and_OPTIONS_answer_as_they_should),
        RUNNING(a_body_is_not_awaited_without_the_key),
        RUNNING(clients_that_only_wait_keep_nobody_out),
    };

    return cmocka_run_group_tests_name("admin_attacks", tests, NULL, NULL);
}
