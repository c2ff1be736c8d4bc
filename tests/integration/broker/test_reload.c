/* SPDX-License-Identifier: Apache-2.0 */
/* test_reload.c - the configuration is read again while the broker runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "box.h"
#include "peer.h"

#define OLD "an-old-secret-of-32-bytes-or-more"
#define NEW "a-new-secret-of-32-bytes-or-more-"
#define KEY_OLD "an-old-key-of-many-bytes"
#define KEY_NEW "a-new-key-of-many-bytes-"

struct running {
    struct box box;
    char file[64];
};

static void write_file(const struct running *r, const char *text)
{
    FILE *f = fopen(r->file, "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* The whole configuration with these values; with NEW anonymous clients are
 * welcome. */
static void configure(const struct running *r, const char *secret,
                      const char *key, const char *names, const char *more)
{
    char text[1024];

    snprintf(text, sizeof text,
             "auth: {hmac_secret: %s, anonymous: %s}\napi: {key: %s}\n"
             "channels: {allow_subscribe: all, allow_publish: all}\n"
             "websocket: {allowed_origins: ['https://%s.example'],\n"
             "            allowed_hosts: [127.0.0.1, %s.example]}\n%s",
             secret, strcmp(secret, NEW) == 0 ? "true" : "false", key, names,
             names, more);
    write_file(r, text);
}

static void begin(struct running *r)
{
    static const char *const sets[] = {
        "listen=[127.0.0.1:0]", "admin.listen=127.0.0.1:0", "admin.socket=off",
        "loops=2", "ping.interval=1h"};
    struct pl_broker_setup o = {
        .size = sizeof o, .config_file = r->file, .sets = sets, .set_count = 5};

    snprintf(r->file, sizeof r->file, "/tmp/parley-XXXXXX");
    int fd = mkstemp(r->file);
    assert_true(fd >= 0);
    close(fd);
    configure(r, OLD, KEY_OLD, "old", "");
    assert_int_equal(pl_broker_open(&r->box.broker, &o), PL_OK);
    box_run(&r->box);
}

static void end(struct running *r)
{
    box_destroy(&r->box);
    unlink(r->file);
}

/* What a login with a token of this secret ends in: 0, or the close code. */
static unsigned login(const struct running *r, const char *secret)
{
    char *token = box_token(secret, "ann", NULL);
    struct peer_reply reply;
    struct peer p;
    unsigned code = 0;

    assert_int_equal(peer_open(&p, r->box.port, PEER_JSON), 101);
    peer_connect(&p, token);
    if (peer_wait(&p, &reply) == PEER_END)
        code = p.close_code;
    else
        assert_int_equal(reply.kind, PEER_RESULT);
    peer_fini(&p);
    free(token);
    return code;
}

/* What a login without a token ends in: 0, or the error. */
static unsigned login_unnamed(const struct running *r)
{
    struct peer_reply reply;
    struct peer p;

    assert_int_equal(peer_open(&p, r->box.port, PEER_JSON), 101);
    peer_connect(&p, NULL);
    assert_int_equal(peer_wait(&p, &reply), PEER_GOT);
    peer_fini(&p);
    return reply.kind == PEER_ERROR ? reply.code : 0;
}

/* The status of a request with these fields. */
static int ask(uint16_t port, const char *head)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    char answer[16] = {0};

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(fd, head, strlen(head)), strlen(head));
    assert_int_equal(recv(fd, answer, 12, MSG_WAITALL), 12);
    assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
    close(fd);
    return status;
}

static int open_from(const struct running *r, const char *host,
                     const char *origin)
{
    char head[512];

    snprintf(head, sizeof head,
             "GET /connection/websocket HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n"
             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
             host, origin);
    return ask(r->box.port, head);
}

static int api(const struct running *r, const char *key)
{
    char head[512];

    snprintf(head, sizeof head,
             "POST /api/info HTTP/1.1\r\nHost: 127.0.0.1\r\n"
             "X-API-Key: %s\r\nContent-Length: 2\r\n\r\n{}",
             key);
    return ask(pl_broker_admin_port(r->box.broker), head);
}

static void assert_old(const struct running *r)
{
    assert_int_equal(login(r, OLD), 0);
    assert_int_equal(login(r, NEW), 3500);
    assert_int_equal(login_unnamed(r), 101);
    assert_int_equal(open_from(r, "127.0.0.1", "https://old.example"), 101);
    assert_int_equal(open_from(r, "127.0.0.1", "https://new.example"), 403);
    assert_int_equal(open_from(r, "new.example", "https://old.example"), 421);
    assert_int_equal(api(r, KEY_OLD), 200);
    assert_int_equal(api(r, KEY_NEW), 401);
}

/* The loops take it over a moment later: on each of both it has arrived when
 * as many logins as there are loops, one after the other, say so; the listener
 * spreads them. */
static void await_new(const struct running *r)
{
    for (int good = 0; good < 8;)
        good = login(r, NEW) == 0 ? good + 1 : 0;
    while (api(r, KEY_NEW) != 200)
        continue;
}

static void a_reload_takes_over_secrets_keys_origins_and_hosts(void **state)
{
    struct running r = {.box = {.broker = NULL}};
    struct peer_reply reply;
    struct peer kept;
    char *token = box_token(OLD, "ann", NULL);

    (void)state;
    begin(&r);
    assert_old(&r);
    peer_enter(&kept, r.box.port, PEER_JSON, token, NULL);
    peer_join(&kept, "news");
    configure(&r, NEW, KEY_NEW, "new", "");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_OK);
    await_new(&r);
    assert_int_equal(login(&r, OLD), 3500);
    assert_int_equal(login_unnamed(&r), 0);
    assert_int_equal(open_from(&r, "127.0.0.1", "https://new.example"), 101);
    assert_int_equal(open_from(&r, "127.0.0.1", "https://old.example"), 403);
    assert_int_equal(open_from(&r, "new.example", "https://new.example"), 101);
    assert_int_equal(open_from(&r, "old.example", "https://new.example"), 421);
    assert_int_equal(api(&r, KEY_OLD), 401);
    /* who was in stays in */
    peer_publish(&kept, "news", "1");
    peer_await_push(&kept, PEER_PUBLICATION, &reply);
    peer_fini(&kept);
    free(token);
    end(&r);
}

static void a_reload_names_each_key_that_needs_a_restart(void **state)
{
    struct running r = {.box = {.broker = NULL}};

    (void)state;
    begin(&r);
    box_log_begin();
    configure(&r, NEW, KEY_OLD, "old",
              "limits: {channels: 7, memory: 1GiB}\n"
              "proxy: {trusted: [10.0.0.0/8]}\nshutdown: {grace: 0.1s}\n");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_EINVAL); /* 0.1s */
    assert_false(box_log_has("needs a restart"));
    configure(&r, OLD, KEY_OLD, "old",
              "limits: {channels: 7, memory: 1GiB}\nlog: {level: warn}\n"
              "proxy: {trusted: [10.0.0.0/8]}\nshutdown: {grace: 200ms}\n");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_OK);
    assert_int_equal(box_log_count("needs a restart"), 4);
    assert_true(box_log_has("key=limits.channels"));
    assert_true(box_log_has("key=limits.memory"));
    assert_true(box_log_has("key=proxy.trusted"));
    assert_true(box_log_has("key=shutdown.grace"));
    assert_false(box_log_has("configuration reloaded")); /* INFO is off now */
    configure(&r, OLD, KEY_OLD, "old", "log: {level: info}\n");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_OK);
    assert_true(box_log_has("configuration reloaded"));
    assert_false(box_log_has(OLD));
    box_log_end();
    end(&r);
}

static void a_bad_file_changes_nothing_and_is_reported(void **state)
{
    struct running r = {.box = {.broker = NULL}};

    (void)state;
    begin(&r);
    box_log_begin();
    configure(&r, NEW, KEY_NEW, "new", "limits: {chanels: 7}\n");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_EINVAL);
    assert_true(box_log_has("limits.chanels"));
    assert_true(box_log_has("not reloaded, all stays as it was"));
    write_file(&r, "");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_EINVAL);
    unlink(r.file);
    assert_int_equal(pl_broker_reload(r.box.broker), PL_EIO);
    box_log_end();
    assert_old(&r);
    end(&r);
}

static void what_was_reloaded_holds_after_the_next_start(void **state)
{
    struct running r = {.box = {.broker = NULL}};

    (void)state;
    begin(&r);
    configure(&r, NEW, KEY_NEW, "new", "");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_OK);
    box_stop(&r.box);
    configure(&r, OLD, KEY_OLD, "old", "");
    assert_int_equal(pl_broker_reload(r.box.broker), PL_OK); /* at rest */
    configure(&r, NEW, KEY_NEW, "new", "");
    box_run(&r.box);
    assert_old(&r);
    end(&r);
}

/* --- The rules of channels --- */

static void configure_channels(const struct running *r, const char *rules)
{
    char text[1024];

    snprintf(text, sizeof text,
             "auth: {hmac_secret: %s}\napi: {key: %s}\n"
             "channels: {allow_subscribe: all, allow_history: all, %s}\n",
             OLD, KEY_OLD, rules);
    write_file(r, text);
}

static void reload_channels(const struct running *r, const char *rules)
{
    configure_channels(r, rules);
    assert_int_equal(pl_broker_reload(r->box.broker), PL_OK);
}

static void enter(const struct running *r, struct peer *p)
{
    char *token = box_token(OLD, "ann", NULL);

    peer_enter(p, r->box.port, PEER_JSON, token, NULL);
    free(token);
}

/* The error of the reply; 0: a result. */
static uint32_t error_of(struct peer *p, uint32_t id, struct peer_reply *reply)
{
    peer_await(p, id, reply);
    return reply->kind == PEER_ERROR ? reply->code : 0;
}

/* Publish so many times, and return how many publications the history has; or
 * the error of either, below 0. */
static int kept_of(struct peer *p, const char *channel, unsigned count)
{
    struct peer_reply reply;
    char text[128];
    int kept = 0;

    while (count-- > 0) {
        uint32_t id = peer_publish(p, channel, "\"words\"");
        if (error_of(p, id, &reply) != 0)
            return -(int)reply.code;
    }
    int len = snprintf(text, sizeof text,
                       "{\"id\":%u,\"history\":{\"channel\":\"%s\","
                       "\"limit\":-1}}",
                       ++p->last_id, channel);
    peer_frame(p, PL_WS_TEXT, (struct pl_span){text, (size_t)len});
    if (error_of(p, p->last_id, &reply) != 0)
        return -(int)reply.code;
    for (size_t i = 0; i + 7 <= reply.body.len; i++)
        kept += memcmp(reply.body.at + i, "\"words\"", 7) == 0;
    return kept;
}

/* The loops have the rules a moment later, and a channel takes them with its
 * next subscriber: subscribe until it keeps so many. */
static void await_kept(const struct running *r, const char *channel, int kept)
{
    struct peer p;
    int now;

    do {
        enter(r, &p);
        peer_join(&p, channel);
        now = kept_of(&p, channel, 6);
        peer_fini(&p);
    } while (now != kept);
}

static void a_reload_changes_the_history_of_channels_old_and_new(void **state)
{
    struct running r = {.box = {.broker = NULL}};
    struct peer_reply reply;
    struct peer p;

    (void)state;
    begin(&r);
    reload_channels(&r, "allow_publish: all, history_size: 2");
    await_kept(&r, "old", 2);
    enter(&r, &p);
    peer_join(&p, "old");
    reload_channels(&r, "allow_publish: all, history_size: 4");
    await_kept(&r, "old", 4);
    await_kept(&r, "new", 4);
    assert_int_equal(kept_of(&p, "old", 6), 4);
    reload_channels(&r, "allow_publish: all, history_size: 3");
    await_kept(&r, "old", 3);
    /* without a history its subscribers stay, and get what is published */
    reload_channels(&r, "allow_publish: all, history_size: 0");
    await_kept(&r, "old", -108);
    do
        peer_await_push(&p, PEER_PUBLICATION, &reply);
    while (reply.offset != 0);
    reload_channels(&r, "allow_publish: all, history_size: 2");
    await_kept(&r, "old", 2);
    peer_fini(&p);
    end(&r);
}

static void a_reload_changes_who_may_do_what(void **state)
{
    struct running r = {.box = {.broker = NULL}};
    struct peer p;

    (void)state;
    begin(&r);
    reload_channels(&r, "allow_publish: all, history_size: 9");
    await_kept(&r, "room", 6);
    enter(&r, &p);
    reload_channels(&r, "allow_publish: none, history_size: 9");
    while (kept_of(&p, "room", 1) != -103)
        continue;
    assert_in_range(kept_of(&p, "room", 0), 6, 9);
    peer_fini(&p);
    end(&r);
}

static void rules_that_were_reloaded_hold_after_the_next_start(void **state)
{
    struct running r = {.box = {.broker = NULL}};
    struct peer p;

    (void)state;
    begin(&r);
    reload_channels(&r, "allow_publish: all, history_size: 2");
    box_stop(&r.box);
    box_run(&r.box);
    enter(&r, &p);
    assert_int_equal(kept_of(&p, "room", 3), 2);
    peer_fini(&p);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_takes_over_secrets_keys_origins_and_hosts),
        cmocka_unit_test(a_reload_names_each_key_that_needs_a_restart),
        cmocka_unit_test(a_bad_file_changes_nothing_and_is_reported),
        cmocka_unit_test(what_was_reloaded_holds_after_the_next_start),
        cmocka_unit_test(a_reload_changes_the_history_of_channels_old_and_new),
        cmocka_unit_test(a_reload_changes_who_may_do_what),
        cmocka_unit_test(rules_that_were_reloaded_hold_after_the_next_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
