/* SPDX-License-Identifier: Apache-2.0 */
/* test_denials.c - the table of revoked tokens and blocked users. */
#include "denials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct pl_hash_key key = {3, 4};

static struct pl_denials *table_create(void)
{
    struct pl_denials *t;

    assert_int_equal(pl_denials_create(&t, &key), PL_OK);
    return t;
}

static enum pl_err put(struct pl_denials *t, const struct pl_denial *d,
                       int64_t now_s)
{
    struct pl_blob *name = pl_blob_create(d->name);
    struct pl_blob *channel =
        d->channel.at == NULL ? NULL : pl_blob_create(d->channel);
    struct pl_denial_item *i;

    assert_int_equal(pl_denial_item_create(&i, d, name, channel), PL_OK);
    enum pl_err rc = pl_denials_put(t, i, now_s);
    if (rc != PL_OK)
        pl_denial_item_destroy(i);
    pl_blob_release(name);
    pl_blob_release(channel);
    return rc;
}

static void put_well(struct pl_denials *t, enum pl_denial_kind kind,
                     const char *name, int64_t before_s, int64_t until_s)
{
    const struct pl_denial d = {.kind = kind,
                                .name = pl_span_of(name),
                                .issued_before_s = before_s,
                                .expires_at_s = until_s};

    assert_int_equal(put(t, &d, 100), PL_OK);
}

static bool denies(const struct pl_denials *t, const char *id, const char *user,
                   const char *channel, int64_t issued_at_s, int64_t now_s)
{
    const struct pl_token_mark m = {.id = pl_span_of(id),
                                    .user = pl_span_of(user),
                                    .channel = pl_span_of(channel),
                                    .issued_at_s = issued_at_s};

    return pl_denials_deny_token(t, &m, now_s);
}

static void a_token_is_denied_by_its_id_and_no_other(void **state)
{
    struct pl_denials *t = table_create();

    (void)state;
    assert_false(denies(t, "a", "ann", NULL, 0, 100));
    put_well(t, PL_DENIAL_TOKEN, "a", 0, 0);
    assert_true(denies(t, "a", "ann", NULL, 0, 100));
    assert_true(denies(t, "a", "ann", "room", 0, 100));
    assert_false(denies(t, "b", "a", NULL, 0, 100));
    assert_false(denies(t, NULL, "a", NULL, 0, 100));
    assert_false(denies(t, "", "a", NULL, 0, 100));
    assert_false(pl_denials_deny_user(t, PL_SPAN("a"), 100));
    pl_denials_destroy(t);
}

static void tokens_of_a_user_are_denied_by_their_time_of_issue(void **state)
{
    struct pl_denials *t = table_create();

    (void)state;
    put_well(t, PL_DENIAL_TOKENS, "ann", 50, 0);
    assert_true(denies(t, NULL, "ann", NULL, 49, 100));
    assert_true(denies(t, NULL, "ann", "room", 49, 100));
    assert_true(denies(t, NULL, "ann", NULL, 0, 100)); /* does not say */
    assert_false(denies(t, NULL, "ann", NULL, 50, 100));
    assert_false(denies(t, NULL, "bob", NULL, 49, 100));
    pl_denials_destroy(t);
}

static void tokens_of_a_channel_are_denied_alone(void **state)
{
    const struct pl_denial d = {.kind = PL_DENIAL_TOKENS,
                                .name = PL_SPAN("ann"),
                                .channel = PL_SPAN("room"),
                                .issued_before_s = 50};
    struct pl_denials *t = table_create();

    (void)state;
    assert_int_equal(put(t, &d, 100), PL_OK);
    assert_true(denies(t, NULL, "ann", "room", 49, 100));
    assert_false(denies(t, NULL, "ann", "rooms", 49, 100));
    assert_false(denies(t, NULL, "ann", NULL, 49, 100));
    assert_false(denies(t, NULL, "ann", "room", 50, 100));
    pl_denials_destroy(t);
}

static void a_user_is_blocked_until_it_is_not(void **state)
{
    const struct pl_denial d = {.kind = PL_DENIAL_USER, .name = PL_SPAN("ann")};
    struct pl_denials *t = table_create();

    (void)state;
    put_well(t, PL_DENIAL_USER, "ann", 0, 0);
    assert_true(pl_denials_deny_user(t, PL_SPAN("ann"), 100));
    assert_false(pl_denials_deny_user(t, PL_SPAN("an"), 100));
    assert_false(pl_denials_deny_user(t, PL_SPAN(""), 100));
    assert_true(pl_denials_remove(t, &d, 100));
    assert_false(pl_denials_deny_user(t, PL_SPAN("ann"), 100));
    assert_false(pl_denials_remove(t, &d, 100));
    assert_int_equal(pl_denials_count(t), 0);
    assert_int_equal(pl_denials_bytes(t), 0);
    pl_denials_destroy(t);
}

static void a_denial_ends_at_its_time(void **state)
{
    const struct pl_denial d = {.kind = PL_DENIAL_USER, .name = PL_SPAN("ann")};
    struct pl_denials *t = table_create();
    struct pl_denial found;

    (void)state;
    put_well(t, PL_DENIAL_USER, "ann", 0, 200);
    assert_true(pl_denials_find(t, &d, 199, &found));
    assert_int_equal(found.expires_at_s, 200);
    assert_true(pl_denials_deny_user(t, PL_SPAN("ann"), 199));
    assert_false(pl_denials_deny_user(t, PL_SPAN("ann"), 200));
    assert_false(pl_denials_find(t, &d, 200, &found));
    assert_false(pl_denials_remove(t, &d, 200)); /* it was over */
    pl_denials_destroy(t);
}

static void the_same_denial_is_kept_once(void **state)
{
    struct pl_denials *t = table_create();

    (void)state;
    put_well(t, PL_DENIAL_TOKENS, "ann", 50, 200);
    put_well(t, PL_DENIAL_TOKENS, "ann", 40, 300); /* 50 stays */
    put_well(t, PL_DENIAL_USER, "ann", 0, 0);
    assert_int_equal(pl_denials_count(t), 2);
    assert_int_equal(pl_denials_bytes(t), 6);
    assert_true(denies(t, NULL, "ann", NULL, 49, 299));
    assert_false(denies(t, NULL, "ann", NULL, 49, 300));
    pl_denials_destroy(t);
}

static void fill(struct pl_denials *t, int64_t until_s)
{
    char name[16];

    for (int i = 0; i < PL_DENIALS_MAX; i++) {
        snprintf(name, sizeof name, "u%d", i);
        put_well(t, PL_DENIAL_USER, name, 0, until_s);
    }
}

static void a_full_table_refuses_until_something_in_it_expires(void **state)
{
    const struct pl_denial more = {.kind = PL_DENIAL_USER,
                                   .name = PL_SPAN("one more")};
    struct pl_denials *t = table_create();

    (void)state;
    fill(t, 200);
    assert_int_equal(put(t, &more, 199), PL_ELIMIT);
    assert_false(pl_denials_deny_user(t, PL_SPAN("one more"), 199));
    put_well(t, PL_DENIAL_USER, "u7", 0, 200); /* takes no place */
    assert_int_equal(pl_denials_count(t), PL_DENIALS_MAX);
    assert_int_equal(put(t, &more, 200), PL_OK);
    assert_int_equal(pl_denials_count(t), 1);
    pl_denials_destroy(t);
}

static void texts_are_bounded_too(void **state)
{
    static char name[4096];
    struct pl_denials *t = table_create();
    struct pl_denial d = {.kind = PL_DENIAL_TOKEN};
    int count = 0;

    (void)state;
    do {
        snprintf(name, sizeof name, "%4095d", count++);
        d.name = (struct pl_span){name, 4095};
    } while (put(t, &d, 100) == PL_OK);
    assert_int_equal(pl_denials_count(t), PL_DENIALS_BYTES_MAX / 4095);
    assert_true(pl_denials_bytes(t) <= PL_DENIALS_BYTES_MAX);
    pl_denials_destroy(t);
}

static void what_has_expired_goes_within_a_minute_of_changes(void **state)
{
    struct pl_denials *t = table_create();
    const struct pl_denial d = {.kind = PL_DENIAL_USER, .name = PL_SPAN("bob")};

    (void)state;
    put_well(t, PL_DENIAL_USER, "ann", 0, 150);
    assert_int_equal(put(t, &d, 1000), PL_OK);
    assert_int_equal(pl_denials_count(t), 1);
    pl_denials_destroy(t);
}

static void count_one(void *arg, const struct pl_denial *d)
{
    assert_int_equal(d->kind, PL_DENIAL_USER);
    ++*(int *)arg;
}

static void a_scan_shows_what_is_in_force(void **state)
{
    struct pl_denials *t = table_create();
    uint64_t at = 0;
    int count = 0;

    (void)state;
    put_well(t, PL_DENIAL_USER, "ann", 0, 150);
    put_well(t, PL_DENIAL_USER, "bob", 0, 0);
    put_well(t, PL_DENIAL_USER, "cy", 0, 160);
    while (pl_denials_scan(t, &at, 150, count_one, &count))
        ;
    assert_int_equal(count, 2);
    pl_denials_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_denied_by_its_id_and_no_other),
        cmocka_unit_test(tokens_of_a_user_are_denied_by_their_time_of_issue),
        cmocka_unit_test(tokens_of_a_channel_are_denied_alone),
        cmocka_unit_test(a_user_is_blocked_until_it_is_not),
        cmocka_unit_test(a_denial_ends_at_its_time),
        cmocka_unit_test(the_same_denial_is_kept_once),
        cmocka_unit_test(a_full_table_refuses_until_something_in_it_expires),
        cmocka_unit_test(texts_are_bounded_too),
        cmocka_unit_test(what_has_expired_goes_within_a_minute_of_changes),
        cmocka_unit_test(a_scan_shows_what_is_in_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
