/* SPDX-License-Identifier: Apache-2.0 */
/* test_ip.c - one form for each host, and networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "ip.h"

static struct pl_ip ip_of(const char *text)
{
    struct pl_ip ip;

    if (!pl_ip_parse(&ip, pl_span_of(text)))
        fail_msg("%s is no address", text);
    return ip;
}

static void an_address_is_read_and_written(void **state)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::1", "::1"},
        {"2001:DB8:0:0::A", "2001:db8::a"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    char text[PL_IP_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_ip ip = ip_of(rows[i][0]);

        pl_ip_format(&ip, text);
        assert_string_equal(text, rows[i][1]);
        assert_int_equal(pl_ip_is_four(&ip), strchr(rows[i][1], ':') == NULL);
    }
}

static void what_is_no_address_leaves_the_result_alone(void **state)
{
    static const char *const bad[] = {
        "",
        "a",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:80",
        "[::1]",
        ":::",
        "fe80::1%eth0",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7:8:9",
        "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.255.255",
    };
    struct pl_ip before = ip_of("192.0.2.7"), ip = before;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pl_ip_parse(&ip, pl_span_of(bad[i])))
            fail_msg("%s passed as an address", bad[i]);
    assert_false(pl_ip_parse(&ip, PL_SPAN("1.2.3.4\0")));
    assert_true(pl_ip_equal(&ip, &before));
}

static void a_socket_of_either_family_gives_the_same_host(void **state)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct pl_ip zero = {{0}};

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &four.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &six.sin6_addr),
                     1);
    struct pl_ip a = pl_ip_of_socket((struct sockaddr *)&four);
    struct pl_ip b = pl_ip_of_socket((struct sockaddr *)&six);
    struct pl_ip none = pl_ip_of_socket(&other);
    assert_true(pl_ip_equal(&a, &b));
    assert_true(pl_ip_equal(&none, &zero));
}

static void a_network_has_the_addresses_of_its_bits(void **state)
{
    static const struct {
        const char *net, *ip;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "::a00:1", false},
        {"192.0.2.0/25", "192.0.2.127", true},
        {"192.0.2.0/25", "192.0.2.128", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.9", true},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::1", "127.0.0.1", false},
        {"::ffff:10.0.0.0/104", "10.9.9.9", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_ip_net net;
        struct pl_ip ip = ip_of(rows[i].ip);

        assert_true(pl_ip_net_parse(&net, pl_span_of(rows[i].net)));
        if (pl_ip_is_in(&ip, &net, 1) != rows[i].has)
            fail_msg("%s in %s", rows[i].ip, rows[i].net);
        assert_false(pl_ip_is_in(&ip, &net, 0));
    }
}

static void what_is_no_network_leaves_the_result_alone(void **state)
{
    static const char *const bad[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0.0/08",
        "10.0.0.0/-1",
        "10.0.0.0/8a",
        "::/129",
        "::1/127",
        "10/8",
        "10.0.0.0/8/8",
        "::ffff:10.0.0.0/8",
        "10.0.0.0/1000",
    };
    struct pl_ip_net net = {.bits = 99};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pl_ip_net_parse(&net, pl_span_of(bad[i])))
            fail_msg("%s passed as a network", bad[i]);
    assert_int_equal(net.bits, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_written),
        cmocka_unit_test(what_is_no_address_leaves_the_result_alone),
        cmocka_unit_test(a_socket_of_either_family_gives_the_same_host),
        cmocka_unit_test(a_network_has_the_addresses_of_its_bits),
        cmocka_unit_test(what_is_no_network_leaves_the_result_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
