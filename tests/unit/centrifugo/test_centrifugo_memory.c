/* SPDX-License-Identifier: Apache-2.0 */
/* test_centrifugo_memory.c - a translation that runs out of memory at every
 * step. */
#include "support.h"

#include "failing_alloc.h"

static const char *const good[] = {
    "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY=ossifrage",
    "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENCE=true",
    "CENTRIFUGO_CLIENT_ALLOWED_ORIGINS=http://a *",
};

static const char *const bad[] = {
    "CENTRIFUGO_HTTP_API_INSECURE=true",
    "CENTRIFUGO_CLIENT_PING_INTERVAL=soon",
};

static void translate_until_it_works(const struct pl_centrifugo_source *src,
                                     enum pl_err done)
{
    unsigned failures = 0;
    enum pl_err rc;

    for (unsigned n = 1;; n++) {
        struct pl_centrifugo_result result;
        struct pl_buf report = {0};

        alloc_fails_at = n;
        rc = pl_centrifugo_translate(&result, src, &report);
        if (rc != PL_ENOMEM) /* what failed is not passed over */
            assert_true(alloc_fails_at > 0 || done != PL_OK);
        pl_centrifugo_result_fini(&result);
        pl_buf_fini(&report);
        if (alloc_fails_at > 0) /* there were fewer than n */
            break;
        failures += rc == PL_ENOMEM;
    }
    alloc_fails_at = 0;
    assert_int_equal(rc, done);
    assert_true(failures > 50); /* the wrapping works */
}

static void each_allocation_that_fails_ends_a_translation_cleanly(void **state)
{
    struct pl_centrifugo_source src = {
        .file = "config.json",
        .text = PL_SPAN("{\"http_server\": {\"internal_port\": 1},\n"
                        "\"client\": {\"ping_interval\": \"9s\"},\n"
                        "\"http_api\": {\"key\": \"\\ud83d\\ude00\"},\n"
                        "\"unknown\": 1, \"admin\": {\"enabled\": true},\n"
                        "\"channel\": {\"namespaces\": [\n"
                        "{\"name\": \"chat\", \"history_size\": 1,\n"
                        "\"history_ttl\": \"1s\"}, {\"name\": \"news\"}]}}\n"),
        .variables = good,
        .variable_count = sizeof good / sizeof good[0],
    };

    (void)state;
    translate_until_it_works(&src, PL_OK);
    src.variables = bad;
    src.variable_count = sizeof bad / sizeof bad[0];
    translate_until_it_works(&src, PL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_that_fails_ends_a_translation_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
