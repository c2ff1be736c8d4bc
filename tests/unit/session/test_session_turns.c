/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_turns.c - what the input of clients costs is spread over turns:
 * none does more than its budget, nothing is lost or reordered, all have their
 * turn. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "budget.h"
#include "memory_mail.h"

enum {
    BOTH = PL_BUDGET_TURN + PL_BUDGET_TURN / 2, /* fresh and carried */
    FEW = 2 * PL_BUDGET_VISITS, /* steps that a spent budget is found behind */
    MESSAGE = 65536
};

static const char no_pings[] = "ping.interval=0";
static const char deflates[] = "websocket.deflate=true";
static const char big_queue[] = "limits.outgoing_queue=16MiB";

static struct rig *with(const char *test, const char *more, uint64_t units)
{
    const char *sets[] = {no_pings, big_queue, more == NULL ? no_pings : more};
    struct rig_options o = {.sets = sets, .set_count = 3, .turn_units = units};

    return rig_start(test, &o);
}

static struct pl_loop *loop_of(struct rig *r)
{
    return pl_system_loop(pl_sim_system(r->sim), 0);
}

/* --- The most that one turn did --- */

static struct watch {
    const struct rig *rig;
    enum pl_metric metric;
    uint64_t before;
    uint64_t most;
    unsigned turns; /* in which it went up */
} watched;

static void on_turn_end(void *arg)
{
    struct watch *w = arg;
    uint64_t now = rig_metric(w->rig, w->metric);

    if (now - w->before > w->most)
        w->most = now - w->before;
    w->turns += now > w->before;
    w->before = now;
}

static void watch(struct rig *r, enum pl_metric m)
{
    watched = (struct watch){.rig = r, .metric = m, .before = rig_metric(r, m)};
    pl_loop_on_turn_end(loop_of(r), on_turn_end, &watched);
}

/* --- What clients say --- */

/* `count` commands with ids from `first` on, one JSON line each. */
static void put_lines(struct pl_buf *b, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        pl_buf_printf(b, "%s{\"id\":%u,\"ping\":{}}", b->len == 0 ? "" : "\n",
                      i);
}

static void say_lines(struct client *c, unsigned first, unsigned count)
{
    struct pl_buf b = {0}, frame = {0};

    put_lines(&b, first, count);
    client_frame(&frame, 0x81, b.data, b.len);
    client_feed(c, frame.data, frame.len);
    pl_buf_fini(&frame);
    pl_buf_fini(&b);
}

static void say_frames(struct client *c, unsigned first_byte, const char *text,
                       unsigned count)
{
    struct pl_buf frames = {0};

    for (unsigned i = 0; i < count; i++)
        client_frame(&frames, first_byte, text, strlen(text));
    client_feed(c, frames.data, frames.len);
    pl_buf_fini(&frames);
}

/* The answers from `first` on come in order; gives how many there are. */
static unsigned take_answers(struct client *c, unsigned first)
{
    char begin[32];
    unsigned id = first;

    for (const char *text; (text = client_next(c)) != NULL; id++) {
        snprintf(begin, sizeof begin, "{\"id\":%u,", id);
        assert_memory_equal(text, begin, strlen(begin));
    }
    return id - first;
}

/* --- Commands --- */

static void a_message_of_many_commands_is_spread_over_turns(void **state)
{
    enum { COUNT = 3000 };
    struct rig *r = with("batch", NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    watch(r, PL_METRIC_COMMANDS);
    say_lines(c, 10, COUNT);
    assert_true(c->is_paused);
    rig_run(r, 0);
    assert_int_equal(take_answers(c, 10), COUNT);
    assert_in_range(watched.most, 1, BOTH / PL_COST_COMMAND + FEW);
    assert_in_range(rig_metric(r, PL_METRIC_INPUT_CARRIED), 1, COUNT);
    assert_false(c->is_paused);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static const char a_secret[] = "auth.hmac_secret=" RIG_SECRET;
static const char a_public_key[] =
    "auth.ecdsa_public_key=\""
    "-----BEGIN PUBLIC KEY-----\\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoEyD/LUwzKvCkTVb+UZcB78xYZFT\\n"
    "q6DpSt0kvM04kajSs5le4U6zjtyDt2Bi+mHysLo8Y+HH28t5/Vt4967ZMA==\\n"
    "-----END PUBLIC KEY-----\\n"
    "\"";

/* A client sends many commands, which all cost `cost` and are refused. */
static void check_flood(const char *setting, const char *request, int64_t cost)
{
    enum { COUNT = 700 };
    struct rig *r = with("flood", setting, 0);
    struct client *c = client_join(r, 0);
    struct pl_buf b = {0}, frame = {0};

    for (unsigned i = 0; i < COUNT; i++)
        pl_buf_printf(&b, "%s{\"id\":%u,\"subscribe\":{%s}}",
                      i == 0 ? "" : "\n", 10 + i, request);
    client_frame(&frame, 0x81, b.data, b.len);
    watch(r, PL_METRIC_COMMANDS);
    client_feed(c, frame.data, frame.len);
    rig_run(r, 0);
    assert_int_equal(take_answers(c, 10), COUNT);
    assert_in_range(watched.most, 1, BOTH / cost + FEW);
    pl_buf_fini(&frame);
    pl_buf_fini(&b);
    rig_destroy(r);
}

static void tokens_of_a_message_are_checked_in_many_turns(void **state)
{
    static const char bad[] = "\"channel\":\"c\",\"token\":\"a.b.c\"";

    (void)state;
    check_flood(a_secret, bad, PL_COST_SECRET);
    check_flood(a_public_key, bad, PL_COST_SIGNATURE);
}

/* Without a bound it would take PCRE2 about 2^40 steps. */
static void names_slow_to_match_are_refused_in_many_turns(void **state)
{
    (void)state;
    check_flood("namespaces=[{name: ns, name_regex: '^(a+)+$'}]",
                "\"channel\":\"ns:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"",
                PL_COST_MISMATCH);
}

static void many_clients_share_the_budget_of_a_turn(void **state)
{
    enum { CLIENTS = 40, COUNT = 1000 };
    struct rig *r = with("clients", NULL, 0);
    struct client *c[CLIENTS];

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++)
        c[i] = client_join(r, 0);
    watch(r, PL_METRIC_COMMANDS);
    for (unsigned i = 0; i < CLIENTS; i++)
        say_lines(c[i], 10, COUNT);
    rig_run(r, 0);
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(take_answers(c[i], 10), COUNT);
    assert_in_range(watched.most, 1, BOTH / PL_COST_COMMAND + FEW);
    rig_destroy(r);
}

/* Each has its place in one queue, wherever in it. */
static void who_says_little_does_not_wait_for_those_who_flood(void **state)
{
    enum { FLOODS = 30, COUNT = 3000 };
    struct rig *r = with("fair", NULL, 0);
    struct client *c[FLOODS], *small = client_join(r, 0);
    uint64_t before, done;

    (void)state;
    for (unsigned i = 0; i < FLOODS; i++)
        c[i] = client_join(r, 0);
    before = rig_metric(r, PL_METRIC_COMMANDS);
    for (unsigned i = 0; i < FLOODS; i++)
        say_lines(c[i], 10, COUNT);
    client_say(small, "{\"id\":10,\"ping\":{}}");
    while (small->said_count == small->read) {
        pl_loop_turn(loop_of(r));
        client_feed(small, "", 0); /* the transport tries again */
        for (unsigned i = 0; i < FLOODS; i++)
            client_feed(c[i], "", 0);
        done = rig_metric(r, PL_METRIC_COMMANDS) - before;
        assert_in_range(done, 0, FLOODS * COUNT / 2);
    }
    rig_run(r, 0);
    assert_int_equal(take_answers(small, 10), 1);
    for (unsigned i = 0; i < FLOODS; i++)
        assert_int_equal(take_answers(c[i], 10), COUNT);
    rig_destroy(r);
}

/* --- What one client causes for many --- */

static void say_visits(struct client *c, unsigned count)
{
    struct pl_buf b = {0}, frame = {0};

    for (unsigned i = 0; i < count; i++)
        pl_buf_printf(&b,
                      "{\"id\":%u,\"subscribe\":{\"channel\":\"room\"}}\n"
                      "{\"id\":%u,\"unsubscribe\":{\"channel\":\"room\"}}\n",
                      2 * i + 10, 2 * i + 11);
    client_frame(&frame, 0x81, b.data, b.len);
    client_feed(c, frame.data, frame.len);
    pl_buf_fini(&frame);
    pl_buf_fini(&b);
}

/* Each who comes or goes is told to all: one by one, unlike publications. */
static void joins_told_to_many_are_spread_over_turns(void **state)
{
    enum { MEMBERS = 300, VISITS = 300, DELIVERY = 20 };
    struct rig *r = with("joins", NULL, 0);
    struct client *in;

    (void)state;
    for (unsigned i = 0; i < MEMBERS; i++) {
        in = client_join(r, 0);
        client_say(in, "{\"id\":2,\"subscribe\":{\"channel\":\"room\","
                       "\"join_leave\":true}}");
        rig_run(r, 0);
    }
    in = client_join(r, 0);
    watch(r, PL_METRIC_FRAMES_OWED);
    say_visits(in, VISITS);
    rig_run(r, 0);
    assert_true(watched.before >= 2 * MEMBERS * VISITS);
    assert_in_range(watched.most, 1, PL_BUDGET_TURN / DELIVERY + MEMBERS);
    rig_destroy(r);
}

/* A publication to many costs more than one to few. */
static void channels_with_many_subscribers_are_spread_over_turns(void **state)
{
    enum { MEMBERS = 400, CHANNELS = 250, DELIVERY = 20 };
    static const char most[] = "limits.connection_channels=1000";
    struct rig *r = with("channels", most, 0);
    struct client *c[MEMBERS];
    struct pl_buf subs = {0}, pubs = {0};

    (void)state;
    for (unsigned i = 0; i < CHANNELS; i++) {
        pl_buf_printf(&subs, "{\"id\":%u,\"subscribe\":{\"channel\":\"%u\"}}\n",
                      i + 10, i);
        pl_buf_printf(&pubs,
                      "{\"id\":%u,\"publish\":{\"channel\":\"%u\","
                      "\"data\":1}}\n",
                      i + 1000, i);
    }
    pl_buf_put_byte(&subs, 0);
    pl_buf_put_byte(&pubs, 0);
    for (unsigned i = 0; i < MEMBERS; i++) {
        c[i] = client_join(r, 0);
        client_say(c[i], subs.data);
        rig_run(r, 0);
    }
    watch(r, PL_METRIC_FRAMES_OWED);
    client_say(c[0], pubs.data);
    rig_run(r, 0);
    assert_int_equal(watched.before, MEMBERS * CHANNELS);
    assert_in_range(watched.most, 1, PL_BUDGET_TURN / DELIVERY + MEMBERS);
    pl_buf_fini(&subs);
    pl_buf_fini(&pubs);
    rig_destroy(r);
}

/* --- What is compressed --- */

static const char offer[] = "GET /connection/websocket HTTP/1.1\r\n"
                            "Host: 127.0.0.1\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                            "Sec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Extensions: permessage-deflate; "
                            "server_no_context_takeover; "
                            "client_no_context_takeover\r\n\r\n";

/* A frame of a message that is compressed as RFC 7692 says. */
static void put_part(struct pl_buf *b, unsigned first_byte, const char *text,
                     size_t len)
{
    size_t cut = first_byte & 0x80 ? 4 : 0; /* at the end of the message */

    static char packed[2 * MESSAGE];
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)packed;
    z.avail_out = sizeof packed;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    client_frame(b, first_byte, packed, z.total_out - cut);
    deflateEnd(&z);
}

static void put_packed(struct pl_buf *b, const char *text, size_t len)
{
    put_part(b, 0xc1, text, len);
}

/* Publications to nobody, 64 KiB each, in some hundred bytes. */
static void say_bombs(struct client *c, unsigned count)
{
    static char text[MESSAGE];
    struct pl_buf b = {0};

    memset(text, ' ', sizeof text);
    memcpy(text + 1000, "{\"id\":5,\"ping\":{}}", 18);
    for (unsigned i = 0; i < count; i++)
        put_packed(&b, text, sizeof text);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
}

static struct client *join_packed(struct rig *r)
{
    struct client *c = client_create(r, 0);

    client_feed(c, offer, sizeof offer - 1);
    rig_run(r, 0);
    assert_non_null(strstr(c->http, "permessage-deflate"));
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    return c;
}

static void bombs_are_inflated_in_many_turns(void **state)
{
    enum { CLIENTS = 20, BOMBS = 30 };
    struct rig *r = with("bombs", deflates, 0);
    struct client *c[CLIENTS];
    uint64_t before;

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++)
        c[i] = join_packed(r);
    before = rig_metric(r, PL_METRIC_MESSAGES_IN);
    watch(r, PL_METRIC_MESSAGES_IN);
    for (unsigned i = 0; i < CLIENTS; i++)
        say_bombs(c[i], BOMBS);
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_MESSAGES_IN) - before,
                     CLIENTS * BOMBS);
    assert_in_range(watched.most, 1, BOTH / MESSAGE + FEW);
    rig_destroy(r);
}

/* A login takes no more either: what it has no budget for stays compressed. */
static void a_login_holds_little_of_what_is_inflated(void **state)
{
    enum { BOMBS = 30 };
    struct rig *r = with("login", deflates, 0);
    struct client *c = client_create(r, 0);
    struct pl_buf b = {0};
    uint64_t before;

    (void)state;
    client_feed(c, offer, sizeof offer - 1);
    rig_run(r, 0);
    before = rig_metric(r, PL_METRIC_MESSAGES_IN);
    client_frame(&b, 0x81, "{\"id\":1,\"connect\":{}}", 21);
    client_feed(c, b.data, b.len);
    say_bombs(c, BOMBS);
    assert_in_range(rig_metric(r, PL_METRIC_MESSAGES_IN) - before, 1, 5);
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_MESSAGES_IN) - before, 1 + BOMBS);
    assert_int_equal(c->closed, 0);
    pl_buf_fini(&b);
    rig_destroy(r);
}

/* --- In each state, wherever the budget ends --- */

/* A whole visit in one read: pings and fragments before the connect, batches
 * behind it, a Close at the end. */
static void put_visit(struct pl_buf *b, bool is_wrong)
{
    struct pl_buf lines = {0};

    client_frame(b, 0x89, "a", 1);
    client_frame(b, 0x01, "{\"id\":1,\"con", 12);
    client_frame(b, 0x89, "b", 1);
    client_frame(b, 0x80, "nect\":{}}\n{\"id\":2,\"ping\":{}}", 28);
    put_lines(&lines, 3, 20);
    client_frame(b, 0x81, lines.data, lines.len);
    client_frame(b, 0x89, "c", 1);
    for (unsigned i = 23; i < 40; i++) {
        pl_buf_fini(&lines);
        put_lines(&lines, i, 1);
        client_frame(b, 0x81, lines.data, lines.len);
    }
    if (is_wrong)
        client_frame(b, 0x81, "{\"id\":40,\"ping\":{}}\nx", 22);
    client_frame(b, 0x88, "\x03\xe8", 2);
    pl_buf_fini(&lines);
}

static void check_visit(struct client *c, bool is_wrong)
{
    client_expect(c, "{\"id\":1,\"connect\":{\"client\":*");
    assert_int_equal(take_answers(c, 2), is_wrong ? 39 : 38);
    assert_int_equal(c->pongs, 3);
    assert_int_equal(c->closed, is_wrong ? 3501 : 1000);
}

static void nothing_is_lost_wherever_the_budget_ends(void **state)
{
    (void)state;
    for (uint64_t units = 1; units < 40000; units += 1 + units / 7) {
        for (unsigned kind = 0; kind < 4; kind++) {
            const char *more =
                kind & 2 ? "limits.commands_per_second=1000" : NULL;
            struct rig *r = with("anywhere", more, units);
            struct client *c = client_open(r, 0);
            struct pl_buf b = {0};

            put_visit(&b, kind & 1);
            client_feed(c, b.data, b.len);
            for (unsigned i = 0; i < 20; i++)
                rig_run(r, 20);
            check_visit(c, kind & 1);
            rig_check_ledgers(r);
            pl_buf_fini(&b);
            rig_destroy(r);
        }
    }
}

/* Those that are closed, or go, while input of theirs is carried. */
static void who_leaves_while_input_is_carried_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        for (unsigned kind = 0; kind < 3; kind++) {
            struct rig *r = with("leaves", NULL, 2000);
            struct client *c = client_join(r, 0);

            say_lines(c, 10, 400);
            for (unsigned i = 0; i < turns; i++)
                pl_loop_turn(loop_of(r));
            assert_true(c->is_paused);
            if (kind == 0)
                client_vanish(c);
            else if (kind == 1)
                rig_phase(r, PL_PHASE_DISCONNECT, false);
            else
                rig_phase(r, PL_PHASE_DISCONNECT, true);
            rig_run(r, 0);
            rig_check_ledgers(r);
            rig_destroy(r);
        }
    }
}

/* The peer's Close lies behind input that was carried when we closed. */
static void a_close_after_carried_input_is_still_seen(void **state)
{
    static char blanks[MESSAGE];
    struct rig *r = with("behind", deflates, 2000);
    struct client *c = join_packed(r);
    struct pl_buf b = {0}, lines = {0};

    (void)state;
    memset(blanks, ' ', sizeof blanks);
    put_lines(&lines, 10, 400);
    client_frame(&b, 0x81, lines.data, lines.len);
    for (unsigned i = 0; i < 10; i++)
        put_packed(&b, blanks, sizeof blanks);
    client_frame(&b, 0x88, "\x03\xe8", 2);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&lines);
    pl_loop_turn(loop_of(r));
    rig_phase(r, PL_PHASE_DISCONNECT, false);
    rig_run(r, 0);
    assert_int_equal(c->closed, 3001);
    assert_true(c->is_gone); /* without waiting for PL_CLOSE_WAIT_MS */
    pl_buf_fini(&b);
    rig_destroy(r);
}

/* What is shed is told so, though its input goes on before the turn ends. */
static void who_is_shed_while_input_is_carried_is_closed_as_slow(void **state)
{
    static char blanks[MESSAGE / 32];
    struct rig *r = with("shed", deflates, 2000);
    struct client *c = join_packed(r);
    struct pl_buf b = {0};
    struct pl_memory_mail *m = pl_memory_mail_create();

    (void)state;
    client_expect(c, "{\"id\":1,\"connect\":*");
    memset(blanks, ' ', sizeof blanks);
    for (unsigned i = 0; i < 20; i++) { /* one message, never whole */
        put_part(&b, i == 0 ? 0x41 : 0x00, blanks, sizeof blanks);
        client_frame(&b, 0x89, "p", 1);
    }
    client_feed(c, b.data, b.len);
    m->shed_bytes = 1;
    pl_actor_send(&r->boss->actor, r->managers[0], &m->msg);
    client_expect_close(c, 3008);
    pl_buf_fini(&b);
    rig_destroy(r);
}

/* An echo pauses for its queue as well. */
static void echoes_are_spread_over_turns_and_stay_bounded(void **state)
{
    static const char *const sets[] = {"websocket.echo=true",
                                       "limits.outgoing_queue=64KiB"};
    struct rig_options o = {.sets = sets, .set_count = 2, .turn_units = 4000};
    struct rig *r = rig_start("echo", &o);
    struct client *c = client_create(r, 0);

    (void)state;
    client_feed(c, "GET /echo HTTP/1.1\r\n", 20);
    client_feed(c, strstr(client_request, "\r\n") + 2,
                strlen(strstr(client_request, "\r\n") + 2));
    rig_run(r, 0);
    say_frames(c, 0x81, "echo", 5000);
    rig_run(r, 0);
    assert_int_equal(c->said_count, 5000);
    assert_false(c->is_paused);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_many_commands_is_spread_over_turns),
        cmocka_unit_test(tokens_of_a_message_are_checked_in_many_turns),
        cmocka_unit_test(names_slow_to_match_are_refused_in_many_turns),
        cmocka_unit_test(many_clients_share_the_budget_of_a_turn),
        cmocka_unit_test(who_says_little_does_not_wait_for_those_who_flood),
        cmocka_unit_test(joins_told_to_many_are_spread_over_turns),
        cmocka_unit_test(channels_with_many_subscribers_are_spread_over_turns),
        cmocka_unit_test(bombs_are_inflated_in_many_turns),
        cmocka_unit_test(a_login_holds_little_of_what_is_inflated),
        cmocka_unit_test(nothing_is_lost_wherever_the_budget_ends),
        cmocka_unit_test(who_leaves_while_input_is_carried_leaves_nothing),
        cmocka_unit_test(a_close_after_carried_input_is_still_seen),
        cmocka_unit_test(who_is_shed_while_input_is_carried_is_closed_as_slow),
        cmocka_unit_test(echoes_are_spread_over_turns_and_stay_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
