/* SPDX-License-Identifier: Apache-2.0 */
/* test_ws_link_admission.c - who is let in: by the name that he asks for, the
 * page that he comes from, and the address that he has. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

static struct client *ask(struct rig *r, const char *fields)
{
    struct client *c = client_create(r, 0);
    char request[1024];

    snprintf(request, sizeof request,
             "GET /connection/websocket HTTP/1.1\r\n%s"
             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n",
             fields);
    client_feed(c, request, strlen(request));
    rig_run(r, 0);
    return c;
}

static void expect_status(struct rig *r, const char *fields, const char *status)
{
    struct client *c = ask(r, fields);

    if (!rig_matches(c->http, status))
        fail_msg("%s gets %s", fields, c->http);
    client_vanish(c);
    rig_run(r, 0);
}

static void only_hosts_of_the_list_are_served_and_others_get_421(void **state)
{
    static const char *const sets[] = {
        "websocket.allowed_hosts=[chat.example, '*.example.org:8000', "
        "'[::1]']"};
    struct rig_options o = {.sets = sets, .set_count = 1};
    struct rig *r = rig_create(1, &o);

    (void)state;
    expect_status(r, "Host: chat.example\r\n", "HTTP/1.1 101 *");
    expect_status(r, "Host: CHAT.example:81\r\n", "HTTP/1.1 101 *");
    expect_status(r, "Host: a.example.org:8000\r\n", "HTTP/1.1 101 *");
    expect_status(r, "Host: [::1]:8000\r\n", "HTTP/1.1 101 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_HOST), 0);
    expect_status(r, "Host: evil.example\r\n",
                  "HTTP/1.1 421 Misdirected Request\r\n*");
    expect_status(r, "Host: a.example.org:8001\r\n", "HTTP/1.1 421 *");
    expect_status(r, "Host: 127.0.0.1\r\n", "HTTP/1.1 421 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_HOST), 3);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDSHAKES_REFUSED), 3);
    /* The right page under the wrong name. */
    expect_status(r,
                  "Host: rebound.example\r\nOrigin: http://rebound.example\r\n",
                  "HTTP/1.1 421 *");
    /* No host, or more than one, is no request at all. */
    expect_status(r, "", "HTTP/1.1 400 *");
    expect_status(r, "Host: chat.example\r\nHost: chat.example\r\n",
                  "HTTP/1.1 400 *");
    expect_status(r, "Host: chat.example:x\r\n", "HTTP/1.1 400 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_HOST), 4);
    rig_destroy(r);
}

static void pages_from_elsewhere_are_counted(void **state)
{
    static const char *const sets[] = {"auth.anonymous=true"};
    struct rig_options o = {.sets = sets, .set_count = 1, .is_secure = true};
    struct rig *r = rig_create(1, &o);

    (void)state;
    expect_status(r, "Host: a.example\r\nOrigin: http://a.example\r\n",
                  "HTTP/1.1 101 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_ORIGIN), 0);
    expect_status(r, "Host: a.example\r\nOrigin: http://b.example\r\n",
                  "HTTP/1.1 403 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_ORIGIN), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDSHAKES_REFUSED), 1);
    rig_destroy(r);
}

static void
a_trial_lets_pages_of_this_machine_in_whatever_their_port(void **state)
{
    static const char *const good[] = {
        "Host: localhost:8000\r\nOrigin: http://localhost:3000\r\n",
        "Host: 127.0.0.1:8000\r\nOrigin: http://localhost:8000\r\n",
        "Host: localhost:8000\r\nOrigin: https://127.0.0.1:5173\r\n",
        "Host: [::1]:8000\r\nOrigin: http://app.localhost\r\n",
        "Host: 127.0.0.1\r\n",
    };
    struct rig *r = rig_create(1, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        expect_status(r, good[i], "HTTP/1.1 101 *");
    expect_status(r, "Host: localhost\r\nOrigin: http://evil.example\r\n",
                  "HTTP/1.1 403 *");
    expect_status(r, "Host: localhost\r\nOrigin: null\r\n", "HTTP/1.1 403 *");
    expect_status(r, "Host: localhost\r\nOrigin: file://localhost\r\n",
                  "HTTP/1.1 403 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_ORIGIN), 3);
    rig_destroy(r);
}

static void a_trial_is_not_reached_by_a_name_that_points_to_it(void **state)
{
    struct rig *r = rig_create(1, NULL);

    (void)state;
    expect_status(r,
                  "Host: rebound.example:8000\r\n"
                  "Origin: http://rebound.example:8000\r\n",
                  "HTTP/1.1 421 *");
    expect_status(r, "Host: rebound.example:8000\r\n", "HTTP/1.1 421 *");
    expect_status(r, "Host: localhost.evil.example\r\n", "HTTP/1.1 421 *");
    expect_status(r, "Host: 192.0.2.1\r\n", "HTTP/1.1 421 *");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_HOST), 4);
    rig_destroy(r);
}

static void lists_decide_in_a_trial_as_well(void **state)
{
    static const char *const sets[] = {
        "websocket.allowed_hosts=[dev.example]",
        "websocket.allowed_origins=['https://dev.example']"};
    struct rig_options o = {.sets = sets, .set_count = 2};
    struct rig *r = rig_create(1, &o);

    (void)state;
    expect_status(r, "Host: dev.example\r\nOrigin: https://dev.example\r\n",
                  "HTTP/1.1 101 *");
    expect_status(r, "Host: dev.example\r\nOrigin: http://localhost\r\n",
                  "HTTP/1.1 403 *");
    expect_status(r, "Host: localhost\r\n", "HTTP/1.1 421 *");
    rig_destroy(r);
}

static char log_text[4096];

static void keep(void *arg, enum pl_log_level level, struct pl_span line)
{
    size_t len = strlen(log_text);

    (void)arg, (void)level;
    if (len + line.len < sizeof log_text) {
        memcpy(log_text + len, line.at, line.len);
        log_text[len + line.len] = '\0';
    }
}

static void
the_log_names_the_origin_and_the_key_that_would_let_it_in(void **state)
{
    struct rig *r = rig_create(1, NULL);

    (void)state;
    pl_log_set_level(PL_LOG_INFO);
    pl_log_set_sink(keep, NULL);
    expect_status(r, "Host: localhost\r\nOrigin: http://evil.example\r\n",
                  "HTTP/1.1 403 *");
    assert_non_null(strstr(log_text, "pages of this origin may not connect"));
    assert_non_null(strstr(log_text, "origin=http://evil.example"));
    assert_non_null(strstr(log_text, "host=localhost"));
    assert_non_null(strstr(log_text, "key=websocket.allowed_origins"));
    log_text[0] = '\0';
    expect_status(r, "Host: evil.example\r\n", "HTTP/1.1 421 *");
    assert_non_null(strstr(log_text, "this host is not served here"));
    assert_non_null(strstr(log_text, "host=evil.example"));
    assert_non_null(strstr(log_text, "key=websocket.allowed_hosts"));
    pl_log_set_sink(NULL, NULL);
    pl_log_set_level(PL_LOG_ERROR);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_hosts_of_the_list_are_served_and_others_get_421),
        cmocka_unit_test(pages_from_elsewhere_are_counted),
        cmocka_unit_test(
            a_trial_lets_pages_of_this_machine_in_whatever_their_port),
        cmocka_unit_test(a_trial_is_not_reached_by_a_name_that_points_to_it),
        cmocka_unit_test(lists_decide_in_a_trial_as_well),
        cmocka_unit_test(
            the_log_names_the_origin_and_the_key_that_would_let_it_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
