/* SPDX-License-Identifier: Apache-2.0 */
/* test_centrifugo.c - what a configuration of Centrifugo becomes. */
#include "support.h"

#include "value.h"

static void a_whole_file_becomes_one_of_parley(void **state)
{
    static const char in[] =
        "{\n"
        "  \"http_server\": {\"port\": 9000, \"address\": \"127.0.0.1\"},\n"
        "  \"client\": {\n"
        "    \"token\": {\"hmac_secret_key\": \"a \\\"secret\\\" # of 32 "
        "bytes: or more\"},\n"
        "    \"allowed_origins\": [\"https://Chat.example.org\", "
        "\"*.example.net\"],\n"
        "    \"ping_interval\": \"1m30s\"\n"
        "  },\n"
        "  \"channel\": {\n"
        "    \"without_namespace\": {\"presence\": true},\n"
        "    \"namespaces\": [\n"
        "      {\"name\": \"chat\", \"history_size\": 100,\n"
        "       \"history_ttl\": \"10m\", \"force_recovery\": true,\n"
        "       \"allow_subscribe_for_client\": true,\n"
        "       \"allow_publish_for_subscriber\": true},\n"
        "      {\"name\": \"news\", \"allow_subscribe_for_client\": true,\n"
        "       \"allow_subscribe_for_anonymous\": true}\n"
        "    ]\n"
        "  },\n"
        "  \"http_api\": {\"key\": \"0123456789abcdef\"},\n"
        "  \"admin\": {\"enabled\": true, \"password\": \"ossifrage\"}\n"
        "}\n";
    static const char *const lines[] = {
        "#   config.json:20: admin.enabled: warning: not supported: ",
        "auth:\n  hmac_secret: \"a \\\"secret\\\" # of 32 bytes: or more\"\n",
        "listen: [\"127.0.0.1:9000\"]\n",
        "  interval: 90s\n",
        "  timeout: 8s\n",
        ("  allowed_origins: [\"https://chat.example.org\", "
         "\"*://*.example.net\"]\n"),
        "channels:\n",
        "  presence: true\n",
        "namespaces:\n",
        "  - name: \"chat\"\n",
        "    allow_subscribe: authenticated\n",
        "    allow_subscriber_publish: authenticated\n",
        "    recovery: always\n",
        "    history_size: 100\n",
        "    history_ttl: 10m\n",
        "    history_expiry: whole\n",
        "    meta_ttl: 720h\n    history_size: 100\n",
        "  - name: \"news\"\n",
        "    allow_subscribe: all\n",
        "    recovery: never\n",
        "  key: \"0123456789abcdef\"\n",
    };
    struct translated t = translate(in, NULL);

    (void)state;
    assert_int_equal(t.rc, PL_OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(t.text, lines[i]) == NULL)
            fail_msg("%s\n%s", lines[i], t.text);
    assert_null(strstr(t.text, "ossifrage"));
    translated_fini(&t);
}

static void addresses_and_ports_follow_the_server(void **state)
{
    (void)state;
    assert_line("", NULL, "listen: [\"0.0.0.0:8000\", \"[::]:8000\"]\n");
    assert_line("http_server: {port: 80}\n", NULL,
                "listen: [\"0.0.0.0:80\", \"[::]:80\"]\n");
    assert_line("http_server: {address: '::1', port: '80'}\n", NULL,
                "listen: [\"[::1]:80\"]\n");
    assert_line("http_server: {internal_port: 9001}\n", NULL,
                "admin:\n  listen: \"0.0.0.0:9001\"\n");
    assert_line("http_server:\n  internal_port: '9001'\n"
                "  internal_address: 10.0.0.1\n",
                NULL, "admin:\n  listen: \"10.0.0.1:9001\"\n");
    assert_line("http_server:\n  tls:\n    enabled: true\n"
                "    cert_pem: /a.pem\n    key_pem: /a.key\n",
                NULL,
                "tls:\n  certificate: [\"/a.pem\"]\n  key: [\"/a.key\"]\n");
    assert_line("http_server:\n  tls:\n    enabled: true\n"
                "    cert_pem: /a.pem\n    key_pem: /a.key\n",
                NULL, "listen_tls: [\"0.0.0.0:8000\", \"[::]:8000\"]\n");
    assert_line("http_server:\n  tls: {cert_pem: /a.pem}\n", NULL,
                "listen: [\"0.0.0.0:8000\"");
}

/* As a text, in base64 with lines or without, or the name of a file. */
static void a_certificate_may_be_a_text(void **state)
{
    static const char *const texts[] = {
        "\"-----BEGIN X-----\\na\\n\"",
        "\"Bag Attributes\\n-----BEGIN X-----\\na\\n\"",
        "LS0tLS1CRUdJTiBYLS0tLS0KYQo=",
        "\"LS0tLS1CRUdJTiBY\\n LS0tLS0KYQo=\\n\"",
    };
    static const char *const names[] = {"/a.pem", "LS0tLS1CRUdJT",
                                        "YWJjZA==", "certificates/abcd"};
    char text[200], line[200];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(text, sizeof text,
                 "http_server:\n  tls: {enabled: true, key_pem: %s, cert_pem: "
                 "/b}\n",
                 texts[i]);
        assert_line(text, NULL, "  key: [\"-----BEGIN X-----\\x0aa\\x0a\"]\n");
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text,
                 "http_server:\n  tls: {enabled: true, key_pem: /b, cert_pem: "
                 "%s}\n",
                 names[i]);
        snprintf(line, sizeof line, "  certificate: [\"%s\"]\n", names[i]);
        assert_line(text, NULL, line);
    }
    assert_report("http_server:\n  tls:\n    enabled: true\n"
                  "    key_pem: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t\n",
                  NULL, PL_EINVAL,
                  "config.json:3: http_server.tls.enabled: needs "
                  "http_server.tls.cert_pem\n");
}

static void the_api_is_where_centrifugo_has_it(void **state)
{
    static const char key[] = "api:\n  key: \"k\"\n";
    struct translated t;

    (void)state;
    assert_line("http_api: {key: k}\n", NULL,
                "api:\n  key: \"k\"\n  public: true\n");
    assert_line("http_api: {key: k, handler_prefix: /server}\n", NULL,
                "  path: \"/server\"\n  public: true\n");
    assert_line("http_api: {key: k, external: true}\n"
                "http_server: {internal_port: 1}\n",
                NULL, "  public: true\n");
    t = translate("http_api: {key: k}\nhttp_server: {internal_port: 1}\n",
                  NULL);
    assert_non_null(strstr(t.text, key));
    assert_null(strstr(t.text, "public"));
    translated_fini(&t);
    t = translate("http_api: {key: k, disabled: true}\n", NULL);
    assert_null(strstr(t.text, "api:"));
    translated_fini(&t);
}

static void probes_stay_where_they_are(void **state)
{
    static const char both[] =
        "health: {enabled: true}\nprometheus: {enabled: true}\n";
    char text[200];

    (void)state;
    assert_line(both, NULL, "health:\n  public: true\n");
    assert_line(both, NULL,
                "metrics:\n  public: true\n  open: true\n  compatible: "
                "centrifugo\n");
    snprintf(text, sizeof text, "%shttp_server: {internal_port: 1}\n", both);
    assert_line(text, NULL, "metrics:\n  open: true\n  compatible: ");
    struct translated t = translate(text, NULL);
    assert_null(strstr(t.text, "public"));
    translated_fini(&t);
    assert_line("health: {enabled: true, handler_prefix: /up/}\n"
                "prometheus: {enabled: true, handler_prefix: /m}\n",
                NULL, "  path: \"/up\"\n");
    assert_line("prometheus: {enabled: true, handler_prefix: /m}\n", NULL,
                "  path: \"/m\"\n");
    assert_line("health: {enabled: true, handler_prefix: ''}\n", NULL,
                "  path: \"/\"\n");
    t = translate("health: {enabled: false, handler_prefix: /h}\n", NULL);
    assert_null(strstr(t.text, "health:"));
    translated_fini(&t);
}

static void tokens_keep_their_keys_and_checks(void **state)
{
    static const char in[] =
        "client:\n"
        "  token: {hmac_secret_key: a, audience: chat, user_id_claim: uid}\n"
        "  subscription_token: {enabled: true, hmac_secret_key: b}\n"
        "  allow_anonymous_connect_without_token: true\n"
        "  disallow_anonymous_connection_tokens: true\n";

    (void)state;
    assert_line(in, NULL,
                "auth:\n"
                "  anonymous: true\n"
                "  anonymous_tokens: false\n"
                "  hmac_secret: \"a\"\n"
                "  audience: \"chat\"\n"
                "  user_id_claim: \"uid\"\n"
                "  # as in Centrifugo, aud and iss count only where they are "
                "configured\n"
                "  ignore_unchecked: true\n"
                "  subscription:\n"
                "    enabled: true\n"
                "    hmac_secret: \"b\"\n"
                "    ignore_unchecked: true\n");
}

static void without_origins_no_page_may_connect(void **state)
{
    (void)state;
    assert_line("", NULL, "  allowed_origins: [\"https://nobody.invalid\"]\n");
    assert_line("client: {allowed_origins: []}\n", NULL,
                "  allowed_origins: [\"https://nobody.invalid\"]\n");
    assert_line("client: {allowed_origins: ['*']}\n", NULL,
                "  allowed_origins: [\"*\"]\n");
    assert_line("client: {allowed_origins: ['http://[::1]:3000']}\n", NULL,
                "  allowed_origins: [\"http://[::1]:3000\"]\n");
    assert_report("client:\n  allowed_origins: ['https://a?.example']\n", NULL,
                  PL_EINVAL,
                  "config.json:2: client.allowed_origins[1]: parley's "
                  "patterns have no other character than *\n");
}

static void an_insecure_broker_is_open_on_loopback_only(void **state)
{
    static const char open[] = "client: {insecure: true}\n";
    static const char named[] =
        "client: {insecure: true}\nchannel:\n  namespaces:\n"
        "  - {name: chat, allow_user_limited_channels: true}\n";

    (void)state;
    assert_line(open, NULL, "listen: [\"127.0.0.1:8000\", \"[::1]:8000\"]\n");
    assert_line(open, NULL, "auth:\n  anonymous: true\n");
    assert_line(open, NULL,
                "  allow_subscribe: all\n  allow_publish: all\n"
                "  allow_presence: all\n  allow_history: all\n");
    assert_line(named, NULL,
                "    allow_subscribe: all\n    allow_publish: all\n"
                "    allow_presence: all\n    allow_history: all\n"
                "    user_lists: ignored\n");
    assert_line("client: {insecure: true}\nhttp_server: {internal_port: 1}\n",
                NULL, "admin:\n  listen: \"127.0.0.1:1\"\n");
    assert_line("client: {insecure: true}\nhttp_server: {address: '::1'}\n",
                NULL, "listen: [\"[::1]:8000\"]\n");
    assert_report(
        "client: {insecure: true}\nhttp_server:\n  address: 0.0.0.0\n"
        "  internal_address: 128.0.0.1\n",
        NULL, PL_EINVAL,
        "config.json:3: http_server.address: client.insecure is for loopback "
        "addresses only, as 127.0.0.1\n"
        "config.json:4: http_server.internal_address: client.insecure is for "
        "loopback addresses only, as 127.0.0.1\n");
}

static void an_api_without_a_key_is_on_loopback_only(void **state)
{
    static const char open[] = "http_api: {insecure: true}\n";

    (void)state;
    assert_line(open, NULL, "listen: [\"127.0.0.1:8000\", \"[::1]:8000\"]\n");
    assert_line(open, NULL, "api:\n  open: true\n  public: true\n");
    assert_report("http_api: {insecure: true}\n"
                  "http_server: {address: 10.0.0.1}\n",
                  NULL, PL_EINVAL,
                  "config.json:2: http_server.address: http_api.insecure is "
                  "for loopback addresses only, as 127.0.0.1\n");
    assert_line("http_api: {insecure: true, disabled: true}\n", NULL,
                "listen: [\"0.0.0.0:8000\", \"[::]:8000\"]\n");
}

static void a_namespace_of_another_type_is_closed(void **state)
{
    static const char map[] =
        "client: {insecure: true}\n"
        "channel:\n"
        "  namespaces:\n"
        "  - {name: map, subscription_type: map, map: {mode: ephemeral},\n"
        "     client_publish_debounce_interval: 50ms, history_size: 2}\n"
        "  - {name: chat, subscription_type: stream}\n";

    struct translated t = translate(map, NULL);

    (void)state;
    assert_string_equal(t.report,
                        "config.json:4: "
                        "channel.namespaces[1].subscription_type: warning: not "
                        "supported: parley has streams only, so clients cannot "
                        "use these channels\n");
    assert_non_null(strstr(t.text, "  - name: \"map\"\n"
                                   "  - name: \"chat\"\n"
                                   "    allow_subscribe: all\n"));
    translated_fini(&t);
    assert_report("channel: {without_namespace: {subscription_type: stream,\n"
                  "client_publish_debounce_interval: 50ms}}\n",
                  NULL, PL_EINVAL,
                  "config.json:2: "
                  "channel.without_namespace.client_publish_debounce_interval: "
                  "not supported: it is an option of Centrifugo PRO\n");
}

static void permissions_follow_who_may(void **state)
{
    static const char w[] = "channel: {without_namespace: {%s}}\n";
    static const struct {
        const char *options, *line;
    } rows[] = {
        {"", "channels:\n  user_lists: ignored\n"},
        {"allow_publish_for_client: true",
         "  allow_publish: authenticated\n  user_lists: ignored\n"},
        {"allow_publish_for_client: true, allow_publish_for_anonymous: true",
         "  allow_publish: all\n  user_lists: ignored\n"},
        {"allow_publish_for_subscriber: true, "
         "allow_publish_for_anonymous: true",
         "channels:\n  allow_subscriber_publish: all\n"},
        {"allow_user_limited_channels: true", "  user_lists: obeyed\n"},
        {"", "  user_lists: ignored\n"},
        {"allow_history_for_client: true",
         "  positioning: never\n  recovery: never\n"},
        {"force_positioning: true, allow_recovery: true",
         "  positioning: always\n  recovery: asked\n"},
        {"publication_data_format: binary", "  data: binary\n"},
        {"", "  data: not_empty\n"},
    };
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, w, rows[i].options);
        assert_line(text, NULL, rows[i].line);
    }
    assert_report("channel:\n  without_namespace:\n"
                  "    allow_history_for_anonymous: true\n",
                  NULL, PL_OK,
                  "config.json:3: channel.without_namespace."
                  "allow_history_for_anonymous: warning: has no effect by "
                  "itself, as in Centrifugo\n");
}

static void a_history_needs_its_size_and_its_time(void **state)
{
    static const char *const bad[] = {"history_size: 1", "history_ttl: 1s",
                                      "force_recovery: true",
                                      ("{history_size: 1, history_ttl: 2h, "
                                       "history_meta_ttl: 1h}")};
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "channel: {without_namespace: %s%s%s}\n",
                 bad[i][0] == '{' ? "" : "{", bad[i],
                 bad[i][0] == '{' ? "" : "}");
        struct translated t = translate(text, NULL);
        assert_int_equal(t.rc, PL_EINVAL);
        assert_ptr_equal(strstr(t.report, "config.json:1: channel.without_"),
                         t.report);
        translated_fini(&t);
    }
    assert_line("channel:\n  history_meta_ttl: 2h\n"
                "  without_namespace: {history_size: 1, history_ttl: 60s}\n",
                NULL,
                "  meta_ttl: 2h\n  history_size: 1\n  history_bytes: 0\n"
                "  history_ttl: 1m\n  history_expiry: whole\n");
}

static void a_personal_channel_is_kept_with_its_options(void **state)
{
#define PERSONAL "client:\n  subscribe_to_user_personal_channel:\n"
    struct translated t;

    (void)state;
    assert_line(PERSONAL "    enabled: true\n    single_connection: true\n"
                         "    personal_channel_namespace: own\n"
                         "channel: {namespaces: [{name: own}]}\n",
                NULL,
                "  personal: true\n  personal_namespace: \"own\"\n"
                "  single_connection: true\n");
    /* what is off closes nobody's connection */
    t = translate(PERSONAL "    single_connection: true\n", NULL);
    assert_int_equal(t.rc, PL_OK);
    assert_null(strstr(t.text, "single_connection"));
    translated_fini(&t);
#undef PERSONAL
}

static void a_pattern_of_names_is_kept_as_it_is(void **state)
{
    (void)state;
    assert_line("channel:\n  without_namespace: {channel_regex: '^[a-z]+$'}\n",
                NULL, "  name_regex: \"^[a-z]+$\"\n");
    assert_line(
        "channel:\n  namespaces: [{name: ab, channel_regex: '^\\d\"'}]\n", NULL,
        "    name_regex: \"^\\\\d\\\"\"\n");
}

static void a_namespace_has_a_name(void **state)
{
    static const char *const bad[] = {
        "{presence: true}", "{name: a}", "{name: 'a b'}",
        "{name: ''}",       "chat",      "{}",
        "{name: 'a:b'}"};
    char text[100];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "channel: {namespaces: [%s]}\n", bad[i]);
        struct translated t = translate(text, NULL);
        if (t.rc != PL_EINVAL ||
            strstr(t.report, "the name of a namespace has two") == NULL)
            fail_msg("%s: %s", bad[i], t.report);
        translated_fini(&t);
    }
}

static void an_unknown_key_is_named_with_its_line(void **state)
{
    (void)state;
    assert_report("client:\n  alowed_origins: ['*']\n\nfoo: {bar: 1}\n", NULL,
                  PL_OK,
                  "config.json:2: client.alowed_origins[1]: warning: "
                  "Centrifugo 6 has no such key, or parley does not know it\n"
                  "config.json:4: foo.bar: warning: Centrifugo 6 has no such "
                  "key, or parley does not know it\n");
    assert_report("{\"client\":{},\n\"client\": {}}", NULL, PL_EINVAL,
                  "config.json:2: client: given twice\n");
    assert_report("{\"client\":{\"insecure\":false,\n\"Insecure\":false}}",
                  NULL, PL_EINVAL,
                  "config.json:2: client.insecure: given twice\n");
}

static void a_file_of_version_5_is_told_so(void **state)
{
    struct translated t =
        translate("{\"token_hmac_secret_key\": \"ossifrage\"}", NULL);

    (void)state;
    assert_int_equal(t.rc, PL_EINVAL);
    assert_non_null(strstr(t.report, "version 5"));
    assert_null(strstr(t.report, "ossifrage"));
    translated_fini(&t);
}

static void what_is_neither_json_nor_yaml_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        {"{\"a\": 1,\n\"b\": [}\n", 2},
        {"[]\n", 1},
        {"text\n", 1},
        {"a: &x 1\nb: *x\n", 2},
        {"a: 1\n---\nb: 2\n", 2},
        {"a: \"\\0\"\n", 1},
        {"{[1]: 2}\n", 1},
        {"a: \xff\n", 1},
    };
    char place[40];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct translated t = translate(rows[i].text, NULL);

        snprintf(place, sizeof place, "config.json:%u: ", rows[i].line);
        if (t.rc != PL_EINVAL || strstr(t.report, place) == NULL)
            fail_msg("%s: %s", rows[i].text, t.report);
        translated_fini(&t);
    }
}

static void json_is_read_with_its_escapes(void **state)
{
    (void)state;
    assert_line("{\"http_api\": {\"key\": \"\\/a\\u00e9\\ud83d\\ude00\\n\"}}",
                NULL, "  key: \"/a\xc3\xa9\xf0\x9f\x98\x80\\x0a\"\n");
    assert_line("{\n\t\"client\":{\"channel_limit\":1e3,\"connection_limit\""
                ":64000.0}}",
                NULL, "  connection_channels: 1000\n  connections: 64000\n");
    assert_line("{\"client.channel_limit\": 5}", NULL,
                "  connection_channels: 5\n");
    /* a backslash of its own begins no escape */
    assert_line("{\"http_api\": {\"key\": \"\\\\ud83d\\\\ude00\"}}", NULL,
                "  key: \"\\\\ud83d\\\\ude00\"\n");
}

static void durations_are_those_of_go(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"25s", 25000},         {"1h30m", 5400000}, {"1.5s", 1500},
        {"720h", 2592000000},   {"100ms", 100},     {"1500us", 2},
        {"1h0m0s", 3600000},    {"0", 0},           {"0s", 0},
        {"25000000000", 25000}, {"1", 1},           {"2e9", 2000},
        {"+5s", 5000},          {".5s", 500},       {"1.s", 1000},
        {"3\xc2\xb5s", 1},      {"5ns", 1},
    };
    static const char *const bad[] = {"",     "s",    "1d",  "-5s", "5 s",
                                      "1,5s", "5sm",  ".s",  "1e",  "0x5s",
                                      "inf",  "five", "5s ", "+"};
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(pl_value_duration(good[i].text, &ms));
        if (ms != good[i].ms)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pl_value_duration(bad[i], &ms))
            fail_msg("%s", bad[i]);
    assert_true(pl_value_duration("99999999999999999999h", &ms));
    assert_true(ms > 1000000000000);
}

static void a_variable_wins_over_the_file(void **state)
{
    static const char file[] =
        "{\"client\": {\"channel_limit\": 1, \"allowed_origins\": "
        "[\"http://a\"]},"
        "\"channel\": {\"namespaces\": [{\"name\": \"my-chat.1\"},"
        " {\"name\": \"my\"}]}}";

    (void)state;
    assert_line(file, VARIABLES("CENTRIFUGO_CLIENT_CHANNEL_LIMIT=7"),
                "  connection_channels: 7\n");
    assert_line(file, VARIABLES("CENTRIFUGO_CLIENT_CHANNEL_LIMIT="),
                "  connection_channels: 1\n");
    assert_line(file,
                VARIABLES("CENTRIFUGO_CLIENT_ALLOWED_ORIGINS=http://b  *"),
                "  allowed_origins: [\"http://b\", \"*\"]\n");
    assert_line(file,
                VARIABLES("CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_PRESENCE=t"),
                "  presence: true\n");
    assert_line(
        file,
        VARIABLES("CENTRIFUGO_CHANNEL_NAMESPACES_MY_CHAT_1_ALLOW_SUBSCRIBE_FOR_"
                  "CLIENT=1"),
        "  - name: \"my-chat.1\"\n    allow_subscribe: authenticated\n");
    assert_line(file,
                VARIABLES("CENTRIFUGO_CHANNEL_NAMESPACES_MY_PRESENCE=1",
                          "CENTRIFUGO_CHANNEL_NAMESPACES=[{\"name\": \"my\"}]"),
                "namespaces:\n  - name: \"my\"\n");
    assert_line("", VARIABLES("CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY=a: b"),
                "  hmac_secret: \"a: b\"\n");
}

static void a_variable_is_named_as_the_place(void **state)
{
    (void)state;
    assert_report("",
                  VARIABLES("CENTRIFUGO_CLIENT_INSECURE=true",
                            "CENTRIFUGO_CLIENT_PING_INTERVAL=ossifrage",
                            "CENTRIFUGO_CLIENT_INSECUR=ossifrage",
                            "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENCE=1",
                            "CENTRIFUGO_PROXIES=[ossifrage"),
                  PL_EINVAL,
                  "CENTRIFUGO_PROXIES: did not find expected ',' or ']'\n");
    assert_report(
        "",
        VARIABLES("CENTRIFUGO_WEBSOCKET_DISABLED=true",
                  "CENTRIFUGO_CLIENT_PING_INTERVAL=ossifrage",
                  "CENTRIFUGO_CLIENT_INSECUR=ossifrage",
                  "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENCE=1"),
        PL_EINVAL,
        "CENTRIFUGO_CLIENT_INSECUR: warning: Centrifugo 6 has no such "
        "variable, or parley does not know it\n"
        "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENCE: warning: Centrifugo 6 "
        "has no such variable, or parley does not know it\n"
        "CENTRIFUGO_WEBSOCKET_DISABLED: websocket.disabled: not supported: "
        "parley has no other way for clients to connect\n"
        "CENTRIFUGO_CLIENT_PING_INTERVAL: client.ping_interval: must be a "
        "duration, as 25s or 1h30m\n");
}

static void a_variable_may_name_the_namespaces(void **state)
{
    static const char *const both = "namespaces:\n  - name: \"chat\"\n";

    (void)state;
    assert_line("",
                VARIABLES("CENTRIFUGO_CHANNEL_NAMESPACES_A_B_PRESENCE=true",
                          "CENTRIFUGO_CHANNEL_NAMESPACES=chat  a-b"),
                both);
    assert_line("",
                VARIABLES("CENTRIFUGO_CHANNEL_NAMESPACES_A_B_PRESENCE=true",
                          "CENTRIFUGO_CHANNEL_NAMESPACES=chat  a-b"),
                "  - name: \"a-b\"\n");
    assert_line("",
                VARIABLES("CENTRIFUGO_CHANNEL_NAMESPACES=chat news",
                          "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_PRESENCE=true",
                          "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENCE=true",
                          "CENTRIFUGO_CHANNEL_NAMESPACES_NEWS_JOIN_LEAVE=true"),
                "  - name: \"chat\"\n    user_lists: ignored\n"
                "    data: not_empty\n    presence: true\n");
    assert_report("", VARIABLES("CENTRIFUGO_CHANNEL_NAMESPACES=chat x\"}"),
                  PL_EINVAL,
                  "CENTRIFUGO_CHANNEL_NAMESPACES: channel.namespaces[2].name: "
                  "the name of a namespace has two or more letters, digits, "
                  "dashes, dots and underscores\n");
}

/* Options of the other lists too: what they ask for is refused, or does
 * nothing. */
static void a_variable_may_be_about_an_item_of_each_list(void **state)
{
    static const char file[] =
        "rpc: {namespaces: [{name: my-rpc}]}\n"
        "consumers: [{name: kafka}]\nproxies: [{name: auth}]\n"
        "channel: {namespaces: [{name: chat}]}\n";

    (void)state;
    assert_report(file,
                  VARIABLES("CENTRIFUGO_RPC_NAMESPACES_MY_RPC_PROXY_ENABLED=t",
                            "CENTRIFUGO_CONSUMERS_KAFKA_ENABLED=true"),
                  PL_EINVAL,
                  "CENTRIFUGO_RPC_NAMESPACES_MY_RPC_PROXY_ENABLED: "
                  "rpc.namespaces[1].proxy_enabled: not supported: parley asks "
                  "no backend: what the backend decides would be decided "
                  "without it\n"
                  "CENTRIFUGO_CONSUMERS_KAFKA_ENABLED: consumers[1].enabled: "
                  "not supported: parley reads no queues: what comes there "
                  "would be lost\n");
    assert_report(file,
                  VARIABLES("CENTRIFUGO_PROXIES_AUTH_ENDPOINT=http://a",
                            "CENTRIFUGO_CONSUMERS_KAFKA_TYPE=kafka",
                            "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_MAP_MODE=x",
                            "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_MAP_MODE=x"),
                  PL_OK, "");
    assert_report(file,
                  VARIABLES("CENTRIFUGO_RPC_NAMESPACES_OTHER_PROXY_ENABLED=t",
                            "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENSE=t",
                            "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_X=t"),
                  PL_OK,
                  "CENTRIFUGO_RPC_NAMESPACES_OTHER_PROXY_ENABLED: warning: "
                  "Centrifugo 6 has no such variable, or parley does not know "
                  "it\n"
                  "CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_PRESENSE: warning: "
                  "Centrifugo 6 has no such variable, or parley does not know "
                  "it\n"
                  "CENTRIFUGO_CHANNEL_WITHOUT_NAMESPACE_X: warning: Centrifugo "
                  "6 has no such variable, or parley does not know it\n");
}

static void variables_of_others_are_left_alone(void **state)
{
    (void)state;
    assert_report("",
                  VARIABLES("CENTRIFUGO_VAR_SECRET=x", "CENTRIFUGO_PORT=tcp://",
                            "CENTRIFUGO_SERVICE_HOST=10.0.0.1",
                            "CENTRIFUGO_ADMIN_PASSWORD=x", "PARLEY_LOOPS=x",
                            "CENTRIFUGO_API_PORT_80_TCP=x",
                            "CENTRIFUGO_ENGINE_REDIS_ADDRESS=x", "=", ""),
                  PL_OK, "");
}

static void toml_is_refused_with_a_way_out(void **state)
{
    (void)state;
    assert_non_null(pl_centrifugo_file_fault("config.toml"));
    assert_non_null(pl_centrifugo_file_fault("/etc/x.d/config.TOML"));
    assert_null(pl_centrifugo_file_fault("config.json"));
    assert_null(pl_centrifugo_file_fault("config.yaml"));
    assert_null(pl_centrifugo_file_fault("/dev/null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_becomes_one_of_parley),
        cmocka_unit_test(addresses_and_ports_follow_the_server),
        cmocka_unit_test(a_certificate_may_be_a_text),
        cmocka_unit_test(the_api_is_where_centrifugo_has_it),
        cmocka_unit_test(probes_stay_where_they_are),
        cmocka_unit_test(tokens_keep_their_keys_and_checks),
        cmocka_unit_test(without_origins_no_page_may_connect),
        cmocka_unit_test(an_insecure_broker_is_open_on_loopback_only),
        cmocka_unit_test(an_api_without_a_key_is_on_loopback_only),
        cmocka_unit_test(a_namespace_of_another_type_is_closed),
        cmocka_unit_test(permissions_follow_who_may),
        cmocka_unit_test(a_history_needs_its_size_and_its_time),
        cmocka_unit_test(a_personal_channel_is_kept_with_its_options),
        cmocka_unit_test(a_pattern_of_names_is_kept_as_it_is),
        cmocka_unit_test(a_namespace_has_a_name),
        cmocka_unit_test(an_unknown_key_is_named_with_its_line),
        cmocka_unit_test(a_file_of_version_5_is_told_so),
        cmocka_unit_test(
            what_is_neither_json_nor_yaml_is_refused_with_its_line),
        cmocka_unit_test(json_is_read_with_its_escapes),
        cmocka_unit_test(durations_are_those_of_go),
        cmocka_unit_test(a_variable_wins_over_the_file),
        cmocka_unit_test(a_variable_is_named_as_the_place),
        cmocka_unit_test(a_variable_may_name_the_namespaces),
        cmocka_unit_test(a_variable_may_be_about_an_item_of_each_list),
        cmocka_unit_test(variables_of_others_are_left_alone),
        cmocka_unit_test(toml_is_refused_with_a_way_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
