/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel.h: the CONNECT that is written, what is left of its credentials, and
 * the responses that open the tunnel or do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tunnel.h"

static void assert_written(const struct pl_tunnel *t, const char *expected)
{
    struct pl_buf b = {0};
    const char *text = NULL;

    assert_int_equal(pl_tunnel_write(t, &b, &text), PL_OK);
    assert_null(text);
    assert_int_equal(b.len, strlen(expected));
    assert_memory_equal(b.data, expected, b.len);
    pl_tunnel_wipe(&b);
    assert_null(b.data);
}

static void a_request_names_the_server_twice(void **state)
{
    struct pl_tunnel t = {.host = PL_SPAN("a.example:443")};

    (void)state;
    assert_written(&t, "CONNECT a.example:443 HTTP/1.1\r\n"
                       "Host: a.example:443\r\n\r\n");
    t.host = PL_SPAN("[::1]:80");
    assert_written(&t, "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
}

/* RFC 7617 section 2, and RFC 4648 section 10. */
static void credentials_are_written_as_the_rfc_has_them(void **state)
{
    static const struct {
        const char *user, *password, *encoded;
    } rows[] = {
        {"Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"", "", "Og=="},
        {"a", "", "YTo="},
        {"a", "b", "YTpi"},
        {"a", "b:c", "YTpiOmM="},
        {"\xFF\xFE", "\xC2\xA3\xBF", "//46wqO/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_tunnel t = {.host = PL_SPAN("a:1"),
                              .user = pl_span_of(rows[i].user),
                              .password = pl_span_of(rows[i].password)};
        struct pl_buf expected = {0};

        pl_buf_printf(&expected,
                      "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n"
                      "Proxy-Authorization: Basic %s\r\n\r\n",
                      rows[i].encoded);
        pl_buf_put_byte(&expected, '\0');
        assert_written(&t, expected.data);
        pl_buf_fini(&expected);
    }
}

static void what_cannot_stand_in_a_request_is_refused(void **state)
{
    static const struct pl_tunnel rows[] = {
        {.host = {"a.example", 9}},
        {.host = {"a.example:", 10}},
        {.host = {"", 0}},
        {.host = {"a b:1", 5}},
        {.host = {"a\r\nB: c:1", 9}},
        {.host = {"::1:80", 6}},
        {.host = {"a:1", 3}, .user = {"a:b", 3}},
        {.host = {"a:1", 3}, .user = {"a\r\n", 3}},
        {.host = {"a:1", 3}, .user = {"a", 1}, .password = {"b\0", 2}},
    };
    static char long_one[PL_TUNNEL_CREDENTIALS_MAX];
    struct pl_tunnel t = {.host = PL_SPAN("a:1")};
    struct pl_buf b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = NULL;

        assert_int_equal(pl_tunnel_write(&rows[i], &b, &text), PL_EINVAL);
        assert_non_null(text);
        assert_int_equal(b.len, 0);
    }
    memset(long_one, 'x', sizeof long_one);
    t.user = (struct pl_span){long_one, sizeof long_one};
    const char *text = NULL;
    assert_int_equal(pl_tunnel_write(&t, &b, &text), PL_OK);
    pl_tunnel_wipe(&b);
    t.password = PL_SPAN("y");
    assert_int_equal(pl_tunnel_write(&t, &b, &text), PL_EINVAL);
}

/* The memory is looked at as it is given back: realloc() and free() are
 * replaced by the linker. */
void *__real_realloc(void *old, size_t size);
void __real_free(void *old);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static struct pl_buf *watched;
static unsigned moves, dirty;

static void look(const void *old)
{
    if (watched == NULL || old == NULL || old != watched->data)
        return;
    moves++;
    for (size_t i = 0; i < watched->cap; i++)
        dirty += watched->data[i] != 0;
}

void *__wrap_realloc(void *old, size_t size)
{
    look(old);
    return __real_realloc(old, size);
}

void __wrap_free(void *old)
{
    look(old);
    __real_free(old);
}

static void no_credentials_are_left_in_memory(void **state)
{
    struct pl_tunnel t = {.host = PL_SPAN("a.example:443"),
                          .user = PL_SPAN("a user with a long name"),
                          .password = PL_SPAN("and a password as long")};
    struct pl_buf b = {0};
    const char *text;

    (void)state;
    moves = dirty = 0;
    watched = &b;
    assert_int_equal(pl_tunnel_write(&t, &b, &text), PL_OK);
    assert_int_equal(moves, 0);
    b.len = 1; /* the rest is sent */
    pl_tunnel_wipe(&b);
    watched = NULL;
    assert_int_equal(moves, 1);
    assert_int_equal(dirty, 0);
}

static enum pl_err answer(struct pl_span response, struct pl_http_failure *why)
{
    for (size_t len = 0; len < response.len; len++) {
        enum pl_err err =
            pl_tunnel_read((struct pl_span){response.at, len}, why);

        if (err != PL_EAGAIN)
            return len == response.len - 1 ? err : PL_EIO; /* too early */
    }
    return pl_tunnel_read(response, why);
}

static void a_status_of_2xx_opens_the_tunnel(void **state)
{
    static const char *const rows[] = {
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299\r\n\r\n",
        /* ignored, RFC 9110 section 9.3.6 */
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    struct pl_http_failure why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(answer(pl_span_of(rows[i]), &why), PL_OK);
}

static void any_other_answer_of_a_proxy_is_a_refusal(void **state)
{
    static const struct {
        const char *response;
        enum pl_err err;
        int status;
        const char *text, *what;
    } rows[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\n"
         "Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
         PL_EDENIED, 407, "the proxy asks for other credentials",
         "Proxy Authentication Required"},
        {"HTTP/1.1 502 Bad Gateway\r\n\r\n", PL_EDENIED, 502,
         "the proxy did not open the tunnel", "Bad Gateway"},
        {"HTTP/1.1 300 Choose\r\nLocation: /\r\n\r\n", PL_EDENIED, 300,
         "the proxy did not open the tunnel", "Choose"},
        {"HTTP/1.1 101 Switching\r\n\r\n", PL_EDENIED, 101,
         "the proxy did not open the tunnel", "Switching"},
        {"HTTP/1.1 200 OK\r\n\r\n\x15", PL_EBADMSG, 200,
         "the proxy sent bytes after it opened the tunnel", ""},
        {"X", PL_EBADMSG, 0, "this is not an HTTP response", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_span response = pl_span_of(rows[i].response);
        struct pl_http_failure why = {0};

        assert_int_equal(pl_tunnel_read(response, &why), rows[i].err);
        assert_string_equal(why.text, rows[i].text);
        assert_int_equal(why.status, rows[i].status);
        assert_int_equal(why.what.len, strlen(rows[i].what));
        if (why.what.len > 0)
            assert_memory_equal(why.what.at, rows[i].what, why.what.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_names_the_server_twice),
        cmocka_unit_test(credentials_are_written_as_the_rfc_has_them),
        cmocka_unit_test(what_cannot_stand_in_a_request_is_refused),
        cmocka_unit_test(no_credentials_are_left_in_memory),
        cmocka_unit_test(a_status_of_2xx_opens_the_tunnel),
        cmocka_unit_test(any_other_answer_of_a_proxy_is_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
