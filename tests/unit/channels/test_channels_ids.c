/* SPDX-License-Identifier: Apache-2.0 */
/* test_channels_ids.c - terms of publications: what is sent again is published
 * once, what is stale is not, and what skips the history is not kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "hand_bus.h"
#include "monitor.h"
#include "rig.h"

enum { IDS_MAX = 16384, IDS_TTL_MS = 300000 };

static const struct rig_options usual = {.rules.history_size = 3,
                                         .rules.history_ttl_ms = 100000000,
                                         .rules.meta_ttl_ms = 100000000};

static void send_with(struct rig *r, const char *channel,
                      struct pl_pub_terms terms)
{
    struct pl_publish_mail *m = rig_publish_mail(channel, "x", NULL);

    m->terms = pl_pub_terms_copy(&terms);
    assert_non_null(m->terms);
    rig_send(r, 0, &m->msg);
}

static void send(struct rig *r, const char *channel, const char *id)
{
    if (id != NULL) {
        send_with(r, channel, (struct pl_pub_terms){.id = pl_span_of(id)});
        return;
    }
    rig_send(r, 0, &rig_publish_mail(channel, "x", NULL)->msg);
}

static struct pl_publish_mail *result(struct rig *r, unsigned n)
{
    struct pl_publish_mail *m = rig_mail(r, 0, PL_MAIL_PUBLISH, n);

    assert_non_null(m);
    return m;
}

/* Publish, and return the offset of the result. */
static uint64_t publish(struct rig *r, const char *channel, const char *id)
{
    rig_forget(r);
    send(r, channel, id);
    rig_run(r, 100);
    struct pl_publish_mail *m = result(r, 0);
    assert_int_equal(m->error, 0);
    assert_true(m->stored);
    return m->pub->offset;
}

static unsigned received(struct rig *r)
{
    return rig_mail(r, 1, PL_MAIL_PUBLICATION, 0) != NULL;
}

static void check(const struct pl_late_options *late)
{
    struct rig *r = rig_create(7, &usual, late);

    rig_attach(r, 1, "a", 0);
    rig_run(r, 100);
    assert_int_equal(publish(r, "a", "k1"), 1);
    assert_int_equal(received(r), 1);
    char epoch[9];
    memcpy(epoch, result(r, 0)->epoch, sizeof epoch);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(publish(r, "a", NULL), 2 + i);
    assert_int_equal(publish(r, "a", "k1"),
                     1); /* not in the history any more */
    assert_string_equal(result(r, 0)->epoch, epoch);
    assert_int_equal(received(r), 0);
    assert_int_equal(publish(r, "a", "k2"), 7);
    assert_int_equal(publish(r, "b", "k1"), 1); /* of another channel */
    assert_int_equal(publish(r, "b", "k1"), 1);
    assert_int_equal(publish(r, "b", "k"), 2);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS], 9);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS_KNOWN], 2);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATION_IDS], 4);
    rig_destroy(r);
}

static void what_is_sent_again_is_stored_and_sent_once(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check(NULL);
    check(&late);
}

static void an_id_is_remembered_for_five_minutes(void **state)
{
    struct rig *r = rig_create(7, &usual, NULL);

    (void)state;
    assert_int_equal(publish(r, "a", "k"), 1);
    rig_run(r, IDS_TTL_MS - 1000);
    assert_int_equal(publish(r, "a", "k"), 1);
    rig_run(r, 1000);
    assert_int_equal(publish(r, "a", "k"), 2);
    assert_int_equal(publish(r, "a", "k"), 2);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATION_IDS], 1);
    rig_destroy(r);
}

static void ids_are_bounded_and_the_oldest_is_forgotten(void **state)
{
    struct rig *r = rig_create(7, &usual, NULL);
    char id[12];

    (void)state;
    for (unsigned i = 0; i <= IDS_MAX; i++) {
        snprintf(id, sizeof id, "%u", i);
        send(r, "a", id);
        if (i % 1000 == 0) {
            rig_run(r, 0);
            rig_forget(r);
        }
    }
    rig_run(r, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATION_IDS], IDS_MAX);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATION_IDS_EVICTED], 1);
    assert_int_equal(publish(r, "a", "1"), 2);
    assert_int_equal(publish(r, "a", "0"), IDS_MAX + 2);
    rig_destroy(r);
}

/* A stream that was lost has another epoch, and knows no ids. */
static void a_new_epoch_knows_no_ids(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.owner.channel_limit = 1;
    struct rig *r = rig_create(7, &o, NULL);
    assert_int_equal(publish(r, "a", NULL), 1);
    assert_int_equal(publish(r, "a", "k"), 2);
    assert_int_equal(publish(r, "b", NULL), 1); /* takes the place of "a" */
    assert_int_equal(publish(r, "a", "k"), 1);
    rig_destroy(r);
}

/* --- Without a history, or beside it --- */

/* Publish with these terms.  Return whether the subscriber got it. */
static bool passes(struct rig *r, const char *channel,
                   struct pl_pub_terms terms)
{
    rig_forget(r);
    send_with(r, channel, terms);
    rig_run(r, 100);
    assert_int_equal(result(r, 0)->error, 0);
    return received(r);
}

#define ID(text) ((struct pl_pub_terms){.id = PL_SPAN(text)})
#define SKIP(text)                                                             \
    ((struct pl_pub_terms){.id = PL_SPAN(text), .skips_history = true})

static void check_unstored(const struct pl_late_options *late)
{
    struct rig_options o = usual;

    o.rules.history_size = 0;
    struct rig *r = rig_create(7, &o, late);
    rig_attach(r, 1, "a", 0);
    rig_attach(r, 1, "b", 0);
    rig_run(r, 100);
    assert_true(passes(r, "a", ID("k")));
    assert_false(passes(r, "a", ID("k")));
    assert_int_equal(result(r, 0)->pub->offset, 0);
    assert_string_equal(result(r, 0)->epoch, "");
    assert_true(passes(r, "b", ID("k")));
    assert_true(passes(r, "a", ID("l")));
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS_KNOWN], 1);
    rig_run(r, IDS_TTL_MS);
    assert_true(passes(r, "a", ID("k")));
    rig_destroy(r);
}

static void without_history_too_an_id_is_published_once(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check_unstored(NULL);
    check_unstored(&late);
}

static void check_skipping(const struct pl_late_options *late)
{
    struct rig *r = rig_create(7, &usual, late);

    rig_attach(r, 1, "a", 0);
    rig_run(r, 100);
    assert_int_equal(publish(r, "a", NULL), 1);
    assert_true(passes(r, "a", SKIP("")));
    assert_false(result(r, 0)->stored);
    assert_int_equal(result(r, 0)->pub->offset, 0);
    assert_true(passes(r, "a", SKIP("k")));
    assert_false(passes(r, "a", SKIP("k")));
    assert_int_equal(publish(r, "a", NULL), 2);
    rig_destroy(r);
}

static void what_skips_the_history_gets_no_offset_and_is_not_kept(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check_skipping(NULL);
    check_skipping(&late);
}

static void check_one_id(const struct pl_late_options *late)
{
    struct rig *r = rig_create(7, &usual, late);

    rig_attach(r, 1, "a", 0);
    rig_run(r, 100);
    assert_true(passes(r, "a", SKIP("k")));
    assert_false(passes(r, "a", ID("k")));
    assert_false(result(r, 0)->stored);
    assert_int_equal(result(r, 0)->pub->offset, 0);
    assert_string_equal(result(r, 0)->epoch, "");
    assert_true(passes(r, "a", ID("l")));
    assert_false(passes(r, "a", SKIP("l")));
    assert_int_equal(result(r, 0)->pub->offset, 1);
    assert_int_equal(strlen(result(r, 0)->epoch), 8);
    assert_false(passes(r, "a", SKIP("k")));
    assert_int_equal(publish(r, "a", NULL), 2);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS_KNOWN], 3);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATION_IDS], 2);
    rig_destroy(r);
}

static void an_id_has_one_result_with_and_without_skip_history(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check_one_id(NULL);
    check_one_id(&late);
}

/* Both are on their way at the same time. */
static void an_id_that_is_on_its_way_is_known(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rig *r = rig_create(7, &usual, &late);

        rig_attach(r, 1, "a", 0);
        rig_run(r, 100);
        rig_forget(r);
        send_with(r, "a", i == 0 ? SKIP("k") : ID("k"));
        send_with(r, "a", i == 0 ? ID("k") : SKIP("k"));
        rig_run(r, 100);
        assert_int_equal(result(r, 0)->error, 0);
        assert_int_equal(result(r, 1)->error, 0);
        assert_int_equal(result(r, 0)->pub->offset, result(r, 1)->pub->offset);
        assert_int_equal(received(r), 1);
        rig_destroy(r);
    }
}

/* The backend may send it again with the same id. */
static void an_id_that_the_bus_refused_is_forgotten(void **state)
{
    struct hand_bus bus = {.bus = {&hand_bus_ops}};
    struct rig_options o = usual;

    (void)state;
    o.rules.history_size = 0;
    o.owner.bus = &bus.bus;
    struct rig *r = rig_create(7, &o, NULL);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    send(r, "a", "k");
    rig_run(r, 0);
    hand_bus_answer(&bus, PL_EIO);
    rig_run(r, 0);
    assert_int_not_equal(result(r, 0)->error, 0);
    rig_forget(r);
    send(r, "a", "k");
    rig_run(r, 0);
    assert_int_equal(bus.count, 1);
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    assert_int_equal(result(r, 0)->error, 0);
    assert_int_equal(received(r), 1);
    rig_destroy(r);
}

/* --- Versions --- */

#define VERSION(n, e)                                                          \
    ((struct pl_pub_terms){.version = (n), .version_epoch = PL_SPAN(e)})

static void check_versions(const struct pl_late_options *late)
{
    struct rig *r = rig_create(7, &usual, late);

    rig_attach(r, 1, "a", 0);
    rig_attach(r, 1, "b", 0);
    rig_run(r, 100);
    assert_true(passes(r, "a", VERSION(5, "")));
    assert_false(passes(r, "a", VERSION(5, "")));
    assert_int_equal(result(r, 0)->pub->offset, 1);
    assert_false(passes(r, "a", VERSION(4, "")));
    assert_true(passes(r, "a", VERSION(6, "")));
    assert_int_equal(publish(r, "a", NULL), 3); /* without one it passes */
    assert_false(passes(r, "a", VERSION(6, "")));
    assert_int_equal(result(r, 0)->pub->offset, 3);
    assert_true(passes(r, "b", VERSION(1, ""))); /* of another channel */
    /* Another version epoch is not comparable. */
    assert_true(passes(r, "a", VERSION(2, "e")));
    assert_false(passes(r, "a", VERSION(2, "e")));
    assert_false(passes(r, "a", VERSION(1, "")));
    assert_true(passes(r, "a", VERSION(1, "f")));
    assert_true(passes(r, "a", VERSION(2, "")));
    assert_true(passes(r, "a", VERSION(UINT64_MAX, "f")));
    assert_false(passes(r, "a", VERSION(UINT64_MAX, "f")));
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS_STALE], 6);
    rig_destroy(r);
}

static void what_is_stale_is_neither_kept_nor_delivered(void **state)
{
    static const struct pl_late_options late = {.seed = 3, .delay_ms = 5};

    (void)state;
    check_versions(NULL);
    check_versions(&late);
}

/* Before the version: it would call the repeat stale, at another position. */
static void an_id_is_looked_at_before_the_version(void **state)
{
    const struct pl_pub_terms both = {.id = PL_SPAN("k"), .version = 5};
    struct rig *r = rig_create(7, &usual, NULL);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    assert_true(passes(r, "a", both));
    assert_int_equal(publish(r, "a", NULL), 2);
    assert_false(passes(r, "a", both));
    assert_int_equal(result(r, 0)->pub->offset, 1);
    rig_destroy(r);
}

/* A stream that was lost has another epoch; history_remove keeps both. */
static void a_version_lives_as_long_as_its_stream(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.owner.channel_limit = 1;
    struct rig *r = rig_create(7, &o, NULL);
    rig_forget(r);
    send_with(r, "a", VERSION(5, ""));
    rig_run(r, 0);
    assert_int_equal(result(r, 0)->pub->offset, 1);
    assert_int_equal(publish(r, "b", NULL), 1); /* takes the place of "a" */
    rig_forget(r);
    send_with(r, "a", VERSION(5, ""));
    rig_run(r, 0);
    assert_int_equal(result(r, 0)->pub->offset, 1);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS_STALE], 0);
    rig_destroy(r);
}

static void without_history_a_version_has_no_meaning(void **state)
{
    struct rig_options o = usual;

    (void)state;
    o.rules.history_size = 0;
    struct rig *r = rig_create(7, &o, NULL);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    assert_true(passes(r, "a", VERSION(5, "")));
    assert_true(passes(r, "a", VERSION(4, "")));
    rig_destroy(r);
}

/* The first is on the bus: the answer of the second waits for it. */
static void a_repeat_is_answered_after_the_first(void **state)
{
    struct hand_bus bus = {.bus = {&hand_bus_ops}};
    struct rig_options o = usual;

    (void)state;
    o.owner.bus = &bus.bus;
    struct rig *r = rig_create(7, &o, NULL);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    send(r, "a", "k");
    send(r, "a", "k");
    rig_run(r, 0);
    assert_int_equal(bus.count, 1);
    assert_null(rig_mail(r, 0, PL_MAIL_PUBLISH, 0));
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    assert_int_equal(result(r, 0)->pub->offset, 1);
    assert_int_equal(result(r, 1)->pub->offset, 1);
    assert_int_equal(received(r), 1);
    assert_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 1));
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_again_is_stored_and_sent_once),
        cmocka_unit_test(an_id_is_remembered_for_five_minutes),
        cmocka_unit_test(ids_are_bounded_and_the_oldest_is_forgotten),
        cmocka_unit_test(a_new_epoch_knows_no_ids),
        cmocka_unit_test(without_history_too_an_id_is_published_once),
        cmocka_unit_test(what_skips_the_history_gets_no_offset_and_is_not_kept),
        cmocka_unit_test(an_id_has_one_result_with_and_without_skip_history),
        cmocka_unit_test(an_id_that_is_on_its_way_is_known),
        cmocka_unit_test(an_id_that_the_bus_refused_is_forgotten),
        cmocka_unit_test(what_is_stale_is_neither_kept_nor_delivered),
        cmocka_unit_test(an_id_is_looked_at_before_the_version),
        cmocka_unit_test(a_version_lives_as_long_as_its_stream),
        cmocka_unit_test(without_history_a_version_has_no_meaning),
        cmocka_unit_test(a_repeat_is_answered_after_the_first),
    };

    return cmocka_run_group_tests_name("channels_ids", tests, NULL, NULL);
}
