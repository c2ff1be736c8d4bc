/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - see rows.h.
 *
 * The one place that knows Centrifugo's keys.  A key is REFUSED where the
 * broker would admit or show more without it, or where clients could not work
 * at all; what only is missing is WARNED.
 *
 * Invariant: a row with ".*" stands behind those that it covers. */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "tree.h"

#define KEPT(key, type, to)                                                    \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_KEPT, to, NULL, NULL                        \
    }
#define KEPT_OR(key, type, to, absent)                                         \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_KEPT, to, absent, NULL                      \
    }
#define MADE(key, type)                                                        \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_MADE, NULL, NULL, NULL                      \
    }
#define SAME(key, type)                                                        \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_SAME, NULL, NULL, NULL                      \
    }
#define WARNED(key, type, why)                                                 \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_WARNED, NULL, NULL, why                     \
    }
#define WARNED_BUT(key, type, harmless, why)                                   \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_WARNED, NULL, harmless, why                 \
    }
#define REFUSED(key, type, why)                                                \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_REFUSED, NULL, NULL, why                    \
    }
#define REFUSED_BUT(key, type, harmless, why)                                  \
    {                                                                          \
        key, PL_ROW_##type, PL_ROW_REFUSED, NULL, harmless, why                \
    }
#define OLD(key)                                                               \
    {                                                                          \
        key, PL_ROW_ANY, PL_ROW_OLD, NULL, NULL,                               \
            "is a key of version 5 or before: convert the file to version 6 "  \
            "first"                                                            \
    }

/* What a token must say, and where keys come from. */
#define TOKEN_CHECKS(section, to)                                              \
    KEPT(section ".jwks_public_endpoint", TEXT, to ".jwks_url"),               \
        KEPT(section ".audience", TEXT, to ".audience"),                       \
        KEPT(section ".audience_regex", TEXT, to ".audience_regex"),           \
        KEPT(section ".issuer", TEXT, to ".issuer"),                           \
        KEPT(section ".issuer_regex", TEXT, to ".issuer_regex"),               \
        KEPT(section ".user_id_claim", TEXT, to ".user_id_claim"),             \
        SAME(section ".insecure_skip_jwks_endpoint_safety_check", BOOL)

/* A section that does nothing until its `enabled` is true. */
#define SWITCHED(section, way, why)                                            \
    way(section ".enabled", BOOL, why), SAME(section ".*", ANY)

static const char of_pro[] = "it is an option of Centrifugo PRO";
static const char no_hook[] =
    "parley asks no backend: what the backend decides would be decided without "
    "it";
static const char no_transport[] =
    "parley has no such transport; clients fall back to WebSocket";
static const char no_delta[] = "parley sends whole publications";
static const char no_cluster[] =
    "parley is one process and keeps channels in its memory";

const struct pl_row pl_rows[] = {
    MADE("http_server.address", TEXT),
    MADE("http_server.port", NUMBER),
    MADE("http_server.internal_address", TEXT),
    MADE("http_server.internal_port", NUMBER),
    MADE("http_server.tls.enabled", BOOL),
    MADE("http_server.tls.cert_pem", TEXT),
    MADE("http_server.tls.key_pem", TEXT),
    MADE("http_server.tls.client_ca_pem", TEXT),
    SAME("http_server.tls.server_ca_pem", TEXT),
    SAME("http_server.tls.server_name", TEXT),
    SAME("http_server.tls.insecure_skip_verify", BOOL),
    SAME("http_server.tls_external", BOOL),
    WARNED("http_server.h2c_external", BOOL, "parley has no HTTP/2"),
    SWITCHED("http_server.internal_tls", REFUSED,
             "admin.listen has no TLS; put a proxy before it"),
    SWITCHED("http_server.tls_autocert", REFUSED,
             "parley gets no certificates; let an ACME client do it, as "
             "certbot, and name its files in http_server.tls"),
    SWITCHED("http_server.http3", WARNED, "parley has no HTTP/3"),

    MADE("log.level", TEXT),
    WARNED("log.file", TEXT, "parley logs to standard error"),

    KEPT("client.token.hmac_secret_key", TEXT, "auth.hmac_secret"),
    KEPT("client.token.hmac_previous_secret_key", TEXT,
         "auth.hmac_previous_secret"),
    KEPT("client.token.hmac_previous_secret_key_valid_until", NUMBER,
         "auth.hmac_previous_secret_valid_until"),
    KEPT("client.token.rsa_public_key", TEXT, "auth.rsa_public_key"),
    KEPT("client.token.ecdsa_public_key", TEXT, "auth.ecdsa_public_key"),
    TOKEN_CHECKS("client.token", "auth"),
    KEPT("client.subscription_token.enabled", BOOL,
         "auth.subscription.enabled"),
    KEPT("client.subscription_token.hmac_secret_key", TEXT,
         "auth.subscription.hmac_secret"),
    KEPT("client.subscription_token.hmac_previous_secret_key", TEXT,
         "auth.subscription.hmac_previous_secret"),
    KEPT("client.subscription_token.hmac_previous_secret_key_valid_until",
         NUMBER, "auth.subscription.hmac_previous_secret_valid_until"),
    KEPT("client.subscription_token.rsa_public_key", TEXT,
         "auth.subscription.rsa_public_key"),
    KEPT("client.subscription_token.ecdsa_public_key", TEXT,
         "auth.subscription.ecdsa_public_key"),
    TOKEN_CHECKS("client.subscription_token", "auth.subscription"),
    MADE("client.allow_anonymous_connect_without_token", BOOL),
    MADE("client.disallow_anonymous_connection_tokens", BOOL),
    MADE("client.insecure", BOOL),
    REFUSED("client.insecure_skip_token_signature_verify", BOOL,
            "parley checks each signature"),
    REFUSED("client.user_id_http_header", TEXT,
            "parley takes the user from a token only"),
    MADE("client.allowed_origins", LIST),
    KEPT("client.ping_interval", DURATION, "ping.interval"),
    KEPT_OR("client.pong_timeout", DURATION, "ping.timeout", "8s"),
    KEPT("client.stale_close_delay", DURATION, "connect.timeout"),
    KEPT("client.channel_limit", NUMBER, "limits.connection_channels"),
    MADE("client.queue_max_size", NUMBER),
    KEPT("client.connection_limit", NUMBER, "limits.connections"),
    KEPT("client.user_connection_limit", NUMBER, "limits.user_connections"),
    WARNED("client.connection_rate_limit", NUMBER,
           "limits.loop_lag refuses connections by the time they take"),
    WARNED_BUT("client.expired_close_delay", DURATION, "25s", "it is 25s"),
    WARNED_BUT("client.expired_sub_close_delay", DURATION, "25s", "it is 25s"),
    KEPT("client.history_max_publication_limit", NUMBER,
         "limits.history_publications"),
    WARNED_BUT("client.recovery_max_publication_limit", NUMBER, "300",
               "the bytes that a client recovers are limited instead, by "
               "limits.outgoing_queue"),
    WARNED("client.connect_include_server_time", BOOL,
           "the connect reply has no time"),
    WARNED("client.channel_position_max_time_lag", DURATION,
           "parley delivers in order and at once"),
    SAME("client.channel_position_check_delay", DURATION),
    SAME("client.presence_update_interval", DURATION),
    SAME("client.concurrency", NUMBER),
    SAME("client.connect_code_to_unidirectional_disconnect.*", ANY),
    MADE("client.subscribe_to_user_personal_channel.single_connection", BOOL),
    MADE("client.subscribe_to_user_personal_channel."
         "personal_channel_namespace",
         TEXT),
    MADE("client.subscribe_to_user_personal_channel.enabled", BOOL),
    REFUSED("client.proxy.connect.enabled", BOOL, no_hook),
    REFUSED("client.proxy.refresh.enabled", BOOL, no_hook),
    SAME("client.proxy.connect.*", ANY),
    SAME("client.proxy.refresh.*", ANY),

    MADE("channel.namespace_boundary", TEXT),
    MADE("channel.private_prefix", TEXT),
    MADE("channel.user_boundary", TEXT),
    MADE("channel.user_separator", TEXT),
    KEPT("channel.max_length", NUMBER, "channels.max_length"),
    MADE("channel.history_meta_ttl", DURATION),
    MADE("channel.publication_data_format", TEXT),
    MADE("channel.namespaces[].name", TEXT),
    SAME("channel.proxy.*", ANY),

    MADE("@.presence", BOOL),
    MADE("@.join_leave", BOOL),
    MADE("@.force_push_join_leave", BOOL),
    MADE("@.history_size", NUMBER),
    MADE("@.history_ttl", DURATION),
    MADE("@.history_meta_ttl", DURATION),
    MADE("@.force_positioning", BOOL),
    MADE("@.allow_positioning", BOOL),
    MADE("@.force_recovery", BOOL),
    MADE("@.allow_recovery", BOOL),
    REFUSED_BUT("@.force_recovery_mode", TEXT, "stream",
                "parley recovers streams only"),
    WARNED("@.auto_cache_recover", BOOL, "parley recovers streams only"),
    WARNED("@.allowed_delta_types", LIST, no_delta),
    WARNED("@.delta_publish", BOOL, no_delta),
    WARNED("@.allow_tags_filter", BOOL, "a subscribe with a filter is refused"),
    MADE("@.allow_subscribe_for_client", BOOL),
    MADE("@.allow_subscribe_for_anonymous", BOOL),
    MADE("@.allow_publish_for_client", BOOL),
    MADE("@.allow_publish_for_subscriber", BOOL),
    MADE("@.allow_publish_for_anonymous", BOOL),
    MADE("@.allow_presence_for_client", BOOL),
    MADE("@.allow_presence_for_subscriber", BOOL),
    MADE("@.allow_presence_for_anonymous", BOOL),
    MADE("@.allow_history_for_client", BOOL),
    MADE("@.allow_history_for_subscriber", BOOL),
    MADE("@.allow_history_for_anonymous", BOOL),
    MADE("@.allow_user_limited_channels", BOOL),
    MADE("@.channel_regex", TEXT),
    MADE("@.publication_data_format", TEXT),
    REFUSED("@.subscribe_proxy_enabled", BOOL, no_hook),
    REFUSED("@.publish_proxy_enabled", BOOL, no_hook),
    REFUSED("@.sub_refresh_proxy_enabled", BOOL, no_hook),
    REFUSED("@.subscribe_stream_proxy_enabled", BOOL, no_hook),
    SAME("@.subscribe_proxy_name", TEXT),
    SAME("@.publish_proxy_name", TEXT),
    SAME("@.sub_refresh_proxy_name", TEXT),
    SAME("@.subscribe_stream_proxy_name", TEXT),
    SAME("@.subscribe_stream_proxy_bidirectional", BOOL),
    WARNED_BUT("@.subscription_type", TEXT, "stream",
               "parley has streams only, so clients cannot use these channels"),
    REFUSED("@.keep_latest_publication", BOOL, of_pro),
    REFUSED("@.allow_channel_compaction", BOOL, of_pro),
    REFUSED("@.shared_position_sync", BOOL, of_pro),
    REFUSED("@.batch_max_size", NUMBER, of_pro),
    REFUSED("@.batch_max_delay", DURATION, of_pro),
    REFUSED("@.batch_flush_latest", BOOL, of_pro),
    REFUSED("@.client_publish_debounce_interval", DURATION, of_pro),
    REFUSED("@.state_proxy_enabled", BOOL, of_pro),
    REFUSED("@.cache_empty_proxy_enabled", BOOL, of_pro),
    REFUSED("@.broker_name", TEXT, of_pro),
    REFUSED("@.presence_manager_name", TEXT, of_pro),
    REFUSED("@.pattern", TEXT, of_pro),
    REFUSED("@.subscribe_cel", TEXT, of_pro),
    REFUSED("@.publish_cel", TEXT, of_pro),
    REFUSED("@.presence_cel", TEXT, of_pro),
    REFUSED("@.history_cel", TEXT, of_pro),
    SAME("@.map.*", ANY),
    SAME("@.shared_poll.*", ANY),
    SAME("@.map_clients_presence_channel_prefix", TEXT),
    SAME("@.map_users_presence_channel_prefix", TEXT),

    REFUSED("rpc.without_namespace.proxy_enabled", BOOL, no_hook),
    REFUSED("rpc.namespaces[].proxy_enabled", BOOL, no_hook),
    WARNED("rpc.ping.enabled", BOOL,
           "an rpc that nothing handles is error 108"),
    SAME("rpc.ping.method", TEXT),
    SAME("rpc.namespace_boundary", TEXT),
    SAME("rpc.without_namespace.proxy_name", TEXT),
    SAME("rpc.namespaces[].name", TEXT),
    SAME("rpc.namespaces[].proxy_name", TEXT),
    SAME("rpc.proxy.*", ANY),
    SAME("proxies[].*", ANY),
    REFUSED("consumers[].enabled", BOOL,
            "parley reads no queues: what comes there would be lost"),
    SAME("consumers[].*", ANY),

    MADE("http_api.key", TEXT),
    MADE("http_api.disabled", BOOL),
    MADE("http_api.insecure", BOOL),
    MADE("http_api.external", BOOL),
    MADE("http_api.handler_prefix", TEXT),
    KEPT("http_api.error_mode", TEXT, "api.error_mode"),
    SWITCHED("grpc_api", WARNED, "parley has the HTTP API only"),

    REFUSED("websocket.disabled", BOOL,
            "parley has no other way for clients to connect"),
    KEPT("websocket.handler_prefix", TEXT, "websocket.path"),
    MADE("websocket.message_size_limit", NUMBER),
    KEPT("websocket.compression", BOOL, "websocket.deflate"),
    WARNED("websocket.compression_min_size", NUMBER,
           "parley decides by itself"),
    WARNED_BUT("websocket.compression_level", NUMBER, "1",
               "parley decides by itself"),
    WARNED_BUT("websocket.write_timeout", DURATION, "1s",
               "a client that reads too slowly is closed by its queue"),
    SAME("websocket.read_buffer_size", NUMBER),
    SAME("websocket.write_buffer_size", NUMBER),
    SAME("websocket.use_write_buffer_pool", BOOL),
    WARNED("websocket.decompressed_message_size_limit", NUMBER,
           "websocket.message_size_limit holds for it"),
    SWITCHED("sse", WARNED, no_transport),
    SWITCHED("http_stream", WARNED, no_transport),
    SWITCHED("webtransport", WARNED, no_transport),
    SWITCHED("uni_sse", WARNED, no_transport),
    SWITCHED("uni_http_stream", WARNED, no_transport),
    SWITCHED("uni_websocket", WARNED, no_transport),
    SWITCHED("uni_grpc", WARNED, no_transport),
    SAME("emulation.handler_prefix", TEXT),
    SAME("emulation.max_request_body_size", NUMBER),
    SWITCHED("init", WARNED, "see health.enabled"),

    REFUSED_BUT("engine.type", TEXT, "memory", no_cluster),
    SAME("engine.redis.*", ANY),
    SWITCHED("broker", REFUSED, no_cluster),
    SWITCHED("presence_manager", REFUSED, no_cluster),
    WARNED_BUT("map_broker.type", TEXT, "memory", "parley has streams only"),
    SAME("map_broker.*", ANY),
    SWITCHED("controller", REFUSED, no_cluster),
    SAME("shared_poll.*", ANY),

    SWITCHED("admin", WARNED, "parley has no web interface; see `parley top`"),
    MADE("prometheus.enabled", BOOL),
    MADE("prometheus.handler_prefix", TEXT),
    SAME("prometheus.instrument_http_handlers", BOOL),
    SAME("prometheus.recovered_publications_histogram", BOOL),
    SAME("prometheus.native_histograms", BOOL),
    MADE("health.enabled", BOOL),
    MADE("health.handler_prefix", TEXT),
    SWITCHED("swagger", WARNED, "parley has none"),
    SWITCHED("debug", WARNED, "parley has none; see `parley trace`"),
    SWITCHED("opentelemetry", WARNED, "parley has none"),
    SWITCHED("graphite", WARNED, "parley has /metrics"),
    SAME("usage_stats.disabled", BOOL),
    WARNED("node.name", TEXT, "a parley has no name"),
    SAME("node.info_metrics_aggregate_interval", DURATION),
    MADE("shutdown.timeout", DURATION),
    WARNED("pid_file", TEXT, "parley writes none; systemd knows its process"),
    SAME("enable_unreleased_features", BOOL),

    OLD("token_hmac_secret_key"),
    OLD("token_rsa_public_key"),
    OLD("token_ecdsa_public_key"),
    OLD("token_jwks_public_endpoint"),
    OLD("api_key"),
    OLD("api_insecure"),
    OLD("allowed_origins"),
    OLD("allow_anonymous_connect_without_token"),
    OLD("namespaces[].*"),
    OLD("client_insecure"),
    OLD("proxy_connect_endpoint"),
    OLD("proxy_subscribe_endpoint"),
    OLD("presence"),
    OLD("history_size"),
    OLD("allow_subscribe_for_client"),
    OLD("allow_publish_for_client"),
    OLD("port"),
    OLD("address"),
    OLD("redis_address"),
};
const size_t pl_row_count = sizeof pl_rows / sizeof pl_rows[0];

const char *pl_row_option(const char *path)
{
    static const char *const before[] = {"channel.without_namespace.",
                                         "channel.namespaces[]."};

    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        if (strncmp(path, before[i], strlen(before[i])) == 0)
            return path + strlen(before[i]);
    return NULL;
}

/* True if `path` is `key`, or below it if that ends with ".*". */
static bool is_covered(const char *key, const char *path)
{
    size_t len = strlen(key);

    if (len > 2 && strcmp(key + len - 2, ".*") == 0)
        return strncmp(key, path, len - 2) == 0 &&
               (path[len - 2] == '.' || path[len - 2] == '[' ||
                path[len - 2] == '\0');
    return strcmp(key, path) == 0;
}

/* An item of a list has the row of its list. */
const struct pl_row *pl_row_find(const char *path)
{
    char list[PL_TREE_PATH_MAX + 1];
    size_t len = strlen(path);

    if (len > 2 && len <= PL_TREE_PATH_MAX &&
        strcmp(path + len - 2, "[]") == 0) {
        snprintf(list, sizeof list, "%.*s", (int)(len - 2), path);
        path = list;
    }
    const char *option = pl_row_option(path);
    for (size_t i = 0; i < pl_row_count; i++) {
        const char *key = pl_rows[i].key;

        if (key[0] == '@' ? option != NULL && is_covered(key + 2, option)
                          : is_covered(key, path))
            return &pl_rows[i];
    }
    return NULL;
}
