/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_scan.c - strict JSON, by pl_json_accepts(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec.h"

static bool accepts(struct pl_span text)
{
    char *copy = malloc(text.len);

    assert_true(copy != NULL || text.len == 0);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    bool yes = pl_json_accepts((struct pl_span){copy, text.len});
    free(copy);
    return yes;
}

#define ACCEPTS(text) assert_true(accepts(PL_SPAN(text)))
#define REFUSES(text) assert_false(accepts(PL_SPAN(text)))

static void every_kind_of_value_is_accepted(void **state)
{
    (void)state;
    ACCEPTS("{}");
    ACCEPTS("[]");
    ACCEPTS("null");
    ACCEPTS("true");
    ACCEPTS("false");
    ACCEPTS("0");
    ACCEPTS("-0");
    ACCEPTS("-12.50e+10");
    ACCEPTS("1E400");
    ACCEPTS("\"\"");
    ACCEPTS(" {\"a\" : [1 , {\"b\":[[],{}]}, \"x\"] ,\"a\":null}\t");
    ACCEPTS("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\"");
    ACCEPTS("\"na\xc3\xafve \xf0\x9f\x98\x80 and a long plain tail\"");
}

static void what_the_grammar_does_not_know_is_refused(void **state)
{
    (void)state;
    REFUSES("");
    REFUSES(" ");
    REFUSES("nul");
    REFUSES("True");
    REFUSES("01");
    REFUSES("-");
    REFUSES("+1");
    REFUSES(".5");
    REFUSES("1.");
    REFUSES("1e");
    REFUSES("1e+");
    REFUSES("0x1");
    REFUSES("NaN");
    REFUSES("[1,]");
    REFUSES("[,1]");
    REFUSES("[1 2]");
    REFUSES("[1}");
    REFUSES("{\"a\":1,}");
    REFUSES("{\"a\"}");
    REFUSES("{\"a\":}");
    REFUSES("{a:1}");
    REFUSES("{1:1}");
    REFUSES("{\"a\":1]");
    REFUSES("[");
    REFUSES("{");
    REFUSES("{\"a\":[1");
    REFUSES("]");
    REFUSES("1 2");
    REFUSES("{} x");
    REFUSES("[1]//");
    REFUSES("\xef\xbb\xbf{}");
    REFUSES("\x0b{}");
    REFUSES("{}\0");
}

static void strings_that_are_not_quite_strings_are_refused(void **state)
{
    (void)state;
    REFUSES("\"");
    REFUSES("\"\\\"");
    REFUSES("\"\\");
    REFUSES("\"\\x41\"");
    REFUSES("\"\\u12\"");
    REFUSES("\"\\u12g4\"");
    REFUSES("\"\\u123");
    REFUSES("\"\\\0\"");
    REFUSES("\"a\tb\"");
    REFUSES("\"a\nb\"");
    REFUSES("\"a\0b\"");
    REFUSES("\"\xff\"");
    REFUSES("\"\xed\xa0\x80\"");
    REFUSES("\"\xe4\xbd\"");
    REFUSES("'a'");
}

/* Nobody interprets a payload's strings, and the grammar allows it. */
static void half_a_surrogate_pair_passes_in_a_payload(void **state)
{
    (void)state;
    ACCEPTS("\"\\ud800\"");
    ACCEPTS("\"\\u0000\"");
}

static bool accepts_nested(size_t depth, char open, char close)
{
    char text[400];
    size_t len = 0;

    for (size_t i = 0; i < depth; i++) {
        text[len++] = open;
        if (open == '{' && i + 1 < depth) {
            memcpy(text + len, "\"k\":", 4);
            len += 4;
        }
    }
    for (size_t i = 0; i < depth; i++)
        text[len++] = close;
    return accepts((struct pl_span){text, len});
}

static void sixty_four_levels_are_accepted_and_no_more(void **state)
{
    (void)state;
    assert_true(accepts_nested(64, '[', ']'));
    assert_true(accepts_nested(64, '{', '}'));
    assert_false(accepts_nested(65, '[', ']'));
    assert_false(accepts_nested(65, '{', '}'));
}

static void raw_newlines_between_tokens_become_spaces(void **state)
{
    char text[] = "\r\n{\r\n\"a\"\n:\r[1,\n\"\\n\"]\n}\n";

    (void)state;
    assert_true(pl_json_accepts((struct pl_span){text, sizeof(text) - 1}));
    assert_string_equal(text, "  {  \"a\" : [1, \"\\n\"] } ");
}

static void an_absent_text_is_not_a_value(void **state)
{
    (void)state;
    assert_false(pl_json_accepts((struct pl_span){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_accepted),
        cmocka_unit_test(what_the_grammar_does_not_know_is_refused),
        cmocka_unit_test(strings_that_are_not_quite_strings_are_refused),
        cmocka_unit_test(half_a_surrogate_pair_passes_in_a_payload),
        cmocka_unit_test(sixty_four_levels_are_accepted_and_no_more),
        cmocka_unit_test(raw_newlines_between_tokens_become_spaces),
        cmocka_unit_test(an_absent_text_is_not_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
