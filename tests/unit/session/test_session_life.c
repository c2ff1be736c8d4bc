/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_life.c - pings, slow readers, backpressure, kicks, messages
 * from connection to connection, handlers, and the phases of a stop. */
#include "handlers_mail.h"
#include "rig.h"
#include "session_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig *with(const char *test, const char *a, const char *b)
{
    const char *sets[] = {a, b};
    struct rig_options o = {.sets = sets,
                            .set_count = a == NULL   ? 0
                                         : b == NULL ? 1
                                                     : 2};

    return rig_start(test, &o);
}

/* --- Pings --- */

/* The ms until the next thing is said, or UINT64_MAX. */
static uint64_t ms_until_said(struct client *c, uint64_t at_most)
{
    for (uint64_t ms = 0; ms <= at_most; ms += 4) {
        if (c->read < c->said_count)
            return ms;
        rig_run(c->rig, 4);
    }
    return UINT64_MAX;
}

static void pings_come_at_their_interval_also_when_busy(void **state)
{
    struct rig *r = with("pings", "ping.interval=20s", "ping.timeout=5s");
    struct client *c = client_join(r, 0);
    unsigned pings = 0;

    (void)state;
    uint64_t first = ms_until_said(c, 20100);
    assert_in_range(first, 9990, 20010);
    client_expect(c, "{}");
    client_say(c, "{}");
    for (unsigned s = 0; s < 100; s++) { /* always something else to say */
        client_sayf(c, "{\"id\":%u,\"presence_stats\":{\"channel\":\"c\"}}",
                    s + 2);
        rig_run(r, 1000);
        for (const char *text; (text = client_next(c)) != NULL;) {
            if (strcmp(text, "{}") != 0)
                continue;
            pings++;
            client_say(c, "{}");
        }
    }
    assert_in_range(pings, 4, 5);
    assert_int_equal(c->closed, 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_ping_without_a_pong_closes_with_3012(void **state)
{
    struct rig *r = with("3012", "ping.interval=20s", "ping.timeout=5s");
    struct client *c = client_join(r, 0);

    (void)state;
    ms_until_said(c, 20100);
    client_expect(c, "{}");
    rig_run(r, 4000);
    client_say(c, "{\"id\":2,\"presence_stats\":{\"channel\":\"c\"}}");
    rig_run(r, 0); /* traffic is no pong */
    client_expect(c, "{\"id\":2,*");
    assert_int_equal(c->closed, 0);
    rig_run(r, 1010);
    client_expect_close(c, 3012);
    assert_string_equal(c->reason, "no pong");
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_NO_PONG), 1);
    rig_destroy(r);
}

static void a_second_pong_closes_with_3501(void **state)
{
    struct rig *r = with("two pongs", "ping.interval=20s", "ping.timeout=5s");
    struct client *c = client_join(r, 0);

    (void)state;
    ms_until_said(c, 20100);
    client_expect(c, "{}");
    client_say(c, "{}\n{}");
    client_expect_close(c, 3501);
    rig_destroy(r);
}

static void pings_can_be_switched_off(void **state)
{
    struct rig *r = with("no pings", "ping.interval=0", NULL);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 3600 * 1000);
    client_expect(c, "{\"id\":1,\"connect\":{\"client\":\"*\","
                     "\"version\":\"test\"}}");
    client_expect_silence(c);
    assert_int_equal(c->closed, 0);
    rig_destroy(r);
}

/* --- Slow readers --- */

static void say_filler(struct client *c, unsigned id, size_t len)
{
    struct pl_buf b = {0};

    pl_buf_printf(&b, "{\"id\":%u,\"publish\":{\"channel\":\"c\",\"data\":\"",
                  id);
    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(&b, 'x');
    pl_buf_put(&b, "\"}}", 4);
    client_say(c, b.data);
    pl_buf_fini(&b);
}

/* Whatever part of a frame the kernel had taken. */
static void a_slow_reader_is_closed_with_3008(void **state)
{
    (void)state;
    for (size_t begun = 0; begun < 3000; begun += 171) {
        struct rig *r = with("3008", "limits.outgoing_queue=8KiB", NULL);
        struct client *slow = client_join(r, 0), *writer = client_join(r, 0);

        client_subscribe(slow, 2, "c");
        client_take(slow, 0);
        for (unsigned i = 0; i < 20; i++) {
            say_filler(writer, i + 2, 1000);
            rig_run(r, 0);
            if (i == 5)
                client_take(slow, begun);
            assert_in_range(pl_session_output_bytes(slow->session), 0,
                            8192 + 200);
        }
        rig_check_ledgers(r);
        assert_int_equal(slow->closed, 0); /* it cannot know yet */
        client_take(slow, SIZE_MAX);
        rig_run(r, 0);
        assert_int_equal(slow->closed, 3008);
        for (const char *text; (text = client_next(slow)) != NULL;)
            assert_true(rig_matches(text, "{\"push\":{*}}}"));
        assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_SLOW), 1);
        assert_true(rig_metric(r, PL_METRIC_FRAMES_DROPPED_SLOW) > 0);
        assert_int_equal(rig_metric(r, PL_METRIC_FRAMES_CANCELLED), 0);
        rig_destroy(r);
    }
}

static void an_empty_queue_takes_a_message_of_any_size(void **state)
{
    struct rig *r = with("any size", "limits.outgoing_queue=8KiB", NULL);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);

    (void)state;
    client_subscribe(slow, 2, "c");
    client_take(slow, 0);
    say_filler(writer, 2, 50000);
    rig_run(r, 0);
    client_take(slow, SIZE_MAX);
    rig_run(r, 0);
    assert_int_equal(slow->closed, 0);
    client_expect(slow, "{\"push\":*");
    rig_destroy(r);
}

static void a_reader_that_never_reads_its_close_is_aborted(void **state)
{
    struct rig *r = with("cut", "limits.outgoing_queue=8KiB", NULL);
    struct client *slow = client_join(r, 0), *writer = client_join(r, 0);

    (void)state;
    client_subscribe(slow, 2, "c");
    client_take(slow, 0);
    for (unsigned i = 0; i < 12; i++) {
        say_filler(writer, i + 2, 1000);
        rig_run(r, 0);
    }
    rig_run(r, 4990);
    assert_false(slow->is_gone);
    rig_run(r, 20);
    assert_true(slow->is_gone);
    rig_destroy(r);
}

/* --- Backpressure --- */

static void never(struct pl_call *call, void *context)
{
    struct pl_call ***at = context;

    *(*at)++ = call;
}

static struct rig *with_handler(const char *test, const char *type,
                                pl_handler *h, void *context)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.loops = 2};

    assert_int_equal(pl_handlers_with(none, type, h, context, &table), PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    return rig_start(test, &o);
}

static void reading_pauses_while_many_commands_are_pending(void **state)
{
    struct pl_call *calls[600], **at = calls;
    struct rig *r = with_handler("backpressure", "slow", never, &at);
    struct client *c = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i < 300; i++)
        client_sayf(c, "{\"id\":%u,\"rpc\":{\"method\":\"slow\"}}", i + 2);
    rig_run(r, 0);
    assert_int_equal(at - calls, 256); /* PL_PENDING_PAUSE */
    assert_true(c->is_paused);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_PENDING), 256);
    for (unsigned i = 0; i < 127; i++)
        pl_call_answer(calls[i], PL_SPAN("1"));
    rig_run(r, 0);
    assert_true(c->is_paused);
    pl_call_answer(calls[127], PL_SPAN("1")); /* PL_PENDING_RESUME is left */
    rig_run(r, 0);
    assert_false(c->is_paused);
    assert_int_equal(at - calls, 300);
    assert_int_equal(rig_metric(r, PL_METRIC_READS_PAUSED), 1);
    for (struct pl_call **p = calls + 128; p < at; p++)
        pl_call_answer(*p, PL_SPAN("1"));
    rig_run(r, 0);
    assert_int_equal(c->said_count, 301);
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* --- Handlers --- */

enum how { AT_ONCE, REFUSE, NOT_JSON, KEEP };

struct plan {
    enum how how;
    struct pl_call *kept;
    char data[64];
    char user[16];
    uint32_t number;
};

static void act(struct pl_call *call, void *context)
{
    struct plan *p = context;

    snprintf(p->data, sizeof p->data, "%s",
             call->data.at == NULL ? "" : call->data.at);
    p->number = call->number;
    if (p->how == AT_ONCE)
        pl_call_answer(call, PL_SPAN("{\"done\":true}"));
    else if (p->how == REFUSE)
        pl_call_refuse(call, 444, PL_SPAN("no"));
    else if (p->how == NOT_JSON)
        pl_call_answer(call, PL_SPAN("{"));
    else
        p->kept = call;
}

static void handlers_answer_as_they_like(void **state)
{
    struct plan p = {.how = AT_ONCE};
    struct rig *r = with_handler("handlers", "act", act, &p);
    struct client *c = client_join(r, 1);

    (void)state;
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"act\",\"data\":[1, 2]}}");
    rig_run(r, 0);
    assert_string_equal(p.data, "[1, 2]");
    client_expect(c, "{\"id\":2,\"rpc\":{\"data\":{\"done\":true}}}");
    p.how = REFUSE;
    client_say(c, "{\"id\":3,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"error\":{\"code\":444,\"message\":\"no\"}}");
    p.how = NOT_JSON;
    client_say(c, "{\"id\":4,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"error\":{\"code\":100,*\"temporary\":true}}");
    p.how = KEEP;
    client_say(c, "{\"id\":5,\"rpc\":{\"method\":\"act\"}}\n"
                  "{\"id\":6,\"presence_stats\":{\"channel\":\"c\"}}");
    rig_run(r, 5 * 1000);
    client_expect(c, "{\"id\":6,*"); /* nothing else waits for it */
    pl_call_answer(p.kept, PL_SPAN("5"));
    rig_run(r, 0);
    client_expect(c, "{\"id\":5,\"rpc\":{\"data\":5}}");
    client_say(c, "{\"id\":7,\"rpc\":{\"method\":\"nobody\"}}\n"
                  "{\"id\":8,\"rpc\":{\"method\":\"connect\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":7,\"error\":{\"code\":104,*");
    client_expect(c, "{\"id\":8,\"error\":{\"code\":104,*");
    assert_int_equal(rig_metric(r, PL_METRIC_CUSTOM), 4);
    assert_int_equal(rig_metric(r, PL_METRIC_CUSTOM_UNKNOWN), 2);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLERS), 1);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_call_outlives_its_caller(void **state)
{
    struct plan p = {.how = KEEP};
    struct rig *r = with_handler("outlives", "act", act, &p);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"act\",\"data\":1}}");
    rig_run(r, 0);
    client_vanish(c);
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_CANCELLED), 1);
    assert_string_equal(p.kept->data.at, "1");
    pl_call_answer(p.kept, PL_SPAN("1"));
    rig_run(r, 0);
    rig_destroy(r);
}

static void a_send_goes_to_the_handler_of_its_type(void **state)
{
    struct plan p = {.how = AT_ONCE};
    struct rig *r = with_handler("send", "act", act, &p);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"send\":{\"data\":{\"x\":[],\"type\":\"act\"}}}");
    rig_run(r, 0);
    client_expect_silence(c);
    assert_string_equal(p.data, "{\"x\":[],\"type\":\"act\"}");
    assert_int_equal(p.number, 0);
    client_say(c, "{\"send\":{\"data\":{\"type\":\"other\"}}}");
    client_expect_close(c, 3508);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_SILENT), 1);
    rig_destroy(r);
}

static void without_handlers_rpc_is_108_and_send_3508(void **state)
{
    struct rig *r = with("108", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"x\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":108,*");
    client_say(c, "{\"send\":{\"data\":{}}}");
    client_expect_close(c, 3508);
    rig_destroy(r);
}

static void handlers_may_be_replaced_while_running(void **state)
{
    struct plan p = {.how = KEEP};
    struct rig *r = with_handler("replace", "act", act, &p);
    struct client *c = client_join(r, 0);
    struct pl_handlers *table;

    (void)state;
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    assert_int_equal(pl_handlers_without(r->handlers, "act", &table), PL_OK);
    for (unsigned i = 0; i < r->loops; i++) {
        struct pl_handlers_mail *m = pl_handlers_mail_create();

        m->handlers = pl_handlers_hold(table);
        m->release = pl_handlers_release;
        pl_actor_send(&r->boss->actor,
                      pl_session_manager_address(r->at[i].manager), &m->msg);
    }
    pl_handlers_release(table);
    rig_run(r, 0);
    client_say(c, "{\"id\":3,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"error\":{\"code\":108,*");
    pl_call_answer(p.kept, PL_SPAN("2"));
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"rpc\":{\"data\":2}}");
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLERS), 0);
    rig_destroy(r);
}

/* --- From connection to connection --- */

static void a_message_reaches_one_connection(void **state)
{
    struct rig_options o = {.loops = 2};
    struct rig *r = rig_start("direct", &o);
    struct client *a = client_join(r, 0), *b = client_join(r, 1);
    char pattern[512];

    (void)state;
    client_sayf(a,
                "{\"id\":2,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                "\"to\":\"conn/%s\",\"type\":\"t\",\"body\":{\"n\":1}}}}",
                b->id);
    rig_run(r, 0);
    snprintf(pattern, sizeof pattern,
             "{\"push\":{\"message\":{\"data\":{\"from\":{\"user\":\"\","
             "\"client\":\"%s\"},\"to\":\"conn/%s\",\"type\":\"t\","
             "\"body\":{\"n\":1},\"id\":\"*\"}}}}",
             a->id, b->id);
    client_expect(b, pattern);
    client_expect(a, "{\"id\":2,\"rpc\":{\"data\":{\"accepted\":1,"
                     "\"stored\":false}}}");
    client_vanish(b);
    rig_run(r, 0);
    client_sayf(a,
                "{\"id\":3,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                "\"to\":\"conn/%s\"}}}",
                b->id);
    client_say(a, "{\"id\":4,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"conn/nonsense\"}}}");
    client_say(a, "{\"id\":5,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"nobody\"}}}");
    client_say(a, "{\"id\":6,\"rpc\":{\"method\":\"actor.send\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(a, "{\"id\":4,\"error\":{\"code\":404,*");
    client_expect(a, "{\"id\":5,\"error\":{\"code\":404,*");
    client_expect(a, "{\"id\":6,\"error\":{\"code\":107,*");
    client_expect(a, "{\"id\":3,\"error\":{\"code\":404,*");
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* The right address with a wrong tail is somebody's guess. */
static void an_id_must_fit_to_its_last_character(void **state)
{
    struct rig *r = with("guess", NULL, NULL);
    struct client *a = client_join(r, 0), *b = client_join(r, 0);

    (void)state;
    b->id[31] = b->id[31] == 'A' ? 'B' : 'A';
    client_sayf(a,
                "{\"id\":2,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                "\"to\":\"conn/%s\"}}}",
                b->id);
    rig_run(r, 0);
    client_expect(a, "{\"id\":2,\"error\":{\"code\":404,*");
    client_expect_silence(b);
    rig_destroy(r);
}

static void a_client_may_ask_for_an_inbox_of_its_own(void **state)
{
    struct rig *r = with("inbox", NULL, NULL);
    struct client *a = client_join(r, 0), *b = client_open(r, 0);
    char pattern[128];

    (void)state;
    client_say(b, "{\"id\":1,\"connect\":{\"data\":{\"inbox\":true}}}");
    rig_run(r, 0);
    const char *text = client_next(b);
    snprintf(b->id, sizeof b->id, "%.32s", strstr(text, "\"client\":\"") + 10);
    snprintf(pattern, sizeof pattern, "*\"subs\":{\"@%s\":{}}*", b->id);
    assert_true(rig_matches(text, pattern));
    client_sayf(a, "{\"send\":{\"data\":{\"to\":\"conn/%s\",\"body\":1}}}",
                b->id);
    rig_run(r, 0);
    snprintf(pattern, sizeof pattern,
             "{\"push\":{\"channel\":\"@%s\",\"pub\":{\"data\":*", b->id);
    client_expect(b, pattern);
    client_expect_silence(a);
    rig_destroy(r);
}

static void a_message_to_a_channel_is_a_publication(void **state)
{
    struct rig *r = with("message", NULL, NULL);
    struct client *a = client_join(r, 0);

    (void)state;
    client_subscribe(a, 2, "c");
    client_say(a, "{\"id\":3,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"channel/c\",\"body\":1}}}");
    rig_run(r, 0);
    client_expect(a, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":{*"
                     "\"body\":1,*");
    client_expect(a, "{\"id\":3,\"rpc\":{\"data\":{\"accepted\":1,"
                     "\"stored\":true}}}");
    client_say(a, "{\"id\":4,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"channel/#x\"}}}\n"
                  "{\"id\":5,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"channel/\"}}}\n"
                  "{\"id\":6,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"user/\"}}}");
    rig_run(r, 0);
    client_expect(a, "{\"id\":4,\"error\":{\"code\":103,*");
    client_expect(a, "{\"id\":5,\"error\":{\"code\":107,*");
    client_expect(a, "{\"id\":6,\"error\":{\"code\":107,*");
    rig_destroy(r);
}

/* --- Kicks --- */

static void kick(struct client *c, const char *id, uint32_t code,
                 const char *channel)
{
    struct pl_kick_mail *m = pl_kick_mail_create();

    m->code = code;
    if (channel != NULL)
        m->channel = pl_blob_create(pl_span_of(channel));
    else
        m->reason = pl_blob_create(PL_SPAN("because"));
    if (id != NULL)
        m->client = pl_blob_create(pl_span_of(id));
    rig_mail(c, &m->msg);
    rig_run(c->rig, 0);
}

static void a_kick_closes_or_unsubscribes_whom_it_means(void **state)
{
    struct rig *r = with("kick", NULL, NULL);
    struct client *c = client_join(r, 0), *writer = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "c");
    kick(c, "somebody else", 3503, NULL);
    kick(c, c->id, 2000, "not mine");
    client_expect_silence(c);
    assert_int_equal(c->closed, 0);
    kick(c, c->id, 2000, "c");
    client_expect(c, "{\"push\":{\"channel\":\"c\",\"unsubscribe\":{"
                     "\"code\":2000,\"reason\":\"server unsubscribe\"}}}");
    client_say(writer, "{\"id\":2,\"publish\":{\"channel\":\"c\","
                       "\"data\":1}}");
    rig_run(r, 0);
    client_expect_silence(c);
    client_subscribe(c, 3, "c");
    kick(c, NULL, 3503, NULL);
    client_expect_close(c, 3503);
    assert_string_equal(c->reason, "because");
    kick(c, NULL, 3503, NULL); /* twice does nothing */
    rig_destroy(r);
}

/* --- The phases of a stop --- */

static void a_stop_refuses_then_closes_then_ends(void **state)
{
    struct rig_options o = {.loops = 2};
    struct rig *r = rig_start("phases", &o);
    struct client *a = client_join(r, 0), *b = client_join(r, 1);
    struct client *early = client_open(r, 0), *http = client_create(r, 1);

    (void)state;
    client_subscribe(a, 2, "c");
    rig_phase(r, PL_PHASE_SIGNAL, false);
    rig_run(r, 0);
    assert_int_equal(r->boss->phases_answered, 2);
    client_say(a, "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}\n"
                  "{\"id\":4,\"unsubscribe\":{\"channel\":\"c\"}}\n"
                  "{\"send\":{\"data\":{}}}");
    client_say(early, "{\"id\":1,\"connect\":{}}");
    client_feed(http, client_request, strlen(client_request));
    rig_run(r, 0);
    client_expect(a, "{\"id\":3,\"error\":{\"code\":503,*\"temporary\":true}}");
    client_expect(a, "{\"id\":4,\"unsubscribe\":{}}");
    client_expect_silence(a);
    client_expect(early, "{\"id\":1,\"error\":{\"code\":503,*");
    assert_true(rig_matches(http->http, "HTTP/1.1 503 *"));
    client_vanish(http);
    rig_phase(r, PL_PHASE_GRACE, false);
    rig_run(r, 10);
    assert_int_equal(r->boss->phases_answered, 4);
    rig_phase(r, PL_PHASE_DISCONNECT, false);
    rig_run(r, 0);
    assert_int_equal(a->closed, 3001);
    assert_string_equal(a->reason, "shutdown");
    assert_int_equal(b->closed, 3001);
    assert_int_equal(early->closed, 3001);
    assert_int_equal(r->boss->phases_answered, 4); /* they are still there */
    client_vanish(a);
    client_vanish(b);
    client_vanish(early);
    rig_run(r, 10);
    assert_int_equal(r->boss->phases_answered, 6);
    assert_int_equal(r->boss->forced, 0);
    rig_destroy(r);
}

static void grace_waits_for_commands_and_for_bytes(void **state)
{
    struct plan p = {.how = KEEP};
    struct rig *r = with_handler("grace", "act", act, &p);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    rig_phase(r, PL_PHASE_GRACE, false);
    rig_run(r, 50);
    assert_int_equal(r->boss->phases_answered, 1); /* of the other loop */
    client_take(c, 0);
    pl_call_answer(p.kept, PL_SPAN("1"));
    rig_run(r, 50);
    assert_int_equal(r->boss->phases_answered, 1);
    client_take(c, SIZE_MAX);
    rig_run(r, 50);
    assert_int_equal(r->boss->phases_answered, 2);
    rig_destroy(r);
}

static void those_that_do_not_end_are_aborted_and_counted(void **state)
{
    struct rig *r = with("forced", NULL, NULL);

    (void)state;
    for (int i = 0; i < 5; i++)
        client_join(r, 0);
    client_take(client_join(r, 0), 0);
    client_create(r, 0);
    rig_phase(r, PL_PHASE_DISCONNECT, false);
    rig_run(r, 900);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 6);
    rig_phase(r, PL_PHASE_DISCONNECT, true);
    rig_run(r, 10);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    assert_int_equal(r->boss->forced, 6);
    assert_int_equal(r->boss->phases_answered, 2);
    rig_destroy(r);
}

static void a_session_after_the_abort_does_not_delay_the_shutdown(void **state)
{
    struct rig *r = with("late", NULL, NULL);

    (void)state;
    client_join(r, 0);
    rig_phase(r, PL_PHASE_DISCONNECT, true);
    assert_non_null(client_try(r, 0)); /* it is cut with the other */
    rig_run(r, 0);
    assert_null(client_try(r, 0));
    rig_run(r, 10);
    assert_int_equal(r->boss->phases_answered, 1);
    assert_int_equal(r->boss->forced, 2);
    rig_destroy(r);
}

static void
a_session_manager_that_stops_takes_its_sessions_with_it(void **state)
{
    struct rig *r = with("session_manager", NULL, NULL);
    struct client *a = client_join(r, 0), *b = client_join(r, 0);

    (void)state;
    client_subscribe(a, 2, "c");
    client_take(b, 0);
    client_say(b, "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    assert_int_equal(pl_stop_send(&r->boss->actor,
                                  pl_session_manager_address(r->at[0].manager)),
                     PL_OK);
    rig_run(r, 0);
    assert_true(a->is_gone && b->is_gone);
    assert_null(a->session);
    rig_destroy(r); /* a second stop finds nobody */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_come_at_their_interval_also_when_busy),
        cmocka_unit_test(a_ping_without_a_pong_closes_with_3012),
        cmocka_unit_test(a_second_pong_closes_with_3501),
        cmocka_unit_test(pings_can_be_switched_off),
        cmocka_unit_test(a_slow_reader_is_closed_with_3008),
        cmocka_unit_test(an_empty_queue_takes_a_message_of_any_size),
        cmocka_unit_test(a_reader_that_never_reads_its_close_is_aborted),
        cmocka_unit_test(reading_pauses_while_many_commands_are_pending),
        cmocka_unit_test(handlers_answer_as_they_like),
        cmocka_unit_test(a_call_outlives_its_caller),
        cmocka_unit_test(a_send_goes_to_the_handler_of_its_type),
        cmocka_unit_test(without_handlers_rpc_is_108_and_send_3508),
        cmocka_unit_test(handlers_may_be_replaced_while_running),
        cmocka_unit_test(a_message_reaches_one_connection),
        cmocka_unit_test(an_id_must_fit_to_its_last_character),
        cmocka_unit_test(a_client_may_ask_for_an_inbox_of_its_own),
        cmocka_unit_test(a_message_to_a_channel_is_a_publication),
        cmocka_unit_test(a_kick_closes_or_unsubscribes_whom_it_means),
        cmocka_unit_test(a_stop_refuses_then_closes_then_ends),
        cmocka_unit_test(grace_waits_for_commands_and_for_bytes),
        cmocka_unit_test(those_that_do_not_end_are_aborted_and_counted),
        cmocka_unit_test(a_session_after_the_abort_does_not_delay_the_shutdown),
        cmocka_unit_test(
            a_session_manager_that_stops_takes_its_sessions_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
