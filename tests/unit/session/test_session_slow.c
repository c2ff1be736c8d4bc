/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_slow.c - channels.slow: what a reader that cannot follow still
 * gets, and that each publication it does not get is counted. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 8192, LEN = 1000, COUNT = 40 };

static struct rig *with(const char *test, const char *slow, bool history)
{
    const char *sets[] = {"limits.outgoing_queue=8KiB", slow,
                          history ? "channels.history_size=100"
                                  : "channels.history_size=0",
                          "channels.join_leave=true"};
    struct rig_options o = {.sets = sets, .set_count = 4};

    return rig_start(test, &o);
}

/* Its data ends with its number. */
static void publish(struct client *c, const char *channel, unsigned number)
{
    char *text = malloc(LEN + 100);

    int at =
        sprintf(text, "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":\"",
                number + 10, channel);
    memset(text + at, 'x', LEN);
    sprintf(text + at + LEN, " %u\"}}", number);
    client_say(c, text);
    free(text);
    rig_run(c->rig, 0);
}

/* The number of a publication in `channel` that comes next, or -1. */
static int next_number(struct client *c, const char *channel)
{
    char pattern[100];
    const char *text = client_next(c);

    snprintf(pattern, sizeof pattern, "{\"push\":{\"channel\":\"%s\",\"pub\":*",
             channel);
    if (text == NULL || !rig_matches(text, pattern))
        return -1;
    return atoi(strchr(text, ' ') + 1);
}

static void assert_bounded(struct client *c)
{
    assert_in_range(pl_session_output_bytes(c->session), 0, LIMIT);
    rig_check_ledgers(c->rig);
}

/* --- drop_oldest --- */

/* Whatever part of a frame the kernel had taken. */
static void the_newest_arrive_when_the_oldest_are_dropped(void **state)
{
    (void)state;
    for (size_t begun = 0; begun < 3000; begun += 171) {
        struct rig *r = with("oldest", "channels.slow=drop_oldest", false);
        struct client *slow = client_join(r, 0), *writer = client_join(r, 0);
        int got, last = -1, count = 0;

        client_subscribe(slow, 2, "c");
        client_take(slow, 0);
        for (unsigned i = 0; i < COUNT; i++) {
            publish(writer, "c", i);
            if (i == 5)
                client_take(slow, begun);
            assert_bounded(slow);
        }
        client_take(slow, SIZE_MAX);
        for (; (got = next_number(slow, "c")) >= 0; count++) {
            assert_true(got > last);
            last = got;
        }
        assert_int_equal(last, COUNT - 1);
        assert_in_range(count, 7, 11);
        assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_OLDEST),
                         COUNT - count);
        assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_SENT), count);
        publish(writer, "c", COUNT); /* and it follows again */
        assert_int_equal(next_number(slow, "c"), COUNT);
        assert_int_equal(slow->closed, 0);
        rig_destroy(r);
    }
}

/* Publications with these numbers, before anything runs. */
static void publish_at_once(struct client *writer, const char *channel,
                            unsigned from, unsigned to)
{
    struct pl_buf b = {0};

    for (unsigned i = from; i < to; i++)
        pl_buf_printf(&b,
                      "%s{\"id\":%u,\"publish\":{\"channel\":\"%s\","
                      "\"data\":\"something long enough %u\"}}",
                      i == from ? "" : "\n", i + 10, channel, i);
    pl_buf_put(&b, "", 1);
    client_say(writer, b.data);
    pl_buf_fini(&b);
}

static void a_turn_of_more_than_the_queue_keeps_its_newest(void **state)
{
    struct rig *r = with("turn", "channels.slow=drop_oldest", false);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);
    int got, last = -1, count = 0;

    (void)state;
    client_subscribe(slow, 2, "c");
    client_take(slow, 0);
    publish(writer, "c", 0);
    publish_at_once(writer, "c", 1, 400);
    rig_run(r, 0);
    assert_bounded(slow);
    client_take(slow, SIZE_MAX);
    for (const char *text; (text = client_next(slow)) != NULL; count++) {
        got = atoi(strstr(text, "enough ") + 7);
        assert_true(got > last);
        last = got;
    }
    assert_int_equal(last, 399);
    assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_OLDEST),
                     400 - count);
    assert_int_equal(slow->closed, 0);
    rig_destroy(r);
}

/* Two in one turn that do not fit together, with one that waits. */
static void what_comes_at_once_loses_its_oldest_too(void **state)
{
    struct rig *r = with("at once", "channels.slow=drop_oldest", false);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);
    char text[LIMIT + 200];

    (void)state;
    client_subscribe(slow, 2, "c");
    client_take(slow, 0);
    publish(writer, "c", 0);
    int at =
        sprintf(text, "{\"id\":8,\"publish\":{\"channel\":\"c\",\"data\":1}}"
                      "\n{\"id\":9,\"publish\":{\"channel\":\"c\",\"data\":\"");
    memset(text + at, 'x', LIMIT - 200);
    strcpy(text + at + LIMIT - 200, " 2\"}}");
    client_say(writer, text);
    rig_run(r, 0);
    assert_bounded(slow);
    client_take(slow, SIZE_MAX);
    assert_int_equal(next_number(slow, "c"), 2);
    assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_OLDEST), 2);
    assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_REPLACED), 0);
    rig_destroy(r);
}

/* Nothing is flushed within a turn, so a turn ends before it is too much. */
static void who_takes_all_is_not_slow_whatever_comes_at_once(void **state)
{
    struct rig *r = with("at once", "channels.slow=close", false);
    struct pl_loop *loop = pl_system_loop(pl_sim_system(r->sim), 0);
    struct client *reader = client_join(r, 0), *writers[3];
    const char *const channels[] = {"a", "b", "c"};
    unsigned count = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        client_subscribe(reader, i + 2, channels[i]);
        writers[i] = client_join(r, 0);
    }
    for (unsigned i = 0; i < 3; i++)
        publish_at_once(writers[i], channels[i], 0, 200);
    pl_loop_set_budget(loop, 10000, 10000); /* whatever came, in one turn */
    while (pl_loop_turn(loop))
        continue;
    rig_run(r, 0);
    while (client_next(reader) != NULL)
        count++;
    assert_int_equal(reader->closed, 0);
    assert_int_equal(count, 600);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* Those who come are on another loop: here their joins are all there is. */
static void who_takes_all_is_not_slow_whoever_comes_at_once(void **state)
{
    const char *sets[] = {"limits.outgoing_queue=8KiB",
                          "channels.join_leave=true"};
    struct rig_options o = {.loops = 2, .sets = sets, .set_count = 2};
    struct rig *r = rig_start("joins", &o);
    struct client *reader = client_join(r, 0), *others[100];
    unsigned joins = 0;

    (void)state;
    client_say(reader, "{\"id\":2,\"subscribe\":{\"channel\":\"c\","
                       "\"join_leave\":true}}");
    rig_run(r, 0);
    for (unsigned i = 0; i < 100; i++)
        others[i] = client_join(r, 1);
    for (unsigned i = 0; i < 100; i++)
        client_say(others[i], "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}");
    for (unsigned i = 4; i-- > 0;) { /* all of a loop in one turn */
        struct pl_loop *loop = pl_system_loop(pl_sim_system(r->sim), i % 2);

        pl_loop_set_budget(loop, 10000, 10000);
        while (pl_loop_turn(loop))
            continue;
    }
    rig_run(r, 0);
    for (const char *text; (text = client_next(reader)) != NULL;)
        joins += strstr(text, "\"join\"") != NULL;
    assert_int_equal(reader->closed, 0);
    assert_int_equal(joins, 101); /* the own one, too */
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void replies_take_the_place_of_publications(void **state)
{
    struct rig *r = with("replies", "channels.slow=drop_oldest", false);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);
    unsigned replies = 0;

    (void)state;
    client_subscribe(slow, 2, "c");
    client_take(slow, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        publish(writer, "c", i);
        client_sayf(slow, "{\"id\":%u,\"presence_stats\":{\"channel\":\"c\"}}",
                    i + 100);
        rig_run(r, 0);
        assert_bounded(slow);
    }
    client_take(slow, SIZE_MAX);
    for (const char *text; (text = client_next(slow)) != NULL;)
        replies += rig_matches(text, "{\"id\":1*");
    assert_int_equal(replies, COUNT);
    assert_int_equal(slow->closed, 0);
    rig_destroy(r);
}

static void replies_that_fill_the_queue_close_with_3008(void **state)
{
    struct rig *r = with("only replies", "channels.slow=drop_oldest", false);
    struct client *slow = client_join(r, 0);

    (void)state;
    client_take(slow, 0);
    for (unsigned i = 0; i < 400; i++) {
        client_sayf(slow, "{\"id\":%u,\"presence_stats\":{\"channel\":\"c\"}}",
                    i + 2);
        rig_run(r, 0);
    }
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_SLOW), 1);
    client_take(slow, SIZE_MAX);
    rig_run(r, 0);
    assert_int_equal(slow->closed, 3008);
    rig_destroy(r);
}

/* --- Where there is history --- */

static void overflow_of(const char *policy)
{
    struct rig *r = with(policy, policy, true);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);
    int count = 0;

    client_subscribe(slow, 2, "c");
    client_subscribe(slow, 3, "quiet");
    client_take(slow, 0);
    for (unsigned i = 0; i < COUNT; i++) {
        publish(writer, "c", i);
        assert_in_range(pl_session_output_bytes(slow->session), 0, LIMIT + 200);
        rig_check_ledgers(r);
    }
    client_take(slow, SIZE_MAX);
    while (next_number(slow, "c") == count) /* no gap */
        count++;
    assert_in_range(count, 7, 8);
    slow->read--;
    client_expect(slow, "{\"push\":{\"channel\":\"c\",\"unsubscribe\":"
                        "{\"code\":2500,*");
    client_expect_silence(slow);
    assert_int_equal(rig_metric(r, PL_METRIC_UNSUBSCRIBED_SLOW), 1);
    assert_true(rig_metric(r, PL_METRIC_FRAMES_DROPPED_RECOVER) > 0);
    assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_OLDEST), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_REPLACED), 0);
    publish(writer, "quiet", 7); /* the other subscription stays */
    assert_int_equal(next_number(slow, "quiet"), 7);
    assert_int_equal(slow->closed, 0);
    rig_destroy(r);
}

static void a_recoverable_subscription_that_overflows_ends_with_2500(void **st)
{
    (void)st;
    overflow_of("channels.slow=drop_oldest");
    overflow_of("channels.slow=latest");
}

/* --- Who comes back --- */

static void recover_all(struct client *c, unsigned count, const char *more)
{
    struct pl_buf b = {0};

    for (unsigned i = 0; i < count; i++)
        pl_buf_printf(&b,
                      "%s{\"id\":%u,\"subscribe\":{\"channel\":\"%c\","
                      "\"recover\":true%s}}",
                      i == 0 ? "" : "\n", i + 10, 'a' + i, more);
    pl_buf_put(&b, "", 1);
    client_say(c, b.data);
    pl_buf_fini(&b);
    rig_run(c->rig, 0);
}

struct comer {
    struct rig *rig;
    struct client *back, *writer;
};

/* One who takes nothing recovers three channels: what they had meanwhile is
 * more than the queue, two of them are what may be recovered at once. */
static struct comer come_back(const char *test, const char *more)
{
    struct rig *r = with(test, "channels.slow=close", true);
    struct comer who = {r, client_join(r, 0), client_join(r, 0)};
    const char *const channels[] = {"a", "b", "c"};

    for (unsigned i = 0; i < 18; i++)
        publish(who.writer, channels[i % 3], i);
    client_take(who.back, 0);
    recover_all(who.back, 3, more);
    return who;
}

/* Live publications have the whole queue in addition. */
static void what_is_recovered_has_an_allowance_beyond_the_queue(void **state)
{
    struct comer who = come_back("back", "");
    struct rig *r = who.rig;
    struct client *back = who.back, *writer = who.writer;

    (void)state;
    for (unsigned i = 0; i < 7; i++)
        publish(writer, "a", i);
    assert_in_range(pl_session_output_bytes(back->session), 2 * LIMIT,
                    3 * LIMIT);
    rig_check_ledgers(r);
    client_take(back, SIZE_MAX);
    for (unsigned i = 0; i < 2; i++)
        client_expect(back, "{\"id\":1*\"recovered\":true,\"publications\":[*");
    client_expect(back, "{\"id\":12,\"subscribe\":{*\"was_recovering\":true*");
    for (int i = 0; i < 7; i++)
        assert_int_equal(next_number(back, "a"), i);
    client_expect_silence(back);
    assert_int_equal(back->closed, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_SLOW), 0);
    rig_destroy(r);
}

/* Other long answers may as well; for what has no room there is error 111. */
static void long_answers_have_an_allowance_beyond_the_queue(void **state)
{
    struct rig *r = with("answers", "channels.slow=close", true);
    struct client *reader = client_join(r, 0), *writer = client_join(r, 0);
    unsigned told = 0, refused = 0;

    (void)state;
    client_subscribe(reader, 2, "c");
    for (unsigned i = 0; i < 100; i++) /* whom to name takes 10 KiB */
        client_subscribe(client_join(r, 0), 2, "c");
    client_take(reader, 0);
    for (unsigned i = 0; i < 2; i++) {
        publish(writer, "c", i);
        client_say(reader, "{\"id\":3,\"presence\":{\"channel\":\"c\"}}");
    }
    for (unsigned i = 2; i < 6; i++) /* for these there is room as ever */
        publish(writer, "c", i);
    assert_in_range(pl_session_output_bytes(reader->session), LIMIT + 1,
                    3 * LIMIT);
    client_take(reader, SIZE_MAX);
    assert_int_equal(next_number(reader, "c"), 0);
    client_expect(reader, "{\"id\":3,\"presence\":{*");
    assert_int_equal(next_number(reader, "c"), 1);
    client_expect(reader, "{\"id\":3,\"error\":{\"code\":111,*");
    for (int i = 2; i < 6; i++)
        assert_int_equal(next_number(reader, "c"), i);
    client_take(reader, 0);
    for (unsigned i = 0; i < 9; i++) /* up to half a queue each */
        client_say(reader, "{\"id\":4,\"history\":{\"channel\":\"c\","
                           "\"limit\":-1}}");
    rig_run(r, 0);
    client_take(reader, SIZE_MAX);
    for (const char *text; (text = client_next(reader)) != NULL;) {
        told += rig_matches(text, "{\"id\":4,\"history\":{*");
        refused += rig_matches(text, "{\"id\":4,\"error\":{\"code\":111,*");
    }
    assert_in_range(told, 4, 8);
    assert_int_equal(told + refused, 9);
    assert_int_equal(reader->closed, 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* For one that asked to be refused then. */
static void
what_exceeds_the_allowance_is_unrecoverable_for_who_says_so(void **state)
{
    struct comer who = come_back("reject", ",\"flag\":2");
    struct rig *r = who.rig;
    struct client *back = who.back, *writer = who.writer;

    (void)state;
    client_take(back, SIZE_MAX);
    for (unsigned i = 0; i < 2; i++)
        client_expect(back, "{\"id\":1*\"publications\":[*");
    client_expect(back, "{\"id\":12,\"error\":{\"code\":112,*");
    publish(writer, "c", 7);
    client_expect_silence(back);
    rig_destroy(r);
}

/* Once all was taken the queue is as small as ever. */
static void the_allowance_for_what_was_recovered_goes_with_it(void **state)
{
    struct rig *r = with("gone", "channels.slow=close", true);
    struct client *back = client_join(r, 0), *writer = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        publish(writer, "a", i);
    recover_all(back, 1, "");
    client_expect(back, "{\"id\":10*\"recovered\":true*");
    client_take(back, 0);
    for (unsigned i = 0; i < 9; i++)
        publish(writer, "a", i);
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_SLOW), 1);
    rig_destroy(r);
}

/* --- latest --- */

static void a_slow_reader_gets_the_latest_of_each_channel(void **state)
{
    struct rig *r = with("latest", "channels.slow=latest", false);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);

    (void)state;
    client_subscribe(slow, 2, "a");
    client_subscribe(slow, 3, "b");
    publish(writer, "a", 100); /* all of them, while it follows */
    publish(writer, "a", 101);
    assert_int_equal(next_number(slow, "a"), 100);
    assert_int_equal(next_number(slow, "a"), 101);
    client_take(slow, 10);
    publish(writer, "a", 0); /* begun, so it must go out */
    for (unsigned i = 1; i < COUNT; i++) {
        publish(writer, "a", i);
        publish(writer, "b", i);
        assert_bounded(slow);
    }
    client_take(slow, SIZE_MAX);
    assert_int_equal(next_number(slow, "a"), 0);
    assert_int_equal(next_number(slow, "a"), COUNT - 1);
    assert_int_equal(next_number(slow, "b"), COUNT - 1);
    client_expect_silence(slow);
    assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_DROPPED_REPLACED),
                     2 * (COUNT - 2));
    publish(writer, "a", 50);
    publish(writer, "a", 51);
    assert_int_equal(next_number(slow, "a"), 50);
    assert_int_equal(next_number(slow, "a"), 51);
    rig_destroy(r);
}

static void latest_keeps_joins_and_leaves(void **state)
{
    struct rig *r = with("joins", "channels.slow=latest", false);
    struct client *slow = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    client_say(slow, "{\"id\":2,\"subscribe\":{\"channel\":\"c\","
                     "\"join_leave\":true}}");
    rig_run(r, 0);
    while (client_next(slow) != NULL)
        continue;
    client_take(slow, 0);
    client_subscribe(other, 2, "c");
    publish(other, "c", 0);
    publish(other, "c", 1);
    client_take(slow, SIZE_MAX);
    client_expect(slow, "{\"push\":{\"channel\":\"c\",\"join\":*");
    assert_int_equal(next_number(slow, "c"), 1);
    client_expect_silence(slow);
    rig_destroy(r);
}

/* --- Pings --- */

/* Whatever part of a frame the kernel had taken. */
static void a_ping_overtakes_publications(void **state)
{
    (void)state;
    for (size_t begun = 0; begun < 3000; begun += 171) {
        struct rig *r = with("ping", "channels.slow=close", false);
        struct client *slow = client_join(r, 0), *writer = client_join(r, 0);
        int last = -1, before_ping = -1;

        client_subscribe(slow, 2, "c");
        client_take(slow, begun);
        for (unsigned i = 0; i < 7; i++)
            publish(writer, "c", i);
        uint64_t queued = pl_session_output_bytes(slow->session);
        while (pl_session_output_bytes(slow->session) == queued)
            rig_run(r, 100);
        client_take(slow, SIZE_MAX);
        for (const char *text; (text = client_next(slow)) != NULL;) {
            if (strcmp(text, "{}") == 0)
                before_ping = last;
            else
                last = atoi(strchr(text, ' ') + 1);
        }
        assert_int_equal(last, 6); /* the order is as before */
        assert_in_range(before_ping + 1, begun / (LEN + 100), begun / LEN + 1);
        assert_int_equal(slow->closed, 0);
        rig_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_arrive_when_the_oldest_are_dropped),
        cmocka_unit_test(a_turn_of_more_than_the_queue_keeps_its_newest),
        cmocka_unit_test(what_comes_at_once_loses_its_oldest_too),
        cmocka_unit_test(who_takes_all_is_not_slow_whatever_comes_at_once),
        cmocka_unit_test(who_takes_all_is_not_slow_whoever_comes_at_once),
        cmocka_unit_test(replies_take_the_place_of_publications),
        cmocka_unit_test(replies_that_fill_the_queue_close_with_3008),
        cmocka_unit_test(
            a_recoverable_subscription_that_overflows_ends_with_2500),
        cmocka_unit_test(what_is_recovered_has_an_allowance_beyond_the_queue),
        cmocka_unit_test(long_answers_have_an_allowance_beyond_the_queue),
        cmocka_unit_test(
            what_exceeds_the_allowance_is_unrecoverable_for_who_says_so),
        cmocka_unit_test(the_allowance_for_what_was_recovered_goes_with_it),
        cmocka_unit_test(a_slow_reader_gets_the_latest_of_each_channel),
        cmocka_unit_test(latest_keeps_joins_and_leaves),
        cmocka_unit_test(a_ping_overtakes_publications),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
