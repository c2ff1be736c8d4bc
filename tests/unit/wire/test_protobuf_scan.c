/* SPDX-License-Identifier: Apache-2.0 */
/* test_protobuf_scan.c - what may not reach protobuf-c. */
#include "protobuf_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nested.pb-c.h"

static struct pl_protobuf_scan scan;

/* What the scan says of a copy that ends where its memory ends. */
static bool good(struct pl_span bytes, unsigned depth, size_t fields)
{
    char *copy = malloc(bytes.len);

    assert_non_null(copy);
    memcpy(copy, bytes.at, bytes.len);
    scan = (struct pl_protobuf_scan){.fields = fields};
    bool yes = pl_protobuf_scan(&scan, (struct pl_span){copy, bytes.len},
                                &nested__nest__descriptor, depth);
    free(copy);
    return yes;
}

#define GOOD(text) assert_true(good(PL_SPAN(text), 16, 100))
#define BAD(text, reason)                                                      \
    do {                                                                       \
        assert_false(good(PL_SPAN(text), 16, 100));                            \
        assert_string_equal(scan.why, reason);                                 \
    } while (0)

static void well_formed_messages_pass(void **state)
{
    (void)state;
    GOOD("\x12\x02hi");                         /* text */
    GOOD("\x1a\x02\0\xff");                     /* bytes may be any */
    GOOD("\x20\x80\x01");                       /* a varint of two bytes */
    GOOD("\x2d....");                           /* 32 bits */
    GOOD("\x31........");                       /* 64 bits */
    GOOD("\x0a\x04\x12\x02hi");                 /* one inside */
    GOOD("\x82\x01\x04\x12\x02hi\x82\x01\x00"); /* a list of them */
    GOOD("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"); /* all 64 bits */
}

static void unknown_fields_pass_whatever_their_type(void **state)
{
    (void)state;
    GOOD("\x38\x05\x3d....\x39........\x3a\x02\0\xff");
    GOOD("\xf8\xff\xff\xff\x0f\x01"); /* the greatest number */
}

static void malformed_fields_are_found(void **state)
{
    static const char why[] = "a field is malformed";

    (void)state;
    BAD("\x12", why);
    BAD("\x12\x03hi", why);
    BAD("\x20", why);
    BAD("\x20\x80", why);
    BAD("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", why); /* 65 bits */
    BAD("\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", why);
    BAD("\x2d...", why);
    BAD("\x31.......", why);
    BAD("\x02\x00", why);                     /* number 0 */
    BAD("\x0b\x0c", why);                     /* a group */
    BAD("\x26", why);                         /* type 6 */
    BAD("\xf8\xff\xff\xff\x1f\x01", why);     /* a number beyond 2^29 */
    BAD("\xa0\x80\x80\x80\x80\x00\x01", why); /* a tag of six bytes */
    BAD("\x12\x82\x80\x80\x80\x80\x00hi", why);
    BAD("\x12\xff\xff\xff\xff\x0f", why);
}

static void a_field_must_have_the_type_of_its_number(void **state)
{
    static const char why[] = "a field has the type of another";

    (void)state;
    BAD("\x08\x01", why);
    BAD("\x10\x01", why);
    BAD("\x22\x00", why);
    BAD("\x28\x01", why);
    BAD("\x35....", why);
}

static void strings_must_be_text(void **state)
{
    static const char why[] = "a string is not UTF-8 or has a zero byte";

    (void)state;
    BAD("\x12\x01\xff", why);
    BAD("\x12\x02"
        "a\0",
        why);
    BAD("\x0a\x03\x12\x01\x80", why);
}

/* Messages in messages, the innermost empty. */
static size_t nest(char *at, size_t depth)
{
    size_t len = 0;

    for (size_t i = 1; i < depth; i++) {
        at[len++] = 0x0a;
        at[len++] = (char)((depth - 1 - i) * 2);
    }
    return len;
}

static void sixteen_levels_pass_and_no_more(void **state)
{
    char text[64];

    (void)state;
    assert_true(good((struct pl_span){text, nest(text, 16)}, 16, 100));
    assert_false(good((struct pl_span){text, nest(text, 17)}, 16, 100));
    assert_string_equal(scan.why, "nested too deeply");
}

static void fields_are_counted_at_every_depth(void **state)
{
    (void)state;
    assert_true(good(PL_SPAN("\x0a\x04\x20\x01\x38\x01"), 16, 3));
    assert_false(good(PL_SPAN("\x0a\x04\x20\x01\x38\x01"), 16, 2));
    assert_string_equal(scan.why, "too many fields");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_messages_pass),
        cmocka_unit_test(unknown_fields_pass_whatever_their_type),
        cmocka_unit_test(malformed_fields_are_found),
        cmocka_unit_test(a_field_must_have_the_type_of_its_number),
        cmocka_unit_test(strings_must_be_text),
        cmocka_unit_test(sixteen_levels_pass_and_no_more),
        cmocka_unit_test(fields_are_counted_at_every_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
