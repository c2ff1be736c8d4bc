/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_memory.c - a load that runs out of memory at every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "settings.h"
#include "failing_alloc.h"

static void each_allocation_that_fails_ends_the_load_cleanly(void **state)
{
    static const char *const sets[] = {"loops=3", "nonsense=1"};
    struct pl_config_source src = {
        .text = PL_SPAN("auth: {hmac_secret: 0123456789abcdef}\n"
                        "websocket: {allowed_origins: ['*', 'http://a']}\n"
                        "listen: [127.0.0.1:1, 127.0.0.1:2]\n"),
        .sets = sets,
        .insecure = true,
    };
    unsigned failures = 0;

    (void)state;
    for (src.set_count = 1; src.set_count <= 2; src.set_count++) {
        enum pl_err done = src.set_count == 1 ? PL_OK : PL_EINVAL, rc;

        for (unsigned n = 1;; n++) {
            struct pl_settings *c = NULL;
            struct pl_buf report = {0};

            alloc_fails_at = n;
            rc = pl_settings_load(&c, &src, &report);
            if (rc == PL_ENOMEM)
                assert_null(c);
            else /* what failed is not passed over */
                assert_true(alloc_fails_at > 0 || done != PL_OK);
            pl_buf_fini(&report);
            pl_settings_destroy(c);
            if (alloc_fails_at > 0) /* there were fewer than n */
                break;
            failures += rc == PL_ENOMEM;
        }
        alloc_fails_at = 0;
        assert_int_equal(rc, done);
    }
    assert_true(failures > 50); /* the wrapping works */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_that_fails_ends_the_load_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
