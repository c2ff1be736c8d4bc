/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_permissions.c - who may do what with a channel, rule by rule as
 * Centrifugo documents it: a row is a namespace, a user, commands, and what the
 * last of them gets. */
#include "commands.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *rules; /* of the namespace "ns" */
    const char *user;  /* "": none */
    const char *first; /* a channel to subscribe to before; NULL: none */
    const char *command;
    const char *expected; /* NULL: closed with 3501 */
};

static struct client *join(struct rig *r, const char *user)
{
    struct client *c = client_open(r, 0);
    char *token = user[0] == '\0' ? NULL : rig_token(r, user, 0, NULL, 0);

    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
                token == NULL ? "" : token);
    free(token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    return c;
}

static struct rig *start(const char *rules, const char *more)
{
    char spaces[512];
    const char *sets[] = {"auth.anonymous=true", "auth.hmac_secret=" RIG_SECRET,
                          spaces, "limits.connection_channels=2", more};
    const struct rig_options o = {
        .sets = sets, .set_count = more == NULL ? 4 : 5, .is_secure = true};

    snprintf(spaces, sizeof spaces, "namespaces=[{name: ns%s%s}]",
             rules[0] == '\0' ? "" : ", ", rules);
    return rig_create(1, &o);
}

/* What other clients and the own subscription say comes before the answer. */
static const char *answer(struct client *c)
{
    const char *said;

    while ((said = client_next(c)) != NULL)
        if (strncmp(said, "{\"id\":9,", 8) == 0)
            return said;
    return "";
}

static void check(const struct row *row)
{
    struct rig *r = start(row->rules, NULL);
    struct client *c = join(r, row->user);

    if (row->first != NULL)
        client_subscribe(c, 2, row->first);
    client_say(c, row->command);
    rig_run(r, 0);
    if (row->expected == NULL) {
        client_expect_close(c, 3501);
    } else {
        const char *said = answer(c);

        if (!rig_matches(said, row->expected))
            fail_msg("{%s} user %s: %s\n  gets %s, not %s", row->rules,
                     row->user, row->command, said, row->expected);
    }
    rig_destroy(r);
}

static void check_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&rows[i]);
}

#define CHECK(rows) check_all(rows, sizeof(rows) / sizeof(rows)[0])
#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

static void a_subscribe_passes_the_rules_in_their_order(void **state)
{
    static const struct row rows[] = {
        /* the name: its length, its namespace, its characters, its prefix */
        {"", "42", NULL, SUBSCRIBE(""), NULL},
        {"", "42", NULL, SUBSCRIBE("no:" LONG LONG LONG LONG), ERROR(107)},
        {"", "42", NULL, SUBSCRIBE("no:\xc3\xa4"), ERROR(102)},
        {"", "", NULL, SUBSCRIBE("no:a"), ERROR(102)},
        {"", "42", NULL, SUBSCRIBE("ns:\xc3\xa4"), ERROR(107)},
        {"", "42", NULL, SUBSCRIBE("$ns:\xc3\xa4"), ERROR(107)},
        {"utf8_names: true, allow_subscribe: all", "", NULL,
         SUBSCRIBE("ns:\xc3\xa4"), OK},
        {"allow_subscribe: all", "42", NULL, SUBSCRIBE("$ns:a"), ERROR(103)},
        {"allow_subscribe: all", "42", NULL, SUBSCRIBE("$no:a"), ERROR(102)},
        {"user_lists: obeyed", "42", NULL, SUBSCRIBE("$ns:a#42"), ERROR(103)},
        /* a list of users comes before the permissions */
        {"user_lists: obeyed", "42", NULL, SUBSCRIBE("ns:a#42"), OK},
        {"user_lists: obeyed", "42", NULL, SUBSCRIBE("ns:a#7,42"), OK},
        {"user_lists: obeyed", "42", NULL, SUBSCRIBE("ns:#42"), OK},
        {"user_lists: obeyed, allow_subscribe: all", "4", NULL,
         SUBSCRIBE("ns:a#42"), ERROR(103)},
        {"user_lists: obeyed, allow_subscribe: all", "", NULL,
         SUBSCRIBE("ns:a#"), ERROR(103)},
        {"user_lists: obeyed, allow_subscribe: all", "42", NULL,
         SUBSCRIBE("ns:a#42#7"), ERROR(103)},
        {"user_lists: ignored, allow_subscribe: all", "4", NULL,
         SUBSCRIBE("ns:a#42"), OK},
        {"allow_subscribe: all", "42", NULL, SUBSCRIBE("ns:a#42"), ERROR(103)},
        /* the permission */
        {"", "42", NULL, SUBSCRIBE("ns:a"), ERROR(103)},
        {"allow_subscribe: authenticated", "42", NULL, SUBSCRIBE("ns:a"), OK},
        {"allow_subscribe: authenticated", "", NULL, SUBSCRIBE("ns:a"),
         ERROR(103)},
        {"allow_subscribe: all", "", NULL, SUBSCRIBE("ns:a"), OK},
        /* the inboxes are those of names without a namespace */
        {"", "42", NULL, SUBSCRIBE("#42"), ERROR(105)},
        {"", "42", NULL, SUBSCRIBE("#7"), ERROR(103)},
        {"", "42", NULL, SUBSCRIBE("@x"), ERROR(103)},
        /* twice */
        {"allow_subscribe: all", "42", "ns:a", SUBSCRIBE("ns:a"), ERROR(105)},
    };

    (void)state;
    CHECK(rows);
}

static void a_publish_passes_the_rules_in_their_order(void **state)
{
    static const struct row rows[] = {
        {"", "42", NULL, PUBLISH("", "1"), NULL},
        {"", "42", NULL, PUBLISH("no:a", "1"), ERROR(102)},
        {"allow_publish: all", "42", NULL, PUBLISH("ns:\xc3\xa4", "1"),
         ERROR(107)},
        {"", "42", NULL, "{\"id\":9,\"publish\":{\"channel\":\"ns:a\"}}",
         ERROR(107)}, /* the data comes before the permission */
        {"", "42", NULL, PUBLISH("ns:a", "1"), ERROR(103)},
        {"allow_publish: authenticated", "42", NULL, PUBLISH("ns:a", "1"), OK},
        {"allow_publish: authenticated", "", NULL, PUBLISH("ns:a", "1"),
         ERROR(103)},
        {"allow_publish: all", "", NULL, PUBLISH("ns:a", "1"), OK},
        {"allow_subscribe: all, allow_subscriber_publish: authenticated", "42",
         NULL, PUBLISH("ns:a", "1"), ERROR(103)},
        {"allow_subscribe: all, allow_subscriber_publish: authenticated", "42",
         "ns:b", PUBLISH("ns:a", "1"), ERROR(103)},
        {"allow_subscribe: all, allow_subscriber_publish: authenticated", "42",
         "ns:a", PUBLISH("ns:a", "1"), OK},
        {"allow_subscribe: all, allow_subscriber_publish: authenticated", "",
         "ns:a", PUBLISH("ns:a", "1"), ERROR(103)},
        {"allow_subscribe: all, allow_subscriber_publish: all", "", "ns:a",
         PUBLISH("ns:a", "1"), OK},
        /* a prefix and a list restrict subscribing alone */
        {"allow_publish: all", "42", NULL, PUBLISH("$ns:a", "1"), OK},
        {"allow_publish: all, user_lists: obeyed", "4", NULL,
         PUBLISH("ns:a#42", "1"), OK},
        {"allow_publish: all", "42", NULL, PUBLISH("ns:a#42", "1"), ERROR(103)},
        {"allow_publish: all", "42", NULL, PUBLISH("#42", "1"), ERROR(103)},
        {"allow_publish: all", "42", NULL, PUBLISH("@x", "1"), ERROR(103)},
    };

    (void)state;
    CHECK(rows);
}

static void presence_is_there_before_it_is_permitted(void **state)
{
    static const struct row rows[] = {
        {"", "42", NULL, PRESENCE(""), NULL},
        {"", "42", NULL, PRESENCE("no:a"), ERROR(102)},
        {"allow_presence: all", "42", NULL, PRESENCE("ns:a"), ERROR(108)},
        {"allow_presence: all", "42", NULL, STATS("ns:a"), ERROR(108)},
        {"presence: true", "42", NULL, PRESENCE("ns:a"), ERROR(103)},
        {"presence: true", "42", NULL, STATS("ns:a"), ERROR(103)},
        {"presence: true, allow_presence: authenticated", "42", NULL,
         PRESENCE("ns:a"), OK},
        {"presence: true, allow_presence: authenticated", "", NULL,
         STATS("ns:a"), ERROR(103)},
        {"presence: true, allow_presence: all", "", NULL, STATS("ns:a"), OK},
        {"presence: true, allow_subscribe: all, allow_subscriber_presence: all",
         "", "ns:a", PRESENCE("ns:a"), "{\"id\":9,\"presence\":{*\"user\":*"},
        {"presence: true, allow_subscribe: all, allow_subscriber_presence: all",
         "", NULL, PRESENCE("ns:a"), ERROR(103)},
    };

    (void)state;
    CHECK(rows);
}

static void history_is_there_before_it_is_permitted(void **state)
{
    static const struct row rows[] = {
        {"", "42", NULL, HISTORY(""), NULL},
        {"", "42", NULL, HISTORY("no:a"), ERROR(102)},
        {"allow_history: all", "42", NULL, HISTORY("ns:a"), ERROR(108)},
        {"allow_history: all, history_size: 1, history_ttl: 0", "42", NULL,
         HISTORY("ns:a"), ERROR(108)},
        {"history_size: 1", "42", NULL, HISTORY("ns:a"), ERROR(103)},
        {"history_size: 1, allow_history: authenticated", "42", NULL,
         HISTORY("ns:a"), OK},
        {"history_size: 1, allow_history: authenticated", "", NULL,
         HISTORY("ns:a"), ERROR(103)},
        {"history_size: 1, allow_history: all", "", NULL, HISTORY("ns:a"), OK},
        {"history_size: 1, allow_subscribe: all, allow_subscriber_history: all",
         "", "ns:a", HISTORY("ns:a"), OK},
        {"history_size: 1, allow_subscribe: all, allow_subscriber_history: all",
         "", NULL, HISTORY("ns:a"), ERROR(103)},
    };

    (void)state;
    CHECK(rows);
}

static void data_is_what_the_namespace_says(void **state)
{
    static const char none[] = "{\"id\":9,\"publish\":{\"channel\":\"ns:a\"}}";
    static const struct row rows[] = {
        {"allow_publish: all", "", NULL, PUBLISH("ns:a", "1"), OK},
        {"allow_publish: all", "", NULL, none, ERROR(107)},
        {"allow_publish: all, data: json_object", "", NULL,
         PUBLISH("ns:a", "1"), ERROR(107)},
        {"allow_publish: all, data: json_object", "", NULL,
         PUBLISH("ns:a", "[{}]"), ERROR(107)},
        {"allow_publish: all, data: json_object", "", NULL,
         PUBLISH("ns:a", " {}"), OK},
        {"allow_publish: all, data: json_object", "", NULL, none, ERROR(107)},
        {"allow_publish: all, data: not_empty", "", NULL, PUBLISH("ns:a", "1"),
         OK},
        {"allow_publish: all, data: not_empty", "", NULL, none, ERROR(107)},
        {"allow_publish: all, data: binary", "", NULL, none, OK},
    };

    (void)state;
    CHECK(rows);
}

static void no_data_is_null_to_clients_of_json(void **state)
{
    struct rig *r = start("allow_subscribe: all, allow_publish: all, "
                          "allow_history: all, history_size: 1, data: binary",
                          NULL);
    struct client *c = join(r, "");

    (void)state;
    client_subscribe(c, 2, "ns:a");
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"ns:a\"}}");
    rig_run(r, 0);
    client_expect(c,
                  "{\"push\":{\"channel\":\"ns:a\",\"pub\":{\"data\":null,*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    client_say(c, HISTORY("ns:a"));
    rig_run(r, 0);
    client_expect(c, "{\"id\":9,\"history\":{*\"data\":null*");
    rig_destroy(r);
}

/* --- What a subscription is granted --- */

#define ASKS(more) "{\"id\":9,\"subscribe\":{\"channel\":\"ns:a\"," more "}}"
#define BARE "{\"id\":9,\"subscribe\":{}}"
#define BOTH                                                                   \
    "{\"id\":9,\"subscribe\":{\"recoverable\":true,*\"positioned\":true*"
#define POSITION "{\"id\":9,\"subscribe\":{\"epoch\":*\"positioned\":true*"
#define BASE "allow_subscribe: all, history_size: 5, "

static void positions_are_granted_as_the_rules_say(void **state)
{
    static const struct row rows[] = {
        {BASE "slow: close", "", NULL, SUBSCRIBE("ns:a"), BOTH},
        {BASE "recovery: never", "", NULL, SUBSCRIBE("ns:a"), POSITION},
        {BASE "positioning: never", "", NULL, SUBSCRIBE("ns:a"), BOTH},
        {BASE "positioning: never, recovery: never", "", NULL,
         ASKS("\"positioned\":true,\"recoverable\":true"), BARE},
        {BASE "positioning: asked, recovery: never", "", NULL,
         SUBSCRIBE("ns:a"), BARE},
        {BASE "positioning: asked, recovery: never", "", NULL,
         ASKS("\"positioned\":true"), POSITION},
        {BASE "positioning: asked, recovery: never", "", NULL,
         ASKS("\"recoverable\":true"), BARE},
        {BASE "positioning: never, recovery: asked", "", NULL,
         ASKS("\"recoverable\":true"), BOTH},
        {BASE "positioning: never, recovery: asked", "", NULL,
         ASKS("\"positioned\":true"), BARE},
        /* who may read the history may ask */
        {BASE "positioning: never, recovery: never, "
              "allow_subscriber_history: all",
         "", NULL, ASKS("\"recoverable\":true"), BOTH},
        {BASE "positioning: never, recovery: never, "
              "allow_subscriber_history: authenticated",
         "", NULL, ASKS("\"positioned\":true"), BARE},
        {BASE "positioning: never, recovery: never, "
              "allow_history: authenticated",
         "42", NULL, ASKS("\"positioned\":true"), POSITION},
        /* what cannot be recovered is not tried */
        {BASE "recovery: never", "", NULL,
         ASKS("\"recover\":true,\"epoch\":\"x\",\"offset\":7"), POSITION},
        /* and without a history nothing is granted */
        {"allow_subscribe: all", "", NULL,
         ASKS("\"positioned\":true,\"recoverable\":true"), BARE},
    };

    (void)state;
    CHECK(rows);
}

/* Return true if a client with `user` hears that another one subscribes. */
static bool hears_joins(const char *rules, const char *user, bool asks)
{
    struct rig *r = start(rules, NULL);
    struct client *c = join(r, user), *other = join(r, "");
    bool heard = false;
    const char *said;

    client_sayf(c,
                "{\"id\":2,\"subscribe\":{\"channel\":\"ns:a\","
                "\"join_leave\":%s}}",
                asks ? "true" : "false");
    rig_run(r, 0);
    while (client_next(c) != NULL)
        continue;
    client_subscribe(other, 2, "ns:a");
    while ((said = client_next(c)) != NULL)
        heard = heard || rig_matches(said, "{\"push\":{*\"join\":*");
    rig_destroy(r);
    return heard;
}

static void joins_are_granted_as_the_rules_say(void **state)
{
    static const struct {
        const char *rules, *user;
        bool asks, hears;
    } rows[] = {
        {"join_leave: true", "42", true, false}, /* may not list clients */
        {"join_leave: true, allow_presence: all", "", true, true},
        {"join_leave: true, allow_presence: all", "", false, false},
        {"join_leave: true, allow_presence: authenticated", "", true, false},
        {"join_leave: true, allow_subscriber_presence: all", "", true, true},
        {"join_leave: true, push_join_leave: true", "", false, true},
        {"push_join_leave: true", "", true, false}, /* there are none */
        {"allow_presence: all", "42", true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rules[200];

        snprintf(rules, sizeof rules, "allow_subscribe: all, %s",
                 rows[i].rules);
        if (hears_joins(rules, rows[i].user, rows[i].asks) != rows[i].hears)
            fail_msg("{%s} user %s", rows[i].rules, rows[i].user);
    }
}

/* Return the number of pushes of `kind` about user 42 that `c` gets. */
static unsigned hear_of_42(struct client *c, const char *kind)
{
    char pattern[80];
    const char *said;
    unsigned n = 0;

    snprintf(pattern, sizeof pattern, "{\"push\":{*\"%s\":{*\"user\":\"42\"*",
             kind);
    while ((said = client_next(c)) != NULL)
        n += rig_matches(said, pattern);
    return n;
}

static void a_user_with_two_connections_joins_once_and_leaves_once(void **state)
{
    static const struct {
        const char *by_user;
        unsigned joins, first, last; /* and leaves, at the unsubscribes */
    } rows[] = {{"true", 1, 0, 1}, {"false", 2, 1, 1}};
    static const char leave[] =
        "{\"id\":3,\"unsubscribe\":{\"channel\":\"ns:a\"}}";

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rules[200];

        snprintf(rules, sizeof rules,
                 "allow_subscribe: all, join_leave: true, "
                 "push_join_leave: true, join_leave_by_user: %s",
                 rows[i].by_user);
        struct rig *r = start(rules, NULL);
        struct client *c = join(r, "7"), *a = join(r, "42"), *b = join(r, "42");
        client_subscribe(c, 2, "ns:a");
        client_subscribe(a, 2, "ns:a");
        client_subscribe(b, 2, "ns:a");
        assert_int_equal(hear_of_42(c, "join"), rows[i].joins);
        client_say(a, leave);
        rig_run(r, 0);
        assert_int_equal(hear_of_42(c, "leave"), rows[i].first);
        client_say(b, leave);
        rig_run(r, 0);
        assert_int_equal(hear_of_42(c, "leave"), rows[i].last);
        rig_destroy(r);
    }
}

/* --- Limits --- */

#define LOWER "name_regex: '^[a-z]+$', "

static void a_name_matches_the_pattern_of_its_namespace(void **state)
{
    static const struct row rows[] = {
        {LOWER "allow_subscribe: all", "", NULL, SUBSCRIBE("ns:abc"), OK},
        {LOWER "allow_subscribe: all", "", NULL, SUBSCRIBE("ns:aBc"),
         ERROR(107)},
        {LOWER "allow_subscribe: all", "", NULL, SUBSCRIBE("ns:"), ERROR(107)},
        {LOWER "allow_subscribe: all", "", NULL, SUBSCRIBE("ns:a:b"),
         ERROR(107)},
        {LOWER "allow_subscribe: all", "", NULL, SUBSCRIBE("ns:abc\xc3\xa4"),
         ERROR(107)},
        {LOWER "allow_publish: all", "", NULL, PUBLISH("ns:aBc", "1"),
         ERROR(107)},
        {LOWER "presence: true, allow_presence: all", "", NULL,
         PRESENCE("ns:aBc"), ERROR(107)},
        {LOWER "presence: true, allow_presence: all", "", NULL, STATS("ns:abc"),
         OK},
        {LOWER "history_size: 1, allow_history: all", "", NULL,
         HISTORY("ns:aBc"), ERROR(107)},
        /* before the permission, after the namespace; without the prefix */
        {LOWER "slow: close", "", NULL, SUBSCRIBE("ns:aBc"), ERROR(107)},
        {LOWER "slow: close", "", NULL, SUBSCRIBE("no:aBc"), ERROR(102)},
        {LOWER "allow_subscribe: all", "42", NULL, SUBSCRIBE("$ns:abc"),
         ERROR(103)},
        /* a pattern alone decides which characters there are */
        {"name_regex: '^[[:alpha:]\xc3\xa4]+$', allow_subscribe: all", "", NULL,
         SUBSCRIBE("ns:a\xc3\xa4"), OK},
        {"name_regex: 'b', allow_subscribe: all", "", NULL, SUBSCRIBE("ns:abc"),
         OK}, /* anywhere */
        /* what takes too many steps does not match */
        {"name_regex: '^(([a-z])+.)+[A-Z]([a-z])+$', allow_subscribe: all", "",
         NULL, SUBSCRIBE("ns:" LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
         ERROR(107)},
        {"name_regex: '^(a|a?)+$', allow_subscribe: all", "", NULL,
         SUBSCRIBE("ns:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
         ERROR(107)},
    };

    (void)state;
    CHECK(rows);
}

static void a_name_without_a_namespace_has_its_pattern_as_a_whole(void **state)
{
    static const struct {
        const char *command, *expected;
    } rows[] = {
        {SUBSCRIBE("abc"), OK},
        {SUBSCRIBE("ABC"), ERROR(107)},
        {SUBSCRIBE("$abc"), ERROR(107)},   /* as in Centrifugo */
        {SUBSCRIBE("ns:ABC"), ERROR(103)}, /* it has none */
    };
    struct rig *r = start("", "channels.name_regex=^[a-z]+$");
    struct client *c = join(r, "");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client_say(c, rows[i].command);
        rig_run(r, 0);
        const char *said = answer(c);
        if (i > 0 && !rig_matches(said, rows[i].expected))
            fail_msg("%s: %s", rows[i].command, said);
    }
    rig_destroy(r);
}

static uint64_t count_refused(const struct rig *r)
{
    return r->at[0].metrics.value[PL_METRIC_REFUSED_PUBLISH_RATE];
}

static void a_channel_has_so_many_publications_a_second(void **state)
{
    struct rig *r = start("allow_publish: all, data: binary, history_size: 9, "
                          "publish_rate: 2, publish_burst: 3",
                          NULL);
    struct client *a = join(r, ""), *b = join(r, "42");

    (void)state;
    for (int i = 0; i < 2; i++) {
        client_say(a, PUBLISH("ns:a", "1"));
        rig_run(r, 0);
        client_expect(a, "{\"id\":9,\"publish\":{}}");
    }
    client_say(b, PUBLISH("ns:a", "1")); /* it is a limit of the channel */
    rig_run(r, 0);
    client_expect(b, "{\"id\":9,\"publish\":{}}");
    client_say(b, PUBLISH("ns:a", "1"));
    client_say(a, PUBLISH("ns:b", "1")); /* of this one only */
    rig_run(r, 0);
    client_expect(b, ERROR(111));
    client_expect(a, "{\"id\":9,\"publish\":{}}");
    assert_int_equal(count_refused(r), 1);
    rig_run(r, 500); /* one of two a second */
    client_say(b, PUBLISH("ns:a", "1"));
    client_say(b, PUBLISH("ns:a", "1"));
    rig_run(r, 0);
    client_expect(b, "{\"id\":9,\"publish\":{}}");
    client_expect(b, ERROR(111));
    assert_int_equal(count_refused(r), 2);
    rig_destroy(r);
}

static void a_limit_comes_before_a_permission(void **state)
{
    struct rig *r = start("allow_subscribe: all", NULL);
    struct client *c = join(r, "42");

    (void)state;
    client_subscribe(c, 2, "ns:a");
    client_subscribe(c, 3, "ns:b");
    client_say(c, SUBSCRIBE("ns:c"));
    rig_run(r, 0);
    client_expect(c, ERROR(106));
    client_say(c, SUBSCRIBE("closed"));
    rig_run(r, 0);
    client_expect(c, ERROR(106));
    client_say(c, SUBSCRIBE("ns:a"));
    rig_run(r, 0);
    client_expect(c, ERROR(105));
    client_say(c, SUBSCRIBE("no:c"));
    rig_run(r, 0);
    client_expect(c, ERROR(102));
    rig_destroy(r);
}

static void a_history_reply_has_at_most_so_many_publications(void **state)
{
    struct rig *r = start("allow_publish: all, allow_history: all, "
                          "history_size: 10",
                          "limits.history_publications=2");
    struct client *c = join(r, "");

    (void)state;
    for (int i = 0; i < 4; i++)
        client_say(c, PUBLISH("ns:a", "1"));
    rig_run(r, 0);
    while (client_next(c) != NULL)
        continue;
    client_say(c, HISTORY("ns:a"));
    rig_run(r, 0);
    client_expect(c, "{\"id\":9,\"history\":{\"publications\":[{*\"offset\":1}"
                     ",{*\"offset\":2}],*\"offset\":4}}");
    client_say(c, "{\"id\":9,\"history\":{\"channel\":\"ns:a\",\"limit\":3}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":9,\"history\":{\"publications\":[{*\"offset\":1}"
                     ",{*\"offset\":2}],*\"offset\":4}}");
    client_say(c, "{\"id\":9,\"history\":{\"channel\":\"ns:a\"}}");
    rig_run(r, 0);
    client_expect(c,
                  "{\"id\":9,\"history\":{\"publications\":[],*\"offset\":4}}");
    rig_destroy(r);
}

static void a_whole_history_expires_after_its_newest_publication(void **state)
{
    static const struct {
        const char *expiry;
        unsigned left; /* of two, when the first is older than the ttl */
    } rows[] = {{"each", 1}, {"whole", 2}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char rules[160];
        unsigned left = 0;

        snprintf(rules, sizeof rules,
                 "allow_publish: all, allow_history: all, history_size: 10, "
                 "history_ttl: 10s, history_expiry: %s",
                 rows[i].expiry);
        struct rig *r = start(rules, NULL);
        struct client *c = join(r, "");
        client_say(c, PUBLISH("ns:a", "\"p\""));
        rig_run(r, 6000);
        client_say(c, PUBLISH("ns:a", "\"p\""));
        rig_run(r, 6000);
        while (client_next(c) != NULL)
            continue;
        client_say(c, HISTORY("ns:a"));
        rig_run(r, 0);
        for (const char *at = answer(c); (at = strstr(at, "\"p\"")) != NULL;
             at++)
            left++;
        assert_int_equal(left, rows[i].left);
        rig_run(r, 6000);
        client_say(c, HISTORY("ns:a"));
        rig_run(r, 0);
        client_expect(
            c, "{\"id\":9,\"history\":{\"publications\":[],*\"offset\":2}}");
        rig_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscribe_passes_the_rules_in_their_order),
        cmocka_unit_test(a_publish_passes_the_rules_in_their_order),
        cmocka_unit_test(presence_is_there_before_it_is_permitted),
        cmocka_unit_test(history_is_there_before_it_is_permitted),
        cmocka_unit_test(data_is_what_the_namespace_says),
        cmocka_unit_test(no_data_is_null_to_clients_of_json),
        cmocka_unit_test(positions_are_granted_as_the_rules_say),
        cmocka_unit_test(joins_are_granted_as_the_rules_say),
        cmocka_unit_test(
            a_user_with_two_connections_joins_once_and_leaves_once),
        cmocka_unit_test(a_name_matches_the_pattern_of_its_namespace),
        cmocka_unit_test(a_name_without_a_namespace_has_its_pattern_as_a_whole),
        cmocka_unit_test(a_channel_has_so_many_publications_a_second),
        cmocka_unit_test(a_limit_comes_before_a_permission),
        cmocka_unit_test(a_history_reply_has_at_most_so_many_publications),
        cmocka_unit_test(a_whole_history_expires_after_its_newest_publication),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
