/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_terms.c - the options of connections: what they become, and what
 * is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "terms.h"
#include "tls_pool.h"

static struct plc_terms_defaults defaults = {.message_out = 1000,
                                             .has_many_urls = true};
static struct plc_terms terms;
static char why[PLC_TERMS_WHY_SIZE];

static void init(const char *urls, const struct plc_link *link)
{
    assert_int_equal(plc_terms_init(&terms, urls, link, &defaults, why), PL_OK);
}

static int tear_down(void **state)
{
    (void)state;
    plc_terms_fini(&terms);
    return 0;
}

static void expect_span(struct pl_span s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.at, text, s.len);
}

static void a_url_is_enough(void **state)
{
    (void)state;
    init("ws://Example.test:81/a?b=c", NULL);
    assert_int_equal(terms.url_count, 1);
    const struct plc_link_terms *t = &terms.urls[0];
    assert_int_equal(t->target.port, 81);
    assert_false(t->target.is_tls);
    expect_span(t->opening.path, "/a");
    expect_span(t->opening.query, "b=c");
    assert_true(t->opening.offers_deflate);
    assert_int_equal(t->connect_ms, 5000);
    assert_int_equal(terms.message_out, 1000);
    assert_int_equal(terms.queue_messages, 65536);
    assert_null(terms.tls);
}

static void several_urls_are_read(void **state)
{
    (void)state;
    init("ws://[::1]:1/x  wss://b.test/", NULL);
    assert_int_equal(terms.url_count, 2);
    assert_string_equal(terms.urls[0].target.host, "::1");
    assert_true(terms.urls[1].target.is_tls);
    assert_int_equal(terms.urls[1].target.port, 443);
    assert_non_null(terms.urls[1].target.tls);
}

static void options_are_copied(void **state)
{
    char headers[] = "X-One: 1\r\nX-Two:  two words \r\n";
    struct plc_link link = {
        .size = sizeof link,
        .headers = headers,
        .subprotocol = "chat",
        .proxy = "http://a%40b:p%3Aw@proxy.test:3128",
        .flags = PLC_NO_DEFLATE,
        .connect_ms = 7,
        .message_out = 9,
        .queue_bytes = 10,
    };

    (void)state;
    init("ws://h/", &link);
    memset(headers, 'x', sizeof headers);
    const struct plc_link_terms *t = &terms.urls[0];
    assert_int_equal(t->opening.field_count, 2);
    expect_span(t->opening.fields[1].name, "X-Two");
    expect_span(t->opening.fields[1].value, "two words");
    expect_span(t->opening.protocols, "chat");
    assert_string_equal(t->target.proxy_host, "proxy.test");
    assert_int_equal(t->target.proxy_port, 3128);
    assert_string_equal(t->target.proxy_user, "a@b");
    assert_string_equal(t->target.proxy_word, "p:w");
    assert_false(t->opening.offers_deflate);
    assert_int_equal(t->connect_ms, 7);
    assert_int_equal(terms.message_out, 9);
    assert_int_equal(terms.queue_bytes, 10);
}

static void the_environment_names_a_proxy(void **state)
{
    static const struct {
        const char *url, *none, *host;
    } rows[] = {
        {"ws://a.test/", "", "plain.test"},
        {"wss://a.test/", "", "secure.test"},
        {"ws://a.test/", "*", NULL},
        {"ws://a.test/", "b.test, a.test", NULL},
        {"ws://x.a.test/", ".a.test", NULL},
        {"ws://xa.test/", "a.test", "plain.test"},
    };
    struct plc_link link = {.size = sizeof link, .proxy = "env"};

    (void)state;
    setenv("http_proxy", "http://plain.test:1", 1);
    setenv("https_proxy", "http://secure.test:1", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setenv("no_proxy", rows[i].none, 1);
        init(rows[i].url, &link);
        const char *host = terms.urls[0].target.proxy_host;
        if (rows[i].host == NULL)
            assert_null(host);
        else
            assert_string_equal(host, rows[i].host);
        plc_terms_fini(&terms);
    }
    unsetenv("http_proxy");
    init("ws://a.test/", &link);
    assert_null(terms.urls[0].target.proxy_host);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *url;
        struct plc_link link;
        const char *why;
    } rows[] = {
        {NULL, {0}, "url: none is given"},
        {"", {0}, "url: none is given"},
        {"http://h/", {0}, "url: "},
        {"ws://h/#x", {0}, "url: "},
        {"ws://u@h/", {0}, "url: "},
        {"ws://h/", {.flags = 64}, "flags: "},
        {"ws://h/", {.key_file = "k"}, "key_file: it needs a cert_file"},
        {"ws://h/", {.proxy = "socks://h"}, "proxy: "},
        {"ws://h/", {.proxy = "http://a%4:b@h:1"}, "proxy: "},
        {"ws://h/", {.headers = "no colon"}, "headers: a line without a colon"},
        {"ws://h/", {.headers = "Host: x"}, "headers: "},
        {"ws://h/", {.headers = "Upgrade: x\r\n"}, "Upgrade"},
        {"ws://h/", {.headers = "A: b\x01"}, "headers: "},
        {"ws://h/", {.headers = "Sec-WebSocket-Key: x"}, "Sec-WebSocket-Key"},
        {"wss://h/", {.ca_file = "/none.pem"}, "ca_file /none.pem: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plc_link link = rows[i].link;

        link.size = sizeof link;
        why[0] = '\0';
        assert_int_equal(
            plc_terms_init(&terms, rows[i].url, &link, &defaults, why),
            PL_EINVAL);
        if (strstr(why, rows[i].why) == NULL)
            fail_msg("row %zu: %s", i, why);
        plc_terms_fini(&terms);
    }
    init("ws://h/", NULL);
}

static void one_url_may_be_all(void **state)
{
    static const struct plc_terms_defaults one = {.message_out = 1};

    (void)state;
    assert_int_equal(plc_terms_init(&terms, "ws://a/ ws://b/", NULL, &one, why),
                     PL_EINVAL);
    assert_string_equal(why, "url: more than one is given");
}

static int create_pool(void **state)
{
    (void)state;
    return plc_tls_pool_create(&defaults.tls_pool) == PL_OK ? 0 : -1;
}

static int destroy_pool(void **state)
{
    (void)state;
    plc_tls_pool_destroy(defaults.tls_pool);
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_url_is_enough),        TEST(several_urls_are_read),
        TEST(options_are_copied),     TEST(the_environment_names_a_proxy),
        TEST(what_is_wrong_is_named), TEST(one_url_may_be_all),
    };

    return cmocka_run_group_tests(tests, create_pool, destroy_pool);
}
