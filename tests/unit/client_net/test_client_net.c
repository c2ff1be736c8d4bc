/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_net.c - streams to servers on the loopback: names, TCP, proxies,
 * closing. */
#include "rig.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "parley_client.h"

enum { ROUNDS = 300, BIG = 4 << 20 };

/* --- TCP --- */

static void bytes_go_to_the_server_and_back(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "good.test"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct server s = {0};
        struct user u = {.say = "hello", .close_at = 5};

        start_server(&s);
        struct plc_target t = target_of(&s, hosts[i]);
        run_user(&u, &t);
        assert_string_equal(u.text, "hello");
        stop_server(&s);
    }
}

static void more_than_the_kernel_takes_is_written_bit_by_bit(void **state)
{
    struct server s = {0};
    struct user u = {.left = BIG, .finishes = true};

    (void)state;
    start_server(&s);
    struct plc_target t = target_of(&s, "127.0.0.1");
    run_user(&u, &t);
    assert_int_equal(u.heard, BIG);
    assert_true(u.has_ended && u.is_clean);
    assert_int_equal(u.err, PL_ECLOSED);
    stop_server(&s);
}

static void a_reset_is_no_clean_end(void **state)
{
    struct server s = {.resets = true};
    struct user u = {0}; /* says nothing: a reset may come before */

    (void)state;
    start_server(&s);
    struct plc_target t = target_of(&s, "127.0.0.1");
    run_user(&u, &t);
    assert_true(u.has_ended);
    assert_false(u.is_clean);
    assert_int_equal(u.err, PL_EIO);
    assert_non_null(strstr(u.why, "reset"));
    stop_server(&s);
}

static void a_refused_connection_names_the_address(void **state)
{
    struct server s = {0};
    struct user u = {0};

    (void)state;
    close(listen_on("127.0.0.1", &s.port));
    struct plc_target t = target_of(&s, "127.0.0.1");
    run_user(&u, &t);
    assert_false(u.is_open);
    assert_int_equal(u.err, PL_EIO);
    assert_non_null(strstr(u.why, "cannot connect to 127.0.0.1:"));
    assert_non_null(strstr(u.why, "refused"));
}

static void a_name_without_an_address_is_named(void **state)
{
    struct user u = {0};
    struct plc_target t = {.host = "bad.test", .port = 80};

    (void)state;
    run_user(&u, &t);
    assert_int_equal(u.err, PL_ENOENT);
    assert_non_null(strstr(u.why, "cannot resolve bad.test: "));
}

/* --- The program's resolver --- */

struct answer {
    const char *addresses[20];
    size_t count;
    pthread_t thread;
    void *question;
    sem_t go_on; /* a late answer waits for it */
    bool is_late;
};

static void *answer_late(void *arg)
{
    struct answer *a = arg;

    while (sem_wait(&a->go_on) != 0)
        ;
    plc_resolved(a->question, a->addresses, a->count);
    return NULL;
}

static void resolve(const char *host, void *question, void *arg)
{
    struct answer *a = arg;

    assert_string_equal(host, "any.test");
    a->question = question;
    if (a->is_late)
        pthread_create(&a->thread, NULL, answer_late, a);
    else
        plc_resolved(question, a->addresses, a->count);
}

static void the_next_address_is_tried(void **state)
{
    struct server s = {0};
    struct answer a = {.addresses = {"127.0.0.3", "127.0.0.2", "127.0.0.1"},
                       .count = 3};

    (void)state;
    start_server(&s);
    sem_init(&a.go_on, 0, 0);
    for (int i = 0; i < 2; i++) {
        struct user u = {.say = "hello", .close_at = 5};
        struct plc_target t = target_of(&s, "any.test");

        a.is_late = i == 1;
        t.resolve = resolve;
        t.resolve_arg = &a;
        open_user(&u, &t);
        event_base_loop(base, EVLOOP_NONBLOCK);
        if (a.is_late)
            sem_post(&a.go_on); /* the loop has nothing to do but wait */
        if (u.stream != NULL)
            event_base_dispatch(base);
        assert_string_equal(u.text, "hello");
        if (a.is_late)
            pthread_join(a.thread, NULL);
    }
    stop_server(&s);
}

/* A listener whose backlog is full lets a client wait for ever. */
static void an_address_that_leads_nowhere_costs_little(void **state)
{
    enum { FILL = 4 };
    struct server s = {0};
    struct answer a = {.addresses = {"127.0.0.5", "127.0.0.1"}, .count = 2};
    struct user u = {.say = "hello", .close_at = 5};
    int fill[FILL], hole;

    (void)state;
    start_server(&s);
    while ((hole = listen_on("127.0.0.5", &s.port)) < 0) {
        stop_server(&s); /* another program has the port at all addresses */
        s = (struct server){0};
        start_server(&s);
    }
    listen(hole, 0);
    for (int i = 0; i < FILL; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(s.port)};

        inet_pton(AF_INET, "127.0.0.5", &to.sin_addr);
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fill[i], (struct sockaddr *)&to, sizeof to);
    }
    struct plc_target t = target_of(&s, "any.test");
    t.resolve = resolve;
    t.resolve_arg = &a;
    run_user(&u, &t);
    assert_string_equal(u.text, "hello");
    for (int i = 0; i < FILL; i++)
        close(fill[i]);
    close(hole);
    stop_server(&s);
}

static void an_empty_answer_is_an_error(void **state)
{
    struct answer a = {.addresses = {"nonsense"}, .count = 1};
    struct user u = {0};
    struct plc_target t = {
        .host = "any.test", .port = 80, .resolve = resolve, .resolve_arg = &a};

    (void)state;
    run_user(&u, &t);
    assert_int_equal(u.err, PL_ENOENT);
    assert_non_null(strstr(u.why, "no address"));
}

/* --- Proxies --- */

static void a_proxy_opens_a_tunnel_by_name(void **state)
{
    struct server s = {.proxy = "HTTP/1.1 200 Go\r\nVia: 1\r\n\r\n"};
    struct user u = {.say = "hello", .close_at = 5};

    (void)state;
    start_server(&s);
    struct plc_target t = behind_proxy(&s);
    run_user(&u, &t);
    assert_string_equal(u.text, "hello");
    assert_non_null(strstr(s.request, "CONNECT far.test:443 HTTP/1.1\r\n"));
    assert_non_null(strstr(s.request, "Basic YWRhOnNlY3JldA=="));
    stop_server(&s);
}

static void a_proxy_that_refuses_is_told_apart_from_the_server(void **state)
{
    static const struct {
        const char *answer, *why;
        enum pl_err err;
    } cases[] = {
        {"HTTP/1.1 407 Who are you\r\n\r\n", "407 Who are you", PL_EDENIED},
        {"HTTP/1.1 502 Bad\r\n\r\n", "502 Bad", PL_EDENIED},
        {"HTTP/1.1 200 Go\r\n\r\nbytes", "proxy: ", PL_EBADMSG},
        {"SSH-2.0-x\r\n\r\n", "proxy: ", PL_EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct server s = {.proxy = cases[i].answer};
        struct user u = {.say = "hello"};

        start_server(&s);
        struct plc_target t = behind_proxy(&s);
        run_user(&u, &t);
        assert_false(u.is_open);
        assert_int_equal(u.err, cases[i].err);
        if (strstr(u.why, "proxy: ") != u.why ||
            strstr(u.why, cases[i].why) == NULL)
            fail_msg("case %zu: %s", i, u.why);
        stop_server(&s);
    }
}

static void a_proxy_without_an_address_is_named_as_such(void **state)
{
    struct user u = {0};
    struct plc_target t = {.host = "127.0.0.1",
                           .port = 80,
                           .proxy_host = "bad.test",
                           .proxy_port = 80};

    (void)state;
    run_user(&u, &t);
    assert_int_equal(u.err, PL_ENOENT);
    assert_non_null(strstr(u.why, "proxy: cannot resolve bad.test"));
}

/* --- Closing --- */

static void closing_at_any_moment_leaves_nothing(void **state)
{
    struct server s = {0};

    (void)state;
    start_server(&s);
    for (int i = 0; i < ROUNDS; i++) {
        struct user u = {.left = 1000000, .closes_when_open = i % 5 == 0};
        struct plc_target t =
            target_of(&s, i % 3 == 0 ? "good.test" : "127.0.0.1");

        u.close_at = i % 7 == 0 ? 1 : 0;
        open_user(&u, &t);
        for (int n = 0; n < i % 6 && u.stream != NULL; n++)
            event_base_loop(base, EVLOOP_NONBLOCK);
        if (u.stream != NULL)
            plc_stream_close(u.stream);
        assert_false(u.has_ended);
    }
    stop_server(&s);
}

static void a_lookup_that_hangs_delays_no_end(void **state)
{
    struct user u = {0};
    struct plc_target t = {.host = "slow.test", .port = 80};

    (void)state;
    open_user(&u, &t);
    event_base_loop(base, EVLOOP_NONBLOCK);
    plc_stream_close(u.stream);
    rig_tear_down(NULL);
    sem_post(&name_may_end); /* its result comes when all is gone */
    rig_set_up(NULL);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_to_the_server_and_back),
        TEST(more_than_the_kernel_takes_is_written_bit_by_bit),
        TEST(a_reset_is_no_clean_end),
        TEST(a_refused_connection_names_the_address),
        TEST(a_name_without_an_address_is_named),
        TEST(the_next_address_is_tried),
        TEST(an_address_that_leads_nowhere_costs_little),
        TEST(an_empty_answer_is_an_error),
        TEST(a_proxy_opens_a_tunnel_by_name),
        TEST(a_proxy_that_refuses_is_told_apart_from_the_server),
        TEST(a_proxy_without_an_address_is_named_as_such),
        TEST(closing_at_any_moment_leaves_nothing),
        TEST(a_lookup_that_hangs_delays_no_end),
    };

    sem_init(&name_may_end, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
