/* SPDX-License-Identifier: Apache-2.0 */
/* test_centrifugo_rows.c - each row of the table has a good, a bad and a
 * hostile value. */
#include "support.h"

#include "rows.h"

/* Append the key as nested sections around `value`, one key a line, so that
 * the value is on the last line.  Return that line. */
static unsigned put_nested(struct pl_buf *out, const char *key,
                           const char *value)
{
    char closing[64] = "";
    unsigned line = 1;

    pl_buf_put_span(out, PL_SPAN("{"));
    strcat(closing, "}");
    while (*key != '\0') {
        size_t len = strcspn(key, ".[");
        bool is_list = key[len] == '[';

        pl_buf_printf(out, "\n\"%.*s\": ", (int)len, key);
        line++;
        key += len + (is_list ? 2 : 0);
        if (is_list && *key != '\0') {
            pl_buf_put_span(out, PL_SPAN("["));
            memmove(closing + 1, closing, strlen(closing) + 1);
            closing[0] = ']';
        }
        if (*key == '\0')
            break;
        key++;
        pl_buf_put_span(out, PL_SPAN("{"));
        memmove(closing + 1, closing, strlen(closing) + 1);
        closing[0] = '}';
    }
    pl_buf_printf(out, "%s%s", value, closing);
    return line;
}

/* The key of a row as a path in a file: an option of channels without a
 * namespace, and something below a section. */
static void name_key(char *out, size_t size, const struct pl_row *row)
{
    size_t len;

    snprintf(out, size, "%s%s",
             row->key[0] == '@' ? "channel.without_namespace" : "",
             row->key + (row->key[0] == '@'));
    len = strlen(out);
    if (strcmp(out + len - 2, ".*") == 0)
        strcpy(out + len - 1, "some");
}

static struct translated translate_row(const struct pl_row *row,
                                       const char *value, char *place,
                                       size_t size)
{
    struct pl_buf text = {0};
    char key[200], shown[200];

    name_key(key, sizeof key, row);
    unsigned line = put_nested(&text, key, value);
    char *list = strstr(key, "[]");
    if (list == NULL)
        snprintf(shown, sizeof shown, "%s", key);
    else
        snprintf(shown, sizeof shown, "%.*s[1]%s", (int)(list - key), key,
                 list + 2);
    snprintf(place, size, "config.json:%u: %s: ", line, shown);
    char *all = take(&text);
    struct translated t = translate(all, NULL);
    free(all);
    pl_buf_fini(&text);
    return t;
}

/* A value that asks for something. */
static const char *good_value(const struct pl_row *row)
{
    static const struct {
        const char *key, *value;
    } special[] = {
        {"log.level", "\"warn\""},
        {"channel.publication_data_format", "\"json\""},
        {"@.publication_data_format", "\"json\""},
        {"client.allowed_origins", "[\"https://a.example\"]"},
        {"http_server.tls.enabled", "false"},
        {"@.force_recovery", "false"},
        {"@.history_size", "0"},
        {"@.history_ttl", "\"0s\""},
        {"@.history_meta_ttl", "\"1h\""},
        {"@.allow_subscribe_for_anonymous", "false"},
        {"@.allow_publish_for_anonymous", "false"},
        {"@.allow_presence_for_anonymous", "false"},
        {"@.allow_history_for_anonymous", "false"},
        {"health.enabled", "false"},
        {"prometheus.enabled", "false"},
    };
    static const char *const by_type[] = {
        [PL_ROW_BOOL] = "true",       [PL_ROW_NUMBER] = "7",
        [PL_ROW_DURATION] = "\"7s\"", [PL_ROW_TEXT] = "\"some\"",
        [PL_ROW_LIST] = "[\"some\"]", [PL_ROW_ANY] = "\"some\"",
    };

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (strcmp(row->key, special[i].key) == 0)
            return special[i].value;
    return by_type[row->type];
}

static void each_good_value_does_what_its_row_says(void **state)
{
    char place[300];

    (void)state;
    for (size_t i = 0; i < pl_row_count; i++) {
        const struct pl_row *row = &pl_rows[i];
        struct translated t =
            translate_row(row, good_value(row), place, sizeof place);
        bool is_error = row->way == PL_ROW_REFUSED || row->way == PL_ROW_OLD;
        bool is_warning = row->way == PL_ROW_WARNED;
        if (row->type == PL_ROW_LIST) /* the item is named */
            place[strlen(place) - 2] = '\0';
        const char *found = strstr(t.report, place);

        if (is_error != (t.rc == PL_EINVAL) ||
            (is_error || is_warning) != (found != NULL) ||
            (is_warning && strstr(found, "warning: ") == NULL) ||
            (found != NULL && strstr(found, row->why) == NULL))
            fail_msg("%s: %s", row->key, t.report);
        if (row->way == PL_ROW_KEPT) {
            const char *name = strrchr(row->to, '.');
            assert_non_null(strstr(t.text, name == NULL ? row->to : name + 1));
        }
        translated_fini(&t);
    }
}

static void each_value_that_asks_for_nothing_is_taken(void **state)
{
    char place[300], text[100];

    (void)state;
    for (size_t i = 0; i < pl_row_count; i++) {
        const struct pl_row *row = &pl_rows[i];

        if ((row->way != PL_ROW_WARNED && row->way != PL_ROW_REFUSED) ||
            row->type == PL_ROW_LIST)
            continue;
        snprintf(text, sizeof text, "\"%s\"",
                 row->absent != NULL        ? row->absent
                 : row->type == PL_ROW_BOOL ? "false"
                 : row->type == PL_ROW_TEXT ? ""
                                            : "0");
        struct translated t = translate_row(row, text, place, sizeof place);
        if (t.rc != PL_OK || *t.report != '\0')
            fail_msg("%s: %s", row->key, t.report);
        translated_fini(&t);
    }
}

static void each_value_of_a_wrong_type_is_named(void **state)
{
    static const char *const bad[] = {
        [PL_ROW_BOOL] = "\"perhaps\"",    [PL_ROW_NUMBER] = "\"-1\"",
        [PL_ROW_DURATION] = "\"7 days\"", [PL_ROW_TEXT] = "[\"ossifrage\"]",
        [PL_ROW_LIST] = "\"ossifrage\"",
    };
    char place[300];

    (void)state;
    for (size_t i = 0; i < pl_row_count; i++) {
        const struct pl_row *row = &pl_rows[i];

        if (row->type == PL_ROW_ANY)
            continue;
        struct translated t =
            translate_row(row, bad[row->type], place, sizeof place);
        /* a list's path has an end of its own */
        place[strlen(place) - 2] = '\0';
        if (t.rc != PL_EINVAL || strstr(t.report, place) == NULL ||
            strstr(t.report, "must ") == NULL ||
            strstr(t.report, "ossifrage") != NULL)
            fail_msg("%s: %s, not %s", row->key, t.report, place);
        translated_fini(&t);
    }
}

static void a_hostile_value_ends_in_a_text_or_a_report(void **state)
{
    static const char *const hostile[] = {
        "99999999999999999999999999999999999999",
        "\"\\u001b[2J\\n\\u0000\"",
        "\"\\n  key: value # \\\" ' { [\"",
        "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
        "{\"a\": {\"b\": {\"c\": 1}}}",
        "\"9999999999999999999h\"",
        "1e999",
        "-0",
        ".",
        "0x7f",
        "\"\"",
        "null",
        "[null]",
        "[{}]",
        "\"\\ud83d\\ude00 \\u2028 \\u0085\"",
    };
    char place[300];

    (void)state;
    for (size_t i = 0; i < pl_row_count; i++)
        for (size_t n = 0; n < sizeof hostile / sizeof hostile[0]; n++) {
            struct translated t =
                translate_row(&pl_rows[i], hostile[n], place, sizeof place);
            assert_true(t.rc == PL_OK || t.rc == PL_EINVAL);
            assert_true(t.rc == PL_OK || *t.report != '\0');
            assert_true(t.rc == PL_OK || *t.text == '\0');
            assert_null(strchr(t.report, '\x1b'));
            assert_null(strchr(t.text, '\x1b'));
            translated_fini(&t);
        }
}

/* The keys that most files have, and those of tokens. */
static const char *const keys[] = {
    "http_server.address",
    "http_server.port",
    "http_server.internal_port",
    "http_server.internal_address",
    "http_server.tls.enabled",
    "http_server.tls.cert_pem",
    "http_server.tls.key_pem",
    "http_server.tls_autocert.enabled",
    "http_server.tls_autocert.http",
    "log.level",
    "log.file",
    "client.token.hmac_secret_key",
    "client.token.hmac_previous_secret_key",
    "client.token.hmac_previous_secret_key_valid_until",
    "client.token.rsa_public_key",
    "client.token.ecdsa_public_key",
    "client.token.jwks_public_endpoint",
    "client.token.audience",
    "client.token.audience_regex",
    "client.token.issuer",
    "client.token.issuer_regex",
    "client.token.user_id_claim",
    "client.token.insecure_skip_jwks_endpoint_safety_check",
    "client.insecure_skip_token_signature_verify",
    "client.disallow_anonymous_connection_tokens",
    "client.subscription_token.enabled",
    "client.subscription_token.hmac_secret_key",
    "client.allowed_origins[]",
    "client.allow_anonymous_connect_without_token",
    "client.insecure",
    "client.ping_interval",
    "client.pong_timeout",
    "client.stale_close_delay",
    "client.channel_limit",
    "client.queue_max_size",
    "client.connection_limit",
    "client.user_connection_limit",
    "client.expired_close_delay",
    "client.expired_sub_close_delay",
    "client.history_max_publication_limit",
    "client.recovery_max_publication_limit",
    "client.subscribe_to_user_personal_channel.enabled",
    "client.subscribe_to_user_personal_channel.single_connection",
    "client.subscribe_to_user_personal_channel.personal_channel_namespace",
    "client.proxy.connect.enabled",
    "client.proxy.connect.endpoint",
    "client.proxy.refresh.enabled",
    "client.user_id_http_header",
    "client.concurrency",
    "client.connection_rate_limit",
    "client.connect_include_server_time",
    "client.presence_update_interval",
    "channel.history_meta_ttl",
    "channel.namespace_boundary",
    "channel.private_prefix",
    "channel.user_boundary",
    "channel.user_separator",
    "channel.max_length",
    "channel.publication_data_format",
    "channel.namespaces[].name",
    "channel.proxy.subscribe.endpoint",
    "proxies[].name",
    "proxies[].http.static_headers.x-y",
    "rpc.proxy.endpoint",
    "rpc.without_namespace.proxy_enabled",
    "rpc.namespaces[].proxy_enabled",
    "rpc.namespace_boundary",
    "http_api.key",
    "http_api.insecure",
    "http_api.external",
    "http_api.handler_prefix",
    "http_api.error_mode",
    "http_api.disabled",
    "admin.enabled",
    "admin.password",
    "admin.secret",
    "prometheus.enabled",
    "health.enabled",
    "engine.type",
    "engine.redis.address",
    "engine.redis.prefix",
    "broker.enabled",
    "presence_manager.enabled",
    "sse.enabled",
    "http_stream.enabled",
    "uni_sse.enabled",
    "uni_grpc.enabled",
    "uni_websocket.enabled",
    "uni_http_stream.enabled",
    "websocket.compression",
    "websocket.compression_min_size",
    "websocket.compression_level",
    "websocket.message_size_limit",
    "websocket.handler_prefix",
    "websocket.write_timeout",
    "websocket.disabled",
    "consumers[].enabled",
    "consumers[].kafka.brokers[]",
    "node.name",
    "shutdown.timeout",
    "usage_stats.disabled",
    "opentelemetry.enabled",
    "graphite.enabled",
    "swagger.enabled",
    "debug.enabled",
    "grpc_api.enabled",
    "pid_file",
    "enable_unreleased_features",
};

/* Of namespaces. */
static const char *const options[] = {
    "presence",
    "join_leave",
    "force_push_join_leave",
    "history_size",
    "history_ttl",
    "history_meta_ttl",
    "force_positioning",
    "allow_positioning",
    "force_recovery",
    "allow_recovery",
    "force_recovery_mode",
    "auto_cache_recover",
    "allowed_delta_types[]",
    "delta_publish",
    "allow_tags_filter",
    "allow_subscribe_for_client",
    "allow_subscribe_for_anonymous",
    "allow_publish_for_client",
    "allow_publish_for_subscriber",
    "allow_publish_for_anonymous",
    "allow_presence_for_client",
    "allow_presence_for_subscriber",
    "allow_presence_for_anonymous",
    "allow_history_for_client",
    "allow_history_for_subscriber",
    "allow_history_for_anonymous",
    "allow_user_limited_channels",
    "channel_regex",
    "publication_data_format",
    "subscribe_proxy_enabled",
    "subscribe_proxy_name",
    "publish_proxy_enabled",
    "publish_proxy_name",
    "sub_refresh_proxy_enabled",
    "sub_refresh_proxy_name",
    "subscribe_stream_proxy_enabled",
    "subscribe_stream_proxy_name",
    "subscribe_stream_proxy_bidirectional",
    "subscription_type",
    "map.mode",
    "shared_poll.proxy_name",
    "map_clients_presence_channel_prefix",
    "map_users_presence_channel_prefix",
};

static void every_key_that_files_have_has_a_row(void **state)
{
    char path[200];

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (pl_row_find(keys[i]) == NULL)
            fail_msg("%s", keys[i]);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        snprintf(path, sizeof path, "channel.without_namespace.%s", options[i]);
        assert_non_null(pl_row_find(path));
        snprintf(path, sizeof path, "channel.namespaces[].%s", options[i]);
        assert_non_null(pl_row_find(path));
    }
    assert_null(pl_row_find("client"));
    assert_null(pl_row_find("client.tokens.hmac_secret_key"));
    assert_null(pl_row_find("presence_manager_"));
    assert_null(pl_row_find(""));
}

static void a_row_behind_a_section_is_reached(void **state)
{
    char path[200];

    (void)state;
    for (size_t i = 0; i < pl_row_count; i++) {
        name_key(path, sizeof path, &pl_rows[i]);
        assert_ptr_equal(pl_row_find(path), &pl_rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_good_value_does_what_its_row_says),
        cmocka_unit_test(each_value_that_asks_for_nothing_is_taken),
        cmocka_unit_test(each_value_of_a_wrong_type_is_named),
        cmocka_unit_test(a_hostile_value_ends_in_a_text_or_a_report),
        cmocka_unit_test(every_key_that_files_have_has_a_row),
        cmocka_unit_test(a_row_behind_a_section_is_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
