/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervisor_denials.c - what an order to revoke or to block does. */
#include "rig.h"

#include "denial_mail.h"
#include "failing_alloc.h"
#include "look_mail.h"

/* Asks, and stands for the session manager of its loop: keeps what it gets. */
struct asker {
    struct pl_actor actor; /* first */
    unsigned denied, removed, answers;
    bool denied_first; /* the change came before the answer */
    enum pl_err err;
    uint32_t connections;
    struct pl_denial denial; /* of the last answer, without its texts */
    char rows[512];
};

static void on_answer(struct asker *a, const struct pl_denial_mail *m)
{
    a->answers++;
    a->denied_first = a->denied > 0;
    a->err = m->err;
    a->connections = m->connections;
    a->denial = m->denial;
}

static void asker_receive(struct pl_actor *actor, struct pl_msg *msg)
{
    struct asker *a = (struct asker *)actor;

    if (msg->type == PL_MAIL_DENIAL) {
        on_answer(a, (struct pl_denial_mail *)msg);
    } else if (msg->type == PL_MAIL_DENIED) {
        a->denied++;
        a->removed += ((struct pl_denied_mail *)msg)->is_removed;
    } else if (msg->type == PL_MAIL_LOOK) {
        const struct pl_look_mail *m = (struct pl_look_mail *)msg;

        assert_false(m->has_more);
        snprintf(a->rows, sizeof a->rows, "%.*s", (int)m->rows.len,
                 m->rows.data);
    } else {
        pl_actor_refuse(actor, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static void asker_reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops asker_ops = {
    .name = "asker",
    .mailbox_limit = 64,
    .receive = asker_receive,
    .reap = asker_reap,
};

struct world {
    struct rig *rig;
    struct asker asker;
};

static void set_up(struct world *w, const char *test)
{
    memset(w, 0, sizeof *w);
    w->rig = rig_start(test);
    assert_int_equal(
        pl_actor_init(&w->asker.actor,
                      pl_system_loop(pl_sim_system(w->rig->sim), 0),
                      &asker_ops),
        PL_OK);
    assert_int_equal(pl_supervisor_add_session_manager(
                         w->rig->supervisor, pl_actor_address(&w->asker.actor)),
                     PL_OK);
    pl_sim_advance(w->rig->sim, 10 * 1000 * 1000); /* so that there is a past */
}

static int64_t now_s(const struct world *w)
{
    const struct pl_clock *c = pl_system_clock(pl_sim_system(w->rig->sim));

    return (int64_t)(c->wall(c) / 1000);
}

static struct pl_denial_mail *
order_create(enum pl_denial_ask ask, enum pl_denial_kind kind, const char *name)
{
    struct pl_denial_mail *m = pl_denial_mail_create();

    assert_non_null(m);
    m->ask = ask;
    m->denial.kind = kind;
    m->name = pl_blob_create(pl_span_of(name));
    return m;
}

static void give(struct world *w, struct pl_denial_mail *m)
{
    unsigned before = w->asker.answers;

    pl_actor_send(&w->asker.actor, w->rig->address, &m->msg);
    pl_sim_advance(w->rig->sim, 0);
    assert_int_equal(w->asker.answers, before + 1);
}

static void order(struct world *w, enum pl_denial_ask ask,
                  enum pl_denial_kind kind, const char *name)
{
    give(w, order_create(ask, kind, name));
}

struct session {
    struct fake *fake;
    struct pl_client *client;
};

static struct session enter(struct world *w, const char *user, bool has_token,
                            int64_t issued_at_s)
{
    struct session s = {.fake = fake_create(w->rig, 1)};
    struct pl_register_mail *m = pl_register_mail_create(false);

    assert_non_null(m);
    assert_int_equal(pl_client_create(&s.client, fake_address(s.fake),
                                      pl_sim_random(w->rig->sim),
                                      pl_span_of(user), (struct pl_span){0}),
                     PL_OK);
    m->client = pl_client_hold(s.client);
    m->has_token = has_token;
    m->issued_at_s = issued_at_s;
    pl_actor_send(&s.fake->actor, w->rig->address, &m->msg);
    pl_sim_advance(w->rig->sim, 0);
    return s;
}

static void tear_down(struct world *w, struct session *s, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pl_client_release(s[i].client);
    rig_destroy(w->rig);
}

static void a_block_closes_all_of_the_user_and_keeps_it_out(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, __func__);
    struct session s[] = {enter(&w, "ann", true, 1),
                          enter(&w, "ann", false, 0),
                          enter(&w, "bob", true, 1),
                          {0},
                          {0}};
    order(&w, PL_DENIAL_ADD, PL_DENIAL_USER, "ann");
    assert_int_equal(w.asker.err, PL_OK);
    assert_int_equal(w.asker.connections, 2);
    assert_true(w.asker.denied_first);
    assert_int_equal(s[0].fake->kick_code, 3503);
    assert_int_equal(s[1].fake->kick_code, 3503);
    assert_int_equal(s[2].fake->kicks, 0);
    s[3] = enter(&w, "ann", true, now_s(&w));
    assert_int_equal(s[3].fake->refusal, PL_REGISTER_BLOCKED);
    order(&w, PL_DENIAL_REMOVE, PL_DENIAL_USER, "ann");
    assert_int_equal(w.asker.err, PL_OK);
    assert_int_equal(w.asker.removed, 1);
    s[4] = enter(&w, "ann", true, now_s(&w));
    assert_int_equal(s[4].fake->kicks, 0);
    order(&w, PL_DENIAL_REMOVE, PL_DENIAL_USER, "ann");
    assert_int_equal(w.asker.err, PL_ENOENT);
    tear_down(&w, s, 5);
}

static void old_tokens_are_refused_at_the_registration(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, __func__);
    order(&w, PL_DENIAL_ADD, PL_DENIAL_TOKENS, "ann");
    assert_int_equal(w.asker.err, PL_OK);
    assert_int_equal(w.asker.denial.issued_before_s, now_s(&w));
    struct session s[] = {
        enter(&w, "ann", true, now_s(&w) - 1), enter(&w, "ann", true, 0),
        enter(&w, "ann", true, now_s(&w)), enter(&w, "ann", false, 0)};
    assert_int_equal(s[0].fake->refusal, PL_REGISTER_REVOKED);
    assert_int_equal(s[1].fake->refusal, PL_REGISTER_REVOKED);
    assert_int_equal(s[2].fake->kicks, 0);
    assert_int_equal(s[3].fake->kicks, 0); /* no token admitted it */
    tear_down(&w, s, 4);
}

static void a_wrong_order_changes_nothing(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, __func__);
    order(&w, PL_DENIAL_ADD, PL_DENIAL_USER, "");
    assert_int_equal(w.asker.err, PL_EINVAL);
    struct pl_denial_mail *m =
        order_create(PL_DENIAL_ADD, PL_DENIAL_USER, "ann");
    m->denial.expires_at_s = now_s(&w);
    give(&w, m);
    assert_int_equal(w.asker.err, PL_EINVAL); /* it would be over */
    m = order_create(PL_DENIAL_ADD, PL_DENIAL_USER, "ann");
    m->channel = pl_blob_create(PL_SPAN("room"));
    give(&w, m);
    assert_int_equal(w.asker.err, PL_EINVAL);
    assert_int_equal(w.asker.denied, 0);
    assert_int_equal(w.rig->metrics.value[PL_METRIC_DENIALS], 0);
    tear_down(&w, NULL, 0);
}

static void denials_can_be_read_and_listed(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, __func__);
    struct pl_denial_mail *m =
        order_create(PL_DENIAL_ADD, PL_DENIAL_USER, "a\"n");
    m->denial.expires_at_s = now_s(&w) + 60;
    give(&w, m);
    order(&w, PL_DENIAL_READ, PL_DENIAL_USER, "a\"n");
    assert_int_equal(w.asker.err, PL_OK);
    assert_int_equal(w.asker.denial.expires_at_s, now_s(&w) + 60);
    order(&w, PL_DENIAL_READ, PL_DENIAL_TOKEN, "a\"n");
    assert_int_equal(w.asker.err, PL_ENOENT);
    struct pl_look_mail *l = pl_look_mail_create();
    l->kind = PL_LOOK_DENIALS;
    l->most = 10;
    pl_actor_send(&w.asker.actor, w.rig->address, &l->msg);
    pl_sim_advance(w.rig->sim, 0);
    char row[128];
    snprintf(row, sizeof row,
             "{\"kind\":\"user\",\"user\":\"a\\\"n\",\"expire_at\":%lld}",
             (long long)now_s(&w) + 60);
    assert_string_equal(w.asker.rows, row);
    assert_int_equal(w.rig->metrics.value[PL_METRIC_DENIALS], 1);
    assert_int_equal(w.rig->metrics.value[PL_METRIC_DENIALS_BYTES], 3);
    tear_down(&w, NULL, 0);
}

/* Each allocation of the order fails once. */
static void without_memory_an_order_does_nothing_or_all(void **state)
{
    struct world w;
    unsigned at = 0;

    (void)state;
    set_up(&w, __func__);
    do {
        struct pl_denial_mail *m =
            order_create(PL_DENIAL_ADD, PL_DENIAL_TOKEN, "id");

        pl_actor_send(&w.asker.actor, w.rig->address, &m->msg);
        alloc_fails_at = ++at;
        pl_sim_advance(w.rig->sim, 0);
        alloc_fails_at = 0;
        if (w.asker.err == PL_OK)
            break;
        assert_int_equal(w.asker.err, PL_ENOMEM);
        assert_int_equal(w.asker.denied, 0);
        assert_int_equal(w.rig->metrics.value[PL_METRIC_DENIALS], 0);
    } while (at < 100);
    assert_true(at > 5);
    assert_int_equal(w.asker.denied, 1);
    tear_down(&w, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_closes_all_of_the_user_and_keeps_it_out),
        cmocka_unit_test(old_tokens_are_refused_at_the_registration),
        cmocka_unit_test(a_wrong_order_changes_nothing),
        cmocka_unit_test(denials_can_be_read_and_listed),
        cmocka_unit_test(without_memory_an_order_does_nothing_or_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
