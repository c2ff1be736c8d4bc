/* SPDX-License-Identifier: Apache-2.0 */
/* test_users.c - who is connected: rows A16, A18 and A20 of what stop and
 * status must guarantee. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "box.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

static const char *const strict[] = {
    "auth.hmac_secret=" SECRET,
    "channels.allow_publish=authenticated",
    "channels.allow_subscribe=authenticated",
    "actors.allow_send=authenticated",
    "connect.timeout=10s",
    NULL,
};

static void start_strict(struct box *b)
{
    box_create_strict(b, strict);
    box_run(b);
}

static void enter_as(struct peer *p, const struct box *b, const char *user,
                     enum peer_encoding encoding)
{
    char *token = box_token(SECRET, user, NULL);

    peer_enter(p, b->port, encoding, token, NULL);
    free(token);
}

static void await_users(const struct box *b, int all, int single, int several)
{
    box_await(b, "users.all", all);
    box_await(b, "users.single", single);
    box_await(b, "users.several", several);
    box_await(b, "registered_users", all); /* counts may pass by their values */
}

/* --- A16 --- */

static void a16_a_user_is_gone_with_the_last_connection(void **st)
{
    struct peer p[6];
    static const char *const users[6] = {"ann", "ann", "ann",
                                         "bob", "cyd", "cyd"};
    struct box b;

    (void)st;
    start_strict(&b);
    for (int i = 0; i < 6; i++)
        enter_as(&p[i], &b, users[i], PEER_JSON);
    await_users(&b, 3, 1, 2);
    peer_fini(&p[5]); /* without a word */
    await_users(&b, 3, 2, 1);
    peer_frame(&p[3], PL_WS_CLOSE, PL_SPAN("\x03\xe8"));
    peer_await_end(&p[3]);
    peer_fini(&p[3]);
    await_users(&b, 2, 1, 1);
    peer_reset(&p[0]);
    peer_fini(&p[1]);
    await_users(&b, 2, 2, 0);
    peer_fini(&p[2]);
    peer_fini(&p[4]);
    await_users(&b, 0, 0, 0);
    box_destroy(&b);
}

enum { CHURN_USERS = 7, CHURN_PEERS = 24, CHURN_STEPS = 300 };

/* What the counts must be. */
static void count_model(const int *user_of, int *all, int *single, int *several)
{
    *all = *single = *several = 0;
    for (int u = 0; u < CHURN_USERS; u++) {
        int n = 0;

        for (int i = 0; i < CHURN_PEERS; i++)
            n += user_of[i] == u;
        *all += n > 0;
        *single += n == 1;
        *several += n > 1;
    }
}

static void a16_the_counts_follow_any_churn(void **st)
{
    struct peer p[CHURN_PEERS];
    int user_of[CHURN_PEERS], all, single, several;
    unsigned seed = 20;
    struct box b;

    (void)st;
    start_strict(&b);
    for (int i = 0; i < CHURN_PEERS; i++)
        user_of[i] = -1;
    for (int step = 0; step < CHURN_STEPS; step++) {
        int i = rand_r(&seed) % CHURN_PEERS;
        char name[16];

        if (user_of[i] < 0) {
            user_of[i] = rand_r(&seed) % CHURN_USERS;
            snprintf(name, sizeof name, "user-%d", user_of[i]);
            enter_as(&p[i], &b, name, step % 2 ? PEER_JSON : PEER_PROTOBUF);
        } else {
            user_of[i] = -1;
            if (step % 3)
                peer_fini(&p[i]);
            else
                peer_reset(&p[i]);
        }
        if (step % 10 != 9)
            continue;
        count_model(user_of, &all, &single, &several);
        await_users(&b, all, single, several);
    }
    for (int i = 0; i < CHURN_PEERS; i++) {
        if (user_of[i] >= 0)
            peer_fini(&p[i]);
    }
    await_users(&b, 0, 0, 0);
    box_destroy(&b);
}

/* --- A18 --- */

/* A connect and a publication in one message: if the first is refused nobody
 * may see the second. */
static void enter_and_publish(struct peer *p, const struct box *b,
                              const char *token)
{
    assert_int_equal(peer_open(p, b->port, PEER_JSON), 101);
    peer_cork(p);
    peer_connect(p, token);
    peer_publish(p, "room", "\"first words\"");
    peer_uncork(p);
}

static void
a18_attempts_are_passed_and_failed_and_a_failure_is_nobody(void **st)
{
    char *good[4], *bad[3];
    struct peer p[4], q[3];
    struct peer_reply r;
    struct box b;

    (void)st;
    start_strict(&b);
    for (int i = 0; i < 4; i++) {
        char user[24];

        snprintf(user, sizeof user, "user-%d", i);
        good[i] = box_token(SECRET, user, NULL);
    }
    bad[0] = box_token("another secret, as long as the real one", "eve", NULL);
    bad[1] = box_token(SECRET, "eve", "\"exp\":1000");
    bad[2] = strdup("this.is.nothing");
    for (int i = 0; i < 4; i++) {
        enter_and_publish(&p[i], &b, good[i]);
        peer_await(&p[i], 1, &r);
        assert_int_equal(r.kind, PEER_RESULT);
        peer_await(&p[i], 2, &r);
        assert_int_equal(r.kind, PEER_RESULT);
    }
    for (int i = 0; i < 3; i++) {
        enter_and_publish(&q[i], &b, bad[i]);
        while (peer_wait(&q[i], &r) == PEER_GOT)
            assert_int_not_equal(r.kind, PEER_RESULT);
        uint16_t code = peer_await_end(&q[i]);
        assert_true(code == 3500 || code == 3501);
    }
    box_await(&b, "authentication.attempts", 7);
    assert_int_equal(box_number(&b, "authentication.passed"), 4);
    assert_int_equal(box_number(&b, "authentication.failed"), 3);
    await_users(&b, 4, 4, 0);
    box_await(&b, "connections.open", 4);
    box_await(&b, "messages.publications", 4);
    box_rest(&b);
    assert_int_equal(box_number(&b, "messages.publications"), 4);
    for (int i = 0; i < 4; i++) {
        peer_fini(&p[i]);
        free(good[i]);
    }
    for (int i = 0; i < 3; i++) {
        peer_fini(&q[i]);
        free(bad[i]);
    }
    box_destroy(&b);
}

/* --- A20 --- */

/* Every connection of the user gets what is sent to the user, and each gets
 * what is meant for it alone. */
static void
a20_single_and_multiple_connections_of_users_live_together(void **st)
{
    struct peer one[2], many[3];
    char client[64], message[256];
    struct peer_reply r;
    char *token;
    struct box b;

    (void)st;
    start_strict(&b);
    enter_as(&one[0], &b, "ann", PEER_JSON);
    enter_as(&one[1], &b, "bob", PEER_PROTOBUF);
    enter_as(&many[0], &b, "cyd", PEER_JSON);
    enter_as(&many[1], &b, "cyd", PEER_PROTOBUF);
    token = box_token(SECRET, "cyd", NULL);
    peer_enter(&many[2], b.port, PEER_JSON, token, client);
    free(token);
    await_users(&b, 3, 2, 1);

    for (int i = 0; i < 2; i++) { /* a room for all */
        peer_join(&one[i], "room");
        peer_join(&many[i], "room");
    }
    peer_join(&many[2], "room");
    peer_publish(&one[0], "room", "\"to all\"");
    for (int i = 0; i < 3; i++) {
        peer_await_push(&many[i], PEER_PUBLICATION, &r);
        assert_true(pl_span_equal(r.channel, PL_SPAN("room")));
        assert_true(pl_span_equal(r.data, PL_SPAN("\"to all\"")));
    }
    peer_await_push(&one[1], PEER_PUBLICATION, &r);

    peer_await(&one[1],
               peer_rpc(&one[1], "actor.send",
                        "{\"to\":\"user/cyd\",\"type\":\"hi\",\"body\":7}"),
               &r);
    assert_int_equal(r.kind, PEER_RESULT);
    for (int i = 0; i < 3; i++) { /* one result a connection */
        peer_await_push(&many[i], PEER_PUBLICATION, &r);
        assert_true(pl_span_equal(r.channel, PL_SPAN("#cyd")));
    }

    snprintf(message, sizeof message,
             "{\"to\":\"conn/%s\",\"type\":\"hi\",\"body\":8}", client);
    peer_await(&one[0], peer_rpc(&one[0], "actor.send", message), &r);
    assert_int_equal(r.kind, PEER_RESULT);
    peer_await_push(&many[2], PEER_MESSAGE, &r); /* the named one alone */
    box_rest(&b);
    assert_false(peer_read(&many[0]));
    assert_false(peer_read(&many[1]));

    for (int i = 0; i < 3; i++)
        peer_fini(&many[i]);
    await_users(&b, 2, 2, 0);
    peer_fini(&one[0]);
    peer_fini(&one[1]);
    await_users(&b, 0, 0, 0);
    assert_int_equal(box_number(&b, "errors.count"), 0);
    box_destroy(&b);
}

/* The newest of a user is the one that goes, whatever loop it is on. */
static void
connections_beyond_the_limit_of_a_user_are_closed_with_3504(void **st)
{
    const char *sets[] = {"auth.hmac_secret=" SECRET,
                          "limits.user_connections=2", NULL};
    struct peer p[5];
    struct box b;

    (void)st;
    box_create_strict(&b, sets);
    box_run(&b);
    enter_as(&p[0], &b, "ann", PEER_JSON);
    enter_as(&p[1], &b, "ann", PEER_JSON);
    enter_as(&p[2], &b, "bob", PEER_JSON);
    await_users(&b, 2, 1, 1);
    for (int i = 0; i < 3; i++) {
        char *token = box_token(SECRET, "ann", NULL);

        assert_int_equal(peer_open(&p[3], b.port, PEER_PROTOBUF), 101);
        peer_connect(&p[3], token); /* its answer may come before the end */
        free(token);
        assert_int_equal(peer_await_end(&p[3]), 3504);
        peer_fini(&p[3]);
        await_users(&b, 2, 1, 1);
    }
    peer_fini(&p[0]);
    await_users(&b, 2, 2, 0);
    enter_as(&p[0], &b, "ann", PEER_JSON);
    await_users(&b, 2, 1, 1);
    for (int i = 0; i < 3; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
}

/* --- Blocked users and revoked tokens --- */

static void refuse_as(const struct box *b, const char *user, int code)
{
    char *token = box_token(SECRET, user, NULL);
    struct peer p;

    peer_open(&p, b->port, PEER_JSON);
    peer_connect(&p, token);
    assert_int_equal(peer_await_end(&p), code);
    peer_fini(&p);
    free(token);
}

static void a_user_is_kept_out_by_a_block_and_by_old_tokens(void **st)
{
    struct peer p[3];
    struct box b;

    (void)st;
    start_strict(&b);
    enter_as(&p[0], &b, "ann", PEER_JSON);
    enter_as(&p[1], &b, "bob", PEER_PROTOBUF);
    assert_int_equal(pl_broker_block(b.broker, "ann", 0, NULL, NULL), PL_OK);
    assert_int_equal(peer_await_end(&p[0]), 3503);
    refuse_as(&b, "ann", 3503);
    box_await(&b, "authentication.denials", 1);
    assert_int_equal(pl_broker_unblock(b.broker, "ann", NULL, NULL), PL_OK);
    box_await(&b, "authentication.denials", 0);
    enter_as(&p[2], &b, "ann", PEER_JSON);
    assert_int_equal(pl_broker_revoke_before(b.broker, "ann", NULL,
                                             (int64_t)time(NULL) + 3600, 0,
                                             NULL, NULL),
                     PL_OK);
    assert_int_equal(peer_await_end(&p[2]), 3500);
    refuse_as(&b, "ann", 3500);
    peer_await(&p[1], peer_subscribe(&p[1], "room"), &(struct peer_reply){0});
    for (int i = 0; i < 3; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a16_a_user_is_gone_with_the_last_connection),
        cmocka_unit_test(a16_the_counts_follow_any_churn),
        cmocka_unit_test(
            a18_attempts_are_passed_and_failed_and_a_failure_is_nobody),
        cmocka_unit_test(
            a20_single_and_multiple_connections_of_users_live_together),
        cmocka_unit_test(
            connections_beyond_the_limit_of_a_user_are_closed_with_3504),
        cmocka_unit_test(a_user_is_kept_out_by_a_block_and_by_old_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
