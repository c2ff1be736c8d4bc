/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_denied.c - revoked tokens and blocked users, as the sessions of
 * a loop meet them; the supervisor's part is in test_supervisor_denials.c. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "denial_mail.h"
#include "jws.h"

static const char *const sets[] = {("auth.hmac_secret=" RIG_SECRET),
                                   "ping.interval=0",
                                   "channels.allow_subscribe=none"};

enum { PAST_S = 3600 };

static struct rig *set_up(const char *test)
{
    struct rig_options o = {.sets = sets, .set_count = 3};
    struct rig *r = rig_start(test, &o);

    rig_run(r, (uint64_t)PAST_S * 1000); /* so that there is a past */
    return r;
}

static long long now_s(const struct rig *r)
{
    const struct pl_clock *clock = pl_system_clock(pl_sim_system(r->sim));

    return (long long)(clock->wall(clock) / 1000);
}

/* What the supervisor tells the session manager of the one loop. */
static void tell(struct rig *r, bool is_removed, struct pl_denial d)
{
    struct pl_denied_mail *m = pl_denied_mail_create();
    struct pl_blob *name = pl_blob_create(d.name);

    assert_non_null(m);
    assert_int_equal(pl_denial_item_create(&m->item, &d, name, NULL), PL_OK);
    pl_blob_release(name);
    m->is_removed = is_removed;
    m->now_s = now_s(r);
    pl_actor_send(&r->boss->actor, r->managers[0], &m->msg);
    rig_run(r, 0);
}

static void deny(struct rig *r, enum pl_denial_kind kind, const char *name)
{
    tell(r, false,
         (struct pl_denial){.kind = kind,
                            .name = pl_span_of(name),
                            .issued_before_s = now_s(r)});
}

/* What the supervisor sends a connection of a user with old tokens. */
static void kick_old(struct client *c)
{
    struct pl_kick_mail *m = pl_kick_mail_create();

    assert_non_null(m);
    m->code = PL_DISCONNECT_INVALID_TOKEN;
    m->issued_before_s = now_s(c->rig);
    rig_mail(c, &m->msg);
    rig_run(c->rig, 0);
}

static struct pl_buf token; /* freed with the rig */

/* A token with `payload`, in which a %lld is the time in `in_s` seconds; valid
 * until the next call. */
static const char *sign(const struct rig *r, const char *payload,
                        long long in_s)
{
    struct pl_jws_key *key;
    char text[512];

    pl_buf_fini(&token);
    snprintf(text, sizeof text, payload, now_s(r) + in_s);
    assert_int_equal(pl_jws_key_of_secret(&key, PL_SPAN(RIG_SECRET)), PL_OK);
    assert_int_equal(pl_jws_write(key, PL_JWS_HS256, pl_span_of(text), &token),
                     PL_OK);
    pl_buf_put_byte(&token, '\0');
    pl_jws_key_release(key);
    return token.data;
}

static void end(struct rig *r)
{
    pl_buf_fini(&token);
    rig_destroy(r);
}

static struct client *try_in(struct rig *r, const char *payload, long long in_s)
{
    struct client *c = client_open(r, 0);

    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
                sign(r, payload, in_s));
    rig_run(r, 0);
    return c;
}

static struct client *enter(struct rig *r, const char *payload, long long in_s)
{
    struct client *c = try_in(r, payload, in_s);

    const char *reply = client_next(c);
    assert_non_null(reply);
    assert_int_equal(
        sscanf(reply, "{\"id\":1,\"connect\":{\"client\":\"%63[^\"]", c->id),
        1);
    return c;
}

/* `what` is the beginning of a command. */
static void say_with_token(struct client *c, const char *what,
                           const char *payload, long long in_s)
{
    client_sayf(c, "{\"id\":2,%s\"token\":\"%s\"}}", what,
                sign(c->rig, payload, in_s));
    rig_run(c->rig, 0);
}

#define BY_ID "{\"sub\":\"ann\",\"jti\":\"t1\"}"

static void a_revoked_token_connects_nobody(void **state)
{
    struct rig *r = set_up(__func__);

    (void)state;
    deny(r, PL_DENIAL_TOKEN, "t1");
    client_expect_close(try_in(r, BY_ID, 0), 3500);
    enter(r, "{\"sub\":\"ann\",\"jti\":\"t2\"}", 0);
    enter(r, "{\"sub\":\"t1\"}", 0);
    assert_int_equal(rig_metric(r, PL_METRIC_REFUSED_DENIED), 1);
    end(r);
}

static void the_connections_of_a_revoked_token_close(void **state)
{
    struct rig *r = set_up(__func__);
    struct client *c[] = {enter(r, BY_ID, 0), enter(r, BY_ID, 0),
                          enter(r, "{\"sub\":\"ann\",\"jti\":\"t2\"}", 0),
                          enter(r, "{\"sub\":\"ann\"}", 0)};

    (void)state;
    deny(r, PL_DENIAL_TOKEN, "t1");
    client_expect_close(c[0], 3500);
    client_expect_close(c[1], 3500);
    assert_int_equal(c[2]->closed, 0);
    assert_int_equal(c[3]->closed, 0);
    end(r);
}

#define REFRESH "\"refresh\":{"

static void a_refresh_changes_the_token_that_counts(void **state)
{
    struct rig *r = set_up(__func__);
    struct client *c = enter(r, BY_ID, 0), *d = enter(r, BY_ID, 0);

    (void)state;
    say_with_token(c, REFRESH, "{\"sub\":\"ann\",\"jti\":\"t2\"}", 0);
    client_expect(c, "{\"id\":2,\"refresh\":{*");
    deny(r, PL_DENIAL_TOKEN, "t1");
    client_expect_close(d, 3500);
    assert_int_equal(c->closed, 0);
    deny(r, PL_DENIAL_TOKEN, "t2");
    client_expect_close(c, 3500);
    end(r);
}

static void a_refresh_that_is_refused_changes_nothing(void **state)
{
    struct rig *r = set_up(__func__);
    struct client *c = enter(r, BY_ID, 0);

    (void)state;
    say_with_token(c, REFRESH,
                   "{\"sub\":\"ann\",\"jti\":\"t2\",\"expire_at\":%lld}", -1);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":110,*");
    deny(r, PL_DENIAL_TOKEN, "t2");
    assert_int_equal(c->closed, 0);
    deny(r, PL_DENIAL_TOKEN, "t1");
    client_expect_close(c, 3500);
    end(r);
}

static void a_revoked_token_refreshes_nothing(void **state)
{
    struct rig *r = set_up(__func__);
    struct client *c = enter(r, "{\"sub\":\"ann\"}", 0);

    (void)state;
    deny(r, PL_DENIAL_TOKEN, "t1");
    say_with_token(c, REFRESH, BY_ID, 0);
    client_expect_close(c, 3500);
    end(r);
}

#define ISSUED "{\"sub\":\"ann\",\"iat\":%lld}"

static void tokens_issued_before_a_time_connect_nobody(void **state)
{
    struct rig *r = set_up(__func__);

    (void)state;
    deny(r, PL_DENIAL_TOKENS, "ann");
    client_expect_close(try_in(r, ISSUED, -1), 3500);
    client_expect_close(try_in(r, "{\"sub\":\"ann\"}", 0), 3500);
    enter(r, ISSUED, 0);
    enter(r, "{\"sub\":\"bob\"}", 0);
    end(r);
}

static void connections_of_tokens_issued_before_a_time_close(void **state)
{
    struct rig *r = set_up(__func__);
    struct client *c[] = {enter(r, ISSUED, -1),
                          enter(r, "{\"sub\":\"ann\"}", 0),
                          enter(r, ISSUED, 0)};

    (void)state;
    for (int i = 0; i < 3; i++)
        kick_old(c[i]);
    client_expect_close(c[0], 3500);
    client_expect_close(c[1], 3500);
    assert_int_equal(c[2]->closed, 0);
    end(r);
}

static void a_blocked_user_does_not_come_in_until_it_may(void **state)
{
    const struct pl_denial d = {.kind = PL_DENIAL_USER, .name = PL_SPAN("ann")};
    struct rig *r = set_up(__func__);

    (void)state;
    deny(r, PL_DENIAL_USER, "ann");
    client_expect_close(try_in(r, "{\"sub\":\"ann\"}", 0), 3503);
    enter(r, "{\"sub\":\"bob\"}", 0);
    tell(r, true, d);
    enter(r, "{\"sub\":\"ann\"}", 0);
    end(r);
}

#define IN_ROOM "\"subscribe\":{\"channel\":\"room\","

static void a_revoked_token_opens_no_channel(void **state)
{
    struct rig *r = set_up(__func__);
    struct client *c = enter(r, "{\"sub\":\"ann\"}", 0);

    (void)state;
    deny(r, PL_DENIAL_TOKEN, "t1");
    say_with_token(c, IN_ROOM,
                   "{\"sub\":\"ann\",\"channel\":\"room\",\"jti\":\"t1\"}", 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
    say_with_token(c, IN_ROOM,
                   "{\"sub\":\"ann\",\"channel\":\"room\",\"exp\":%lld}", 60);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    say_with_token(c, "\"sub_refresh\":{\"channel\":\"room\",",
                   "{\"sub\":\"ann\",\"channel\":\"room\",\"jti\":\"t1\"}", 0);
    client_expect_close(c, 3500);
    end(r);
}

static void a_denial_that_is_over_denies_nothing(void **state)
{
    struct rig *r = set_up(__func__);

    (void)state;
    tell(r, false,
         (struct pl_denial){.kind = PL_DENIAL_USER,
                            .name = PL_SPAN("ann"),
                            .expires_at_s = now_s(r) + 10});
    client_expect_close(try_in(r, "{\"sub\":\"ann\"}", 0), 3503);
    rig_run(r, 10 * 1000);
    enter(r, "{\"sub\":\"ann\"}", 0);
    end(r);
}

static void a_token_without_a_user_is_refused_if_so_configured(void **state)
{
    const char *with[] = {"auth.hmac_secret=" RIG_SECRET,
                          "auth.anonymous_tokens=false"};
    struct rig_options o = {.sets = with, .set_count = 2};
    struct rig *r = rig_start(__func__, &o);

    (void)state;
    client_expect_close(try_in(r, "{\"sub\":\"\"}", 0), 3507);
    enter(r, "{\"sub\":\"ann\"}", 0);
    assert_int_equal(rig_metric(r, PL_METRIC_TOKENS_REJECTED), 1);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_token_connects_nobody),
        cmocka_unit_test(the_connections_of_a_revoked_token_close),
        cmocka_unit_test(a_refresh_changes_the_token_that_counts),
        cmocka_unit_test(a_refresh_that_is_refused_changes_nothing),
        cmocka_unit_test(a_revoked_token_refreshes_nothing),
        cmocka_unit_test(tokens_issued_before_a_time_connect_nobody),
        cmocka_unit_test(connections_of_tokens_issued_before_a_time_close),
        cmocka_unit_test(a_blocked_user_does_not_come_in_until_it_may),
        cmocka_unit_test(a_revoked_token_opens_no_channel),
        cmocka_unit_test(a_denial_that_is_over_denies_nothing),
        cmocka_unit_test(a_token_without_a_user_is_refused_if_so_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
