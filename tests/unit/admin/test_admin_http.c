/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_http.c - who may do what, requests that are answered later,
 * streams, stop. */
#include "http_rig.h"

/* --- Who may do what --- */

static void over_tcp_only_health_and_readiness_are_free(void **state)
{
    struct rig *r = *state;
    static const char *const closed[] = {"GET /status", "GET /metrics",
                                         "GET /sub?channel=a", "POST /api/info",
                                         "POST /api"};

    assert_int_equal(ask_tcp(r, "GET /health", "", ""), 200);
    assert_int_equal(ask_tcp(r, "GET /ready", "", ""), 200);
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        assert_int_equal(ask_tcp(r, closed[i], "", ""), 401);
        assert_int_equal(ask_tcp(r, closed[i], "X-API-Key: open", ""), 401);
        assert_non_null(strstr(r->answer, "Content-Length: 0\r\n\r\n"));
    }
    assert_int_equal(ask_tcp(r, "POST /shutdown", "X-API-Key: sesame", ""),
                     403);
}

static void the_api_key_opens_the_api(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_tcp(r, "GET /status", "X-API-Key: sesame", ""), 200);
    assert_int_equal(
        ask_tcp(r, "POST /api/info", "Authorization: apikey sesame", "{}"),
        200);
    assert_non_null(strstr(r->answer, "\"version\":\"9.9.9\""));
    assert_int_equal(ask_tcp(r, "POST /api/info?api_key=sesame", "", "{}"),
                     200);
}

static void a_narrow_key_opens_no_other_path(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_tcp(r, "POST /api/info", "X-API-Key: narrow", "{}"),
                     200);
    assert_non_null(strstr(r->answer, "\"code\":103"));
    assert_int_equal(ask_tcp(r, "GET /status", "X-API-Key: narrow", ""), 403);
    assert_int_equal(ask_tcp(r, "GET /metrics", "X-API-Key: narrow", ""), 403);
    assert_int_equal(ask_tcp(r, "GET /sub?channel=a", "X-API-Key: narrow", ""),
                     403);
}

/* --- Errors with a status of their own --- */

static void an_error_has_its_own_status_in_transport_mode(void **state)
{
    static const struct {
        const char *target, *body;
        int status;
        const char *answer;
    } rows[] = {
        {"POST /api/publish", "{}", 400, "\r\n\r\n{\"code\":107,\"message\":"},
        {"POST /api/publish", "{", 400, "\r\n\r\n{\"code\":107,\"message\":"},
        {"POST /api/disconnect", "{\"user\":\"a\",\"channel\":\"c\"}", 400,
         "\r\n\r\n{\"code\":108,\"message\":"},
        {"POST /api/publish", "{\"channel\":\"c\",\"data\":{}}", 200,
         "\r\n\r\n{\"result\":{"},
        {"POST /api/broadcast", "{\"channels\":[\"\"],\"data\":{}}", 200,
         "{\"responses\":[{\"error\":{\"code\":107,"},
        {"POST /api/batch", "{\"commands\":[{\"publish\":{}}]}", 200,
         "{\"replies\":[{\"error\":{\"code\":107,"},
        {"POST /api", "{\"method\":\"nothing\"}", 200,
         "{\"error\":{\"code\":104,"},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = ask_tcp(r, rows[i].target,
                             "X-API-Key: sesame\r\n"
                             "X-Centrifugo-Error-Mode: transport",
                             rows[i].body);
        if (status != rows[i].status ||
            strstr(r->answer, rows[i].answer) == NULL)
            fail_msg("row %zu: %s", i, r->answer);
    }
    /* In the usual mode, which the header names as well. */
    assert_int_equal(ask_tcp(r, "POST /api/publish",
                             "X-API-Key: sesame\r\n"
                             "X-Centrifugo-Error-Mode: plain",
                             "{}"),
                     200);
}

static void the_unix_socket_is_ours_alone_and_needs_no_key(void **state)
{
    struct rig *r = *state;
    struct stat file;

    assert_int_equal(stat(r->path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(ask_unix(r, "GET /status", ""), 200);
    assert_non_null(strstr(r->answer, "\"server_running\":true"));
    assert_int_equal(ask_unix(r, "GET /metrics", ""), 200);
    assert_non_null(strstr(r->answer, "# TYPE parley_connections gauge\n"
                                      "parley_connections{loop=\"0\"} 0\n"));
    assert_null(strstr(r->answer, "centrifugo_"));
}

static void dashboards_of_centrifugo_find_their_names(void **state)
{
    struct rig *r = *state;

    r->config->admin.metrics.compatible = PL_METRICS_CENTRIFUGO;
    assert_int_equal(ask_unix(r, "GET /metrics", ""), 200);
    assert_non_null(strstr(r->answer, "# TYPE parley_connections gauge\n"));
    assert_non_null(strstr(r->answer,
                           "# TYPE centrifugo_node_num_clients gauge\n"
                           "centrifugo_node_num_clients 0\n"));
    assert_non_null(strstr(r->answer, "centrifugo_node_num_nodes 1\n"));
    assert_non_null(strstr(r->answer,
                           "centrifugo_node_messages_sent_count{type="
                           "\"publication\"} 0\n"));
    assert_non_null(strstr(r->answer, "centrifugo_node_build{version=\""));
}

static void unknown_paths_and_methods_are_told(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_unix(r, "GET /nothing", ""), 404);
    assert_int_equal(ask_unix(r, "POST /api/nothing", "{}"), 404);
    assert_int_equal(ask_unix(r, "POST /apis", "{}"), 404);
    assert_int_equal(ask_unix(r, "GET /api/info", ""), 405);
    assert_non_null(strstr(r->answer, "Allow: POST"));
    assert_int_equal(ask_unix(r, "POST /status", ""), 405);
    assert_int_equal(ask_unix(r, "GET /sub", ""), 400);
    assert_int_equal(ask_unix(r, "GET /sub?channel=", ""), 400);
}

/* --- The API --- */

static void malformed_json_is_400_and_says_where(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_unix(r, "POST /api/publish", "{\"channel\":7}"), 400);
    assert_non_null(strstr(r->answer, "\"code\":107,\"message\":\"bad request: "
                                      "channel: a string is expected at byte "
                                      "11\""));
    assert_int_equal(ask_unix(r, "POST /api/batch", "{"), 400);
    assert_int_equal(ask_unix(r, "POST /api", "x"), 400);
    assert_int_equal(ask_unix(r, "POST /api/publish", "{}"), 200);
    assert_non_null(strstr(r->answer, "channel: it is missing"));
}

static void a_request_is_answered_when_its_owner_has(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_unix(r, "POST /api/publish",
                              "{\"channel\":\"c\",\"data\":{\"a\": 1}}"),
                     200);
    assert_non_null(strstr(
        r->answer, "\r\n\r\n{\"result\":{\"offset\":1,\"epoch\":\"epok\"}}"));
    assert_string_equal(r->owner->last, "{\"a\": 1}");
}

static void requests_follow_one_another_on_one_connection(void **state)
{
    struct rig *r = *state;
    int fd = dial_unix(r);
    char want[64];

    for (int i = 1; i <= 20; i++) {
        r->answer[0] = '\0';
        say(fd, "POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: "
                "26\r\n\r\n{\"channel\":\"c\",\"data\":123}");
        snprintf(want, sizeof want, "{\"offset\":%d,", i);
        hear_until(r, fd, want);
    }
    close(fd);
}

static void an_answer_says_how_long_it_is(void **state)
{
    struct rig *r = *state;
    int fd = dial_unix(r);

    r->answer[0] = '\0';
    say(fd, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /none HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_until(r, fd, NULL); /* HTTP/1.0 ends the connection */
    close(fd);
    char *second = strstr(r->answer + 1, "HTTP/");
    assert_non_null(second);
    assert_non_null(strstr(second, "Content-Length: "));
    assert_non_null(strstr(second, "Connection: close"));
    assert_null(strstr(second + 1, "HTTP/"));
    *second = '\0';
    assert_non_null(strstr(r->answer, "Content-Length: "));
    assert_null(strstr(r->answer, "Connection: close"));
}

static void a_client_that_goes_away_meanwhile_harms_nobody(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 20; i++) {
        int fd = i % 2 == 0 ? dial_unix(r) : dial_tcp(r);
        say_request(fd, "POST /api/publish", "X-API-Key: sesame",
                    i % 4 < 2 ? "{\"channel\":\"unresponsive\",\"data\":1}"
                              : "{\"channel\":\"c\",\"data\":1}");
        if (i % 3 == 0) { /* reset instead of closing */
            struct linger hard = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(fd);
    }
    assert_int_equal(ask_unix(r, "GET /health", ""), 200);
}

static void a_body_over_the_limit_is_413(void **state)
{
    struct rig *r = *state;
    int fd = dial_unix(r);

    r->answer[0] = '\0';
    say(fd, "POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: "
            "99999999\r\n\r\n");
    hear_until(r, fd, "413");
    close(fd);
}

/* --- Streams --- */

static int open_stream(struct rig *r, const char *line, const char *first)
{
    int fd = dial_unix(r);

    r->answer[0] = '\0';
    say_request(fd, line, "", "");
    hear_until(r, fd, first);
    return fd;
}

static void publish(struct rig *r, const char *data)
{
    static char body[8192];
    static struct rig other; /* its own place for the answer */

    strcpy(other.path, r->path);
    snprintf(body, sizeof body, "{\"channel\":\"a b\",\"data\":%s}", data);
    assert_int_equal(ask_unix(&other, "POST /api/publish", body), 200);
}

static void a_stream_gets_publications_a_line_each(void **state)
{
    struct rig *r = *state;
    int fd = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");

    publish(r, "{\"n\":1}");
    publish(r, "{\"n\":2}");
    hear_until(r, fd,
               "{\"push\":{\"channel\":\"a b\",\"pub\":{\"data\":{\"n\":2}");
    assert_non_null(strstr(r->answer, "application/x-ndjson"));
    assert_non_null(
        strstr(r->answer,
               "{\"push\":{\"channel\":\"a b\",\"pub\":{\"data\":{\"n\":1}"));
    close(fd);
}

/* The line feed in what was published ends no line. */
static void streams_of_a_channel_get_the_same_lines(void **state)
{
    static struct rig other;
    static const char line[] =
        "{\"push\":{\"channel\":\"a b\",\"pub\":{\"data\":{ \"n\":1}";
    struct rig *r = *state;
    int fd = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");

    strcpy(other.path, r->path);
    int fd2 = open_stream(&other, "GET /sub?channel=a%20b", "\"subscribe\"");
    publish(r, "{\n\"n\":1}");
    hear_until(r, fd, "\"n\":1}");
    hear_until(&other, fd2, "\"n\":1}");
    hear_until(r, fd, "}}\n\r\n"); /* a chunk of whole lines */
    assert_non_null(strstr(r->answer, line));
    assert_non_null(strstr(other.answer, line));
    close(fd);
    close(fd2);
}

static void a_message_larger_than_the_queue_goes_into_an_empty_stream(void **st)
{
    enum { LEN = 3000 };
    struct rig *r = *st;
    char data[LEN + 1] = {0};

    r->config->session.limits.outgoing_queue = 1024; /* nobody else reads it */
    int fd = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");
    memset(data, '1', LEN);
    publish(r, data);
    hear_until(r, fd, data);
    publish(r, "2");
    hear_until(r, fd, "\"data\":2");
    close(fd);
}

/* A turn brings no more than a part of what may wait for a reader. */
static void a_stream_that_is_read_takes_all_that_comes_at_once(void **state)
{
    enum { LEN = 1000, COUNT = 64 };
    static struct rig other;
    struct rig *r = *state;
    char data[LEN + 1] = {0};
    struct pl_buf body = {0};

    r->config->session.limits.outgoing_queue = 16 * 1024;
    go(r);
    int fd =
        open_stream(r, "GET /sub?channel=a&channel=b", "\"channel\":\"b\"");
    memset(data, '1', LEN);
    pl_buf_put_span(&body, PL_SPAN("{\"commands\":["));
    for (int i = 0; i < COUNT; i++)
        pl_buf_printf(&body, "%s{\"publish\":{\"channel\":\"%s\",\"data\":%s}}",
                      i == 0 ? "" : ",", i < COUNT / 2 ? "a" : "b",
                      i < COUNT - 1 ? data : "\"end\"");
    pl_buf_put_span(&body, PL_SPAN("]}"));
    strcpy(other.path, r->path);
    int asker = dial_unix(&other);
    char head[200];
    snprintf(head, sizeof head,
             "POST /api/batch HTTP/1.1\r\nHost: x\r\nContent-Length: %zu"
             "\r\n\r\n",
             body.len);
    say(asker, head);
    pl_buf_put_byte(&body, '\0');
    say(asker, body.data);
    hear_until(r, fd, "\"data\":\"end\"");
    close(asker);
    close(fd);
    pl_buf_fini(&body);
}

static void a_stream_of_which_nothing_is_left_ends(void **state)
{
    struct rig *r = *state;
    int fd = open_stream(r, "GET /sub?channel=broken", "\"code\":108");

    hear_until(r, fd, "\r\n0\r\n\r\n");
    close(fd);
}

static void a_stream_is_of_names_in_utf8(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_unix(r, "GET /sub?channel=%ff", ""), 400);
    assert_int_equal(ask_unix(r, "GET /sub?channel=a&channel=%c3x", ""), 400);
    close(open_stream(r, "GET /sub?channel=%c3%a9", "\"\xc3\xa9\""));
}

/* Until the metrics on the control loop say so. */
static void await_metric(struct rig *r, const char *line)
{
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(ask_unix(r, "GET /metrics", ""), 200);
        if (strstr(r->answer, line) != NULL)
            return;
        poll(NULL, 0, 10);
    }
    fail_msg("never: %s", line);
}

static void a_wrong_key_leaves_a_count_and_a_line_with_the_address(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ask_tcp(r, "GET /status", "", ""), 401);
    assert_int_equal(ask_tcp(r, "POST /api/info", "X-API-Key: nearly", "{}"),
                     401);
    await_metric(r, "parley_api_keys_rejected_total{loop=\"1\"} 2\n");
    assert_true(pl_log_flush(10000));
    pl_buf_put_byte(&r->log, '\0');
    assert_non_null(strstr(r->log.data,
                           "level=warn event=\"API key rejected\" "
                           "address=127.0.0.1 reason=\"no key\"\n"));
    assert_non_null(strstr(r->log.data, "reason=\"wrong key\"\n"));
    assert_null(strstr(r->log.data, "nearly"));
}

static void a_reader_that_has_gone_is_noticed_at_once(void **state)
{
    struct rig *r = *state;
    int fd = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");

    await_metric(r, "parley_subscriptions{loop=\"1\"} 1\n");
    close(fd);
    await_metric(r, "parley_subscriptions{loop=\"1\"} 0\n");
}

static void streams_at_once_are_bounded(void **state)
{
    enum { MOST = 64 };
    struct rig *r = *state;
    int fds[MOST];

    for (int i = 0; i < MOST; i++)
        fds[i] = open_stream(r, "GET /sub?channel=a", "\"subscribe\"");
    assert_int_equal(ask_unix(r, "GET /sub?channel=a", ""), 503);
    for (int i = 0; i < MOST; i++)
        close(fds[i]);
    await_metric(r, "parley_subscriptions{loop=\"1\"} 0\n");
    close(open_stream(r, "GET /sub?channel=a", "\"subscribe\""));
}

static void deliveries_to_streams_are_in_the_ledger(void **state)
{
    struct rig *r = *state;
    int fd = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");

    publish(r, "1");
    publish(r, "2");
    await_metric(r, "parley_deliveries_sent_total{loop=\"1\"} 2\n");
    assert_non_null(
        strstr(r->answer, "parley_deliveries_owed_total{loop=\"1\"} 2\n"));
    assert_non_null(
        strstr(r->answer, "parley_deliveries_queued{loop=\"1\"} 0\n"));
    close(fd);
}

static void a_reader_that_does_not_read_is_aborted_and_counted(void **state)
{
    struct rig *r = *state;
    int fd, small = 4096;
    char *data = malloc(60001);

    assert_non_null(data);
    memset(data, 'x', 60000);
    data[0] = data[59999] = '"';
    data[60000] = '\0';
    char *body = malloc(61000), *request = malloc(62000);
    assert_true(body != NULL && request != NULL);
    snprintf(body, 61000, "{\"channel\":\"a b\",\"data\":%s}", data);
    snprintf(request, 62000,
             "POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n"
             "\r\n%s",
             strlen(body), body);
    fd = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    int publisher = dial_unix(r);
    for (int i = 1; i <= 60; i++) {
        char want[64];
        say(publisher, request);
        snprintf(want, sizeof want, "{\"offset\":%d,", i);
        r->answer[0] = '\0';
        hear_until(r, publisher, want);
    }
    await_metric(r, "parley_closed_slow_total{loop=\"1\"} 1\n");
    assert_non_null(
        strstr(r->answer, "parley_deliveries_queued{loop=\"1\"} 0\n"));
    assert_non_null(strstr(r->answer, "parley_subscriptions{loop=\"1\"} 0\n"));
    close(publisher);
    close(fd);
    free(data);
    free(body);
    free(request);
}

/* --- Stop --- */

/* Its connection would go on otherwise, and the stop not begin. */
static void shutdown_ends_a_connection_that_would_go_on(void **state)
{
    struct rig *r = *state;
    int fd = dial_unix(r);

    r->answer[0] = '\0';
    say(fd, "POST /shutdown HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    hear_until(r, fd, NULL);
    assert_non_null(strstr(r->answer, "HTTP/1.1 200 OK"));
    await_stop(r);
    close(fd);
}

static void shutdown_answers_and_then_stops(void **state)
{
    struct rig *r = *state;
    int stream = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");
    int waiting = dial_unix(r);

    say_request(waiting, "POST /api/publish", "",
                "{\"channel\":\"unresponsive\",\"data\":1}");
    assert_int_equal(ask_unix(r, "POST /shutdown", ""), 200);
    await_stop(r);
    r->answer[0] = '\0';
    hear_until(r, stream, NULL); /* it ends */
    hear_until(r, waiting, NULL);
    close(stream);
    close(waiting);
}

/* --- The socket file --- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNNING(over_tcp_only_health_and_readiness_are_free),
        RUNNING(the_api_key_opens_the_api),
        RUNNING(a_narrow_key_opens_no_other_path),
        RUNNING(an_error_has_its_own_status_in_transport_mode),
        RUNNING(a_wrong_key_leaves_a_count_and_a_line_with_the_address),
        RUNNING(the_unix_socket_is_ours_alone_and_needs_no_key),
        RUNNING(dashboards_of_centrifugo_find_their_names),
        RUNNING(unknown_paths_and_methods_are_told),
        RUNNING(malformed_json_is_400_and_says_where),
        RUNNING(a_request_is_answered_when_its_owner_has),
        RUNNING(requests_follow_one_another_on_one_connection),
        RUNNING(an_answer_says_how_long_it_is),
        RUNNING(a_client_that_goes_away_meanwhile_harms_nobody),
        RUNNING(a_body_over_the_limit_is_413),
        RUNNING(a_stream_gets_publications_a_line_each),
        RUNNING(streams_of_a_channel_get_the_same_lines),
        RUNNING(a_message_larger_than_the_queue_goes_into_an_empty_stream),
        NOT_RUNNING(a_stream_that_is_read_takes_all_that_comes_at_once),
        RUNNING(a_stream_of_which_nothing_is_left_ends),
        RUNNING(a_stream_is_of_names_in_utf8),
        RUNNING(a_reader_that_has_gone_is_noticed_at_once),
        RUNNING(streams_at_once_are_bounded),
        RUNNING(deliveries_to_streams_are_in_the_ledger),
        RUNNING(a_reader_that_does_not_read_is_aborted_and_counted),
        RUNNING(shutdown_ends_a_connection_that_would_go_on),
        RUNNING(shutdown_answers_and_then_stops),
    };

    return cmocka_run_group_tests_name("admin_http", tests, NULL, NULL);
}
