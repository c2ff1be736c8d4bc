/* SPDX-License-Identifier: Apache-2.0 */
/* test_channels_new.c - what counts as a new channel, and who may make one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "mail.h"
#include "rig.h"

enum { MOST = 3 };

static struct rig *make(bool has_history, const struct pl_late_options *late)
{
    const struct rig_options options = {.rules.history_size =
                                            has_history ? 4 : 0,
                                        .rules.history_ttl_ms = 10000,
                                        .rules.meta_ttl_ms = 60000,
                                        .owner.backlog_limit = 1000,
                                        .owner.new_channels = MOST,
                                        .owner.new_channels_burst = MOST};

    return rig_create(7, &options, late);
}

static const char *name_of(unsigned i)
{
    static char name[8];

    snprintf(name, sizeof name, "n%u", i);
    return name;
}

static uint32_t attach(struct rig *r, unsigned client, const char *channel,
                       uint8_t flags)
{
    unsigned hub = client % RIG_LOOPS;

    rig_forget(r);
    rig_attach(r, client, channel, flags);
    rig_run(r, 50);
    struct pl_attach_mail *m = rig_mail(r, hub, PL_MAIL_ATTACH, 0);
    assert_non_null(m);
    uint32_t error = m->error;
    if (error != 0)
        rig_detach(r, client, channel, flags); /* as a hub does */
    return error;
}

static uint32_t publish(struct rig *r, int client, const char *channel)
{
    rig_forget(r);
    rig_send(
        r, 0,
        &rig_publish_mail(channel, "1", client < 0 ? NULL : r->client[client])
             ->msg);
    rig_run(r, 50);
    struct pl_publish_mail *m = rig_mail(r, 0, PL_MAIL_PUBLISH, 0);
    assert_non_null(m);
    return m->error;
}

static uint32_t ask(struct rig *r, int client, const char *channel)
{
    struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, channel);

    rig_forget(r);
    q->client = client < 0 ? NULL : pl_client_hold(r->client[client]);
    rig_send(r, 0, &q->msg);
    rig_run(r, 50);
    return q->error;
}

static void check_history(const struct pl_late_options *late)
{
    struct rig *r = make(true, late);
    uint64_t *refused = &r->metrics.value[PL_METRIC_REFUSED_NEW_CHANNELS];

    assert_int_equal(publish(r, 0, "a"), 0);
    assert_int_equal(attach(r, 0, "b", 0), 0);
    assert_int_equal(ask(r, 0, "c"), 0);
    assert_int_equal(*refused, 0);
    assert_int_equal(publish(r, 0, "d"), PL_ERROR_TOO_MANY_REQUESTS);
    assert_int_equal(attach(r, 0, "d", 0), PL_ERROR_TOO_MANY_REQUESTS);
    assert_int_equal(ask(r, 0, "d"), PL_ERROR_TOO_MANY_REQUESTS);
    assert_int_equal(*refused, 3);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], MOST);
    /* What is there is not new, and others have their own. */
    assert_int_equal(publish(r, 0, "b"), 0);
    assert_int_equal(attach(r, 0, "a", 0), 0);
    assert_int_equal(publish(r, 2, "d"), 0);
    assert_int_equal(publish(r, 0, "d"), 0);
    /* The next connection of the same user has no more. */
    assert_int_equal(publish(r, 1, "e"), PL_ERROR_TOO_MANY_REQUESTS);
    rig_run(r, 60000 / MOST);
    assert_int_equal(publish(r, 1, "e"), 0);
    assert_int_equal(publish(r, 1, "f"), PL_ERROR_TOO_MANY_REQUESTS);
    rig_destroy(r);
}

static void a_user_makes_so_many_new_channels_a_minute(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check_history(NULL);
    check_history(&late);
}

/* Without history the first subscriber makes it; a publication makes none. */
static void without_history_the_first_subscriber_makes_a_channel(void **state)
{
    struct rig *r = make(false, NULL);

    (void)state;
    for (unsigned i = 0; i < MOST; i++)
        assert_int_equal(attach(r, 0, name_of(i), 0), 0);
    assert_int_equal(attach(r, 0, "more", 0), PL_ERROR_TOO_MANY_REQUESTS);
    assert_int_equal(publish(r, 0, "more"), 0);
    assert_int_equal(attach(r, 2, "more", 0), 0);
    assert_int_equal(attach(r, 0, "more", 0), 0);
    assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_NEW_CHANNELS], 1);
    rig_destroy(r);
}

static void backends_and_tokens_make_as_many_as_they_like(void **state)
{
    (void)state;
    for (int h = 0; h < 2; h++) {
        struct rig *r = make(h == 1, NULL);

        for (unsigned i = 0; i < 5 * MOST; i++) {
            assert_int_equal(attach(r, 0, name_of(i), PL_ATTACH_SERVER_SIDE),
                             0);
            assert_int_equal(publish(r, -1, name_of(100 + i)), 0);
            if (h == 1)
                assert_int_equal(ask(r, -1, name_of(200 + i)), 0);
        }
        assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_NEW_CHANNELS], 0);
        rig_destroy(r);
    }
}

/* Client 2 has the only place; clients 0 and 1 are one user. */
static void check_no_place(bool has_history, const struct pl_late_options *late)
{
    const struct rig_options options = {.rules.history_size =
                                            has_history ? 4 : 0,
                                        .rules.history_ttl_ms = 10000,
                                        .rules.meta_ttl_ms = 60000,
                                        .owner.channel_limit = 1,
                                        .owner.new_channels = MOST,
                                        .owner.new_channels_burst = MOST};
    struct rig *r = rig_create(7, &options, late);

    assert_int_equal(attach(r, 2, "a", 0), 0);
    for (unsigned i = 0; i < 3 * MOST; i++)
        assert_int_equal(attach(r, i % 2, "b", 0), PL_ERROR_LIMIT_EXCEEDED);
    assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_NEW_CHANNELS], 0);
    rig_detach(r, 2, "a", 0);
    rig_run(r, 50);
    for (unsigned i = 0; i < MOST; i++) {
        assert_int_equal(attach(r, 0, name_of(i), 0), 0);
        rig_detach(r, 0, name_of(i), 0);
        rig_run(r, 50);
    }
    assert_int_equal(attach(r, 0, "more", 0), PL_ERROR_TOO_MANY_REQUESTS);
    rig_destroy(r);
}

static void what_finds_no_place_is_no_new_channel(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check_no_place(false, NULL);
    check_no_place(true, NULL);
    check_no_place(true, &late);
}

/* The channel that would have gone for it stays. */
static void what_is_refused_takes_the_place_of_none(void **state)
{
    const struct rig_options options = {.rules.history_size = 4,
                                        .rules.history_ttl_ms = 10000,
                                        .rules.meta_ttl_ms = 60000,
                                        .owner.channel_limit = 1,
                                        .owner.new_channels = 1,
                                        .owner.new_channels_burst = 1};
    struct rig *r = rig_create(7, &options, NULL);

    (void)state;
    assert_int_equal(publish(r, 0, "a"), 0);
    assert_int_equal(publish(r, 0, "b"), PL_ERROR_TOO_MANY_REQUESTS);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS_EVICTED], 0);
    assert_int_equal(publish(r, 0, "a"), 0);
    assert_int_equal(publish(r, 2, "b"), 0);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS_EVICTED], 1);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_makes_so_many_new_channels_a_minute),
        cmocka_unit_test(without_history_the_first_subscriber_makes_a_channel),
        cmocka_unit_test(backends_and_tokens_make_as_many_as_they_like),
        cmocka_unit_test(what_finds_no_place_is_no_new_channel),
        cmocka_unit_test(what_is_refused_takes_the_place_of_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
