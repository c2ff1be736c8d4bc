/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - values: their defaults, forms, places and precedence. */
#include "config_support.h"

#include <sys/stat.h>
#include <unistd.h>

static void the_defaults_are_those_of_the_issue(void **state)
{
    struct pl_settings *c;

    (void)state;
    assert_int_equal(pl_settings_create_default(&c), PL_OK);
    assert_int_equal(c->net.listen.count, 1);
    assert_string_equal(c->net.listen.at[0].text, "127.0.0.1:8000");
    assert_int_equal(c->process.loops, 0);
    assert_string_equal(c->session.websocket.path, "/connection/websocket");
    assert_false(c->session.websocket.echo);
    assert_false(c->session.websocket.deflate);
    assert_int_equal(c->session.websocket.max_message, 64 * 1024);
    assert_int_equal(c->users.websocket.allowed_origins.count, 0);
    assert_int_equal(c->session.limits.outgoing_queue, 1024 * 1024);
    assert_int_equal(c->session.limits.connection_channels, 128);
    assert_int_equal(c->channels.limits.new_channels_per_minute, 600);
    assert_int_equal(c->session.connect.timeout_ms, 10000);
    assert_int_equal(c->session.ping.interval_ms, 25000);
    assert_int_equal(c->session.ping.timeout_ms, 10000);
    assert_null(c->users.auth.token.hmac_secret);
    assert_false(c->users.auth.anonymous);
    assert_null(c->users.api.key);
    assert_int_equal(c->rules.allow_subscribe, PL_ALLOW_NONE);
    assert_int_equal(c->rules.allow_publish, PL_ALLOW_NONE);
    assert_int_equal(c->rules.allow_presence, PL_ALLOW_NONE);
    assert_int_equal(c->rules.allow_history, PL_ALLOW_NONE);
    assert_int_equal(c->rules.allow_send, PL_ALLOW_NONE);
    assert_int_equal(c->rules.data, PL_DATA_JSON);
    assert_int_equal(c->rules.meta_ttl_ms, 3600 * 1000);
    assert_int_equal(c->rules.history_size, 0);
    assert_false(c->rules.presence);
    assert_false(c->rules.join_leave);
    assert_int_equal(c->supervisor.shutdown.grace_ms, 100);
    assert_int_equal(c->supervisor.shutdown.disconnect_ms, 1000);
    assert_int_equal(c->supervisor.shutdown.cancel_ms, 1000);
    assert_int_equal(c->supervisor.shutdown.reset_ms, 3000);
    assert_int_equal(c->process.log.level, PL_LOG_INFO);
    assert_int_equal(c->session.handlers.slow_ms, 100);
    assert_false(c->users.insecure);
    pl_settings_destroy(c);
}

static void insecure_opens_everything_for_a_trial(void **state)
{
    struct pl_settings *c = load_good("", NULL);

    (void)state;
    assert_true(c->users.insecure);
    assert_true(c->users.auth.anonymous);
    assert_int_equal(c->rules.allow_subscribe, PL_ALLOW_ALL);
    assert_int_equal(c->rules.allow_publish, PL_ALLOW_ALL);
    assert_int_equal(c->rules.allow_presence, PL_ALLOW_ALL);
    assert_int_equal(c->rules.allow_history, PL_ALLOW_ALL);
    assert_int_equal(c->rules.allow_send, PL_ALLOW_ALL);
    assert_int_equal(c->rules.data, PL_DATA_NOT_EMPTY);
    assert_int_equal(c->rules.history_size, 100);
    assert_int_equal(c->rules.history_ttl_ms, 300 * 1000);
    assert_true(c->rules.presence);
    assert_true(c->rules.join_leave);
    pl_settings_destroy(c);
}

static void the_file_wins_over_insecure_and_set_over_the_file(void **state)
{
    struct pl_settings *c =
        load_good("channels:\n"
                  "  history_size: 7\n"
                  "  data: json\n"
                  "listen: [127.0.0.1:1, 127.0.0.1:2]\n"
                  "websocket: {allowed_origins: ['*']}\n",
                  SETS("channels.history_size=9", "channels.presence=false",
                       "listen=[127.0.0.1:3]", "listen=[127.0.0.1:4]",
                       "websocket.allowed_origins=[]"));

    (void)state;
    assert_int_equal(c->rules.data, PL_DATA_JSON);
    assert_int_equal(c->rules.history_size, 9);
    assert_false(c->rules.presence);
    assert_int_equal(c->net.listen.count, 1);
    assert_string_equal(c->net.listen.at[0].text, "127.0.0.1:4");
    assert_int_equal(c->users.websocket.allowed_origins.count, 0);
    pl_settings_destroy(c);
}

static void a_value_that_was_overridden_cannot_be_wrong(void **state)
{
    (void)state;
    pl_settings_destroy(load_good("loops: many\n", SETS("loops=3")));
}

static void durations_and_sizes_take_units(void **state)
{
    static const struct {
        const char *set;
        uint64_t value;
    } good[] = {
        {"channels.meta_ttl=0", 0},
        {"channels.meta_ttl=0s", 0},
        {"channels.meta_ttl=15ms", 15},
        {"channels.meta_ttl=15s", 15000},
        {"channels.meta_ttl=15m", 900000},
        {"channels.meta_ttl=15h", 54000000},
        {"channels.meta_ttl=\"2s\"", 2000},
        {"websocket.max_message=2000B", 2000},
        {"websocket.max_message=2KiB", 2048},
        {"websocket.max_message=2KB", 2000},
        {"websocket.max_message=2MiB", 2u << 20},
        {"websocket.max_message=2MB", 2000000},
        {"websocket.max_message=1GiB", 1u << 30},
        {"websocket.max_message=1GB", 1000000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct pl_settings *c = load_good("", SETS(good[i].set));

        assert_int_equal(good[i].set[0] == 'c'
                             ? c->rules.meta_ttl_ms
                             : c->session.websocket.max_message,
                         good[i].value);
        pl_settings_destroy(c);
    }
}

static void memory_is_a_size_or_a_share_or_off(void **state)
{
    static const struct {
        const char *set;
        struct pl_config_memory value;
    } good[] = {
        {"limits.memory=off", {0, 0}},
        {"limits.memory=auto", {0, 80}},
        {"limits.memory=1%", {0, 1}},
        {"limits.memory=100%", {0, 100}},
        {"limits.memory=1MiB", {1 << 20, 0}},
        {"limits.memory=2GB", {2000000000, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct pl_settings *c = load_good("", SETS(good[i].set));

        assert_int_equal(c->process.limits.memory.bytes, good[i].value.bytes);
        assert_int_equal(c->process.limits.memory.percent,
                         good[i].value.percent);
        pl_settings_destroy(c);
    }
}

static void histories_have_a_size_or_a_share_or_no_limit(void **state)
{
    struct pl_settings *c = load_good("", NULL);

    (void)state;
    assert_int_equal(c->channels.limits.history.percent, 25);
    assert_int_equal(c->channels.limits.client_history.percent, 10);
    assert_int_equal(c->rules.history_bytes, 2 << 20);
    pl_settings_destroy(c);
    c = load_good("", SETS("limits.history=64MiB", "limits.client_history=off",
                           "channels.history_bytes=0"));
    assert_int_equal(c->channels.limits.history.bytes, 64 << 20);
    assert_int_equal(c->channels.limits.history.percent, 0);
    assert_int_equal(c->channels.limits.client_history.bytes, 0);
    assert_int_equal(c->channels.limits.client_history.percent, 0);
    assert_int_equal(c->rules.history_bytes, 0);
    pl_settings_destroy(c);
}

static void addresses_are_numeric_and_know_whether_they_are_loopback(void **s)
{
    struct loaded l;

    (void)s;
    load(&l,
         "listen:\n"
         "  - 127.9.9.9:1\n"
         "  - localhost:0\n"
         "  - '[::1]:65535'\n"
         "  - 0.0.0.0:4\n"
         "  - '[::]:5'\n"
         "admin: {listen: off, socket: off}\n"
         "auth: {anonymous: true}\n",
         false, NULL);
    assert_string_equal(l.report, "");
    assert_int_equal(l.config->net.listen.count, 5);
    assert_true(l.config->net.listen.at[0].loopback);
    assert_string_equal(l.config->net.listen.at[1].text, "127.0.0.1:0");
    assert_true(l.config->net.listen.at[1].loopback);
    assert_string_equal(l.config->net.listen.at[2].text, "[::1]:65535");
    assert_int_equal(l.config->net.listen.at[2].port, 65535);
    assert_true(l.config->net.listen.at[2].loopback);
    assert_false(l.config->net.listen.at[3].loopback);
    assert_false(l.config->net.listen.at[4].loopback);
    assert_null(l.config->admin.listen.text);
    assert_null(l.config->admin.socket);
    pl_settings_destroy(l.config);
}

static void an_empty_file_and_empty_sections_say_nothing(void **state)
{
    static const char *const texts[] = {"", "# only this\n", "---\n",
                                        "websocket:\nlimits:\n", "{}\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        pl_settings_destroy(load_good(texts[i], NULL));
}

static void a_default_follows_what_was_said_of_its_neighbour(void **state)
{
    struct pl_settings *c =
        load_good("", SETS("ping.interval=5s", "websocket.max_message=16MiB"));

    (void)state;
    assert_int_equal(c->session.ping.timeout_ms, 2000);
    assert_int_equal(c->session.limits.outgoing_queue, 16 << 20);
    pl_settings_destroy(c);
    c = load_good("", SETS("listen=[127.0.0.1:0, 127.0.0.1:0]"));
    assert_int_equal(c->net.listen.count, 2); /* each gets a port of its own */
    pl_settings_destroy(c);
    c = load_good("", SETS("ping.interval=2ms"));
    assert_int_equal(c->session.ping.timeout_ms,
                     1); /* never 0: nobody could answer */
    pl_settings_destroy(c);
    c = load_good("", SETS("ping.interval=0", "limits.outgoing_queue=8KiB"));
    assert_int_equal(c->session.ping.timeout_ms, 10000);
    assert_int_equal(c->session.websocket.max_message, 64 << 10);
    pl_settings_destroy(c);
}

static void a_short_secret_is_a_warning_that_does_not_show_it(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "auth:\n  hmac_secret: squeamish\n", false, NULL);
    assert_int_equal(l.rc, PL_OK);
    assert_string_equal(l.config->users.auth.token.hmac_secret, "squeamish");
    assert_ptr_equal(
        strstr(l.report,
               "t.yaml:2: auth.hmac_secret: warning: shorter than 32"),
        l.report);
    assert_null(strstr(l.report, "squeamish"));
    pl_settings_destroy(l.config);
}

static void the_socket_follows_the_user_and_the_session(void **state)
{
    struct pl_settings *c;

    (void)state;
    setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
    assert_int_equal(pl_settings_create_default(&c), PL_OK);
    assert_string_equal(c->admin.socket, geteuid() == 0
                                             ? "/run/parley.sock"
                                             : "/run/user/7/parley.sock");
    pl_settings_destroy(c);
    c = load_good("", SETS("admin.socket=/tmp/x.sock"));
    assert_string_equal(c->admin.socket, "/tmp/x.sock");
    pl_settings_destroy(c);
}

static void an_embedding_program_may_authenticate_by_itself(void **state)
{
    const struct pl_config_source src = {.auth_handler = true};
    struct pl_buf report = {0};
    struct pl_settings *c;

    (void)state;
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_OK);
    assert_int_equal(report.len, 0);
    pl_settings_destroy(c);
}

static void a_file_is_read_from_disk(void **state)
{
    char name[] = "/tmp/parley-test-XXXXXX";
    int fd = mkstemp(name);
    struct pl_config_source src = {.file = name, .insecure = true};
    struct pl_buf report = {0};
    struct pl_settings *c;

    (void)state;
    assert_int_equal(write(fd, "loops: 3\n", 9), 9);
    close(fd);
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_OK);
    assert_int_equal(c->process.loops, 3);
    pl_settings_destroy(c);
    unlink(name);
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_EIO);
    pl_buf_put_byte(&report, '\0');
    assert_non_null(strstr(report.data, ": No such file or directory\n"));
    pl_buf_fini(&report);
}

static void a_file_of_more_than_a_mebibyte_is_refused(void **state)
{
    char name[] = "/tmp/parley-test-XXXXXX";
    int fd = mkstemp(name);
    struct pl_config_source src = {.file = name, .insecure = true};
    struct pl_buf report = {0};
    struct pl_settings *c;

    (void)state;
    assert_int_equal(write(fd, "#", 1), 1);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_EINVAL);
    pl_buf_put_byte(&report, '\0');
    assert_null(strstr(report.data, "larger")); /* but zero bytes are no YAML */
    pl_buf_fini(&report);
    assert_int_equal(ftruncate(fd, (1 << 20) + 1), 0);
    close(fd);
    assert_int_equal(pl_settings_load(&c, &src, &report), PL_EINVAL);
    pl_buf_put_byte(&report, '\0');
    assert_non_null(strstr(report.data, ": larger than 1 MiB\n"));
    pl_buf_fini(&report);
    unlink(name);
}

static void the_path_has_at_most_255_bytes(void **state)
{
    char set[300];

    (void)state;
    snprintf(set, sizeof set, "websocket.path=/%0254d", 0);
    pl_settings_destroy(load_good("", SETS(set)));
    snprintf(set, sizeof set, "websocket.path=/%0255d", 0);
    assert_refused("", SETS(set),
                   "--set websocket.path: must begin with / and be up to 255 "
                   "plain characters\n");
}

static void destroy_takes_null(void **state)
{
    (void)state;
    pl_settings_destroy(NULL);
}

static void settings_that_do_nothing_are_warned_of(void **state)
{
    static const struct {
        const char *yaml, *report;
    } rows[] = {
        {"api: {key: 123456789012345}\nauth: {anonymous: true}\n",
         "t.yaml:1: api.key: warning: shorter than 16 bytes, which can be "
         "guessed; make one with: openssl rand -hex 32\n"},
        {"auth: {anonymous: true}\n"
         "channels:\n  allow_subscribe: all\n  allow_publish: authenticated\n"
         "actors: {allow_send: authenticated}\n",
         "t.yaml:4: channels.allow_publish: warning: all clients are anonymous "
         "without auth.hmac_secret, so none may\n"
         "t.yaml:5: actors.allow_send: warning: all clients are anonymous "
         "without auth.hmac_secret, so none may\n"},
        {"auth: {anonymous: true}\n"
         "channels:\n  history_size: 10\n  history_ttl: 0\n",
         "t.yaml:4: channels.history_ttl: warning: is 0, so nothing is kept, "
         "whatever channels.history_size is\n"},
        {"auth: {anonymous: true}\nchannels: {history_ttl: 60s}\n",
         "t.yaml:2: channels.history_ttl: warning: has no effect while "
         "channels.history_size is 0\n"},
        {"auth: {anonymous: true}\nchannels: {history_ttl: 0}\n", ""},
        {"api: {key: 1234567890123456}\nauth: {anonymous: true}\n", ""},
        {"auth: {hmac_secret: 0123456789abcdef0123456789abcdef}\n"
         "channels: {allow_publish: authenticated}\n",
         ""},
        {"auth: {anonymous: true, subscription: {enabled: true}}\n",
         "t.yaml:1: auth.subscription.enabled: warning: is true, and "
         "auth.subscription has no key to check a token with, so each is "
         "refused\n"},
        {"auth:\n  anonymous: true\n  subscription:\n"
         "    hmac_secret: 0123456789abcdef0123456789abcdef\n",
         "auth.subscription.enabled: warning: is false, so the other keys of "
         "auth.subscription have no effect\n"},
        {"auth:\n  hmac_secret: 0123456789abcdef0123456789abcdef\n"
         "  hmac_previous_secret: short\n",
         "t.yaml:3: auth.hmac_previous_secret: warning: shorter than 32 bytes, "
         "which can be guessed from one token; make one with: openssl rand "
         "-hex 32\n"},
    };
    struct loaded l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        load(&l, rows[i].yaml, false, NULL);
        assert_string_equal(l.report, rows[i].report);
        assert_int_equal(l.rc, PL_OK);
        pl_settings_destroy(l.config);
    }
}

/* The report on a file of this mode. */
/* Load `text` from a file, with the variable beside it unless that is NULL. */
static void load_file(const char *text, mode_t mode, const char *variable,
                      struct pl_buf *report)
{
    char name[] = "/tmp/parley-XXXXXX";
    struct pl_settings *config = NULL;
    struct pl_config_source src = {.file = name,
                                   .variables = &variable,
                                   .variable_count = variable != NULL,
                                   .is_centrifugo = text[0] == '{'};
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    assert_int_equal(pl_settings_load(&config, &src, report), PL_OK);
    pl_buf_put_byte(report, '\0');
    pl_settings_destroy(config);
    unlink(name);
}

static void a_file_with_secrets_that_all_can_read_is_warned_of(void **state)
{
    static const char secret[] =
        "auth:\n  hmac_secret: 0123456789abcdef0123456789abcdef\n";
    static const char none[] = "auth: {anonymous: true}\n";
    struct pl_buf report = {0};

    (void)state;
    load_file(secret, 0644, NULL, &report);
    assert_non_null(strstr(report.data, ":2: auth.hmac_secret: warning: every "
                                        "user of this machine can read"));
    assert_non_null(strstr(report.data, "chmod o-r /tmp/parley-"));
    pl_buf_fini(&report);
    load_file(secret, 0640, NULL, &report); /* root:parley is as it should be */
    assert_string_equal(report.data, "");
    pl_buf_fini(&report);
    load_file(none, 0644, NULL, &report);
    assert_string_equal(report.data, "");
    pl_buf_fini(&report);
}

static void a_secret_in_a_list_is_one(void **state)
{
    struct pl_buf report = {0};

    (void)state;
    load_file("auth: {anonymous: true}\napi:\n  keys:\n"
              "    - key: 0123456789abcdef\n",
              0644, NULL, &report);
    assert_non_null(
        strstr(report.data, ":3: api.keys: warning: every user of this"));
    pl_buf_fini(&report);
    load_file("auth: {anonymous: true}\ntls:\n  certificate: [/a]\n"
              "  key: [\"-----BEGIN PRIVATE KEY-----\"]\n",
              0644, NULL, &report);
    assert_non_null(
        strstr(report.data, ":4: tls.key: warning: every user of this"));
    pl_buf_fini(&report);
    load_file("auth: {anonymous: true}\ntls:\n  certificate: [/a]\n"
              "  key: [/b]\n",
              0644, NULL, &report);
    assert_string_equal(report.data, "");
    pl_buf_fini(&report);
}

/* The file may say who reads it; the secret is not in it. */
static void a_secret_of_a_variable_is_not_in_the_file(void **state)
{
    static const char file[] = "{\"client\": {\"allowed_origins\": [\"*\"],\n"
                               "\"token\": {\"audience\": \"a\"}}}";
    static const char with[] =
        "{\"client\": {\"token\": {\n\"hmac_secret_key\":"
        "\"0123456789abcdef0123456789abcdef\"}}}";
    struct pl_buf report = {0};

    (void)state;
    load_file(file, 0644,
              "CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY="
              "0123456789abcdef0123456789abcdef",
              &report);
    assert_string_equal(report.data, "");
    pl_buf_fini(&report);
    load_file(file, 0644,
              "PARLEY_AUTH_HMAC_SECRET=0123456789abcdef0123456789abcdef",
              &report);
    assert_string_equal(report.data, "");
    pl_buf_fini(&report);
    load_file(with, 0644, NULL, &report);
    assert_non_null(strstr(report.data, ":2: client.token.hmac_secret_key: "
                                        "auth.hmac_secret: warning: every "
                                        "user"));
    pl_buf_fini(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_issue),
        cmocka_unit_test(insecure_opens_everything_for_a_trial),
        cmocka_unit_test(the_file_wins_over_insecure_and_set_over_the_file),
        cmocka_unit_test(a_value_that_was_overridden_cannot_be_wrong),
        cmocka_unit_test(durations_and_sizes_take_units),
        cmocka_unit_test(memory_is_a_size_or_a_share_or_off),
        cmocka_unit_test(histories_have_a_size_or_a_share_or_no_limit),
        cmocka_unit_test(
            addresses_are_numeric_and_know_whether_they_are_loopback),
        cmocka_unit_test(an_empty_file_and_empty_sections_say_nothing),
        cmocka_unit_test(a_default_follows_what_was_said_of_its_neighbour),
        cmocka_unit_test(a_short_secret_is_a_warning_that_does_not_show_it),
        cmocka_unit_test(the_socket_follows_the_user_and_the_session),
        cmocka_unit_test(an_embedding_program_may_authenticate_by_itself),
        cmocka_unit_test(a_file_is_read_from_disk),
        cmocka_unit_test(a_file_of_more_than_a_mebibyte_is_refused),
        cmocka_unit_test(the_path_has_at_most_255_bytes),
        cmocka_unit_test(destroy_takes_null),
        cmocka_unit_test(settings_that_do_nothing_are_warned_of),
        cmocka_unit_test(a_file_with_secrets_that_all_can_read_is_warned_of),
        cmocka_unit_test(a_secret_in_a_list_is_one),
        cmocka_unit_test(a_secret_of_a_variable_is_not_in_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
