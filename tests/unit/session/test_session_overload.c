/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_overload.c - short of memory, or a loop that lags: what is
 * refused, who has to go, and that it ends. */
#include "memory_mail.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pl_late_options late = {.delay_ms = 4};

/* What the supervisor says to the session managers. */
static void tell(struct rig *r, bool is_short, uint64_t shed_bytes)
{
    for (unsigned i = 0; i < r->loops; i++) {
        struct pl_memory_mail *m = pl_memory_mail_create();

        assert_non_null(m);
        m->is_short = is_short;
        m->shed_bytes = shed_bytes;
        pl_actor_send(&r->boss->actor, r->managers[i], &m->msg);
    }
    rig_run(r, 0);
}

/* The first line of the answer to an opening. */
static struct client *attempt(struct rig *r, unsigned loop)
{
    struct client *c = client_create(r, loop);

    client_feed(c, client_request, strlen(client_request));
    rig_run(r, 0);
    return c;
}

static void assert_rejected(struct rig *r, unsigned loop)
{
    struct client *c = attempt(r, loop);

    assert_true(rig_matches(c->http, "HTTP/1.1 503 *Retry-After: *"));
    client_vanish(c);
    rig_run(r, 0);
}

static void assert_let_in(struct rig *r, unsigned loop)
{
    struct client *c = attempt(r, loop);

    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
    client_vanish(c);
    rig_run(r, 0);
}

/* --- Memory: refusing --- */

static void check_refused(struct rig *r, struct client *c, const char *command)
{
    uint64_t before = rig_metric(r, PL_METRIC_REFUSED_MEMORY);

    client_sayf(c, "{\"id\":7,%s}", command);
    rig_run(r, 20);
    client_expect(c, "{\"id\":7,\"error\":{\"code\":111,\"message\":\"too many "
                     "requests\",\"temporary\":true}}");
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_MEMORY), before + 1);
}

static void check_served(struct rig *r, struct client *c, const char *command,
                         const char *pattern)
{
    client_sayf(c, "{\"id\":8,%s}", command);
    rig_run(r, 20);
    client_expect(c, pattern);
}

static void check_short(const struct pl_late_options *store)
{
    struct rig_options o = {.late = store};
    struct rig *r = rig_start("short", &o);
    struct client *c = client_join(r, 0), *early = client_open(r, 0);

    client_subscribe(c, 2, "c");
    tell(r, true, 0);
    assert_rejected(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_MEMORY), 1);
    check_refused(r, early, "\"connect\":{}");
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_FAILED), 0);
    check_refused(r, c, "\"publish\":{\"channel\":\"c\",\"data\":1}");
    check_refused(r, c, "\"subscribe\":{\"channel\":\"d\"}");
    check_refused(r, c,
                  "\"rpc\":{\"method\":\"actor.send\",\"data\":{\"to\":"
                  "\"channel/c\",\"body\":1}}");
    check_served(r, c, "\"presence_stats\":{\"channel\":\"c\"}",
                 "{\"id\":8,\"presence_stats\":{\"num_clients\":1*");
    check_served(r, c, "\"history\":{\"channel\":\"c\"}",
                 "{\"id\":8,\"history\":{*");
    check_served(r, c, "\"unsubscribe\":{\"channel\":\"c\"}",
                 "{\"id\":8,\"unsubscribe\":{}}");
    tell(r, false, 0);
    assert_let_in(r, 0);
    check_served(r, c, "\"subscribe\":{\"channel\":\"c\"}",
                 "{\"id\":8,\"subscribe\":{*");
    check_served(r, c, "\"publish\":{\"channel\":\"c\",\"data\":1}",
                 "{\"push\":*");
    client_expect(c, "{\"id\":8,\"publish\":{}}");
    assert_int_equal(c->closed, 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void
short_of_memory_new_work_is_refused_and_the_rest_goes_on(void **state)
{
    (void)state;
    check_short(NULL);
    check_short(&late);
}

static void a_stop_is_told_as_a_stop_also_when_short(void **state)
{
    struct rig *r = rig_start("stop", NULL);
    struct client *c = client_join(r, 0), *early = client_open(r, 0);

    (void)state;
    tell(r, true, 0);
    rig_phase(r, PL_PHASE_SIGNAL, false);
    rig_run(r, 0);
    tell(r, false, 0);
    client_say(c, "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":503,*");
    client_say(early, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    client_expect(early, "{\"id\":1,\"error\":{\"code\":503,*");
    assert_rejected(r, 0);
    /* nobody was judged for it */
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_FAILED), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_ATTEMPTS),
                     rig_metric(r, PL_METRIC_AUTH_PASSED));
    rig_destroy(r);
}

/* --- Memory: shedding --- */

enum { SLOW = 12, LEN = 3000 };

/* Client i of SLOW has i + 1 messages waiting; in no order of connecting. */
static void make_slow(struct rig *r, struct client **slow)
{
    static const unsigned order[SLOW] = {5, 0, 11, 3, 8, 1, 10, 2, 9, 4, 7, 6};
    struct client *writer = client_join(r, 0);
    char data[LEN + 1], name[16];

    memset(data, '7', LEN);
    data[LEN] = '\0';
    for (unsigned i = 0; i < SLOW; i++)
        slow[order[i]] = client_join(r, 0);
    for (unsigned i = 0; i < SLOW; i++) {
        snprintf(name, sizeof name, "c%u", i);
        client_subscribe(slow[i], 2, name);
        client_take(slow[i], 0);
        for (unsigned n = 0; n <= i; n++) {
            client_sayf(writer,
                        "{\"id\":9,\"publish\":{\"channel\":\"%s\",\"data\":"
                        "\"%s\"}}",
                        name, data);
            rig_run(r, 20);
        }
    }
}

static unsigned count_closed(struct client *const *slow)
{
    unsigned closed = 0;

    for (unsigned i = 0; i < SLOW; i++) {
        client_take(slow[i], SIZE_MAX);
        if (slow[i]->closed == 0)
            continue;
        assert_int_equal(slow[i]->closed, 3008);
        closed++;
    }
    return closed;
}

static void check_shed(uint64_t bytes, unsigned expected,
                       const struct pl_late_options *store)
{
    struct rig_options o = {.late = store};
    struct rig *r = rig_start("shed", &o);
    struct client *slow[SLOW];

    make_slow(r, slow);
    uint64_t before = rig_metric(r, PL_METRIC_QUEUE_BYTES);
    tell(r, true, bytes);
    uint64_t after = rig_metric(r, PL_METRIC_QUEUE_BYTES);
    assert_int_equal(count_closed(slow), expected);
    assert_int_equal(rig_metric(r, PL_METRIC_SHED), expected);
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_SLOW), expected);
    if (expected < SLOW)
        assert_true(before - after + SLOW * 100 >= bytes);
    for (unsigned i = 0; i < SLOW - expected; i++) { /* the small ones stay */
        assert_int_equal(slow[i]->closed, 0);
        assert_int_equal(slow[i]->said_count - slow[i]->read, i + 1);
    }
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void the_largest_queues_go_first_and_no_more_than_needed(void **state)
{
    (void)state;
    check_shed(1, 1, NULL);
    check_shed(11 * LEN, 1, NULL);
    check_shed(20 * LEN, 2, NULL);
    check_shed(20 * LEN, 2, &late);
    check_shed(32 * LEN, 3, NULL);
    check_shed(1000 * LEN, SLOW, NULL);
    check_shed(UINT64_MAX, SLOW, &late);
}

static void who_keeps_up_is_never_shed(void **state)
{
    struct rig *r = rig_start("keeps up", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "c");
    tell(r, true, UINT64_MAX);
    rig_run(r, 1000);
    assert_int_equal(c->closed, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_SHED), 0);
    rig_destroy(r);
}

/* It has sent all but the end of a message of `len` bytes. */
static void begin_message(struct client *c, uint16_t len)
{
    static const char mask[4];
    const char head[] = {(char)0x81, (char)(0x80 | 126), (char)(len >> 8),
                         (char)len};
    char *body = calloc(1, len);

    assert_non_null(body);
    memset(body, ' ', len);
    client_feed(c, head, sizeof head);
    client_feed(c, mask, sizeof mask);
    client_feed(c, body, len - 1u);
    free(body);
}

static void who_ends_no_message_is_shed(void **state)
{
    struct rig *r = rig_start("begun", NULL);
    struct client *c = client_join(r, 0), *begun = client_join(r, 0),
                  *longer = client_join(r, 0);

    (void)state;
    begin_message(begun, 20000);
    begin_message(longer, 40000);
    rig_run(r, 20);
    tell(r, true, 30000);
    rig_run(r, 0);
    client_expect_close(longer, 3008);
    client_feed(longer, "\"", 1);
    tell(r, true, 15000);
    rig_run(r, 0);
    client_expect_close(begun, 3008);
    tell(r, true, UINT64_MAX);
    rig_run(r, 20);
    assert_int_equal(c->closed, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_SHED), 2);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* A Close frame in place of it would be no HTTP. */
static void an_answer_to_a_handshake_is_never_shed(void **state)
{
    struct rig *r = rig_start("handshake", NULL);
    struct client *c = client_create(r, 0);

    (void)state;
    client_take(c, 0);
    client_feed(c, client_request, strlen(client_request));
    rig_run(r, 0);
    tell(r, true, UINT64_MAX);
    client_take(c, SIZE_MAX);
    rig_run(r, 0);
    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
    client_expect_close(c, 3008);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* --- Lag --- */

static void block(struct pl_call *call, void *context)
{
    struct pl_sim *const *sim = context;

    pl_sim_jump(*sim, 1500);
    pl_call_answer(call, PL_SPAN("1"));
}

static struct rig *with_blocker(const char *test, const char *limit,
                                struct pl_sim **sim)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    const char *sets[] = {limit};
    struct rig_options o = {.loops = 2, .sets = sets, .set_count = 1};

    assert_int_equal(pl_handlers_with(none, "block", block, sim, &table),
                     PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    struct rig *r = rig_start(test, &o);
    *sim = r->sim;
    return r;
}

static void a_loop_that_lags_refuses_connections_until_it_does_not(void **state)
{
    struct pl_sim *sim;
    struct rig *r = with_blocker("lag", "limits.loop_lag=1s", &sim);
    struct client *c = client_join(r, 0);

    (void)state;
    assert_let_in(r, 0);
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"block\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"rpc\":*");
    assert_rejected(r, 0);
    assert_let_in(r, 1); /* another loop does not lag */
    rig_run(r, 500);     /* 750 ms: less than the limit, not than its half */
    assert_rejected(r, 0);
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    rig_run(r, 400);
    client_expect(c, "{\"id\":3,\"publish\":{}}"); /* who is in is served */
    assert_let_in(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_LAG), 2);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDSHAKES_REFUSED), 2);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_short_lag_or_no_limit_refuses_nobody(void **state)
{
    static const char *const limits[] = {"limits.loop_lag=2s",
                                         "limits.loop_lag=0"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pl_sim *sim;
        struct rig *r = with_blocker("no lag", limits[i], &sim);
        struct client *c = client_join(r, 0);

        client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"block\"}}");
        rig_run(r, 0);
        assert_let_in(r, 0);
        assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_LAG), 0);
        rig_destroy(r);
    }
}

/* --- Long answers --- */

/* Ask `count` times who is in "c", and once who is in "own"; gives how many
 * answers named somebody, the last of which must. */
static unsigned count_named(struct rig *r, struct client *c, unsigned count)
{
    unsigned named = 0;
    const char *said;

    for (unsigned i = 0; i < count; i++)
        client_say(c, "{\"id\":3,\"presence\":{\"channel\":\"c\"}}");
    client_say(c, "{\"id\":4,\"presence\":{\"channel\":\"own\"}}");
    rig_run(r, 0);
    for (unsigned i = 0; i < count; i++) {
        said = client_next(c);
        assert_non_null(said);
        named += rig_matches(said, "{\"id\":3,\"presence\":*");
        assert_true(rig_matches(said, "{\"id\":3,\"presence\":*") ||
                    rig_matches(said, "{\"id\":3,\"error\":{\"code\":111,*"));
    }
    client_expect(c, "{\"id\":4,\"presence\":{*");
    return named;
}

/* What one client asks for takes a part of the loop's time, however often it
 * asks; small channels are told all the while. */
static void long_answers_share_the_loops_time(void **state)
{
    struct rig *r = rig_start("answers", &(struct rig_options){0});
    struct client *asker = client_join(r, 0);

    (void)state;
    client_subscribe(asker, 2, "own");
    for (unsigned i = 0; i < 60; i++) /* to name them takes 69 us */
        client_subscribe(client_join(r, 0), 2, "c");
    assert_in_range(count_named(r, asker, 2000), 1300, 1500);
    assert_int_equal(count_named(r, asker, 10), 0);
    rig_run(r, 100); /* of which a quarter */
    assert_in_range(count_named(r, asker, 1000), 325, 375);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            short_of_memory_new_work_is_refused_and_the_rest_goes_on),
        cmocka_unit_test(a_stop_is_told_as_a_stop_also_when_short),
        cmocka_unit_test(the_largest_queues_go_first_and_no_more_than_needed),
        cmocka_unit_test(who_keeps_up_is_never_shed),
        cmocka_unit_test(who_ends_no_message_is_shed),
        cmocka_unit_test(an_answer_to_a_handshake_is_never_shed),
        cmocka_unit_test(
            a_loop_that_lags_refuses_connections_until_it_does_not),
        cmocka_unit_test(a_short_lag_or_no_limit_refuses_nobody),
        cmocka_unit_test(long_answers_share_the_loops_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
