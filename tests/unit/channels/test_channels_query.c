/* SPDX-License-Identifier: Apache-2.0 */
/* History and the list of channels, as the owner answers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "mail.h"
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

/* --- The time that answers take --- */

/* All are in "a", and answers may name so many at once. */
static struct rig *with_share(uint64_t names)
{
    struct rig_options options = usual;

    options.owner.answer_request = names * 30;
    struct rig *r = make(options);
    for (unsigned i = 0; i < RIG_CLIENTS; i++)
        rig_attach(r, i, "a", 0);
    rig_run(r, 0);
    return r;
}

/* Ask so often, `between` each time; gives how many were answered. */
static unsigned count_answered(struct rig *r, enum pl_query_kind kind,
                               unsigned asked, void (*between)(struct rig *r))
{
    unsigned answered = 0;

    rig_forget(r);
    for (unsigned i = 0; i < asked; i++) {
        if (between != NULL)
            between(r);
        rig_send(r, 0, &rig_query_mail(kind, "a")->msg);
        rig_run(r, 0);
    }
    for (unsigned i = 0; i < asked; i++) {
        struct pl_query_mail *q = rig_mail(r, 0, PL_MAIL_QUERY, i);

        assert_true(q->error == 0 || q->error == PL_ERROR_TOO_MANY_REQUESTS);
        answered += q->error == 0;
    }
    return answered;
}

static void long_answers_get_a_share_of_the_loops_time(void **state)
{
    struct rig *r = with_share((uint64_t)3 * RIG_CLIENTS);

    (void)state;
    assert_int_equal(count_answered(r, PL_QUERY_PRESENCE, 10, NULL), 3);
    rig_run(r, 1); /* much more time than these took */
    assert_int_equal(count_answered(r, PL_QUERY_PRESENCE, 10, NULL), 3);
    rig_destroy(r);
}

static void come_and_go(struct rig *r)
{
    rig_detach(r, 0, "a", 0);
    rig_attach(r, 0, "a", 0);
}

/* Users are counted anew after each change. */
static void counting_users_takes_of_the_same_share(void **state)
{
    struct rig *r = with_share((uint64_t)3 * RIG_CLIENTS);

    (void)state;
    assert_int_equal(
        count_answered(r, PL_QUERY_PRESENCE_STATS, 10, come_and_go), 3);
    rig_run(r, 1);
    assert_int_equal(count_answered(r, PL_QUERY_PRESENCE_STATS, 10, NULL), 10);
    rig_destroy(r);
}

/* All ten are asked before the first is answered. */
static void what_is_asked_of_late_stores_is_part_of_the_share(void **state)
{
    struct pl_late_options late = {.seed = 2, .latency_ms = 20};
    struct rig_options options = usual;

    (void)state;
    options.owner.answer_request = (uint64_t)3 * RIG_CLIENTS * 30;
    struct rig *r = rig_create(7, &options, &late);
    for (unsigned i = 0; i < RIG_CLIENTS; i++)
        rig_attach(r, i, "a", 0);
    rig_run(r, 1000);
    for (int again = 0; again < 2; again++) {
        unsigned answered = 0;

        rig_forget(r);
        for (unsigned i = 0; i < 10; i++)
            rig_send(r, 0, &rig_query_mail(PL_QUERY_PRESENCE, "a")->msg);
        rig_run(r, 1000);
        for (unsigned i = 0; i < 10; i++)
            answered +=
                ((struct pl_query_mail *)rig_mail(r, 0, PL_MAIL_QUERY, i))
                    ->error == 0;
        assert_int_equal(answered, 3);
    }
    rig_destroy(r);
}

static void what_is_small_is_always_answered(void **state)
{
    struct rig *r = with_share(RIG_CLIENTS);

    (void)state;
    assert_int_equal(count_answered(r, PL_QUERY_PRESENCE, 10, NULL), 1);
    assert_int_equal(rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE, "b"))->error,
                     0);
    assert_int_equal(
        rig_ask(r, rig_query_mail(PL_QUERY_HISTORY_REMOVE, "a"))->error, 0);
    struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");
    assert_int_equal(rig_ask(r, q)->error, 0); /* its limit is 0 */
    q = rig_query_mail(PL_QUERY_HISTORY, "a");
    q->limit = -1;
    assert_int_equal(rig_ask(r, q)->error, PL_ERROR_TOO_MANY_REQUESTS);
    rig_destroy(r);
}

/* --- History --- */

static struct pl_query_mail *history(struct rig *r, int32_t limit, int since,
                                     bool reverse)
{
    struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");

    q->limit = limit;
    q->has_since = since >= 0;
    q->offset = since >= 0 ? (uint64_t)since : 0;
    q->reverse = reverse;
    return rig_ask(r, q);
}

static void history_answers_limit_since_and_reverse(void **state)
{
    static const struct {
        int32_t limit;
        int since; /* -1: none */
        bool reverse;
        uint32_t count;
        uint64_t first;
    } rows[] = {
        {0, -1, false, 0, 0}, {-1, -1, false, 4, 3}, {2, -1, false, 2, 3},
        {2, -1, true, 2, 6},  {-1, -1, true, 4, 6},  {-1, 4, false, 2, 5},
        {-1, 6, false, 0, 0}, {-1, 0, false, 4, 3},  {-1, 9, false, 0, 0},
        {-1, 5, true, 2, 4},  {1, 5, true, 1, 4},    {-1, 9, true, 4, 6},
        {-1, 3, true, 0, 0},  {-1, 1, true, 0, 0},   {99, -1, false, 4, 3},
    };
    struct rig *r = make(usual);

    (void)state;
    rig_publish_some(r, "a", 6);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_query_mail *q =
            history(r, rows[i].limit, rows[i].since, rows[i].reverse);

        assert_int_equal(q->error, 0);
        assert_int_equal(q->offset, 6);
        assert_int_equal(q->count, rows[i].count);
        for (uint32_t k = 0; k < q->count; k++)
            assert_int_equal(q->pubs[k]->offset, rows[i].reverse
                                                     ? rows[i].first - k
                                                     : rows[i].first + k);
    }
    assert_int_equal(history(r, -1, 0, true)->error, PL_ERROR_BAD_REQUEST);
    rig_destroy(r);
}

static void history_of_another_epoch_is_112(void **state)
{
    struct rig *r = make(usual);
    char epoch[9];

    (void)state;
    rig_publish_some(r, "a", 2);
    rig_epoch(r, "a", epoch);
    for (int wrong = 0; wrong < 2; wrong++) {
        struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");

        q->limit = -1;
        q->has_since = true;
        q->offset = 1;
        memcpy(q->epoch, wrong ? "abcdefgh" : epoch, 9);
        rig_ask(r, q);
        assert_int_equal(q->error, wrong ? PL_ERROR_UNRECOVERABLE : 0);
        assert_string_equal(q->epoch, epoch);
    }
    rig_destroy(r);
}

static void history_stops_before_its_byte_budget(void **state)
{
    struct rig *r = make(usual);
    struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");

    (void)state;
    rig_publish_some(r, "a", 4);
    q->limit = -1;
    q->byte_budget = 65 * 3 - 1;
    rig_ask(r, q);
    assert_int_equal(q->count, 2);
    assert_int_equal(q->offset, 4);
    rig_destroy(r);
}

static void asking_for_history_makes_the_epoch_stable(void **state)
{
    struct rig *r = make(usual);
    char epoch[9];
    char again[9];

    (void)state;
    rig_epoch(r, "a", epoch);
    rig_epoch(r, "a", again);
    assert_string_equal(epoch, again);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 1);
    rig_destroy(r);
}

/* --- The list --- */

static struct pl_list_mail *list(struct rig *r, const char *pattern)
{
    struct pl_list_mail *m = pl_list_mail_create();

    assert_non_null(m);
    if (pattern != NULL)
        m->pattern = pl_blob_create(pl_span_of(pattern));
    rig_send(r, RIG_LOOPS, &m->msg);
    rig_run(r, 0);
    return m;
}

static void lists_get_a_share_of_their_own(void **state)
{
    struct rig *r = with_share(1);

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t error = list(r, NULL)->error;

        assert_int_equal(error, i < 2 ? 0 : PL_ERROR_TOO_MANY_REQUESTS);
        rig_forget(r);
    }
    assert_int_equal(count_answered(r, PL_QUERY_PRESENCE, 10, NULL), 1);
    rig_destroy(r);
}

static void the_list_tells_channels_that_match(void **state)
{
    static const struct {
        const char *pattern;
        uint32_t count;
    } rows[] = {
        {NULL, 4},     {"*", 4},       {"", 0},      {"room:*", 3},
        {"room:?", 2}, {"*1", 2},      {"*:*1*", 2}, {"room:1", 1},
        {"?", 0},      {"**o*b*", 1},  {"*b*b*", 1}, {"lobby", 1},
        {"lobby?", 0}, {"*lobby*", 1},
    };
    struct rig *r = make(usual);

    (void)state;
    assert_int_equal(list(r, NULL)->count, 0);
    rig_attach(r, 0, "room:1", 0);
    rig_attach(r, 1, "room:1", 0);
    rig_attach(r, 0, "room:2", 0);
    rig_attach(r, 0, "room:11", 0);
    rig_attach(r, 0, "lobby", 0);
    rig_publish(r, 0, "nobody", "x");
    rig_run(r, 0);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pl_list_mail *m = list(r, rows[i].pattern);

        assert_int_equal(m->error, 0);
        assert_int_equal(m->count, rows[i].count);
    }
    struct pl_list_mail *m = list(r, "room:1");
    assert_int_equal(m->channels[0].subscribers, 2);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_answers_get_a_share_of_the_loops_time),
        cmocka_unit_test(counting_users_takes_of_the_same_share),
        cmocka_unit_test(what_is_asked_of_late_stores_is_part_of_the_share),
        cmocka_unit_test(what_is_small_is_always_answered),
        cmocka_unit_test(history_answers_limit_since_and_reverse),
        cmocka_unit_test(history_of_another_epoch_is_112),
        cmocka_unit_test(history_stops_before_its_byte_budget),
        cmocka_unit_test(asking_for_history_makes_the_epoch_stable),
        cmocka_unit_test(lists_get_a_share_of_their_own),
        cmocka_unit_test(the_list_tells_channels_that_match),
    };

    return cmocka_run_group_tests_name("channels_query", tests, NULL, NULL);
}
