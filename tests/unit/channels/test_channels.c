/* SPDX-License-Identifier: Apache-2.0 */
/* What channels.h promises, each on stores that answer at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "hub_mail.h"
#include "mail.h"
#include "monitor.h"
#include "rig.h"

static const struct rig_options usual = {.rules.history_size = 4,
                                         .rules.history_ttl_ms = 10000,
                                         .rules.meta_ttl_ms = 60000,
                                         .rules.sub.flags = PL_RULE_PRESENCE |
                                                            PL_RULE_JOIN_LEAVE,
                                         .owner.backlog_limit = 1000};

static struct rig *make(struct rig_options options)
{
    return rig_create(7, &options, NULL);
}

static unsigned count_mail(struct rig *r, unsigned h, unsigned type)
{
    unsigned n = 0;

    while (rig_mail(r, h, type, n) != NULL)
        n++;
    return n;
}

static struct pl_attach_mail *recover(struct rig *r, const char *channel,
                                      const char *epoch, uint64_t offset)
{
    rig_forget(r);
    rig_recover(r, 1, channel, epoch, offset);
    rig_run(r, 0);
    struct pl_attach_mail *m = rig_mail(r, 1, PL_MAIL_ATTACH, 0);
    assert_non_null(m);
    assert_int_equal(m->error, 0);
    rig_detach(r, 1, channel, 0);
    rig_run(r, 0);
    return m;
}

/* --- Publishing --- */

static void every_loop_with_subscribers_gets_one_mail(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 0, "a", 0);
    rig_attach(r, 3, "a", 0); /* loop 0 too */
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    rig_publish(r, RIG_LOOPS, "a", "x");
    rig_run(r, 0);
    assert_int_equal(count_mail(r, 0, PL_MAIL_PUBLICATION), 1);
    assert_int_equal(count_mail(r, 1, PL_MAIL_PUBLICATION), 1);
    assert_int_equal(count_mail(r, 2, PL_MAIL_PUBLICATION), 0);
    struct pl_publish_mail *m = rig_mail(r, RIG_LOOPS, PL_MAIL_PUBLISH, 0);
    assert_int_equal(m->error, 0);
    assert_int_equal(m->accepted, 3);
    assert_true(m->stored);
    assert_false(m->fan_out);
    assert_int_equal(m->pub->offset, 1);
    assert_int_equal(strlen(m->epoch), 8);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS], 1);
    rig_destroy(r);
}

static void the_publishers_loop_gets_the_answer_instead_of_a_mail(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_attach(r, 2, "a", 0);
    rig_run(r, 0);
    rig_publish(r, 1, "a", "x");
    rig_run(r, 0);
    rig_publish(r, 0, "a", "y"); /* a hub without subscribers */
    rig_run(r, 0);
    struct pl_publish_mail *m = rig_mail(r, 1, PL_MAIL_PUBLISH, 0);
    assert_true(m->fan_out);
    assert_int_equal(count_mail(r, 1, PL_MAIL_PUBLICATION), 1);
    assert_int_equal(count_mail(r, 2, PL_MAIL_PUBLICATION), 2);
    m = rig_mail(r, 0, PL_MAIL_PUBLISH, 0);
    assert_false(m->fan_out);
    assert_int_equal(m->pub->offset, 2);
    assert_int_equal(m->accepted, 2);
    rig_destroy(r);
}

static void without_history_there_is_no_position(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.rules.history_size = 0;
    struct rig *r = make(o);
    struct pl_attach_mail *a = recover(r, "a", "abcdefgh", 3);
    assert_false(a->positioned);
    assert_false(a->recovered);
    assert_int_equal(a->offset, 0);
    assert_string_equal(a->epoch, "");
    rig_publish(r, 0, "a", "x");
    rig_run(r, 0);
    struct pl_publish_mail *m = rig_mail(r, 0, PL_MAIL_PUBLISH, 0);
    assert_int_equal(m->error, 0);
    assert_false(m->stored);
    assert_int_equal(m->pub->offset, 0);
    assert_string_equal(m->epoch, "");
    struct pl_query_mail *q = rig_ask(r, rig_query_mail(PL_QUERY_HISTORY, "a"));
    assert_int_equal(q->error, PL_ERROR_NOT_AVAILABLE);
    rig_destroy(r);
}

/* Mail from others that waits on a loop makes it too far behind. */
static void
a_publication_for_a_backlogged_loop_is_111_and_has_no_offset(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.owner.backlog_limit = 5;
    struct rig *r = make(o);
    rig_attach(r, 0, "a", 0);
    rig_run(r, 0);
    for (unsigned i = 0; i < 20; i++)
        rig_publish(r, 1, "a", "x"); /* wait on loop 0 */
    /* nothing of loop 1 is posted before its turn ends */
    pl_loop_set_budget(pl_system_loop(pl_sim_system(r->sim), 1), 64, 4096);
    pl_loop_turn(pl_system_loop(pl_sim_system(r->sim), 1));
    rig_run(r, 0);
    unsigned refused = 0;
    uint64_t top = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct pl_publish_mail *m = rig_mail(r, 1, PL_MAIL_PUBLISH, i);

        if (m->error == 0)
            assert_int_equal(m->pub->offset, ++top);
        else
            assert_int_equal(m->error, PL_ERROR_TOO_MANY_REQUESTS);
        refused += m->error != 0;
    }
    assert_in_range(refused, 1, 20);
    assert_int_equal(count_mail(r, 0, PL_MAIL_PUBLICATION), top);
    rig_destroy(r);
}

/* --- Recovery, protocol-facts 3.4 --- */

static void recovery_gives_all_that_was_missed_or_nothing(void **state)
{
    static const struct {
        const char *epoch; /* "": any; "=": the stream's */
        uint64_t offset;
        bool recovered;
        uint32_t pubs;
    } rows[] = {
        {"=", 6, true, 0},           /* nothing missed */
        {"=", 5, true, 1},           /* exact */
        {"=", 2, true, 4},           /* all that is held */
        {"=", 1, false, 0},          /* too old */
        {"=", 0, false, 0},          /* likewise */
        {"=", 7, false, 0},          /* ahead of the stream */
        {"=", UINT64_MAX, false, 0}, /* likewise */
        {"", 4, true, 2},            /* any epoch */
        {"abcdefgh", 5, false, 0},   /* wrong epoch */
        {"abcdefgh", 6, false, 0},   /* likewise */
        {"_", 6, false, 0},          /* what SDKs send to make it fail */
    };
    struct rig *r = make(usual);
    char epoch[9];

    (void)state;
    rig_publish_some(r, "a", 6);
    rig_epoch(r, "a", epoch);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *e = rows[i].epoch[0] == '=' ? epoch : rows[i].epoch;
        struct pl_attach_mail *m = recover(r, "a", e, rows[i].offset);

        assert_true(m->positioned);
        assert_int_equal(m->recovered, rows[i].recovered);
        assert_int_equal(m->pub_count, rows[i].pubs);
        assert_int_equal(m->offset, 6);
        assert_string_equal(m->epoch, epoch);
        for (uint32_t k = 0; k < m->pub_count; k++)
            assert_int_equal(m->pubs[k]->offset, rows[i].offset + 1 + k);
    }
    rig_destroy(r);
}

static void recovery_of_a_fresh_channel_succeeds_with_nothing(void **state)
{
    struct rig *r = make(usual);
    struct pl_attach_mail *m = recover(r, "new", "", 0);

    (void)state;
    assert_true(m->recovered);
    assert_int_equal(m->pub_count, 0);
    assert_int_equal(m->offset, 0);
    rig_destroy(r);
}

static void
a_recovery_that_would_be_truncated_fails_without_publications(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.owner.recover_bytes = 65 * 2; /* two of them */
    struct rig *r = make(o);
    rig_publish_some(r, "a", 4);
    struct pl_attach_mail *m = recover(r, "a", "", 2);
    assert_true(m->recovered);
    assert_int_equal(m->pub_count, 2);
    m = recover(r, "a", "", 1);
    assert_false(m->recovered);
    assert_int_equal(m->pub_count, 0);
    rig_destroy(r);
}

static void a_removed_history_recovers_only_the_top(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_publish_some(r, "a", 3);
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_HISTORY_REMOVE, "a"));
    assert_int_equal(q->error, 0);
    assert_false(recover(r, "a", "", 2)->recovered);
    assert_true(recover(r, "a", "", 3)->recovered);
    rig_publish_some(r, "a", 1);
    struct pl_attach_mail *m = recover(r, "a", "", 3);
    assert_true(m->recovered);
    assert_int_equal(m->pub_count, 1);
    assert_int_equal(m->offset, 4);
    rig_destroy(r);
}

/* --- Presence, joins and leaves --- */

static void a_join_follows_the_answer_and_reaches_its_own_client(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 1, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    assert_int_equal(r->hub[1]->count, 2);
    assert_int_equal(r->hub[1]->mail[0]->type, PL_MAIL_ATTACH);
    assert_int_equal(r->hub[1]->mail[1]->type, PL_MAIL_PRESENCE_EVENT);
    struct pl_presence_event_mail *e =
        (struct pl_presence_event_mail *)r->hub[1]->mail[1];
    assert_true(e->is_join);
    assert_ptr_equal(e->client, r->client[1]);
    rig_attach(r, 2, "a", 0);
    rig_run(r, 0);
    rig_detach(r, 2, "a", 0);
    rig_run(r, 0);
    assert_int_equal(count_mail(r, 1, PL_MAIL_PRESENCE_EVENT), 3);
    e = rig_mail(r, 1, PL_MAIL_PRESENCE_EVENT, 2);
    assert_false(e->is_join);
    assert_ptr_equal(e->client, r->client[2]);
    rig_destroy(r);
}

static void joins_cost_nothing_while_nobody_asks(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 0, "a", 0);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    rig_detach(r, 1, "a", 0);
    rig_run(r, 0);
    assert_int_equal(count_mail(r, 0, PL_MAIL_PRESENCE_EVENT), 0);
    rig_destroy(r);
}

/* What hub 2 was told: a letter and the client's number for each event. */
static const char *told(struct rig *r, char *out)
{
    const struct pl_presence_event_mail *e;
    unsigned len = 0;

    for (unsigned i = 0;
         (e = rig_mail(r, 2, PL_MAIL_PRESENCE_EVENT, i)) != NULL; i++) {
        unsigned who = 0;

        while (r->client[who] != e->client)
            who++;
        out[len++] = e->is_join ? 'j' : 'l';
        out[len++] = (char)('0' + who);
    }
    out[len] = '\0';
    rig_forget(r);
    return out;
}

static void come(struct rig *r, unsigned client)
{
    rig_attach(r, client, "a", 0);
    rig_run(r, 0);
}

static void go(struct rig *r, unsigned client)
{
    rig_detach(r, client, "a", 0);
    rig_run(r, 0);
}

static struct rig *by_user(void)
{
    struct rig_options o = usual;

    o.rules.sub.flags |= PL_RULE_JOINS_BY_USER;
    struct rig *r = make(o);
    rig_attach(r, 8, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    rig_forget(r);
    return r;
}

/* Clients 0 and 1 have one user, 2 and 3 another one. */
static void
a_user_joins_with_its_first_client_and_leaves_with_its_last(void **state)
{
    struct rig *r = by_user();
    char out[64];

    (void)state;
    come(r, 0);
    come(r, 1);
    assert_string_equal(told(r, out), "j0");
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "a"));
    assert_int_equal(q->count, 3); /* presence has each client */
    come(r, 2);
    go(r, 0);
    assert_string_equal(told(r, out), "j2");
    come(r, 0);
    go(r, 1);
    go(r, 0);
    go(r, 2);
    assert_string_equal(told(r, out), "l0l2");
    for (unsigned i = 0; i < 50; i++) { /* it reconnects as fast as it can */
        come(r, i % 2);
        if (i > 0)
            go(r, (i - 1) % 2);
    }
    go(r, 1);
    assert_string_equal(told(r, out), "j0l1");
    rig_destroy(r);
}

static void anonymous_clients_are_no_user(void **state)
{
    struct rig *r = by_user();
    char out[64];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pl_address at = pl_client_address(r->client[i]);

        pl_client_release(r->client[i]);
        assert_int_equal(pl_client_create(&r->client[i], at,
                                          pl_sim_random(r->sim), PL_SPAN(""),
                                          (struct pl_span){NULL, 0}),
                         PL_OK);
        come(r, i);
    }
    go(r, 1);
    assert_string_equal(told(r, out), "j0j1l1");
    rig_destroy(r);
}

/* A client comes with the rules of a reload. */
static void come_with(struct rig *r, unsigned client, struct pl_rules rules,
                      uint64_t generation)
{
    struct pl_attach_mail *m = pl_attach_mail_create();
    struct pl_rulebook *book;

    assert_int_equal(
        pl_rulebook_create(&book, generation, &pl_naming_usual, &rules, 1),
        PL_OK);
    m->channel = pl_blob_create(PL_SPAN("a"));
    m->hash = rig_hash("a");
    m->client = pl_client_hold(r->client[client]);
    m->rules = pl_rules_hold(pl_rulebook_default(book));
    pl_rulebook_release(book);
    rig_send(r, client % RIG_LOOPS, &m->msg);
    rig_run(r, 0);
}

static void a_client_keeps_the_kind_of_joins_that_it_came_with(void **state)
{
    struct pl_rules single = usual.rules, users = usual.rules;
    struct rig *r = by_user();
    char out[64];

    (void)state;
    users.sub.flags |= PL_RULE_JOINS_BY_USER;
    come(r, 0);
    come_with(r, 1, single, 2);
    go(r, 1);
    go(r, 0);
    assert_string_equal(told(r, out), "j0j1l1l0");
    come_with(r, 2, users, 1); /* an older rulebook changes nothing */
    come(r, 3);
    assert_string_equal(told(r, out), "j2j3");
    come_with(r, 4, users, 3);
    go(r, 2);
    come(r, 5);
    go(r, 4);
    go(r, 3);
    assert_string_equal(told(r, out), "j4l2l3");
    go(r, 5);
    assert_string_equal(told(r, out), "l5");
    rig_destroy(r);
}

static void the_hidden_are_not_seen(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 0, "#a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    rig_forget(r);
    rig_attach(r, 1, "#a", PL_ATTACH_HIDDEN);
    rig_run(r, 0);
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "#a"));
    assert_int_equal(q->count, 1);
    rig_detach(r, 1, "#a", PL_ATTACH_HIDDEN);
    rig_run(r, 0);
    assert_int_equal(count_mail(r, 0, PL_MAIL_PRESENCE_EVENT), 0);
    rig_destroy(r);
}

static void presence_tells_clients_and_different_users(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        rig_attach(r, i, "a", 0);
    rig_run(r, 0);
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "a"));
    assert_int_equal(q->count, 5);
    assert_int_equal(q->users, 3);
    q = rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE, "a"));
    assert_int_equal(q->count, 5);
    assert_non_null(q->clients);
    q = rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE, "nobody"));
    assert_int_equal(q->error, 0);
    assert_int_equal(q->count, 0);
    rig_destroy(r);
}

static void presence_switched_off_is_108(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.rules.sub.flags &= ~PL_RULE_PRESENCE;
    struct rig *r = make(o);
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE, "a"));
    assert_int_equal(q->error, PL_ERROR_NOT_AVAILABLE);
    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE); /* joins need no presence */
    rig_run(r, 0);
    rig_detach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    assert_int_equal(count_mail(r, 0, PL_MAIL_PRESENCE_EVENT), 1);
    rig_destroy(r);
}

/* --- Memberships --- */

static void a_detach_without_its_attach_does_nothing(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_detach(r, 3, "a", 0); /* of a channel that is not there */
    rig_attach(r, 0, "a", 0);
    rig_run(r, 0);
    rig_detach(r, 3, "a", 0); /* of somebody on the same loop */
    rig_run(r, 0);
    rig_publish_some(r, "a", 1);
    assert_int_equal(count_mail(r, 0, PL_MAIL_PUBLICATION), 1);
    rig_destroy(r);
}

static void a_second_attach_of_a_client_is_105_and_changes_nothing(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 0, "a", 0);
    rig_attach(r, 0, "a", 0);
    rig_run(r, 0);
    struct pl_attach_mail *m = rig_mail(r, 0, PL_MAIL_ATTACH, 1);
    assert_int_equal(m->error, PL_ERROR_ALREADY_SUBSCRIBED);
    rig_detach(r, 0, "a", 0);
    rig_run(r, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 0);
    rig_destroy(r);
}

static void gauges_follow_channels_and_streams(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 0, "a", 0);
    rig_attach(r, 1, "a", 0);
    rig_attach(r, 1, "b", 0);
    rig_run(r, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 2);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 2);
    rig_detach(r, 0, "a", 0);
    rig_detach(r, 1, "b", 0);
    rig_run(r, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 1);
    rig_run(r, usual.rules.meta_ttl_ms - 1000);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 2);
    rig_run(r, 2000);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 1);
    pl_actor_exit((struct pl_actor *)r->channels, "test");
    rig_run(r, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 0);
    rig_destroy(r);
}

static void too_many_channels_are_106(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.owner.channel_limit = 2;
    for (int history = 0; history < 2; history++) {
        o.rules.history_size = history == 0 ? 0 : 4;
        struct rig *r = make(o);
        rig_attach(r, 0, "a", 0);
        rig_attach(r, 0, "b", 0);
        rig_attach(r, 0, "c", 0);
        rig_run(r, 0);
        struct pl_attach_mail *m = rig_mail(r, 0, PL_MAIL_ATTACH, 2);
        assert_int_equal(m->error, PL_ERROR_LIMIT_EXCEEDED);
        rig_detach(r, 0, "c", 0);
        rig_detach(r, 0, "a", 0);
        rig_attach(r, 0, "c", 0);
        rig_run(r, 0);
        m = rig_mail(r, 0, PL_MAIL_ATTACH, 3);
        assert_int_equal(m->error, 0);
        assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 2);
        rig_destroy(r);
    }
}

/* --- The end --- */

static void mail_after_the_stop_comes_back(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    rig_attach(r, 0, "a", 0);
    rig_run(r, 0);
    assert_int_equal(pl_stop_send(&r->hub[0]->actor, r->owner), PL_OK);
    rig_run(r, 0);
    rig_publish(r, 0, "a", "x");
    rig_run(r, 0);
    struct pl_publish_mail *m = rig_mail(r, 0, PL_MAIL_PUBLISH, 0);
    assert_true(m->msg.returned);
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 0);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_with_subscribers_gets_one_mail),
        cmocka_unit_test(the_publishers_loop_gets_the_answer_instead_of_a_mail),
        cmocka_unit_test(without_history_there_is_no_position),
        cmocka_unit_test(
            a_publication_for_a_backlogged_loop_is_111_and_has_no_offset),
        cmocka_unit_test(recovery_gives_all_that_was_missed_or_nothing),
        cmocka_unit_test(recovery_of_a_fresh_channel_succeeds_with_nothing),
        cmocka_unit_test(
            a_recovery_that_would_be_truncated_fails_without_publications),
        cmocka_unit_test(a_removed_history_recovers_only_the_top),
        cmocka_unit_test(a_join_follows_the_answer_and_reaches_its_own_client),
        cmocka_unit_test(joins_cost_nothing_while_nobody_asks),
        cmocka_unit_test(
            a_user_joins_with_its_first_client_and_leaves_with_its_last),
        cmocka_unit_test(anonymous_clients_are_no_user),
        cmocka_unit_test(a_client_keeps_the_kind_of_joins_that_it_came_with),
        cmocka_unit_test(the_hidden_are_not_seen),
        cmocka_unit_test(presence_tells_clients_and_different_users),
        cmocka_unit_test(presence_switched_off_is_108),
        cmocka_unit_test(a_detach_without_its_attach_does_nothing),
        cmocka_unit_test(
            a_second_attach_of_a_client_is_105_and_changes_nothing),
        cmocka_unit_test(gauges_follow_channels_and_streams),
        cmocka_unit_test(too_many_channels_are_106),
        cmocka_unit_test(mail_after_the_stop_comes_back),
    };

    return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}
