/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_ending.c - a peer that breaks a rule, or closes, behind commands
 * whose answers are still on their way: it gets them, then the Close.  So does
 * who is aborted before it could leave. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ending.h"
#include "session_private.h"

#define PUBLISH "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1}}"
#define SUBSCRIBE "{\"id\":3,\"subscribe\":{\"channel\":\"c\"}}"
#define HISTORY "{\"id\":4,\"history\":{\"channel\":\"c\"}}"
#define ASK "{\"id\":5,\"rpc\":{\"method\":\"keep\"}}"

/* How it ends: as frames behind the commands, and the code that comes. */
struct finish {
    unsigned char first;
    const char *payload;
    size_t len;
    unsigned code;
};

static const struct finish finishes[] = {
    {0xF1, "x", 1, 1002},                          /* reserved bits */
    {0x81, "\xFF", 1, 1007},                       /* no UTF-8 */
    {0x80, "x", 1, 1002},                          /* continues nothing */
    {0x81, "{\"id\":9}", 8, 3501},                 /* no known request */
    {0x81, "{\"id\":9", 7, 3501},                  /* no JSON */
    {0x81, "{\"id\":9,\"connect\":{}}", 21, 3501}, /* the second */
    {0x88, "\x03\xE8", 2, 1000},                   /* the peer's Close */
};
enum { FINISHES = sizeof finishes / sizeof *finishes };

static void put(struct pl_buf *b, const char *text)
{
    client_frame(b, 0x81, text, strlen(text));
}

static void feed(struct client *c, struct pl_buf *b)
{
    client_feed(c, b->data, b->len);
    pl_buf_fini(b);
    rig_run(c->rig, 0);
}

/* Everything in one read, the channel's owner on either loop. */
static void answers_come_before_the_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * FINISHES; i++) {
        const struct finish *f = &finishes[i / 2];
        struct rig *r = rig_create(i + 1, &(struct rig_options){.loops = 2});
        struct client *c = client_join(r, i % 2);
        struct pl_buf b = {0};

        put(&b, PUBLISH);
        put(&b, SUBSCRIBE);
        put(&b, HISTORY);
        client_frame(&b, f->first, f->payload, f->len);
        put(&b, "{\"id\":7,\"publish\":{\"channel\":\"c\",\"data\":2}}");
        feed(c, &b);
        client_expect(c, "{\"id\":2,\"publish\":{}}");
        client_expect(c, "{\"id\":3,\"subscribe\":*");
        client_expect(c, "{\"id\":4,\"history\":*\"offset\":1}}");
        client_expect_silence(c);
        client_expect_close(c, f->code);
        assert_int_equal(rig_metric(r, PL_METRIC_CLIENTS), 0);
        rig_destroy(r);
    }
}

/* Of one message the commands before the wrong one are answered as well. */
static void answers_of_the_same_message_come_before_the_close(void **state)
{
    struct rig *r = rig_start("batch", &(struct rig_options){.loops = 2});
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, PUBLISH "\n" SUBSCRIBE "\n{\"id\":6}\n" HISTORY);
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"publish\":{}}");
    client_expect(c, "{\"id\":3,\"subscribe\":*");
    client_expect_silence(c);
    client_expect_close(c, 3501);
    rig_destroy(r);
}

static void a_close_after_a_wrong_command_is_not_missed(void **state)
{
    struct rig *r = rig_start("both", &(struct rig_options){.loops = 2});
    struct client *c = client_join(r, 0);
    struct pl_buf b = {0};

    (void)state;
    put(&b, PUBLISH);
    put(&b, "{\"id\":9}");
    client_frame(&b, 0x89, "p", 1);
    client_frame(&b, 0x88, "\x03\xE8", 2);
    feed(c, &b);
    client_expect(c, "{\"id\":2,\"publish\":{}}");
    client_expect_close(c, 3501);
    assert_int_equal(c->pongs, 0);
    assert_true(c->is_ending); /* the peer's Close is here already */
    rig_destroy(r);
}

/* --- A handler that lets wait --- */

static void keep(struct pl_call *call, void *context)
{
    *(struct pl_call **)context = call;
}

static struct rig *with_manager(const char *test, const char *type,
                                struct pl_call **kept)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.loops = 1};

    assert_int_equal(pl_handlers_with(none, type, keep, kept, &table), PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    return rig_start(test, &o);
}

static void who_waits_for_a_handler_is_closed_after_a_second(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FINISHES; i++) {
        struct pl_call *call = NULL;
        struct rig *r = with_manager("second", "keep", &call);
        struct client *c = client_join(r, 0);
        struct pl_buf b = {0};

        put(&b, ASK);
        client_frame(&b, finishes[i].first, finishes[i].payload,
                     finishes[i].len);
        feed(c, &b);
        rig_run(r, 990);
        assert_int_equal(c->closed, 0);
        rig_run(r, 20);
        client_expect_close(c, finishes[i].code);
        client_expect_silence(c);
        assert_non_null(call);
        pl_call_answer(call, PL_SPAN("1"));
        rig_run(r, 0);
        client_expect_silence(c);
        rig_destroy(r);
    }
}

static void a_late_answer_ends_the_wait(void **state)
{
    struct pl_call *call = NULL;
    struct rig *r = with_manager("late", "keep", &call);
    struct client *c = client_join(r, 0);
    struct pl_buf b = {0};

    (void)state;
    put(&b, ASK);
    client_frame(&b, 0x83, "", 0);
    feed(c, &b);
    rig_run(r, 500);
    client_expect_silence(c);
    assert_int_equal(c->closed, 0);
    pl_call_answer(call, PL_SPAN("1"));
    rig_run(r, 0);
    client_expect(c, "{\"id\":5,\"rpc\":{\"data\":1}}");
    client_expect_close(c, 1002);
    assert_int_equal(c->how, PL_END_LINGER);
    rig_destroy(r);
}

/* What waited for the login came before what is wrong behind it. */
static void a_login_and_what_waits_for_it_come_before_the_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FINISHES; i++) {
        struct pl_call *call = NULL;
        struct rig *r = with_manager("login", "connect", &call);
        struct client *c = client_open(r, 0);
        struct pl_buf b = {0};

        put(&b, "{\"id\":1,\"connect\":{}}");
        put(&b, PUBLISH);
        client_frame(&b, finishes[i].first, finishes[i].payload,
                     finishes[i].len);
        feed(c, &b);
        client_expect_silence(c);
        pl_call_admit(call, PL_SPAN("u"), (struct pl_span){0});
        rig_run(r, 0);
        client_expect(c, "{\"id\":1,\"connect\":*");
        client_expect(c, "{\"id\":2,\"publish\":{}}");
        client_expect_close(c, finishes[i].code);
        rig_destroy(r);
    }
}

/* A command that waited is wrong, and so is what follows: the first counts. */
static void of_two_wrongs_the_first_counts(void **state)
{
    struct pl_call *call = NULL;
    struct rig *r = with_manager("two", "connect", &call);
    struct client *c = client_open(r, 0);
    struct pl_buf b = {0};

    (void)state;
    put(&b, "{\"id\":1,\"connect\":{}}");
    put(&b, "{\"id\":9}");
    put(&b, PUBLISH);
    client_frame(&b, 0x83, "", 0);
    feed(c, &b);
    pl_call_admit(call, PL_SPAN("u"), (struct pl_span){0});
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":*");
    client_expect_silence(c);
    client_expect_close(c, 3501);
    rig_destroy(r);
}

/* --- Others that end it meanwhile --- */

static void a_stop_and_the_peers_end_wait_for_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pl_call *call = NULL;
        struct rig *r = with_manager("stop", "keep", &call);
        struct client *c = client_join(r, 0);
        struct pl_buf b = {0};

        put(&b, ASK);
        client_frame(&b, 0x83, "", 0);
        feed(c, &b);
        if (i == 0) {
            rig_phase(r, PL_PHASE_DISCONNECT, false);
            rig_run(r, 0);
            client_expect_close(c, 3001);
            assert_int_equal(c->how, PL_END_LINGER);
        } else {
            client_vanish(c);
            rig_run(r, 0);
            assert_null(c->session);
        }
        pl_call_answer(call, PL_SPAN("1"));
        rig_run(r, 0);
        rig_destroy(r);
    }
}

/* --- Which of several ends counts --- */

enum event { CLOSES, VIOLATES, WRONG, UNAVAILABLE, SLOW, EXPIRED, EVENTS };

/* All of it before the turn ends, as from one read and from the hub. */
static void happen(struct client *c, enum event e)
{
    struct pl_buf b = {0};

    switch (e) {
    case CLOSES:
        client_frame(&b, 0x88, "\x03\xE8", 2);
        break;
    case VIOLATES:
        client_frame(&b, 0x83, "", 0);
        break;
    case WRONG:
        pl_session_end_commands(c->session, PL_DISCONNECT_BAD_REQUEST);
        break;
    case UNAVAILABLE:
        pl_session_end_commands(c->session, PL_DISCONNECT_NOT_AVAILABLE);
        break;
    case SLOW:
        pl_session_schedule_close(c->session, PL_DISCONNECT_SLOW);
        break;
    default:
        pl_session_schedule_close(c->session, PL_DISCONNECT_EXPIRED);
    }
    if (b.len > 0)
        pl_ws_link_input(c->session, b.data, b.len);
    pl_buf_fini(&b);
}

static const unsigned code_of[EVENTS] = {
    [CLOSES] = 1000,
    [VIOLATES] = 1002,
    [WRONG] = PL_DISCONNECT_BAD_REQUEST,
    [UNAVAILABLE] = PL_DISCONNECT_NOT_AVAILABLE,
    [SLOW] = PL_DISCONNECT_SLOW,
    [EXPIRED] = PL_DISCONNECT_EXPIRED,
};

/* The first end; else the last wrong command; else what the peer did first,
 * since nothing is decoded behind that. */
static enum event winner(const enum event *e, unsigned count)
{
    enum event best = e[0];

    for (unsigned i = 1; i < count; i++) {
        bool is_wrong = e[i] == WRONG || e[i] == UNAVAILABLE;
        bool is_scheduled = e[i] == SLOW || e[i] == EXPIRED;

        if (best < SLOW && (is_wrong || is_scheduled))
            best = e[i];
    }
    return best;
}

static void check_ends(const enum event *e, unsigned count)
{
    struct pl_call *call = NULL;
    struct rig *r = with_manager("which", "keep", &call);
    struct client *c = client_join(r, 0);
    bool is_heard = false;
    enum event won = winner(e, count);

    client_say(c, ASK);
    rig_run(r, 0);
    for (unsigned i = 0; i < count; i++) {
        happen(c, e[i]);
        is_heard |= e[i] == CLOSES || e[i] == VIOLATES;
    }
    if (won < SLOW) { /* that waits for the answer */
        rig_run(r, 990);
        assert_int_equal(c->closed, 0);
        rig_run(r, 20);
    }
    client_expect_close(c, code_of[won]);
    assert_int_equal(c->is_ending, is_heard); /* else for the peer's Close */
    pl_call_answer(call, PL_SPAN("1"));
    rig_run(r, 0);
    rig_destroy(r);
}

static void of_several_ends_one_counts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EVENTS * EVENTS * EVENTS; i++) {
        enum event e[] = {(enum event)(i / EVENTS / EVENTS),
                          (enum event)(i / EVENTS % EVENTS),
                          (enum event)(i % EVENTS)};

        for (unsigned count = 1; count <= 3; count++)
            check_ends(e, count);
    }
}

/* A loop that lags takes both requests in one turn, before any output. */
static void who_is_aborted_in_the_turn_of_its_close_is_told(void **state)
{
    const struct rig_options o = {.loops = 1};
    struct rig *r = rig_start("told", &o);
    struct client *c = client_join(r, 0), *stuck = client_join(r, 0);
    struct pl_loop *loop = pl_system_loop(pl_sim_system(r->sim), 0);
    struct pl_loop *of_boss = pl_system_loop(pl_sim_system(r->sim), 1);

    (void)state;
    client_take(stuck, 0);
    rig_phase(r, PL_PHASE_DISCONNECT, false);
    rig_phase(r, PL_PHASE_DISCONNECT, true);
    pl_loop_turn(of_boss);
    pl_loop_set_budget(loop, 1000, 1000);
    pl_loop_turn(loop);
    assert_true(c->is_gone && stuck->is_gone);
    assert_int_equal(c->closed, 3001);
    rig_run(r, 10);
    assert_int_equal(r->boss->forced, 2);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_before_the_close),
        cmocka_unit_test(who_is_aborted_in_the_turn_of_its_close_is_told),
        cmocka_unit_test(answers_of_the_same_message_come_before_the_close),
        cmocka_unit_test(a_close_after_a_wrong_command_is_not_missed),
        cmocka_unit_test(who_waits_for_a_handler_is_closed_after_a_second),
        cmocka_unit_test(a_late_answer_ends_the_wait),
        cmocka_unit_test(a_login_and_what_waits_for_it_come_before_the_close),
        cmocka_unit_test(of_two_wrongs_the_first_counts),
        cmocka_unit_test(a_stop_and_the_peers_end_wait_for_nothing),
        cmocka_unit_test(of_several_ends_one_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
