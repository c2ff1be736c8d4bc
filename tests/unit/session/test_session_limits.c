/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_limits.c - what one connection may have and ask for at once:
 * channels, and the patience for handlers that do not answer. */
#include "memory_mail.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- limits.connection_channels --- */

static struct rig *with_channels(const char *test, const char *limit,
                                 const struct pl_late_options *late)
{
    static const char secret[] = "auth.hmac_secret=" RIG_SECRET;
    const char *sets[] = {limit, secret};
    struct rig_options o = {.sets = sets, .set_count = 2, .late = late};

    return rig_start(test, &o);
}

/* How many of what was said has `text` in it. */
static unsigned count_said(const struct client *c, const char *text)
{
    unsigned count = 0;

    for (size_t i = 0; i < c->said_count; i++)
        count += strstr(c->said[i], text) != NULL;
    return count;
}

/* At the limit, one goes and another comes in the same message. */
static void check_channels_are_free(const struct pl_late_options *late)
{
    struct rig *r = with_channels("left", "limits.connection_channels=2", late);
    struct client *c = client_join(r, 0);
    unsigned id = 4;

    client_subscribe(c, 2, "a0");
    client_subscribe(c, 3, "b");
    for (unsigned i = 0; i < 20; i++) {
        client_sayf(c,
                    "{\"id\":%u,\"unsubscribe\":{\"channel\":\"a%u\"}}\n"
                    "{\"id\":%u,\"subscribe\":{\"channel\":\"a%u\"}}",
                    id, i, id + 1, i + 1);
        id += 2;
    }
    client_say(c, "{\"id\":90,\"subscribe\":{\"channel\":\"c\"}}");
    rig_run(r, 2000);
    assert_int_equal(count_said(c, "\"unsubscribe\":{}"), 20);
    assert_int_equal(count_said(c, "\"error\""), 1);
    assert_int_equal(count_said(c, "{\"id\":90,\"error\":{\"code\":106,"), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 2);
    rig_destroy(r);
}

static void a_channel_that_was_left_no_longer_counts(void **state)
{
    static const struct pl_late_options late = {.delay_ms = 4};

    (void)state;
    check_channels_are_free(NULL);
    check_channels_are_free(&late);
}

static void the_own_inbox_is_not_among_the_channels(void **state)
{
    struct rig *r =
        with_channels("inbox", "limits.connection_channels=1", NULL);
    char *token = rig_token(r, "u1", 0, NULL, 0);
    struct client *c = client_open(r, 0);

    (void)state;
    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":*\"#u1\"*");
    client_subscribe(c, 2, "a");
    client_say(c, "{\"id\":3,\"subscribe\":{\"channel\":\"b\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"error\":{\"code\":106,*");
    free(token);
    rig_destroy(r);
}

static void a_token_with_too_many_channels_closes_with_3505(void **state)
{
    static const char *const names[] = {"a", "b", "c"};
    struct rig *r = with_channels("3505", "limits.connection_channels=2", NULL);
    char *most = rig_token(r, "u1", 0, names, 2);
    char *more = rig_token(r, "u2", 0, names, 3);
    struct client *c = client_open(r, 0), *d = client_open(r, 0);

    (void)state;
    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", most);
    client_sayf(d, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", more);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":*\"a\":*\"b\":*");
    client_expect_close(d, 3505);
    assert_string_equal(d->reason, "channel limit");
    assert_int_equal(r->boss->registered, 1);
    assert_int_equal(rig_metric(r, PL_METRIC_TOKENS_REJECTED), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 3);
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":106,*");
    free(most);
    free(more);
    rig_destroy(r);
}

/* --- limits.new_channels_per_minute --- */

enum { MOST = 3 };

static struct client *come_from(struct rig *r, const char *address)
{
    struct client *c = client_open(r, 0);

    c->address = address;
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":*");
    return c;
}

/* How many new channels it can make now. */
static unsigned make_channels(struct rig *r, struct client *c)
{
    static unsigned number;
    unsigned made = 0;

    for (unsigned i = 0; i < 2 * MOST; i++) {
        unsigned before = count_said(c, "\"subscribe\":{");

        number++;
        client_sayf(c, "{\"id\":%u,\"subscribe\":{\"channel\":\"n%u\"}}",
                    2 + number, number);
        rig_run(r, 0);
        made += count_said(c, "\"subscribe\":{") > before;
    }
    return made;
}

/* Each line: two that come without a token, one after the other. */
static void who_comes_back_makes_no_more_new_channels(void **state)
{
    static const struct {
        const char *first, *second;
        unsigned made; /* by the second */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {"192.0.2.1", "192.0.2.2", MOST},
        {"2001:db8::1", "2001:db8::ffff:2", 0}, /* one /64 */
        {"2001:db8::1", "2001:db8:0:1::1", MOST},
        {"127.0.0.1", "127.0.0.1", MOST}, /* some proxy */
        {"::1", "::1", MOST},
        {NULL, NULL, MOST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig *r = with_channels("new channels",
                                      "limits.new_channels_per_minute=3", NULL);
        struct client *c = come_from(r, rows[i].first);

        assert_int_equal(make_channels(r, c), MOST);
        assert_int_equal(count_said(c, "\"code\":111,"), MOST);
        client_vanish(c);
        rig_run(r, 0);
        c = come_from(r, rows[i].second);
        assert_int_equal(make_channels(r, c), rows[i].made);
        rig_destroy(r);
    }
}

static void a_user_is_known_by_name_and_a_token_makes_any_number(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct rig *r = with_channels("new channels of a user",
                                  "limits.new_channels_per_minute=3", NULL);
    char *token = rig_token(r, "u1", 0, names, 5);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct client *c = client_open(r, 0);

        c->address = i == 0 ? "192.0.2.1" : "192.0.2.2";
        client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
        rig_run(r, 0);
        client_expect(c, "{\"id\":1,\"connect\":*\"e\":*");
        assert_int_equal(make_channels(r, c), i == 0 ? MOST : 0);
        client_vanish(c);
        rig_run(r, 0);
    }
    free(token);
    rig_destroy(r);
}

/* --- handlers.timeout --- */

enum { CALLS_MAX = 300 };

struct kept {
    struct pl_call *calls[CALLS_MAX];
    unsigned count;
};

static void keep(struct pl_call *call, void *context)
{
    struct kept *k = context;

    assert_true(k->count < CALLS_MAX);
    k->calls[k->count++] = call;
}

static struct rig *with_sets(const char *test, struct kept *k,
                             const char *const *sets, size_t count)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.sets = sets, .set_count = count};

    assert_int_equal(pl_handlers_with(none, "keep", keep, k, &table), PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    return rig_start(test, &o);
}

static struct rig *with_manager(const char *test, struct kept *k)
{
    static const char *const sets[] = {"handlers.timeout=2s", "ping.interval=0",
                                       "connect.timeout=5s"};

    return with_sets(test, k, sets, 3);
}

static void ask(struct client *c, unsigned id)
{
    client_sayf(c, "{\"id\":%u,\"rpc\":{\"method\":\"keep\"}}", id);
    rig_run(c->rig, 0);
}

static void who_is_not_answered_in_time_gets_error_408(void **state)
{
    struct kept k = {.count = 0};
    struct rig *r = with_manager("408", &k);
    struct client *c = client_join(r, 0);

    (void)state;
    ask(c, 2);
    rig_run(r, 1000);
    ask(c, 3);
    rig_run(r, 990);
    client_expect_silence(c);
    rig_run(r, 20);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":408,"
                     "\"message\":\"timed out\"}}");
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_PENDING), 1);
    pl_call_answer(k.calls[1], PL_SPAN("3")); /* in its time */
    rig_run(r, 5000);
    client_expect(c, "{\"id\":3,\"rpc\":{\"data\":3}}");
    pl_call_answer(k.calls[0], PL_SPAN("2")); /* too late */
    rig_run(r, 0);
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_TIMEOUT), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_PENDING), 0);
    assert_int_equal(c->closed, 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* The same number of a command, twice at once: each gets its own answer. */
static void an_answer_finds_its_call_and_not_its_number(void **state)
{
    struct kept k = {.count = 0};
    struct rig *r = with_manager("number", &k);
    struct client *c = client_join(r, 0);

    (void)state;
    ask(c, 2);
    rig_run(r, 1500);
    ask(c, 2);
    rig_run(r, 1000);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":408,*");
    pl_call_answer(k.calls[0], PL_SPAN("\"late\""));
    rig_run(r, 0);
    client_expect_silence(c); /* the second still waits */
    pl_call_answer(k.calls[1], PL_SPAN("\"second\""));
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"rpc\":{\"data\":\"second\"}}");
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_deadline_of_who_has_gone_bothers_nobody(void **state)
{
    struct kept k = {.count = 0};
    struct rig *r = with_manager("gone", &k);
    struct client *c = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    ask(c, 2);
    client_vanish(c);
    rig_run(r, 3000);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_TIMEOUT), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_CANCELLED), 1);
    pl_call_answer(k.calls[0], PL_SPAN("1"));
    ask(other, 2);
    rig_phase(r, PL_PHASE_DISCONNECT, true); /* with a call under way */
    rig_run(r, 3000);
    pl_call_answer(k.calls[1], PL_SPAN("1"));
    rig_destroy(r);
}

static void a_connect_that_nobody_answers_ends_at_its_own_deadline(void **state)
{
    struct kept k = {.count = 0};
    struct pl_handlers *none = pl_handlers_create(), *table;
    static const char *const sets[] = {"handlers.timeout=2s",
                                       "connect.timeout=5s"};
    struct rig_options o = {.sets = sets, .set_count = 2};

    (void)state;
    assert_int_equal(pl_handlers_with(none, "connect", keep, &k, &table),
                     PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    struct rig *r = rig_start("connect", &o);
    struct client *c = client_open(r, 0);
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 4000);
    assert_int_equal(c->closed, 0);
    rig_run(r, 1100);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":100,*\"temporary\":true}}");
    pl_call_admit(k.calls[0], PL_SPAN("u"), PL_SPAN("{}"));
    rig_run(r, 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* --- Commands in work --- */

/* One message with `count` calls, and `last` behind them. */
static void ask_many(struct client *c, unsigned count, const char *last)
{
    struct pl_buf b = {0};

    for (unsigned i = 0; i < count; i++)
        pl_buf_printf(&b, "{\"id\":%u,\"rpc\":{\"method\":\"keep\"}}\n",
                      i + 10);
    pl_buf_printf(&b, "%s%c", last, 0);
    client_say(c, b.data);
    pl_buf_fini(&b);
}

static void answer(struct rig *r, struct kept *k, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        pl_call_answer(k->calls[i], PL_SPAN("1"));
    rig_run(r, 0);
}

/* Its pong is behind what is not read: that is not its fault. */
static void who_waits_for_handlers_is_not_closed_for_a_pong(void **state)
{
    static const char *const sets[] = {"handlers.timeout=60s",
                                       "ping.interval=10s", "ping.timeout=4s"};
    struct kept k = {.count = 0};
    struct rig *r = with_sets("pong", &k, sets, 3);
    struct client *c = client_join(r, 0);
    unsigned pings = 0;

    (void)state;
    ask_many(c, 256, "");
    rig_run(r, 0);
    assert_true(c->is_paused);
    for (unsigned s = 0; s < 40; s++) {
        rig_run(r, 1000);
        for (; client_next(c) != NULL; pings++)
            client_say(c, "{}"); /* not read yet */
        assert_int_equal(c->closed, 0);
    }
    assert_in_range(pings, 3, 10);
    answer(r, &k, 0, 256);
    assert_false(c->is_paused);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_SILENT), pings);
    for (unsigned s = 0; s < 20 && c->closed == 0; s++)
        rig_run(r, 1000); /* it answers no ping any more */
    assert_int_equal(c->closed, 3012);
    rig_destroy(r);
}

/* So much mail for loop 0 that nobody may publish to it now. */
static void fill_backlog(struct rig *r)
{
    for (unsigned i = 0; i <= 65536; i++) {
        struct pl_memory_mail *m = pl_memory_mail_create();

        assert_non_null(m);
        pl_system_post(pl_sim_system(r->sim), r->managers[0], &m->msg);
    }
}

static void after_error_111_reading_goes_on_when_it_may(void **state)
{
    static const char publish[] =
        "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1}}";
    struct kept k = {.count = 0};
    struct rig *r = with_manager("111", &k);
    struct client *c = client_join(r, 0);

    (void)state;
    fill_backlog(r);
    ask_many(c, 200, publish);
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":111,*");
    assert_true(c->is_paused);
    rig_run(r, 100); /* the rest is over, but 200 are in work */
    assert_true(c->is_paused);
    answer(r, &k, 0, 200);
    assert_false(c->is_paused);
    fill_backlog(r);
    ask_many(c, 1, publish);
    rig_run(r, 0);
    assert_true(c->is_paused);
    answer(r, &k, 200, 201); /* which is no reason to go on sooner */
    assert_true(c->is_paused);
    rig_run(r, 100);
    assert_false(c->is_paused);
    rig_check_ledgers(r);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_that_was_left_no_longer_counts),
        cmocka_unit_test(the_own_inbox_is_not_among_the_channels),
        cmocka_unit_test(a_token_with_too_many_channels_closes_with_3505),
        cmocka_unit_test(who_comes_back_makes_no_more_new_channels),
        cmocka_unit_test(a_user_is_known_by_name_and_a_token_makes_any_number),
        cmocka_unit_test(who_is_not_answered_in_time_gets_error_408),
        cmocka_unit_test(an_answer_finds_its_call_and_not_its_number),
        cmocka_unit_test(a_deadline_of_who_has_gone_bothers_nobody),
        cmocka_unit_test(
            a_connect_that_nobody_answers_ends_at_its_own_deadline),
        cmocka_unit_test(who_waits_for_handlers_is_not_closed_for_a_pong),
        cmocka_unit_test(after_error_111_reading_goes_on_when_it_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
