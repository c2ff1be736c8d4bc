/* SPDX-License-Identifier: Apache-2.0 */
/* test_hoarders.c - clients that take names of their own as fast as they can,
 * alone, coming back, and many at once: others log in meanwhile and get all
 * that they are owed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"
#include "token.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { BATCH = 100, RETURNS = 10, USERS = 40, CHANNELS = 200 };

static char *token_of(const char *user, const char *channel)
{
    const struct pl_token_key key = {.secret = PL_SPAN(SECRET)};
    struct pl_span channels[] = {
        pl_span_of(channel == NULL ? "" : channel),
    };
    struct pl_token_grant grant = {.user = pl_span_of(user),
                                   .issued_at_s = 1700000000,
                                   .channels = channels,
                                   .channel_count = channel != NULL};
    char *token;

    assert_int_equal(pl_token_create(&key, &grant, &token, NULL), PL_OK);
    return token;
}

static void enter_as(struct peer *p, const struct stage *s, const char *user,
                     const char *channel)
{
    char *token = token_of(user, channel);

    peer_enter(p, s->broker.port, PEER_JSON, token, NULL);
    free(token);
}

/* Ask for as many new names in one message; gives how many it got. */
static unsigned hoard(struct peer *p, unsigned count)
{
    static unsigned number;
    struct peer_reply r;
    char name[32];
    unsigned got = 0;

    peer_cork(p);
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "mine.%u", number++);
        if (i % 2 == 0)
            peer_subscribe(p, name);
        else
            peer_publish(p, name, "1");
    }
    peer_uncork(p);
    for (unsigned answered = 0; answered < count;) {
        assert_int_equal(peer_wait(p, &r), PEER_GOT);
        if (r.id == 0)
            continue;
        answered++;
        got += r.kind == PEER_RESULT;
        if (r.kind != PEER_RESULT) /* the rate, or limits.channels */
            assert_true(r.code == 111 || r.code == 106);
    }
    return got;
}

/* One with a name logs in, and speaks in the room that is there. */
static void visit(const struct stage *s, unsigned number)
{
    struct peer_reply r;
    struct peer p;
    char user[16];

    snprintf(user, sizeof user, "good%u", number);
    enter_as(&p, s, user, NULL);
    peer_join(&p, "room");
    peer_publish(&p, "room", "\"hello\"");
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("\"hello\"")));
    peer_fini(&p);
}

static void who_hoards_and_comes_back_gets_no_more_than_its_rate(void **state)
{
    static const char *const sets[] = {"auth.hmac_secret=" SECRET, "loops=2",
                                       "limits.new_channels_per_minute=1",
                                       NULL};
    struct peer first, p;
    struct stage s;
    unsigned got = 0;

    (void)state;
    stage_begin(&s, sets);
    enter_as(&first, &s, "host", "room");
    for (unsigned i = 0; i < RETURNS; i++) {
        enter_as(&p, &s, "hoarder", NULL);
        got += hoard(&p, BATCH);
        visit(&s, i);
        peer_reset(&p);
    }
    print_message("%u of %u names\n", got, RETURNS * BATCH);
    assert_in_range(got, 1, BATCH); /* of RETURNS times as many */
    remote_await_least(&s.broker, "commands.refused_new_channels",
                       (RETURNS - 1) * BATCH);
    assert_true(remote_has_logged(&s.broker, "too many new channels"));
    assert_true(remote_has_logged(&s.broker, "user=hoarder"));
    assert_true(
        remote_has_logged(&s.broker, "key=limits.new_channels_per_minute"));
    assert_int_equal(remote_number(&s.broker, "authentication.incomplete"), 0);
    peer_fini(&first);
    stage_end(&s);
}

/* Together they use up limits.channels, and stay. */
static void whoever_logs_in_when_hoarders_have_it_all_gets_in(void **state)
{
    static const char *const sets[] = {"auth.hmac_secret=" SECRET, "loops=1",
                                       "limits.channels=200", NULL};
    static struct peer hoarders[USERS];
    struct peer first, late;
    struct peer_reply r;
    struct stage s;
    char user[16];
    unsigned got = 0;

    (void)state;
    stage_begin(&s, sets);
    enter_as(&first, &s, "host", "room");
    for (unsigned i = 0; i < USERS; i++) {
        snprintf(user, sizeof user, "hoarder%u", i);
        enter_as(&hoarders[i], &s, user, NULL);
        got += hoard(&hoarders[i], BATCH);
    }
    assert_true(got < USERS * BATCH);
    enter_as(&late, &s, "late", "news");
    visit(&s, 0);
    remote_await_least(&s.broker, "authentication.incomplete", 2);
    assert_in_range(remote_number(&s.broker, "channels.positions_kept"), 1,
                    CHANNELS);
    peer_join(&late, "room");
    peer_publish(&late, "room", "\"me too\"");
    peer_await_push(&late, PEER_PUBLICATION, &r);
    peer_await_push(&first, PEER_PUBLICATION, &r);
    for (unsigned i = 0; i < USERS; i++)
        peer_fini(&hoarders[i]);
    peer_await_push(&late, PEER_SUBSCRIBED, &r);
    assert_true(pl_span_equal(r.channel, PL_SPAN("#late")));
    peer_await_push(&late, PEER_SUBSCRIBED, &r);
    assert_true(pl_span_equal(r.channel, PL_SPAN("news")));
    peer_publish(&late, "news", "\"here\"");
    peer_await_push(&late, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.channel, PL_SPAN("news")));
    peer_fini(&late);
    peer_fini(&first);
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_hoards_and_comes_back_gets_no_more_than_its_rate),
        cmocka_unit_test(whoever_logs_in_when_hoarders_have_it_all_gets_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
