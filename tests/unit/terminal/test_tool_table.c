/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_table.c - rows of JSON as lines of a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>

#include "table.h"

static const struct column columns[] = {
    {"NAME", "name", COLUMN_TEXT, 6},  {"N", "n", COLUMN_NUMBER, 7},
    {"SIZE", "size", COLUMN_BYTES, 7}, {"SLOW", "slow", COLUMN_FLAG, 4},
    {"REST", "rest", COLUMN_TEXT, 0},  {0}};

static void assert_row(const char *json, const char *want)
{
    json_t *row = json_loads(json, 0, NULL);
    struct pl_buf line = {0};

    assert_non_null(row);
    table_put_row(&line, columns, row);
    pl_buf_put_byte(&line, '\0');
    assert_string_equal(line.data, want);
    pl_buf_fini(&line);
    json_decref(row);
}

static void assert_number(json_int_t n, const char *want)
{
    struct pl_buf text = {0};

    table_put_number(&text, n);
    pl_buf_put_byte(&text, '\0');
    assert_string_equal(text.data, want);
    pl_buf_fini(&text);
}

static void numbers_take_at_most_seven_characters(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(999, "999");
    assert_number(1000, "1,000");
    assert_number(12408, "12,408");
    assert_number(999999, "999,999");
    assert_number(1000000, "1.00M");
    assert_number(12345678, "12.3M");
    assert_number(INT64_MAX, "9.22E");
}

static void columns_are_aligned(void **state)
{
    struct pl_buf head = {0};

    (void)state;
    table_put_head(&head, columns);
    pl_buf_put_byte(&head, '\0');
    assert_string_equal(head.data, "NAME          N     SIZE  SLOW  REST");
    pl_buf_fini(&head);
    assert_row("{\"name\":\"a\",\"n\":1200,\"size\":212000000,\"slow\":true,"
               "\"rest\":\"x y\"}",
               "a         1,200   212 MB  SLOW  x y");
    assert_row("{\"name\":\"longer name\",\"n\":5,\"size\":12}",
               "longer        5     12 B");
}

static void text_of_others_is_escaped_and_cut(void **state)
{
    (void)state;
    assert_row("{\"rest\":\"a\\u001b[2Jb\\nc\"}",
               "              0      0 B        a<U+001B>[2Jb<U+000A>c");
    assert_row("{\"name\":\"\\u001b\\u001b\"}", "              0      0 B");
}

static void what_a_row_does_not_have_is_empty(void **state)
{
    (void)state;
    assert_row("{}", "              0      0 B");
    assert_row("{\"name\":7,\"n\":\"x\",\"slow\":1}",
               "              0      0 B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_take_at_most_seven_characters),
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(text_of_others_is_escaped_and_cut),
        cmocka_unit_test(what_a_row_does_not_have_is_empty),
    };

    setlocale(LC_ALL, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
