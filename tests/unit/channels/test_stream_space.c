/* SPDX-License-Identifier: Apache-2.0 */
/* test_stream_space.c - how many streams there may be, and what their histories
 * may take. */
#include <string.h>

#include "stream_rig.h"

enum { BIG = 1000 };

static uint64_t counted(const struct rig *r, enum pl_metric m)
{
    return r->metrics.value[m];
}

static uint64_t bytes(const struct rig *r)
{
    return counted(r, PL_METRIC_HISTORY_BYTES);
}

static struct pl_client *make_client(struct rig *r, const char *user,
                                     const char *info)
{
    struct pl_client *c;

    assert_int_equal(pl_client_create(&c, (struct pl_address){0},
                                      pl_loop_random(r->loop), pl_span_of(user),
                                      pl_span_of(info)),
                     PL_OK);
    return c;
}

static void say(struct rig *r, const char *channel, struct pl_client *client,
                size_t size)
{
    uint64_t offset;

    assert_int_equal(append_by(r, channel, client, size, &offset), PL_OK);
}

/* How many are held; the position tells of all that were. */
static uint32_t left(struct rig *r, const char *channel, uint64_t said)
{
    char epoch[PL_EPOCH_MAX];
    uint64_t first, offset;
    uint32_t count = held(r, channel, &first);

    assert_int_equal(top(r, channel, &offset, epoch), PL_OK);
    assert_int_equal(offset, said);
    assert_int_equal(first, count == 0 ? 0 : said - count + 1);
    return count;
}

static struct stream_options wide(void)
{
    struct stream_options o = usual;

    o.rules.history_size = 100;
    return o;
}

/* --- Lines --- */

static void positions_give_way_before_histories(void **state)
{
    struct stream_options o = usual;
    char epoch[2][PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.limit = 3;
    struct rig *r = make(o);
    r->step_ms = 100;
    must_append(r, "a", 1); /* used longest ago */
    assert_int_equal(top(r, "b", &offset, epoch[0]), PL_OK);
    must_append(r, "c", 1);
    must_append(r, "d", 1); /* for b */
    must_append(r, "a", 2);
    assert_int_equal(counted(r, PL_METRIC_STREAMS_EVICTED), 1);
    assert_int_equal(counted(r, PL_METRIC_HISTORY_SHED_CHANNELS), 0);
    assert_int_equal(top(r, "b", &offset, epoch[1]), PL_OK); /* for c */
    assert_string_not_equal(epoch[0], epoch[1]);
    must_append(r, "d", 2);
    must_append(r, "c", 1); /* for b, which is empty */
    assert_int_equal(counted(r, PL_METRIC_STREAMS_EVICTED), 3);
    assert_int_equal(counted(r, PL_METRIC_HISTORY_SHED_CHANNELS), 1);
    assert_int_equal(streams(r), 3);
    end(r);
}

static void a_stream_with_subscribers_never_gives_way(void **state)
{
    struct stream_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.limit = 2;
    struct rig *r = make(o);
    r->step_ms = 100;
    r->used = 'a';
    assert_int_equal(top(r, "a", &offset, epoch), PL_OK);
    must_append(r, "a", 1);
    for (int i = 0; i < 3; i++) {
        must_append(r, "b", 1);
        must_append(r, "c", 1);
    }
    must_append(r, "a", 2);
    assert_int_equal(counted(r, PL_METRIC_STREAMS_EVICTED), 5);
    end(r);
}

/* A subscriber that is just coming is known to the owner alone. */
static void the_owner_is_asked_before_a_history_gives_way(void **state)
{
    struct stream_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.limit = 2;
    struct rig *r = make(o);
    r->step_ms = 100;
    must_append(r, "a", 1);
    must_append(r, "b", 1);
    r->used = 'a';
    must_append(r, "c", 1); /* for b */
    must_append(r, "a", 2);
    assert_int_equal(left(r, "a", 2), 2);
    r->used = 'c';
    assert_int_equal(top(r, "c", &offset, epoch), PL_OK);
    r->store->ops->idle(r->store, PL_SPAN("a"), 'a');
    must_append(r, "b", 1); /* for a */
    must_append(r, "c", 2);
    end(r);
}

static void when_all_streams_have_subscribers_there_is_no_place(void **state)
{
    struct stream_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.limit = 1;
    struct rig *r = make(o);
    r->used = 'a';
    must_append(r, "a", 1);
    assert_int_equal(append(r, "b", &offset), PL_ELIMIT);
    assert_int_equal(top(r, "b", &offset, epoch), PL_ELIMIT);
    must_append(r, "a", 2);
    assert_int_equal(counted(r, PL_METRIC_STREAMS_EVICTED), 0);
    end(r);
}

/* --- Bytes --- */

static void a_channels_history_is_bounded_in_bytes(void **state)
{
    struct stream_options o = wide();

    (void)state;
    o.rules.history_bytes = 5 * BIG;
    struct rig *r = make(o);
    for (uint64_t i = 1; i <= 20; i++) {
        say(r, "a", NULL, BIG);
        say(r, "b", NULL, 1);
        assert_in_range(left(r, "a", i), i < 4 ? i : 4, 4);
    }
    assert_int_equal(left(r, "b", 20), 20);
    assert_int_equal(counted(r, PL_METRIC_HISTORY_SHED_CHANNEL), 16);
    assert_in_range(counted(r, PL_METRIC_HISTORY_SHED_CHANNEL_BYTES), 16 * BIG,
                    17 * BIG + 1000);
    end(r);
}

static void the_least_recently_used_history_is_shed_oldest_first(void **state)
{
    struct stream_options o = wide();

    (void)state;
    o.store.bytes = 12 * BIG;
    struct rig *r = make(o);
    r->step_ms = 100;
    for (int i = 0; i < 3; i++)
        say(r, "a", NULL, BIG);
    for (int i = 0; i < 3; i++)
        say(r, "b", NULL, BIG);
    advance(r, 1);
    assert_int_equal(left(r, "a", 3), 3); /* which uses it */
    for (int i = 0; i < 5; i++)
        say(r, "c", NULL, BIG);
    assert_in_range(bytes(r), 10 * BIG, 12 * BIG);
    assert_in_range(counted(r, PL_METRIC_HISTORY_SHED_HISTORY), 1, 2);
    assert_in_range(left(r, "b", 3), 1, 2);
    assert_int_equal(left(r, "a", 3), 3);
    assert_int_equal(left(r, "c", 5), 5);
    end(r);
}

static void histories_with_subscribers_are_shed_in_the_same_order(void **state)
{
    struct stream_options o = wide();
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.bytes = 4 * BIG;
    struct rig *r = make(o);
    r->step_ms = 100;
    r->used = 'a';
    assert_int_equal(top(r, "a", &offset, epoch), PL_OK);
    say(r, "a", NULL, BIG);
    advance(r, 1);
    say(r, "b", NULL, BIG);
    advance(r, 1);
    say(r, "c", NULL, BIG);
    say(r, "c", NULL, BIG);
    assert_int_equal(left(r, "a", 1), 0);
    assert_int_equal(left(r, "b", 1), 1);
    end(r);
}

static void a_position_outlives_its_history(void **state)
{
    struct stream_options o = wide();
    char epoch[2][PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.bytes = 4 * BIG;
    struct rig *r = make(o);
    r->step_ms = 100;
    assert_int_equal(top(r, "a", &offset, epoch[0]), PL_OK);
    must_append(r, "a", 1);
    must_append(r, "a", 2);
    for (int i = 0; i < 4; i++)
        say(r, "b", NULL, BIG);
    assert_int_equal(left(r, "a", 2), 0);
    assert_int_equal(top(r, "a", &offset, epoch[1]), PL_OK);
    assert_string_equal(epoch[0], epoch[1]);
    must_append(r, "a", 3);
    assert_int_equal(left(r, "a", 3), 1);
    end(r);
}

static void what_is_larger_than_a_bound_is_not_kept(void **state)
{
    struct stream_options o = wide();

    (void)state;
    o.store.bytes = 2 * BIG;
    struct rig *r = make(o);
    say(r, "a", NULL, 3 * BIG);
    assert_int_equal(left(r, "a", 1), 0);
    assert_int_equal(bytes(r), 0);
    say(r, "a", NULL, BIG);
    assert_int_equal(left(r, "a", 2), 1);
    advance(r, 70000);
    assert_int_equal(streams(r), 0); /* its timer runs */
    end(r);
}

static void a_ring_shrinks_with_its_history(void **state)
{
    struct stream_options o = wide();

    (void)state;
    o.rules.history_size = 10000;
    o.rules.history_ttl_ms = 1000000;
    o.store.bytes = 2 << 20;
    struct rig *r = make(o);
    for (int i = 0; i < 10000; i++)
        say(r, "a", NULL, 1);
    uint64_t all = bytes(r);
    assert_true(all > 10000 * (64 + 16));
    r->store->ops->shed(r->store, all - 2000);
    for (int i = 0; i < 10; i++)
        advance(r, 1);
    assert_in_range(bytes(r), 1000, 2000);
    assert_in_range(left(r, "a", 10000), 8, 20);
    must_append(r, "a", 10001);
    end(r);
}

/* --- Accounts --- */

static void a_heavy_publisher_pushes_out_only_its_own(void **state)
{
    struct stream_options o = wide();
    char name[2] = "A";

    (void)state;
    o.store.client_bytes = 10 * BIG;
    struct rig *r = make(o);
    r->step_ms = 100;
    struct pl_client *heavy = make_client(r, "heavy", "");
    struct pl_client *light = make_client(r, "light", "");
    say(r, "0", light, BIG);
    say(r, "1", NULL, BIG);
    for (int i = 0; i < 60; i++) {
        name[0] = (char)('A' + i);
        say(r, name, heavy, BIG);
    }
    assert_int_equal(left(r, "0", 1), 1);
    assert_int_equal(left(r, "1", 1), 1);
    assert_int_equal(left(r, "A", 1), 0);
    assert_int_equal(left(r, name, 1), 1);
    assert_in_range(bytes(r), 8 * BIG, 13 * BIG);
    assert_in_range(counted(r, PL_METRIC_HISTORY_SHED_CLIENT), 50, 55);
    assert_int_equal(counted(r, PL_METRIC_HISTORY_SHED_HISTORY), 0);
    pl_client_release(heavy);
    pl_client_release(light);
    end(r);
}

static void connections_of_one_user_share_its_account(void **state)
{
    struct stream_options o = wide();
    char name[2] = "0";

    (void)state;
    o.store.client_bytes = 10 * BIG;
    struct rig *r = make(o);
    for (int i = 0; i < 60; i++) {
        struct pl_client *c = make_client(r, i < 30 ? "" : "somebody", "");

        name[0] = (char)('A' + i);
        say(r, name, c, BIG);
        pl_client_release(c);
        assert_in_range(bytes(r), 0, (i < 30 ? 10 : 20) * BIG);
    }
    end(r);
}

static void a_history_belongs_to_who_published_last(void **state)
{
    struct stream_options o = wide();

    (void)state;
    o.store.client_bytes = 6 * BIG;
    struct rig *r = make(o);
    struct pl_client *first = make_client(r, "first", "");
    struct pl_client *second = make_client(r, "second", "");
    for (int i = 0; i < 3; i++)
        say(r, "a", first, BIG);
    say(r, "a", second, 1);
    for (int i = 0; i < 3; i++)
        say(r, "b", first, BIG);
    assert_int_equal(left(r, "a", 4), 4);
    say(r, "a", first, 1);
    assert_int_equal(left(r, "b", 3), 1);
    say(r, "a", NULL, BIG); /* a backend, which has no bound */
    for (int i = 0; i < 3; i++)
        say(r, "a", NULL, BIG);
    assert_int_equal(left(r, "a", 9), 9);
    pl_client_release(first);
    pl_client_release(second);
    end(r);
}

static void neighbours_by_one_client_are_charged_for_it_once(void **state)
{
    struct rig *r = make(wide());
    char info[BIG + 1];

    (void)state;
    memset(info, '1', BIG);
    info[BIG] = '\0';
    struct pl_client *c = make_client(r, "u", info);
    struct pl_client *d = make_client(r, "v", info);
    for (int i = 0; i < 10; i++)
        say(r, "a", c, 1);
    assert_in_range(bytes(r), BIG, 4 * BIG);
    for (int i = 0; i < 10; i++)
        say(r, "a", i % 2 == 0 ? d : c, 1);
    assert_in_range(bytes(r), 11 * BIG, 16 * BIG);
    pl_client_release(c);
    pl_client_release(d);
    end(r);
}

/* --- limits.memory --- */

static void shedding_for_memory_takes_a_part_in_each_turn(void **state)
{
    enum { MIB = 1 << 20 };
    struct stream_options o = wide();
    char name[2] = "A";

    (void)state;
    struct rig *r = make(o);
    for (int i = 0; i < 20; i++, name[0]++)
        say(r, name, NULL, MIB);
    r->store->ops->shed(r->store, 10 * MIB);
    assert_true(bytes(r) > 20 * MIB); /* not within what others ask */
    uint64_t turns = pl_loop_stats(r->loop)->turns;
    pl_sim_advance(r->sim, 0);
    assert_in_range(pl_loop_stats(r->loop)->turns - turns, 3, 5);
    assert_in_range(bytes(r), 7 * MIB, 11 * MIB);
    assert_in_range(counted(r, PL_METRIC_HISTORY_SHED_MEMORY), 10, 13);
    assert_int_equal(left(r, "A", 1), 0);
    assert_int_equal(left(r, "T", 1), 1);
    r->store->ops->shed(r->store, UINT64_MAX);
    pl_sim_advance(r->sim, 0);
    assert_int_equal(bytes(r), 0);
    r->store->ops->shed(r->store, UINT64_MAX); /* there is nothing */
    say(r, "A", NULL, 1);
    r->store->ops->shed(r->store, UINT64_MAX); /* and the store goes first */
    end(r);
}

/* --- All together --- */

static void do_anything(struct rig *r, struct pl_random *random,
                        struct pl_client *const *clients)
{
    char name[2] = {(char)('a' + pl_random_below(random, 12)), '\0'};
    char epoch[PL_EPOCH_MAX];
    struct pl_store_op op = {.channel = pl_span_of(name),
                             .hash = (uint8_t)name[0]};
    uint64_t offset, first;

    switch (pl_random_below(random, 16)) {
    case 0:
        r->used = (char)('a' + pl_random_below(random, 12));
        break;
    case 1:
        r->store->ops->remove(r->store, &op);
        break;
    case 2:
        r->store->ops->idle(r->store, op.channel, op.hash);
        break;
    case 3:
        advance(r, pl_random_below(random, 4000));
        break;
    case 4:
        r->store->ops->shed(r->store, pl_random_below(random, 3000));
        break;
    case 5:
        (void)held(r, name, &first);
        break;
    case 6:
        (void)top(r, name, &offset, epoch);
        break;
    default:
        (void)append_by(r, name, clients[pl_random_below(random, 4)],
                        pl_random_below(random, BIG), &offset);
    }
}

static void whatever_happens_the_bounds_hold_and_all_is_given_back(void **state)
{
    struct stream_options o = {
        .rules = {.history_size = 20,
                  .history_ttl_ms = 8000,
                  .meta_ttl_ms = 20000,
                  .history_bytes = 4 * BIG},
        .store = {.limit = 8, .client_bytes = 7 * BIG, .bytes = 12 * BIG}};
    struct pl_random random;
    struct rig *r = make(o);
    struct pl_client *clients[4] = {
        make_client(r, "", ""), make_client(r, "u", "{}"),
        make_client(r, "v", "{\"a\":\"long info\"}"), NULL};

    (void)state;
    pl_random_init_seeded(&random, 7);
    for (int i = 0; i < 30000; i++) {
        do_anything(r, &random, clients);
        assert_in_range(bytes(r), 0, 12 * BIG);
        assert_in_range(streams(r), 0, 8);
    }
    for (unsigned why = 0; why < 5; why++)
        assert_true(counted(r, (enum pl_metric)(PL_METRIC_HISTORY_SHED_CHANNEL +
                                                2 * why)) > 0);
    r->used = 0;
    for (char c = 'a'; c <= 'l'; c++)
        r->store->ops->idle(r->store, (struct pl_span){&c, 1}, (uint8_t)c);
    advance(r, 40000);
    advance(r, 40000);
    assert_int_equal(streams(r), 0);
    assert_int_equal(bytes(r), 0);
    for (int i = 0; i < 4; i++)
        pl_client_release(clients[i]);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_give_way_before_histories),
        cmocka_unit_test(a_stream_with_subscribers_never_gives_way),
        cmocka_unit_test(the_owner_is_asked_before_a_history_gives_way),
        cmocka_unit_test(when_all_streams_have_subscribers_there_is_no_place),
        cmocka_unit_test(a_channels_history_is_bounded_in_bytes),
        cmocka_unit_test(the_least_recently_used_history_is_shed_oldest_first),
        cmocka_unit_test(histories_with_subscribers_are_shed_in_the_same_order),
        cmocka_unit_test(a_position_outlives_its_history),
        cmocka_unit_test(what_is_larger_than_a_bound_is_not_kept),
        cmocka_unit_test(a_ring_shrinks_with_its_history),
        cmocka_unit_test(a_heavy_publisher_pushes_out_only_its_own),
        cmocka_unit_test(connections_of_one_user_share_its_account),
        cmocka_unit_test(a_history_belongs_to_who_published_last),
        cmocka_unit_test(neighbours_by_one_client_are_charged_for_it_once),
        cmocka_unit_test(shedding_for_memory_takes_a_part_in_each_turn),
        cmocka_unit_test(
            whatever_happens_the_bounds_hold_and_all_is_given_back),
    };

    return cmocka_run_group_tests_name("stream_space", tests, NULL, NULL);
}
