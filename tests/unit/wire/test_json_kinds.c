/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_kinds.c - one text of each kind that parsers of JSON are known to
 * disagree on, put to pl_json_accepts() and to jansson, told to take any
 * value, zeros in strings and integers of any size.
 *
 * In the tables of what is JSON and what is not, both agree.  Where RFC 8259
 * leaves it to the reader, and where one of the two is wrong, the table says
 * who takes it, and why we do as we do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec.h"

struct sample {
    const char *text;
    size_t len;
    bool is_ours;    /* pl_json_accepts() takes it */
    bool is_theirs;  /* jansson does */
    const char *why; /* where they differ, or may */
};

/* clang-format off */
#define YES(text) {text, sizeof(text) - 1, true, true, NULL}
#define NO(text) {text, sizeof(text) - 1, false, false, NULL}
#define OURS(text, why) {text, sizeof(text) - 1, true, false, why}
#define THEIRS(text, why) {text, sizeof(text) - 1, false, true, why}
#define BOTH(text, why) {text, sizeof(text) - 1, true, true, why}

static const struct sample json[] = {
    /* values alone */
    YES("null"), YES("true"), YES("false"), YES("7"), YES("-7"), YES("0"),
    YES("\"\""), YES("\"text\""), YES("[]"), YES("{}"),
    /* white space */
    YES(" 1"), YES("1 "), YES("\t1\t"), YES("\r\n1\r\n"), YES("\n\n[ ]\n"),
    YES(" { } "), YES("[\t1\n,\r2 ]"), YES("{\n\"a\"\t:\r1 }"), YES("\" \""),
    /* arrays */
    YES("[[]]"), YES("[\"\"]"), YES("[null]"), YES("[true,false,null]"),
    YES("[1,2,3]"), YES("[1\n]"), YES("[ 1]"), YES("[1 ]"), YES("[[],[[]],{}]"),
    YES("[1,\"a\",[],{},null,true,-0.5e-3]"), YES("[null,null,null,null,2]"),
    /* objects */
    YES("{\"a\":1}"), YES("{\"\":1}"), YES("{\"\":\"\"}"), YES("{\"a\":[]}"),
    YES("{\"a\":{\"b\":{\"c\":null}}}"), YES("{\"a\":1,\"b\":2}"),
    YES("{\"a\" : 1 , \"b\" : 2}"), YES("{\"\\u0061\\n\\\"\":1}"),
    YES("{\"\xc3\xa9\xe2\x82\xac\":\"\xf0\x9f\x90\xa6\"}"),
    YES("{\"a b c\":\"a long enough text to be more than one word\"}"),
    YES("{\"true\":true,\"null\":null,\"1\":1}"),
    YES("{\"min\":-1.0e+28,\"max\":1.0e+28}"),
    /* integers */
    YES("-0"), YES("-1"), YES("10"), YES("100"), YES("1234567890"),
    YES("2147483648"), YES("9007199254740993"), YES("9223372036854775807"),
    YES("-9223372036854775808"), YES("18446744073709551615"),
    YES("100000000000000000000000000000000"),
    /* fractions and exponents */
    YES("0.0"), YES("-0.0"), YES("0.1"), YES("1.5"), YES("-1.5"), YES("0.000"),
    YES("123.456789"), YES("3.141592653589793238462643383279502884197"),
    YES("1e1"), YES("1E1"), YES("1e+1"), YES("1E+1"), YES("1e-1"), YES("1E-1"),
    YES("0e0"), YES("0e+0"), YES("0E-0"), YES("-0e1"), YES("1e00"),
    YES("1e01"), YES("123e65"), YES("123.456e78"), YES("1.5E+2"),
    YES("-0.000000000000000000000000000000000000000000000000000000000001"),
    /* strings */
    YES("\"a\""), YES("\" \""), YES("\"\\\"\""), YES("\"\\\\\""),
    YES("\"\\/\""), YES("\"/\""), YES("\"\\b\\f\\n\\r\\t\""), YES("\"\\\\n\""),
    YES("\"\\\\\\\"\""), YES("\"\\u0041\""), YES("\"\\u00e9\\u00E9\""),
    YES("\"\\u20ac\""), YES("\"\\uFFFF\""), YES("\"\\uffff\""),
    YES("\"\\uFDD0\\uFFFE\""), YES("\"\\u0012\""), YES("\"\\u007f\""),
    YES("\"\\u0022\""), YES("\"\\u005C\""), YES("\"\\u2028\\u2029\""),
    YES("\"\\uD83D\\uDE00\""), YES("\"\\ud83d\\ude00\""),
    YES("\"\\uD800\\uDC00\""), YES("\"\\uDBFF\\uDFFF\""),
    YES("\"\\u0060\\u012a\\u12AB\""), YES("\"\x7f\""), YES("\"\xc2\x80\""),
    YES("\"\xdf\xbf\""), YES("\"\xe0\xa0\x80\""), YES("\"\xed\x9f\xbf\""),
    YES("\"\xee\x80\x80\""), YES("\"\xef\xbf\xbf\""),
    YES("\"\xf0\x90\x80\x80\""), YES("\"\xf4\x8f\xbf\xbf\""),
    YES("\"\xe2\x80\xa8\xe2\x80\xa9\""), YES("\"\xe2\x81\xa0\""),
    YES("\"a/*b*/c/*d//e\""), YES("\"]}\""), YES("\"\\u0000\""),
    YES("\"\xef\xbb\xbf\""), YES("\"'\""), YES("\"\\u000A\""),
    YES("\"\\u0430\\u0431\\u0432 \xd0\xb3\""), YES("\"\\\\u0000\""),
    YES("\"\\uDBFF\\uDFFE\\ud83f\\udfff\""), YES("\"\\u00A0\\u200b\""),
    YES("\"\xef\xb7\x90\xf0\x9f\xbf\xbf\xf3\xbf\xbf\xbe\""),
};

static const struct sample not_json[] = {
    /* nothing, and not enough */
    NO(""), NO(" "), NO("\n"), NO("["), NO("{"), NO("\""), NO("[1"), NO("[1,"),
    NO("[\""), NO("[\"a"), NO("{\"a"), NO("{\"a\""), NO("{\"a\":"),
    NO("{\"a\":1"), NO("{\"a\":1,"), NO("[["), NO("[{"), NO("{\"a\":["),
    NO("[[]"), NO("[{}"), NO("-"), NO("[-"), NO("t"), NO("tru"), NO("nul"),
    NO("fals"),
    NO("[,"), NO("{,"), NO("{["), NO("]"), NO("}"), NO(","), NO(":"),
    NO("[true,fals"), NO("[null , nu"), NO("[1\n,2\n,"), NO("[\"\\{[\"\\{"),
    NO("{\"\":"), NO("{'a'"), NO("['"), NO("[\"a\",\n7\n,"),
    /* too much */
    NO("1 2"), NO("1,2"), NO("1]"), NO("1}"), NO("[]]"), NO("{}}"), NO("[][]"),
    NO("{}{}"), NO("{}[]"), NO("null null"), NO("\"a\"b"), NO("[1]x"),
    NO("{\"a\":1}#"), NO("{\"a\":1}//"), NO("{\"a\":1}/**/"), NO("true,"),
    NO("{\"a\":1}/"), NO("{\"a\":1}/**//"), NO("{\"a\":1}#[]"), NO("[1],"),
    NO("7@"), NO("\"\"x"), NO("[] \"a\""),
    /* words */
    NO("True"), NO("TRUE"), NO("nulL"), NO("nullx"), NO("truetrue"),
    NO("undefined"), NO("NaN"), NO("-NaN"), NO("Infinity"), NO("-Infinity"),
    NO("inf"), NO("Inf"), NO("a"), NO("abc"), NO("[a]"), NO("*"), NO("."),
    NO("<null>"), NO("[nul]"), NO("[tru]"), NO("[fals]"),
    NO("<.>"), NO("truth"), NO("[1,truth]"), NO("+Inf"), NO("a\xc3\xa9"),
    NO("\xc3\xa9"), NO("[\xc3\xa9]"), NO("[a\xe9]"),
    /* arrays */
    NO("[,]"), NO("[,1]"), NO("[1,]"), NO("[1,,2]"), NO("[,,]"), NO("[1 2]"),
    NO("[1:2]"), NO("[1;2]"), NO("[\"a\" \"b\"]"), NO("[\"\": 1]"),
    NO("[1}"), NO("[}"), NO("[)"), NO("[1,\n]"), NO("[*]"), NO("[{]}"),
    NO("[,\"\"]"), NO("[\"\",]"), NO("[\"\",,]"), NO("[x"), NO("[3[4]]"),
    NO("(1)"), NO("[#1]"), NO("[1/2]"), NO("[1//\n]"),
    NO("[1 true]"), NO("[  , 1]"), NO("[\"a\"\\f]"), NO("[\\u0020 1]"),
    /* objects */
    NO("{,}"), NO("{\"a\"}"), NO("{\"a\",\"b\"}"), NO("{\"a\" 1}"),
    NO("{\"a\"::1}"), NO("{\"a\":}"), NO("{:1}"), NO("{\"a\":1,}"),
    NO("{\"a\":1,,}"), NO("{\"a\":1,,\"b\":2}"), NO("{\"a\":1 \"b\":2}"),
    NO("{\"a\":1;\"b\":2}"), NO("{\"a\":1]"), NO("{]"), NO("{[]:1}"),
    NO("{1:1}"), NO("{a:1}"), NO("{'a':1}"), NO("{null:1}"), NO("{true:1}"),
    NO("{\"a\":1:2}"), NO("{\"a\":\"b\":\"c\"}"), NO("{\"a\":1 2}"),
    NO("{\"a\"=1}"), NO("{\"a\"/**/:1}"), NO("{\"a\":/**/1}"), NO("{\"a"),
    NO("{\"a\":a}"), NO("{\"a\":\"a"), NO("{\"a\":'a'}"), NO("{9999:1}"),
    NO("{\"a\",1}"), NO("{\"a\":1,\"b\"}"), NO("{\"x\",null}"), NO("{{}}"),
    NO("{\"a\":1}}"), NO("{\"id\":0,,,}"), NO("{*}"),
    NO("{\"a\" b}"), NO("{\"a\" \"b\"}"), NO("{\"a\":\"b\" 1}"), NO("{[:1}"),
    NO("{null:null,null:null}"), NO("{9E999:1}"), NO("{\xf0\x9f\x90\xa6}"),
    NO("{\"a\":1,\"b\",}"), NO("{\"\xb9\":1,}"), NO("{ \"a\" : 1, \"b\" }"),
    /* numbers */
    NO("+1"), NO("++1"), NO("--1"), NO("- 1"), NO("+-1"), NO("00"), NO("01"),
    NO("-00"), NO("-01"), NO("012"), NO("-012"), NO("00.1"), NO("0."),
    NO("1."), NO("-1."), NO(".1"), NO("-.1"), NO("."), NO("1..2"), NO("1.2.3"),
    NO("0.e1"), NO("1.e1"), NO(".e1"), NO("1e"), NO("1E"), NO("1e+"),
    NO("1e-"), NO("1E+"), NO("0e"), NO("0E+"), NO("1.0e"), NO("1.0e-"),
    NO("1ee1"), NO("1e1e1"), NO("1e1.5"), NO("1e+-1"), NO("e1"), NO("0x1"),
    NO("0x"), NO("0X1F"), NO("0b1"), NO("0o7"), NO("1_000"), NO("1 000"),
    NO("1,000.5"), NO("1a"), NO("1.5f"), NO("0.3e"), NO("9.e+"), NO("-a"),
    NO("-1x"), NO("1+2"), NO("1-2"), NO("1e1-"), NO("$1"), NO("-\"1\""),
    NO("\xef\xbc\x91"), NO("1\xd9\xa0"), NO("2.e3"), NO("2.e-3"), NO("-2."),
    NO("1/"), NO("\xe2\x88\x92" "1"),
    NO(".-1"), NO("-1.5."), NO("1.5a-3"), NO("1.5H-3"), NO("1ea"),
    NO("1eE2"), NO("0e+-1"), NO("-1.5foo"), NO("1\xe9"), NO("0\xe9\n"),
    NO("1e\xe9"), NO("1e1\xe9"), NO("[1e1\xe9]"),
    /* strings */
    NO("\"\\\""), NO("\"\\"), NO("'a'"), NO("\"a"), NO("a\""), NO("\"a\"\""),
    NO("\"\\a\""), NO("\"\\v\""), NO("\"\\x00\""), NO("\"\\'\""),
    NO("\"\\0\""), NO("\"\\ \""), NO("\"\\U0041\""), NO("\"\\u\""),
    NO("\"\\u1\""), NO("\"\\u12\""), NO("\"\\u123\""), NO("\"\\u123g\""),
    NO("\"\\u 123\""), NO("\"\\u+123\""), NO("\"\\u-123\""), NO("\"\\u{41}\""),
    NO("\"\\\\\\\""), NO("\"\\\xc3\xa9\""), NO("\"\\\xf0\x9f\x8c\x80\""),
    NO("\"\t\""), NO("\"\n\""), NO("\"\r\""), NO("\"\x01\""), NO("\"\x1f\""),
    NO("\"\\\n\""), NO("\"\x08\""), NO("\"\\u00\x01" "1\""), NO("`a`"),
    NO("\"\\uD83D\\u\""), NO("\"\\uD83D\\uDE0\""), NO("\"\\uD83D\\uDE0x\""),
    NO("\"\\uD83D\\"), NO("\xe2\x80\x9c" "a\xe2\x80\x9d"),
    NO("\"\\uqrst\""), NO("\"\\uD83D\\u1x\""), NO("\"\\uD83D\\\""),
    NO("\"\\uD83D\\uD83D\\x\""), NO("\"\\u\xe9\""), NO("\"\\\xe9\""),
    NO("\"\\\t\""), NO("[\"\x0b\"]"), NO("\"\\U0001F426\""),
    /* UTF-8 */
    NO("\"\x80\""), NO("\"\xbf\""), NO("\"\xff\""), NO("\"\xfe\""),
    NO("\"\xc3\""), NO("\"\xc3\x28\""), NO("\"\xe2\x82\""),
    NO("\"\xe2\x28\xa1\""), NO("\"\xe2\x82\x28\""), NO("\"\xf0\x9f\x98\""),
    NO("\"\xf0\x28\x8c\xbc\""), NO("\"\xc0\x80\""), NO("\"\xc0\xaf\""),
    NO("\"\xc1\xbf\""), NO("\"\xe0\x80\xaf\""), NO("\"\xe0\x9f\xbf\""),
    NO("\"\xf0\x80\x80\xaf\""), NO("\"\xf0\x8f\xbf\xbf\""),
    NO("\"\xed\xa0\x80\""), NO("\"\xed\xbf\xbf\""),
    NO("\"\xed\xa0\xbd\xed\xb8\x80\""), NO("\"\xf4\x90\x80\x80\""),
    NO("\"\xf5\x80\x80\x80\""), NO("\"\xf8\x88\x80\x80\x80\""),
    NO("\"\xf4\xbf\xbf\xbf\""), NO("\"\xe0\xff\""),
    NO("\"\xfc\x80\x80\x80\x80\x80\""), NO("\"\xfc\x83\xbf\xbf\xbf\xbf\""),
    NO("\"\xe6\x97\xa5\xfa\""),
    NO("\"\xfc\x84\x80\x80\x80\x80\""), NO("\"\xc3\xa9\xa9\""),
    NO("\"\xe9\""), NO("{\"\xe9\":1}"), NO("[\xff]"), NO("\xe9"), NO("\xc3"),
    NO("\"\\u00e\xc3\xa9\""),
    /* what surrounds it, and other white space */
    NO("\xef\xbb\xbf{}"), NO("\xef\xbb\xbf"), NO("\xef\xbb{}"),
    NO("\xff\xfe[\0]\0"), NO("\xfe\xff\0[\0]"), NO("\0[\0]"), NO("[\0]\0"),
    NO("\0[\0\"\0\xe9\0\"\0]"), NO("[\0\"\0\xe9\0\"\0]\0"),
    NO("\x0b" "1"), NO("\x0c" "1"), NO("[\x0c]"), NO("\xc2\xa0" "1"),
    NO("\xc2\x85[]"), NO("\xe2\x80\x8b[]"), NO("\xe3\x80\x80[]"),
    NO("\xe2\x81\xa0[]"), NO("[\xe2\x80\xa8]"), NO("{\xc2\xa0}"),
    NO("//\n1"), NO("/**/1"), NO("1/**/"), NO("#\n1"), NO("\\u0041"),
    NO("[\\n]"), NO("{\"a\":1}\x1a"), NO("\x1e{}"),
    /* zero bytes */
    NO("\0"), NO("{}\0"), NO("\"a\"\0"), NO("[]\0x"), NO("\"\0\""),
    NO("\"a\0b\""), NO("\"\\\0\""), NO("{\"a\0\":1}"), NO("[\0 1]"),
    NO("tr\0ue"),
};

static const struct sample open_questions[] = {
    /* Who is published to gets the payload byte for byte: what a string or a
     * number stands for is between the clients. */
    OURS("\"\\uD800\"", "half a pair is in the grammar"),
    OURS("\"\\uDC00\"", "the other half"),
    OURS("\"\\uD800\\uD800\"", "two first halves"),
    OURS("\"\\uDC00\\uD800\"", "the wrong way round"),
    OURS("\"\\uD800\\u0041\"", "half a pair and a letter"),
    OURS("\"\\uD83Dx\"", "half a pair and a plain letter"),
    OURS("\"\\uD83D\\n\"", "half a pair and another escape"),
    OURS("{\"\\uD800\":1}", "the same in a key"),
    OURS("{\"\\u0000\":1}", "jansson has keys that end with a zero"),
    OURS("{\"a\\u0000b\":1}", "the same within"),
    OURS("1e400", "the grammar knows no largest number"),
    OURS("-1e400", "and no smallest"),
    OURS("1e99999999999999999999", "nor a largest exponent"),
    OURS("0.1e400", "the same with a fraction"),
    BOTH("1e-400", "nor a smallest fraction"),
    BOTH("0e99999", "this is zero"),
    BOTH("123123e-10000000", "this nearly"),
    BOTH("1.00000000000000000000000000000000000000000000001",
         "nor a most precise one"),
    BOTH("{\"a\":1,\"a\":2}", "names should be unique, and need not be"),
    BOTH("{\"a\":1,\"\\u0061\":2}", "one name in two forms"),
    BOTH("{\"\":0,\"\":0}", "the empty name twice"),
    BOTH("\"\\uFFFE\\uFDD0\"", "no characters, but valid code points"),
    /* Here jansson is wrong. */
    THEIRS("1\0", "jansson overlooks a zero behind a number"),
    THEIRS("null\0", "and behind a word"),
    THEIRS("[1\0]", "anywhere"),
};
/* clang-format on */

static bool is_ours(const struct sample *s)
{
    char *copy = malloc(s->len + (s->len == 0)); /* of just this size */

    assert_non_null(copy);
    memcpy(copy, s->text, s->len);
    bool yes = pl_json_accepts((struct pl_span){copy, s->len});
    free(copy);
    return yes;
}

static bool is_theirs(const struct sample *s)
{
    json_error_t error;
    json_t *tree = json_loadb(
        s->text, s->len,
        JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);

    json_decref(tree);
    return tree != NULL;
}

static void check(const struct sample *s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_ours(&s[i]) != s[i].is_ours)
            fail_msg("number %zu, %.40s: we err", i, s[i].text);
        if (is_theirs(&s[i]) != s[i].is_theirs)
            fail_msg("number %zu, %.40s: jansson has changed", i, s[i].text);
    }
}

#define CHECK(table) check(table, sizeof(table) / sizeof *(table))

static void what_is_json_is_accepted(void **state)
{
    (void)state;
    CHECK(json);
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    CHECK(not_json);
}

static void what_the_rfc_leaves_open_is_decided(void **state)
{
    (void)state;
    CHECK(open_questions);
}

/* `depth` times `open`, then `middle`, then `depth` times `close`. */
static struct sample nested(size_t depth, const char *open, const char *middle,
                            const char *close)
{
    size_t len = depth * (strlen(open) + strlen(close)) + strlen(middle);
    char *text = malloc(len + 1), *at = text;

    assert_non_null(text);
    for (size_t i = 0; i < depth; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, middle);
    for (size_t i = 0; i < depth; i++)
        at = stpcpy(at, close);
    return (struct sample){.text = text, .len = len};
}

static void check_nested(size_t depth, const char *open, const char *middle,
                         const char *close, bool ours, bool theirs)
{
    struct sample s = nested(depth, open, middle, close);

    s.is_ours = ours;
    s.is_theirs = theirs;
    check(&s, 1);
    free((char *)s.text);
}

/* What strangers nest costs us nothing, but whoever reads it with a recursive
 * parser; jansson goes to 2048. */
static void depth_has_a_limit(void **state)
{
    (void)state;
    check_nested(64, "[", "", "]", true, true);
    check_nested(64, "{\"k\":", "1", "}", true, true);
    check_nested(65, "[", "", "]", false, true);
    check_nested(33, "[{\"k\":", "1", "}]", false, true);
    check_nested(5000, "[", "", "]", false, false);
    check_nested(100000, "[", "", "", false, false);
    check_nested(100000, "{\"k\":", "", "", false, false);
    check_nested(100000, "[{\"k\":", "", "", false, false);
    check_nested(100000, "]", "", "", false, false);
    check_nested(1, "\"",
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                 "\"", true, true);
}

static void length_has_none(void **state)
{
    (void)state;
    check_nested(50000, " ", "1", " ", true, true);
    check_nested(300, "1", "", "", true, true);
    check_nested(50000, "1", "", "", true, false); /* beyond a double */
    check_nested(1, "[", "0.0000000000000000000000000000000000000000000", "]",
                 true, true);
    struct sample s = nested(100000, "a", "", "");
    check_nested(1, "\"", s.text, "\"", true, true);
    free((char *)s.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_accepted),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(what_the_rfc_leaves_open_is_decided),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(length_has_none),
    };

    return cmocka_run_group_tests_name("json_kinds", tests, NULL, NULL);
}
