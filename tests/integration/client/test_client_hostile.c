/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_hostile.c - servers that break the client protocol, do not read
 * or do not answer, over real sockets.
 *
 * The same servers meet the client on a fake network in unit tests, where time
 * is driven.  Here bytes come in pieces that the kernel chooses, and the
 * library has its own thread. */
#include "client_stage.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANY = -1,
    MANY = 100000,
    CROWD = 100,
    ROUNDS = 20,
    BLOCK = 60000,
    BLOCKS = 80
};

#define HELLO "{\"client\":\"c\"}"
#define PUSH(what) "{\"push\":{\"channel\":\"a\"," what "}}"

static void log_in(void)
{
    create_client();
    raw_login(&server, HELLO);
    called("connecting(0) connected(0) ");
}

/* --- Bytes that do not fit --- */

/* Subscribed to "a" at 5, and a publish without an answer, number 3. */
static struct plc_sub *begin_row(void)
{
    log_in();
    struct plc_sub *s = subscribe("a", PLC_RECOVERABLE);
    raw_hear(&server);
    raw_say(&server, "{\"id\":2,\"subscribe\":{\"recoverable\":true,"
                     "\"epoch\":\"e\",\"offset\":5}}");
    called("a:subscribing(0) a:subscribed(0) ");
    assert_int_equal(publish("one"), PL_OK);
    raw_hear(&server);
    return s;
}

#define LOST "a:subscribing(1) connecting(1) one:unknown "

static const struct {
    const char *says, *log;
    uint64_t offset; /* of the subscription behind it; 0: any */
} rows[] = {
    /* replies to nothing, and twice */
    {"{\"id\":99,\"publish\":{}}\n{\"id\":0,\"publish\":{}}", "one:done ", 5},
    {"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{}}", "one:done ", 5},
    /* replies of another kind */
    {"{\"id\":3,\"rpc\":{\"data\":1}}",
     "error(2 a reply of another kind) " LOST, 5},
    {"{\"id\":3}", "error(2 a reply of another kind) " LOST, 5},
    {"{\"id\":3,\"error\":{\"code\":100,\"message\":\"x\",\"temporary\":true}}",
     "one:refused ", 5},
    /* bytes that are not the protocol */
    {"nonsense", "error(2 not the protocol: ", 5},
    {"{\"id\":3,\"publish\":", "error(2 not the protocol: ", 5},
    /* epochs and offsets */
    {PUSH("\"pub\":{\"data\":1,\"offset\":100,\"epoch\":\"x\"}") "\n" PUSH(
         "\"pub\":{\"data\":2,\"offset\":50}") "\n" PUSH("\"pub\":{\"data\":"
                                                         "3}"),
     "a:1 a:2 a:3 one:done ", 100},
    /* pushes for nothing */
    {"{\"push\":{\"channel\":\"b\",\"pub\":{\"data\":1}}}\n"
     "{\"push\":{\"channel\":\"\",\"pub\":{\"data\":1}}}\n"
     "{\"push\":{\"id\":77,\"pub\":{\"data\":1}}}\n{\"push\":{\"other\":{}}}",
     "one:done ", 5},
    /* unsubscribe pushes of each range */
    {PUSH("\"unsubscribe\":{\"code\":0}"), "a:unsubscribed(0) one:done ", 0},
    {PUSH("\"unsubscribe\":{\"code\":2000}"), "a:unsubscribed(2000) one:done ",
     0},
    {PUSH("\"unsubscribe\":{\"code\":2499}"), "a:unsubscribed(2499) one:done ",
     0},
    {PUSH("\"unsubscribe\":{\"code\":2500}"), "a:subscribing(2500) one:done ",
     5},
    {PUSH("\"unsubscribe\":{\"code\":2502}"), "a:subscribing(2502) one:done ",
     0},
    /* an end by a push */
    {"{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"{}\"}}}",
     "a:subscribing(1) connecting(3001) one:unknown ", 5},
    {"{\"push\":{\"disconnect\":{\"code\":3500,\"reason\":\"null\"}}}",
     "a:subscribing(1) disconnected(3500) one:unknown ", 5},
};

static void a_server_that_says_what_does_not_fit(void **state)
{
    char epoch[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client_options.backoff_min_ms = client_options.backoff_max_ms = LONG_MS;
        struct plc_sub *s = begin_row();
        raw_say(&server, rows[i].says);
        raw_say(&server, "{\"id\":3,\"publish\":{}}");
        await_word(rows[i].log);
        await_word("one:");
        assert_ptr_equal(strstr(log_, rows[i].log), log_);
        if (rows[i].offset > 0)
            assert_int_equal(plc_sub_position(s, epoch), rows[i].offset);
        tear_down(NULL);
        set_up(NULL);
    }
}

/* --- Logins --- */

static bool has_answer(void)
{
    return strstr(log_, "connected(0) ") != NULL ||
           strstr(log_, "error(1 ") != NULL;
}

static void a_login_that_is_never_answered_is_tried_again(void **state)
{
    (void)state;
    client_options.timeout_ms = 50;
    create_client();
    for (int i = 0; i < 2; i++) {
        raw_accept(&server);
        raw_upgrade(&server);
        raw_hear(&server);
        await_word("error(1 no reply to connect in time) ");
        log_[0] = '\0';
    }
    assert_int_equal(publish("one"), PL_OK);
    await_word("one:not sent "); /* at its own time */
    do {                         /* a slow machine may answer too late */
        log_[0] = '\0';
        raw_login(&server, HELLO);
        await(has_answer);
    } while (strstr(log_, "connected(0) ") == NULL);
}

static void a_login_is_refused_for_good_or_not_by_its_code(void **state)
{
    static const char *const errors[] = {
        "{\"code\":109,\"message\":\"x\"}",
        "{\"code\":100,\"message\":\"x\",\"temporary\":true}",
        "{}",
        "{\"code\":101,\"message\":\"x\"}",
    };
    char reply[100];

    (void)state;
    create_client();
    for (int i = 0; i < 4; i++) {
        raw_accept(&server);
        raw_upgrade(&server);
        snprintf(reply, sizeof reply, "{\"id\":%u,\"error\":%s}",
                 raw_id(raw_hear(&server)), errors[i]);
        raw_say(&server, reply);
    }
    called("connecting(0) error(109 x) error(100 x) error(0 ) "
           "disconnected(101) ");
}

static void a_subscribe_that_is_never_answered_is_left(void **state)
{
    (void)state;
    client_options.timeout_ms = 400;
    log_in();
    subscribe("a", 0);
    raw_hear(&server);
    called("a:subscribing(0) connecting(3) ");
    raw_login(&server, HELLO);
    await_word("connected(0) ");
}

/* --- Ends --- */

static void a_close_counts_by_its_code_alone(void **state)
{
    static const struct {
        uint16_t code;
        bool is_final;
    } ends[] = {{1000, false}, {1001, false}, {1009, true}, {1012, false},
                {3000, false}, {3499, false}, {3500, true}, {3999, true},
                {4499, false}, {4500, true},  {4999, true}, {0, false}};

    (void)state;
    create_client();
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        raw_login(&server, HELLO);
        await_word("connected(0) ");
        log_[0] = '\0';
        if (ends[i].code > 0)
            raw_say_close(&server, ends[i].code, "{\"reconnect\":true}");
        raw_end(&server);
        await_word(ends[i].is_final ? "disconnected(" : "connecting(");
        if (ends[i].is_final)
            assert_int_equal(plc_client_connect(client), PL_OK);
    }
}

static void a_server_that_always_closes_costs_nothing(void **state)
{
    (void)state;
    create_client();
    for (int i = 0; i < ROUNDS; i++) {
        raw_login(&server, HELLO);
        raw_say_close(&server, 3008, "slow");
        raw_end(&server);
        await_word("connecting(3008) ");
        log_[0] = '\0';
    }
    /* the status is that of the last turn */
    assert_in_range(status_now().reconnects, ROUNDS - 3, ROUNDS);
}

/* Connections of many clients, which raw_server would close. */
static int crowd[CROWD];

static void gather(bool creates)
{
    client_options.state = NULL;
    client_options.error = NULL;
    for (int i = 0; i < CROWD; i++) {
        if (creates)
            create_client();
        raw_login(&server, HELLO);
        crowd[i] = server.fd;
        server.fd = -1;
        server.in.len = 0;
    }
}

static void disperse(void)
{
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}

static void a_crowd_that_is_told_to_leave_comes_back(void **state)
{
    (void)state;
    gather(true);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(send(crowd[i], "\x88\x02\x0b\xb9", 4, 0), 4);
    disperse();
    gather(false);
    disperse();
}

static void mute_servers_share_one_deadline(void **state)
{
    (void)state;
    gather(true);
    while (status_now().open < CROWD) /* the last reply is on its way */
        sched_yield();
    plc_group_stop(group, 50);
    called("stopped(100) ");
    disperse();
}

/* --- Much --- */

static unsigned publications;

static void count(struct plc_sub *s, const struct plc_publication *p, void *arg)
{
    (void)s, (void)arg;
    publications += p->offset == publications + 1;
}

static uint64_t most_waiting; /* events */

static bool has_all(void)
{
    uint64_t waiting = status_now().event_queue_size;

    most_waiting = waiting > most_waiting ? waiting : most_waiting;
    return publications == MANY;
}

static struct plc_sub *subscribe_counting(void)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = "a",
                                .flags = PLC_RECOVERABLE,
                                .publication = count};
    struct plc_sub *s;

    publications = 0;
    log_in();
    assert_int_equal(plc_subscribe(&s, client, &o), PL_OK);
    raw_hear(&server);
    return s;
}

static void a_hundred_thousand_recovered_come_as_sent(void **state)
{
    struct pl_buf b = {0};
    char epoch[64];

    (void)state;
    struct plc_sub *s = subscribe_counting();
    pl_buf_printf(&b, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                      "\"e\",\"recovered\":true,\"publications\":[");
    for (int i = 1; i <= MANY; i++)
        pl_buf_printf(&b, "%s{\"data\":1,\"offset\":%d}", i == 1 ? "" : ",", i);
    pl_buf_put(&b, "]}}", 4);
    raw_say(&server, b.data);
    pl_buf_fini(&b);
    await(has_all);
    assert_int_equal(plc_sub_position(s, epoch), MANY);
}

/* Nobody dispatches while the kernel takes bytes; then all that wait. */
static void a_program_that_is_slow_pauses_the_server(void **state)
{
    struct pl_buf b = {0};
    size_t sent = 0;

    (void)state;
    subscribe_counting();
    raw_say(&server, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                     "\"e\"}}");
    for (int i = 1; i <= MANY; i++) {
        char push[90];
        int n = snprintf(push, sizeof push,
                         PUSH("\"pub\":{\"data\":1,\"offset\":%d}"), i);

        pl_buf_put_byte(&b, (char)0x81);
        pl_buf_put_byte(&b, (char)n);
        pl_buf_put(&b, push, (size_t)n);
    }
    most_waiting = 0;
    while (sent < b.len) {
        ssize_t n = send(server.fd, b.data + sent, b.len - sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0)
            sent += (size_t)n;
        else
            plc_group_dispatch(group, 1000);
        has_all();
    }
    pl_buf_fini(&b);
    await(has_all);
    assert_in_range(most_waiting, 1, 4200);
}

static void a_server_that_answers_nothing_costs_the_bound(void **state)
{
    unsigned accepted = 0;
    enum pl_err rc = PL_OK;

    (void)state;
    link_options.queue_messages = 1000;
    log_in();
    for (int i = 0; i < MANY; i++) {
        rc = plc_publish(client, "a", "1", 1, NULL, NULL);
        accepted += rc == PL_OK;
    }
    assert_int_equal(rc, PL_EFULL);
    assert_int_equal(accepted, 1000);
    assert_int_equal(status_now().turned_away, MANY - 1000);
}

static unsigned unknown, not_sent, early;

static void count_outcome(const struct plc_result *r, void *arg)
{
    (void)arg;
    early += r->outcome == PLC_UNKNOWN && not_sent > 0;
    unknown += r->outcome == PLC_UNKNOWN;
    not_sent += r->outcome == PLC_NOT_SENT;
}

static bool are_blocks_settled(void)
{
    return unknown + not_sent == BLOCKS;
}

static void a_server_that_reads_nothing_is_left(void **state)
{
    static char block[BLOCK + 2];
    int small = 4096;

    (void)state;
    unknown = not_sent = early = 0;
    memset(block, 'x', sizeof block);
    block[0] = block[BLOCK + 1] = '"';
    link_options.send_ms = 50;
    client_options.timeout_ms = 400;
    setsockopt(server.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    log_in();
    for (int i = 0; i < BLOCKS; i++)
        assert_int_equal(
            plc_publish(client, "a", block, sizeof block, count_outcome, NULL),
            PL_OK);
    await(are_blocks_settled);
    await_word("error(2 the server reads nothing) connecting(1) ");
    assert_true(unknown > 0 && not_sent > 0);
    assert_int_equal(early, 0);
    raw_login(&server, HELLO);
    await_word("connected(0) ");
}

/* --- Stops --- */

static _Atomic(void *) unanswered; /* a question about a name */

static void keep_question(const char *host, void *answer, void *arg)
{
    (void)host, (void)arg;
    atomic_store(&unanswered, answer);
}

static void in_resolving(void)
{
    snprintf(url, sizeof url, "ws://slow.test:1/");
    unanswered = NULL;
    link_options.resolve = keep_question;
    create_client();
    while (atomic_load(&unanswered) == NULL)
        sched_yield();
}

static char proxy[60];

static void in_a_proxy(void)
{
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", server.port);
    link_options.proxy = proxy;
    create_client();
    raw_accept(&server);
    raw_take(&server, proxy, 1);
}

static void in_tls(void)
{
    char byte;

    use_tls();
    create_client();
    raw_accept(&server);
    raw_take(&server, &byte, 1);
}

static void in_the_handshake(void)
{
    char byte;

    create_client();
    raw_accept(&server);
    raw_take(&server, &byte, 1);
}

static void in_the_login(void)
{
    create_client();
    raw_accept(&server);
    raw_upgrade(&server);
    raw_hear(&server);
}

static struct plc_token *question;

static void keep_token(struct plc_client *c, struct plc_token *t, void *arg)
{
    (void)c, (void)arg;
    question = t;
}

static bool has_question(void)
{
    return question != NULL;
}

static void in_a_question(void)
{
    question = NULL;
    client_options.get_token = keep_token;
    create_client();
    await(has_question);
}

static void in_recovering(void)
{
    log_in();
    subscribe("a", PLC_RECOVERABLE);
    raw_hear(&server);
}

static void in_closing(void)
{
    log_in();
    assert_int_equal(plc_client_disconnect(client), PL_OK);
    assert_string_equal(raw_hear(&server), "<close 1000>");
}

static void a_stop_ends_in_every_state(void **state)
{
    static const struct {
        void (*reach)(void);
        int forced; /* connections that the deadline cuts; ANY: it may end */
    } stages[] = {
        {in_resolving, 0},     {in_a_proxy, 0},     {in_tls, 0},
        {in_the_handshake, 0}, {in_the_login, ANY}, {in_a_question, 0},
        {in_recovering, 1},    {in_closing, ANY},
    };
    char wanted[40];

    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        stages[i].reach();
        plc_group_stop(group, 30);
        snprintf(wanted, sizeof wanted, "stopped(%d) ", stages[i].forced);
        await_word("stopped(");
        if (stages[i].forced != ANY && strstr(log_, wanted) == NULL)
            fail_msg("state %zu: %s", i, log_);
        if (stages[i].reach == in_resolving)
            plc_resolved(unanswered, NULL, 0);
        if (stages[i].reach == in_a_question)
            plc_token_answer(question, "late");
        tear_down(NULL);
        set_up(NULL);
    }
}

/* --- Callbacks that end it --- */

static void stop_group(void)
{
    plc_group_stop(group, 0);
}

static void destroy_client(void)
{
    plc_client_destroy(client);
}

static void a_callback_may_end_it_while_bytes_come(void **state)
{
    static void (*const ends[])(void) = {stop_group, destroy_client};

    (void)state;
    for (int i = 0; i < 2; i++) {
        begin_row();
        in_callback = ends[i];
        for (int n = 6; n < 200; n++)
            raw_say(&server, PUSH("\"pub\":{\"data\":1}"));
        await_word("one:");
        tear_down(NULL);
        set_up(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_says_what_does_not_fit),
        TEST(a_login_that_is_never_answered_is_tried_again),
        TEST(a_login_is_refused_for_good_or_not_by_its_code),
        TEST(a_subscribe_that_is_never_answered_is_left),
        TEST(a_close_counts_by_its_code_alone),
        TEST(a_server_that_always_closes_costs_nothing),
        TEST(a_crowd_that_is_told_to_leave_comes_back),
        TEST(mute_servers_share_one_deadline),
        TEST(a_hundred_thousand_recovered_come_as_sent),
        TEST(a_program_that_is_slow_pauses_the_server),
        TEST(a_server_that_answers_nothing_costs_the_bound),
        TEST(a_server_that_reads_nothing_is_left),
        TEST(a_stop_ends_in_every_state),
        TEST(a_callback_may_end_it_while_bytes_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
