/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_errors.c - what is refused, and that it says where and why. */
#include "config_support.h"

static void an_unknown_key_is_named_with_file_and_line(void **state)
{
    (void)state;
    assert_refused("# demo\n"
                   "websocket:\n"
                   "  path: /ws\n"
                   "\n"
                   "  max_mesage: 64KiB\n",
                   NULL,
                   "t.yaml:5: websocket.max_mesage: unknown key; did you mean "
                   "websocket.max_message?\n");
    assert_refused("loop: 3\n", NULL,
                   "t.yaml:1: loop: unknown key; did you mean loops?\n");
    assert_refused("web:\n  path: /ws\n", NULL, "t.yaml:1: web: unknown key\n");
    assert_refused("", SETS("websocket.paht=/x"),
                   "--set websocket.paht: unknown key; did you mean "
                   "websocket.path?\n");
    assert_refused("", SETS("Loops=3"),
                   "--set Loops: unknown key; did you mean loops?\n");
    assert_refused("", SETS("=3"), "--set: unknown key\n");
}

static void an_unknown_key_cannot_write_to_the_terminal(void **state)
{
    (void)state;
    assert_refused("\"a\\e[2J b\": 3\n", NULL,
                   "t.yaml:1: a?[2J?b: unknown key\n");
}

static void a_dotted_key_in_a_file_gets_a_hint(void **state)
{
    (void)state;
    assert_refused("loops: 2\nwebsocket.path: /ws\n", NULL,
                   "t.yaml:2: websocket.path: is for --set; here it goes "
                   "below its section\n");
}

static void a_key_given_twice_is_named_at_its_second_place(void **state)
{
    (void)state;
    assert_refused("websocket:\n  path: /a\n\n  path: /b\n", NULL,
                   "t.yaml:4: websocket.path: given twice\n");
}

static void a_personal_channel_has_a_namespace_that_exists(void **state)
{
    (void)state;
    assert_refused("channels:\n"
                   "  personal: true\n"
                   "  personal_namespace: own\n"
                   "namespaces: [{name: owns}]\n",
                   NULL,
                   "t.yaml:3: channels.personal_namespace: is the name of none "
                   "of the namespaces\n");
}

static void a_namespace_is_named_by_the_line_of_its_fault(void **state)
{
    (void)state;
    assert_refused("namespaces:\n"
                   "  - name: good\n"
                   "  - presence: true\n"
                   "    name: 'a b'\n",
                   NULL,
                   "t.yaml:4: namespaces[2].name: must be 2 to 200 letters, "
                   "digits, '-', '_' or '.'\n");
    assert_refused("namespaces:\n"
                   "  - name: good\n"
                   "  - presence: true\n",
                   NULL, "t.yaml:3: namespaces[2].name: is missing\n");
    assert_refused("", SETS("namespaces=[{name: a}]"),
                   "--set namespaces[1].name: must be 2 to 200 "
                   "letters, digits, '-', '_' or '.'\n");
}

static void a_bad_pattern_is_named_with_its_place(void **state)
{
    (void)state;
    assert_refused("channels:\n"
                   "  presence: true\n"
                   "  name_regex: 'a[b'\n",
                   NULL,
                   "t.yaml:3: channels.name_regex: is no regular expression: "
                   "missing terminating ] for character class, at byte 3\n");
    assert_refused("namespaces:\n"
                   "  - name: good\n"
                   "    name_regex: '^(a'\n",
                   NULL,
                   "t.yaml:3: namespaces[1].name_regex: is no regular "
                   "expression: missing closing parenthesis, at byte 3\n");
    /* larger than the library compiles */
    assert_refused("",
                   SETS("channels.name_regex=((((a{999}){999}){999}){999})"),
                   "--set channels.name_regex: is no regular expression: "
                   "regular expression is too large, at byte 29\n");
}

static void a_wrong_type_is_named_with_the_right_one(void **state)
{
    (void)state;
    assert_refused("loops: [3]\n", NULL, "t.yaml:1: loops: must be: number\n");
    assert_refused("ping:\n  interval:\n    s: 3\n", NULL,
                   "t.yaml:2: ping.interval: must be: duration\n");
    assert_refused("ping: 3\n", NULL,
                   "t.yaml:1: ping: must be a section: keys and values\n");
    assert_refused("", SETS("listen=127.0.0.1:8000"),
                   "--set listen: must be: list of host:port\n");
    assert_refused("listen: [[127.0.0.1:1]]\n", NULL,
                   "t.yaml:1: listen: must be: list of host:port\n");
    assert_refused("- loops\n", NULL,
                   "t.yaml: must be a section: keys and values\n");
}

static void a_bad_value_is_named_with_what_would_be_good(void **state)
{
    static const struct {
        const char *set, *why;
    } bad[] = {
        {"loops=x", "`x` is not a whole number"},
        {"loops=-1", "`-1` is not a whole number"},
        {"loops=0x10", "`0x10` is not a whole number"},
        {"loops=1.5", "`1.5` is not a whole number"},
        {"loops=65", "must be from 0 to 64"},
        {"loops=99999999999999999999", "must be from 0 to 64"},
        {"loops=", "`` is not a whole number"},
        {"websocket.echo=yes", "`yes` is not true or false"},
        {"channels.allow_publish=some",
         "`some` is not none, authenticated or all"},
        {"channels.data=xml",
         "`xml` is not json, json_object, not_empty or binary"},
        {"log.level=loud", "`loud` is not debug, info, warn or error"},
        {"ping.interval=25",
         "`25` is not a duration; as 500ms, 10s, 5m or 1h, or 0"},
        {"ping.interval=1.5s",
         "`1.5s` is not a duration; as 500ms, 10s, 5m or 1h, or 0"},
        {"ping.interval=5d",
         "`5d` is not a duration; as 500ms, 10s, 5m or 1h, or 0"},
        {"ping.interval=18446744073709551615h", "must be from 0 to 8784h"},
        {"connect.timeout=0", "must be from 1ms to 8784h"},
        {"connect.headers=[Cookie, 'X:']",
         "item 2 must be the name of a header, as Cookie"},
        {"websocket.max_message=64",
         "`64` is not a size; as 512B, 64KiB, 1MiB or 2GB, or 0"},
        {"websocket.max_message=64K",
         "`64K` is not a size; as 512B, 64KiB, 1MiB or 2GB, or 0"},
        {"websocket.max_message=0", "must be from 1KiB to 1GiB"},
        {"websocket.max_message=2GiB", "must be from 1KiB to 1GiB"},
        {"limits.memory=0", "must be from 1MiB to 1048576GiB"},
        {"limits.memory=0%", "`0%` is not a size; as 512MiB or 2GiB, or a "
                             "percentage from 1% to 100%, or auto, or off"},
        {"limits.memory=101%", "`101%` is not a size; as 512MiB or 2GiB, or a "
                               "percentage from 1% to 100%, or auto, or off"},
        {"limits.memory=50 %", "`50 %` is not a size; as 512MiB or 2GiB, or a "
                               "percentage from 1% to 100%, or auto, or off"},
        {"limits.memory=much", "`much` is not a size; as 512MiB or 2GiB, or a "
                               "percentage from 1% to 100%, or auto, or off"},
        {"limits.memory=-1", "`-1` is not a size; as 512MiB or 2GiB, or a "
                             "percentage from 1% to 100%, or auto, or off"},
        {"limits.memory=512", "`512` is not a size; as 512MiB or 2GiB, or a "
                              "percentage from 1% to 100%, or auto, or off"},
        {"limits.history=auto", "`auto` is not a size; as 512MiB or 2GiB, or a "
                                "percentage from 1% to 100%, or off"},
        {"limits.history=1023B", "must be from 1KiB to 1048576GiB"},
        {"listen=[]", "must name one address or more"},
        {"listen=[8000]", "`8000` is not host:port"},
        {"listen_tls=[8443]", "`8443` is not host:port"},
        {"listen_tls=[127.0.0.1:8443]", "needs tls.certificate and tls.key"},
        {"tls.key=[a.key, b.key]", "2 keys for 0 certificates"},
        {"tls.ticket_rotation=59s", "must be from 1m to 84h"},
        {"listen=[127.0.0.1:65536]",
         "`127.0.0.1:65536` is not host:port with a port from 0 to 65535"},
        {"listen=['127.0.0.1:']",
         "`127.0.0.1:` is not host:port with a port from 0 to 65535"},
        {"listen=[example.org:80]",
         "`example.org:80` is not host:port with a numeric host; as "
         "127.0.0.1:8000, 0.0.0.0:8000 or [::1]:8000"},
        {"listen=['::1:80']",
         "`::1:80` is not host:port with a numeric host; as "
         "127.0.0.1:8000, 0.0.0.0:8000 or [::1]:8000"},
        {"listen=[127.0.0.1:5, 127.0.0.1:5]", "127.0.0.1:5 is there twice"},
        {"listen=[127.0.0.1:8001]",
         "127.0.0.1:8001 is already used by admin.listen"},
        {"websocket.path=ws",
         "must begin with / and be up to 255 plain characters"},
        {"websocket.path=/a b",
         "must begin with / and be up to 255 plain characters"},
        {"websocket.path=/a?b",
         "must begin with / and be up to 255 plain characters"},
        {"websocket.path=", "needs a value; leave the key out to unset it"},
        {"websocket.allowed_origins=[chat.example.org]",
         "item 1 must be *, or as https://chat.example.org:8443, without a "
         "path"},
        {"websocket.allowed_origins=['*', 'http://a/']",
         "item 2 must be *, or as https://chat.example.org:8443, without a "
         "path"},
        {"websocket.allowed_hosts=['https://chat.example.org']",
         "item 1 must be as chat.example.org, *.example.org:8443 or [::1], "
         "without a scheme"},
        {"websocket.allowed_hosts=['*', 'a:']",
         "item 2 must be as chat.example.org, *.example.org:8443 or [::1], "
         "without a scheme"},
        {"websocket.allowed_hosts=['*:8000', '[::1]:*', 'a:x']",
         "item 3 must be as chat.example.org, *.example.org:8443 or [::1], "
         "without a scheme"},
        {"websocket.allowed_hosts=['::1']",
         "item 1 must be as chat.example.org, *.example.org:8443 or [::1], "
         "without a scheme"},
        {"proxy.trusted=[10.0.0.0/33]",
         "`10.0.0.0/33` is not a network; as 10.0.0.0/8, 2001:db8::/32 or "
         "192.0.2.1"},
        {"proxy.trusted=[10.0.0.1/8]",
         "`10.0.0.1/8` is not a network; as 10.0.0.0/8, 2001:db8::/32 or "
         "192.0.2.1"},
        {"proxy.protocol=true",
         "needs proxy.trusted: the proxies that send it"},
        {"proxy.header=via", "`via` is not x-forwarded-for or forwarded"},
        {"limits.connection_channels=0", "must be from 1 to 1000000"},
        {"ping.timeout=25s", "must be less than ping.interval"},
        {"ping.interval=1ms", "must be 0, or 2ms or more"},
        {"api.key=null", "needs a value; leave the key out to unset it"},
        {"auth.hmac_secret=~", "needs a value; leave the key out to unset it"},
        {"auth.rsa_public_key=x",
         "it is not a public key in PEM: -----BEGIN PUBLIC KEY-----"},
        {"auth.eddsa_public_key=x",
         "it is not a public key in PEM: -----BEGIN PUBLIC KEY-----"},
    };
    char report[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(report, sizeof(report), "--set %.*s: %s\n",
                 (int)strcspn(bad[i].set, "="), bad[i].set, bad[i].why);
        assert_refused("", SETS(bad[i].set), report);
    }
}

static void values_that_contradict_one_another_are_refused(void **state)
{
    (void)state;
    assert_refused("websocket:\n  max_message: 2MiB\n"
                   "limits:\n  outgoing_queue: 1MiB\n",
                   NULL,
                   "t.yaml:2: websocket.max_message: must not be larger than "
                   "limits.outgoing_queue\n");
    assert_refused("ping:\n  interval: 5s\n  timeout: 5s\n", NULL,
                   "t.yaml:3: ping.timeout: must be less than "
                   "ping.interval\n");
    assert_refused("tls: {certificate: [a.pem], key: []}\n", NULL,
                   "t.yaml:1: tls.key: 0 keys for 1 certificates\n");
    assert_refused(
        "listen: ['127.0.0.1:5']\nlisten_tls: ['127.0.0.1:5']\n"
        "tls: {certificate: [a], key: [b]}\n",
        NULL, "t.yaml:2: listen_tls: 127.0.0.1:5 is already used by listen\n");
    assert_refused("websocket:\n  echo: true\n  path: /echo\n", NULL,
                   "t.yaml:3: websocket.path: /echo is websocket.echo's\n");
}

static void all_bad_values_are_reported_at_once(void **state)
{
    (void)state;
    assert_refused("loops: x\nping:\n  interval: 3\n", SETS("websocket.echo=1"),
                   "t.yaml:1: loops: `x` is not a whole number\n"
                   "--set websocket.echo: `1` is not true or false\n"
                   "t.yaml:3: ping.interval: `3` is not a duration; as 500ms, "
                   "10s, 5m or 1h, or 0\n");
}

static void broken_yaml_is_named_with_its_line(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "loops: 3\nping: [\n", true, NULL);
    assert_int_equal(l.rc, PL_EINVAL);
    assert_ptr_equal(strstr(l.report, "t.yaml:3: "), l.report);
    load(&l, "", true, SETS("listen=[127.0.0.1:1"));
    assert_int_equal(l.rc, PL_EINVAL);
    assert_ptr_equal(strstr(l.report, "--set listen: "), l.report);
}

static void yaml_that_no_configuration_needs_is_refused(void **state)
{
    (void)state;
    assert_refused("loops: &n 3\nlimits: {channels: *n}\n", NULL,
                   "t.yaml:2: aliases are not supported\n");
    assert_refused("loops: 3\n---\nloops: 4\n", NULL,
                   "t.yaml:2: more than one document\n");
    assert_refused("? [a]\n: b\n", NULL, "t.yaml:1: a key must be a word\n");
    assert_refused("loops: \"3\\0\"\n", NULL,
                   "t.yaml:1: a NUL byte in a value\n");
    assert_refused("a: [[[[[[[[[[1]]]]]]]]]]\n", NULL,
                   "t.yaml:1: nested too deeply\n");
}

static void insecure_refuses_other_than_loopback_whoever_says_it(void **state)
{
    (void)state;
    assert_refused("listen:\n  - 127.0.0.1:1\n  - 0.0.0.0:2\n", NULL,
                   "t.yaml:1: listen: 0.0.0.0:2 is not a loopback address, "
                   "and --insecure allows no other\n");
    assert_refused("", SETS("admin.listen=10.0.0.1:2"),
                   "--set admin.listen: 10.0.0.1:2 is not a loopback address, "
                   "and --insecure allows no other\n");
}

static void an_open_api_is_on_loopback_only(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "auth: {anonymous: true}\napi: {open: true}\nlisten: [0.0.0.0:2]",
         false, NULL);
    assert_int_equal(l.rc, PL_EINVAL);
    assert_string_equal(l.report,
                        "t.yaml:3: listen: 0.0.0.0:2 is not a loopback "
                        "address, and api.open allows no other\n");
}

static void without_a_way_to_authenticate_it_says_how_to_get_one(void **state)
{
    static const char why[] =
        "clients have no way to authenticate: set auth.hmac_secret for "
        "tokens, or auth.anonymous to let everybody in, or try --insecure on "
        "loopback\n";
    struct loaded l;

    (void)state;
    load(&l, "", false, NULL);
    assert_int_equal(l.rc, PL_EINVAL);
    assert_string_equal(l.report, why);
    load(&l, "", true, SETS("auth.anonymous=false"));
    assert_int_equal(l.rc, PL_EINVAL);
    assert_string_equal(l.report, why);
}

static void no_finding_shows_a_secret(void **state)
{
    static const char *const yaml[] = {
        "auth:\n  hmac_secret: {ossifrage: 1}\n",
        "auth:\n  hmac_secret: [ossifrage]\n",
        "auth:\n  hmac_secret: ossifrage\nloops: x\n",
        "auth:\n  hmac_secret: &x ossifrage\napi:\n  key: *x\n",
        "auth:\n  hmac_secret: \"ossifrage\n",
        "auth:\n  hmac_secret: ossifrage: y\n",
        "auth:\n  eddsa_public_key: ossifrage\n",
        "api:\n  key: @ossifrage\n",
        "api:\n  key: \"ossifrage\\0\"\n",
        "api:\n  key: \"ossifrage\\q\"\n",
    };
    struct loaded l;

    (void)state;
    for (size_t i = 0; i < sizeof(yaml) / sizeof(yaml[0]); i++) {
        load(&l, yaml[i], true, NULL);
        assert_int_equal(l.rc, PL_EINVAL);
        assert_true(strlen(l.report) > 0);
        assert_null(strstr(l.report, "ossifrage"));
    }
    load(&l, "", true, SETS("auth.hmac_secret:ossifrage"));
    assert_string_equal(l.report, "--set: needs key=value, on one line\n");
    load(&l, "", true, SETS("api.key=a\nossifrage"));
    assert_string_equal(l.report,
                        "--set api.key: needs key=value, on one line\n");
}

static void a_socket_path_that_no_kernel_takes_is_refused(void **state)
{
    char set[160] = "admin.socket=/";

    (void)state;
    memset(set + 14, 'x', 120);
    assert_refused("", SETS(set),
                   "--set admin.socket: a socket's path has at most 107 "
                   "bytes\n");
}

static void every_unknown_key_is_reported_with_what_else_is_wrong(void **state)
{
    (void)state;
    assert_refused("xyz: 1\n"
                   "web:\n  path: /ws\n  more: {a: 1}\n"
                   "websocket:\n  paht: /x\n  echo: maybe\n  zzz: 1\n"
                   "loops: x\n"
                   "ping: 3\n"
                   "websocket:\n  deflate: true\n"
                   "limits: {channels: [1], chanels: 2}\n",
                   NULL,
                   "t.yaml:1: xyz: unknown key\n"
                   "t.yaml:2: web: unknown key\n"
                   "t.yaml:6: websocket.paht: unknown key; did you mean "
                   "websocket.path?\n"
                   "t.yaml:8: websocket.zzz: unknown key\n"
                   "t.yaml:10: ping: must be a section: keys and values\n"
                   "t.yaml:11: websocket: given twice\n"
                   "t.yaml:13: limits.channels: must be: number\n"
                   "t.yaml:13: limits.chanels: unknown key; did you mean "
                   "limits.channels?\n"
                   "t.yaml:9: loops: `x` is not a whole number\n"
                   "t.yaml:7: websocket.echo: `maybe` is not true or false\n");
}

static void a_key_that_is_one_letter_off_is_told_the_right_one(void **state)
{
    static const struct {
        const char *set, *near;
    } rows[] = {
        {"loop=1", "loops"},
        {"loopss=1", "loops"},
        {"loosp=1", "loops"},
        {"oops=1", "loops"},
        {"log.levl=info", "log.level"},
        {"websocket.echoo=1", "websocket.echo"},
        {"loopsies=1", NULL},
        {"log.lebels=info", NULL},
    };
    char report[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int len = (int)strcspn(rows[i].set, "=");

        if (rows[i].near == NULL)
            snprintf(report, sizeof report, "--set %.*s: unknown key\n", len,
                     rows[i].set);
        else
            snprintf(report, sizeof report,
                     "--set %.*s: unknown key; did you mean %s?\n", len,
                     rows[i].set, rows[i].near);
        assert_refused("", SETS(rows[i].set), report);
    }
}

static void an_ipv6_address_without_quotes_is_told_to_have_some(void **state)
{
    static const char why[] = "an IPv6 address needs quotes; as "
                              "\"[::1]:8000\"\n";
    static const char *const yaml[] = {
        "loops: 1\nlisten: [::1]:8000\n",
        "loops: 1\nlisten: [[::1]:8000]\n",
        "loops: 1\nlisten: [127.0.0.1:1, [2001:db8::1]:8000]\n",
        "admin:\n  listen: [::1]:8001\n",
        "listen:\n  - [::]:8000\n",
        "admin:\n  listen: [::1]\n",
    };
    struct loaded l;

    (void)state;
    for (size_t i = 0; i < sizeof yaml / sizeof yaml[0]; i++) {
        load(&l, yaml[i], true, NULL);
        assert_int_equal(l.rc, PL_EINVAL);
        if (strncmp(l.report, "t.yaml:2: ", 10) != 0 ||
            strstr(l.report, why) == NULL)
            fail_msg("%s: %s", yaml[i], l.report);
    }
    load(&l, "", true, SETS("listen=[::1]:8000"));
    assert_non_null(strstr(l.report, why));
    pl_settings_destroy(load_good("listen: ['[::1]:0', \"[::1]:0\"]\n", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_key_is_named_with_file_and_line),
        cmocka_unit_test(an_unknown_key_cannot_write_to_the_terminal),
        cmocka_unit_test(a_dotted_key_in_a_file_gets_a_hint),
        cmocka_unit_test(a_key_given_twice_is_named_at_its_second_place),
        cmocka_unit_test(a_personal_channel_has_a_namespace_that_exists),
        cmocka_unit_test(a_namespace_is_named_by_the_line_of_its_fault),
        cmocka_unit_test(a_bad_pattern_is_named_with_its_place),
        cmocka_unit_test(a_wrong_type_is_named_with_the_right_one),
        cmocka_unit_test(a_bad_value_is_named_with_what_would_be_good),
        cmocka_unit_test(values_that_contradict_one_another_are_refused),
        cmocka_unit_test(all_bad_values_are_reported_at_once),
        cmocka_unit_test(broken_yaml_is_named_with_its_line),
        cmocka_unit_test(yaml_that_no_configuration_needs_is_refused),
        cmocka_unit_test(insecure_refuses_other_than_loopback_whoever_says_it),
        cmocka_unit_test(an_open_api_is_on_loopback_only),
        cmocka_unit_test(without_a_way_to_authenticate_it_says_how_to_get_one),
        cmocka_unit_test(no_finding_shows_a_secret),
        cmocka_unit_test(a_socket_path_that_no_kernel_takes_is_refused),
        cmocka_unit_test(every_unknown_key_is_reported_with_what_else_is_wrong),
        cmocka_unit_test(a_key_that_is_one_letter_off_is_told_the_right_one),
        cmocka_unit_test(an_ipv6_address_without_quotes_is_told_to_have_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
