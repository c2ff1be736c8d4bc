/* SPDX-License-Identifier: Apache-2.0 */
/* test_hub_lines.c - subscribers of a form that cannot fall back to frames:
 * what they get, and that nothing is lost silently when memory fails. */
#include "failing_alloc.h"

#define RIG_CALLOC __real_calloc
#include "hub_private.h"
#include "rig.h"

enum { TRIES = 40, LAST = 5 };

static struct listener *listen_lines(struct rig *r)
{
    struct listener *l = listen_as(r, PL_ENCODING_JSON);

    l->subscriber.form = PL_FORM_LINES;
    return l;
}

static void publish(struct rig *r, uint64_t number, bool positioned)
{
    char data[16];

    snprintf(data, sizeof data, "\"n%u\"", (unsigned)number);
    owner_publishes(r, "c", data, positioned ? number : 0);
}

/* What a listener was told, its notes forgotten. */
struct told {
    unsigned count;   /* publications */
    unsigned last;    /* the number of the newest */
    bool is_dropped;  /* with 2500 */
    bool is_in_order; /* each number follows the one before */
    bool has_end;     /* the answer to an unsubscribe */
};

static struct told read_notes(struct listener *l)
{
    struct told t = {.is_in_order = true};

    for (struct note n; (n = next_note(l)).what != 0; free(n.bytes)) {
        const char *at = n.bytes;

        if (n.what == DELIVERED || n.what == DROPPED)
            assert_false(t.is_dropped || t.has_end);
        t.is_dropped |= n.what == DROPPED;
        t.has_end |= n.what == UNSUBSCRIBED;
        if (n.what == DROPPED)
            assert_int_equal(n.code, PL_UNSUBSCRIBE_INSUFFICIENT);
        for (uint32_t i = 0; n.what == DELIVERED && i < n.frames; i++) {
            at = strstr(at, "\"n");
            assert_non_null(at);
            unsigned number = (unsigned)strtoul(at + 2, NULL, 10);
            t.is_in_order &= number == t.last + 1;
            t.last = number;
            t.count++;
            at++;
        }
    }
    return t;
}

static void expect_line(struct listener *l, const char *line)
{
    struct note n = next_note(l);

    assert_int_equal(n.what, DELIVERED);
    assert_int_equal(n.frames, 1);
    assert_string_equal(n.bytes, line); /* with "." for the line feed */
    free(n.bytes);
}

static void lines_are_derived_once_for_all_that_take_them(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_lines(r), *b = listen_lines(r),
                    *frames = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    subscribe(r, frames, "c", 0, 0);
    publish(r, 1, true);
    publish(r, 2, true);
    turn(r);
    assert_ptr_equal(a->notes[0].segment, b->notes[0].segment);
    assert_ptr_not_equal(a->notes[0].segment, frames->notes[0].segment);
    assert_string_equal(
        a->notes[0].bytes,
        "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":\"n1\",\"offset\":1}}}."
        "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":\"n2\",\"offset\":2}}}"
        ".");
    assert_int_equal(read_notes(a).count, 2);
    assert_int_equal(read_notes(b).count, 2);
    assert_int_equal(read_notes(frames).count, 2);
    rig_destroy(r);
}

static void joins_come_as_lines_in_their_place(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_lines(r),
                    *frames = listen_as(r, PL_ENCODING_JSON);
    char line[200];

    (void)state;
    snprintf(line, sizeof line,
             "{\"push\":{\"channel\":\"c\",\"leave\":{\"info\":{\"user\":"
             "\"user\",\"client\":\"%.*s\"}}}}.",
             (int)pl_client_id(a->subscriber.client).len,
             pl_client_id(a->subscriber.client).at);
    subscribe(r, frames, "d", PL_SUB_JOIN_LEAVE, 0);
    subscribe(r, a, "c", PL_SUB_JOIN_LEAVE, 0);
    publish(r, 1, true);
    owner_tells(r, "d", frames->subscriber.client, true); /* derived by none */
    owner_tells(r, "c", a->subscriber.client, false);
    publish(r, 2, true);
    owner_tells(r, "c", a->subscriber.client, false);
    turn(r);
    expect_line(a, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":\"n1\","
                   "\"offset\":1}}}.");
    expect_line(a, line);
    expect_line(a, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":\"n2\","
                   "\"offset\":2}}}.");
    expect_line(a, line);
    expect_frame(frames, "\"join\"");
    rig_destroy(r);
}

/* --- Without memory --- */

/* One turn in which the nth allocation fails, and one behind it. */
static void publish_short_of_memory(struct rig *r, unsigned n, bool positioned)
{
    for (uint64_t i = 1; i < LAST; i++)
        publish(r, i, positioned);
    pl_loop_turn(rig_loop(r, 1));
    alloc_fails_at = n;
    turn(r);
    alloc_fails_at = 0;
    assert_int_equal(r->hub->lost, 0);
    publish(r, LAST, positioned);
    turn(r);
    check_ledger(r);
}

static void lines_that_found_no_memory_are_a_gap(void **state)
{
    unsigned alone = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *all[] = {listen_lines(r), listen_lines(r),
                                  listen_as(r, PL_ENCODING_JSON)};
        unsigned dropped = 0;

        for (int i = 0; i < 3; i++)
            subscribe(r, all[i], "c", 0, 0);
        publish_short_of_memory(r, n, true);
        for (int i = 0; i < 3; i++) {
            struct told t = read_notes(all[i]);

            assert_true(t.is_in_order);
            assert_true(t.is_dropped || t.last == LAST);
            dropped += t.is_dropped;
        }
        alone += dropped == 2; /* not the one that takes frames */
        rig_destroy(r);
    }
    assert_true(alone > 0);
}

/* Its channel goes with it. */
static void the_only_subscriber_may_miss_a_line(void **state)
{
    unsigned dropped = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_lines(r);

        subscribe(r, a, "c", 0, 0);
        publish_short_of_memory(r, n, true);
        dropped += read_notes(a).is_dropped;
        assert_int_equal(r->metrics.value[PL_METRIC_SUBSCRIPTIONS],
                         a->subscriber.sub_count);
        rig_destroy(r);
    }
    assert_true(dropped > 0);
}

static void without_positions_a_lost_line_is_counted(void **state)
{
    uint64_t lost = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_lines(r);

        begin_subscribe(r, a, "c", 0);
        run(r);
        owner_attaches(r, 0, false, 0);
        run(r);
        publish_short_of_memory(r, n, false);
        struct told t = read_notes(a);
        uint64_t missed = r->metrics.value[PL_METRIC_FRAMES_DROPPED_MEMORY];
        assert_false(t.is_dropped);
        assert_int_equal(t.last, LAST);
        assert_int_equal(t.count + missed, LAST);
        lost += missed;
        rig_destroy(r);
    }
    assert_true(lost > 0);
}

static void a_join_that_found_no_memory_as_a_line_is_counted(void **state)
{
    unsigned alone = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_lines(r),
                        *frames = listen_as(r, PL_ENCODING_JSON);

        subscribe(r, a, "c", PL_SUB_JOIN_LEAVE, 0);
        subscribe(r, frames, "c", PL_SUB_JOIN_LEAVE, 0);
        owner_tells(r, "c", a->subscriber.client, true);
        pl_loop_turn(rig_loop(r, 1));
        alloc_fails_at = n;
        turn(r);
        alloc_fails_at = 0;
        unsigned heard = a->count, heard_frames = frames->count;
        assert_int_equal(heard + heard_frames +
                             r->metrics.value[PL_METRIC_FRAMES_DROPPED_MEMORY],
                         2);
        alone += heard == 0 && heard_frames == 1;
        assert_non_null(find_sub(r, a));
        check_ledger(r);
        rig_destroy(r);
    }
    assert_true(alone > 0);
}

/* The line is missed where an answer settles what came before it, and more
 * comes in the same turn. */
enum meanwhile { STAYS, LEAVES, UNSUBSCRIBES, KICKED };

static bool lose_amid_a_turn(unsigned n, enum meanwhile what)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_lines(r), *b = listen_lines(r);

    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    ask_query(r, a);
    if (what == UNSUBSCRIBES)
        assert_int_equal(pl_hub_unsubscribe_ask(r->hub, a->subscriber.subs, 5),
                         PL_OK);
    run(r);
    publish(r, 1, true);
    owner_answers_query(r);
    b->sends_away = what == LEAVES ? a : NULL;
    pl_actor_send(&r->owner->actor, pl_actor_address(&b->actor),
                  &pl_gap_mail_create()->msg);
    publish(r, 2, true);
    if (what == UNSUBSCRIBES)
        owner_answers_query(r); /* the barrier */
    pl_loop_turn(rig_loop(r, 1));
    alloc_fails_at = n;
    turn(r);
    bool failed = alloc_fails_at == 0;
    alloc_fails_at = 0;
    if (what == KICKED && a->subscriber.subs != NULL)
        pl_hub_drop(r->hub, a->subscriber.subs, PL_UNSUBSCRIBE_INSUFFICIENT);
    run(r);
    assert_int_equal(r->hub->lost, 0);
    struct told t = read_notes(a);
    assert_true(t.is_in_order);
    if (what == STAYS)
        assert_true(t.is_dropped || t.last == 2);
    if (what == UNSUBSCRIBES)
        assert_true(t.has_end && !t.is_dropped);
    if (what == KICKED)
        assert_true(t.is_dropped);
    check_ledger(r);
    rig_destroy(r);
    return failed;
}

static void whatever_one_does_that_missed_a_line_is_in_order(void **state)
{
    (void)state;
    for (int what = STAYS; what <= KICKED; what++) {
        unsigned n = 1;

        while (lose_amid_a_turn(n, (enum meanwhile)what))
            n++;
        assert_true(n > 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_derived_once_for_all_that_take_them),
        cmocka_unit_test(joins_come_as_lines_in_their_place),
        cmocka_unit_test(lines_that_found_no_memory_are_a_gap),
        cmocka_unit_test(the_only_subscriber_may_miss_a_line),
        cmocka_unit_test(without_positions_a_lost_line_is_counted),
        cmocka_unit_test(a_join_that_found_no_memory_as_a_line_is_counted),
        cmocka_unit_test(whatever_one_does_that_missed_a_line_is_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
