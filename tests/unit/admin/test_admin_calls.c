/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_calls.c - server API calls, from body to answer, without HTTP. */
#include "calls_rig.h"

static void publish_tells_offset_and_epoch(void **state)
{
    expect(*state, PL_CALL_ONE, PL_API_PUBLISH,
           "{\"channel\":\"c\",\"data\":{\"a\": 1}}",
           "{\"result\":{\"offset\":1,\"epoch\":\"epok\"}}");
}

static void an_error_of_the_owner_is_told(void **state)
{
    expect(*state, PL_CALL_ONE, PL_API_PUBLISH,
           "{\"channel\":\"broken\",\"data\":1}",
           "{\"error\":{\"code\":108,\"message\":\"not available\"}}");
}

static void a_body_that_is_wrong_is_told_without_asking_anybody(void **state)
{
    expect(*state, PL_CALL_ONE, PL_API_PUBLISH, "{\"data\":1}",
           "{\"error\":{\"code\":107,\"message\":\"bad request: channel: "
           "it is missing\"}}");
    expect(*state, PL_CALL_BATCH, 0, "nonsense",
           "{\"error\":{\"code\":107,\"message\":\"bad request: "
           "an object is expected at byte 0\"}}");
}

static bool is_malformed(struct fixture *f, enum pl_api_call_form form,
                         enum pl_api_method method, const char *text)
{
    struct pl_api_call *call = begin(f, form, method, text);
    bool is = pl_api_call_is_malformed(call);

    pl_api_call_forget(call);
    return is;
}

static void a_body_that_cannot_be_read_is_malformed(void **state)
{
    struct fixture *f = *state;

    assert_true(is_malformed(f, PL_CALL_ONE, PL_API_PUBLISH, "{"));
    assert_true(
        is_malformed(f, PL_CALL_ONE, PL_API_PUBLISH, "{\"channel\":1}"));
    assert_true(is_malformed(f, PL_CALL_BATCH, 0, "{\"commands\":[{}"));
    assert_true(is_malformed(f, PL_CALL_LINES, 0, "{\"method\":\"info\"} x"));
    /* It can be read, and asks for what is not done. */
    assert_false(is_malformed(f, PL_CALL_ONE, PL_API_PUBLISH, "{}"));
    assert_false(is_malformed(f, PL_CALL_BATCH, 0, "{\"commands\":[]}"));
    assert_false(is_malformed(f, PL_CALL_ONE, PL_API_DISCONNECT,
                              "{\"user\":\"u\",\"session\":\"s\"}"));
    /* One command of several has an answer of its own. */
    assert_false(is_malformed(
        f, PL_CALL_BATCH, 0, "{\"commands\":[{\"publish\":{\"channel\":1}}]}"));
}

static void a_position_in_a_batch_counts_from_the_body(void **state)
{
    expect(*state, PL_CALL_BATCH, 0,
           "{\"commands\":[{\"info\":[1]},{\"publish\":{\"channel\":1}}]}",
           "{\"replies\":[{\"error\":{\"code\":107,\"message\":\"bad request: "
           "an object is expected at byte 21\"}},"
           "{\"error\":{\"code\":107,\"message\":\"bad request: "
           "channel: a string is expected at byte 48\"}}]}");
}

static void a_blank_channel_fails_its_own_response_only(void **state)
{
    struct fixture *f = *state;

    f->options.channel_owners = 1;
    expect(f, PL_CALL_ONE, PL_API_BROADCAST,
           "{\"channels\":[\"a\",\"\",\"b\"],\"data\":7}",
           "{\"result\":{\"responses\":["
           "{\"result\":{\"offset\":1,\"epoch\":\"epok\"}},"
           "{\"error\":{\"code\":107,\"message\":\"bad request: channel: "
           "it is empty\"}},"
           "{\"result\":{\"offset\":2,\"epoch\":\"epok\"}}]}}");
}

static void the_older_form_returns_ids(void **state)
{
    struct fixture *f = *state;

    f->options.channel_owners = 1;
    expect(f, PL_CALL_LINES, 0,
           "{\"method\":\"disconnect\",\"params\":{\"user\":\"a\"},\"id\":1}"
           "{\"id\":2,\"method\":\"what\"}{\"id\":3,\"method\":\"broadcast\","
           "\"params\":{\"channels\":[\"a\"],\"data\":1}}",
           "{\"id\":1,\"result\":{}}\n"
           "{\"id\":2,\"error\":{\"code\":104,\"message\":\"method not "
           "found\"}}\n"
           "{\"id\":3,\"result\":{\"responses\":[{\"result\":{\"offset\":1,"
           "\"epoch\":\"epok\"}}]}}");
}

/* limits.memory: what is kept or fanned out is refused, the rest goes on. */
static void short_of_memory_publications_are_error_111(void **state)
{
    static const char busy[] =
        "{\"error\":{\"code\":111,\"message\":\"too many requests\"}}";
    struct fixture *f = *state;

    f->metrics.value[PL_METRIC_MEMORY_STATE] = 1;
    expect(f, PL_CALL_ONE, PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1}",
           busy);
    expect(f, PL_CALL_ONE, PL_API_BROADCAST,
           "{\"channels\":[\"a\",\"b\"],\"data\":1}", busy);
    expect(f, PL_CALL_ONE, PL_API_DISCONNECT, "{\"user\":\"u\"}",
           "{\"result\":{}}");
    assert_int_equal(f->metrics.value[PL_METRIC_REFUSED_MEMORY], 2);
    f->metrics.value[PL_METRIC_MEMORY_STATE] = 0;
    expect(f, PL_CALL_ONE, PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1}",
           "{\"result\":{\"offset\":1,\"epoch\":\"epok\"}}");
}

static void broadcast_answers_each_channel_in_its_place(void **state)
{
    struct fixture *f = *state;

    f->options.channel_owners = 1; /* so that offsets are known */
    expect(f, PL_CALL_ONE, PL_API_BROADCAST,
           "{\"channels\":[\"a\",\"broken\",\"b\"],\"data\":7}",
           "{\"result\":{\"responses\":["
           "{\"result\":{\"offset\":1,\"epoch\":\"epok\"}},"
           "{\"error\":{\"code\":108,\"message\":\"not available\"}},"
           "{\"result\":{\"offset\":2,\"epoch\":\"epok\"}}]}}");
    assert_string_equal(f->owner[0]->last, "7");
}

static void a_batch_answers_under_the_names_of_its_methods(void **state)
{
    struct fixture *f = *state;

    f->options.channel_owners = 1;
    expect(f, PL_CALL_BATCH, 0,
           "{\"commands\":[{\"publish\":{\"channel\":\"a\",\"data\":1}},"
           "{\"presence_stats\":{\"channel\":\"a\"}},{\"what\":{}},"
           "{\"broadcast\":{\"channels\":[\"b\"],\"data\":2}}]}",
           "{\"replies\":[{\"publish\":{\"offset\":1,\"epoch\":\"epok\"}},"
           "{\"presence_stats\":{\"num_clients\":3,\"num_users\":2}},"
           "{\"error\":{\"code\":104,\"message\":\"method not found\"}},"
           "{\"broadcast\":{\"responses\":[{\"result\":{\"offset\":2,"
           "\"epoch\":\"epok\"}}]}}]}");
}

static void the_older_form_answers_a_line_a_command(void **state)
{
    expect(*state, PL_CALL_LINES, 0,
           "{\"method\":\"disconnect\",\"params\":{\"user\":\"ada\"}}\n"
           "{\"method\":\"presence_stats\",\"params\":{\"channel\":\"c\"}}",
           "{\"result\":{}}\n"
           "{\"result\":{\"num_clients\":3,\"num_users\":2}}");
}

static void history_gives_payloads_as_they_are(void **state)
{
    struct fixture *f = *state;

    pl_api_call_start(begin(f, PL_CALL_ONE, PL_API_HISTORY,
                            "{\"channel\":\"c\",\"limit\":10}"));
    pl_sim_advance(f->sim, 0);
    assert_non_null(strstr(f->answer, "{\"result\":{\"publications\":["
                                      "{\"data\":{\"n\":1},\"offset\":1},"
                                      "{\"b64data\":\"AQI=\",\"info\":{"
                                      "\"user\":\"ada\",\"client\":\""));
    assert_non_null(strstr(f->answer,
                           "\"conn_info\":{\"name\":\"Ada\"}},\"offset\":2}],"
                           "\"epoch\":\"epok\",\"offset\":7}}"));
}

static void presence_is_keyed_by_client(void **state)
{
    struct fixture *f = *state;
    char want[64];

    pl_api_call_start(
        begin(f, PL_CALL_ONE, PL_API_PRESENCE, "{\"channel\":\"c\"}"));
    pl_sim_advance(f->sim, 0);
    struct pl_span id =
        pl_client_id(f->owner[pl_hash(&f->key, PL_SPAN("c")) % OWNERS]->client);
    snprintf(want, sizeof want, "{\"result\":{\"presence\":{\"%.*s\":{",
             (int)id.len, id.at);
    assert_memory_equal(f->answer, want, strlen(want));
}

static void channels_gathers_all_owners(void **state)
{
    struct fixture *f = *state;

    pl_api_call_start(begin(f, PL_CALL_ONE, PL_API_CHANNELS, "{}"));
    pl_sim_advance(f->sim, 0);
    assert_int_equal(f->answers, 1);
    unsigned listed = 0;
    for (const char *at = f->answer; (at = strstr(at, "num_clients")); at++)
        listed++;
    assert_int_equal(listed, OWNERS);
}

static void what_is_not_answered_in_time_is_error_100(void **state)
{
    struct fixture *f = *state;

    f->options.channel_owners = 1;
    pl_api_call_start(
        begin(f, PL_CALL_ONE, PL_API_BROADCAST,
              "{\"channels\":[\"a\",\"unresponsive\"],\"data\":1}"));
    pl_sim_advance(f->sim, PL_CALLS_TIMEOUT_MS - 1);
    assert_int_equal(f->answers, 0);
    pl_sim_advance(f->sim, 100);
    assert_int_equal(f->answers, 1);
    assert_string_equal(
        f->answer, "{\"result\":{\"responses\":["
                   "{\"result\":{\"offset\":1,\"epoch\":\"epok\"}},"
                   "{\"error\":{\"code\":100,\"message\":\"internal server "
                   "error\"}}]}}");
    assert_int_equal(f->calls.mails, 0);
    /* The answer that comes after all finds nobody, nor the next call. */
    pl_api_call_start(begin(f, PL_CALL_ONE, PL_API_PUBLISH,
                            "{\"channel\":\"unresponsive\",\"data\":2}"));
    pl_mail_answer(&f->owner[0]->actor, f->owner[0]->kept[0]);
    f->owner[0]->kept[0] = f->owner[0]->kept[--f->owner[0]->kept_count];
    pl_sim_advance(f->sim, 0);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->calls.in_flight, 1);
}

static void a_forgotten_call_tells_nobody(void **state)
{
    struct fixture *f = *state;
    struct pl_api_call *call =
        begin(f, PL_CALL_ONE, PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1}");

    pl_api_call_start(call);
    pl_api_call_forget(call);
    pl_sim_advance(f->sim, 2 * PL_CALLS_TIMEOUT_MS);
    assert_int_equal(f->answers, 0);
    assert_int_equal(f->calls.in_flight, 0);
    assert_int_equal(f->calls.mails, 0);
}

static void an_owner_that_is_gone_is_error_503(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < OWNERS; i++)
        pl_actor_exit(&f->owner[i]->actor, "gone");
    pl_sim_advance(f->sim, 0);
    expect(f, PL_CALL_ONE, PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1}",
           "{\"error\":{\"code\":503,\"message\":\"stopping or full\"}}");
}

static void calls_at_once_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct pl_api_call *call = NULL;
    char body[] = "{\"channel\":\"c\",\"data\":1}";

    for (unsigned i = 0; i < PL_CALLS_MAX; i++)
        begin(f, PL_CALL_ONE, PL_API_PUBLISH, body);
    assert_int_equal(pl_api_call_create(&call, &f->calls, NULL, PL_CALL_ONE,
                                        PL_API_PUBLISH, pl_span_of(body),
                                        on_done, f),
                     PL_EFULL);
    assert_null(call);
}

/* --- Bounds of what is on its way --- */

struct counts {
    unsigned answers, good, refused, late;
};

static unsigned count(struct pl_span text, const char *what)
{
    size_t len = strlen(what);
    unsigned n = 0;

    for (const char *at = text.at, *end = text.at + text.len;
         (at = memmem(at, (size_t)(end - at), what, len)) != NULL; at += len)
        n++;
    return n;
}

static void count_done(void *arg, const struct pl_buf *body, uint32_t error)
{
    struct counts *c = arg;

    (void)error;
    assert_false(body->failed);
    c->answers++;
    c->good = count(pl_buf_span(body), "\"offset\"");
    c->refused = count(pl_buf_span(body), "\"code\":111");
    c->late = count(pl_buf_span(body), "\"code\":100");
}

static void keep_done(void *arg, const struct pl_buf *body, uint32_t error)
{
    (void)error;
    pl_buf_put_span(arg, pl_buf_span(body));
}

static void run(struct fixture *f, struct counts *c, enum pl_api_call_form form,
                enum pl_api_method method, struct pl_buf *body)
{
    struct pl_api_call *call = NULL;

    *c = (struct counts){0};
    assert_false(body->failed);
    assert_int_equal(pl_api_call_create(&call, &f->calls, NULL, form, method,
                                        pl_buf_span(body), count_done, c),
                     PL_OK);
    assert_true(f->calls.mails <= PL_CALLS_MAILS_MAX);
    pl_api_call_start(call);
    pl_sim_advance(f->sim, 0);
    if (f->calls.mails > 0) /* for those that nobody answers */
        pl_sim_advance(f->sim, PL_CALLS_TIMEOUT_MS + 100);
    assert_int_equal(c->answers, 1);
    assert_int_equal(f->calls.mails, 0);
    assert_int_equal(f->calls.bytes, 0);
    assert_int_equal(f->calls.kept, 0);
    pl_buf_fini(body);
}

/* Add `n` channels with this name, or each with another. */
static void put_channels(struct pl_buf *b, const char *name, unsigned n)
{
    pl_buf_put_span(b, PL_SPAN("{\"channels\":["));
    for (unsigned i = 0; i < n; i++) {
        if (name == NULL)
            pl_buf_printf(b, "%s\"%u\"", i == 0 ? "" : ",", i);
        else
            pl_buf_printf(b, "%s\"%s\"", i == 0 ? "" : ",", name);
    }
    pl_buf_put_span(b, PL_SPAN("],\"data\":"));
}

static void put_broadcast(struct pl_buf *b, const char *name, unsigned channels,
                          size_t len)
{
    put_channels(b, name, channels);
    memset(pl_buf_reserve(b, len), '1', len);
    b->len += len;
    pl_buf_put_byte(b, '}');
}

static void a_batch_sends_no_more_mails_than_may_be_out(void **state)
{
    enum { EACH = 1000, BROADCASTS = PL_CALLS_MAILS_MAX / EACH + 2 };
    struct fixture *f = *state;
    struct pl_buf body = {0};
    struct counts c;

    pl_buf_put_span(&body, PL_SPAN("{\"commands\":["));
    for (int i = 0; i < BROADCASTS; i++) {
        pl_buf_printf(&body, "%s{\"broadcast\":", i == 0 ? "" : ",");
        put_broadcast(&body, "unresponsive", EACH, 1);
        pl_buf_put_byte(&body, '}');
    }
    pl_buf_put_span(&body, PL_SPAN("]}"));
    run(f, &c, PL_CALL_BATCH, 0, &body);
    assert_int_equal(c.late, PL_CALLS_MAILS_MAX);
    assert_int_equal(c.refused, BROADCASTS * EACH - PL_CALLS_MAILS_MAX);
}

static void a_broadcast_sends_no_more_bytes_than_may_be_out(void **state)
{
    enum { CHANNELS = 100, EACH = PL_CALLS_BYTES_MAX / 90 };
    struct fixture *f = *state;
    struct pl_buf body = {0};
    struct counts c;

    put_broadcast(&body, "unresponsive", CHANNELS, EACH);
    run(f, &c, PL_CALL_ONE, PL_API_BROADCAST, &body);
    assert_int_equal(c.late, 90);
    assert_int_equal(c.refused, CHANNELS - 90);
}

static void one_publication_may_have_any_size(void **state)
{
    struct fixture *f = *state;
    struct pl_buf body = {0};
    struct counts c;

    put_broadcast(&body, NULL, 1, (size_t)PL_CALLS_BYTES_MAX + 1);
    run(f, &c, PL_CALL_ONE, PL_API_BROADCAST, &body);
    assert_int_equal(c.good, 1);
}

static void put_histories(struct pl_buf *body, int count)
{
    pl_buf_put_span(body, PL_SPAN("{\"commands\":["));
    for (int i = 0; i < count; i++)
        pl_buf_printf(body,
                      "%s{\"history\":{\"channel\":\"large\","
                      "\"limit\":-1}}",
                      i == 0 ? "" : ",");
    pl_buf_put_span(body, PL_SPAN("]}"));
}

static void the_answers_to_a_batch_are_bounded_in_bytes(void **state)
{
    enum { FIT = PL_CALLS_BYTES_MAX / OWNER_LARGE };
    struct fixture *f = *state;
    struct pl_buf body = {0};
    struct counts c;

    put_histories(&body, FIT + 2);
    run(f, &c, PL_CALL_BATCH, 0, &body);
    assert_int_equal(c.good, 2 * FIT); /* of the publication, and the top */
    assert_int_equal(c.refused, 2);
}

/* The most answers that a turn of the control loop took. */
struct turns {
    struct fixture *f;
    uint64_t handled, most;
};

static void on_turn_end(void *arg)
{
    struct turns *t = arg;
    uint64_t handled = pl_loop_stats(t->f->actor.loop)->mail_handled;

    if (handled - t->handled > t->most)
        t->most = handled - t->handled;
    t->handled = handled;
}

static void long_answers_are_spread_over_turns(void **state)
{
    struct fixture *f = *state;
    struct turns t = {.f = f};
    struct pl_buf body = {0};
    struct counts c;

    pl_loop_bound_work(f->actor.loop, 1 << 20);
    pl_loop_on_turn_end(f->actor.loop, on_turn_end, &t);
    put_histories(&body, 4);
    run(f, &c, PL_CALL_BATCH, 0, &body);
    pl_loop_on_turn_end(f->actor.loop, NULL, NULL);
    assert_int_equal(c.good, 2 * 4);
    assert_int_equal(t.most, 1); /* each has 12 MiB */
}

/* --- In pieces --- */

enum { MANY = PL_CALLS_MAILS_MAX / 2 };

/* Begin a broadcast to MANY channels; `body` is read already. */
static struct pl_api_call *begin_long(struct fixture *f, struct counts *c)
{
    struct pl_api_call *call = NULL;
    struct pl_buf body = {0};

    *c = (struct counts){0};
    put_broadcast(&body, NULL, MANY, 1);
    assert_false(body.failed);
    assert_int_equal(pl_api_call_create(&call, &f->calls, NULL, PL_CALL_ONE,
                                        PL_API_BROADCAST, pl_buf_span(&body),
                                        count_done, c),
                     PL_OK);
    pl_buf_fini(&body); /* the call has a copy */
    pl_api_call_start(call);
    return call;
}

/* The most that a turn of the control loop sent. */
struct pieces {
    struct fixture *f;
    uint64_t sent, most;
};

static void on_piece(void *arg)
{
    struct pieces *p = arg;
    uint64_t sent = pl_loop_stats(p->f->actor.loop)->posts_sent;

    if (sent - p->sent > p->most)
        p->most = sent - p->sent;
    p->sent = sent;
}

static void a_long_broadcast_sends_a_bounded_piece_a_turn(void **state)
{
    struct fixture *f = *state;
    struct pieces p = {.f = f};
    struct counts c;

    pl_loop_on_turn_end(f->actor.loop, on_piece, &p);
    begin_long(f, &c);
    begin_long(f, &c); /* two send no more together */
    pl_sim_advance(f->sim, 0);
    pl_loop_on_turn_end(f->actor.loop, NULL, NULL);
    assert_int_equal(c.answers, 2);
    assert_int_equal(c.good, MANY);
    assert_int_equal(count_published(f), 2 * MANY);
    assert_true(p.most > 0 && p.most <= 256);
    assert_int_equal(f->calls.kept, 0);
}

static void a_command_is_answered_while_a_broadcast_is_sent(void **state)
{
    struct fixture *f = *state;
    struct counts c;

    begin_long(f, &c);
    pl_api_call_start(
        begin(f, PL_CALL_ONE, PL_API_PRESENCE_STATS, "{\"channel\":\"c\"}"));
    while (f->answers == 0)
        assert_true(pl_sim_step(f->sim));
    assert_int_equal(c.answers, 0);
    assert_true(count_published(f) < MANY);
    pl_sim_advance(f->sim, 0);
    assert_int_equal(c.answers, 1);
    assert_int_equal(c.good, MANY);
}

/* With one owner the offsets count what came before. */
static void the_order_in_a_channel_is_that_of_the_body(void **state)
{
    enum { LINES = 600 };
    struct fixture *f = *state;
    struct pl_buf body = {0}, want = {0};

    f->options.channel_owners = 1;
    for (int i = 1; i <= LINES; i++) {
        pl_buf_printf(&body,
                      "{\"id\":%d,\"method\":\"publish\",\"params\":{"
                      "\"channel\":\"c\",\"data\":%d}}\n",
                      i, i);
        pl_buf_printf(&want,
                      "%s{\"id\":%d,\"result\":{\"offset\":%d,"
                      "\"epoch\":\"epok\"}}",
                      i == 1 ? "" : "\n", i, i);
    }
    struct pl_api_call *call = NULL;
    struct pl_buf got = {0};
    assert_int_equal(pl_api_call_create(&call, &f->calls, NULL, PL_CALL_LINES,
                                        0, pl_buf_span(&body), keep_done, &got),
                     PL_OK);
    pl_api_call_start(call);
    pl_sim_advance(f->sim, 0);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    assert_string_equal(f->owner[0]->last, "600");
    pl_buf_fini(&body);
    pl_buf_fini(&want);
    pl_buf_fini(&got);
}

static void a_broadcast_ends_with_its_connection(void **state)
{
    struct fixture *f = *state;
    struct counts c;
    struct pl_api_call *call = begin_long(f, &c);

    while (count_published(f) == 0)
        assert_true(pl_sim_step(f->sim));
    pl_api_call_forget(call);
    pl_sim_advance(f->sim, 2 * PL_CALLS_TIMEOUT_MS);
    assert_int_equal(c.answers, 0);
    assert_true(count_published(f) < MANY);
    assert_int_equal(f->calls.in_flight, 0);
    assert_int_equal(f->calls.mails, 0);
    assert_int_equal(f->calls.bytes, 0);
    assert_int_equal(f->calls.kept, 0);
}

static void a_stop_ends_a_broadcast_in_the_middle(void **state)
{
    struct fixture *f = *state;
    struct counts c;

    begin_long(f, &c);
    while (count_published(f) == 0)
        assert_true(pl_sim_step(f->sim));
    pl_api_calls_fini(&f->calls);
    pl_actor_exit(&f->actor, "stopped");
    pl_sim_advance(f->sim, 2 * PL_CALLS_TIMEOUT_MS);
    assert_int_equal(c.answers, 0);
    assert_true(count_published(f) < MANY);
}

static void bodies_that_are_kept_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct pl_api_call *call = NULL;
    struct pl_buf body = {0};

    put_broadcast(&body, "c", 200, PL_CALLS_BYTES_MAX / 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pl_api_call_create(&call, &f->calls, NULL, PL_CALL_ONE,
                                            PL_API_BROADCAST,
                                            pl_buf_span(&body), on_done, f),
                         i == 0 ? PL_OK : PL_EFULL);
    pl_buf_fini(&body);
    pl_api_calls_fini(&f->calls);
    assert_int_equal(f->calls.kept, 0);
}

/* --- Several commands --- */

static void
a_batch_waits_before_and_after_what_concerns_connections(void **state)
{
    struct fixture *f = *state;

    f->options.channel_owners = 1;
    expect(f, PL_CALL_BATCH, 0,
           "{\"commands\":[{\"publish\":{\"channel\":\"a\",\"data\":1}},"
           "{\"disconnect\":{\"user\":\"u\"}},"
           "{\"publish\":{\"channel\":\"a\",\"data\":2}}]}",
           "{\"replies\":[{\"publish\":{\"offset\":1,\"epoch\":\"epok\"}},"
           "{\"disconnect\":{}},"
           "{\"publish\":{\"offset\":2,\"epoch\":\"epok\"}}]}");
    assert_int_equal(f->published_before, 1);
}

static void begin_behind_a_mute_one(struct fixture *f, const char *more)
{
    char body[256];

    snprintf(body, sizeof body,
             "{\"commands\":[{\"publish\":{\"channel\":\"unresponsive\","
             "\"data\":1}},{\"disconnect\":{\"user\":\"u\"}},"
             "{\"publish\":{\"channel\":\"c\",\"data\":1}}]%s}",
             more);
    f->options.channel_owners = 1;
    pl_api_call_start(begin(f, PL_CALL_BATCH, 0, body));
    pl_sim_advance(f->sim, PL_CALLS_TIMEOUT_MS + 100);
    assert_int_equal(f->answers, 1);
}

#define LATE "{\"error\":{\"code\":100,\"message\":\"internal server error\"}}"

static void what_waits_for_a_mute_command_never_begins(void **state)
{
    struct fixture *f = *state;

    begin_behind_a_mute_one(f, "");
    assert_string_equal(f->answer,
                        "{\"replies\":[" LATE "," LATE "," LATE "]}");
    assert_int_equal(count_published(f), 0);
    assert_int_equal(f->calls.kept, 0);
}

static void a_parallel_batch_waits_for_nothing(void **state)
{
    struct fixture *f = *state;

    begin_behind_a_mute_one(f, ",\"parallel\":true");
    assert_string_equal(f->answer, "{\"replies\":[" LATE
                                   ",{\"disconnect\":{}},{\"publish\":{"
                                   "\"offset\":1,\"epoch\":\"epok\"}}]}");
}

static void a_batch_of_many_broadcasts_needs_no_memory_for_each(void **state)
{
    enum { COUNT = 500 };
    struct fixture *f = *state;
    struct pl_buf body = {0};
    struct counts c;

    pl_buf_put_span(&body, PL_SPAN("{\"commands\":["));
    for (int i = 0; i < COUNT; i++)
        pl_buf_printf(&body,
                      "%s{\"broadcast\":{\"channels\":[\"c\"],"
                      "\"data\":1}}",
                      i == 0 ? "" : ",");
    pl_buf_put_span(&body, PL_SPAN("]}"));
    run(f, &c, PL_CALL_BATCH, 0, &body);
    assert_int_equal(c.good, COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(publish_tells_offset_and_epoch),
        WITH_FIXTURE(an_error_of_the_owner_is_told),
        WITH_FIXTURE(a_body_that_is_wrong_is_told_without_asking_anybody),
        WITH_FIXTURE(a_body_that_cannot_be_read_is_malformed),
        WITH_FIXTURE(a_position_in_a_batch_counts_from_the_body),
        WITH_FIXTURE(a_blank_channel_fails_its_own_response_only),
        WITH_FIXTURE(the_older_form_returns_ids),
        WITH_FIXTURE(short_of_memory_publications_are_error_111),
        WITH_FIXTURE(broadcast_answers_each_channel_in_its_place),
        WITH_FIXTURE(a_batch_answers_under_the_names_of_its_methods),
        WITH_FIXTURE(the_older_form_answers_a_line_a_command),
        WITH_FIXTURE(history_gives_payloads_as_they_are),
        WITH_FIXTURE(presence_is_keyed_by_client),
        WITH_FIXTURE(channels_gathers_all_owners),
        WITH_FIXTURE(what_is_not_answered_in_time_is_error_100),
        WITH_FIXTURE(a_forgotten_call_tells_nobody),
        WITH_FIXTURE(an_owner_that_is_gone_is_error_503),
        WITH_FIXTURE(calls_at_once_are_bounded),
        WITH_FIXTURE(a_batch_sends_no_more_mails_than_may_be_out),
        WITH_FIXTURE(a_broadcast_sends_no_more_bytes_than_may_be_out),
        WITH_FIXTURE(one_publication_may_have_any_size),
        WITH_FIXTURE(the_answers_to_a_batch_are_bounded_in_bytes),
        WITH_FIXTURE(long_answers_are_spread_over_turns),
        WITH_FIXTURE(a_long_broadcast_sends_a_bounded_piece_a_turn),
        WITH_FIXTURE(a_command_is_answered_while_a_broadcast_is_sent),
        WITH_FIXTURE(the_order_in_a_channel_is_that_of_the_body),
        WITH_FIXTURE(a_broadcast_ends_with_its_connection),
        WITH_FIXTURE(a_stop_ends_a_broadcast_in_the_middle),
        WITH_FIXTURE(bodies_that_are_kept_are_bounded),
        WITH_FIXTURE(a_batch_waits_before_and_after_what_concerns_connections),
        WITH_FIXTURE(what_waits_for_a_mute_command_never_begins),
        WITH_FIXTURE(a_parallel_batch_waits_for_nothing),
        WITH_FIXTURE(a_batch_of_many_broadcasts_needs_no_memory_for_each),
    };

    return cmocka_run_group_tests_name("admin_calls", tests, NULL, NULL);
}
