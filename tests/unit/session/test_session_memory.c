/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_memory.c - a connection's whole life while allocations fail, one
 * after the other: an error or a closed connection, never a crash or a leak.
 *
 * Allocations fail only while a step of the life runs.  The kernel of the rig
 * takes nothing meanwhile, so that it is the broker's allocations that fail and
 * not the test's; what was said is read afterwards. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_alloc.h"

enum { STEPS = 10, MUST_FAIL = 50 };

static const char *const says[STEPS] = {
    NULL, /* the opening request */
    NULL, /* connect, with a token that subscribes to two channels */
    "{\"id\":2,\"subscribe\":{\"channel\":\"room\",\"recover\":true,"
    "\"epoch\":\"none\",\"offset\":1}}",
    "{\"id\":3,\"publish\":{\"channel\":\"room\",\"data\":{\"a\":1}}}",
    "{\"id\":4,\"presence\":{\"channel\":\"room\"}}\n"
    "{\"id\":5,\"presence_stats\":{\"channel\":\"room\"}}",
    "{\"id\":6,\"history\":{\"channel\":\"room\",\"limit\":10}}",
    "{\"id\":7,\"rpc\":{\"method\":\"nobody\",\"data\":1}}\n"
    "{\"id\":70,\"rpc\":{\"method\":\"echo\",\"data\":1}}",
    "{\"id\":8,\"rpc\":{\"method\":\"actor.send\",\"data\":"
    "{\"to\":\"user/ann\",\"data\":\"hi\"}}}",
    "{\"id\":9,\"unsubscribe\":{\"channel\":\"room\"}}",
    NULL, /* a Close frame */
};

struct life {
    struct rig *rig;
    struct client *client;
    char *token;
};

static bool is_throttled; /* by limits.commands_per_second */

static void echo(struct pl_call *call, void *arg)
{
    (void)arg;
    while (pl_call_answer(call, call->data) != PL_OK)
        continue;
}

static struct pl_handlers *make_handlers(void)
{
    struct pl_handlers *none = pl_handlers_create(), *table;

    assert_int_equal(pl_handlers_with(none, "echo", echo, NULL, &table), PL_OK);
    pl_handlers_release(none);
    return table;
}

static void life_begin(struct life *l)
{
    static const char *const sets[] = {("auth.hmac_secret=" RIG_SECRET),
                                       "limits.commands_per_second=100",
                                       "limits.commands_burst=1"};
    static const char *const channels[] = {"a", "b"};
    struct rig_options o = {.loops = 2,
                            .sets = sets,
                            .set_count = is_throttled ? 3 : 1,
                            .handlers = make_handlers()};

    l->rig = rig_create(1, &o);
    l->token = rig_token(l->rig, "ann", 0, channels, 2);
    l->client = client_create(l->rig, 0);
}

static void put_step(struct pl_buf *b, const struct life *l, unsigned step)
{
    char connect[512];

    if (step == 0) {
        pl_buf_put_span(b, pl_span_of(client_request));
    } else if (step == 1) {
        snprintf(connect, sizeof connect,
                 "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", l->token);
        client_frame(b, 0x81, connect, strlen(connect));
    } else if (step == STEPS - 1) {
        client_frame(b, 0x88, "\x03\xe8", 2);
    } else {
        client_frame(b, 0x81, says[step], strlen(says[step]));
    }
}

/* Run one step in which allocation `fails_at` fails, 0: none; the bytes come in
 * pieces of `piece`.  Whether it failed. */
static bool run_step(struct life *l, unsigned step, unsigned fails_at,
                     size_t piece)
{
    struct client *c = l->client;
    struct pl_buf b = {0};

    put_step(&b, l, step);
    client_take(c, 0);
    alloc_fails_at = fails_at;
    for (size_t at = 0; at < b.len && c->session != NULL && !c->is_gone;
         at += piece) {
        size_t len = b.len - at < piece ? b.len - at : piece;

        pl_session_visit(c->session);
        pl_ws_link_input(c->session, b.data + at, len);
    }
    rig_run(l->rig, 0);
    bool failed = fails_at > 0 && alloc_fails_at == 0;
    alloc_fails_at = 0;
    pl_buf_fini(&b);
    client_take(c, SIZE_MAX);
    rig_run(l->rig, 0);
    return failed;
}

static void life_end(struct life *l)
{
    rig_check_ledgers(l->rig);
    free(l->token);
    rig_destroy(l->rig); /* checks that nothing is left */
}

/* It was told something, or the connection is over. */
static void assert_told(const struct life *l, size_t before, bool was_open)
{
    const struct client *c = l->client;

    assert_true(c->said_count > before || c->closed != 0 || c->is_gone ||
                c->is_ending || c->is_open != was_open);
}

/* Whether there were so many allocations. */
static bool fail_one(unsigned step, unsigned nth, size_t piece)
{
    struct life l;

    life_begin(&l);
    for (unsigned s = 0; s < step; s++)
        run_step(&l, s, 0, SIZE_MAX);
    size_t before = l.client->said_count;
    bool was_open = l.client->is_open;
    bool failed = run_step(&l, step, nth, piece);
    rig_run(l.rig, 1000); /* what is tried again */
    assert_told(&l, before, was_open);
    life_end(&l);
    return failed;
}

static unsigned fail_all(size_t piece)
{
    unsigned failed = 0;

    for (unsigned step = 0; step < STEPS; step++) {
        for (unsigned nth = 1; fail_one(step, nth, piece); nth++)
            failed++;
    }
    return failed;
}

static void each_allocation_of_a_session_may_fail(void **state)
{
    (void)state;
    assert_in_range(fail_all(SIZE_MAX), MUST_FAIL, UINT32_MAX);
}

static void each_allocation_of_a_session_in_pieces_may_fail(void **state)
{
    (void)state;
    assert_in_range(fail_all(7), MUST_FAIL, UINT32_MAX);
}

static void each_allocation_of_a_throttled_session_may_fail(void **state)
{
    (void)state;
    is_throttled = true;
    assert_in_range(fail_all(SIZE_MAX), MUST_FAIL, UINT32_MAX);
    is_throttled = false;
}

/* Whether the nth allocation was made, which failed, with so many behind it. */
static bool leave_without(unsigned nth, unsigned more)
{
    struct life l;

    life_begin(&l);
    for (unsigned s = 0; s < STEPS - 2; s++)
        run_step(&l, s, 0, SIZE_MAX);
    alloc_fails_at = nth;
    alloc_fails_more = more;
    client_vanish(l.client);
    rig_run(l.rig, 0);
    bool failed = alloc_fails_at == 0 || alloc_fails_more < more;
    alloc_fails_at = alloc_fails_more = 0;
    rig_run(l.rig, 1000); /* detaches that are tried again */
    assert_null(l.client->session);
    life_end(&l);
    return failed;
}

static void who_leaves_while_allocations_fail_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 8; more++) {
        for (unsigned nth = 1; leave_without(nth, more); nth++)
            continue;
    }
}

static void keep(struct pl_call *call, void *arg)
{
    *(struct pl_call **)arg = call;
}

/* Whether allocation `fails_at` failed. */
static bool say_long(struct client *c, unsigned fails_at)
{
    static const char text[] =
        "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":\""
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "\"}}";
    struct pl_buf b = {0};

    client_frame(&b, 0x81, text, strlen(text));
    alloc_fails_at = fails_at;
    pl_session_visit(c->session);
    pl_ws_link_input(c->session, b.data, b.len);
    bool failed = alloc_fails_at == 0;
    alloc_fails_at = 0;
    pl_buf_fini(&b);
    return failed;
}

/* The verdict comes in the turn in which a message behind the connect could
 * not be kept. */
static bool hold_fails(unsigned nth)
{
    struct pl_handlers *none = pl_handlers_create();
    struct rig_options o = {.loops = 1};
    struct pl_call *call = NULL;

    assert_int_equal(
        pl_handlers_with(none, "connect", keep, &call, &o.handlers), PL_OK);
    pl_handlers_release(none);
    struct rig *r = rig_create(1, &o);
    struct client *c = client_open(r, 0);
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    assert_int_equal(pl_call_admit(call, PL_SPAN(""), PL_SPAN("{}")), PL_OK);
    bool failed = say_long(c, nth);
    rig_run(r, 0);
    if (failed) {
        client_expect_close(c, 3004);
    } else {
        client_expect(c, "{\"id\":1,\"connect\":*");
        client_expect(c, "{\"id\":2,\"publish\":{*");
    }
    rig_check_ledgers(r);
    rig_destroy(r);
    return failed;
}

static void what_could_not_be_kept_after_a_connect_is_not_run(void **state)
{
    unsigned failed = 0;

    (void)state;
    while (hold_fails(failed + 1))
        failed++;
    assert_in_range(failed, 2, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_not_be_kept_after_a_connect_is_not_run),
        cmocka_unit_test(each_allocation_of_a_session_may_fail),
        cmocka_unit_test(each_allocation_of_a_session_in_pieces_may_fail),
        cmocka_unit_test(each_allocation_of_a_throttled_session_may_fail),
        cmocka_unit_test(who_leaves_while_allocations_fail_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
