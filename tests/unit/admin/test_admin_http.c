/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_http.c - the admin actor on a real loop, spoken to over real
 * sockets: who may do what, requests that are answered later, streams, stop. */
#include <stdio.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin.h"
#include "descriptors.h"
#include "fake_owner.h"
#include "moment.h"
#include "supervisor.h"
#include "system.h"

enum { WORKER, CONTROL, LOOPS, ANSWER_MAX = 1 << 18 };

struct rig {
    struct pl_config *config;
    struct pl_system *system;
    struct pl_reactor *reactor[LOOPS];
    struct pl_snapshot *snapshot[LOOPS];
    struct pl_metrics metrics[LOOPS];
    struct pl_hash_key key;
    struct pl_phase_trace *phases;
    struct pl_status_source status;
    struct pl_hub *hub;
    struct owner *owner;
    struct pl_address owners[1];
    struct pl_supervisor *supervisor;
    struct pl_admin *admin;
    char folder[32];
    char path[64];
    int stopped[2]; /* a pipe: a byte comes when the broker has stopped */
    bool is_stopped;
    char answer[ANSWER_MAX];
};

static void quiet(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg, (void)level, (void)line;
}

static void on_stopped(void *arg)
{
    struct rig *r = arg;

    ssize_t put = write(r->stopped[1], "x", 1);

    (void)put;
}

static void publish_metrics(void *arg)
{
    struct rig *r = arg;

    pl_snapshot_publish(r->snapshot[CONTROL], r->metrics[CONTROL].value);
}

static void create_loops(struct rig *r)
{
    struct pl_system_options options = {.loops = LOOPS};

    assert_int_equal(pl_system_create(&r->system, &options), PL_OK);
    for (int i = 0; i < LOOPS; i++) {
        assert_int_equal(pl_reactor_create(&r->reactor[i],
                                           pl_system_loop(r->system, i), NULL),
                         PL_OK);
        assert_int_equal(pl_snapshot_create(&r->snapshot[i], PL_METRIC_COUNT),
                         PL_OK);
    }
    assert_int_equal(
        pl_phase_trace_create(&r->phases, pl_system_clock(r->system)), PL_OK);
    r->status =
        (struct pl_status_source){"9.9.9", r->system, r->snapshot, r->phases};
}

static void create_actors(struct rig *r)
{
    struct pl_loop *control = pl_system_loop(r->system, CONTROL);
    struct pl_hub_options hub = {.key = &r->key,
                                 .channels = r->owners,
                                 .channel_owners = 1,
                                 .backlog_limit = 1000,
                                 .metrics = &r->metrics[CONTROL]};
    struct pl_supervisor_options supervisor = {.config = r->config,
                                               .key = &r->key,
                                               .metrics = &r->metrics[CONTROL],
                                               .phases = r->phases,
                                               .on_stopped = on_stopped,
                                               .arg = r};

    pl_loop_on_turn_end(control, publish_metrics, r);
    r->owner = owner_create(pl_system_loop(r->system, WORKER));
    r->owners[0] = pl_actor_address(&r->owner->actor);
    assert_int_equal(pl_hub_create(&r->hub, control, &hub), PL_OK);
    assert_int_equal(pl_supervisor_create(&r->supervisor, control, &supervisor),
                     PL_OK);
}

static enum pl_err create_admin(struct rig *r, struct pl_admin **out)
{
    struct pl_admin_options options = {
        .config = r->config,
        .reactor = r->reactor[CONTROL],
        .hub = r->hub,
        .key = &r->key,
        .channels = r->owners,
        .channel_owners = 1,
        .supervisor = pl_supervisor_address(r->supervisor),
        .status = &r->status,
        .metrics = &r->metrics[CONTROL],
    };

    return pl_admin_create(out, &options);
}

static void configure(struct rig *r)
{
    strcpy(r->folder, "/tmp/parley-test-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->path, sizeof r->path, "%s/admin.sock", r->folder);
    assert_int_equal(pl_config_create_default(&r->config), PL_OK);
    free(r->config->admin.socket);
    r->config->admin.socket = strdup(r->path);
    free(r->config->admin.listen.text);
    r->config->admin.listen.text = strdup("127.0.0.1:0");
    r->config->api.key = strdup("sesame");
}

static void go(struct rig *r)
{
    struct pl_supervisor *s = r->supervisor;

    assert_int_equal(create_admin(r, &r->admin), PL_OK);
    assert_int_equal(
        pl_supervisor_add_internal(s, pl_hub_address(r->hub), "hub"), PL_OK);
    assert_int_equal(
        pl_supervisor_add_internal(s, pl_admin_address(r->admin), "admin"),
        PL_OK);
    assert_int_equal(pl_supervisor_start(s), PL_OK);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(pl_reactor_start(r->reactor[i], "test"), PL_OK);
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    pl_log_set_sink(quiet, NULL);
    assert_int_equal(pipe(r->stopped), 0);
    configure(r);
    create_loops(r);
    create_actors(r);
    *state = r;
    return 0;
}

static int set_up_running(void **state)
{
    set_up(state);
    go(*state);
    return 0;
}

/* Wait for the end of the stop that somebody began. */
static void await_stop(struct rig *r)
{
    char byte;

    assert_int_equal(read(r->stopped[0], &byte, 1), 1);
    r->is_stopped = true;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    if (r->admin != NULL && !r->is_stopped) {
        pl_supervisor_stop(r->system, pl_supervisor_address(r->supervisor));
        await_stop(r);
    }
    for (int i = 0; i < LOOPS; i++) {
        pl_reactor_stop(r->reactor[i]);
        assert_int_equal(pl_reactor_join(r->reactor[i], 10000), PL_OK);
    }
    for (int i = 0; i < LOOPS; i++) {
        pl_reactor_destroy(r->reactor[i]);
        pl_snapshot_destroy(r->snapshot[i]);
    }
    pl_system_destroy(r->system);
    pl_phase_trace_destroy(r->phases);
    pl_config_destroy(r->config);
    close(r->stopped[0]);
    close(r->stopped[1]);
    assert_int_not_equal(access(r->path, F_OK), 0); /* it removed its file */
    rmdir(r->folder);
    pl_log_set_sink(NULL, NULL);
    free(r);
    return 0;
}

/* --- A client --- */

static void connect_unix(const struct rig *r, int fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path, r->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
}

static int dial_unix(const struct rig *r)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    connect_unix(r, fd);
    return fd;
}

static int dial_tcp(const struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(pl_admin_port(r->admin)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Read until `end` has come or the connection ends. */
static void hear_until(struct rig *r, int fd, const char *end)
{
    size_t len = strlen(r->answer);

    while (end == NULL || strstr(r->answer, end) == NULL) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 30000), 1);
        ssize_t got = read(fd, r->answer + len, sizeof r->answer - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
        r->answer[len] = '\0';
    }
    if (end != NULL)
        assert_non_null(strstr(r->answer, end));
}

static void say_request(int fd, const char *line, const char *header,
                        const char *body)
{
    char text[4096];

    snprintf(text, sizeof text,
             "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s"
             "Content-Length: %zu\r\n\r\n%s",
             line, header, header[0] != '\0' ? "\r\n" : "", strlen(body), body);
    say(fd, text);
}

/* The status; the whole answer is in r->answer. */
static int ask_on(struct rig *r, int fd, const char *line, const char *header,
                  const char *body)
{
    int status = 0;

    r->answer[0] = '\0';
    say_request(fd, line, header, body);
    hear_until(r, fd, NULL);
    close(fd);
    sscanf(r->answer, "HTTP/1.1 %d", &status);
    return status;
}

static int ask_unix(struct rig *r, const char *line, const char *body)
{
    return ask_on(r, dial_unix(r), line, "", body);
}

static int ask_tcp(struct rig *r, const char *line, const char *header,
                   const char *body)
{
    return ask_on(r, dial_tcp(r), line, header, body);
}

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

/* Below HTTP/1.0 too, where nobody should keep a connection, but may. */
static void an_answer_says_how_long_it_is(void **state)
{
    struct rig *r = *state;
    int fd = dial_unix(r);

    r->answer[0] = '\0';
    say(fd, "GET /health HTTP/0.1\r\nConnection: keep-alive\r\n\r\n"
            "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear_until(r, fd, NULL);
    close(fd);
    char *second = strstr(r->answer + 1, "HTTP/");
    assert_non_null(second);
    assert_non_null(strstr(second, "Content-Length: "));
    *second = '\0';
    assert_non_null(strstr(r->answer, "Content-Length: "));
}

static void a_client_that_goes_away_meanwhile_harms_nobody(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 20; i++) {
        int fd = i % 2 == 0 ? dial_unix(r) : dial_tcp(r);
        say_request(fd, "POST /api/publish", "X-API-Key: sesame",
                    i % 4 < 2 ? "{\"channel\":\"mute\",\"data\":1}"
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
    char body[256];
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
    await_metric(r, "parley_deliveries_given{loop=\"1\"} 2\n");
    assert_non_null(
        strstr(r->answer, "parley_deliveries_owed{loop=\"1\"} 2\n"));
    assert_non_null(
        strstr(r->answer, "parley_deliveries_queued{loop=\"1\"} 0\n"));
    close(fd);
}

static void a_reader_that_does_not_read_is_cut_and_counted(void **state)
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
    await_metric(r, "parley_closed_slow{loop=\"1\"} 1\n");
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

static uint64_t failed_accepts(const struct rig *r)
{
    uint64_t v[PL_METRIC_COUNT];

    pl_snapshot_read(r->snapshot[CONTROL], v);
    return v[PL_METRIC_ACCEPT_FAILED];
}

static void without_descriptors_the_doors_wait_and_recover(void **state)
{
    struct rig *r = *state;
    struct descriptors all;

    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* see descriptors.h */
    int first = dial_unix(r);
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    r->answer[0] = '\0';
    say(first, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_until(r, first, "}"); /* it is in */
    descriptors_use_up(&all);
    uint64_t since = moment_ms();
    connect_unix(r, second); /* it comes into the backlog */
    while (failed_accepts(r) < 3) {
        assert_true(moment_ms() < since + 30000);
        moment_nap(1000);
    }
    /* it tries again each 100 ms, and does not spin */
    uint64_t failed = failed_accepts(r);
    assert_true(failed <= (moment_ms() - since) / 100 + 2);
    /* who is there already is served */
    assert_int_equal(ask_on(r, first, "GET /health", "", ""), 200);
    descriptors_give_back(&all);
    assert_int_equal(ask_on(r, second, "GET /health", "", ""), 200);
}

static void shutdown_answers_and_then_stops(void **state)
{
    struct rig *r = *state;
    int stream = open_stream(r, "GET /sub?channel=a%20b", "\"subscribe\"");
    int waiting = dial_unix(r);

    say_request(waiting, "POST /api/publish", "",
                "{\"channel\":\"mute\",\"data\":1}");
    assert_int_equal(ask_unix(r, "POST /shutdown", ""), 200);
    await_stop(r);
    r->answer[0] = '\0';
    hear_until(r, stream, NULL); /* it ends */
    hear_until(r, waiting, NULL);
    close(stream);
    close(waiting);
}

/* --- The socket file --- */

static void a_file_of_a_dead_broker_is_replaced(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(a.sun_path, r->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
    go(r);
    assert_int_equal(ask_unix(r, "GET /health", ""), 200);
}

static void a_file_of_a_living_broker_is_left_alone(void **state)
{
    struct rig *r = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct pl_admin *admin = NULL;

    strcpy(a.sun_path, r->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(create_admin(r, &admin), PL_EEXIST);
    assert_null(admin);
    assert_int_equal(access(r->path, F_OK), 0);
    close(fd);
    unlink(r->path);
}

static void what_never_ran_closes_when_it_is_reaped(void **state)
{
    struct rig *r = *state;
    struct pl_admin *admin;

    assert_int_equal(create_admin(r, &admin), PL_OK);
    assert_int_equal(access(r->path, F_OK), 0);
    pl_system_reap(r->system);
    assert_int_not_equal(access(r->path, F_OK), 0);
}

#define RUNNING(test)                                                          \
    cmocka_unit_test_setup_teardown(test, set_up_running, tear_down)
#define NOT_RUNNING(test)                                                      \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUNNING(over_tcp_only_health_and_readiness_are_free),
        RUNNING(the_api_key_opens_the_api),
        RUNNING(the_unix_socket_is_ours_alone_and_needs_no_key),
        RUNNING(unknown_paths_and_methods_are_told),
        RUNNING(a_request_is_answered_when_its_owner_has),
        RUNNING(requests_follow_one_another_on_one_connection),
        RUNNING(an_answer_says_how_long_it_is),
        RUNNING(a_client_that_goes_away_meanwhile_harms_nobody),
        RUNNING(a_body_over_the_limit_is_413),
        RUNNING(a_stream_gets_publications_a_line_each),
        RUNNING(a_stream_of_which_nothing_is_left_ends),
        RUNNING(a_stream_is_of_names_in_utf8),
        RUNNING(a_reader_that_has_gone_is_noticed_at_once),
        RUNNING(streams_at_once_are_bounded),
        RUNNING(deliveries_to_streams_are_in_the_ledger),
        RUNNING(a_reader_that_does_not_read_is_cut_and_counted),
        RUNNING(without_descriptors_the_doors_wait_and_recover),
        RUNNING(shutdown_answers_and_then_stops),
        NOT_RUNNING(a_file_of_a_dead_broker_is_replaced),
        NOT_RUNNING(a_file_of_a_living_broker_is_left_alone),
        NOT_RUNNING(what_never_ran_closes_when_it_is_reaped),
    };

    return cmocka_run_group_tests_name("admin_http", tests, NULL, NULL);
}
