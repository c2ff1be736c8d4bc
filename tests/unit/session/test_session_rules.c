/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_rules.c - namespaces with different rules: sessions, hubs and
 * owners of channels all obey those of the channel. */
#include "rig.h"
#include "rules_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READ = PL_GRANT_SUBSCRIBE | PL_GRANT_PRESENCE | PL_GRANT_HISTORY,
    ALL = READ | PL_GRANT_PUBLISH
};

static struct pl_rules rules_of(const char *name, uint8_t grants)
{
    struct pl_rules r = {.name = pl_span_of(name), .meta_ttl_ms = 3600000};

    memset(r.grants, grants, sizeof r.grants);
    return r;
}

/* "kept:" has everything, "bare:" nothing; names without a namespace are
 * closed. */
static struct pl_rulebook *two_namespaces(uint64_t generation, uint32_t history)
{
    struct pl_rules templates[] = {rules_of("", 0), rules_of("kept", ALL),
                                   rules_of("bare", ALL)};
    struct pl_rulebook *b;

    templates[1].sub.flags = PL_RULE_PRESENCE | PL_RULE_JOIN_LEAVE;
    templates[1].history_size = history;
    templates[1].history_ttl_ms = 60000;
    templates[1].slow = PL_SLOW_CLOSE;
    templates[2].slow = PL_SLOW_DROP_OLDEST;
    assert_int_equal(
        pl_rulebook_create(&b, generation, &pl_naming_usual, templates, 3),
        PL_OK);
    return b;
}

static struct rig *with(const char *test, struct pl_rulebook *book)
{
    static const char *const sets[] = {"limits.outgoing_queue=8KiB"};
    struct rig_options o = {
        .loops = 2, .sets = sets, .set_count = 1, .rules = book};
    struct rig *r = rig_start(test, &o);

    pl_rulebook_release(book);
    return r;
}

/* Give all actors another rulebook, as a reload does. */
static void give_rules(struct rig *r, struct pl_rulebook *book)
{
    for (unsigned i = 0; i < r->loops; i++) {
        const struct pl_address to[] = {r->owners[i], r->managers[i]};

        for (unsigned n = 0; n < 2; n++) {
            struct pl_rules_mail *m = pl_rules_mail_create();

            assert_non_null(m);
            m->book = pl_rulebook_hold(book);
            m->release = pl_rulebook_release;
            pl_actor_send(&r->boss->actor, to[n], &m->msg);
        }
    }
    rig_run(r, 0);
}

static void publish(struct client *c, unsigned id, const char *channel,
                    const char *data)
{
    client_sayf(c, "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":%s}}",
                id, channel, data);
    rig_run(c->rig, 0);
}

/* {"id":ID,"VERB":{"channel":"CHANNEL"}} */
static void ask(struct client *c, unsigned id, const char *verb,
                const char *channel)
{
    client_sayf(c, "{\"id\":%u,\"%s\":{\"channel\":\"%s\"}}", id, verb,
                channel);
    rig_run(c->rig, 0);
}

static void a_name_of_no_namespace_is_error_102(void **state)
{
    struct rig *r = with("unknown", two_namespaces(1, 5));
    struct client *c = client_join(r, 0);

    (void)state;
    ask(c, 2, "subscribe", "other:a");
    client_expect(c, "{\"id\":2,\"error\":{\"code\":102,*");
    ask(c, 3, "history", "other:a");
    client_expect(c, "{\"id\":3,\"error\":{\"code\":102,*");
    publish(c, 4, "other:a", "1");
    client_expect(c, "{\"id\":4,\"error\":{\"code\":102,*");
    ask(c, 5, "subscribe", "a");
    client_expect(c, "{\"id\":5,\"error\":{\"code\":103,*");
    rig_destroy(r);
}

static void history_and_presence_are_those_of_the_namespace(void **state)
{
    struct rig *r = with("stores", two_namespaces(1, 2));
    struct client *a = client_join(r, 0), *b = client_join(r, 1);

    (void)state;
    ask(a, 2, "subscribe", "kept:a");
    client_expect(a, "{\"id\":2,\"subscribe\":{*\"recoverable\":true*");
    ask(b, 2, "subscribe", "bare:a");
    client_expect(b, "{\"id\":2,\"subscribe\":{}}");
    for (unsigned i = 0; i < 3; i++) {
        publish(b, 10, "kept:a", "1");
        client_expect(b, "{\"id\":10,\"publish\":{}}");
        client_expect(a, "{\"push\":{\"channel\":\"kept:a\",\"pub\":{*"
                         "\"offset\":*");
    }
    client_sayf(a, "{\"id\":3,\"history\":{\"channel\":\"kept:a\","
                   "\"limit\":-1}}");
    rig_run(r, 0);
    client_expect(a, "{\"id\":3,\"history\":{\"publications\":[{*\"offset\":2}"
                     ",{*\"offset\":3}],*"); /* the newest two */
    ask(a, 4, "presence_stats", "kept:a");
    client_expect(a, "{\"id\":4,\"presence_stats\":{\"num_clients\":1,*");
    ask(a, 5, "history", "bare:a");
    client_expect(a, "{\"id\":5,\"error\":{\"code\":108,*");
    ask(a, 6, "presence", "bare:a");
    client_expect(a, "{\"id\":6,\"error\":{\"code\":108,*");
    rig_destroy(r);
}

static void joins_are_published_where_the_namespace_says_so(void **state)
{
    struct rig *r = with("joins", two_namespaces(1, 0));
    struct client *a = client_join(r, 0), *b = client_join(r, 1);

    (void)state;
    client_say(a, "{\"id\":2,\"subscribe\":{\"channel\":\"kept:a\","
                  "\"join_leave\":true}}");
    client_say(a, "{\"id\":3,\"subscribe\":{\"channel\":\"bare:a\","
                  "\"join_leave\":true}}");
    rig_run(r, 0);
    while (client_next(a) != NULL)
        continue;
    client_subscribe(b, 2, "bare:a");
    client_expect_silence(a);
    client_subscribe(b, 3, "kept:a");
    client_expect(a, "{\"push\":{\"channel\":\"kept:a\",\"join\":*");
    rig_destroy(r);
}

static void slow_readers_are_treated_as_the_namespace_says(void **state)
{
    struct rig *r = with("slow", two_namespaces(1, 0));
    struct client *writer = client_join(r, 0), *kept = client_join(r, 0),
                  *bare = client_join(r, 0);
    char data[1002];

    (void)state;
    memset(data, 'x', sizeof data);
    data[0] = data[sizeof data - 2] = '"';
    data[sizeof data - 1] = '\0';
    client_subscribe(kept, 2, "kept:a");
    client_subscribe(bare, 2, "bare:a");
    client_take(kept, 0);
    client_take(bare, 0);
    for (unsigned i = 0; i < 20; i++) {
        publish(writer, 10, "kept:a", data);
        publish(writer, 10, "bare:a", data);
    }
    client_take(kept, SIZE_MAX);
    client_take(bare, SIZE_MAX);
    client_expect_close(kept, 3008);
    assert_int_equal(bare->closed, 0);
    assert_in_range(rig_metric(r, PL_METRIC_FRAMES_DROPPED_OLDEST), 10, 15);
    rig_destroy(r);
}

static void only_subscribers_publish_where_the_rules_say_so(void **state)
{
    struct pl_rules templates[] = {rules_of("", READ)};
    struct pl_rulebook *b;

    (void)state;
    templates[0].grants[PL_RULES_SUBSCRIBER] = ALL;
    assert_int_equal(pl_rulebook_create(&b, 1, &pl_naming_usual, templates, 1),
                     PL_OK);
    struct rig *r = with("subscribers", b);
    struct client *c = client_join(r, 0);
    publish(c, 2, "a", "1");
    client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
    client_subscribe(c, 3, "b");
    publish(c, 4, "a", "1");
    client_expect(c, "{\"id\":4,\"error\":{\"code\":103,*");
    client_subscribe(c, 5, "a");
    publish(c, 6, "a", "1");
    client_expect(c, "{\"push\":{\"channel\":\"a\",\"pub\":*");
    client_expect(c, "{\"id\":6,\"publish\":{}}");
    rig_destroy(r);
}

static void a_channel_takes_newer_rules_with_its_next_subscriber(void **state)
{
    struct rig *r = with("reload", two_namespaces(1, 2));
    struct client *a = client_join(r, 0), *b = client_join(r, 1);
    struct pl_rulebook *newer = two_namespaces(2, 4);

    (void)state;
    client_subscribe(a, 2, "kept:a");
    give_rules(r, newer);
    for (unsigned i = 0; i < 3; i++)
        publish(a, 10, "kept:a", "1");
    while (client_next(a) != NULL)
        continue;
    client_say(a, "{\"id\":3,\"history\":{\"channel\":\"kept:a\","
                  "\"limit\":-1}}");
    rig_run(r, 0);
    client_expect(a, "{\"id\":3,\"history\":{\"publications\":[{*\"offset\":2}"
                     ",{*\"offset\":3}],*");
    client_subscribe(b, 2, "kept:a");
    for (unsigned i = 0; i < 3; i++)
        publish(b, 10, "kept:a", "1");
    while (client_next(a) != NULL)
        continue;
    client_say(a, "{\"id\":4,\"history\":{\"channel\":\"kept:a\","
                  "\"limit\":-1}}");
    rig_run(r, 0);
    client_expect(a, "{\"id\":4,\"history\":{\"publications\":[{*\"offset\":3}"
                     ",{*\"offset\":4},{*\"offset\":5},{*\"offset\":6}],*");
    pl_rulebook_release(newer);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_of_no_namespace_is_error_102),
        cmocka_unit_test(history_and_presence_are_those_of_the_namespace),
        cmocka_unit_test(joins_are_published_where_the_namespace_says_so),
        cmocka_unit_test(slow_readers_are_treated_as_the_namespace_says),
        cmocka_unit_test(only_subscribers_publish_where_the_rules_say_so),
        cmocka_unit_test(a_channel_takes_newer_rules_with_its_next_subscriber),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
