/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_headers.c - headers of the request, for the judge of the
 * connect. */
#include "court.h"

#include <stdio.h>
#include <string.h>

#include "session_manager_private.h"

static void take(struct pl_call *call, void *context)
{
    struct court *t = context;

    t->calls[t->count++] = call;
}

static struct rig *set_up(const char *test, struct court *t, bool is_judged)
{
    static const char *const sets[] = {
        "connect.headers=[Cookie, x-tenant, X-None]", "connect.timeout=5s"};
    struct pl_handlers *none = pl_handlers_create(), *table = none;
    struct rig_options o = {.sets = sets, .set_count = 2};

    *t = (struct court){.count = 0};
    if (is_judged) {
        assert_int_equal(pl_handlers_with(none, "connect", take, t, &table),
                         PL_OK);
        pl_handlers_release(none);
    }
    o.handlers = table;
    t->rig = rig_start(test, &o);
    return t->rig;
}

/* Open with these field lines; no connect yet. */
static struct client *open_with(struct rig *r, const char *lines)
{
    struct client *c = client_create(r, 0);
    char request[20000];
    int len = snprintf(request, sizeof request,
                       "GET /connection/websocket HTTP/1.1\r\n%s%s", lines,
                       strchr(client_request, '\n') + 1);

    client_feed(c, request, (size_t)len);
    rig_run(r, 0);
    assert_true(rig_matches(c->http, "HTTP/1.1 101 *"));
    return c;
}

static size_t kept(const struct rig *r)
{
    return r->at[0].manager->headers.count;
}

static const char lines[] = "cookie: a=1\r\nX-TENANT: one\r\n"
                            "X-Secret: hidden\r\nx-tenant: two\r\n";

static void the_judge_sees_what_is_configured_and_nothing_else(void **state)
{
    static const char seen[] = "Cookie\0a=1\0x-tenant\0one, two";
    struct court t;
    struct rig *r = set_up("seen", &t, true);
    struct client *c = open_with(r, lines);

    (void)state;
    assert_int_equal(kept(r), 1);
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    assert_int_equal(kept(r), 0); /* the call has them */
    assert_int_equal(t.calls[0]->headers.len, sizeof seen);
    assert_memory_equal(t.calls[0]->headers.at, seen, sizeof seen);
    pl_call_admit(t.calls[0], PL_SPAN("ann"), (struct pl_span){0});
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    rig_destroy(r);
}

static void a_connection_keeps_headers_only_for_a_judge(void **state)
{
    struct court t;
    struct rig *r = set_up("none", &t, false);

    (void)state;
    open_with(r, lines);
    assert_int_equal(kept(r), 0);
    rig_destroy(r);
    r = set_up("other", &t, true);
    struct client *c = open_with(r, "X-Secret: hidden\r\n");
    assert_int_equal(kept(r), 0);
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    assert_int_equal(t.calls[0]->headers.len, 0);
    pl_call_refuse(t.calls[0], 403, PL_SPAN(""));
    rig_destroy(r);
}

/* Whatever ends the wait for the connect. */
static void headers_go_with_their_connection(void **state)
{
    struct court t;
    struct rig *r = set_up("gone", &t, true);
    struct client *c = open_with(r, lines);

    (void)state;
    client_vanish(c);
    rig_run(r, 0);
    assert_int_equal(kept(r), 0);
    c = open_with(r, lines);
    rig_run(r, 5010); /* connect.timeout */
    client_expect_close(c, 3502);
    assert_int_equal(kept(r), 0);
    c = open_with(r, lines);
    client_say(c, "{\"id\":1,\"publish\":{}}");
    client_expect_close(c, 3501);
    assert_int_equal(kept(r), 0);
    rig_destroy(r);
}

static void memory_is_taken_from_those_with_the_longest_headers(void **state)
{
    struct pl_memory_mail *m = pl_memory_mail_create();
    char longest[8000];
    struct court t;
    struct rig *r = set_up("shed", &t, true);

    (void)state;
    memset(longest, 'c', sizeof longest);
    memcpy(longest, "Cookie: ", 8);
    strcpy(longest + 7000, "\r\n");
    struct client *brief = open_with(r, lines);
    struct client *wordy = open_with(r, longest);
    assert_int_equal(kept(r), 2);
    assert_non_null(m);
    m->is_short = true;
    m->shed_bytes = 4000;
    pl_system_post(pl_sim_system(r->sim), r->managers[0], &m->msg);
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_SHED), 1);
    assert_int_equal(kept(r), 1);
    assert_int_equal(brief->closed, 0);
    assert_int_not_equal(wordy->closed, 0);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_judge_sees_what_is_configured_and_nothing_else),
        cmocka_unit_test(a_connection_keeps_headers_only_for_a_judge),
        cmocka_unit_test(headers_go_with_their_connection),
        cmocka_unit_test(memory_is_taken_from_those_with_the_longest_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
