/* SPDX-License-Identifier: Apache-2.0 */
/* test_patterns.c - the embedding program gives channels rules by pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "box.h"
#include "peer.h"

static const char *const sets[] = {"channels.history_size=5",
                                   "channels.data=json", NULL};

static void give(const struct box *b, const char *pattern, const char *settings)
{
    assert_int_equal(pl_broker_rule(b->broker, pattern, settings), PL_OK);
}

/* The error of the command, 0: a result; *reply is its answer. */
static uint32_t error_of(struct peer *p, uint32_t id, struct peer_reply *reply)
{
    peer_await(p, id, reply);
    return reply->kind == PEER_ERROR ? reply->code : 0;
}

/* Subscribe, publish eight times, and return how many the history has; or an
 * error, below 0. */
static int kept_of(const struct box *b, const char *channel)
{
    struct peer_reply reply;
    struct peer p;
    char text[128];
    int kept = 0;

    peer_enter(&p, b->port, PEER_JSON, NULL, NULL);
    uint32_t error = error_of(&p, peer_subscribe(&p, channel), &reply);
    for (int i = 0; i < 8 && error == 0; i++)
        error = error_of(&p, peer_publish(&p, channel, "\"words\""), &reply);
    int len = snprintf(text, sizeof text,
                       "{\"id\":%u,\"history\":{\"channel\":\"%s\","
                       "\"limit\":-1}}",
                       ++p.last_id, channel);
    if (error == 0) {
        peer_frame(&p, PL_WS_TEXT, (struct pl_span){text, (size_t)len});
        error = error_of(&p, p.last_id, &reply);
    }
    for (size_t i = 0; error == 0 && i + 7 <= reply.body.len; i++)
        kept += memcmp(reply.body.at + i, "\"words\"", 7) == 0;
    peer_fini(&p);
    return error != 0 ? -(int)error : kept;
}

/* The loops have other rules a moment later. */
static void await_kept(const struct box *b, const char *channel, int kept)
{
    while (kept_of(b, channel) != kept)
        continue;
}

static void a_pattern_gives_its_channels_rules_and_no_others(void **state)
{
    struct box b;

    (void)state;
    box_create(&b, sets);
    give(&b, "room:*", "history_size=2");
    give(&b, "bare:*", "history_size=0");
    give(&b, "shut:*", "allow_publish=none");
    box_run(&b);
    assert_int_equal(kept_of(&b, "room:a"), 2);
    assert_int_equal(kept_of(&b, "room:a:b"), 2);
    assert_int_equal(kept_of(&b, "bare:a"), -108);
    assert_int_equal(kept_of(&b, "shut:a"), -103);
    assert_int_equal(kept_of(&b, "room"), 5);
    assert_int_equal(kept_of(&b, "rooms:a"), -102);
    assert_int_equal(kept_of(&b, ":a"), 5);
    box_destroy(&b);
}

static void a_star_is_all_that_no_other_pattern_names(void **state)
{
    struct box b;

    (void)state;
    box_create(&b, sets);
    give(&b, "*", "history_size=3");
    give(&b, "room:*", "presence=true");
    box_run(&b);
    assert_int_equal(kept_of(&b, "a"), 3);
    assert_int_equal(kept_of(&b, "hall:a"), 3);
    assert_int_equal(kept_of(&b, "room:a"), 5); /* as configured */
    box_destroy(&b);
}

static void the_last_rules_of_a_pattern_count(void **state)
{
    struct box b;

    (void)state;
    box_create(&b, sets);
    give(&b, "room:*", "history_size=2 allow_publish=none");
    give(&b, "room:*", "  history_size=3 ");
    box_run(&b);
    assert_int_equal(kept_of(&b, "room:a"), 3);
    give(&b, "room:*", "history_size=4");
    await_kept(&b, "room:a", 4);
    await_kept(&b, "room:b", 4);
    give(&b, "room:*", "");
    await_kept(&b, "room:a", 5);
    box_stop(&b);
    give(&b, "room:*", "history_size=1");
    box_run(&b);
    assert_int_equal(kept_of(&b, "room:a"), 1);
    assert_int_equal(pl_broker_reload(b.broker), PL_OK); /* they stay */
    await_kept(&b, "a", 5);
    assert_int_equal(kept_of(&b, "room:a"), 1);
    box_destroy(&b);
}

static void posts_may_have_what_the_rules_of_their_channel_allow(void **state)
{
    struct box b;

    (void)state;
    box_create(&b, sets);
    give(&b, "raw:*", "data=binary");
    box_run(&b);
    assert_int_equal(
        pl_broker_post(b.broker, "raw:a", "no json", 7, NULL, NULL, NULL),
        PL_OK);
    assert_int_equal(
        pl_broker_post(b.broker, "a", "no json", 7, NULL, NULL, NULL),
        PL_EINVAL);
    box_destroy(&b);
}

static void what_is_no_pattern_or_no_key_is_refused(void **state)
{
    static const char *const patterns[] = {"",     "room", "room:",  ":*",
                                           "**",   "a*:*", "a:b:*",  "$a:*",
                                           "#a:*", "@a:*", "room:a*"};
    static const struct {
        const char *settings, *found;
    } wrong[] = {
        {"history=2", "channels.history"},
        {"history_size=many", "channels.history_size"},
        {"history_size", "history_size"},
        {"history_size=1 slow=never", "channels.slow"},
        {"allow_send=all", "channels.allow_send"},
    };
    struct box b;

    (void)state;
    box_create(&b, sets);
    box_log_begin();
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        assert_int_equal(pl_broker_rule(b.broker, patterns[i], "data=json"),
                         PL_EINVAL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(pl_broker_rule(b.broker, "room:*", wrong[i].settings),
                         PL_EINVAL);
        assert_true(box_log_has(wrong[i].found));
    }
    box_log_end();
    box_run(&b);
    assert_int_equal(kept_of(&b, "room:a"), -102); /* nothing has changed */
    assert_int_equal(kept_of(&b, "a"), 5);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_gives_its_channels_rules_and_no_others),
        cmocka_unit_test(a_star_is_all_that_no_other_pattern_names),
        cmocka_unit_test(the_last_rules_of_a_pattern_count),
        cmocka_unit_test(posts_may_have_what_the_rules_of_their_channel_allow),
        cmocka_unit_test(what_is_no_pattern_or_no_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
