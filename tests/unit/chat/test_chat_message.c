/* SPDX-License-Identifier: Apache-2.0 */
/* test_chat_message.c - what members of a room send, and what a hostile one
 * may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static void a_message_is_read_as_it_was_written(void **state)
{
    struct pl_chat_message m = {"id", "Ada", "a \"b\"\n世", 1700000000123}, r;
    struct pl_buf b = {0};

    (void)state;
    pl_chat_message_write(&b, &m);
    assert_false(b.failed);
    assert_true(pl_chat_message_read(&r, pl_buf_span(&b)));
    assert_string_equal(r.id, "id");
    assert_string_equal(r.nick, "Ada");
    assert_string_equal(r.text, "a \"b\"\n世");
    assert_int_equal(r.at_ms, 1700000000123);
    pl_chat_message_fini(&r);
    pl_buf_fini(&b);
}

static void what_has_no_text_is_no_message(void **state)
{
    static const char *const all[] = {"",
                                      "null",
                                      "7",
                                      "\"text\"",
                                      "[]",
                                      "{}",
                                      "{\"text\":",
                                      "{\"text\":7}",
                                      "{\"text\":\" \\n\"}",
                                      "{\"text\":{\"text\":\"x\"}}"};
    struct pl_chat_message m;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_false(pl_chat_message_read(&m, pl_span_of(all[i])));
}

static void other_members_of_a_message_may_be_missing_or_wrong(void **state)
{
    static const char *const all[] = {
        "{\"text\":\"x\"}",
        "{\"text\":\"x\",\"nick\":\" \",\"id\":7,\"at\":\"now\"}",
        "{\"text\":\" x\\u0000\",\"nick\":[],\"id\":null,\"at\":-1}",
        "{\"text\":\"x\",\"nick\":null,\"at\":1e300}"};
    struct pl_chat_message m;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(pl_chat_message_read(&m, pl_span_of(all[i])));
        assert_string_equal(m.text, "x");
        assert_string_equal(m.nick, "somebody");
        assert_string_equal(m.id, "");
        assert_int_equal(m.at_ms, 0);
        pl_chat_message_fini(&m);
    }
}

static void long_names_and_texts_are_clipped(void **state)
{
    struct pl_chat_message m;
    struct pl_buf b = {0};

    (void)state;
    pl_buf_printf(
        &b, "{\"text\":\"%02000d\",\"nick\":\"%0100d\",\"id\":\"%0100d\"}", 1,
        1, 1);
    assert_true(pl_chat_message_read(&m, pl_buf_span(&b)));
    assert_int_equal(strlen(m.text), PL_CHAT_TEXT_UNITS);
    assert_int_equal(strlen(m.nick), PL_CHAT_NICK_UNITS);
    assert_int_equal(strlen(m.id), PL_CHAT_ID_UNITS);
    pl_chat_message_fini(&m);
    pl_buf_fini(&b);
}

static const char hello[] =
    "{\"from\":{\"user\":\"\",\"client\":\"c1\"},\"to\":\"channel/signs.x\","
    "\"type\":\"hello\",\"body\":{\"nick\":\"Ada\",\"ask\":true,\"was\":\"A\"},"
    "\"id\":\"1\"}";

static void the_sender_of_a_sign_is_the_one_that_the_broker_names(void **state)
{
    struct pl_chat_sign s;

    (void)state;
    assert_true(pl_chat_sign_read(&s, pl_span_of(hello), NULL));
    assert_int_equal(s.kind, PL_CHAT_HELLO);
    assert_string_equal(s.client, "c1");
    assert_string_equal(s.nick, "Ada");
    assert_string_equal(s.was, "A");
    assert_true(s.ask);
    assert_false(s.back);
    pl_chat_sign_fini(&s);
    /* A publication that claims to be an envelope. */
    assert_true(pl_chat_sign_read(&s, pl_span_of(hello), "c2"));
    assert_string_equal(s.client, "c2");
    pl_chat_sign_fini(&s);
}

static void a_sign_without_a_sender_or_a_nick_is_none(void **state)
{
    static const char *const all[] = {
        "null",
        "{}",
        "{\"body\":null}",
        "{\"type\":\"hello\",\"body\":{\"nick\":\"Ada\"}}",
        "{\"from\":{\"client\":7},\"body\":{\"nick\":\"Ada\"}}",
        "{\"from\":{\"client\":\"c\"},\"body\":{\"nick\":7}}",
        "{\"from\":{\"client\":\"c\"},\"body\":{\"nick\":\" \"}}"};
    struct pl_chat_sign s;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_false(pl_chat_sign_read(&s, pl_span_of(all[i]), NULL));
}

static void a_sign_has_only_the_members_that_are_set(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_chat_sign_write(&b, &(struct pl_chat_sign){.nick = "Ada", .ask = true});
    pl_buf_put_byte(&b, '\0');
    assert_string_equal(b.data, "{\"nick\":\"Ada\",\"ask\":true}");
    pl_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_as_it_was_written),
        cmocka_unit_test(what_has_no_text_is_no_message),
        cmocka_unit_test(other_members_of_a_message_may_be_missing_or_wrong),
        cmocka_unit_test(long_names_and_texts_are_clipped),
        cmocka_unit_test(the_sender_of_a_sign_is_the_one_that_the_broker_names),
        cmocka_unit_test(a_sign_without_a_sender_or_a_nick_is_none),
        cmocka_unit_test(a_sign_has_only_the_members_that_are_set),
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
