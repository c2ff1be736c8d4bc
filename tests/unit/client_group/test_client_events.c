/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_events.c - the callbacks that wait: their order, what they share,
 * and their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "events.h"
#include "loop.h"
#include "system.h"

enum { LIMIT = 100, BYTES = 4000, BATCH = 16 << 10, SMALL = 64 };

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_loop *loop;
static struct plc_events *events;
static char seen[200];
static unsigned spaces, allocations;
static bool has_no_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return has_no_memory ? NULL : __real_malloc(size);
}

static void on_space(void *arg)
{
    (void)arg;
    spaces++;
}

/* What plc_events_dispatch() posts, in place of the loop. */
static bool on_post(void *arg, struct pl_msg *msg)
{
    (void)arg, (void)msg;
    spaces++;
    return true;
}

static void create(bool is_manual)
{
    struct plc_events_options o = {.loop = loop,
                                   .limit = LIMIT,
                                   .byte_limit = BYTES,
                                   .is_manual = is_manual,
                                   .space = on_space,
                                   .post = on_post};

    assert_int_equal(plc_events_create(&events, &o), PL_OK);
}

static int set_up(void **state)
{
    struct pl_system_options o = {
        .loops = 1, .clock = &clock_.clock, .seed = 1};

    (void)state;
    pl_clock_driven_init(&clock_);
    if (pl_system_create(&sys, &o) != PL_OK)
        return -1;
    loop = pl_system_loop(sys, 0);
    spaces = 0;
    seen[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pl_system_close(sys);
    pl_system_reap(sys);
    plc_events_destroy(events);
    pl_system_destroy(sys);
    return 0;
}

/* --- Events and records with a letter --- */

struct single {
    struct plc_event event; /* first */
    char letter;
};

struct shared {
    struct plc_record record; /* first */
    char letter;
};

static void see(char letter)
{
    strncat(seen, &letter, 1);
}

static void run_single(struct plc_event *e)
{
    see(((struct single *)e)->letter);
}

static void destroy_single(struct pl_msg *msg)
{
    free(msg);
}

static void put(char letter, size_t size)
{
    struct single *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->event.run = run_single;
    s->event.msg.destroy = destroy_single;
    s->event.size = size;
    s->letter = letter;
    plc_events_put(events, &s->event);
}

static void run_shared(struct plc_record *r)
{
    see(((struct shared *)r)->letter);
}

static void append(char letter, size_t size)
{
    struct shared *s = plc_events_begin(events, size);

    assert_non_null(s);
    s->record.run = run_shared;
    s->letter = letter;
    memset((char *)(s + 1), letter, size - sizeof *s);
    plc_events_end(events, &s->record);
}

static void run(void)
{
    for (int i = 0; i < 10 && pl_loop_has_work(loop); i++)
        pl_loop_turn(loop);
}

/* --- The tests --- */

static void events_and_records_run_in_their_order(void **state)
{
    (void)state;
    create(false);
    append('a', SMALL);
    append('b', SMALL);
    put('c', 1);
    append('d', SMALL);
    put('e', 1);
    put('f', 1);
    append('g', SMALL);
    append('h', SMALL);
    assert_int_equal(plc_events_count(events), 8);
    assert_string_equal(seen, "");
    run();
    assert_string_equal(seen, "abcdefgh");
    assert_int_equal(plc_events_count(events), 0);
    append('i', SMALL);
    run();
    assert_string_equal(seen, "abcdefghi");
}

static void the_records_of_a_turn_share_memory_and_leave_it(void **state)
{
    (void)state;
    create(false);
    for (int turn = 0; turn < 20; turn++) {
        if (turn == 1)
            allocations = 0;
        for (int i = 0; i < 5; i++)
            append('x', SMALL);
        pl_loop_turn(loop);
        assert_int_equal(plc_events_count(events), 0);
    }
    assert_int_equal(allocations, 0);
}

static void many_records_and_large_ones_take_more_batches(void **state)
{
    (void)state;
    create(false);
    for (int i = 0; i < 20; i++)
        append((char)('a' + i), i % 5 == 4 ? BATCH * 2 : BATCH / 3);
    run();
    assert_string_equal(seen, "abcdefghijklmnopqrst");
}

static void a_record_that_nobody_ended_is_forgotten(void **state)
{
    (void)state;
    create(false);
    assert_non_null(plc_events_begin(events, SMALL));
    append('a', SMALL);
    assert_non_null(plc_events_begin(events, SMALL));
    put('b', 1);
    assert_int_equal(plc_events_count(events), 2);
    run();
    assert_string_equal(seen, "ab");
}

static void without_memory_there_is_no_record(void **state)
{
    (void)state;
    create(false);
    has_no_memory = true;
    assert_null(plc_events_begin(events, SMALL));
    has_no_memory = false;
    assert_null(plc_events_begin(events, SIZE_MAX - 8));
    append('a', SMALL);
    has_no_memory = true; /* the batch has space */
    append('b', SMALL);
    assert_null(plc_events_begin(events, BATCH));
    has_no_memory = false;
    run();
    assert_string_equal(seen, "ab");
}

static void what_never_ran_is_freed_with_the_group(void **state)
{
    (void)state;
    create(false);
    append('a', SMALL);
    put('b', 1);
    append('c', SMALL);
    assert_non_null(plc_events_begin(events, BATCH * 2));
}

static void the_bytes_that_wait_are_bounded(void **state)
{
    (void)state;
    create(false);
    append('a', BYTES / 2);
    assert_false(plc_events_is_full(events));
    put('b', BYTES / 2);
    assert_true(plc_events_is_full(events));
    run();
    assert_int_equal(spaces, 1);
    assert_false(plc_events_is_full(events));
    append('c', BYTES * 2); /* one may be larger than all may be */
    assert_true(plc_events_is_full(events));
    run();
    assert_int_equal(spaces, 2);
    assert_false(plc_events_is_full(events));
}

static void their_number_is_bounded(void **state)
{
    (void)state;
    create(false);
    for (int i = 0; i < LIMIT - 1; i++)
        append('x', sizeof(struct shared));
    assert_false(plc_events_is_full(events));
    append('x', sizeof(struct shared));
    assert_true(plc_events_is_full(events));
    run();
    assert_int_equal(spaces, 1);
    assert_false(plc_events_is_full(events));
}

static void a_program_dispatches_one_by_one(void **state)
{
    (void)state;
    create(true);
    append('a', SMALL);
    append('b', SMALL);
    put('c', 1);
    append('d', SMALL);
    assert_int_equal(plc_events_count(events), 4);
    assert_int_equal(plc_events_dispatch(events, 1), 1);
    assert_string_equal(seen, "a");
    assert_int_equal(plc_events_dispatch(events, 2), 2);
    assert_string_equal(seen, "abc");
    assert_int_equal(plc_events_dispatch(events, 9), 1);
    assert_string_equal(seen, "abcd");
    assert_int_equal(plc_events_count(events), 0);
}

static void the_bytes_are_bounded_for_a_program_that_dispatches(void **state)
{
    (void)state;
    create(true);
    append('a', BYTES / 2);
    append('b', BYTES / 2);
    append('c', BYTES / 4);
    assert_true(plc_events_is_full(events));
    assert_int_equal(plc_events_dispatch(events, 1), 1);
    assert_int_equal(spaces, 0);
    assert_int_equal(plc_events_dispatch(events, 1), 1);
    assert_int_equal(spaces, 1);
    assert_int_equal(plc_events_dispatch(events, 1), 1);
    assert_int_equal(spaces, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_and_records_run_in_their_order),
        TEST(the_records_of_a_turn_share_memory_and_leave_it),
        TEST(many_records_and_large_ones_take_more_batches),
        TEST(a_record_that_nobody_ended_is_forgotten),
        TEST(without_memory_there_is_no_record),
        TEST(what_never_ran_is_freed_with_the_group),
        TEST(the_bytes_that_wait_are_bounded),
        TEST(their_number_is_bounded),
        TEST(a_program_dispatches_one_by_one),
        TEST(the_bytes_are_bounded_for_a_program_that_dispatches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
