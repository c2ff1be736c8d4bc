/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervisor_users.c - who is registered, and what is done to them. */
#include "rig.h"

#include "failing_alloc.h"

struct session {
    struct fake *fake;
    struct pl_client *client;
};

static struct session session_create(struct rig *r, const char *user)
{
    struct session s = {.fake = fake_create(r, 0)};

    assert_int_equal(pl_client_create(&s.client, fake_address(s.fake),
                                      pl_sim_random(r->sim), pl_span_of(user),
                                      (struct pl_span){0}),
                     PL_OK);
    return s;
}

static void tell(struct rig *r, struct session s, bool is_leaving)
{
    struct pl_register_mail *m = pl_register_mail_create(is_leaving);

    assert_non_null(m);
    m->client = pl_client_hold(s.client);
    pl_actor_send(&s.fake->actor, r->address, &m->msg);
}

static void settle(struct rig *r)
{
    pl_sim_advance(r->sim, 0);
}

static void assert_users(struct rig *r, uint64_t all, uint64_t single,
                         uint64_t several)
{
    settle(r);
    assert_int_equal(r->metrics.value[PL_METRIC_USERS], all);
    assert_int_equal(r->metrics.value[PL_METRIC_USERS_SINGLE], single);
    assert_int_equal(r->metrics.value[PL_METRIC_USERS_SEVERAL], several);
}

/* In the name of `from`, who gets the answer. */
static void ask(struct rig *r, struct session from, struct pl_user_mail *m)
{
    pl_actor_send(&from.fake->actor, r->address, &m->msg);
    settle(r);
    assert_true(from.fake->answers > 0);
}

static struct pl_user_mail *ask_create(enum pl_user_ask ask, const char *user)
{
    struct pl_user_mail *m = pl_user_mail_create();

    assert_non_null(m);
    m->ask = ask;
    m->user = user == NULL ? NULL : pl_blob_create(pl_span_of(user));
    m->code = 3503;
    return m;
}

static struct pl_blob *id_of(struct session s)
{
    return pl_blob_create(pl_client_id(s.client));
}

static void end(struct rig *r, struct session *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pl_client_release(s[i].client);
    rig_destroy(r);
}

static void a_user_is_there_from_its_first_connection_to_its_last(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[3] = {session_create(r, "ada"), session_create(r, "ada"),
                           session_create(r, "bob")};

    (void)state;
    tell(r, s[0], false);
    assert_users(r, 1, 1, 0);
    tell(r, s[1], false);
    tell(r, s[2], false);
    assert_users(r, 2, 1, 1);
    tell(r, s[0], true);
    assert_users(r, 2, 2, 0);
    tell(r, s[1], true);
    assert_users(r, 1, 1, 0);
    tell(r, s[2], true);
    assert_users(r, 0, 0, 0);
    end(r, s, 3);
}

/* The seed decides the order. */
static void the_gauges_are_exact_across_churn(void **state)
{
    enum { SESSIONS = 40, USERS = 7, ROUNDS = 2000 };
    struct rig *r = rig_start(__func__);
    struct session s[SESSIONS];
    bool is_in[SESSIONS] = {false};
    unsigned of_user[USERS] = {0}, all = 0, single = 0;

    (void)state;
    for (unsigned i = 0; i < SESSIONS; i++) {
        char user[2] = {(char)('a' + i % USERS), '\0'};
        s[i] = session_create(r, user);
    }
    for (unsigned n = 0; n < ROUNDS; n++) {
        unsigned i = (unsigned)pl_random_u64(pl_sim_random(r->sim)) % SESSIONS;
        tell(r, s[i], is_in[i]);
        is_in[i] = !is_in[i];
        of_user[i % USERS] += is_in[i] ? 1u : -1u;
    }
    for (unsigned u = 0; u < USERS; u++) {
        all += of_user[u] > 0;
        single += of_user[u] == 1;
    }
    assert_users(r, all, single, all - single);
    for (unsigned i = 0; i < SESSIONS; i++) {
        if (is_in[i])
            tell(r, s[i], true);
    }
    assert_users(r, 0, 0, 0);
    end(r, s, SESSIONS);
}

static void leaving_without_having_come_changes_nothing(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[2] = {session_create(r, "ada"), session_create(r, "ada")};

    (void)state;
    tell(r, s[0], false);
    tell(r, s[1], true);
    assert_users(r, 1, 1, 0);
    tell(r, s[0], true);
    tell(r, s[0], true);
    assert_users(r, 0, 0, 0);
    end(r, s, 2);
}

static void while_stopping_a_registration_is_refused_with_3001(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[1] = {session_create(r, "ada")};

    (void)state;
    r->manager[0]->answer_after = 50;
    rig_stop(r);
    settle(r);
    assert_int_equal(rig_phase(r), PL_PHASE_GRACE);
    tell(r, s[0], false);
    assert_users(r, 0, 0, 0);
    assert_int_equal(s[0].fake->kicks, 1);
    assert_int_equal(s[0].fake->refusal, PL_REGISTER_STOPPING);
    assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_STOPPING], 1);
    end(r, s, 1);
}

static void
disconnect_kicks_all_connections_of_the_user_but_the_spared(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[4] = {session_create(r, "ada"), session_create(r, "ada"),
                           session_create(r, "ada"), session_create(r, "bob")};

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        tell(r, s[i], false);
    settle(r);
    struct pl_user_mail *m = ask_create(PL_USER_DISCONNECT, "ada");
    m->except = id_of(s[1]);
    ask(r, s[3], m);
    assert_int_equal(s[3].fake->connections, 2);
    assert_int_equal(s[0].fake->kicks, 1);
    assert_int_equal(s[0].fake->kick_code, 3503);
    assert_int_equal(s[1].fake->kicks, 0);
    assert_int_equal(s[2].fake->kicks, 1);
    assert_int_equal(s[3].fake->kicks, 0);
    end(r, s, 4);
}

/* The others are kicked; a second try finds memory. */
static void who_asks_is_told_that_memory_was_lacking(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[3] = {session_create(r, "ada"), session_create(r, "ada"),
                           session_create(r, "bob")};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        tell(r, s[i], false);
    settle(r);
    for (unsigned fails_at = 1; fails_at <= 2; fails_at++) {
        struct pl_user_mail *m = ask_create(PL_USER_DISCONNECT, "ada");

        alloc_fails_at = fails_at; /* the mail, and the id in it */
        ask(r, s[2], m);
        assert_int_equal(alloc_fails_at, 0);
        assert_int_equal(s[2].fake->connections, 1);
        assert_true(s[2].fake->lacks_memory);
    }
    assert_int_equal(s[0].fake->kicks + s[1].fake->kicks, 2);
    ask(r, s[2], ask_create(PL_USER_DISCONNECT, "ada"));
    assert_int_equal(s[2].fake->connections, 2);
    assert_false(s[2].fake->lacks_memory);
    end(r, s, 3);
}

static void
a_client_id_reaches_one_connection_of_the_right_user_only(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[2] = {session_create(r, "ada"), session_create(r, "ada")};

    (void)state;
    tell(r, s[0], false);
    tell(r, s[1], false);
    settle(r);
    struct pl_user_mail *m = ask_create(PL_USER_DISCONNECT, "eve");
    m->client = id_of(s[1]);
    ask(r, s[0], m);
    assert_int_equal(s[0].fake->connections, 0);
    m = ask_create(PL_USER_DISCONNECT, "ada");
    m->client = id_of(s[1]);
    ask(r, s[0], m);
    assert_int_equal(s[0].fake->connections, 1);
    m = ask_create(PL_USER_DISCONNECT, NULL);
    m->client = pl_blob_create(PL_SPAN("nonsense"));
    ask(r, s[0], m);
    assert_int_equal(s[0].fake->connections, 0);
    assert_int_equal(s[0].fake->kicks, 0);
    assert_int_equal(s[1].fake->kicks, 1);
    end(r, s, 2);
}

static void unsubscribe_names_the_channel_and_closes_nobody(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[1] = {session_create(r, "ada")};

    (void)state;
    tell(r, s[0], false);
    settle(r);
    struct pl_user_mail *m = ask_create(PL_USER_UNSUBSCRIBE, "ada");
    m->channel = pl_blob_create(PL_SPAN("news"));
    ask(r, s[0], m);
    assert_int_equal(s[0].fake->kicks, 1);
    assert_true(s[0].fake->was_unsubscribed);
    end(r, s, 1);
}

static void counting_tells_how_many_connections_a_user_has(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[2] = {session_create(r, ""), session_create(r, "")};

    (void)state;
    tell(r, s[0], false);
    tell(r, s[1], false);
    settle(r);
    ask(r, s[0], ask_create(PL_USER_COUNT, ""));
    assert_int_equal(s[0].fake->connections, 2);
    ask(r, s[0], ask_create(PL_USER_COUNT, "nobody"));
    assert_int_equal(s[0].fake->connections, 0);
    assert_int_equal(s[0].fake->kicks, 0);
    end(r, s, 2);
}

static void after_the_stop_no_user_is_left_in_the_gauges(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[1] = {session_create(r, "ada")};

    (void)state;
    tell(r, s[0], false); /* and never says goodbye */
    settle(r);
    rig_stop(r);
    assert_users(r, 0, 0, 0);
    assert_int_equal(r->stopped, 1);
    assert_non_null(strstr(r->last_warning, "left behind"));
    end(r, s, 1);
}

static void a_user_has_no_more_connections_than_its_limit(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[4] = {session_create(r, "ada"), session_create(r, "ada"),
                           session_create(r, "ada"), session_create(r, "bob")};

    (void)state;
    r->config->supervisor.limits.user_connections = 2;
    for (unsigned i = 0; i < 4; i++)
        tell(r, s[i], false);
    assert_users(r, 2, 1, 1);
    assert_int_equal(s[0].fake->kicks + s[1].fake->kicks + s[3].fake->kicks, 0);
    assert_int_equal(s[2].fake->kicks, 1); /* the newest */
    assert_int_equal(s[2].fake->refusal, PL_REGISTER_USER_LIMIT);
    assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_USER], 1);
    tell(r, s[2], true); /* its leave takes nobody else's place */
    assert_users(r, 2, 1, 1);
    tell(r, s[0], true);
    tell(r, s[2], false);
    assert_users(r, 2, 1, 1);
    assert_int_equal(s[2].fake->kicks, 1);
    end(r, s, 4);
}

static void tell_single(struct rig *r, struct session s)
{
    struct pl_register_mail *m = pl_register_mail_create(false);

    assert_non_null(m);
    m->client = pl_client_hold(s.client);
    m->is_single = true;
    pl_actor_send(&s.fake->actor, r->address, &m->msg);
    settle(r);
}

static void the_newest_of_single_connections_closes_the_others(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[5] = {session_create(r, "ada"), session_create(r, "ada"),
                           session_create(r, "bob"), session_create(r, ""),
                           session_create(r, "")};

    (void)state;
    r->config->supervisor.limits.user_connections = 1;
    for (unsigned i = 0; i < 5; i++)
        tell_single(r, s[i]);
    assert_int_equal(s[0].fake->kicks, 1);
    assert_int_equal(s[0].fake->kick_code, 3504);
    for (unsigned i = 1; i < 5; i++)
        assert_int_equal(s[i].fake->kicks, 0); /* "" is no user */
    assert_int_equal(r->metrics.value[PL_METRIC_CLOSED_OLDER], 1);
    assert_int_equal(r->metrics.value[PL_METRIC_REFUSED_USER], 0);
    tell(r, s[0], true); /* it takes nobody with it */
    tell_single(r, s[0]);
    assert_int_equal(s[0].fake->kicks, 1);
    assert_int_equal(s[1].fake->kicks, 1);
    end(r, s, 5);
}

static void a_single_connection_without_memory_closes_itself(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[2] = {session_create(r, "ada"), session_create(r, "ada")};
    struct pl_register_mail *m = pl_register_mail_create(false);

    (void)state;
    tell_single(r, s[0]);
    m->client = pl_client_hold(s[1].client);
    m->is_single = true;
    pl_actor_send(&s[1].fake->actor, r->address, &m->msg);
    alloc_fails_at = 1;
    settle(r);
    alloc_fails_at = 0;
    assert_int_equal(s[0].fake->kicks, 0);
    assert_int_equal(s[1].fake->refusal, PL_REGISTER_NO_MEMORY);
    end(r, s, 2);
}

static void who_is_not_taken_hears_of_it_without_memory(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[2] = {session_create(r, "ada"), session_create(r, "ada")};

    (void)state;
    r->config->supervisor.limits.user_connections = 1;
    tell(r, s[0], false);
    settle(r);
    tell(r, s[1], false);
    alloc_fails_at = 1;
    settle(r);
    alloc_fails_at = 0;
    assert_int_equal(s[1].fake->kicks, 1);
    assert_int_equal(s[1].fake->refusal, PL_REGISTER_USER_LIMIT);
    assert_int_equal(s[0].fake->kicks, 0);
    end(r, s, 2);
}

static void anonymous_connections_are_not_limited(void **state)
{
    struct rig *r = rig_start(__func__);
    struct session s[3] = {session_create(r, ""), session_create(r, ""),
                           session_create(r, "")};

    (void)state;
    r->config->supervisor.limits.user_connections = 1;
    for (unsigned i = 0; i < 3; i++)
        tell(r, s[i], false);
    assert_users(r, 1, 0, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(s[i].fake->kicks, 0);
    end(r, s, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_no_more_connections_than_its_limit),
        cmocka_unit_test(the_newest_of_single_connections_closes_the_others),
        cmocka_unit_test(a_single_connection_without_memory_closes_itself),
        cmocka_unit_test(who_is_not_taken_hears_of_it_without_memory),
        cmocka_unit_test(anonymous_connections_are_not_limited),
        cmocka_unit_test(a_user_is_there_from_its_first_connection_to_its_last),
        cmocka_unit_test(the_gauges_are_exact_across_churn),
        cmocka_unit_test(leaving_without_having_come_changes_nothing),
        cmocka_unit_test(while_stopping_a_registration_is_refused_with_3001),
        cmocka_unit_test(
            disconnect_kicks_all_connections_of_the_user_but_the_spared),
        cmocka_unit_test(who_asks_is_told_that_memory_was_lacking),
        cmocka_unit_test(
            a_client_id_reaches_one_connection_of_the_right_user_only),
        cmocka_unit_test(unsubscribe_names_the_channel_and_closes_nobody),
        cmocka_unit_test(counting_tells_how_many_connections_a_user_has),
        cmocka_unit_test(after_the_stop_no_user_is_left_in_the_gauges),
    };

    return cmocka_run_group_tests_name("supervisor_users", tests, NULL, NULL);
}
