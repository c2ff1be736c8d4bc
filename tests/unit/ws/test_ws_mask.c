/* SPDX-License-Identifier: Apache-2.0 */
/* mask.h against the plain loop of RFC 6455 section 5.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mask.h"

enum { SIZE = 160 };

static const unsigned char key[4] = {0x37, 0xFA, 0x21, 0x3D};

static void every_length_place_and_phase_is_unmasked_alone(void **state)
{
    char bytes[SIZE], expected[SIZE];

    (void)state;
    for (size_t from = 0; from < 17; from++)
        for (size_t len = 0; from + len < SIZE; len++)
            for (unsigned phase = 0; phase < 4; phase++) {
                for (size_t i = 0; i < SIZE; i++)
                    bytes[i] = expected[i] = (char)(i * 7 + len);
                for (size_t i = 0; i < len; i++)
                    expected[from + i] =
                        (char)(expected[from + i] ^ key[(phase + i) & 3]);
                pl_ws_unmask(bytes + from, len, key, phase);
                assert_memory_equal(bytes, expected, SIZE);
            }
}

static void one_byte_that_is_not_ascii_is_seen_at_every_place(void **state)
{
    char bytes[SIZE];

    (void)state;
    for (size_t len = 0; len < SIZE; len++)
        for (size_t odd = 0; odd <= len; odd++) {
            for (size_t i = 0; i < SIZE; i++)
                bytes[i] = (char)('a' ^ key[i & 3]);
            bytes[odd] = (char)(bytes[odd] ^ 0x80);
            assert_int_equal(pl_ws_unmask(bytes, len, key, 0), odd == len);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_place_and_phase_is_unmasked_alone),
        cmocka_unit_test(one_byte_that_is_not_ascii_is_seen_at_every_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
