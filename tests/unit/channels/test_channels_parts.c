/* SPDX-License-Identifier: Apache-2.0 */
/* Long histories are read in parts, and answered as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "monitor.h"
#include "rig.h"

enum { HELD = 1000, LATENCY_MS = 20 };

static struct rig *make(uint32_t size, bool late)
{
    struct rig_options o = {.rules.history_size = size,
                            .rules.history_ttl_ms = 100000000,
                            .rules.meta_ttl_ms = 100000000,
                            .owner.channel_limit = 1};
    struct pl_late_options l = {.seed = 4, .latency_ms = LATENCY_MS};

    return rig_create(7, &o, late ? &l : NULL);
}

static void publish(struct rig *r, const char *channel, unsigned n)
{
    rig_publish_some(r, channel, n);
    rig_run(r, 1000);
}

/* Ask for the history; `ms`: and wait for the answer. */
static struct pl_query_mail *ask(struct rig *r, int32_t limit, bool reverse,
                                 uint64_t ms)
{
    struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");

    q->limit = limit;
    q->reverse = reverse;
    rig_send(r, 0, &q->msg);
    rig_run(r, ms);
    return q;
}

static void check(const struct pl_query_mail *q, uint64_t first, uint32_t count,
                  bool reverse)
{
    assert_int_equal(q->error, 0);
    assert_int_equal(q->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(q->pubs[i]->offset, reverse ? first - i : first + i);
}

static void check_all(bool late)
{
    struct rig *r = make(HELD, late);

    publish(r, "a", HELD + 1);
    check(ask(r, -1, false, 1000), 2, HELD, false);
    check(ask(r, -1, true, 1000), HELD + 1, HELD, true);
    check(ask(r, 256, false, 1000), 2, 256, false);
    check(ask(r, 257, true, 1000), HELD + 1, 257, true);
    rig_destroy(r);
}

static void a_long_history_is_one_answer(void **state)
{
    (void)state;
    check_all(false);
}

static void the_same_of_stores_that_answer_late(void **state)
{
    (void)state;
    check_all(true);
}

static void a_budget_ends_a_history_wherever_it_lies_in_a_part(void **state)
{
    struct rig *r = make(HELD, true);

    (void)state;
    publish(r, "a", HELD);
    for (uint32_t n = 255; n <= 513; n += 129) {
        struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");

        q->limit = -1;
        q->byte_budget = 65 * n;
        rig_send(r, 0, &q->msg);
        rig_run(r, 1000);
        check(q, 1, n, false);
    }
    rig_destroy(r);
}

static void what_is_published_between_two_parts_is_read_too(void **state)
{
    struct rig *r = make(2 * HELD, true);

    (void)state;
    publish(r, "a", HELD);
    struct pl_query_mail *q = ask(r, -1, false, LATENCY_MS + 8);
    rig_publish_some(r, "a", 10);
    rig_run(r, 1000);
    check(q, 1, HELD + 10, false);
    assert_int_equal(q->offset, HELD + 10);
    rig_destroy(r);
}

/* Of 1,000 the oldest 900 go after the first part. */
static void the_oldest_may_go_between_two_parts(void **state)
{
    struct rig *r = make(HELD, true);

    (void)state;
    publish(r, "a", HELD);
    struct pl_query_mail *q = ask(r, -1, false, LATENCY_MS + 8);
    rig_publish_some(r, "a", 900);
    rig_run(r, 1000);
    check(q, 901, HELD, false);
    rig_destroy(r);
}

static void a_stream_that_is_lost_between_two_parts_is_read_anew(void **state)
{
    struct rig *r = make(HELD, true);
    char epoch[9];

    (void)state;
    publish(r, "a", HELD);
    struct pl_query_mail *q = ask(r, 0, false, 1000);
    memcpy(epoch, q->epoch, sizeof epoch);
    q = ask(r, -1, false, LATENCY_MS + 8);
    rig_publish(r, 0, "b", "x"); /* takes the place of "a" */
    rig_run(r, 1000);
    check(q, 0, 0, false);
    assert_string_not_equal(q->epoch, epoch);
    assert_int_equal(q->offset, 0);
    rig_destroy(r);
}

/* Publications go on at all times; the hub hears each once, in order. */
static void a_long_recovery_ends_at_the_border(void **state)
{
    struct rig *r = make(2 * HELD, true);
    char epoch[9];

    (void)state;
    publish(r, "a", HELD);
    rig_epoch(r, "a", epoch);
    rig_run(r, 1000);
    memcpy(epoch, ask(r, 0, false, 1000)->epoch, sizeof epoch);
    rig_forget(r);
    rig_recover(r, 1, "a", epoch, 100);
    for (unsigned i = 0; i < 100; i++) {
        rig_publish(r, 0, "a", "x");
        rig_run(r, 4);
    }
    rig_run(r, 1000);
    struct pl_attach_mail *m = rig_mail(r, 1, PL_MAIL_ATTACH, 0);
    assert_true(m->recovered);
    assert_in_range(m->offset, HELD + 10, HELD + 90);
    assert_int_equal(m->pub_count, m->offset - 100);
    for (uint32_t i = 0; i < m->pub_count; i++)
        assert_int_equal(m->pubs[i]->offset, 101 + i);
    bool is_there = false;
    uint64_t next = 0;
    for (unsigned i = 0; i < r->hub[1]->count; i++) {
        struct pl_msg *msg = r->hub[1]->mail[i];

        if (msg == &m->msg) {
            is_there = true;
            next = m->offset + 1;
        } else if (msg->type == PL_MAIL_PUBLICATION && is_there) {
            assert_int_equal(((struct pl_publication_mail *)msg)->pub->offset,
                             next++);
        }
    }
    assert_int_equal(next, HELD + 100 + 1);
    rig_destroy(r);
}

static void a_stop_between_two_parts_leaves_nothing(void **state)
{
    struct rig *r = make(HELD, true);

    (void)state;
    publish(r, "a", HELD);
    struct pl_query_mail *q = ask(r, -1, false, LATENCY_MS + 8);
    assert_int_not_equal(r->metrics.value[PL_METRIC_STORE_REQUEST_BYTES], 0);
    assert_int_equal(pl_stop_send(&r->hub[1]->actor, r->owner), PL_OK);
    rig_run(r, 1000);
    assert_int_equal(q->error, PL_ERROR_STOPPING);
    assert_int_equal(r->metrics.value[PL_METRIC_STORE_REQUEST_BYTES], 0);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_history_is_one_answer),
        cmocka_unit_test(the_same_of_stores_that_answer_late),
        cmocka_unit_test(a_budget_ends_a_history_wherever_it_lies_in_a_part),
        cmocka_unit_test(what_is_published_between_two_parts_is_read_too),
        cmocka_unit_test(the_oldest_may_go_between_two_parts),
        cmocka_unit_test(a_stream_that_is_lost_between_two_parts_is_read_anew),
        cmocka_unit_test(a_long_recovery_ends_at_the_border),
        cmocka_unit_test(a_stop_between_two_parts_leaves_nothing),
    };

    return cmocka_run_group_tests_name("channels_parts", tests, NULL, NULL);
}
