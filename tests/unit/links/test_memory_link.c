/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_link.c - a session over a link that is no socket (rig_memory.c),
 * and input that comes by mail from another loop (posted.h). */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "hold.h"
#include "mail.h"
#include "session.h"
#include "session_mail.h"
#include "session_metrics.h"

#define PUBLISH "{\"id\":%u,\"publish\":{\"channel\":\"c\",\"data\":%u}}"

static struct rig *start(const char *test)
{
    return rig_start(test, &(struct rig_options){.has_memory_links = true});
}

static void a_session_needs_no_socket_and_no_frames(void **state)
{
    struct rig *r = start("memory");
    struct client *a = client_join(r, 0), *b = client_join(r, 0);

    (void)state;
    client_subscribe(a, 2, "c");
    client_subscribe(b, 2, "c");
    client_sayf(a, PUBLISH, 3, 7);
    rig_run(r, 0);
    client_expect(a, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":7,*");
    client_expect(a, "{\"id\":3,\"publish\":{}}");
    client_expect(b, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":7,*");
    client_say(b, "{\"id\":4}");
    client_expect_close(b, 3501);
    assert_string_equal(b->reason, "bad request");
    assert_true(b->is_gone);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDSHAKES), 0);
    rig_destroy(r);
}

static void pings_come_and_a_missing_pong_closes(void **state)
{
    /* The first ping comes after half of the interval, or later. */
    static const char *const sets[] = {"ping.interval=25s", "ping.timeout=20s"};
    struct rig_options o = {
        .sets = sets, .set_count = 2, .has_memory_links = true};
    struct rig *r = rig_start("pings", &o);
    struct client *c = client_join(r, 0);

    (void)state;
    rig_run(r, 25000);
    client_expect(c, "{}");
    client_say(c, "{}");
    rig_run(r, 25000);
    client_expect(c, "{}");
    rig_run(r, 25000);
    client_expect_close(c, 3012);
    rig_destroy(r);
}

static void who_never_connects_is_closed_at_the_timeout(void **state)
{
    struct rig *r = start("stale");
    struct client *c = client_open(r, 0);

    (void)state;
    rig_run(r, 10010);
    client_expect_close(c, 3502);
    rig_destroy(r);
}

/* A slow receiver gets its last words after what was queued. */
static void the_last_words_come_after_what_is_queued(void **state)
{
    struct rig *r = start("order");
    struct client *c = client_join(r, 0);

    (void)state;
    client_take(c, 0);
    client_say(c, "{\"id\":2,\"presence\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    rig_phase(r, PL_PHASE_DISCONNECT, false);
    rig_run(r, 0);
    assert_int_equal(c->closed, 0);
    client_take(c, SIZE_MAX);
    client_expect(c, "{\"id\":2,\"presence\":*");
    client_expect_close(c, 3001);
    rig_destroy(r);
}

/* --- Input by mail --- */

/* From the boss, which lives on a loop of its own. */
static void post_to(struct client *c, const char *text, bool is_forged)
{
    struct pl_input_mail *m = pl_input_mail_create();
    struct pl_address to;

    assert_non_null(m);
    memcpy(m->secret, c->posted.secret, sizeof m->secret);
    m->secret[1] ^= is_forged;
    m->data = pl_blob_create((struct pl_span){text, strlen(text)});
    assert_non_null(m->data);
    m->for_kind.kind = &pl_session_actor_ops;
    assert_int_equal(
        pl_client_id_parse((struct pl_span){c->id, strlen(c->id)}, &to), PL_OK);
    pl_actor_send_kind(&c->rig->boss->actor, to, &m->for_kind);
}

static void post(struct client *c, unsigned id)
{
    char text[128];

    snprintf(text, sizeof text, PUBLISH, id, id);
    post_to(c, text, false);
}

static void input_by_mail_runs_as_if_the_link_had_brought_it(void **state)
{
    struct rig *r = start("mail");
    struct client *c = client_join(r, 0);

    (void)state;
    post_to(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}", false);
    rig_run(r, 20);
    post(c, 3);
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect(c, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":3,*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    assert_int_equal(r->boss->posted[PL_INPUT_TAKEN], 2);
    rig_destroy(r);
}

static void input_with_a_wrong_secret_does_nothing(void **state)
{
    struct rig *r = start("secret");
    struct client *a = client_join(r, 0), *b = client_join(r, 0);

    (void)state;
    assert_memory_not_equal(a->posted.secret, b->posted.secret,
                            sizeof a->posted.secret);
    post_to(a, "{\"id\":2,\"presence\":{\"channel\":\"c\"}}", true);
    rig_run(r, 0);
    client_expect_silence(a);
    assert_int_equal(r->boss->posted[PL_INPUT_GONE], 1);
    assert_int_equal(rig_metric(r, PL_METRIC_MESSAGES_IN), 2);
    rig_destroy(r);
}

static void input_waits_while_reading_is_paused_and_is_bounded(void **state)
{
    struct rig *r = start("bound");
    struct client *c = client_join(r, 0);
    char expected[64];

    (void)state;
    pl_session_hold(c->session, PL_HOLD_BACKLOG);
    for (unsigned i = 0; i < PL_POSTED_MAX + 2; i++)
        post(c, 2 + i);
    rig_run(r, 0);
    client_expect_silence(c);
    assert_int_equal(r->boss->posted[PL_INPUT_TAKEN], 0);
    assert_int_equal(r->boss->posted[PL_INPUT_FULL], 2);
    pl_session_release(c->session, PL_HOLD_BACKLOG);
    rig_run(r, 0);
    for (unsigned i = 0; i < PL_POSTED_MAX; i++) {
        snprintf(expected, sizeof expected, "{\"id\":%u,\"publish\":{}}",
                 2 + i);
        client_expect(c, expected);
    }
    client_expect_silence(c);
    assert_int_equal(r->boss->posted[PL_INPUT_TAKEN], PL_POSTED_MAX);
    rig_destroy(r);
}

static void input_for_a_client_that_has_ended_comes_back(void **state)
{
    struct rig *r = start("gone");
    struct client *c = client_join(r, 0);

    (void)state;
    pl_session_hold(c->session, PL_HOLD_BACKLOG);
    post(c, 2);
    rig_run(r, 0);
    client_vanish(c);
    rig_run(r, 0);
    assert_int_equal(r->boss->posted[PL_INPUT_GONE], 1);
    post(c, 3); /* its address is stale now */
    rig_run(r, 0);
    assert_int_equal(r->boss->posts_returned, 1);
    rig_destroy(r);
}

static void input_for_a_websocket_comes_back(void **state)
{
    struct rig *r = rig_start("websocket", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    post(c, 2);
    rig_run(r, 0);
    client_expect_silence(c);
    assert_int_equal(r->boss->posts_returned, 1);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_needs_no_socket_and_no_frames),
        cmocka_unit_test(pings_come_and_a_missing_pong_closes),
        cmocka_unit_test(who_never_connects_is_closed_at_the_timeout),
        cmocka_unit_test(the_last_words_come_after_what_is_queued),
        cmocka_unit_test(input_by_mail_runs_as_if_the_link_had_brought_it),
        cmocka_unit_test(input_with_a_wrong_secret_does_nothing),
        cmocka_unit_test(input_waits_while_reading_is_paused_and_is_bounded),
        cmocka_unit_test(input_for_a_client_that_has_ended_comes_back),
        cmocka_unit_test(input_for_a_websocket_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
