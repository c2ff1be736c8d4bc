/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_personal.c - personal channels of users: who gets which, and
 * what the rules of its namespace say. */
#include "commands.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Personal channels --- */

static struct rig *start_personal(const char *rules, const char *space)
{
    char spaces[256], name[80];
    const char *sets[] = {"auth.hmac_secret=" RIG_SECRET, spaces,
                          "channels.personal=true", name};
    const struct rig_options o = {
        .sets = sets, .set_count = 4, .is_secure = true};

    snprintf(spaces, sizeof spaces, "namespaces=[{name: own, %s}]", rules);
    snprintf(name, sizeof name, "channels.personal_namespace=%s", space);
    return rig_create(1, &o);
}

static struct client *log_in(struct rig *r, const char *user,
                             const char *expected)
{
    struct client *c = client_open(r, 0);
    char *token = rig_token(r, user, 0, NULL, 0);

    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    free(token);
    rig_run(r, 0);
    client_expect(c, expected);
    return c;
}

static void a_personal_channel_obeys_its_namespace(void **state)
{
    struct rig *r = start_personal(
        "presence: true, join_leave: true, push_join_leave: true, "
        "allow_subscriber_publish: authenticated, "
        "allow_subscriber_presence: authenticated",
        "own");
    struct client *a =
        log_in(r, "42", "{\"id\":1,\"connect\":{*\"#42\":*\"own:#42\":{}*");

    (void)state;
    client_expect(a, "{\"push\":{\"channel\":\"own:#42\",\"join\":*");
    client_say(a, PUBLISH("own:#42", "1"));
    rig_run(r, 0);
    client_expect(a, "{\"push\":{\"channel\":\"own:#42\",\"pub\":*");
    client_expect(a, "{\"id\":9,\"publish\":{}}");
    client_say(a, PRESENCE("own:#42"));
    rig_run(r, 0);
    client_expect(a, "{\"id\":9,\"presence\":{*\"user\":\"42\"*");
    client_say(a, HISTORY("own:#42"));
    client_say(a, PUBLISH("#42", "1"));
    rig_run(r, 0);
    client_expect(a, ERROR(108));
    client_expect(a, ERROR(103));
    rig_destroy(r);
}

static void a_personal_channel_is_closed_to_others(void **state)
{
    static const char *const lists[] = {"ignored", "closed", "obeyed"};
    char rules[160];

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(rules, sizeof rules,
                 "presence: true, allow_subscribe: all, allow_presence: all, "
                 "user_lists: %s",
                 lists[i]);
        struct rig *r = start_personal(rules, "own");
        struct client *c = log_in(r, "b", "{\"id\":1,\"connect\":{*");
        client_say(c, SUBSCRIBE("own:#a"));
        client_say(c, SUBSCRIBE("own:#a#b"));
        client_say(c, SUBSCRIBE("own:#a,b"));
        client_say(c, SUBSCRIBE("$own:#b"));
        rig_run(r, 0);
        for (int n = 0; n < 4; n++)
            client_expect(c, ERROR(103));
        if (i < 2) {
            client_say(c, PRESENCE("own:#a"));
            rig_run(r, 0);
            client_expect(c, ERROR(103));
        }
        client_say(c, SUBSCRIBE("own:#b"));
        rig_run(r, 0);
        client_expect(c, ERROR(105)); /* it has its own */
        rig_destroy(r);
    }
}

static void without_a_namespace_the_inbox_is_the_personal_channel(void **state)
{
    static const char *const sets[] = {
        ("auth.hmac_secret=" RIG_SECRET),
        "channels.personal=true",
        "channels.join_leave=true",
        "channels.push_join_leave=true",
        "channels.allow_publish=authenticated",
    };
    const struct rig_options o = {
        .sets = sets, .set_count = 5, .is_secure = true};
    struct rig *r = rig_create(1, &o);
    struct client *c =
        log_in(r, "42", "{\"id\":1,\"connect\":{*\"subs\":{\"#42\":{}}*");

    (void)state;
    client_expect(c, "{\"push\":{\"channel\":\"#42\",\"join\":*");
    client_say(c, PUBLISH("#42", "1"));
    client_say(c, PUBLISH("#7", "1"));
    rig_run(r, 0);
    client_expect(c, "{\"id\":9,\"error\":{\"code\":103,*");
    client_expect(c, "{\"push\":{\"channel\":\"#42\",\"pub\":*");
    client_expect(c, "{\"id\":9,\"publish\":{}}");
    rig_destroy(r);
}

static void a_user_too_long_for_the_channel_gets_no_login(void **state)
{
    struct rig *r = start_personal("presence: true", "own");
    char user[252];

    (void)state;
    memset(user, 'u', sizeof user);
    user[250] = '\0'; /* "own:#" and 250 bytes are 255 */
    log_in(r, user, "{\"id\":1,\"connect\":{*");
    user[250] = 'u';
    user[251] = '\0';
    log_in(r, user, "{\"id\":1,\"error\":{\"code\":107,*");
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_personal_channel_obeys_its_namespace),
        cmocka_unit_test(a_personal_channel_is_closed_to_others),
        cmocka_unit_test(without_a_namespace_the_inbox_is_the_personal_channel),
        cmocka_unit_test(a_user_too_long_for_the_channel_gets_no_login),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
