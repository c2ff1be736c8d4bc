/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_variables.c - settings from the environment. */
#include "config_support.h"

#include <ctype.h>

/* Load with --insecure. */
static void load_variables(struct loaded *l, const char *yaml,
                           const char *const *variables,
                           const char *const *sets)
{
    struct pl_config_source src = {.file = "t.yaml",
                                   .text = pl_span_of(yaml),
                                   .variables = variables,
                                   .sets = sets,
                                   .insecure = true};
    struct pl_buf report = {0};

    while (variables[src.variable_count] != NULL)
        src.variable_count++;
    while (sets != NULL && sets[src.set_count] != NULL)
        src.set_count++;
    l->config = NULL;
    l->rc = pl_settings_load(&l->config, &src, &report);
    snprintf(l->report, sizeof l->report, "%.*s", (int)report.len,
             report.data == NULL ? "" : report.data);
    pl_buf_fini(&report);
}

static struct pl_settings *load_good_variables(const char *const *variables)
{
    struct loaded l;

    load_variables(&l, "", variables, NULL);
    assert_string_equal(l.report, "");
    assert_int_equal(l.rc, PL_OK);
    return l.config;
}

static void assert_variable_refused(const char *variable, const char *report)
{
    struct loaded l;

    load_variables(&l, "", SETS(variable), NULL);
    assert_string_equal(l.report, report);
    assert_int_equal(l.rc, PL_EINVAL);
}

static void a_variable_wins_over_the_file_and_set_over_both(void **state)
{
    static const char yaml[] = "loops: 1\nwebsocket: {echo: false}\n";
    struct loaded l;

    (void)state;
    load_variables(&l, yaml,
                   SETS("PARLEY_LOOPS=2", "PARLEY_WEBSOCKET_ECHO=true"), NULL);
    assert_int_equal(l.rc, PL_OK);
    assert_int_equal(l.config->process.loops, 2);
    assert_true(l.config->session.websocket.echo);
    pl_settings_destroy(l.config);
    load_variables(&l, yaml, SETS("PARLEY_LOOPS=2"), SETS("loops=3"));
    assert_int_equal(l.rc, PL_OK);
    assert_int_equal(l.config->process.loops, 3);
    pl_settings_destroy(l.config);
}

static void an_empty_variable_sets_nothing(void **state)
{
    struct loaded l;

    (void)state;
    load_variables(&l, "loops: 5\n",
                   SETS("PARLEY_LOOPS=", "PARLEY_API_KEY=", "PARLEY_LOPS="),
                   NULL);
    assert_string_equal(l.report, "");
    assert_int_equal(l.config->process.loops, 5);
    assert_null(l.config->users.api.key);
    pl_settings_destroy(l.config);
}

static void a_text_is_taken_byte_for_byte(void **state)
{
    static const char *const texts[] = {
        "a: b # c",
        "\"quoted\"",
        "'x' \\ [1, 2]",
        "-----BEGIN PUBLIC KEY-----\nMIIB\r\n\t-----END-----\n",
        " spaces ",
        "\xc3\xa4\xf0\x9f\x98\x80",
        ("line\xe2\x80\xa8"
         "end\xc2\x85\xe2\x80\xa9"),
        "@reserved",
        "%",
        "*",
        "&a",
        "!tag",
        "{",
        "0x10",
        "true",
        "\x01\x7f",
    };
    char variable[200];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(variable, sizeof variable, "PARLEY_API_KEY=%s%s", texts[i],
                 "0123456789abcdef");
        struct pl_settings *c = load_good_variables(SETS(variable));
        assert_string_equal(c->users.api.key, strchr(variable, '=') + 1);
        pl_settings_destroy(c);
    }
}

static void a_list_has_spaces_commas_brackets_or_dashes(void **state)
{
    static const char *const lists[] = {
        "http://a http://b*",        " http://a,http://b* ",
        "http://a,\thttp://b*,\n",   "[http://a, 'http://b*']",
        "- http://a\n- 'http://b*'",
    };
    char variable[100];

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        snprintf(variable, sizeof variable,
                 "PARLEY_WEBSOCKET_ALLOWED_ORIGINS=%s", lists[i]);
        struct pl_settings *c = load_good_variables(SETS(variable));
        const struct pl_config_strings *o = &c->users.websocket.allowed_origins;
        assert_int_equal(o->count, 2);
        assert_string_equal(o->at[0], "http://a");
        assert_string_equal(o->at[1], "http://b*");
        pl_settings_destroy(c);
    }
    struct pl_settings *c =
        load_good_variables(SETS("PARLEY_LISTEN=[::1]:0 127.0.0.1:0"));
    assert_int_equal(c->net.listen.count, 2);
    pl_settings_destroy(c);
}

static void a_finding_names_the_variable_and_the_key(void **state)
{
    (void)state;
    assert_variable_refused("PARLEY_LOOPS=x",
                            "PARLEY_LOOPS: loops: `x` is not a whole number\n");
    assert_variable_refused("PARLEY_PING_INTERVAL=1ms",
                            "PARLEY_PING_INTERVAL: ping.interval: must be 0, "
                            "or 2ms or more\n");
    assert_variable_refused("PARLEY_LISTEN=[a", "PARLEY_LISTEN: listen: `[a` "
                                                "is not host:port\n");
    assert_variable_refused("PARLEY_LISTEN=[a]\nb]",
                            "PARLEY_LISTEN: could not find expected ':'\n");
    assert_variable_refused("PARLEY_AUTH_HMAC_SECRET=null",
                            "PARLEY_AUTH_HMAC_SECRET: auth.hmac_secret: needs "
                            "a value; leave the key out to unset it\n");
}

static void a_variable_of_no_key_is_named_and_changes_nothing(void **state)
{
    struct loaded l;

    (void)state;
    load_variables(&l, "",
                   SETS("PARLEY_LOPS=1", "PARLEY_SECRET=ossifrage",
                        "PARLEY_loops=1", "PARLEY_\x1b[2J=x", "PARLEY_=1"),
                   NULL);
    assert_int_equal(l.rc, PL_OK);
    assert_string_equal(
        l.report,
        "PARLEY_LOPS: warning: no key has this variable; did you mean "
        "PARLEY_LOOPS?\n"
        "PARLEY_SECRET: warning: no key has this variable\n"
        "PARLEY_loops: warning: no key has this variable\n"
        "PARLEY_?[2J: warning: no key has this variable\n"
        "PARLEY_: warning: no key has this variable\n");
    assert_int_equal(l.config->process.loops, 0);
    pl_settings_destroy(l.config);
}

static void a_text_in_pem_is_one_item(void **state)
{
    static const char text[] = "-----BEGIN X Y-----\na, b\n-----END X Y-----\n";
    char variable[100];

    (void)state;
    snprintf(variable, sizeof variable, "PARLEY_TLS_KEY=%s", text);
    struct pl_settings *c =
        load_good_variables(SETS(variable, "PARLEY_TLS_CERTIFICATE=/a.pem"));
    assert_int_equal(c->net.tls.key.count, 1);
    assert_string_equal(c->net.tls.key.at[0], text);
    pl_settings_destroy(c);
}

/* One could be a permission, which must not be passed over. */
static void a_variable_of_one_namespace_is_refused_by_name(void **state)
{
    (void)state;
    assert_variable_refused(
        "PARLEY_NAMESPACES_CHAT_ALLOW_SUBSCRIBE=none",
        "PARLEY_NAMESPACES_CHAT_ALLOW_SUBSCRIBE: a key of namespaces has no "
        "variable of its own; PARLEY_NAMESPACES sets the whole list, as "
        "YAML\n");
    assert_variable_refused(
        "PARLEY_API_KEYS_0_KEY=ossifrage",
        "PARLEY_API_KEYS_0_KEY: a key of api.keys has no variable of its own; "
        "PARLEY_API_KEYS sets the whole list, as YAML\n");
}

static void variables_of_other_programs_are_left_alone(void **state)
{
    struct pl_settings *c;

    (void)state;
    c = load_good_variables(SETS(
        "PARLEY_SOCKET=/x", "PARLEY_TOKEN=a.b.c", "PARLEY_CHAT_HISTORY=/h",
        "PARLEY_PORT=tcp://10.0.0.1:8000", "PARLEY_PORT_8000_TCP_ADDR=10.0.0.1",
        "PARLEY_SERVICE_HOST=10.0.0.1", "PARLEY_ADMIN_SERVICE_PORT=8001",
        "PARLEY_ADMIN_PORT=tcp://10.0.0.1:8001", "PARLEY_DEMO_PORT=1",
        "PARLEYD=/usr/bin/parleyd", "PARLEY_LOOPS", "LOOPS=x", "=", ""));
    assert_int_equal(c->process.loops, 0);
    pl_settings_destroy(c);
}

static void no_finding_shows_a_secret_of_a_variable(void **state)
{
    static const char *const variables[] = {
        "PARLEY_API_KEY=ossifrage",
        "PARLEY_AUTH_HMAC_SECRET=\xff ossifrage",
        "PARLEY_AUTH_HMAC_SECRE=ossifrage",
        "PARLEY_LISTEN=[{ossifrage: 1}]",
    };
    struct loaded l;

    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        load_variables(&l, "", SETS(variables[i]), NULL);
        assert_true(*l.report != '\0');
        if (strstr(l.report, "ossifrage") != NULL)
            fail_msg("%s", l.report);
        pl_settings_destroy(l.config);
    }
}

/* As "PARLEY_LOG_LEVEL" for log.level. */
static void name_variable(char *out, size_t size, const char *key)
{
    int len = snprintf(out, size, "PARLEY_%s", key);

    for (int i = 7; i < len; i++)
        out[i] = out[i] == '.' ? '_' : (char)toupper((unsigned char)out[i]);
}

static void each_key_has_a_variable_of_its_own(void **state)
{
    const struct pl_config_key *one, *other;
    char a[100], b[100];
    size_t offset;

    (void)state;
    for (size_t i = 0;
         (one = pl_config_key_at(&pl_settings_schema, i, &offset)); i++) {
        name_variable(a, sizeof a, one->name);
        for (size_t n = 0; n < i; n++) {
            other = pl_config_key_at(&pl_settings_schema, n, &offset);
            name_variable(b, sizeof b, other->name);
            assert_string_not_equal(a, b);
        }
        /* and it is the one of this key: a finding names it */
        struct loaded l;
        char variable[120], start[220];
        snprintf(variable, sizeof variable, "%s=%s", a,
                 one->kind == PL_KIND_SECTIONS ? "x" : "[\x01");
        snprintf(start, sizeof start, "%s: %s: ", a, one->name);
        load_variables(&l, "", SETS(variable), NULL);
        if (one->kind != PL_KIND_STRING && one->kind != PL_KIND_SOCKET &&
            one->kind != PL_KIND_STRINGS && one->kind != PL_KIND_PATTERN &&
            one->kind != PL_KIND_SECTIONS) /* YAML, in which it has no place */
            assert_non_null(strstr(l.report, start));
        assert_null(strstr(l.report, "no key"));
        pl_settings_destroy(l.config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_wins_over_the_file_and_set_over_both),
        cmocka_unit_test(an_empty_variable_sets_nothing),
        cmocka_unit_test(a_text_is_taken_byte_for_byte),
        cmocka_unit_test(a_list_has_spaces_commas_brackets_or_dashes),
        cmocka_unit_test(a_finding_names_the_variable_and_the_key),
        cmocka_unit_test(a_variable_of_no_key_is_named_and_changes_nothing),
        cmocka_unit_test(a_text_in_pem_is_one_item),
        cmocka_unit_test(a_variable_of_one_namespace_is_refused_by_name),
        cmocka_unit_test(variables_of_other_programs_are_left_alone),
        cmocka_unit_test(no_finding_shows_a_secret_of_a_variable),
        cmocka_unit_test(each_key_has_a_variable_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
