/* SPDX-License-Identifier: Apache-2.0 */
/* The owner under load on stores that answer 1 to 1,000 ms later: 50,000
 * publications a second of simulated time, a long outbox, thousands of channels
 * with requests in flight, timeouts in the middle, stops with a full pipeline.
 *
 * What must hold: every request is answered once; the publications of a channel
 * reach a hub in the order of their offsets, and what is missing between two of
 * them was answered with an error; what waits is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "monitor.h"
#include "rig.h"

enum { STEP_MS = 4, RATE = 50000, NAME_MAX_LEN = 12 };

enum sub_state { AWAY, COMING, HERE, GONE /* before the answer came */ };

struct sub { /* one at each hub for each channel */
    enum sub_state state;
    uint64_t last;   /* offset */
    uint64_t missed; /* offsets that never came */
    char epoch[9];
};

struct channel {
    char name[NAME_MAX_LEN];
    uint32_t sent;     /* publications, numbered from 0 */
    uint32_t expected; /* the next answer without an error is not before it */
    uint64_t failed;   /* publications answered with an error */
    struct sub sub[RIG_LOOPS];
};

struct load {
    struct rig *r;
    struct channel *channel;
    uint32_t channels;
    uint64_t asked;
    uint64_t answered;
    uint64_t refused; /* 111 */
    uint64_t failed;  /* another error */
    uint64_t deepest; /* requests that wait for stores */
    uint64_t largest; /* and their bytes */
    bool has_history;
};

struct what {
    uint32_t channel;
    uint32_t number;
};

static uint64_t metric(const struct load *l, enum pl_metric m)
{
    return l->r->metrics.value[m];
}

/* --- What hubs hear --- */

static struct channel *channel_of(struct load *l, const struct pl_pub *p,
                                  struct what *out)
{
    assert_int_equal(p->data_len, sizeof *out);
    memcpy(out, pl_pub_data(p).at, sizeof *out);
    assert_in_range(out->channel, 0, l->channels - 1);
    return &l->channel[out->channel];
}

static struct channel *channel_named(struct load *l, struct pl_span name)
{
    char text[NAME_MAX_LEN] = "";

    assert_in_range(name.len, 2, NAME_MAX_LEN - 1);
    memcpy(text, name.at, name.len);
    unsigned long i = strtoul(text + 1, NULL, 10);
    assert_in_range(i, 0, l->channels - 1);
    return &l->channel[i];
}

static void hear(struct load *l, unsigned hub, const struct pl_pub *p)
{
    struct what what;
    struct sub *s = &channel_of(l, p, &what)->sub[hub];

    if (!l->has_history || s->state != HERE)
        return;
    assert_true(p->offset > s->last);
    s->missed += p->offset - s->last - 1;
    s->last = p->offset;
}

static void on_publish(struct load *l, unsigned hub,
                       const struct pl_publish_mail *m)
{
    struct what what;
    struct channel *ch = channel_of(l, m->pub, &what);

    if (m->error != 0) {
        ch->failed++;
        l->refused += m->error == PL_ERROR_TOO_MANY_REQUESTS;
        l->failed += m->error != PL_ERROR_TOO_MANY_REQUESTS;
        return;
    }
    assert_true(what.number >= ch->expected);
    ch->expected = what.number + 1;
    if (m->fan_out)
        hear(l, hub, m->pub);
}

static void leave(struct load *l, struct channel *ch, unsigned hub)
{
    struct sub *s = &ch->sub[hub];

    s->state = s->state == COMING ? GONE : AWAY;
    rig_detach(l->r, hub, ch->name, PL_ATTACH_JOIN_LEAVE);
}

static void on_attach(struct load *l, unsigned hub,
                      const struct pl_attach_mail *m)
{
    struct channel *ch = channel_named(l, pl_blob_span(m->channel));
    struct sub *s = &ch->sub[hub];

    if (s->state == GONE) {
        s->state = AWAY;
        return;
    }
    assert_int_equal(s->state, COMING);
    if (m->error != 0) {
        leave(l, ch, hub);
        s->state = AWAY;
        return;
    }
    for (uint32_t i = 0; i < m->pub_count; i++)
        assert_int_equal(m->pubs[i]->offset, m->offset - m->pub_count + 1 + i);
    if (m->recovered)
        assert_int_equal(m->offset - m->pub_count, s->last);
    s->state = HERE;
    s->last = m->offset;
    memcpy(s->epoch, m->epoch, sizeof s->epoch);
}

static unsigned number_of(const struct rig_hub *h)
{
    unsigned hub = 0;

    while (h->rig->hub[hub] != h)
        hub++;
    return hub;
}

static void on_mail(struct rig_hub *h, struct pl_msg *msg)
{
    struct load *l = h->rig->test;
    unsigned hub = number_of(h);

    l->answered += msg->type == PL_MAIL_PUBLISH ||
                   msg->type == PL_MAIL_ATTACH || msg->type == PL_MAIL_QUERY;
    if (msg->returned)
        ;
    else if (msg->type == PL_MAIL_PUBLISH)
        on_publish(l, hub, (struct pl_publish_mail *)msg);
    else if (msg->type == PL_MAIL_ATTACH)
        on_attach(l, hub, (struct pl_attach_mail *)msg);
    else if (msg->type == PL_MAIL_PUBLICATION)
        hear(l, hub, ((struct pl_publication_mail *)msg)->pub);
    pl_mail_destroy(msg);
}

/* --- What they ask --- */

static uint64_t below(struct load *l, uint64_t bound)
{
    return pl_random_below(pl_sim_random(l->r->sim), bound);
}

static void publish(struct load *l, uint32_t i)
{
    struct channel *ch = &l->channel[i];
    struct what what = {i, ch->sent++};
    struct pl_publish_mail *m = pl_publish_mail_create();

    m->pub =
        pl_pub_create(pl_span_of(ch->name), rig_hash(ch->name),
                      (struct pl_span){(const char *)&what, sizeof what}, NULL);
    l->asked++;
    rig_send(l->r, i % (RIG_LOOPS + 1), &m->msg);
}

static void come(struct load *l, struct channel *ch, unsigned hub)
{
    struct sub *s = &ch->sub[hub];
    struct pl_attach_mail *m = pl_attach_mail_create();

    m->channel = pl_blob_create(pl_span_of(ch->name));
    m->hash = rig_hash(ch->name);
    m->client = pl_client_hold(l->r->client[hub]);
    m->flags = PL_ATTACH_JOIN_LEAVE;
    if (s->epoch[0] != '\0') {
        m->flags |= PL_ATTACH_RECOVER;
        memcpy(m->epoch, s->epoch, sizeof m->epoch);
        m->offset = s->last;
    }
    s->state = COMING;
    l->asked++;
    rig_send(l->r, hub, &m->msg);
}

static void come_or_go(struct load *l)
{
    struct channel *ch = &l->channel[below(l, l->channels)];
    unsigned hub = (unsigned)below(l, RIG_LOOPS);

    if (ch->sub[hub].state == AWAY)
        come(l, ch, hub);
    else if (ch->sub[hub].state != GONE)
        leave(l, ch, hub);
}

static void ask(struct load *l)
{
    static const enum pl_query_kind kinds[] = {
        PL_QUERY_PRESENCE, PL_QUERY_PRESENCE_STATS, PL_QUERY_HISTORY,
        PL_QUERY_HISTORY, PL_QUERY_BARRIER};
    struct pl_query_mail *q = rig_query_mail(
        kinds[below(l, 5)], l->channel[below(l, l->channels)].name);

    q->limit = (int32_t)below(l, 100) - 1;
    l->asked++;
    rig_send(l->r, (unsigned)below(l, RIG_LOOPS), &q->msg);
}

static void look(struct load *l)
{
    if (metric(l, PL_METRIC_STORE_REQUESTS) > l->deepest)
        l->deepest = metric(l, PL_METRIC_STORE_REQUESTS);
    if (metric(l, PL_METRIC_STORE_REQUEST_BYTES) > l->largest)
        l->largest = metric(l, PL_METRIC_STORE_REQUEST_BYTES);
}

/* `ms` of full load, with others between for `others`. */
static void press(struct load *l, uint32_t ms, bool others)
{
    for (uint32_t t = 0; t < ms; t += STEP_MS) {
        for (int i = 0; i < RATE * STEP_MS / 1000; i++)
            publish(l, (uint32_t)below(l, l->channels));
        for (int i = 0; i < 20 && others; i++)
            come_or_go(l);
        for (int i = 0; i < 5 && others; i++)
            ask(l);
        rig_run(l->r, STEP_MS);
        look(l);
    }
}

/* --- Beginning and end --- */

static const struct rig_options usual = {.rules.history_size = 100,
                                         .rules.history_ttl_ms = 100000000,
                                         .rules.meta_ttl_ms = 100000000,
                                         .rules.sub.flags = PL_RULE_PRESENCE |
                                                            PL_RULE_JOIN_LEAVE};

static struct load *make(uint32_t channels, const struct rig_options *options,
                         struct pl_late_options late)
{
    struct load *l = calloc(1, sizeof *l);

    assert_non_null(l);
    late.seed = 12;
    l->channels = channels;
    l->has_history = options->rules.history_size > 0;
    l->channel = calloc(channels, sizeof *l->channel);
    assert_non_null(l->channel);
    for (uint32_t i = 0; i < channels; i++)
        snprintf(l->channel[i].name, sizeof l->channel[i].name, "c%u", i);
    l->r = rig_create(3, options, &late);
    l->r->test = l;
    l->r->on_mail = on_mail;
    return l;
}

/* One subscriber of each channel at least, so that something is delivered. */
static void fill(struct load *l)
{
    for (uint32_t i = 0; i < l->channels; i++)
        come(l, &l->channel[i], i % RIG_LOOPS);
    rig_run(l->r, 20000);
    assert_int_equal(l->answered, l->asked);
}

static void check_ledger(struct load *l)
{
    for (unsigned i = 0; i < RIG_LOOPS; i++) {
        const struct pl_loop_stats *s =
            pl_loop_stats(pl_system_loop(pl_sim_system(l->r->sim), i));
        uint64_t out = s->mail_handled + s->mail_queued;

        for (int d = 0; d < PL_DEAD_COUNT; d++)
            out += s->mail_dead[d];
        assert_int_equal(s->mail_enqueued, out);
    }
}

/* Nothing waits: all is answered, and nothing is left. */
static void check_rest(struct load *l)
{
    rig_run(l->r, 60000);
    assert_int_equal(l->answered, l->asked);
    assert_int_equal(metric(l, PL_METRIC_STORE_REQUESTS), 0);
    assert_int_equal(metric(l, PL_METRIC_STORE_REQUEST_BYTES), 0);
    assert_int_equal(metric(l, PL_METRIC_LEAVING), 0);
    check_ledger(l);
}

/* What a subscriber has missed was answered with an error. */
static void check_missed(const struct load *l, bool none)
{
    for (uint32_t i = 0; i < l->channels; i++)
        for (unsigned h = 0; h < RIG_LOOPS; h++) {
            const struct channel *ch = &l->channel[i];

            assert_true(ch->sub[h].missed <= (none ? 0 : ch->failed));
        }
}

static void end(const char *name, struct load *l)
{
    print_message("%s: %llu asked, %llu refused, %llu failed; at most %llu "
                  "waited, with %llu bytes\n",
                  name, (unsigned long long)l->asked,
                  (unsigned long long)l->refused, (unsigned long long)l->failed,
                  (unsigned long long)l->deepest,
                  (unsigned long long)l->largest);
    rig_destroy(l->r);
    free(l->channel);
    free(l);
}

/* --- Latencies --- */

static void press_late(const char *name, struct pl_late_options late)
{
    struct load *l = make(500, &usual, late);

    fill(l);
    press(l, 1000, true);
    check_rest(l);
    check_missed(l, late.timeout_permille == 0);
    assert_int_equal(l->refused, 0);
    if (late.timeout_permille + late.fail_permille == 0)
        assert_int_equal(l->failed, 0);
    else
        assert_int_not_equal(l->failed, 0);
    end(name, l);
}

static void all_is_answered_in_order_1_ms_late(void **state)
{
    (void)state;
    press_late("1 ms", (struct pl_late_options){.latency_ms = 1});
}

static void all_is_answered_in_order_10_ms_late(void **state)
{
    (void)state;
    press_late("10 ms", (struct pl_late_options){.latency_ms = 10});
}

static void all_is_answered_in_order_100_ms_late(void **state)
{
    (void)state;
    press_late("100 ms", (struct pl_late_options){.latency_ms = 100});
}

static void all_is_answered_in_order_1000_ms_late(void **state)
{
    (void)state;
    press_late("1000 ms", (struct pl_late_options){.latency_ms = 1000});
}

static void all_is_answered_in_order_with_jitter(void **state)
{
    (void)state;
    press_late("1 to 1000 ms",
               (struct pl_late_options){.latency_ms = 1, .delay_ms = 999});
}

static void all_is_answered_in_order_with_errors(void **state)
{
    (void)state;
    press_late("errors", (struct pl_late_options){.latency_ms = 1,
                                                  .delay_ms = 300,
                                                  .fail_permille = 20});
}

static void all_is_answered_in_order_with_timeouts(void **state)
{
    (void)state;
    press_late("timeouts", (struct pl_late_options){.latency_ms = 10,
                                                    .delay_ms = 990,
                                                    .fail_permille = 10,
                                                    .timeout_permille = 20});
}

/* --- Depth --- */

static void an_outbox_of_100000_is_answered_in_order(void **state)
{
    struct load *l =
        make(1, &usual, (struct pl_late_options){.latency_ms = 2000});

    (void)state;
    fill(l);
    press(l, 2000, false); /* the appends are on their way */
    press(l, 8, false);
    rig_run(l->r, 1900); /* all are in the outbox, and none is answered */
    look(l);
    assert_true(l->deepest >= 100000);
    assert_int_equal(l->channel[0].expected, 0);
    check_rest(l);
    check_missed(l, true);
    assert_int_equal(l->channel[0].expected, l->channel[0].sent);
    end("outbox", l);
}

static void timeouts_in_the_middle_of_a_long_outbox_keep_its_order(void **state)
{
    struct load *l =
        make(1, &usual,
             (struct pl_late_options){
                 .latency_ms = 1000, .delay_ms = 500, .timeout_permille = 50});

    (void)state;
    do { /* until it has worked */
        come(l, &l->channel[0], 0);
        rig_run(l->r, 20000);
    } while (l->channel[0].sub[0].state != HERE);
    press(l, 1000, false);
    check_rest(l);
    check_missed(l, false);
    assert_in_range(l->channel[0].failed, 1, 10000);
    assert_int_not_equal(l->channel[0].sub[0].missed, 0);
    end("outbox with timeouts", l);
}

static void ten_thousand_channels_have_requests_in_flight(void **state)
{
    struct load *l =
        make(10000, &usual,
             (struct pl_late_options){.latency_ms = 1000, .delay_ms = 100});

    (void)state;
    fill(l);
    for (uint32_t i = 0; i < l->channels; i++)
        for (int k = 0; k < 3; k++)
            publish(l, i);
    press(l, 1000, true);
    check_rest(l);
    check_missed(l, true);
    end("channels", l);
}

static void
channels_without_subscribers_are_pinned_by_requests_alone(void **state)
{
    struct rig_options o = usual;
    struct load *l;

    (void)state;
    o.rules.history_size = 0;
    l = make(10000, &o, (struct pl_late_options){.latency_ms = 1000});
    press(l, 500, false);
    check_rest(l);
    assert_int_equal(metric(l, PL_METRIC_CHANNELS), 0);
    end("pinned", l);
}

/* --- Stops --- */

static void stop(struct load *l)
{
    assert_int_equal(pl_stop_send(&l->r->hub[1]->actor, l->r->owner), PL_OK);
    check_rest(l);
    assert_int_equal(metric(l, PL_METRIC_CHANNELS), 0);
    assert_int_equal(metric(l, PL_METRIC_STREAMS), 0);
    assert_int_equal(metric(l, PL_METRIC_HISTORY_BYTES), 0);
    assert_int_equal(
        pl_loop_stats(pl_system_loop(pl_sim_system(l->r->sim), 0))->timers, 0);
}

static void a_stop_with_a_full_pipeline_answers_all(void **state)
{
    (void)state;
    for (uint32_t ms = 0; ms < 2000; ms += 400) {
        struct load *l = make(1000, &usual,
                              (struct pl_late_options){.latency_ms = 700,
                                                       .delay_ms = 300,
                                                       .timeout_permille = 20});
        press(l, 200, true);
        rig_run(l->r, ms);
        press(l, 40, true);
        assert_true(metric(l, PL_METRIC_STORE_REQUESTS) >= 2000);
        stop(l);
        end("stop", l);
    }
}

/* --- Bounds --- */

static void what_waits_for_stores_is_bounded_in_number(void **state)
{
    struct rig_options o = usual;
    struct load *l;

    (void)state;
    o.owner.in_flight_limit = 5000;
    l = make(100, &o, (struct pl_late_options){.latency_ms = 1000});
    fill(l);
    press(l, 500, true);
    /* each channel's request to the bus is made by one that was let in */
    assert_in_range(l->deepest, 5000, 5000 + l->channels);
    assert_true(l->refused >= 10000);
    assert_true(metric(l, PL_METRIC_REFUSED_STORE_REQUESTS) >= l->refused);
    check_rest(l);
    check_missed(l, true);
    uint64_t refused = l->refused;
    press(l, 40, false); /* there is room again */
    assert_int_equal(l->refused, refused);
    check_rest(l);
    end("number", l);
}

static void what_waits_for_stores_is_bounded_in_bytes(void **state)
{
    struct rig_options o = usual;
    struct load *l;

    (void)state;
    o.owner.in_flight_bytes = 1000000;
    l = make(100, &o, (struct pl_late_options){.latency_ms = 1000});
    fill(l);
    press(l, 500, true);
    assert_in_range(l->largest, 1000000, 1000000 + 1000);
    assert_true(l->refused >= 20000);
    check_rest(l);
    check_missed(l, true);
    end("bytes", l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_answered_in_order_1_ms_late),
        cmocka_unit_test(all_is_answered_in_order_10_ms_late),
        cmocka_unit_test(all_is_answered_in_order_100_ms_late),
        cmocka_unit_test(all_is_answered_in_order_1000_ms_late),
        cmocka_unit_test(all_is_answered_in_order_with_jitter),
        cmocka_unit_test(all_is_answered_in_order_with_errors),
        cmocka_unit_test(all_is_answered_in_order_with_timeouts),
        cmocka_unit_test(an_outbox_of_100000_is_answered_in_order),
        cmocka_unit_test(
            timeouts_in_the_middle_of_a_long_outbox_keep_its_order),
        cmocka_unit_test(ten_thousand_channels_have_requests_in_flight),
        cmocka_unit_test(
            channels_without_subscribers_are_pinned_by_requests_alone),
        cmocka_unit_test(a_stop_with_a_full_pipeline_answers_all),
        cmocka_unit_test(what_waits_for_stores_is_bounded_in_number),
        cmocka_unit_test(what_waits_for_stores_is_bounded_in_bytes),
    };

    return cmocka_run_group_tests_name("channels_load", tests, NULL, NULL);
}
