/* SPDX-License-Identifier: Apache-2.0 */
/* url.h: what is read from a URL, and where an error in it is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "host.h"
#include "url.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static void assert_span(struct pl_span s, const char *expected)
{
    if (expected == NULL) {
        assert_null(s.at);
        return;
    }
    assert_non_null(s.at);
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.at, expected, s.len);
}

static void a_url_has_a_host_a_port_a_path_and_a_query(void **state)
{
    static const struct {
        const char *text;
        enum pl_url_host kind;
        const char *name, *host, *path, *query;
        uint16_t port;
        bool is_tls;
    } rows[] = {
        {"ws://a.example", PL_URL_NAME, "a.example", "a.example", "/", NULL, 80,
         false},
        {"wss://a.example", PL_URL_NAME, "a.example", "a.example", "/", NULL,
         443, true},
        {"WsS://A-b.Example/", PL_URL_NAME, "A-b.Example", "A-b.Example", "/",
         NULL, 443, true},
        {"ws://a:8000/c/w?x=1&y=/?", PL_URL_NAME, "a", "a:8000", "/c/w",
         "x=1&y=/?", 8000, false},
        {"ws://a:80/", PL_URL_NAME, "a", "a", "/", NULL, 80, false},
        {"wss://a:80/", PL_URL_NAME, "a", "a:80", "/", NULL, 80, true},
        {"wss://a:443?", PL_URL_NAME, "a", "a", "/", "", 443, true},
        {"ws://a:?x", PL_URL_NAME, "a", "a", "/", "x", 80, false},
        {"ws://a:65535", PL_URL_NAME, "a", "a:65535", "/", NULL, 65535, false},
        {"ws://a_b.c.", PL_URL_NAME, "a_b.c.", "a_b.c.", "/", NULL, 80, false},
        {"ws://1a.2b", PL_URL_NAME, "1a.2b", "1a.2b", "/", NULL, 80, false},
        {"ws://0xg.f00/", PL_URL_NAME, "0xg.f00", "0xg.f00", "/", NULL, 80,
         false},
        {"ws://127.0.0.1:1/@:", PL_URL_IPV4, "127.0.0.1", "127.0.0.1:1",
         "/@:", NULL, 1, false},
        {"ws://[::1]", PL_URL_IPV6, "::1", "[::1]", "/", NULL, 80, false},
        {"ws://[2001:db8::1.2.3.4]:81/%20", PL_URL_IPV6, "2001:db8::1.2.3.4",
         "[2001:db8::1.2.3.4]:81", "/%20", NULL, 81, false},
        {"ws://" A60 "aaa/", PL_URL_NAME, A60 "aaa", A60 "aaa", "/", NULL, 80,
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_url url;
        struct pl_url_error error;
        struct pl_span name, port;

        if (pl_url_read(pl_span_of(rows[i].text), &url, &error) != PL_OK)
            fail_msg("%s at %zu of %s", error.text, error.at, rows[i].text);
        assert_int_equal(url.kind, rows[i].kind);
        assert_span(url.name, rows[i].name);
        assert_span(url.host, rows[i].host);
        assert_span(url.path, rows[i].path);
        assert_span(url.query, rows[i].query);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.is_tls, rows[i].is_tls);
        assert_true(pl_host_split(url.host, &name, &port));
    }
}

struct wrong {
    const char *text;
    size_t at;
    const char *error;
};

static void check_wrong(const struct wrong *rows, size_t count,
                        enum pl_err (*read)(struct pl_span text,
                                            struct pl_url *out,
                                            struct pl_url_error *error))
{
    for (size_t i = 0; i < count; i++) {
        struct pl_url url;
        struct pl_url_error error = {NULL, 99};

        assert_int_equal(read(pl_span_of(rows[i].text), &url, &error),
                         PL_EINVAL);
        if (error.at != rows[i].at || strcmp(error.text, rows[i].error) != 0)
            fail_msg("\"%s\" at %zu, not \"%s\" at %zu, of %s", error.text,
                     error.at, rows[i].error, rows[i].at, rows[i].text);
    }
}
#define CHECK_WRONG(rows, read)                                                \
    check_wrong(rows, sizeof(rows) / sizeof *(rows), read)

static void an_error_names_its_place(void **state)
{
    static const struct wrong rows[] = {
        {"", 0, "the URL is empty"},
        {"a.example", 0, "the URL must begin with ws:// or wss://"},
        {"http://a", 0, "the URL must begin with ws:// or wss://"},
        {"://a", 0, "the URL must begin with ws:// or wss://"},
        {"ws:/a", 0, "the URL must begin with ws:// or wss://"},
        {"wsx://a", 0, "the URL must begin with ws:// or wss://"},
        {"ws://", 5, "the host is missing"},
        {"ws:///a", 5, "the host is missing"},
        {"ws://?a", 5, "the host is missing"},
        {"ws://:80/", 5, "the host is missing"},
        {"ws://a/#b", 7, "a fragment is not allowed"},
        {"ws://a#", 6, "a fragment is not allowed"},
        {"ws://u:secret@a/", 5, "a user or password is not allowed in the URL"},
        {"ws://@a/", 5, "a user or password is not allowed in the URL"},
        {"ws://a:80@b", 5, "a user or password is not allowed in the URL"},
        {"ws://a\\b/", 6, "a host has no such character"},
        {"ws://a%2eb/", 6, "a host has no such character"},
        {"ws://a,b/", 6, "a host has no such character"},
        {"ws://::1/", 5, "the host is missing"},
        {"ws://a..b/", 7, "a part of the host is empty"},
        {"ws://.a/", 5, "a part of the host is empty"},
        {"ws://./", 5, "a part of the host is empty"},
        {"ws://a../", 7, "a part of the host is empty"},
        {"ws://b." A60 "aaaa/", 7, "a part of the host is too long"},
        {"ws://" A60 "." A60 "." A60 "." A60 ".aaaaaaaaaa/", 5,
         "the host is too long"},
    };

    (void)state;
    CHECK_WRONG(rows, pl_url_read);
}

static void an_error_in_an_address_or_a_port_names_its_place(void **state)
{
    static const struct wrong rows[] = {
        {"ws://127.1/", 5, "an IPv4 address is not four numbers"},
        {"ws://2130706433/", 5, "an IPv4 address is not four numbers"},
        {"ws://0x7f.1/", 5, "an IPv4 address is not four numbers"},
        {"ws://a.0X1f/", 5, "an IPv4 address is not four numbers"},
        {"ws://a.0x/", 5, "an IPv4 address is not four numbers"},
        {"ws://1.2.3.256/", 5, "an IPv4 address is not four numbers"},
        {"ws://1.2.3.04/", 5, "an IPv4 address is not four numbers"},
        {"ws://1.2.3.4./", 5, "an IPv4 address is not four numbers"},
        {"ws://[::1/", 5, "a \"]\" is missing"},
        {"ws://[::1]a", 10, "a port begins with a colon"},
        {"ws://[]/", 6, "this is not an IPv6 address"},
        {"ws://[::1%25eth0]/", 6, "this is not an IPv6 address"},
        {"ws://[1.2.3.4]/", 6, "this is not an IPv6 address"},
        {"ws://[v1.x]/", 6, "this is not an IPv6 address"},
        {"ws://a:b/", 7, "a port is a number"},
        {"ws://a:8:0/", 8, "a port is a number"},
        {"ws://a:-1/", 7, "a port is a number"},
        {"ws://a:0/", 7, "a port is a number from 1 to 65535"},
        {"ws://a:080/", 7, "a port is a number from 1 to 65535"},
        {"ws://a:65536/", 7, "a port is a number from 1 to 65535"},
        {"ws://a:4294967376/", 7, "a port is a number from 1 to 65535"},
    };

    (void)state;
    CHECK_WRONG(rows, pl_url_read);
}

static void every_byte_that_is_not_visible_ascii_is_found(void **state)
{
    static const size_t places[] = {0, 3, 6, 9, 12, 13};

    (void)state;
    for (unsigned c = 0; c < 256; c++)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            char text[] = "ws://ab:1/cd?e";
            struct pl_url url;
            struct pl_url_error error = {NULL, 99};
            bool wrong = c <= ' ' || c > '~' || c == '#';

            text[places[i]] = (char)c;
            enum pl_err err = pl_url_read(
                (struct pl_span){text, sizeof text - 1}, &url, &error);
            if (wrong) {
                assert_int_equal(err, PL_EINVAL);
                assert_int_equal(error.at, places[i]);
            } else if (places[i] >= 11) {
                assert_int_equal(err, PL_OK);
            }
        }
}

static void a_url_without_end_is_refused_at_its_limit(void **state)
{
    struct pl_buf b = {0};
    struct pl_url url;
    struct pl_url_error error;

    (void)state;
    pl_buf_put_span(&b, PL_SPAN("ws://a/"));
    while (b.len < PL_URL_MAX)
        pl_buf_put_byte(&b, 'x');
    assert_int_equal(pl_url_read(pl_buf_span(&b), &url, &error), PL_OK);
    pl_buf_put_byte(&b, 'x');
    assert_int_equal(pl_url_read(pl_buf_span(&b), &url, &error), PL_EINVAL);
    assert_string_equal(error.text, "the URL is too long");
    assert_int_equal(error.at, PL_URL_MAX);
    assert_int_equal(pl_url_read((struct pl_span){NULL, 0}, &url, &error),
                     PL_EINVAL);
    pl_buf_fini(&b);
}

static void a_proxy_may_have_credentials_and_no_path(void **state)
{
    static const struct {
        const char *text, *host, *user, *password;
        uint16_t port;
    } rows[] = {
        {"http://p.example:3128", "p.example:3128", NULL, NULL, 3128},
        {"HTTP://p/", "p", NULL, NULL, 80},
        {"http://u:w@[::1]:8080/", "[::1]:8080", "u", "w", 8080},
        {"http://u@p", "p", "u", NULL, 80},
        {"http://u:@p", "p", "u", "", 80},
        {"http://:w:x@p", "p", "", "w:x", 80},
        {"http://@p", "p", "", NULL, 80},
        {"http://a%40b:%3A@p", "p", "a%40b", "%3A", 80},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_url url;
        struct pl_url_error error;

        if (pl_url_read_proxy(pl_span_of(rows[i].text), &url, &error) != PL_OK)
            fail_msg("%s at %zu of %s", error.text, error.at, rows[i].text);
        assert_span(url.host, rows[i].host);
        assert_span(url.user, rows[i].user);
        assert_span(url.password, rows[i].password);
        assert_int_equal(url.port, rows[i].port);
        assert_false(url.is_tls);
    }
}

static void an_error_in_the_url_of_a_proxy_names_its_place(void **state)
{
    static const struct wrong rows[] = {
        {"https://p", 0, "the URL must begin with http://"},
        {"ws://p", 0, "the URL must begin with http://"},
        {"socks5://p", 0, "the URL must begin with http://"},
        {"p:3128", 0, "the URL must begin with http://"},
        {"http://u:w@", 11, "the host is missing"},
        {"http://u:w@p@q", 12, "a host has no such character"},
        {"http://p/x", 8, "the URL of a proxy has no path"},
        {"http://p?x", 8, "the URL of a proxy has no path"},
        {"http://p/#", 9, "a fragment is not allowed"},
    };

    (void)state;
    CHECK_WRONG(rows, pl_url_read_proxy);
}

static void percent_signs_are_decoded_once(void **state)
{
    static const struct {
        const char *encoded, *decoded; /* NULL: malformed */
    } rows[] = {
        {"", ""},         {"abc", "abc"}, {"a%40b%3a", "a@b:"},
        {"%2541", "%41"}, {"%", NULL},    {"a%4", NULL},
        {"%4g", NULL},    {"%g4", NULL},  {"%%41", NULL},
    };
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = pl_url_decode(pl_span_of(rows[i].encoded), out);

        if (rows[i].decoded == NULL) {
            assert_true(len == SIZE_MAX);
            continue;
        }
        assert_int_equal(len, strlen(rows[i].decoded));
        assert_memory_equal(out, rows[i].decoded, len);
    }
    assert_int_equal(pl_url_decode(PL_SPAN("%00%ff"), out), 2);
    assert_memory_equal(out, "\x00\xFF", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_has_a_host_a_port_a_path_and_a_query),
        cmocka_unit_test(an_error_names_its_place),
        cmocka_unit_test(an_error_in_an_address_or_a_port_names_its_place),
        cmocka_unit_test(every_byte_that_is_not_visible_ascii_is_found),
        cmocka_unit_test(a_url_without_end_is_refused_at_its_limit),
        cmocka_unit_test(a_proxy_may_have_credentials_and_no_path),
        cmocka_unit_test(an_error_in_the_url_of_a_proxy_names_its_place),
        cmocka_unit_test(percent_signs_are_decoded_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
