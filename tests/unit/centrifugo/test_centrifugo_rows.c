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

/* All keys of Centrifugo 6, in the sections where parley knows each. */
static const struct {
    const char *section, *keys;
} all[] = {
    {"http_server.",
     "address port internal_address internal_port tls_external h2c_external"},
    {"http_server.tls.", "enabled cert_pem key_pem server_ca_pem client_ca_pem "
                         "insecure_skip_verify server_name"},
    {"log.", "level file"},
    {"client.",
     "allowed_origins[] allow_anonymous_connect_without_token "
     "disallow_anonymous_connection_tokens ping_interval pong_timeout "
     "expired_close_delay expired_sub_close_delay stale_close_delay "
     "channel_limit queue_max_size presence_update_interval concurrency "
     "channel_position_check_delay channel_position_max_time_lag "
     "connection_limit user_connection_limit connection_rate_limit "
     "connect_include_server_time history_max_publication_limit "
     "recovery_max_publication_limit insecure_skip_token_signature_verify "
     "user_id_http_header insecure"},
    {"client.token.",
     "hmac_secret_key hmac_previous_secret_key "
     "hmac_previous_secret_key_valid_until rsa_public_key ecdsa_public_key "
     "jwks_public_endpoint audience audience_regex issuer issuer_regex "
     "user_id_claim insecure_skip_jwks_endpoint_safety_check"},
    {"client.subscription_token.",
     "enabled hmac_secret_key hmac_previous_secret_key "
     "hmac_previous_secret_key_valid_until rsa_public_key ecdsa_public_key "
     "jwks_public_endpoint audience audience_regex issuer issuer_regex "
     "user_id_claim insecure_skip_jwks_endpoint_safety_check"},
    {"client.subscribe_to_user_personal_channel.",
     "enabled personal_channel_namespace single_connection"},
    {"channel.",
     "history_meta_ttl publication_data_format max_length private_prefix "
     "namespace_boundary user_boundary user_separator namespaces[].name"},
    {"channel.namespaces[].",
     "presence join_leave force_push_join_leave "
     "map_clients_presence_channel_prefix map_users_presence_channel_prefix "
     "history_size history_ttl history_meta_ttl force_positioning "
     "allow_positioning force_recovery allow_recovery force_recovery_mode "
     "auto_cache_recover allowed_delta_types[] allow_tags_filter delta_publish "
     "allow_subscribe_for_anonymous allow_subscribe_for_client "
     "allow_publish_for_anonymous allow_publish_for_subscriber "
     "allow_publish_for_client allow_presence_for_anonymous "
     "allow_presence_for_subscriber allow_presence_for_client "
     "allow_history_for_anonymous allow_history_for_subscriber "
     "allow_history_for_client allow_user_limited_channels channel_regex "
     "publication_data_format subscribe_proxy_enabled subscribe_proxy_name "
     "publish_proxy_enabled publish_proxy_name sub_refresh_proxy_enabled "
     "sub_refresh_proxy_name subscribe_stream_proxy_enabled "
     "subscribe_stream_proxy_name subscribe_stream_proxy_bidirectional "
     "subscription_type"},
    {"rpc.", "namespace_boundary ping.enabled ping.method "
             "without_namespace.proxy_enabled without_namespace.proxy_name "
             "namespaces[].name namespaces[].proxy_enabled "
             "namespaces[].proxy_name"},
    {"http_api.", "disabled handler_prefix key error_mode external insecure"},
    {"websocket.", "disabled handler_prefix compression compression_min_size "
                   "compression_level read_buffer_size use_write_buffer_pool "
                   "write_buffer_size write_timeout message_size_limit "
                   "decompressed_message_size_limit"},
    {"emulation.", "handler_prefix max_request_body_size"},
    {"prometheus.", "enabled handler_prefix instrument_http_handlers "
                    "recovered_publications_histogram native_histograms"},
    {"health.", "enabled handler_prefix"},
    {"node.", "name info_metrics_aggregate_interval"},
    {"engine.", "type"},
    {"shutdown.", "timeout"},
    {"usage_stats.", "disabled"},
    {"", "pid_file enable_unreleased_features"},
};

/* Sections that do nothing in parley, behind the key that begins to ask for
 * something. */
static const char *const idle[] = {
    "http_server.tls_autocert.http",
    "http_server.internal_tls.cert_pem",
    "http_server.http3.x",
    "client.connect_code_to_unidirectional_disconnect.enabled",
    "client.proxy.connect.enabled",
    "client.proxy.connect.endpoint",
    "client.proxy.refresh.enabled",
    "client.proxy.refresh.http_headers[]",
    "channel.proxy.subscribe.endpoint",
    "channel.namespaces[].map.mode",
    "channel.without_namespace.shared_poll.proxy_name",
    "proxies[].http.static_headers.x-y",
    "rpc.proxy.endpoint",
    "consumers[].kafka.brokers[]",
    "grpc_api.port",
    "sse.handler_prefix",
    "http_stream.handler_prefix",
    "webtransport.handler_prefix",
    "uni_sse.connect_code_to_http_response.enabled",
    "uni_http_stream.handler_prefix",
    "uni_websocket.handler_prefix",
    "uni_grpc.port",
    "init.handler_prefix",
    "engine.redis.address",
    "broker.nats.url",
    "presence_manager.redis.presence_ttl",
    "map_broker.type",
    "map_broker.redis.cleanup_interval",
    "controller.postgres.dsn",
    "shared_poll.hmac_secret_key",
    "admin.password",
    "swagger.handler_prefix",
    "debug.handler_prefix",
    "opentelemetry.api",
    "graphite.host",
};

/* Write the n-th key of all; false: there is none. */
static bool key_at(char *out, size_t size, size_t n)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const char *at = all[i].keys; *at != '\0';) {
            size_t len = strcspn(at, " ");

            if (n-- == 0) {
                snprintf(out, size, "%s%.*s", all[i].section, (int)len, at);
                return true;
            }
            at += len;
            at += strspn(at, " ");
        }
    return false;
}

static void each_key_of_centrifugo_has_a_row_of_its_own(void **state)
{
    char key[200], plain[200];
    size_t n = 0;

    (void)state;
    for (; key_at(key, sizeof key, n); n++) {
        const struct pl_row *row = pl_row_find(key);

        if (row == NULL)
            fail_msg("%s", key);
        snprintf(plain, sizeof plain, "%s",
                 row->key[0] == '@' ? row->key + 2 : row->key);
        if (strncmp(strstr(key, plain) == NULL ? "" : strstr(key, plain), plain,
                    strlen(plain)) != 0)
            fail_msg("%s is %s", key, row->key);
    }
    assert_true(n > 120);
    for (size_t i = 0; i < sizeof idle / sizeof idle[0]; i++)
        if (pl_row_find(idle[i]) == NULL)
            fail_msg("%s", idle[i]);
    assert_null(pl_row_find("client"));
    assert_null(pl_row_find("presence_manager_"));
    assert_null(pl_row_find(""));
}

/* No section of those swallows a key that parley does not know. */
static void a_misspelt_key_is_named_with_its_line(void **state)
{
    char key[200], place[300];

    (void)state;
    for (size_t n = 0; key_at(key, sizeof key, n); n++) {
        size_t len = strlen(key);

        if (strcmp(key + len - 2, "[]") == 0)
            len -= 2;
        snprintf(key + len, sizeof key - len, "x");
        const struct pl_row wrong = {.key = key};
        struct translated t = translate_row(&wrong, "1", place, sizeof place);
        if (strstr(t.report, place) == NULL ||
            strstr(t.report, "Centrifugo 6 has no such key") == NULL)
            fail_msg("%s: %s", key, t.report);
        translated_fini(&t);
    }
}

/* A value of each key from which others are made, that is no default. */
static const char *const made[] = {
    "http_server: {address: 127.0.0.1}",
    "http_server: {port: 80}",
    "http_server: {internal_port: 1, internal_address: 10.0.0.1}",
    "http_server: {internal_port: 1}",
    "http_server: {tls: {enabled: true, cert_pem: /a, key_pem: /b}}",
    "http_server: {tls: {enabled: true, cert_pem: /a, key_pem: /b, "
    "client_ca_pem: /c}}",
    "log: {level: warn}",
    "client: {allow_anonymous_connect_without_token: true}",
    "client: {disallow_anonymous_connection_tokens: true}",
    "client: {insecure: true}",
    "http_api: {insecure: true}",
    "client: {allowed_origins: ['*']}",
    "client: {queue_max_size: 7}",
    "client: {subscribe_to_user_personal_channel: {enabled: true}}",
    "client: {subscribe_to_user_personal_channel: {enabled: true, "
    "single_connection: true}}",
    "client: {subscribe_to_user_personal_channel: {enabled: true, "
    "personal_channel_namespace: ab}}",
    "channel: {namespace_boundary: '/'}",
    "channel: {private_prefix: '%'}",
    "channel: {user_boundary: '!'}",
    "channel: {user_separator: '/'}",
    "channel: {history_meta_ttl: 1h}",
    "channel: {publication_data_format: json}",
    "channel: {namespaces: [{name: chat}]}",
    "http_api: {key: k}",
    "http_api: {key: k, handler_prefix: /b}",
    "http_server: {internal_port: 1}\nhttp_api: {key: k, external: true}",
    "websocket: {message_size_limit: 7}",
    "prometheus: {enabled: true}",
    "prometheus: {enabled: true, handler_prefix: /m}",
    "health: {enabled: true}",
    "health: {enabled: true, handler_prefix: /h}",
    "shutdown: {timeout: 7s}",
    "@ {presence: true}",
    "@ {join_leave: true}",
    "@ {force_push_join_leave: true}",
    "@ {history_size: 7, history_ttl: 7s}",
    "@ {history_meta_ttl: 2h}",
    "@ {force_positioning: true}",
    "@ {allow_positioning: true}",
    "@ {force_recovery: true, history_size: 7, history_ttl: 7s}",
    "@ {allow_recovery: true}",
    "@ {allow_subscribe_for_client: true}",
    "@ {allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true}",
    "@ {allow_publish_for_client: true}",
    "@ {allow_publish_for_subscriber: true}",
    "@ {allow_publish_for_client: true, allow_publish_for_anonymous: true}",
    "@ {allow_presence_for_client: true}",
    "@ {allow_presence_for_subscriber: true}",
    "@ {allow_presence_for_client: true, allow_presence_for_anonymous: true}",
    "@ {allow_history_for_client: true}",
    "@ {allow_history_for_subscriber: true}",
    "@ {allow_history_for_client: true, allow_history_for_anonymous: true}",
    "@ {allow_user_limited_channels: true}",
    "@ {channel_regex: '^a'}",
    "@ {publication_data_format: binary}",
};

/* Each differs from all others, and from no file at all. */
static void each_key_that_others_are_made_of_changes_something(void **state)
{
    enum { COUNT = sizeof made / sizeof made[0] };
    struct translated done[COUNT + 1];
    char text[200];

    (void)state;
    done[COUNT] = translate("", NULL);
    for (size_t i = 0; i < COUNT; i++) {
        bool is_option = made[i][0] == '@';

        snprintf(text, sizeof text, "%s%s%s\n",
                 is_option ? "channel: {without_namespace: " : "",
                 made[i] + (is_option ? 2 : 0), is_option ? "}" : "");
        done[i] = translate(text, NULL);
        assert_int_equal(done[i].rc, PL_OK);
        for (size_t n = 0; n < i; n++)
            assert_string_not_equal(done[i].text, done[n].text);
        assert_string_not_equal(done[i].text, done[COUNT].text);
    }
    for (size_t i = 0; i <= COUNT; i++)
        translated_fini(&done[i]);
    for (size_t i = 0, found; i < pl_row_count; i++) {
        const char *name = strrchr(pl_rows[i].key, '.');

        found = pl_rows[i].way != PL_ROW_MADE;
        for (size_t n = 0; n < COUNT && !found; n++)
            found = strstr(made[n], name + 1) != NULL;
        if (!found && strcmp(name, ".disabled") != 0) /* the_api_is_where_ */
            fail_msg("%s", pl_rows[i].key);
    }
}

/* docs/migrating.md names each key that is refused or warned of. */
static void the_document_names_what_parley_has_not(void **state)
{
    static char doc[1 << 16];
    FILE *f = fopen(PL_MIGRATING_DOC, "r");
    char name[200];

    (void)state;
    assert_non_null(f);
    doc[fread(doc, 1, sizeof doc - 1, f)] = '\0';
    fclose(f);
    for (size_t i = 0; i < pl_row_count; i++) {
        const struct pl_row *row = &pl_rows[i];
        bool is_option = row->key[0] == '@';

        if (row->way != PL_ROW_REFUSED && row->way != PL_ROW_WARNED)
            continue;
        snprintf(name, sizeof name, "`%s%s`", is_option ? "\xe2\x80\xa6" : "",
                 row->key + is_option);
        if (strstr(doc, name) == NULL)
            fail_msg("%s", name);
    }
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
        cmocka_unit_test(each_key_of_centrifugo_has_a_row_of_its_own),
        cmocka_unit_test(a_misspelt_key_is_named_with_its_line),
        cmocka_unit_test(each_key_that_others_are_made_of_changes_something),
        cmocka_unit_test(the_document_names_what_parley_has_not),
        cmocka_unit_test(a_row_behind_a_section_is_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
