/* SPDX-License-Identifier: Apache-2.0 */
/* test_handlers.c - custom messages and who handles them: row A17, and what
 * parley.h promises about calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "box.h"
#include "gate.h"
#include "peer.h"

static uint32_t error_of(struct peer *p, uint32_t id)
{
    struct peer_reply r;

    peer_await(p, id, &r);
    return r.kind == PEER_ERROR ? r.code : 0;
}

static void a17_a_registered_type_is_handled(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    for (int encoding = PEER_JSON; encoding <= PEER_PROTOBUF; encoding++) {
        box_create(&b, NULL);
        assert_int_equal(
            pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL), PL_OK);
        assert_int_equal(
            pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL),
            PL_EEXIST);
        box_run(&b);
        peer_enter(&p, b.port, (enum peer_encoding)encoding, NULL, NULL);
        peer_await(&p, peer_rpc(&p, "echo", "{\"a\":[1,2]}"), &r);
        assert_int_equal(r.kind, PEER_RESULT);
        assert_true(pl_span_equal(r.data, PL_SPAN("{\"a\":[1,2]}")));
        peer_send(&p, "{\"type\":\"echo\"}");
        box_await(&b, "handlers.handled", 2);
        assert_int_equal(box_number(&b, "messages.custom"), 2);
        assert_int_equal(box_number(&b, "handlers.unknown"), 0);
        peer_fini(&p);
        box_destroy(&b);
    }
}

static void a17_an_unregistered_type_is_unknown_again(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(error_of(&p, peer_rpc(&p, "late", "1")), 104);
    assert_int_equal(pl_broker_method(b.broker, "late", gate_echo, NULL, NULL),
                     PL_OK); /* while it runs */
    box_await(&b, "custom_handlers", 2);
    box_rest(&b);
    assert_int_equal(error_of(&p, peer_rpc(&p, "late", "1")), 0);
    assert_int_equal(pl_broker_drop_method(b.broker, "late"), PL_OK);
    assert_int_equal(pl_broker_drop_method(b.broker, "late"), PL_ENOENT);
    box_await(&b, "custom_handlers", 1);
    box_rest(&b);
    assert_int_equal(error_of(&p, peer_rpc(&p, "late", "1")), 104);
    assert_int_equal(error_of(&p, peer_rpc(&p, "echo", "1")), 0);
    assert_int_equal(pl_broker_drop_method(b.broker, "echo"), PL_OK);
    box_await(&b, "custom_handlers", 0);
    box_rest(&b);
    assert_int_equal(error_of(&p, peer_rpc(&p, "echo", "1")), 108);
    peer_fini(&p);
    box_destroy(&b);
}

static void a17_an_unknown_type_is_counted_and_answered(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(error_of(&p, peer_rpc(&p, "what", "1")), 104);
    assert_int_equal(error_of(&p, peer_rpc(&p, "connect", "1")), 104);
    box_await(&b, "handlers.unknown", 2);
    peer_send(&p, "{\"type\":\"what\"}"); /* has no answer but the end */
    assert_int_equal(peer_await_end(&p), 3508);
    box_await(&b, "handlers.unknown", 3);
    assert_int_equal(box_number(&b, "handlers.handled"), 0);
    peer_fini(&p);
    box_destroy(&b);
}

enum { LATE_CALLS = 12 };

static void *answer_all(void *arg)
{
    struct pl_call *call;

    for (int i = 0; i < LATE_CALLS; i++) {
        gate_await(arg);
        call = gate_take(arg);
        if (i % 3 == 0)
            pl_call_fail(call, 1234, "not this one");
        else
            pl_call_reply(call, "\"late\"", 6);
    }
    return NULL;
}

static void a17_a_handler_may_answer_later_from_another_thread(void **st)
{
    uint32_t ids[LATE_CALLS];
    unsigned failed = 0;
    struct peer_reply r;
    pthread_t thread;
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    gate_init(&g);
    box_create(&b, NULL);
    pl_broker_method(b.broker, "keep", gate_keep, &g, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, answer_all, &g), 0);
    for (int i = 0; i < LATE_CALLS; i++)
        ids[i] = peer_rpc(&p, "keep", "1");
    for (int i = 0; i < LATE_CALLS; i++) {
        peer_await(&p, ids[i], &r); /* in the order they were answered */
        failed += r.kind == PEER_ERROR && r.code == 1234;
    }
    assert_int_equal(failed, LATE_CALLS / 3);
    pthread_join(thread, NULL);
    peer_fini(&p);
    box_destroy(&b);
    gate_fini(&g);
}

static void an_answer_for_a_client_that_left_is_let_go(void **st)
{
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    gate_hold(&g, &b, &p, "keep", NULL);
    peer_reset(&p);
    box_await(&b, "active_connections", 0);
    assert_int_equal(pl_call_reply(gate_take(&g), "1", 1), PL_OK);
    box_await(&b, "commands.cancelled", 1);
    box_destroy(&b);
    gate_fini(&g);
}

static void a_blocked_handler_is_named_and_counted(void **st)
{
    const char *sets[] = {"handlers.slow=1ms", NULL};
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    uint32_t id = gate_hold(&g, &b, &p, "wall", sets);
    for (int i = 0; i < 2; i++) /* whichever loop it is */
        if (box_has_text(&b, i == 0 ? "loops.0.handler" : "loops.1.handler",
                         "wall"))
            box_await_least(
                &b, i == 0 ? "loops.0.handler_ms" : "loops.1.handler_ms", 2);
    gate_open(&g);
    assert_int_equal(error_of(&p, id), 0);
    box_await(&b, "handlers.slow", 1);
    assert_true(box_log_has("handler blocks its loop"));
    assert_true(box_log_has("handler=wall"));
    peer_fini(&p);
    box_destroy(&b);
    box_log_end();
    gate_fini(&g);
}

/* Lets in whoever says the word, under the name that follows it. */
static void judge(struct pl_call *call, void *context)
{
    const char *data = pl_call_data(call, NULL);

    (void)context;
    if (strcmp(pl_call_token(call), "open sesame") == 0)
        pl_call_accept(call, "ali", "{\"n\":40}");
    else
        pl_call_fail(call, 1403, data == NULL ? "?" : "wrong word");
}

static void a_connect_handler_lets_clients_in_or_not(void **st)
{
    const char *sets[] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                          "admin.socket=off", "loops=2"};
    struct pl_broker_setup o = {.size = sizeof o,
                                .sets = sets,
                                .set_count = 4,
                                .flags = PL_HANDLES_CONNECT};
    struct peer_reply r;
    struct peer p, q;
    struct box b;

    (void)st;
    assert_int_equal(pl_broker_open(&b.broker, &o), PL_OK);
    pl_broker_method(b.broker, "connect", judge, NULL, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, "open sesame", NULL);
    box_await(&b, "users.all", 1);
    assert_int_equal(peer_open(&q, b.port, PEER_JSON), 101);
    peer_await(&q, peer_connect(&q, "open barley"), &r);
    assert_int_equal(r.kind, PEER_ERROR);
    assert_int_equal(r.code, 1403);
    box_await(&b, "authentication.failed", 1);
    assert_int_equal(box_number(&b, "users.all"), 1);
    peer_fini(&p);
    peer_fini(&q);
    box_destroy(&b);
}

enum { WRONG_ANSWERS = 4 };

/* Every wrong answer first; the call is still there after each. */
static void answer_wrongly_first(struct pl_call *call, void *context)
{
    enum pl_err *said = context;
    char user[256] = {0};

    memset(user, 'u', sizeof user - 1);
    said[0] = pl_call_accept(call, user, NULL);
    said[1] = pl_call_accept(call, "\xFF", NULL);
    said[2] = pl_call_accept(call, "ali", "{\"n\":");
    said[3] = pl_call_fail(call, 1403, "\xFF");
    pl_call_accept(call, "ali", "{\"n\":\n40}");
}

static void an_answer_that_would_break_frames_is_refused(void **st)
{
    const char *sets[] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                          "admin.socket=off", "channels.allow_subscribe=all",
                          "channels.allow_publish=all"};
    struct pl_broker_setup o = {.size = sizeof o,
                                .sets = sets,
                                .set_count = 5,
                                .flags = PL_HANDLES_CONNECT};
    enum pl_err said[WRONG_ANSWERS] = {PL_OK};
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    assert_int_equal(pl_broker_open(&b.broker, &o), PL_OK);
    pl_broker_method(b.broker, "connect", answer_wrongly_first, said, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, "any", NULL);
    for (int i = 0; i < WRONG_ANSWERS; i++)
        assert_int_equal(said[i], PL_EINVAL);
    peer_join(&p, "room"); /* its line end would cut what follows in two */
    peer_publish(&p, "room", "1");
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("1")));
    peer_fini(&p);
    box_destroy(&b);
}

static void a_program_publishes_from_any_thread(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    assert_int_equal(pl_broker_post(b.broker, "room", "1", 1, NULL, NULL, NULL),
                     PL_ESTOPPING); /* not started */
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "room");
    assert_int_equal(pl_broker_post(b.broker, "", "1", 1, NULL, NULL, NULL),
                     PL_EINVAL);
    assert_int_equal(pl_broker_post(b.broker, "\xFF", "1", 1, NULL, NULL, NULL),
                     PL_EINVAL);
    for (int i = 0; i < 100; i++) {
        char data[16];
        int len = snprintf(data, sizeof data, "%d", i);

        assert_int_equal(pl_broker_post(b.broker, "room", data, (size_t)len,
                                        NULL, NULL, NULL),
                         PL_OK);
    }
    for (int i = 0; i < 100; i++) {
        peer_await_push(&p, PEER_PUBLICATION, &r);
        assert_int_equal(r.offset, i + 1);
    }
    peer_fini(&p);
    box_destroy(&b);
}

/* What the server API says of `channel`. */
static void ask_history(const char *path, const char *channel, char *answer,
                        size_t size)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char body[64], request[256];
    size_t len = 0;
    ssize_t got;

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    int body_len = snprintf(body, sizeof body,
                            "{\"channel\":\"%s\",\"limit\":-1}", channel);
    int request_len = snprintf(request, sizeof request,
                               "POST /api/history HTTP/1.1\r\nHost: x\r\n"
                               "Connection: close\r\n"
                               "Content-Length: %d\r\n\r\n%s",
                               body_len, body);
    assert_int_equal(write(fd, request, (size_t)request_len), request_len);
    while ((got = read(fd, answer + len, size - 1 - len)) > 0)
        len += (size_t)got;
    answer[len] = '\0';
    close(fd);
}

static void what_a_program_publishes_is_json_wherever_it_is_read(void **st)
{
    static const char data[] = "{\"a\":\n1}";
    char folder[] = "/tmp/parley-XXXXXX", path[64], set[96], answer[4096];
    const char *sets[] = {set, NULL};
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(set, sizeof set, "admin.socket=%s", path);
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "room");
    assert_int_equal(
        pl_broker_post(b.broker, "room", data, strlen(data), NULL, NULL, NULL),
        PL_OK);
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("{\"a\": 1}")));
    ask_history(path, "room", answer, sizeof answer);
    assert_non_null(strstr(answer, "\"data\":{\"a\": 1},\"offset\":1"));
    peer_fini(&p);
    box_destroy(&b);
    rmdir(folder);
}

static void what_is_not_json_or_too_large_is_not_published(void **st)
{
    const char *sets[] = {"channels.data=json", NULL};
    struct box b;

    (void)st;
    box_start(&b, sets);
    assert_int_equal(pl_broker_post(b.broker, "room", "{", 1, NULL, NULL, NULL),
                     PL_EINVAL);
    assert_int_equal(
        pl_broker_post(b.broker, "room", NULL, 0, NULL, NULL, NULL), PL_EINVAL);
    assert_int_equal(
        pl_broker_post(b.broker, "room", "1", SIZE_MAX, NULL, NULL, NULL),
        PL_ETOOBIG);
    assert_int_equal(pl_broker_post(b.broker, "room", "1", 1, NULL, NULL, NULL),
                     PL_OK);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a17_a_registered_type_is_handled),
        cmocka_unit_test(a17_an_unregistered_type_is_unknown_again),
        cmocka_unit_test(a17_an_unknown_type_is_counted_and_answered),
        cmocka_unit_test(a17_a_handler_may_answer_later_from_another_thread),
        cmocka_unit_test(an_answer_for_a_client_that_left_is_let_go),
        cmocka_unit_test(a_blocked_handler_is_named_and_counted),
        cmocka_unit_test(a_connect_handler_lets_clients_in_or_not),
        cmocka_unit_test(an_answer_that_would_break_frames_is_refused),
        cmocka_unit_test(a_program_publishes_from_any_thread),
        cmocka_unit_test(what_a_program_publishes_is_json_wherever_it_is_read),
        cmocka_unit_test(what_is_not_json_or_too_large_is_not_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
