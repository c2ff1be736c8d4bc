/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_lines.c - stdin, line by line, however it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "lines.h"

static int input; /* the write end of stdin */

static int set_up(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    input = ends[1];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (input >= 0)
        close(input);
    return 0;
}

static void feed(struct lines *l, const char *text)
{
    assert_int_equal(write(input, text, strlen(text)), strlen(text));
    lines_read(l);
}

static void end(struct lines *l)
{
    close(input);
    input = -1;
    lines_read(l);
}

static void assert_next(struct lines *l, const char *expected)
{
    struct pl_span line;

    assert_true(lines_has_next(l));
    assert_true(lines_next(l, &line));
    assert_int_equal(line.len, strlen(expected));
    assert_memory_equal(line.len > 0 ? line.at : "", expected, line.len);
}

static void a_line_is_there_when_its_end_has_come(void **state)
{
    struct lines l = {0};
    struct pl_span line;

    (void)state;
    assert_false(lines_has_next(&l));
    feed(&l, "on");
    assert_false(lines_next(&l, &line));
    feed(&l, "e\n\ntw");
    assert_next(&l, "one");
    assert_next(&l, "");
    assert_false(lines_has_next(&l));
    feed(&l, "o\nthree\n");
    assert_next(&l, "two");
    assert_next(&l, "three");
    assert_false(lines_are_done(&l));
    end(&l);
    assert_true(lines_are_done(&l));
    assert_int_equal(l.error, 0);
    lines_fini(&l);
}

static void the_last_line_may_lack_its_end(void **state)
{
    struct lines l = {0};
    struct pl_span line;

    (void)state;
    feed(&l, "a\nb");
    end(&l);
    assert_false(lines_are_done(&l));
    assert_next(&l, "a");
    assert_next(&l, "b");
    assert_false(lines_next(&l, &line));
    assert_true(lines_are_done(&l));
    lines_fini(&l);
}

static void stdin_that_cannot_be_read_ends_with_its_error(void **state)
{
    struct lines l = {0};

    (void)state;
    close(STDIN_FILENO);
    lines_read(&l);
    assert_true(lines_are_done(&l));
    assert_int_not_equal(l.error, 0);
    lines_fini(&l);
}

static void without_a_rate_all_may_go(void **state)
{
    struct pace p = {0};

    (void)state;
    assert_int_equal(pace_allows(&p, 1000), 1000);
    assert_int_equal(pace_wait_ms(&p), 0);
}

static void
a_rate_allows_one_at_once_and_then_says_how_long_to_wait(void **state)
{
    struct pace p = {.rate = 1};

    (void)state;
    assert_int_equal(pace_allows(&p, 1000), 1);
    p.sent = 1000;
    assert_int_equal(pace_allows(&p, 1000), 0);
    assert_true(pace_wait_ms(&p) > 0);
}

#define ON_PIPE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PIPE(a_line_is_there_when_its_end_has_come),
        ON_PIPE(the_last_line_may_lack_its_end),
        ON_PIPE(stdin_that_cannot_be_read_ends_with_its_error),
        cmocka_unit_test(without_a_rate_all_may_go),
        cmocka_unit_test(
            a_rate_allows_one_at_once_and_then_says_how_long_to_wait),
    };

    return cmocka_run_group_tests_name("tool_lines", tests, NULL, NULL);
}
