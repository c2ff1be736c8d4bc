/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_rig.h"

static uint64_t turns(const struct rig *r)
{
    return pl_loop_stats(r->loop)->turns;
}

static void offsets_count_from_one_and_the_newest_are_kept(void **state)
{
    struct rig *r = make(usual);
    uint64_t first;

    (void)state;
    for (uint64_t i = 1; i <= 12; i++) {
        must_append(r, "a", i);
        assert_int_equal(held(r, "a", &first), i < 5 ? i : 5);
        assert_int_equal(first, i < 5 ? 1 : i - 4);
    }
    must_append(r, "b", 1);
    end(r);
}

static void a_ring_of_one_keeps_the_newest(void **state)
{
    struct stream_options o = usual;
    uint64_t first;

    (void)state;
    o.rules.history_size = 1;
    struct rig *r = make(o);
    for (uint64_t i = 1; i <= 3; i++) {
        must_append(r, "a", i);
        assert_int_equal(held(r, "a", &first), 1);
        assert_int_equal(first, i);
    }
    end(r);
}

static void an_epoch_is_eight_letters_and_stays(void **state)
{
    struct rig *r = make(usual);
    char epoch[2][PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(top(r, "a", &offset, epoch[i]), PL_OK);
        must_append(r, "a", (uint64_t)i + 1);
    }
    assert_string_equal(epoch[0], epoch[1]);
    assert_int_equal(strspn(epoch[0], "abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                     8);
    assert_int_equal(top(r, "b", &offset, epoch[1]), PL_OK);
    assert_string_not_equal(epoch[0], epoch[1]);
    end(r);
}

static void the_expired_are_never_returned(void **state)
{
    struct rig *r = make(usual);
    uint64_t first;

    (void)state;
    must_append(r, "a", 1);
    advance(r, 4000);
    must_append(r, "a", 2);
    advance(r, 3999);
    assert_int_equal(held(r, "a", &first), 2);
    advance(r, 1);
    assert_int_equal(held(r, "a", &first), 1);
    assert_int_equal(first, 2);
    advance(r, 4000);
    assert_int_equal(held(r, "a", &first), 0);
    must_append(r, "a", 3); /* the position stays */
    end(r);
}

static void memory_of_the_expired_goes_by_timer(void **state)
{
    struct rig *r = make(usual);
    struct pl_stream_append a = {.op = {.channel = PL_SPAN("a"), .hash = 'a'},
                                 .rules = r->rules};

    (void)state;
    a.pub = pl_pub_create(a.op.channel, 'a', PL_SPAN("x"), NULL);
    assert_int_equal(r->store->ops->append(r->store, &a), PL_STORE_DONE);
    assert_int_equal(atomic_load(&a.pub->refs.count), 2);
    advance(r, 9100); /* ttl and its slack of an eighth */
    assert_int_equal(atomic_load(&a.pub->refs.count), 1);
    pl_pub_release(a.pub);
    end(r);
}

static void epoch_and_offset_outlive_the_last_use_by_meta_ttl(void **state)
{
    struct rig *r = make(usual);
    char epoch[2][PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    must_append(r, "a", 1);
    advance(r, 59000);
    assert_int_equal(top(r, "a", &offset, epoch[0]), PL_OK);
    assert_int_equal(offset, 1);
    advance(r, 59000);
    assert_int_equal(streams(r), 1);
    advance(r, 1100);
    assert_int_equal(streams(r), 0);
    assert_int_equal(top(r, "a", &offset, epoch[1]), PL_OK);
    assert_int_equal(offset, 0);
    assert_string_not_equal(epoch[0], epoch[1]);
    end(r);
}

static void a_stream_with_subscribers_stays(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    r->used = 'a';
    must_append(r, "a", 1);
    advance(r, 200000);
    assert_int_equal(streams(r), 1);
    r->used = 0;
    r->store->ops->idle(r->store, PL_SPAN("a"), 'a');
    advance(r, 59000);
    assert_int_equal(streams(r), 1);
    advance(r, 1100);
    assert_int_equal(streams(r), 0);
    r->store->ops->idle(r->store, PL_SPAN("a"), 'a'); /* not there: nothing */
    end(r);
}

static void nothing_wakes_the_loop_when_nothing_can_expire(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    r->used = 'a';
    must_append(r, "a", 1);
    advance(r, 100000); /* publication and first look at the line */
    assert_int_equal(pl_loop_stats(r->loop)->timers, 0);
    uint64_t before = turns(r);
    pl_sim_advance(r->sim, 1000000);
    assert_int_equal(turns(r), before);
    end(r);
}

static void a_busy_stream_wakes_the_loop_rarely(void **state)
{
    struct rig *r = make(usual);

    (void)state;
    for (uint64_t i = 1; i <= 2000; i++) {
        must_append(r, "a", i);
        advance(r, 10);
    }
    /* 20 s: each look lies a slack of 1 s behind what it drops */
    assert_in_range(turns(r) - 2000, 1, 100);
    end(r);
}

static void
a_new_stream_takes_the_place_of_the_least_recently_used(void **state)
{
    struct stream_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.limit = 3;
    struct rig *r = make(o);
    r->step_ms = 100;
    must_append(r, "a", 1);
    must_append(r, "b", 1);
    must_append(r, "c", 1);
    advance(r, 20000); /* all are empty */
    assert_int_equal(top(r, "a", &offset, epoch), PL_OK);
    must_append(r, "d", 1); /* for b */
    assert_int_equal(streams(r), 3);
    must_append(r, "a", 2);
    must_append(r, "c", 2);
    must_append(r, "d", 2);
    must_append(r, "b", 1); /* for a, since none is empty */
    must_append(r, "c", 3);
    must_append(r, "d", 3);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS_EVICTED], 2);
    assert_int_equal(r->metrics.value[PL_METRIC_HISTORY_SHED_CHANNELS], 1);
    end(r);
}

static void a_stream_in_use_is_not_evicted(void **state)
{
    struct stream_options o = usual;
    char epoch[PL_EPOCH_MAX];
    uint64_t offset;

    (void)state;
    o.store.limit = 2;
    struct rig *r = make(o);
    r->step_ms = 100;
    assert_int_equal(top(r, "a", &offset, epoch), PL_OK);
    assert_int_equal(top(r, "b", &offset, epoch), PL_OK);
    r->used = 'a';
    assert_int_equal(top(r, "c", &offset, epoch), PL_OK); /* for b */
    assert_int_equal(top(r, "d", &offset, epoch), PL_OK); /* for c */
    must_append(r, "a", 1);
    assert_int_equal(append(r, "d", &offset), PL_OK);
    assert_int_equal(top(r, "e", &offset, epoch), PL_OK); /* for d */
    must_append(r, "a", 2);
    must_append(r, "e", 1);
    r->used = 0;
    r->store->ops->idle(r->store, PL_SPAN("a"), 'a');
    must_append(r, "e", 2);
    assert_int_equal(top(r, "f", &offset, epoch), PL_OK); /* for a */
    must_append(r, "e", 3);
    end(r);
}

static void removing_forgets_publications_but_not_the_position(void **state)
{
    struct rig *r = make(usual);
    struct pl_store_op op = {.channel = PL_SPAN("a"), .hash = 'a'};
    uint64_t first;

    (void)state;
    assert_int_equal(r->store->ops->remove(r->store, &op), PL_STORE_DONE);
    assert_int_equal(op.error, PL_OK);
    must_append(r, "a", 1);
    must_append(r, "a", 2);
    assert_int_equal(r->store->ops->remove(r->store, &op), PL_STORE_DONE);
    assert_int_equal(held(r, "a", &first), 0);
    must_append(r, "a", 3);
    assert_int_equal(held(r, "a", &first), 1);
    assert_int_equal(first, 3);
    end(r);
}

/* The offsets of a part behind `since`: the first, and how many. */
static uint32_t part(struct rig *r, uint64_t since, bool reverse,
                     uint64_t *first, bool *has_more)
{
    struct pl_stream_range g = {
        .top = {.op = {.channel = PL_SPAN("a"), .hash = 'a'},
                .rules = r->rules},
        .since = since,
        .has_since = true,
        .reverse = reverse,
        .limit = UINT32_MAX};

    assert_int_equal(r->store->ops->range(r->store, &g), PL_STORE_DONE);
    assert_int_equal(g.top.op.error, PL_OK);
    *first = g.count > 0 ? g.pubs[0]->offset : 0;
    *has_more = g.has_more;
    for (uint32_t i = 0; i < g.count; i++)
        pl_pub_release(g.pubs[i]);
    free(g.pubs);
    return g.count;
}

static void a_long_range_comes_in_parts(void **state)
{
    struct stream_options o = usual;
    uint64_t first;
    bool has_more;

    (void)state;
    o.rules.history_size = 1000;
    struct rig *r = make(o);
    for (uint64_t i = 1; i <= PL_STREAM_PART + 1; i++)
        must_append(r, "a", i);
    assert_int_equal(part(r, 0, false, &first, &has_more), PL_STREAM_PART);
    assert_int_equal(first, 1);
    assert_true(has_more);
    assert_int_equal(part(r, PL_STREAM_PART, false, &first, &has_more), 1);
    assert_false(has_more);
    assert_int_equal(part(r, 1000, true, &first, &has_more), PL_STREAM_PART);
    assert_int_equal(first, PL_STREAM_PART + 1);
    assert_true(has_more);
    assert_int_equal(part(r, 2, true, &first, &has_more), 1);
    assert_false(has_more);
    end(r);
}

static void a_part_ends_with_its_bytes_too(void **state)
{
    static char data[PL_STREAM_PART_BYTES];
    uint64_t first;
    bool has_more;
    struct rig *r = make(usual);

    (void)state;
    for (size_t len = sizeof data; len > 1000; len /= 4) {
        struct pl_stream_append a = {
            .op = {.channel = PL_SPAN("a"), .hash = 'a'}, .rules = r->rules};

        a.pub =
            pl_pub_create(a.op.channel, 'a', (struct pl_span){data, len}, NULL);
        assert_int_equal(r->store->ops->append(r->store, &a), PL_STORE_DONE);
        pl_pub_release(a.pub);
    }
    assert_int_equal(part(r, 0, false, &first, &has_more), 1);
    assert_true(has_more);
    assert_int_equal(part(r, 1, false, &first, &has_more), 3);
    assert_false(has_more);
    end(r);
}

/* `data` at the next offset of "a"; what the store gives for `unused`. */
static struct pl_pub *append_for_memory(struct rig *r, struct pl_span data,
                                        struct pl_pub **kept)
{
    struct pl_pub *unused = NULL;
    struct pl_stream_append a = {.op = {.channel = PL_SPAN("a"), .hash = 'a'},
                                 .rules = r->rules,
                                 .unused = &unused};

    a.pub = *kept = pl_pub_create(a.op.channel, 'a', data, NULL);
    assert_int_equal(r->store->ops->append(r->store, &a), PL_STORE_DONE);
    return unused;
}

static void a_full_stream_gives_the_memory_of_its_oldest(void **state)
{
    static char large[1000];
    struct rig *r = make(usual);
    struct pl_pub *pubs[8];

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct pl_span data =
            i == 2 ? (struct pl_span){large, sizeof large} : PL_SPAN("x");
        assert_null(append_for_memory(r, data, &pubs[i]));
    }
    pl_pub_release(pubs[0]);
    struct pl_pub *unused = append_for_memory(r, PL_SPAN("x"), &pubs[5]);
    assert_ptr_equal(unused, pubs[0]);
    pl_pub_release(unused);
    /* pubs[1] is held here, and pubs[2] is too large to be kept. */
    assert_null(append_for_memory(r, PL_SPAN("x"), &pubs[6]));
    pl_pub_release(pubs[2]);
    assert_null(append_for_memory(r, PL_SPAN("x"), &pubs[7]));
    pl_pub_release(pubs[1]);
    for (int i = 3; i < 8; i++)
        pl_pub_release(pubs[i]);
    end(r);
}

/* Requests bring other rules from now on. */
static void change_rules(struct rig *r, uint64_t generation, uint32_t size)
{
    struct pl_rules rules = usual.rules;
    struct pl_rulebook *old = r->book;

    rules.history_size = size;
    assert_int_equal(
        pl_rulebook_create(&r->book, generation, &pl_naming_usual, &rules, 1),
        PL_OK);
    r->rules = pl_rulebook_default(r->book);
    pl_rulebook_release(old);
}

static void a_stream_keeps_what_the_newest_rules_say(void **state)
{
    struct rig *r = make(usual);
    uint64_t first;

    (void)state;
    for (uint64_t i = 1; i <= 6; i++)
        must_append(r, "a", i);
    assert_int_equal(held(r, "a", &first), 5);
    change_rules(r, 2, 8);
    for (uint64_t i = 7; i <= 12; i++)
        must_append(r, "a", i);
    assert_int_equal(held(r, "a", &first), 8);
    assert_int_equal(first, 5);
    change_rules(r, 3, 2);
    must_append(r, "a", 13);
    assert_int_equal(held(r, "a", &first), 2);
    assert_int_equal(first, 12);
    change_rules(r, 1, 100); /* of a mail that was long on its way */
    must_append(r, "a", 14);
    assert_int_equal(held(r, "a", &first), 2);
    end(r);
}

static void streams_of_different_rules_do_not_share_them(void **state)
{
    struct rig *r = make(usual);
    uint64_t first;

    (void)state;
    must_append(r, "a", 1);
    change_rules(r, 2, 2);
    for (uint64_t i = 1; i <= 5; i++)
        must_append(r, "b", i);
    assert_int_equal(held(r, "b", &first), 2);
    assert_int_equal(first, 4);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_range_comes_in_parts),
        cmocka_unit_test(a_part_ends_with_its_bytes_too),
        cmocka_unit_test(offsets_count_from_one_and_the_newest_are_kept),
        cmocka_unit_test(a_ring_of_one_keeps_the_newest),
        cmocka_unit_test(an_epoch_is_eight_letters_and_stays),
        cmocka_unit_test(the_expired_are_never_returned),
        cmocka_unit_test(memory_of_the_expired_goes_by_timer),
        cmocka_unit_test(epoch_and_offset_outlive_the_last_use_by_meta_ttl),
        cmocka_unit_test(a_stream_with_subscribers_stays),
        cmocka_unit_test(nothing_wakes_the_loop_when_nothing_can_expire),
        cmocka_unit_test(a_busy_stream_wakes_the_loop_rarely),
        cmocka_unit_test(
            a_new_stream_takes_the_place_of_the_least_recently_used),
        cmocka_unit_test(a_stream_in_use_is_not_evicted),
        cmocka_unit_test(removing_forgets_publications_but_not_the_position),
        cmocka_unit_test(a_full_stream_gives_the_memory_of_its_oldest),
        cmocka_unit_test(a_stream_keeps_what_the_newest_rules_say),
        cmocka_unit_test(streams_of_different_rules_do_not_share_them),
    };

    return cmocka_run_group_tests_name("stream_memory", tests, NULL, NULL);
}
